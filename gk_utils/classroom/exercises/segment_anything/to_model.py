"""The exercise 08.to_model: cases, and the mistakes that have a name."""

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import clipped, written, xy_swapped_in_result

HW = tuple[int, int]


def clicked_pixels(rng: np.random.Generator) -> list[Case]:
    """A row, a column, the picture's height and width, the model's side: by hand, then random."""
    cases: list[Case] = [
        (0, 0, (2048, 2048), 1024),
        (0, 0, (512, 1024), 1024),  # nothing to do
        (10, 30, (512, 1024), 1024),
        (0, 0, (256, 512), 1024),  # enlarged
        (3, 5, (300, 400), 128),
        (399, 299, (400, 300), 128),  # the last pixel of an upright picture
        (0, 599, (400, 600), 1024),
        (1365, 0, (1366, 768), 1024),
    ]
    for _ in range(8):
        height, width = (int(side) for side in rng.integers(60, 2000, 2))
        row, column = int(rng.integers(height)), int(rng.integers(width))
        cases.append((row, column, (height, width), int(rng.choice([128, 256, 1024]))))
    return cases


def index_times_factor(row: int, column: int, image_hw: HW, side: int) -> list[float]:
    """What published code does."""
    factor = side / max(image_hw)
    return [column * factor, row * factor]


def half_kept(row: int, column: int, image_hw: HW, side: int) -> list[float]:
    """A continuous place."""
    factor = side / max(image_hw)
    return [(column + 0.5) * factor, (row + 0.5) * factor]


def half_taken_alone(row: int, column: int, image_hw: HW, side: int) -> list[float]:
    """The half taken away, but never added."""
    factor = side / max(image_hw)
    return [column * factor - 0.5, row * factor - 0.5]


def stretched(row: int, column: int, image_hw: HW, side: int) -> list[float]:
    """Each axis by a factor of its own."""
    height, width = image_hw
    return [(column + 0.5) * side / width - 0.5, (row + 0.5) * side / height - 0.5]


def by_shorter_side(row: int, column: int, image_hw: HW, side: int) -> list[float]:
    """The shortest side made `side` pixels long."""
    factor = side / min(image_hw)
    return [(column + 0.5) * factor - 0.5, (row + 0.5) * factor - 0.5]


def factor_inverted(row: int, column: int, image_hw: HW, side: int) -> list[float]:
    """From the model's picture to the photograph."""
    factor = max(image_hw) / side
    return [(column + 0.5) * factor - 0.5, (row + 0.5) * factor - 0.5]


TO_MODEL = Exercise(
    "08.to_model",
    clicked_pixels,
    mistakes=(
        written(
            "the index times the factor",
            "An index is no place: the centre of pixel i lies at i + 0.5. Make it continuous before you multiply.",
            index_times_factor,
        ),
        written(
            "a continuous place in place of an index",
            "SAM counts by index and adds the half pixel itself: take it away at the end.",
            half_kept,
        ),
        written(
            "half a pixel taken away that was never added",
            "Add a half before the factor, take it away after it.",
            half_taken_alone,
        ),
        written(
            "each axis stretched by a factor of its own",
            "Both axes have the same factor: side / the longest side.",
            stretched,
        ),
        written("the shortest side fitted", "The longest side becomes `side` pixels.", by_shorter_side),
        written(
            "the factor upside down",
            "From the picture to the model: side / the longest side.",
            factor_inverted,
        ),
        xy_swapped_in_result(),
        clipped(0.0, 1e9),
    ),
)
