"""The exercise 16.kept_mass: cases, and the mistakes that have a name."""

import math
from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import on_result, written

Row = list[float]


def rows(rng: np.random.Generator) -> list[Case]:
    """Points in a row of cells: in the middle, at the border, two, none; then random ones."""
    cases: list[Case] = [
        ([2.5], 5, 1.0),
        ([0.0], 4, 1.0),
        ([4.0], 4, 0.5),
        ([], 3, 1.0),
        ([1.0, 1.0, 6.25], 7, 2.0),
        ([3.2], 9, 0.6),
        ([0.1, 11.9], 12, 3.0),
        ([2.0], 3, 1.5),
    ]
    for _ in range(8):
        length, n = int(rng.integers(3, 14)), int(rng.integers(1, 5))
        cases.append((rng.uniform(0, length, n).round(2).tolist(), length, round(float(rng.uniform(0.5, 3)), 2)))
    return cases


def density(
    power: Callable[[float, float], float] = lambda away, sigma: away**2 / (2 * sigma**2),
    scale: Callable[[Row, float], float] = lambda row, sigma: sum(row),
    at: float = 0.5,
    snap: bool = False,
) -> Callable[[Row, int, float], Row]:
    """The density of a row, or one of its wrong relatives."""

    def answer(points: Row, length: int, sigma: float) -> Row:
        total = [0.0] * length
        for point in points:
            middle = min(int(point), length - 1) + 0.5 if snap else point
            row = [math.exp(-power(k + at - middle, sigma)) for k in range(length)]
            whole = scale(row, sigma)
            total = [have + more / whole for have, more in zip(total, row, strict=True)]
        return total

    return answer


KEPT_MASS = Exercise(
    "16.kept_mass",
    rows,
    mistakes=(
        written(
            "mass lost at the border",
            "A fixed factor fits a whole bell. Divide each point's row by its own sum: 1 at the border, too.",
            density(scale=lambda row, sigma: sigma * math.sqrt(2 * math.pi)),
        ),
        on_result(
            "one unit for all points together",
            "Each point is one unit: divide its own row by its own sum, then add the rows.",
            lambda row: [value / sum(row) for value in row] if sum(row) else row,
        ),
        written(
            "a peak of 1",
            "The sum of each point's row is 1, not its largest number.",
            density(scale=lambda row, sigma: max(row)),
        ),
        written("not scaled", "Divide each point's row by its sum.", density(scale=lambda row, sigma: 1.0)),
        written(
            "cells read at their left edge",
            "Cell k lies between k and k + 1: its middle is k + 0.5.",
            density(at=0.0),
        ),
        written(
            "points moved to the middle of their cell",
            "A point may lie anywhere in its cell: measure from the point itself.",
            density(snap=True),
        ),
        written(
            "sigma not squared",
            "The exponent is -d² / (2 sigma²).",
            density(power=lambda away, sigma: away**2 / (2 * sigma)),
        ),
        written(
            "the 2 forgotten",
            "The exponent is -d² / (2 sigma²).",
            density(power=lambda away, sigma: (away / sigma) ** 2),
        ),
    ),
)
