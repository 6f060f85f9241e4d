"""The exercises of lesson 01: cases, and the mistakes that have a name."""

import contextlib

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils import boxes as gk
from gk_utils import viz
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import (
    arguments_swapped,
    hw_swapped,
    inclusive_pixels,
    misread,
    on_result,
    written,
    xy_swapped_in_result,
)
from gk_utils.frames import Frame

PHOTO_HW = (400, 600)


def random_boxes(rng: np.random.Generator, n: int, image_hw: tuple[int, int] = PHOTO_HW) -> Tensor:
    """Boxes of every size inside a picture, "n 4"."""
    height, width = image_hw
    corners = rng.uniform(0, 1, (n, 2, 2)) * (width, height)
    return torch.from_numpy(np.sort(corners, axis=1).reshape(n, 4)).float()


# --- 01.read_answer ---------------------------------------------------------------------------------------------


def answers(rng: np.random.Generator) -> list[Case]:
    """Four numbers from 0 to 999, and the picture they were said of: wide, tall, square, and out of the picture."""
    cases: list[Case] = [([0, 0, 999, 999], (400, 600)), ([333, 100, 555, 400], (400, 600)), ([10, 20, 30, 40], (5, 5))]
    for image_hw in [(400, 600), (600, 400), (480, 640), (900, 300), (512, 512), (741, 500)]:
        y1, x1, y2, x2 = np.sort(rng.integers(0, 1000, (2, 2)), axis=0).flatten().tolist()
        cases.append(([y1, x1, y2, x2], image_hw))
    return cases


def answer_with(
    placement: str = "corner", top: int = 999, clip: bool = True, square: bool = True, x_first: bool = False
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


def draw_answer(case: Case, expected: list[float], got: object) -> Figure:
    """The expected box on the plane of the picture, and the learner's where it is a box of the picture at all."""
    image_hw, truth, yours = case[1], torch.tensor([expected]), None
    with contextlib.suppress(TypeError, ValueError, RuntimeError):
        yours = gk.clip_boxes(torch.as_tensor(got, dtype=truth.dtype).reshape(1, 4), image_hw)
    labels = None if yours is None else ["yours"]
    return viz.draw_plane(yours, labels, extent_hw=image_hw, truth=truth, truth_labels=["expected"])


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
        xy_swapped_in_result(),
        hw_swapped(1),
    ),
    draw=draw_answer,
)


# --- 01.which_frame ---------------------------------------------------------------------------------------------

FRAMES = ("pixels", "unit", "thousand", "square unit")


def frames_of(image_hw: tuple[int, int], placement: str = "centre") -> dict[str, Frame]:
    """The four frames that the exercise tells apart."""
    photo, side = Frame.of_image(image_hw), max(image_hw)
    square = photo.pad((side, side), placement)
    return {"pixels": photo, "unit": photo.unit(), "thousand": photo.resize((1000, 1000)), "square unit": square.unit()}


def mystery_answers(rng: np.random.Generator) -> list[Case]:
    """Boxes that a model said in one of the frames, a little off, sometimes with one box that is plainly wrong."""
    cases: list[Case] = []
    for image_hw in [(400, 600), (600, 400), (300, 900), (500, 741)]:
        for name in FRAMES:
            truth = random_boxes(rng, 6, image_hw)
            centre, size_wh = (truth[:, :2] + truth[:, 2:]) / 2, (truth[:, 2:] - truth[:, :2]) + 20
            truth = torch.cat([centre - size_wh / 2, centre + size_wh / 2], 1)
            said = truth + torch.from_numpy(rng.normal(0, 2, truth.shape)).float()
            said = torch.cat([said[:, :2], torch.maximum(said[:, 2:], said[:, :2] + 1)], 1)
            if len(cases) % 2:
                said[0] = random_boxes(rng, 1, image_hw)[0]
            cases.append((frames_of(image_hw)[name].from_pixels(said), truth, image_hw))
    return cases


def pick_frame(judge, placement: str = "centre"):
    """A function that picks the frame whose reading `judge` likes best, given the IoU of each box."""

    def which(boxes_said: Tensor, truth: Tensor, image_hw: tuple[int, int]) -> str:
        frames = frames_of(image_hw, placement)
        return max(frames, key=lambda name: float(judge(gk.paired_iou(frames[name].to_pixels(boxes_said), truth))))

    return which


WHICH_FRAME = Exercise(
    "01.which_frame",
    mystery_answers,
    mistakes=(
        written(
            "the worst frame returned",
            "You want the largest mean IoU: max, not min.",
            pick_frame(lambda iou: -iou.mean()),
        ),
        written(
            "judged by the first box alone",
            "One box may be wrong in any frame: average over all.",
            pick_frame(lambda iou: iou[0]),
        ),
        written(
            "the border put right and below",
            'In this exercise the square is centred: pad(..., "centre") is the default.',
            pick_frame(lambda iou: iou.mean(), "corner"),
        ),
        hw_swapped(2),
    ),
)


