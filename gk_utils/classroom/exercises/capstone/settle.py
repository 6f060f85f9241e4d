"""The exercise 17.settle: cases, and the mistakes that have a name."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

Said = tuple[bool | None, float]


def two_witnesses(rng: np.random.Generator) -> list[Case]:
    """What two witnesses say: agreeing, silent, at odds by much and by little; then random."""
    cases: list[Case] = [
        ((True, 0.9), (True, 0.2)),
        ((False, 0.3), (False, 0.9)),
        ((None, 0.0), (True, 0.4)),
        ((False, 0.1), (None, 0.0)),
        ((None, 0.0), (None, 0.0)),
        ((True, 0.75), (False, 0.25)),  # exactly 0.5 surer
        ((True, 0.25), (False, 0.5)),
        ((False, 0.125), (True, 1.0)),
        ((True, 0.5), (False, 0.5)),
        ((False, 1.0), (True, 0.125)),
        ((None, 0.0), (False, 0.0)),
        ((True, 0.5), (False, 0.25)),
    ]
    for _ in range(10):
        pair = []
        for _ in range(2):
            truth = (True, False, None)[int(rng.integers(3))]
            pair.append((truth, 0.0 if truth is None else int(rng.integers(9)) / 8))
        cases.append(tuple(pair))
    return cases


def settled(
    gap: float = 0.5,
    strict: bool = False,
    at_odds: Callable[[Said, Said], list[Any]] | None = None,
    nothing: Callable[[Said], Said] = lambda said: said,
    agree: str = "both",
) -> Callable[[Said, Said], list[Any]]:
    """The right answer, or one of its wrong relatives."""

    def answer(boxes: Said, model: Said) -> list[Any]:
        boxes, model = nothing(boxes), nothing(model)
        (a, x), (b, y) = boxes, model
        if a is None and b is None:
            return [None, "nobody"]
        if a is None or b is None:
            return [b, "model"] if a is None else [a, "boxes"]
        if a == b:
            return [a, agree]
        if at_odds is not None:
            return at_odds(boxes, model)
        far = abs(x - y) > gap if strict else abs(x - y) >= gap
        return ([a, "boxes"] if x > y else [b, "model"]) if far else [None, "conflict"]

    return answer


def first_if_known(boxes: Said, model: Said) -> list[Any]:
    """The boxes, wherever they say anything, and agreement is not noticed."""
    return [boxes[0], "boxes"] if boxes[0] is not None else settled()(boxes, model)


SETTLE = Exercise(
    "17.settle",
    two_witnesses,
    mistakes=(
        written(
            "None taken for False",
            "None is silence, not a no: a witness that cannot say does not contradict. Test with `is None`.",
            settled(nothing=lambda said: (bool(said[0]), said[1])),
        ),
        written("the boxes always win", "Where both speak, agreement and margins count.", first_if_known),
        written(
            "the surer one wins, by however little",
            "At odds by less than 0.5 nobody wins: return [None, 'conflict'].",
            settled(gap=0.0, at_odds=lambda a, b: [a[0], "boxes"] if a[1] >= b[1] else [b[0], "model"]),
        ),
        written(
            "every contradiction a conflict",
            "A witness whose margin is larger by 0.5 or more wins.",
            settled(at_odds=lambda a, b: [None, "conflict"]),
        ),
        written("more than 0.5", "A lead of exactly 0.5 is enough: >=.", settled(strict=True)),
        written(
            "the less sure one wins",
            "The larger margin wins.",
            settled(
                at_odds=lambda a, b: (
                    [None, "conflict"]
                    if abs(a[1] - b[1]) < 0.5
                    else ([b[0], "model"] if a[1] > b[1] else [a[0], "boxes"])
                )
            ),
        ),
        written(
            "yes if anybody says yes",
            "Two witnesses at odds are settled by their margins, not by `or`.",
            settled(at_odds=lambda a, b: [True, "boxes" if a[0] else "model"]),
        ),
    ),
)
