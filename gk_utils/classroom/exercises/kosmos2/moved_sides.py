"""The exercise 12.moved_sides: cases, and the mistakes that have a name."""

import math
from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import hw_swapped, on_result, written

Box = list[float]


def boxes(rng: np.random.Generator) -> list[Case]:
    """Boxes in pictures: by hand, then random; never on a line between two cells."""
    cases: list[Case] = [
        ([150.0, 100.0, 400.0, 350.0], (480, 640), 32),
        ([3.0, 3.0, 30.0, 61.0], (64, 64), 8),
        ([33.0, 5.0, 35.0, 60.0], (64, 64), 8),  # one column
        ([33.0, 33.0, 34.0, 35.0], (64, 64), 8),  # one cell
        ([1.0, 41.0, 99.0, 42.0], (60, 100), 4),  # one row
        ([10.0, 10.0, 90.0, 50.0], (60, 100), 32),
        ([0.5, 0.5, 319.5, 239.5], (240, 320), 16),
        ([7.0, 3.0, 9.0, 5.0], (12, 24), 1),
    ]
    for _ in range(8):
        height, width, grid = (int(rng.integers(60, 500)), int(rng.integers(60, 500)), int(rng.integers(4, 40)))
        x1, y1 = rng.random() * 0.6 * width, rng.random() * 0.6 * height
        x2, y2 = x1 + (0.02 + rng.random() * 0.38) * width, y1 + (0.02 + rng.random() * 0.38) * height
        cases.append(([float(value) for value in (x1, y1, x2, y2)], (height, width), grid))
    return cases


def sides_with(
    last: Callable[[float], int] = lambda place: math.ceil(place) - 1,
    middle: Callable[[int, int, bool], tuple[float, float]] = lambda a, b, thin: (
        (a, b + 1) if thin else (a + 0.5, b + 0.5)
    ),
    thin_of: Callable[[bool, bool], tuple[bool, bool]] = lambda x, y: (x or y, x or y),
    result: Callable[[Box, Box], Box] = lambda back, box: [b - a for a, b in zip(box, back, strict=True)],
):
    """The right moves, or their wrong relatives."""

    def answer(box: Box, image_hw: tuple[int, int], grid: int) -> Box:
        cells = []
        for low, high, side in ((box[0], box[2], image_hw[1]), (box[1], box[3], image_hw[0])):
            cells.append((math.floor(low / side * grid), max(last(high / side * grid), math.floor(low / side * grid))))
        thin = thin_of(*(first == second for first, second in cells))
        (x1, x2), (y1, y2) = (middle(*pair, one) for pair, one in zip(cells, thin, strict=True))
        height, width = image_hw
        return result([x1 / grid * width, y1 / grid * height, x2 / grid * width, y2 / grid * height], box)

    return answer


MOVED_SIDES = Exercise(
    "12.moved_sides",
    boxes,
    mistakes=(
        written(
            "centres even where the corners share a row or a column",
            "If both cells lie in one row or one column, all four numbers are outer edges.",
            sides_with(middle=lambda a, b, thin: (a + 0.5, b + 0.5)),
        ),
        written(
            "outer edges always",
            "Corners come back as the centres of their cells, unless the cells share a row or a column.",
            sides_with(middle=lambda a, b, thin: (a, b + 1)),
        ),
        written(
            "outer edges on the thin axis alone",
            "If the cells share a row or a column, all four numbers are outer edges, on both axes.",
            sides_with(thin_of=lambda x, y: (x, y)),
        ),
        written(
            "the upper left corners of both cells",
            "Corners come back as the centres of their cells.",
            sides_with(middle=lambda a, b, thin: (a, b + 1) if thin else (a, b)),
        ),
        written(
            "distances without a sign",
            "Negative is left or up: keep the sign.",
            sides_with(result=lambda back, box: [abs(b - a) for a, b in zip(box, back, strict=True)]),
        ),
        written(
            "the box itself",
            "Return how far each side moved: after minus before.",
            sides_with(result=lambda back, box: back),
        ),
        on_result("before minus after", "After minus before.", lambda moves: [-move for move in moves]),
        hw_swapped(1),
    ),
    tolerance=1e-4,
)
