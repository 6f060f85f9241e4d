"""The exercises 01.coverage and 01.waste: cases, and the mistakes that have a name."""

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils import boxes as gk
from gk_utils import viz
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.exercises.boxes.sampling import random_boxes
from gk_utils.classroom.mistakes import (
    arguments_swapped,
    inclusive_pixels,
    misread,
    on_result,
    written,
)


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


def sides(boxes: Tensor, truth: Tensor, clamp: bool = True) -> Tensor:
    """Width and height of what two boxes share."""
    size_wh = torch.minimum(boxes[..., 2:], truth[..., 2:]) - torch.maximum(boxes[..., :2], truth[..., :2])
    return size_wh.clamp(min=0) if clamp else size_wh


def overlap(boxes: Tensor, truth: Tensor, clamp: bool = True) -> Tensor:
    """The area that both boxes of a row share; without the clamp, a negative times a negative counts too."""
    return sides(boxes, truth, clamp).prod(1)


def hull_area(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """The area of the smallest box around both boxes of a row."""
    size_wh = torch.maximum(boxes1[:, 2:], boxes2[:, 2:]) - torch.minimum(boxes1[:, :2], boxes2[:, :2])
    return size_wh.prod(1)


def union_area(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """The area that either box of a row covers."""
    return gk.box_areas(boxes1) + gk.box_areas(boxes2) - overlap(boxes1, boxes2)


def share(part: Tensor, whole: Tensor) -> Tensor:
    """Part / whole, and 0 where the whole is 0."""
    return torch.where(whole > 0, part / or_1(whole), 0)


def or_1(whole: Tensor) -> Tensor:
    """The whole, and 1 where it is not positive."""
    return torch.where(whole > 0, whole, 1)


def draw_pair(case: Case, expected: Tensor, got: object) -> Figure:
    """The first row that is wrong, on squared paper, with what is expected of it and what came out."""
    row = 0
    if isinstance(got, Tensor) and got.shape == expected.shape:
        row = int((~torch.isclose(got.to(expected.dtype), expected, rtol=1e-5, atol=1e-5)).int().argmax())
        got = got[row]
    boxes, truth = (argument[row : row + 1] for argument in case)
    side = float(torch.cat([boxes, truth]).max()) * 1.3
    title = f"row {row}: expected {_number(expected[row])}, got {_number(got)}"
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
        written(
            "clamped after multiplying",
            "Two negative sides have a positive product: clamp width and height first, then multiply.",
            lambda boxes, truth: share(overlap(boxes, truth, clamp=False).clamp(min=0), gk.box_areas(truth)),
        ),
        written(
            "the hull taken for the shared part",
            "The shared part runs from the larger of the upper left corners to the smaller of the lower right ones.",
            lambda boxes, truth: hull_area(boxes, truth) / or_1(gk.box_areas(truth)),
        ),
        written("the shared area returned", "Divide it by the area of the truth.", overlap),
        written(
            "the smaller box taken for the whole",
            "The whole is the true box, also where it is the larger one.",
            lambda boxes, truth: share(overlap(boxes, truth), torch.minimum(gk.box_areas(boxes), gk.box_areas(truth))),
        ),
        written(
            "1 added to every area",
            "That changes every result a little. Add it only where the area is 0: torch.where.",
            lambda boxes, truth: overlap(boxes, truth) / (gk.box_areas(truth) + 1),
        ),
        written(
            "all areas of a table multiplied together",
            "prod() takes the product of everything: name the axis, prod(1).",
            lambda boxes, truth: share(sides(boxes, truth).prod(), gk.box_areas(truth)),
        ),
        written(
            "every box with every truth",
            "Row i belongs to row i: leave the None out of the index, and the result is (n,).",
            lambda boxes, truth: share(
                sides(boxes[:, None], truth[None]).prod(-1), gk.box_areas(truth).expand(len(boxes), -1)
            ),
        ),
        written(
            "1 where the truth has no area",
            "There 0 is asked for: nothing is there to be covered.",
            lambda boxes, truth: torch.where(
                gk.box_areas(truth) > 0, share(overlap(boxes, truth), gk.box_areas(truth)), 1.0
            ),
        ),
        inclusive_pixels(0, 1),
        misread(0, 1, actual="xyxy", taken_for="xywh"),
        on_result("the mean of all rows returned", "Return one number a row.", lambda values: values.mean()),
    ),
    draw=draw_pair,
)


# --- 01.waste ---------------------------------------------------------------------------------------------------


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
        written(
            "the shared part subtracted, not the union",
            "Wasted is what neither box covers: (hull - union) / hull.",
            lambda boxes1, boxes2: share(
                hull_area(boxes1, boxes2) - overlap(boxes1, boxes2), hull_area(boxes1, boxes2)
            ),
        ),
        written(
            "an area, not a share",
            "Divide by the area of the hull.",
            lambda boxes1, boxes2: hull_area(boxes1, boxes2) - union_area(boxes1, boxes2),
        ),
        written(
            "minus GIoU",
            "waste = IoU - GIoU: you left the IoU out.",
            lambda boxes1, boxes2: -gk.paired_giou(boxes1, boxes2),
        ),
        written(
            "1 - GIoU",
            "That is the loss. The waste is IoU - GIoU.",
            lambda boxes1, boxes2: 1 - gk.paired_giou(boxes1, boxes2),
        ),
        written(
            "1 where the hull has no area",
            "There 0 is asked for. 1 - union / hull cannot say that: write (hull - union) / hull, or use torch.where.",
            lambda boxes1, boxes2: 1 - share(union_area(boxes1, boxes2), hull_area(boxes1, boxes2)),
        ),
        written(
            "the shared part not clamped",
            "Boxes that are apart share nothing: clamp width and height at 0 before you multiply them.",
            lambda boxes1, boxes2: share(
                hull_area(boxes1, boxes2)
                - (gk.box_areas(boxes1) + gk.box_areas(boxes2) - overlap(boxes1, boxes2, clamp=False)),
                hull_area(boxes1, boxes2),
            ),
        ),
        written(
            "the shared part taken for the hull",
            "The hull runs from the smaller of the upper left corners to the larger of the lower right ones.",
            lambda boxes1, boxes2: (
                (overlap(boxes1, boxes2, clamp=False) - union_area(boxes1, boxes2))
                / or_1(overlap(boxes1, boxes2, clamp=False))
            ),
        ),
        written(
            "the shared part added to the union",
            "Area 1 + area 2 holds the shared part twice: subtract it once.",
            lambda boxes1, boxes2: share(
                hull_area(boxes1, boxes2) - union_area(boxes1, boxes2) - 2 * overlap(boxes1, boxes2),
                hull_area(boxes1, boxes2),
            ),
        ),
        written(
            "the overlap counted twice, and the result clamped",
            "The union is area 1 + area 2 - intersection; with it nothing needs a clamp.",
            lambda boxes1, boxes2: share(
                hull_area(boxes1, boxes2) - gk.box_areas(boxes1) - gk.box_areas(boxes2), hull_area(boxes1, boxes2)
            ).clamp(min=0),
        ),
        written(
            "every box with every other",
            "Row i belongs to row i, and the result is (n,): paired_iou, not pairwise_iou; no None in the index.",
            lambda boxes1, boxes2: gk.pairwise_iou(boxes1, boxes2) - gk.pairwise_giou(boxes1, boxes2),
        ),
        inclusive_pixels(0, 1),
        misread(0, 1, actual="xyxy", taken_for="xywh"),
    ),
    draw=draw_pair,
)


def _number(value: object) -> str:
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    return f"{value:.3f}" if isinstance(value, float) else str(value)
