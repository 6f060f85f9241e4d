"""Boxes that are wrong on purpose: moved away from what they are said to hold, or of nothing at all.

Notebook: 15.
"""

from collections.abc import Sequence

import numpy as np
import torch

from gk_utils.boxes import pairwise_iou
from gk_utils.kosmos2.grounded_text import UnitBox

CLEAR = 0.3  # a wrong box has less IoU than this with all that it could be meant for
TRIES = 60


def moved_box(rng: np.random.Generator, box: UnitBox, fitting: Sequence[UnitBox], others: Sequence[UnitBox]) -> UnitBox:
    """A box that clearly holds none of `fitting`: that of another thing half of the time, else one pushed aside.

    Where no push is clear, the corner of the picture that is farthest from all of them.

    >>> moved = moved_box(np.random.default_rng(0), (0.1, 0.1, 0.3, 0.3), [(0.1, 0.1, 0.3, 0.3)], [])
    >>> overlap(moved, [(0.1, 0.1, 0.3, 0.3)]) < CLEAR
    True
    """
    strangers = [other for other in others if overlap(other, fitting) < CLEAR]
    if strangers and rng.random() < 0.5:
        return strangers[int(rng.integers(len(strangers)))]
    width, height = box[2] - box[0], box[3] - box[1]
    for _ in range(TRIES):
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1.4)
        moved = _placed(box[0] + far * width * np.cos(angle), box[1] + far * height * np.sin(angle), width, height)
        if overlap(moved, fitting) < CLEAR:
            return moved
    return _corner(width, height, fitting)


def new_box(rng: np.random.Generator, others: Sequence[UnitBox]) -> UnitBox:
    """A box as large as things are, on no thing if a place is left.

    >>> box = new_box(np.random.default_rng(0), [(0.0, 0.5, 0.5, 1.0)])
    >>> overlap(box, [(0.0, 0.5, 0.5, 1.0)]) < CLEAR
    True
    """
    for _ in range(TRIES):
        width, height = rng.uniform(0.1, 0.25, 2)
        box = _placed(rng.uniform(0, 1 - width), rng.uniform(0.35, 1 - height), width, height)
        if overlap(box, others) < CLEAR:
            return box
    return _corner(0.1, 0.1, others)


def overlap(box: UnitBox, others: Sequence[UnitBox]) -> float:
    """The largest IoU of a box with others; 0 without any.

    >>> overlap((0, 0, 1, 1), [(0, 0, 0.5, 1), (0, 0, 0.25, 1)])
    0.5
    """
    if not others:
        return 0.0
    return float(pairwise_iou(torch.tensor([box]).float(), torch.tensor(list(others)).float()).max())


def _placed(x: float, y: float, width: float, height: float) -> UnitBox:
    """A box of this size, pushed inside the picture, with three decimals."""
    x, y = min(max(x, 0.0), 1 - width), min(max(y, 0.0), 1 - height)
    return tuple(round(float(side), 3) for side in (x, y, x + width, y + height))


def _corner(width: float, height: float, others: Sequence[UnitBox]) -> UnitBox:
    corners = [_placed(x, y, width, height) for x in (0.0, 1.0) for y in (0.0, 1.0)]
    return min(corners, key=lambda box: overlap(box, others))
