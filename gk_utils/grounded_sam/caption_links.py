"""Captions whose words point at boxes: characters [start, end) of a text, and the boxes that they name.

Positions count Python's characters (code points) of the text as it is: `text[start:end]` is the phrase, whatever the
script and however accents are written. JavaScript counts other units: convert there, not here.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gk_utils.countertop.naming import with_article
from gk_utils.grounded_sam.grounded import Grounded

ARTICLES = ("the", "a", "an")


@dataclass(frozen=True)
class Mention:
    """Characters [start, end) of a caption name the boxes in `rows` of a result; `phrase` is what was asked for."""

    start: int
    end: int
    phrase: str
    rows: tuple[int, ...]


@dataclass(frozen=True)
class GroundedCaption:
    """A text and its mentions, in their order, none inside another.

    >>> GroundedCaption("a cat", (Mention(2, 5, "cat", (0,)),)).parts()
    ['cat']
    """

    text: str
    mentions: tuple[Mention, ...]

    def __post_init__(self) -> None:
        end = 0
        for mention in self.mentions:
            if not end <= mention.start < mention.end <= len(self.text):
                raise ValueError(
                    f"mentions: expected characters {end} to {len(self.text)}, in their order, got "
                    f"[{mention.start}, {mention.end}). Link the caption again."
                )
            end = mention.end

    def parts(self) -> list[str]:
        """The words of each mention."""
        return [self.text[mention.start : mention.end] for mention in self.mentions]


def write_caption(found: Grounded) -> GroundedCaption:
    """A plain caption of what was found, every phrase linked to all its boxes; "2 x mug" where there are two.

    >>> import torch
    >>> boxes, mask = torch.tensor([[0.0, 0.0, 1.0, 1.0]] * 2), {"size": [2, 2], "counts": [4]}
    >>> found = Grounded("a.png", (2, 2), ("mug", "cat"), boxes, ("mug", "mug"), torch.ones(2), (mask, mask))
    >>> write_caption(found)
    GroundedCaption(text='The picture shows 2 x mug.', mentions=(Mention(start=18, end=25, phrase='mug', rows=(0, 1)),))
    """
    text, mentions = "The picture shows ", []
    present = [phrase for phrase in found.asked if phrase in found.phrases]
    for place, phrase in enumerate(present):
        if place:
            text += " and " if place == len(present) - 1 else ", "
        rows = found.rows_of(phrase)
        bare = phrase.split()[0].lower() not in ARTICLES
        words = f"{len(rows)} x {phrase}" if len(rows) > 1 else with_article(phrase) if bare else phrase
        mentions.append(Mention(len(text), len(text) + len(words), phrase, rows))
        text += words
    return GroundedCaption(f"{text}." if present else f"{text}none of it.", tuple(mentions))


def link_caption(text: str, found: Grounded) -> GroundedCaption:
    """Find the phrases that were asked for in a caption, whatever their capitals and however accents are written.

    Whole words alone are found, so scripts without spaces between words are not served. Where two phrases fit the same
    place, the longer one is meant: "red mug", not "mug". A plural with s counts. A phrase that was not found in the
    picture is linked to no rows.

    >>> import torch
    >>> found = Grounded("a.png", (2, 2), ("café", "mug"), torch.zeros(0, 4), (), torch.zeros(0), ())
    >>> caption = link_caption("Cafe\u0301 with mugs", found)
    >>> [(mention.phrase, mention.start, mention.end) for mention in caption.mentions]
    [('café', 0, 5), ('mug', 11, 15)]
    """
    folded, ends = _fold(text)
    taken: list[tuple[int, int]] = []
    mentions = []
    for phrase in sorted(found.asked, key=len, reverse=True):
        for first, last in _places(folded, _fold(_without_article(phrase))[0]):
            if any(first < end and start < last for start, end in taken):
                continue
            taken.append((first, last))
            start, end = ends[first][0], ends[last - 1][1]
            mentions.append(Mention(start, end, phrase, found.rows_of(phrase)))
    return GroundedCaption(text, tuple(sorted(mentions, key=lambda mention: mention.start)))


def _fold(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text for comparing, and for each of its characters where in the original it comes from."""
    folded, origin = [], []
    for start, end in _clusters(text):
        plain = unicodedata.normalize("NFC", text[start:end]).casefold()
        folded += plain
        origin += [(start, end)] * len(plain)
    return "".join(folded), origin


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """A character and the marks that belong to it."""
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or not unicodedata.combining(text[place]):
            yield start, place
            start = place


def _places(text: str, phrase: str) -> Iterable[tuple[int, int]]:
    """Where the phrase stands as whole words, with or without a plural s."""
    at = text.find(phrase)
    while phrase and at >= 0:
        end = at + len(phrase)
        end += text[end : end + 1] == "s"
        if not text[at - 1 : at].isalnum() and not text[end : end + 1].isalnum():
            yield at, end
        at = text.find(phrase, at + 1)


def _without_article(phrase: str) -> str:
    words: Sequence[str] = phrase.split()
    return " ".join(words[1:] if len(words) > 1 and words[0].lower() in ARTICLES else words)
