"""The exercise 12.plain_spans: cases, and the mistakes that have a name."""

import re
from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import on_result, written

Spans = list[tuple[int, int]]
WORDS = ("a", "red", "cat", "the", "mug", "and", "na\u00efve", "\u732b", "plate", "sees")
PAIR = "<object><patch_index_0195><patch_index_0911></object>"


def texts(rng: np.random.Generator) -> list[Case]:
    """Hyperlink texts: by hand, then random."""
    link = f"<phrase> a cat</phrase>{PAIR}"
    cells = ("<patch_index_0001><patch_index_0040>", "<patch_index_0002><patch_index_0050>")
    two = f"<object>{'</delimiter_of_multi_objects/>'.join(cells)}</object>"
    cases: list[Case] = [
        (f"<grounding> I see{link}.",),
        (f"<grounding>{link} and<phrase> a red mug</phrase>{PAIR}",),
        ("<grounding> nothing here",),
        (f"<grounding><phrase> two cats</phrase>{two} sleep",),
        (f"<grounding> see (<phrase>a cat</phrase>{PAIR})",),
        ("<grounding> I see<phrase> a cat</phrase> and a mug",),
        (f"<grounding> \u732b<phrase> na\u00efve cat</phrase>{PAIR} sees{link}",),
        ("",),
    ]
    for _ in range(8):
        parts = ["<grounding>"]
        for _ in range(int(rng.integers(1, 5))):
            said = " ".join(rng.choice(WORDS, int(rng.integers(1, 4))))
            boxes = PAIR if rng.random() < 0.8 else two
            parts.append(f"<phrase> {said}</phrase>{boxes}" if rng.random() < 0.6 else f" {said}")
        cases.append(("".join(parts),))
    return cases


def spans_with(
    clean: Callable[[str], str] = lambda text: re.sub("<[^>]*>", "", text),
    stripped: bool = True,
    end: Callable[[int, str], int] = lambda start, words: start + len(words),
    whole: Callable[[str], int] = lambda text: (
        len(re.sub("<[^>]*>", "", text)) - len(re.sub("<[^>]*>", "", text).lstrip())
    ),
):
    """The right spans, or their wrong relatives."""

    def answer(text: str) -> Spans:
        found, shift = [], whole(text)
        for match in re.finditer("<phrase>(.*?)</phrase>", text):
            words = match.group(1)
            start = len(clean(text[: match.start(1)])) - shift
            if stripped:
                start, words = start + len(words) - len(words.lstrip()), words.strip()
            found.append((start, end(start, words)))
        return found

    return answer


PLAIN_SPANS = Exercise(
    "12.plain_spans",
    texts,
    mistakes=(
        written(
            "places in the text with its tags",
            "Count in the text that is left when the tags are gone.",
            spans_with(clean=lambda text: text, whole=lambda text: 0),
        ),
        written(
            "the space at the beginning of the text not taken off",
            "The clean text is stripped: all spans move left by what was stripped.",
            spans_with(whole=lambda text: 0),
        ),
        written(
            "the space before the phrase counted to it",
            "The space stands inside the tag, and is no part of the phrase.",
            spans_with(stripped=False),
        ),
        written(
            "the last character in place of the end",
            "The end is exclusive: text[start:end] is the phrase.",
            spans_with(end=lambda start, words: start + len(words) - 1),
        ),
        written(
            "start and length",
            "Return (start, end), not (start, length).",
            spans_with(end=lambda start, words: len(words)),
        ),
        written(
            "bytes in place of characters",
            "Count characters of Python: one for each letter of any script.",
            spans_with(clean=lambda text: re.sub("<[^>]*>", "", text).encode().decode("latin-1")),
        ),
        on_result("the last phrase left out", "There is one span for every phrase.", lambda spans: spans[:-1]),
    ),
)
