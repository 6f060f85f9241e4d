"""What masks and depths say about two things: do they touch, does one rest on the other, are they equally far away.

Visible masks never share a pixel. Two things whose masks border on each other touch, or one hides a part of the other;
only depth tells these apart.
"""

import numpy as np
from jaxtyping import Bool

from gk_utils.spatial_relations.extents import gap
from gk_utils.spatial_relations.thing import Thing

SLACK = 0.05  # of the smaller diagonal: boxes that are closer than this may touch
STEP = 0.015  # of the picture's shorter side, 1 px at least: masks that are closer than this border on each other
SAME_DEPTH = 0.05  # of the farther one's distance: a smaller difference is none


def apart(a: Thing, b: Thing) -> float:
    """How far the boxes are from touching, in smaller diagonals: 0 or less where they may touch.

    >>> one, other = (Thing("mug", (x, 0, x + 3, 4), (50, 50)) for x in (0, 5))
    >>> round(apart(one, other), 2)
    0.35
    """
    unit, distance = min(a.diagonal, b.diagonal), gap(a.box, b.box)
    return (distance / unit if unit > 0 else float(distance > 0)) - SLACK


def depth_step(a: Thing, b: Thing) -> float | None:
    """By how much b is farther away than a, as a part of the farther one's distance; None where a depth is missing.

    >>> depth_step(*(Thing("mug", (0, 0, 3, 4), (50, 50), depth=depth) for depth in (1.5, 2.0)))
    0.25
    """
    if a.depth is None or b.depth is None:
        return None
    return (b.depth - a.depth) / max(a.depth, b.depth)


def resting(a: Thing, b: Thing) -> float:
    """Which part of a's lower edge, column by column, has b right beneath it: 0 to 1; both need a mask.

    >>> import torch
    >>> masks = torch.zeros(2, 10, 10, dtype=torch.bool)
    >>> masks[0, 2:5, 2:6], masks[1, 5:8, 4:9] = True, True
    >>> upper, lower = (Thing("mug", (0, 0, 9, 9), (10, 10), mask=mask) for mask in masks)
    >>> resting(upper, lower), resting(lower, upper)
    (0.5, 0.0)
    """
    above, beneath = _crops(a, b)
    columns = above.any(0)
    if not columns.any():
        return 0.0
    lowest = above.shape[0] - 1 - above[::-1].argmax(0)
    step, across = _step(a), np.arange(above.shape[1])
    held = np.zeros(above.shape[1], dtype=bool)
    for down in range(1, step + 1):
        row = np.minimum(lowest + down, above.shape[0] - 1)
        held |= beneath[row, across]
    return float((held & columns).sum() / columns.sum())


def bordering(a: Thing, b: Thing) -> bool:
    """Whether the masks border on each other or share a pixel.

    >>> import torch
    >>> masks = torch.zeros(2, 9, 9, dtype=torch.bool)
    >>> masks[0, :4], masks[1, 4:] = True, True
    >>> bordering(*(Thing("mug", (0, 0, 9, 9), (9, 9), mask=mask) for mask in masks))
    True
    """
    grown, other = _crops(a, b)
    for _ in range(_step(a)):
        wide = grown.copy()
        wide[1:] |= grown[:-1]
        wide[:-1] |= grown[1:]
        wide[:, 1:] |= grown[:, :-1]
        wide[:, :-1] |= grown[:, 1:]
        grown = wide
    return bool((grown & other).any())


def _step(thing: Thing) -> int:
    return max(1, round(STEP * min(thing.image_hw)))


def _crops(a: Thing, b: Thing) -> tuple[Bool[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Both masks around a's box, with a few pixels to spare."""
    spare = _step(a) + 1
    x1, y1, x2, y2 = a.box
    rows = slice(max(0, int(y1) - spare), int(y2) + spare + 1)
    columns = slice(max(0, int(x1) - spare), int(x2) + spare + 1)
    first, second = (thing.mask[rows, columns].cpu().numpy() for thing in (a, b))
    return first, second
