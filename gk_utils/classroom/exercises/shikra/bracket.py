"""The exercise 13.bracket: cases, and the mistakes that have a name."""

import math
from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

Boxes = list[list[float]]
Size = tuple[int, int]


def pictures(rng: np.random.Generator) -> list[Case]:
    """Boxes in pictures that are wide, high and square; none lies where two ways to round disagree."""
    cases: list[Case] = [
        ([[10, 20, 60, 50]], (60, 100)),
        ([[10, 20, 60, 50]], (100, 60)),
        ([[32, 16, 96, 112]], (128, 128)),
        ([[0, 0, 400, 300]], (300, 400)),
        ([[1, 2, 30, 40], [5, 6, 70, 80]], (90, 81)),
        ([[172, 17, 409, 308], [0, 0, 10, 10], [590, 390, 600, 400]], (400, 600)),
    ]
    while len(cases) < 14:
        height, width = (int(side) for side in rng.integers(30, 700, 2))
        x, y = np.sort(rng.integers(0, width + 1, (3, 2))), np.sort(rng.integers(0, height + 1, (3, 2)))
        boxes = [[int(x[k, 0]), int(y[k, 0]), int(x[k, 1]), int(y[k, 1])] for k in range(int(rng.integers(1, 4)))]
        side = max(height, width)
        shift = (side - width) // 2, (side - height) // 2
        parts = [1000 * (value + shift[k % 2]) / side % 1 for box in boxes for k, value in enumerate(box)]
        if all(abs(part - 0.5) > 0.02 for part in parts):
            cases.append((boxes, (height, width)))
    return cases


def bracket_of(
    *,
    padded: bool = True,
    shifted: float = 0.5,
    crossed: bool = False,
    places: int = 3,
    cut: bool = False,
    order: tuple[int, ...] = (0, 1, 2, 3),
    comma: str = ",",
    between: str = ";",
    each: bool = False,
) -> Callable[[Boxes, Size], str]:
    """What is written for boxes: that which is right, or relatives."""

    def number(value: float) -> str:
        return f"{math.floor(value * 10**places) / 10**places if cut else value:.{places}f}"

    def answer(boxes: Boxes, image_hw: Size) -> str:
        height, width = image_hw
        side = max(height, width)
        shift = [int((side - length) * shifted) for length in (width, height)]
        shift = shift[::-1] if crossed else shift
        sides = (side, side) if padded else (width, height)
        if not padded:
            shift = [0, 0]
        said = []
        for box in boxes:
            unit = [(value + shift[k % 2]) / sides[k % 2] for k, value in enumerate(box)]
            said.append(comma.join(number(unit[k]) for k in order))
        return "".join(f"[{one}]" for one in said) if each else f"[{between.join(said)}]"

    return answer


BRACKET = Exercise(
    "13.bracket",
    pictures,
    mistakes=(
        written(
            "the picture not padded", "Divide by the side of the square: the longer one.", bracket_of(padded=False)
        ),
        written(
            "the grey left out",
            "Half of what is missing stands before the picture: add (side - width) // 2 to x.",
            bracket_of(shifted=0.0),
        ),
        written(
            "all grey on one side",
            "Grey stands on both sides: half of it before the picture.",
            bracket_of(shifted=1.0),
        ),
        written(
            "the grey along the wrong axis", "x gets what the width lacks, y the height.", bracket_of(crossed=True)
        ),
        written("y before x", "The order is x1, y1, x2, y2.", bracket_of(order=(1, 0, 3, 2))),
        written("cut off in place of rounded", "Round to the nearest thousandth.", bracket_of(cut=True)),
        written("two digits", "Three digits behind the point.", bracket_of(places=2)),
        written("a blank behind the comma", "No blanks: another tokenizer's comma.", bracket_of(comma=", ")),
        written("a bracket for each box", "One bracket, and a ; between two boxes.", bracket_of(each=True)),
        written("a comma between two boxes", "A ; stands between two boxes.", bracket_of(between=",")),
    ),
)
