"""The exercise 16.by_true: cases, and the mistakes that have a name."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

Numbers = list[float]


def counts(rng: np.random.Generator) -> list[Case]:
    """What was said, what is true, edges of the bins: on an edge, cancelling errors, an empty bin; then random ones."""
    edges = [1, 6, 21, 51]
    cases: list[Case] = [
        ([3.0, 5.0], [2, 5], edges),
        ([4.0, 8.0], [6, 6], edges),  # on an edge, and errors that cancel
        ([2.0, 30.0, 7.0], [2, 20, 21], edges),
        ([5.5], [50], edges),
        ([1.0, 1.0, 1.0], [1, 1, 60], [1, 21, 101]),
        ([12.0, 3.0], [4, 9], [1, 6, 21]),
        ([0.0], [0], [1, 6, 21]),  # in no bin
        ([10.0, 21.0, 19.0], [20, 20, 51], [1, 21, 51]),
    ]
    for _ in range(8):
        true = rng.integers(1, 100, int(rng.integers(4, 14)))
        said = (true * rng.uniform(0.6, 1.4, len(true))).round(1)
        cases.append((said.tolist(), true.tolist(), [1, 11, 31, 61, 101]))
    return cases


def binned(
    of: Callable[[Numbers], float | None] = lambda errors: sum(map(abs, errors)) / len(errors) if errors else None,
    by_said: bool = False,
    upper: bool = False,
    relative: bool = False,
) -> Callable[[Numbers, Sequence[int], Sequence[int]], list[float | None]]:
    """The error of each bin, or one of the wrong relatives."""

    def answer(said: Numbers, true: Sequence[int], edges: Sequence[int]) -> list[float | None]:
        result = []
        for low, high in pairwise(edges):
            errors = []
            for a, b in zip(said, true, strict=True):
                key = a if by_said else b
                if low < key <= high if upper else low <= key < high:
                    errors.append((a - b) / max(b, 1) if relative else a - b)
            result.append(of(errors))
        return result

    return answer


BY_TRUE = Exercise(
    "16.by_true",
    counts,
    mistakes=(
        written(
            "sorted by what was said",
            "A counter that says 5 for 50 would be judged among the fives. Sort by the true number.",
            binned(by_said=True),
        ),
        written(
            "errors that cancel",
            "Too many here and too few there are two errors: take the absolute value before the mean.",
            binned(lambda errors: sum(errors) / len(errors) if errors else None),
        ),
        written(
            "the upper edge in the bin",
            "A bin holds its lower edge, and the upper one belongs to the next: low <= true < high.",
            binned(upper=True),
        ),
        written(
            "0 for an empty bin",
            "No picture is no evidence, not a perfect score: None.",
            binned(lambda errors: sum(map(abs, errors)) / len(errors) if errors else 0.0),
        ),
        written(
            "the sum of the errors",
            "Divide by the number of pictures in the bin.",
            binned(lambda errors: sum(map(abs, errors)) if errors else None),
        ),
        written(
            "the root of the mean square",
            "That is the RMSE. Asked for is the mean of |said - true|.",
            binned(lambda errors: (sum(e * e for e in errors) / len(errors)) ** 0.5 if errors else None),
        ),
        written(
            "relative errors",
            "Do not divide by the true number.",
            binned(relative=True),
        ),
    ),
)
