"""The exercise 07.label_kind: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import on_result, written

NOT_WORDS = ("[CLS]", "[SEP]", ".")
PHRASES = (["red", "mug"], ["cat"], ["chest", "of", "drawers"], ["spoon"], ["blue", "bowl"])
DRAWERS = ["[CLS]", "a", "chest", "of", "drawers", ".", "mug", ".", "[SEP]"]


def one_box(rng: np.random.Generator) -> list[Case]:
    """The scores of one box for each token, the tokens, the text threshold: each kind by hand, then random."""
    cases: list[Case] = [
        ([0.0, 0.6, 0.7, 0.5, 0.6, 0.1, 0.1, 0.0, 0.0], DRAWERS, 0.25),
        ([0.0, 0.6, 0.7, 0.1, 0.1, 0.1, 0.1, 0.0, 0.0], DRAWERS, 0.25),  # "a chest"
        ([0.0, 0.6, 0.7, 0.6, 0.1, 0.1, 0.1, 0.0, 0.0], DRAWERS, 0.25),  # "a chest of"
        ([0.0, 0.1, 0.7, 0.1, 0.1, 0.1, 0.6, 0.0, 0.0], DRAWERS, 0.25),  # "chest mug"
        ([0.0, 0.1, 0.2, 0.1, 0.1, 0.1, 0.2, 0.0, 0.0], DRAWERS, 0.25),
        ([0.0, 0.1, 0.2, 0.1, 0.1, 0.9, 0.2, 0.0, 0.9], DRAWERS, 0.25),  # separators alone
        ([0.9, 0.1, 0.2, 0.1, 0.1, 0.9, 0.6, 0.0, 0.0], DRAWERS, 0.25),  # separators beside a word
        ([0.0, 0.6, 0.7, 0.25, 0.6, 0.1, 0.1, 0.0, 0.0], DRAWERS, 0.25),  # exactly at the threshold
        ([0.0, 0.6, 0.7, 0.5, 0.6, 0.1, 0.8, 0.0, 0.0], DRAWERS, 0.25),  # two whole phrases
        ([0.0, 0.1, 0.1, 0.1, 0.9, 0.1, 0.1, 0.0, 0.0], DRAWERS, 0.5),
        ([0.0, 0.3, 0.9, 0.6, 0.4, 0.0], ["[CLS]", "red", "mug", ".", "cat", "."], 0.5),
        ([0.0, 0.7, 0.9, 0.2, 0.6, 0.2, 0.1, 0.0], ["[CLS]", "red", "mug", ".", "blue", "mug", ".", "[SEP]"], 0.5),
        ([0.0, 0.3, 0.4, 0.2, 0.3, 0.2, 0.1, 0.0], ["[CLS]", "red", "mug", ".", "blue", "mug", ".", "[SEP]"], 0.0),
    ]
    for _ in range(10):
        tokens = ["[CLS]"]
        for number in rng.choice(len(PHRASES), 2, replace=False):
            tokens += [*PHRASES[number], "."]
        tokens.append("[SEP]")
        cases.append((rng.random(len(tokens)).round(2).tolist(), tokens, float(rng.choice([0.3, 0.51, 0.75]))))
    return cases


def kind_with(
    passes: Callable[[float, float], bool] = lambda score, at: score > at,
    ignored: tuple[str, ...] = NOT_WORDS,
    several: Callable[[list[int], list[int]], bool] = lambda above, sizes: sum(n > 0 for n in above) > 1,
    whole: Callable[[list[int], list[int]], bool] = lambda above, sizes: any(
        0 < n == size for n, size in zip(above, sizes, strict=True)
    ),
):
    """The right kind, or one of its wrong relatives; counts of the words above the threshold and of all, by phrase."""

    def answer(scores: list[float], tokens: list[str], text_threshold: float) -> str:
        above, sizes = [0], [0]
        for score, token in zip(scores, tokens, strict=True):
            if token not in ignored:
                sizes[-1] += 1
                above[-1] += passes(score, text_threshold)
            if token == ".":
                above.append(0)
                sizes.append(0)
        if not any(above):
            return "empty"
        if several(above, sizes):
            return "merged"
        return "whole" if whole(above, sizes) else "cut"

    return answer


def by_best_word(scores: list[float], tokens: list[str], text_threshold: float) -> str:
    """The phrase of the best word alone is looked at."""
    best = max(
        (score, -i) for i, (score, token) in enumerate(zip(scores, tokens, strict=True)) if token not in NOT_WORDS
    )
    first = -best[1]
    last = tokens.index(".", first)
    while first and tokens[first - 1] not in NOT_WORDS:
        first -= 1
    return kind_with()(scores[first:last], tokens[first:last], text_threshold)


LABEL_KIND = Exercise(
    "07.label_kind",
    one_box,
    mistakes=(
        written(
            ">= in place of >",
            "A token must score more than the threshold to be read.",
            kind_with(passes=lambda score, at: score >= at),
        ),
        written(
            "separators counted as words",
            "[CLS], [SEP] and dots are no words: leave them out.",
            kind_with(ignored=()),
        ),
        written(
            "dots counted as words",
            "A dot belongs to no label: leave it out, as [CLS] and [SEP].",
            kind_with(ignored=("[CLS]", "[SEP]")),
        ),
        written(
            "merged for whole phrases alone",
            "One word of a second phrase is enough to merge two.",
            kind_with(
                several=lambda above, sizes: sum(0 < n == size for n, size in zip(above, sizes, strict=True)) > 1
            ),
        ),
        written(
            "merged for every label of several words",
            "Several words of one phrase are one label. Count the phrases that words come from.",
            kind_with(several=lambda above, sizes: sum(above) > 1),
        ),
        written(
            "whole as soon as most words are there",
            "A whole label has every word of its phrase.",
            kind_with(whole=lambda above, sizes: any(2 * n > size for n, size in zip(above, sizes, strict=True))),
        ),
        written(
            "the phrase of the best word alone",
            "Look at all phrases: words of another one may be above the threshold too.",
            by_best_word,
        ),
        on_result(
            "whole and cut exchanged",
            "A label is cut where a word of its phrase is missing.",
            lambda kind: {"whole": "cut", "cut": "whole"}.get(kind, kind),
        ),
    ),
)
