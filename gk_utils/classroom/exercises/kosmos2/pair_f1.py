"""The exercise 12.pair_f1: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

Row = tuple[int, int, int]


def captions(rng: np.random.Generator) -> list[Case]:
    """Phrases as (boxes written, right ones, things named that are there): by hand, then random."""
    cases: list[Case] = [
        ([(1, 1, 1)],),
        ([(1, 0, 1)],),
        ([(2, 1, 2), (1, 1, 1)],),
        ([(1, 0, 0), (1, 1, 1)],),  # one is hallucinated
        ([(0, 0, 2), (1, 1, 1)],),  # one without boxes
        ([(4, 3, 3), (1, 0, 1), (2, 2, 2)],),
        ([],),
        ([(0, 0, 0)],),
        ([(1, 1, 3), (5, 2, 2)],),
    ]
    for _ in range(8):
        rows = []
        for _ in range(int(rng.integers(1, 6))):
            there = int(rng.integers(0, 5))
            right = int(rng.integers(0, there + 1))
            rows.append((right + int(rng.integers(0, 3)), right, there))
        cases.append((rows,))
    return cases


def f1_with(of: Callable[[int, int, int], float], each: bool = False):
    """F1 of the sums, or the mean over phrases."""

    def answer(phrases: list[Row]) -> float:
        if each:
            return sum(of(*row) for row in phrases) / max(len(phrases), 1)
        return of(*(sum(row[place] for row in phrases) for place in range(3)))

    return answer


def f1(written_boxes: int, right: int, there: int) -> float:
    """Twice the right ones over both."""
    return 2 * right / (written_boxes + there) if written_boxes + there else 0.0


PAIR_F1 = Exercise(
    "12.pair_f1",
    captions,
    mistakes=(
        written("the mean of the phrases' F1", "Add up over all phrases first, then one F1.", f1_with(f1, each=True)),
        written(
            "precision", "Missing boxes count as well.", f1_with(lambda boxes, right, there: right / max(boxes, 1))
        ),
        written("recall", "Wrong boxes count as well.", f1_with(lambda boxes, right, there: right / max(there, 1))),
        written(
            "hallucinated phrases left out",
            "A phrase that names nothing has wrong boxes: they count.",
            lambda phrases: f1_with(f1)([row for row in phrases if row[2]]),
        ),
        written(
            "phrases without boxes left out",
            "A phrase without boxes has missing ones: they count.",
            lambda phrases: f1_with(f1)([row for row in phrases if row[0]]),
        ),
        written(
            "IoU of the sets in place of F1",
            "F1 is 2 x right / (written + there).",
            f1_with(lambda boxes, right, there: right / max(boxes + there - right, 1)),
        ),
        written(
            "the factor 2 forgotten",
            "F1 is 2 x right / (written + there): 1 where all is right.",
            f1_with(lambda boxes, right, there: f1(boxes, right, there) / 2),
        ),
    ),
)
