"""The exercise 06.worst_bin: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from gk_utils import roi_align as roi
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

STRIDE, GRID_HW = 16, (12, 16)


def ruler() -> Tensor:
    """A map that holds the x and the y of the centre of each cell, in pixels: (1 2 h w)."""
    y, x = (STRIDE * (torch.arange(side) + 0.5) for side in GRID_HW)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"))[None]


def pooled_rulers(rng: np.random.Generator) -> list[Case]:
    """Boxes and what came out for them: right, half a cell off, RoI Pool, at the border, by hand; then random."""
    scale = {"spatial_scale": 1 / STRIDE}

    def read(form: Callable[..., Tensor], box: list[float], output_hw: tuple[int, int], **options: object) -> Case:
        corners = torch.tensor(box)
        return corners, form(ruler(), [corners[None]], output_hw, **scale, **options)[0]

    cat = [21.0, 91.0, 47.0, 104.0]
    cases: list[Case] = [
        read(roi.roi_align, cat, (2, 2)),
        read(roi.roi_align, cat, (2, 2), aligned=False),
        read(roi.roi_pool, cat, (2, 2)),
        read(roi.roi_pool, cat, (1, 3)),
        read(roi.roi_align, [-30.0, 20, 60, 80], (3, 2)),  # over the border
        read(roi.roi_align, [40.0, 40, 44, 44], (2, 2), aligned=False),  # made a cell wide
        (torch.tensor([0.0, 0, 40, 20]), torch.tensor([[[13.0, 30, 10, 30]], [[10.0, 10, 14, 10]]]).view(2, 2, 2)),
        (torch.tensor([0.0, 0, 10, 10]), torch.tensor([[[8.0]], [[1.0]]])),  # 3 and -4: 5
    ]
    for output_hw in [(2, 3), (3, 2), (1, 4), (5, 5)]:
        x, y = (np.sort(rng.uniform(20, side * STRIDE - 40, 2)) + np.array([0, 20]) for side in GRID_HW[::-1])
        box = [float(x[0]), float(y[0]), float(x[1]), float(y[1])]
        case = read(roi.roi_pool, box, output_hw)
        cases += [case, (case[0], case[1] + torch.from_numpy(rng.normal(0, 9, case[1].shape)).float())]
    return cases


def off(box: Tensor, pooled: Tensor, at: float = 0.5) -> tuple[Tensor, Tensor]:
    """How far off each bin was read in x and in y; `at` is the place within a bin that is taken for its own."""
    x1, y1, x2, y2 = box
    rows, columns = pooled.shape[1:]
    x = x1 + (torch.arange(columns) + at) * (x2 - x1) / columns
    y = y1 + (torch.arange(rows) + at) * (y2 - y1) / rows
    return pooled[0] - x, pooled[1] - y[:, None]


def of_distances(choose: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], float]:
    """The distances of all bins, made one number."""
    return lambda box, pooled: float(choose(torch.hypot(*off(box, pooled))))


def of_both(combine: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], float]:
    """What is off in x and y, without signs, made one number."""
    return lambda box, pooled: float(combine(*(each.abs() for each in off(box, pooled))))


def from_middle(box: Tensor, pooled: Tensor) -> float:
    """All bins held against the centre of the box."""
    x, y = (box[:2] + box[2:]) / 2
    return float(torch.hypot(pooled[0] - x, pooled[1] - y).max())


def sides_swapped(box: Tensor, pooled: Tensor) -> float:
    """As many columns as there are rows."""
    x1, y1, x2, y2 = box
    rows, columns = pooled.shape[1:]
    x = x1 + (torch.arange(columns) + 0.5) * (x2 - x1) / rows
    y = y1 + (torch.arange(rows) + 0.5) * (y2 - y1) / columns
    return float(torch.hypot(pooled[0] - x, pooled[1] - y[:, None]).max())


WORST_BIN = Exercise(
    "06.worst_bin",
    pooled_rulers,
    mistakes=(
        written(
            "the mean over the bins",
            "One bin may be far off and the others right: take the largest, max.",
            of_distances(torch.mean),
        ),
        written("the best bin", "The worst bin is the one that is farthest off.", of_distances(torch.min)),
        written("the sum over the bins", "Take the largest distance, do not add them up.", of_distances(torch.sum)),
        written(
            "off in x alone",
            "A bin may be off in y: take the distance, torch.hypot(off_x, off_y).",
            of_both(lambda x, y: x.max()),
        ),
        written(
            "the larger of x and y",
            "Off by 3 and 4 is 5 away: torch.hypot(off_x, off_y).",
            of_both(lambda x, y: torch.maximum(x, y).max()),
        ),
        written(
            "x and y added", "Off by 3 and 4 is 5 away: torch.hypot(off_x, off_y).", of_both(lambda x, y: (x + y).max())
        ),
        written(
            "the largest of x with the largest of y",
            "They may belong to two bins: the distance of each bin first, then the largest.",
            of_both(lambda x, y: torch.hypot(x.max(), y.max())),
        ),
        written(
            "the corner of a bin for its centre",
            "The centre of bin q is at (q + 0.5) bins, not at q.",
            lambda box, pooled: float(torch.hypot(*off(box, pooled, at=0)).max()),
        ),
        written(
            "all bins held against the centre of the box",
            "Each bin has a centre of its own.",
            from_middle,
        ),
        written(
            "x and y of the ruler exchanged",
            "Channel 0 holds x, and channel 1 holds y.",
            lambda box, pooled: float(torch.hypot(*off(box, pooled.flip(0))).max()),
        ),
        written(
            "rows and columns exchanged",
            "x runs over the columns, the last axis; y over the rows.",
            sides_swapped,
        ),
        written(
            "distances in cells",
            "The ruler is in pixels, and so is the answer: do not divide by the stride.",
            lambda box, pooled: float(torch.hypot(*off(box, pooled)).max()) / STRIDE,
        ),
    ),
    tolerance=1e-4,
)
