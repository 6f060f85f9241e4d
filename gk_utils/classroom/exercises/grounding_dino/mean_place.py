"""The exercise 07.mean_place: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils import viz
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import hw_swapped, misread, on_result, written

Box = list[float]
Hw = tuple[int, int]


def heads(rng: np.random.Generator) -> list[Case]:
    """A box, what the query says to one head, and the size of the picture: by hand, then random."""
    wide, box = (100, 200), [0.5, 0.5, 0.2, 0.4]
    level = torch.zeros(2)
    cases: list[Case] = [
        (box, torch.tensor([[2.0, 0.0], [2.0, 0.0]]), level, wide),  # both on the right side
        (box, torch.tensor([[0.0, 2.0], [0.0, 2.0]]), level, wide),  # on the lower side
        (box, torch.tensor([[4.0, 0.0], [0.0, 0.0]]), level, wide),
        (box, torch.tensor([[4.0, 0.0], [0.0, 0.0]]), torch.tensor([0.0, 3.0]), wide),  # one counts nearly all
        (box, torch.tensor([[4.0, -1.0], [0.0, 3.0]]), torch.tensor([1.0, -1.0]), wide),
        ([0.25, 0.75, 0.1, 0.1], torch.tensor([[1.0, 2.0]]), torch.tensor([7.0]), (64, 64)),  # one point
        (
            [0.9, 0.1, 0.4, 0.2],
            torch.tensor([[4.0, -4.0], [4.0, -4.0], [4.0, 0.0]]),
            torch.ones(3),
            (60, 80),
        ),  # outside
        ([0.3, 0.6, 0.0, 0.0], torch.tensor([[5.0, 5.0], [1.0, 1.0]]), level, (60, 80)),  # a box without area
        ([0.3, 0.6, 0.2, 0.1], torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([-2.0, -2.5]), (480, 640)),
    ]
    for points in (2, 3, 4, 4, 8):
        offsets = torch.from_numpy(rng.normal(0, 2, (points, 2))).float()
        logits = torch.from_numpy(rng.normal(0, 1.5, points)).float()
        x, y, w, h = rng.uniform([0.2, 0.2, 0.1, 0.1], [0.8, 0.8, 0.5, 0.5]).round(3).tolist()
        cases.append(([x, y, w, h], offsets, logits, (int(rng.integers(40, 400)), int(rng.integers(40, 400)))))
    return cases


def mean_with(
    *,
    weigh: Callable[[Tensor], Tensor] = lambda logits: logits.softmax(0),
    share: bool = True,
    half: float = 0.5,
    reach: Callable[[Tensor, Tensor], Tensor] = lambda box, wh: box[2:],
):
    """The right mean place, or one of its wrong relatives."""

    def answer(box: Box, offsets: Tensor, logits: Tensor, image_hw: Hw) -> Box:
        there, wh = torch.tensor(box), torch.tensor([float(image_hw[1]), float(image_hw[0])])
        step = offsets / (len(offsets) if share else 1)
        places = there[:2] + step * reach(there, wh) * half
        weights = weigh(logits)
        return ((weights[:, None] * places).sum(0) * wh).tolist()

    return answer


def likeliest(box: Box, offsets: Tensor, logits: Tensor, image_hw: Hw) -> Box:
    """The one place that counts most."""
    chosen = logits.argmax()
    return mean_with(weigh=lambda logits: torch.eye(len(logits))[chosen])(box, offsets, logits, image_hw)


def draw_head(case: Case, expected: Box, got: object) -> Figure:
    """The box, and the place that is right; with the one that was returned, if it is one."""
    (cx, cy, w, h), _, _, image_hw = case
    height, width = image_hw
    size = max(image_hw) / 60

    def around(place: object) -> list[float]:
        x, y = (float(side) for side in place)
        return [x - size, y - size, x + size, y + size]

    corners, labels = (
        [[(cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width, (cy + h / 2) * height]],
        ["box"],
    )
    try:
        corners.append(around(got))
        labels.append("yours")
    except (TypeError, ValueError):  # what was returned is no two numbers
        pass
    return viz.draw_plane(
        torch.tensor(corners),
        labels,
        extent_hw=image_hw,
        truth=torch.tensor([around(expected)]),
        truth_labels=["mean place"],
        title=f"expected {expected}, got {got}",
    )


MEAN_PLACE = Exercise(
    "07.mean_place",
    heads,
    mistakes=(
        written(
            "all places count the same",
            "The weights are the softmax of the logits.",
            mean_with(weigh=lambda logits: torch.full_like(logits, 1 / len(logits))),
        ),
        written(
            "the logits as weights",
            "Logits may be negative and do not sum to 1: take their softmax.",
            mean_with(weigh=lambda logits: logits),
        ),
        written(
            "sigmoids as weights",
            "The weights of a head sum to 1 over its places: softmax, not sigmoid.",
            mean_with(weigh=lambda logits: logits.sigmoid()),
        ),
        written("the likeliest place alone", "Every place counts, with its weight.", likeliest),
        written(
            "offsets not shared among the points",
            "Divide the offsets by the number of points first.",
            mean_with(share=False),
        ),
        written(
            "offsets in whole sides",
            "An offset counts half sides of the box: times 0.5.",
            mean_with(half=1.0),
        ),
        written(
            "offsets that do not know the box",
            "Around a box an offset grows with the box: times its width and height.",
            mean_with(reach=lambda box, wh: torch.ones(2)),
        ),
        written(
            "offsets in pixels",
            "An offset counts half sides of the box, not pixels.",
            mean_with(reach=lambda box, wh: 2 / wh),
        ),
        misread(0, actual="cxcywh", taken_for="xywh"),
        on_result(
            "the mean of x and y exchanged",
            "x is the first of the two offsets, and comes first in the result.",
            lambda place: place[::-1],
        ),
        hw_swapped(3),
    ),
    draw=draw_head,
)
