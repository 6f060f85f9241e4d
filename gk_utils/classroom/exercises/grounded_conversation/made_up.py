"""The exercise 15.made_up: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import on_result, written
from gk_utils.countertop.things import CATEGORIES

Lists = list[list[str]]


def captions(rng: np.random.Generator) -> list[Case]:
    """What captions mention and what their pictures have: by hand, then random."""
    cases: list[Case] = [
        ([["cat", "mug"], ["mug"]], [["mug"], ["mug"]]),
        ([["cat"], ["mug", "mug", "mug"]], [["mug"], ["mug"]]),
        ([["cat", "cat", "mug"]], [["mug"]]),
        ([[], ["mug"]], [["cat"], ["cat"]]),
        ([[], []], [["cat"], []]),
        ([["mug", "cat", "bird", "spoon"]], [["mug", "cat"]]),
        ([["mug"], ["cat", "bird"], ["vase", "vase"]], [["mug"], ["cat"], []]),
        ([["plate", "apple"], ["apple"], ["bowl", "apple", "plate"]], [["apple"], ["apple"], ["apple"]]),
    ]
    for _ in range(8):
        said, there = [], []
        for _ in range(int(rng.integers(2, 9))):
            things = [str(name) for name in rng.choice(CATEGORIES, 4, replace=False)]
            more = [*things, *(str(name) for name in rng.choice(CATEGORIES, 2))]
            said.append([str(name) for name in rng.choice(more, int(rng.integers(0, 6)))])
            there.append(things)
        cases.append((said, there))
    return cases


def share(some: int, of: int) -> float:
    """A part of a whole; 0 of nothing."""
    return some / of if of else 0.0


def shares(
    *, once: bool = False, mean: bool = False, swapped: bool = False, spoken: bool = False
) -> Callable[[Lists, Lists], list[float]]:
    """CHAIR_i and CHAIR_s, or wrong relatives."""

    def answer(said: Lists, there: Lists) -> list[float]:
        rows = [list(dict.fromkeys(names)) if once else names for names in said]
        if swapped:
            wrong = [[name for name in things if name not in names] for names, things in zip(rows, there, strict=True)]
            rows = there
        else:
            wrong = [[name for name in names if name not in things] for names, things in zip(rows, there, strict=True)]
        bad = sum(map(bool, wrong))
        whole = sum(map(bool, rows)) if spoken else len(rows)
        if mean:
            each = [share(len(some), len(names)) for some, names in zip(wrong, rows, strict=True)]
            return [share(sum(each), len(each)), share(bad, whole)]
        return [share(sum(map(len, wrong)), sum(map(len, rows))), share(bad, whole)]

    return answer


MADE_UP = Exercise(
    "15.made_up",
    captions,
    mistakes=(
        written(
            "each thing counted once a caption",
            "Mentions count: who says cat twice made two.",
            shares(once=True),
        ),
        written(
            "the mean of the captions' shares",
            "CHAIR_i divides all wrong mentions by all mentions; long captions weigh more.",
            shares(mean=True),
        ),
        written(
            "what was left out instead of what was made up",
            "Wrong is a mention that is not in the picture, not a thing that no caption mentions.",
            shares(swapped=True),
        ),
        written(
            "captions without a mention left out",
            "CHAIR_s divides by all captions, also those that mention nothing.",
            shares(spoken=True),
        ),
        on_result("the two exchanged", "CHAIR_i comes first: mentions; then captions.", lambda found: found[::-1]),
        on_result(
            "the shares that are right",
            "CHAIR counts what is wrong; low is good.",
            lambda found: [1 - value for value in found],
        ),
    ),
)
