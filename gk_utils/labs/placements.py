"""What the lab of lesson 10 knows: a countertop whose things can be moved, and the picture that comes of it.

Every thing of a scene is cut out once and pasted where its box was put. Where it stands follows from there: on what
carries it if its foot meets a top, else on the counter, farther back the higher its foot is in the picture. So a thing
that is put on the front of the toaster stands behind it, and is hidden by it.

Notebook: 10.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gk_utils.boxes import boxes_from_masks
from gk_utils.countertop.background import paint_background
from gk_utils.countertop.placement import BACK, FRONT
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene, base_of
from gk_utils.countertop.things import KINDS, unit_of
from gk_utils.errors import check_choice
from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.observed import VIEWER, observe
from gk_utils.spatial_relations.thing import Thing

Boxes = Sequence[Sequence[float]]
KNOWN = ("boxes", "boxes and masks", "all: depth and facing too")
MEETS = 0.035  # of the picture's side: a foot that is closer to a top than this stands on it


@dataclass(frozen=True, eq=False)
class Stage:
    """A scene taken apart.

    Attributes:
        scene: its things stand on the counter, none on another.
        empty: (3 s s) the room without them.
        colours: (n 3 s s) each thing alone, multiplied by its coverage; coverage: (n s s), its shadow included.
        solid: (n s s) which pixels are the thing itself.
        boxes: around them, where they stand at first, [x1, y1, x2, y2] each.
        things: all that is known of them there.
    """

    scene: Scene
    empty: Float[Tensor, "3 s s"]
    colours: Float[Tensor, "n 3 s s"]
    coverage: Float[Tensor, "n s s"]
    solid: Bool[Tensor, "n s s"]
    boxes: list[list[float]]
    things: list[Thing]

    @property
    def side(self) -> int:
        """Of the picture, in pixels."""
        return self.empty.shape[-1]


@dataclass(frozen=True, eq=False)
class Placement:
    """Things where they were put: the picture (3 s s) and what is known of it."""

    image: Float[Tensor, "3 s s"]
    arrangement: Arrangement

    def known(self, how: str) -> Arrangement:
        """What is left of it; `how` is one of KNOWN.

        Raises:
            ValueError: another word.
        """
        check_choice(how, KNOWN, "how")
        if how == KNOWN[0]:
            return self.arrangement.boxes_only()
        if how == KNOWN[2]:
            return self.arrangement
        things = [replace(thing, depth=None, facing=None, foot=None) for thing in self.arrangement.things]
        return Arrangement(things)


def take_apart(scene: Scene, side: int = 320) -> Stage:
    """Cut the things of a scene out of its picture.

    A thing is painted alone in two rooms: where they look alike it covers, by as much as it hides of their difference.

    Raises:
        ValueError: a thing that stands on another.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> stage = take_apart(draw_scene(5, n=2, categories=["cat"]), 64)
    >>> len(stage.boxes), stage.coverage.shape
    (2, torch.Size([2, 64, 64]))
    """
    if any(thing.support is not None for thing in scene.things):
        raise ValueError("scene: expected all things on the counter, got one on another. Draw another scene.")
    alone = [replace(scene, things=(thing,)) for thing in scene.things]
    other = {  # another room, to tell a thing from what is behind it
        "wall": "sage" if scene.wall == "mist" else "mist",
        "counter": "oak" if scene.counter == "slate" else "slate",
    }
    rooms = [scene, replace(scene, **other)]
    first, second = (paint_background([replace(room, things=())], (side, side))[0] for room in rooms)
    painted = render(alone, (side, side))
    again = render([replace(one, **other) for one in alone], (side, side)).images
    apart = (first - second)[None]
    seen = ((painted.images - again) * apart).sum(1) / apart.square().sum(1).clamp(min=1e-6)
    coverage = (1 - seen).clamp(0, 1)
    colours = painted.images - (1 - coverage[:, None]) * first
    solid = painted.masks[:, 0]
    (arrangement,) = observe([scene], (side, side))
    return Stage(scene, first, colours, coverage, solid, boxes_from_masks(solid).tolist(), list(arrangement.things))


def place(stage: Stage, boxes: Boxes) -> Placement:
    """Paste every thing where its box is, as far as it lies in the picture.

    Args:
        stage: what `take_apart` gave.
        boxes: [x1, y1, x2, y2] of each thing; the upper left corner counts.

    Raises:
        ValueError: another number of boxes than things.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> stage = take_apart(draw_scene(5, n=2, categories=["cat"]), 64)
    >>> bool((place(stage, stage.boxes).image - render([stage.scene], (64, 64)).images[0]).abs().max() < 0.01)
    True
    """
    if len(boxes) != len(stage.boxes):
        raise ValueError(f"boxes: expected {len(stage.boxes)}, one a thing, got {len(boxes)}. Pass all of them.")
    side = stage.side
    steps = [(round(new[0] - old[0]), round(new[1] - old[1])) for new, old in zip(boxes, stage.boxes, strict=True)]
    feet, depths = [], []
    for index, (right, down) in enumerate(steps):
        x, y = base_of(stage.scene, index)
        feet.append((x * side + right, y * side + down))
    below = [_carrier(stage, feet, index) for index in range(len(feet))]
    for index in range(len(feet)):
        root = index
        while (under := below[root]) is not None:
            root = under
        depths.append((feet[root][1] / side - BACK) / (FRONT - BACK))
    image, masks = stage.empty.clone(), torch.zeros_like(stage.solid)
    stacked = [_height(below, index) for index in range(len(feet))]
    for index in sorted(range(len(feet)), key=lambda index: (depths[index], stacked[index], index)):
        coverage, colour = (_shifted(part, *steps[index]) for part in (stage.coverage[index], stage.colours[index]))
        image = image * (1 - coverage) + colour
        masks[index] = _shifted(stage.solid[index], *steps[index])
        for other in range(len(feet)):
            if other != index:
                masks[other] &= ~masks[index]
    seen = boxes_from_masks(masks)
    things = []
    for index, thing in enumerate(stage.things):
        box = tuple(seen[index].tolist()) if masks[index].any() else tuple(map(float, boxes[index]))
        depth = max(0.05, VIEWER + 1 - depths[index])
        things.append(replace(thing, box=box, mask=masks[index], depth=depth, foot=feet[index]))
    return Placement(image.clamp(0, 1), Arrangement(things))


def _carrier(stage: Stage, feet: Sequence[tuple[float, float]], index: int) -> int | None:
    """What the thing stands on: one whose top its foot meets; of several the nearest to the foot."""
    found = []
    for other, thing in enumerate(stage.scene.things):
        top = KINDS[thing.category].top
        if other == index or top is None:
            continue
        unit = unit_of(thing) * stage.side
        x, y = feet[other][0], feet[other][1] - top[0] * unit
        off = abs(feet[index][1] - y)
        lower = feet[index][1] < feet[other][1]
        if abs(feet[index][0] - x) <= top[1] * unit and off <= MEETS * stage.side and lower:
            found.append((off, other))
    return min(found)[1] if found else None


def _height(below: Sequence[int | None], index: int) -> int:
    """How many things are under it; what carries has its foot lower, so this ends."""
    under = below[index]
    return 0 if under is None else 1 + _height(below, under)


def _shifted(part: Tensor, right: int, down: int) -> Tensor:
    """The last two axes moved, with nothing where nothing comes in."""
    moved = torch.zeros_like(part)
    side = part.shape[-1]
    if abs(right) < side and abs(down) < side:
        to = (slice(max(0, down), side + min(0, down)), slice(max(0, right), side + min(0, right)))
        of = (slice(max(0, -down), side + min(0, -down)), slice(max(0, -right), side + min(0, -right)))
        moved[..., to[0], to[1]] = part[..., of[0], of[1]]
    return moved
