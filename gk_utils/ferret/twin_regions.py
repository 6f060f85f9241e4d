"""Twin regions: parts of two things that have exactly the same box.

Whoever is told the box alone cannot know which of the two is meant: on twins with different answers, coordinates are
right half of the time at most, however good the model. Where two things overlap in the picture, twins are found by
cutting both to the box that their boxes share, again and again until both fill it.

Notebook: 14.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from gk_utils.errors import check_same_length

LEAST_PIXELS = 20  # of each twin


@dataclass(frozen=True, eq=False)
class Twins:
    """Two parts with one box.

    Attributes:
        things: the indices of the two things.
        box: xyxy in pixels, the tight box of both.
        masks: (2 h w) the pixels of each part; they share none if the things share none.
    """

    things: tuple[int, int]
    box: tuple[int, int, int, int]
    masks: Bool[Tensor, "2 h w"]


def twin_box(mask1: Bool[Tensor, "h w"], mask2: Bool[Tensor, "h w"]) -> tuple[int, int, int, int] | None:
    """The largest box xyxy that is the tight box of what both masks have inside of it; None if there is none.

    >>> around = torch.tensor([[0, 0, 0, 0], [1, 0, 0, 1], [1, 1, 1, 1]], dtype=torch.bool)
    >>> middle = torch.tensor([[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]], dtype=torch.bool)
    >>> twin_box(around, middle) is None, twin_box(around, torch.ones(3, 4, dtype=torch.bool))
    (True, (0, 1, 4, 3))
    """
    check_same_length(mask1, mask2, ("mask1", "mask2"))
    return _twin_box(mask1.numpy(), mask2.numpy())


def find_twins(masks: Bool[Tensor, "n h w"], least: int = LEAST_PIXELS) -> list[Twins]:
    """All pairs of things that have twins with at least `least` pixels each, in the order of their indices."""
    planes = masks.numpy()
    boxes = [_box(plane) for plane in planes]
    found = []
    for first, second in itertools.combinations(range(len(planes)), 2):
        if boxes[first] is None or boxes[second] is None or not _overlap(boxes[first], boxes[second]):
            continue
        box = _twin_box(planes[first], planes[second])
        if box is None:
            continue
        inside = np.zeros(planes.shape[1:], bool)
        inside[box[1] : box[3], box[0] : box[2]] = True
        parts = planes[[first, second]] & inside
        if parts.sum((1, 2)).min() >= least:
            found.append(Twins((first, second), box, torch.from_numpy(parts)))
    return found


def _twin_box(mask1: np.ndarray, mask2: np.ndarray) -> tuple[int, int, int, int] | None:
    """A fixed point of cutting: a box that holds twins lies inside of every box cut on the way, so none is lost."""
    x, y, part1, part2 = 0, 0, mask1, mask2
    while True:
        box1, box2 = _box(part1), _box(part2)
        if box1 is None or box2 is None or not _overlap(box1, box2):
            return None
        if box1 == box2:
            return (x + box1[0], y + box1[1], x + box1[2], y + box1[3])
        left, top = max(box1[0], box2[0]), max(box1[1], box2[1])
        inner = slice(top, min(box1[3], box2[3])), slice(left, min(box1[2], box2[2]))
        x, y, part1, part2 = x + left, y + top, part1[inner], part2[inner]


def _box(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1) if len(rows) else None


def _overlap(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return max(a[0], b[0]) < min(a[2], b[2]) and max(a[1], b[1]) < min(a[3], b[3])
