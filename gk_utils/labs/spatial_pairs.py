"""Pairs of boxes on which lesson 10 tries the properties of relations.

Notebook: 10.
"""

from dataclasses import replace
from functools import cache

import torch

from gk_utils.spatial_relations.thing import Thing

IMAGE_HW = (250, 1000)


@cache
def random_pairs(n: int, seed: int = 0) -> tuple[tuple[Thing, Thing], ...]:
    """Pairs of things in a picture 1000 wide and 250 high: a tenth equal, a fifth nested, the others at random.

    >>> first, second = random_pairs(10)[0]
    >>> first.box == second.box, first.image_hw
    (True, (250, 1000))
    """
    random = torch.Generator().manual_seed(seed)
    corners = torch.rand(n, 2, 2, generator=random) * torch.tensor([700.0, 150])
    sizes = 10 + torch.rand(n, 2, 2, generator=random) * torch.tensor([280.0, 90])
    boxes = torch.cat([corners, corners + sizes], -1)
    equal, nested = n // 10, n // 10 + n // 5
    boxes[:equal, 1] = boxes[:equal, 0]
    part = 0.1 + 0.8 * torch.rand(nested - equal, 2, 2, generator=random).sort(1).values
    outer = boxes[equal:nested, 1]
    start, side = outer[:, None, :2], (outer[:, 2:] - outer[:, :2])[:, None]
    boxes[equal:nested, 0] = (start + part * side).flatten(1)
    return tuple(
        (Thing("box", tuple(first), IMAGE_HW), Thing("box", tuple(second), IMAGE_HW))
        for first, second in boxes.round().tolist()
    )


def padded(thing: Thing) -> Thing:
    """The same thing where grey bars below have made the picture a square.

    >>> padded(Thing("mug", (0, 0, 4, 4), (9, 20))).image_hw
    (20, 20)
    """
    side = max(thing.image_hw)
    return replace(thing, image_hw=(side, side), mask=None)
