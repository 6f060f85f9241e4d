"""What a click on a picture of the countertop can mean: the things that belong together.

A click on an apple means the apple, or the plate with everything on it; a click on the plate means the plate alone, or
again plate and apples. A thing is read as itself; as itself with all that it carries; and with all that carries it, and
what that carries: one reading for each thing below it. That is at most three readings, since a stack has at most three
storeys, such as a spoon in a mug on a plate. Most things stand alone and have one reading.

What the world does not label cannot be learned: parts of a thing, such as a handle or the stripes of its pattern, and
groups of things that merely stand near each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from gk_utils.countertop.scene import Scene


@dataclass(frozen=True)
class Reading:
    """One thing that a click may mean: `members`, for a click on the thing `clicked`, one of them.

    `storeys` says how it was found: 0 the thing alone, 1 with all that it carries, 2 with what carries it ...
    """

    clicked: int
    members: tuple[int, ...]
    storeys: int


def readings_of(scene: Scene, index: int) -> tuple[Reading, ...]:
    """The readings of a click on thing `index`, the smallest first; no two have the same members.

    >>> from gk_utils.countertop.things import Thing
    >>> plate = Thing("plate", "white", "large", "plain", None, None, x=0.5, depth=0.75)
    >>> apple = Thing("apple", "red", "small", "plain", None, None, 0.5, 0.75, relation="on", support=0)
    >>> [reading.members for reading in readings_of(Scene((plate, apple)), 1)]
    [(1,), (0, 1)]
    """
    found, root, storeys = {(index,): 0}, index, 1
    while True:
        found.setdefault(_with_carried(scene, root), storeys)
        below = scene.things[root].support
        if below is None:
            return tuple(Reading(index, members, storey) for members, storey in found.items())
        root, storeys = below, storeys + 1


def all_readings(scene: Scene) -> tuple[Reading, ...]:
    """The readings of every thing, thing by thing."""
    return tuple(reading for index in range(len(scene)) for reading in readings_of(scene, index))


def reading_masks(
    masks: Bool[Tensor, "n h w"], readings: Sequence[Reading]
) -> tuple[Bool[Tensor, "k h w"], Int[Tensor, " k"]]:
    """The visible pixels of each reading, and the index of the thing that was clicked.

    Args:
        masks: the visible pixels of each thing, as `render` gives them.
        readings: what to cut out.

    >>> masks = torch.tensor([[[True, False, False]], [[False, True, False]]])
    >>> reading_masks(masks, [Reading(1, (0, 1), 1)])
    (tensor([[[ True,  True, False]]]), tensor([1]))
    """
    clicked = torch.tensor([reading.clicked for reading in readings], dtype=torch.long, device=masks.device)
    if not readings:
        return masks[:0], clicked
    return torch.stack([masks[list(reading.members)].any(0) for reading in readings]), clicked


def _with_carried(scene: Scene, index: int) -> tuple[int, ...]:
    """The thing and all that it carries, through however many between."""
    members = {index}
    for above in range(index + 1, len(scene)):  # what carries comes before what it carries
        if scene.things[above].support in members:
            members.add(above)
    return tuple(sorted(members))