# --- 01.coverage ------------------------------------------------------------------------------------------------


def box_pairs(rng: np.random.Generator) -> list[Case]:
    """Pairs with an answer on paper, then random ones; some touch, some are apart, some have no area."""
    by_hand = [
        ([0, 0, 10, 10], [5, 5, 15, 15]),
        ([0, 0, 10, 20], [0, 0, 10, 10]),
        ([0, 0, 10, 10], [0, 0, 10, 20]),
        ([0, 0, 10, 10], [20, 0, 30, 10]),
        ([0, 0, 10, 10], [20, 30, 35, 60]),
        ([0, 0, 10, 10], [10, 0, 20, 10]),
        ([3, 3, 3, 3], [3, 3, 3, 3]),
        ([0, 0, 9, 9], [4, 4, 4, 4]),
    ]
    cases: list[Case] = [(torch.tensor([a]).float(), torch.tensor([b]).float()) for a, b in by_hand]
    return [*cases, *((random_boxes(rng, 12), random_boxes(rng, 12)) for _ in range(4))]


def overlap(boxes: Tensor, truth: Tensor, clamp: bool = True) -> Tensor:
    """The area that both boxes of a row share; without the clamp, a negative times a negative counts too."""
    size_wh = torch.minimum(boxes[:, 2:], truth[:, 2:]) - torch.maximum(boxes[:, :2], truth[:, :2])
    return (size_wh.clamp(min=0) if clamp else size_wh).prod(1)


def share(part: Tensor, whole: Tensor) -> Tensor:
    """Part / whole, and 0 where the whole is 0."""
    return torch.where(whole > 0, part / torch.where(whole > 0, whole, 1), 0)


def draw_pair(case: Case, expected: Tensor, got: object) -> Figure:
    """The first row of a case on squared paper, with what is expected of it and what came out."""
    boxes, truth = (argument[:1] for argument in case)
    side = float(torch.cat([boxes, truth]).max()) * 1.1
    title = f"first row: expected {_first(expected)}, got {_first(got)}"
    names = {"truth_labels": ["second argument"], "title": title}
    return viz.draw_plane(boxes, ["first argument"], extent_hw=(side, side), truth=truth, **names)


COVERAGE = Exercise(
    "01.coverage",
    box_pairs,
    mistakes=(
        written("IoU", "The whole is the truth's area, not the union's.", gk.paired_iou),
        arguments_swapped(),
        written(
            "no clamp at zero",
            "Two boxes that are apart on both axes get minus times minus: clamp width and height at 0.",
            lambda boxes, truth: share(overlap(boxes, truth, clamp=False), gk.box_areas(truth)),
        ),
        inclusive_pixels(0, 1),
        misread(0, 1, actual="xyxy", taken_for="xywh"),
        on_result("the mean of all rows returned", "Return one number a row.", lambda values: values.mean()),
    ),
    draw=draw_pair,
)


# --- 01.waste ---------------------------------------------------------------------------------------------------


def hull_area(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """The area of the smallest box around both boxes of a row."""
    size_wh = torch.maximum(boxes1[:, 2:], boxes2[:, 2:]) - torch.minimum(boxes1[:, :2], boxes2[:, :2])
    return size_wh.prod(1)


def union_area(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """The area that either box of a row covers."""
    return gk.box_areas(boxes1) + gk.box_areas(boxes2) - overlap(boxes1, boxes2)


WASTE = Exercise(
    "01.waste",
    box_pairs,
    mistakes=(
        written(
            "GIoU itself",
            "Return only the part that GIoU subtracts from IoU.",
            gk.paired_giou,
        ),
        written(
            "the union divided by the hull",
            "That is the part of the hull that is used; the waste is the rest.",
            lambda boxes1, boxes2: share(union_area(boxes1, boxes2), hull_area(boxes1, boxes2)),
        ),
        written(
            "the overlap counted twice",
            "The union is area 1 + area 2 - intersection.",
            lambda boxes1, boxes2: share(
                hull_area(boxes1, boxes2) - gk.box_areas(boxes1) - gk.box_areas(boxes2), hull_area(boxes1, boxes2)
            ),
        ),
        written(
            "divided by the union",
            "The whole is the hull.",
            lambda boxes1, boxes2: share(
                hull_area(boxes1, boxes2) - union_area(boxes1, boxes2), union_area(boxes1, boxes2)
            ),
        ),
        inclusive_pixels(0, 1),
        misread(0, 1, actual="xyxy", taken_for="xywh"),
    ),
    draw=draw_pair,
)


EXERCISES = (READ_ANSWER, WHICH_FRAME, COVERAGE, WASTE)


def _first(values: object) -> str:
    number = values.flatten()[0] if isinstance(values, Tensor) and values.numel() else values
    return f"{number:.3f}" if isinstance(number, Tensor | float) else repr(number)
