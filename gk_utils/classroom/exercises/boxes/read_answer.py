"""The exercise 01.read_answer: cases, and the mistakes that have a name."""

import contextlib

import numpy as np
import torch
from matplotlib.figure import Figure

from gk_utils import boxes as gk
from gk_utils import viz
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.exercises.boxes.sampling import boxes_of
from gk_utils.classroom.mistakes import (
    hw_swapped,
    misreturned,
    on_result,
    written,
    xy_swapped_in_result,
)
from gk_utils.frames import Frame


def answers(rng: np.random.Generator) -> list[Case]:
    """Four numbers from 0 to 999, and the picture they were said of: wide, tall, square, and out of the picture."""
    cases: list[Case] = [
        ([333, 111, 555, 444], (400, 600)),
        ([333, 111, 555, 444], (600, 400)),
        ([0, 0, 999, 999], (400, 600)),
        ([0, 0, 999, 999], (5, 5)),
        ([700, 100, 900, 400], (400, 600)),  # wholly in the border below
        ([100, 700, 400, 900], (600, 400)),  # wholly in the border to the right
    ]
    for image_hw in [(400, 600), (600, 400), (480, 640), (900, 300), (512, 512), (741, 500)]:
        y1, x1, y2, x2 = np.sort(rng.integers(0, 1000, (2, 2)), axis=0).flatten().tolist()
        cases.append(([y1, x1, y2, x2], image_hw))
    return cases


def answer_with(
    placement: str = "corner", top: float = 999, clip: bool = True, square: bool = True, x_first: bool = False
):
    """The right reader of an answer, or one of its wrong relatives."""

    def read(answer: list[int], image_hw: tuple[int, int]) -> list[float]:
        order = [0, 1, 2, 3] if x_first else [1, 0, 3, 2]
        boxes = torch.tensor([[answer[i] / top for i in order]], dtype=torch.float64)
        photo, side = Frame.of_image(image_hw), max(image_hw)
        frame = photo.pad((side, side), placement) if square else photo
        boxes = frame.unit().to_pixels(boxes)
        return (gk.clip_boxes(boxes, image_hw) if clip else boxes)[0].tolist()

    return read


def cut(box: list[float], height: float, width: float) -> list[float]:
    """A box, all four numbers cut at the picture's border."""
    return [min(number, limit) for number, limit in zip(box, [width, height] * 2, strict=True)]


def answer_by_side(side_of=max, cut=cut):
    """A reader that multiplies by `side_of(height, width)`, and cuts in its own way at the picture's border."""

    def read(answer: list[int], image_hw: tuple[int, int]) -> list[float]:
        y1, x1, y2, x2 = (number / 999 * side_of(*image_hw) for number in answer)
        return [float(number) for number in cut([x1, y1, x2, y2], *image_hw)]

    return read


def draw_answer(case: Case, expected: list[float], got: object) -> Figure:
    """The padded square, the picture in it hatched, the expected box, and the learner's where it can be drawn."""
    (height, width), side, yours = case[1], max(case[1]), None
    with contextlib.suppress(TypeError, ValueError, RuntimeError):
        yours = gk.clip_boxes(torch.as_tensor(got, dtype=torch.float32).reshape(1, 4), (side, side))
    return viz.draw_plane(
        yours,
        None if yours is None else ["yours"],
        extent_hw=(side, side),
        truth=boxes_of(expected),
        truth_labels=["expected"],
        regions=boxes_of([0, 0, width, height]),
        region_labels=["the picture"],
        title="The padded square, with the picture in it",
    )


READ_ANSWER = Exercise(
    "01.read_answer",
    answers,
    mistakes=(
        written("x read before y", "This model writes y1, x1, y2, x2.", answer_with(x_first=True)),
        written(
            "the padding forgotten",
            "The unit is the side of the padded square, on both axes: multiply x and y by the same number.",
            answer_with(square=False),
        ),
        written(
            "padding taken to be on all sides",
            "The border lies to the right and below, so the picture's corner stays at 0, 0: subtract nothing.",
            answer_with("centre"),
        ),
        written(
            "the result not clipped", "A box may reach into the border: cut it at the picture.", answer_with(clip=False)
        ),
        written(
            "1000 in place of 999", "The largest number is 999 and means 1.0: divide by 999.", answer_with(top=1000)
        ),
        written(
            "x read before y, and the result not clipped",
            "This model writes y1, x1, y2, x2. And cut the box at the picture.",
            answer_with(x_first=True, clip=False),
        ),
        written(
            "the shorter side taken for the square's",
            "The border makes the picture a square as long as its longer side: max(height, width).",
            answer_by_side(min),
        ),
        written(
            "the width taken for the square's side",
            "On a tall picture the square is as long as the height: max(height, width).",
            answer_by_side(lambda height, width: width),
        ),
        written(
            "the height taken for the square's side",
            "On a wide picture the square is as long as the width: max(height, width).",
            answer_by_side(lambda height, width: height),
        ),
        written(
            "999 taken for pixels",
            "999 is the far side of the square, whatever its size: number / 999 * side.",
            answer_by_side(lambda height, width: 999),
        ),
        written(
            "the result left between 0 and 1",
            "Pixels are asked for: multiply by the side of the square.",
            answer_by_side(lambda height, width: 1),
        ),
        written(
            "cut one pixel before the border",
            "Coordinates are continuous: the border of a picture 600 wide is at 600, not at 599.",
            answer_by_side(cut=lambda box, height, width: cut(box, height - 1, width - 1)),
        ),
        written(
            "only x2 and y2 cut",
            "A box may lie in the border altogether: then x1 or y1 is past the picture too. Cut all four.",
            answer_by_side(cut=lambda box, height, width: box[:2] + cut(box, height, width)[2:]),
        ),
        on_result(
            "the result cut to whole numbers",
            "Keep the fraction: coordinates are continuous.",
            lambda box: [float(int(number)) for number in box],
        ),
        misreturned(expected="xyxy", returned="xywh"),
        xy_swapped_in_result(),
        hw_swapped(1),
    ),
    draw=draw_answer,
)
