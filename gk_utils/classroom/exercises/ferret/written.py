"""The exercise 14.written: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

Mask = list[list[int]]


def masks(rng: np.random.Generator) -> list[Case]:
    """Masks as rows of 0 and 1: that of the lesson, one pixel, all, none, one line; then random ones."""
    cases: list[Case] = [
        ([[0, 1, 1, 0], [0, 0, 1, 0]],),
        ([[0, 0, 0], [0, 0, 1], [0, 0, 0]],),
        ([[1, 1, 1], [1, 1, 1]],),
        ([[0, 0], [0, 0]],),
        ([[0, 0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0, 0]],),
    ]
    for _ in range(8):
        height, width = (int(side) for side in rng.integers(3, 14, 2))
        mask = np.zeros((height, width), int)
        top, left = int(rng.integers(0, height)), int(rng.integers(0, width))
        bottom, right = int(rng.integers(top, height)), int(rng.integers(left, width))
        mask[top : bottom + 1, left : right + 1] = rng.random((bottom - top + 1, right - left + 1)) < 0.7
        cases.append((mask.tolist(),))
    return cases


def numbers(
    *,
    behind: int = 1,
    whole: Callable[[float], int] = int,
    top: int = 1000,
    most: int = 999,
    order: tuple[int, ...] = (0, 1, 2, 3),
    swapped: bool = False,
    sizes: bool = False,
) -> Callable[[Mask], list[int]]:
    """The numbers that are written for a mask: those that are right, or relatives."""

    def answer(mask: Mask) -> list[int]:
        rows, columns = np.nonzero(np.array(mask))
        if not len(rows):
            return [0, 0, 0, 0]
        height, width = len(mask), len(mask[0])
        if swapped:
            height, width = width, height
        box = [columns.min(), rows.min(), columns.max() + behind, rows.max() + behind]
        if sizes:
            box[2:] = box[2] - box[0], box[3] - box[1]
        said = [
            min(whole(float(top * side / length)), most) for side, length in zip(box, (width, height) * 2, strict=True)
        ]
        return [said[k] for k in order]

    return answer


WRITTEN = Exercise(
    "14.written",
    masks,
    mistakes=(
        written(
            "the last pixel left out",
            "A box ends behind its last pixel: the largest column plus 1.",
            numbers(behind=0),
        ),
        written("rounded to the nearest", "Round down: int(1000 * x / width).", numbers(whole=round)),
        written("numbers up to 1000", "The largest number is 999: min(number, 999).", numbers(most=1000)),
        written("times 999", "A coordinate is cut into 1000 parts: int(1000 * x / width).", numbers(top=999)),
        written("y before x", "The order is x1, y1, x2, y2.", numbers(order=(1, 0, 3, 2))),
        written("x by the height", "x is divided by the width, y by the height.", numbers(swapped=True)),
        written("width and height for the second corner", "Write x2, y2, not sizes.", numbers(sizes=True)),
    ),
)
