"""The exercise 06.overreach: cases, and the mistakes that have a name."""

import math
from collections.abc import Callable

import numpy as np
import torch
from matplotlib.figure import Figure

from gk_utils import viz
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import on_result, written

Sides = list[float]


def boxes_on_maps(rng: np.random.Generator) -> list[Case]:
    """Boxes and strides: the cat of the lesson, on borders and centres of cells, in one cell, at 0; then random."""
    cases: list[Case] = [
        ([21.0, 91.0, 47.0, 104.0], 16),
        ([16.0, 32.0, 48.0, 64.0], 16),  # on borders
        ([8.0, 24.0, 40.0, 56.0], 16),  # halves: all rounded up
        ([24.0, 8.0, 56.0, 40.0], 16),  # halves: to even would go down
        ([17.0, 18.0, 20.0, 21.0], 16),  # within a cell
        ([27.0, 26.0, 31.0, 30.0], 16),
        ([0.0, 0.0, 5.0, 6.0], 8),
        ([20.0, 91.5, 230.25, 140.0], 32),
        ([10.0, 3.0, 10.0, 30.0], 4),  # without area
    ]
    for stride in (4, 8, 16, 32):
        for _ in range(2):
            x, y = np.sort(rng.uniform(0, 300, (2, 2)), 1).round(1).tolist()
            cases.append(([x[0], y[0], x[1], y[1]], stride))
    return cases


def half_up(cells: float) -> int:
    """The nearest whole number, halves upwards."""
    return math.floor(cells + 0.5)


def reach(
    low: Callable[[float], int] = half_up,
    high: Callable[[float], int] = half_up,
    behind: int = 1,
    unit: Callable[[Sides, int], Sides] = lambda sides, stride: sides,
) -> Callable[[Sides, int], Sides]:
    """How far a region reaches over the sides of a box, for this way to round; one that is right, or a relative."""

    def answer(box: Sides, stride: int) -> Sides:
        x1, y1, x2, y2 = (side / stride for side in box)
        left, top = low(x1) * stride, low(y1) * stride
        right, bottom = (high(x2) + behind) * stride, (high(y2) + behind) * stride
        return unit([box[0] - left, box[1] - top, right - box[2], bottom - box[3]], stride)

    return answer


def draw_region(case: Case, expected: Sides, got: object) -> Figure:
    """The box and, dashed, its region; with the region that was returned, if it is one."""
    box, stride = case

    def grown(sides: object) -> torch.Tensor:
        left, top, right, bottom = (float(side) for side in sides)
        return torch.tensor([[box[0] - left, box[1] - top, box[2] + right, box[3] + bottom]])

    corners, labels, region = torch.tensor([box]), ["box"], grown(expected)
    try:
        yours = grown(got)
        if (yours[0, 2:] >= yours[0, :2]).all():
            corners, labels = torch.cat([corners, yours]), ["box", "yours"]
    except (TypeError, ValueError):  # what was returned is no four numbers
        pass
    side = float(torch.cat([corners, region]).max()) + stride
    return viz.draw_plane(
        corners,
        labels,
        extent_hw=(side, side),
        truth=region,
        truth_labels=["region"],
        title=f"stride {stride}: expected {expected}, got {got}",
    )


OVERREACH = Exercise(
    "06.overreach",
    boxes_on_maps,
    mistakes=(
        written(
            "the last cell left out",
            "The last cell belongs to the region: it ends behind it, at (cell + 1) * stride.",
            reach(behind=0),
        ),
        written(
            "cells cut off in place of rounded",
            "RoI Pool rounds to the nearest: int(x / stride + 0.5), not int(x / stride).",
            reach(low=math.floor, high=math.floor),
        ),
        written(
            "rounded outwards",
            "Each corner goes to the nearest cell, even if that cuts the box; only the bins are rounded outwards.",
            reach(low=math.floor, high=math.ceil, behind=0),
        ),
        written(
            "the end rounded up, and the last cell added",
            "The last corner goes to the nearest cell, like the first.",
            reach(high=math.ceil),
        ),
        written(
            "halves rounded to even",
            "Python's round(2.5) is 2. RoI Pool rounds halves up: int(x / stride + 0.5).",
            reach(low=round, high=round),
        ),
        written(
            "in cells",
            "The answer is in pixels: multiply by the stride.",
            reach(unit=lambda sides, stride: [side / stride for side in sides]),
        ),
        on_result(
            "the sign of left and top",
            "Positive is beyond the box: on the left that is x1 minus the region's left side.",
            lambda sides: [-sides[0], -sides[1], sides[2], sides[3]],
        ),
        on_result(
            "distances without a sign",
            "Where the region falls short of the box, the number is negative.",
            lambda sides: [abs(side) for side in sides],
        ),
        on_result(
            "left, right, top, bottom",
            "The order is that of a box: left, top, right, bottom.",
            lambda sides: [sides[0], sides[2], sides[1], sides[3]],
        ),
        written(
            "the region itself",
            "Return how far it reaches over the box, not where it lies.",
            lambda box, stride: [stride * (half_up(side / stride) + (k > 1)) for k, side in enumerate(box)],
        ),
    ),
    draw=draw_region,
)
