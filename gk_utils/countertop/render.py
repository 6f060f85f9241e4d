"""Pictures of scenes, with the masks and boxes of every thing, on any device and at any size.

Each thing is painted on a patch of its own, all things of a category and pose at once; then the patches are laid on
the counter from back to front. What a thing hides is known pixel by pixel.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gk_utils.boxes import boxes_from_masks
from gk_utils.countertop.background import paint_background
from gk_utils.countertop.brush import Brush
from gk_utils.countertop.scene import Scene, base_of
from gk_utils.countertop.shapes import RECIPES
from gk_utils.countertop.things import COLOURS, KINDS, PATTERNS, unit_of
from gk_utils.errors import check_hw

LOAD = {"cpu": 1_500_000, "cuda": 60_000_000}  # pixels of patches at once: what a cache holds, what keeps a GPU busy


@dataclass(frozen=True)
class Rendered:
    """A batch of pictures; n is the number of things of the fullest scene, the others are padded.

    Attributes:
        images: (b 3 h w) RGB in [0, 1].
        masks: (b n h w) the visible pixels of each thing; no two overlap.
        masks_full: (b n h w) all its pixels, the hidden ones included.
        boxes: (b n 4) of the visible masks, continuous pixels; zeros for a thing that cannot be seen, and in padding.
        boxes_full: (b n 4) of the full masks.
        order: (b n) when each thing was painted, 0 the furthest back; -1 in padding.
        exists: (b n) False in padding.
    """

    images: Float[Tensor, "b 3 h w"]
    masks: Bool[Tensor, "b n h w"]
    masks_full: Bool[Tensor, "b n h w"]
    boxes: Float[Tensor, "b n 4"]
    boxes_full: Float[Tensor, "b n 4"]
    order: Int[Tensor, "b n"]
    exists: Bool[Tensor, "b n"]


@dataclass
class _Item:
    """A thing on its way to the canvas: where it goes, in pixels, and how it is painted."""

    scene: int
    index: int
    order: int
    key: tuple[str, str, str]
    place: tuple[float, float, float]  # x and y of the ground, pixels per local unit
    look: tuple[int, int, int]  # 1 or -1 for facing, colour, pattern
    rim: tuple[float, float, float, float] | None  # the opening it stands in: centre and half axes
    corner: tuple[int, int]  # left and top of its patch


def render(
    scenes: Sequence[Scene], image_hw: tuple[int, int] = (128, 128), device: str | torch.device = "cpu"
) -> Rendered:
    """Paint scenes: the same scene gives the same picture on every call.

    Shapes scale with the shorter side of the picture, so that boxes at twice the size are twice the boxes.

    Args:
        scenes: b scenes; none give an empty batch.
        image_hw: height and width of every picture, in pixels; meant for 64 to 512.
        device: where to paint and where the results lie.

    Raises:
        ValueError: image_hw that is not two positive whole numbers.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> rendered = render([draw_scene(0, n=4), draw_scene(1, n=2)], (96, 128))
    >>> rendered.images.shape, rendered.masks.shape, rendered.exists.sum(1).tolist()
    (torch.Size([2, 3, 96, 128]), torch.Size([2, 4, 96, 128]), [4, 2])
    """
    check_hw(image_hw)
    if any(side != int(side) for side in image_hw):
        raise ValueError(f"image_hw: expected whole numbers, got {tuple(image_hw)}. Round them.")
    height, width = image_hw
    n = max((len(scene) for scene in scenes), default=0)
    load, start, parts = 0, 0, []
    for stop, scene in enumerate(scenes, 1):
        load += len(scene) * (0.5 * min(image_hw)) ** 2
        if load > LOAD.get(torch.device(device).type, 4_000_000) or stop == len(scenes):
            parts.append(_render(scenes[start:stop], (height, width), n, device))
            load, start = 0, stop
    if not parts:
        parts.append(_render([], (height, width), n, device))
    images, masks, masks_full, order = (
        torch.cat(planes) if len(parts) > 1 else planes[0] for planes in zip(*parts, strict=True)
    )
    boxes, boxes_full = (
        boxes_from_masks(planes.flatten(0, 1)).unflatten(0, planes.shape[:2]) for planes in (masks, masks_full)
    )
    return Rendered(images, masks, masks_full, boxes, boxes_full, order, order >= 0)


def _render(
    scenes: Sequence[Scene], image_hw: tuple[int, int], n: int, device: str | torch.device
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Images, visible masks, full masks, and painting order of one load of scenes."""
    (height, width), b = image_hw, len(scenes)
    items = [item for position, scene in enumerate(scenes) for item in _items(position, scene, image_hw)]
    order = torch.full((b, n), -1)
    for item in items:
        order[item.scene, item.index] = item.order
    groups = defaultdict(list)
    for item in items:
        groups[item.key].append(item)
    items = [item for group in groups.values() for item in group]
    patches = [_paint(key, group, device) for key, group in groups.items()]
    pad_h, pad_w = (max([0, *(patch.shape[axis] for patch, _ in patches)]) for axis in (1, 2))
    # A patch may reach over the border: the canvas has a frame, which is cut off at the end.
    left = max([0, *(-item.corner[0] for item in items)])
    top = max([0, *(-item.corner[1] for item in items)])
    frame_w = left + max([width, *(item.corner[0] + pad_w for item in items)])
    frame_h = top + max([height, *(item.corner[1] + pad_h for item in items)])
    canvas = torch.zeros(b, frame_h, frame_w, 3, device=device)
    view = (slice(None), slice(top, top + height), slice(left, left + width))
    canvas[view] = paint_background(scenes, image_hw, device).movedim(1, -1)
    owner = torch.full((b, frame_h, frame_w), -1, dtype=torch.int16, device=device)
    full = torch.zeros(b, n, frame_h, frame_w, dtype=torch.bool, device=device)
    if items:
        _compose(items, patches, origin=(left, top), canvas=canvas, owner=owner, full=full)
    numbers = torch.arange(n, dtype=torch.int16, device=device)
    masks = owner[view][:, None] == numbers[:, None, None]
    images = canvas[view].movedim(-1, 1).clamp(0, 1).contiguous()
    return images, masks, full[:, :, view[1], view[2]].contiguous(), order.to(device)


def _items(position: int, scene: Scene, image_hw: tuple[int, int]) -> list[_Item]:
    """The things of one scene in pixels."""
    (height, width), side = image_hw, min(image_hw)
    order = {index: rank for rank, index in enumerate(scene.paint_order())}
    places, items = [], []
    for index, thing in enumerate(scene.things):
        if thing.support is None:
            ground = base_of(scene, index)[1] * height
        else:
            below = scene.things[thing.support]
            ground = places[thing.support][1] - KINDS[below.category].floor * places[thing.support][2]
        unit_px = unit_of(thing) * side
        place = (thing.x * width, ground, unit_px)
        places.append(place)
        rim = None
        if thing.relation == "inside":
            x, y, unit = places[thing.support]
            up, half_w, half_h = KINDS[below.category].opening
            rim = (x, y - up * unit, half_w * unit, half_h * unit)
        pose = "standing" if thing.category == "spoon" and rim else (thing.state or "")
        recipe = RECIPES[thing.category, pose]
        look = (-1 if thing.facing == "left" else 1, COLOURS.index(thing.colour), PATTERNS.index(thing.pattern))
        corner = (math.floor(place[0] - recipe.half_width * unit_px), math.floor(ground - recipe.up * unit_px))
        items.append(_Item(position, index, order[index], (thing.category, pose, thing.size), place, look, rim, corner))
    return items


def _paint(
    key: tuple[str, str, str], group: Sequence[_Item], device: str | torch.device
) -> tuple[Float[Tensor, "k h w 4"], Bool[Tensor, "k h w"]]:
    """Paint the things of one category, pose and size: premultiplied RGBA, and the pixels that belong to them."""
    recipe = RECIPES[key[:2]]
    numbers = torch.tensor([(*item.place, *item.corner, *item.look) for item in group], dtype=torch.float32)
    x, ground, unit_px, left, top, flip, colour, pattern = numbers.to(device).unbind(1)
    largest = max(item.place[2] for item in group)
    columns = torch.arange(math.ceil(2 * recipe.half_width * largest) + 1, device=device) + 0.5
    rows = torch.arange(math.ceil((recipe.up + recipe.down) * largest) + 1, device=device) + 0.5
    across = ((left - x)[:, None] + columns) / unit_px[:, None]
    up = ((ground - top)[:, None] - rows) / unit_px[:, None]
    shape = (len(group), len(rows), len(columns))
    brush = Brush(
        across[:, None].expand(shape),
        up[:, :, None].expand(shape),
        unit_px,
        (flip, colour.long(), pattern.long()),
        ((recipe.half_width, recipe.up), (min(item.place[2] for item in group), largest)),
    )
    recipe.paint(brush, key[1])
    return torch.cat([brush.rgb, brush.alpha[:, None]], 1).movedim(1, -1), brush.solid


def _compose(
    items: Sequence[_Item],
    patches: Sequence[tuple[Tensor, Tensor]],
    *,
    origin: tuple[int, int],
    canvas: Float[Tensor, "b h w 3"],
    owner: Int[Tensor, "b h w"],
    full: Bool[Tensor, "b n h w"],
) -> None:
    """Lay the patches on the canvas from back to front, and write down whose each pixel is."""
    device = canvas.device
    patch_h, patch_w = (max(mask.shape[axis] for _, mask in patches) for axis in (1, 2))
    frame_h, frame_w = canvas.shape[1:3]
    paint = torch.zeros(len(items), patch_h, patch_w, 4, device=device)
    solid = torch.zeros(len(items), patch_h, patch_w, dtype=torch.bool, device=device)
    start = 0
    for rgba, mask in patches:
        rows = slice(start, start + len(rgba))
        paint[rows, : rgba.shape[1], : rgba.shape[2]] = rgba
        solid[rows, : rgba.shape[1], : rgba.shape[2]] = mask
        start += len(rgba)
    left = torch.tensor([item.corner[0] + origin[0] for item in items], device=device)
    top = torch.tensor([item.corner[1] + origin[1] for item in items], device=device)
    scene = torch.tensor([item.scene for item in items], device=device)
    index = torch.tensor([item.index for item in items], device=device)
    ys, xs = torch.arange(patch_h, device=device)[:, None], torch.arange(patch_w, device=device)
    inner = (top[:, None, None] + ys) * frame_w + left[:, None, None] + xs  # pixel numbers within a frame
    place = (scene * frame_h * frame_w)[:, None, None] + inner
    planes = (scene * full.shape[1] + index) * frame_h * frame_w
    full.view(-1).scatter_(0, (planes[:, None, None] + inner).flatten(), solid.flatten())
    _hide_below_rims(items, paint, solid)
    turns = defaultdict(list)
    for row, item in enumerate(items):
        turns[item.order].append(row)
    flat, whose = canvas.view(-1, 3), owner.view(-1)
    for _, members in sorted(turns.items()):
        rows = torch.tensor(members, device=device)
        where, colour = place[rows], paint[rows]
        flat[where] = flat[where] * (1 - colour[..., 3:]) + colour[..., :3]
        whose[where] = torch.where(solid[rows], index[rows].to(whose.dtype)[:, None, None], whose[where])


def _hide_below_rims(items: Sequence[_Item], paint: Float[Tensor, "k h w 4"], solid: Bool[Tensor, "k h w"]) -> None:
    """Take away, in place, what the wall of a mug or a bowl hides of the things inside it."""
    rows = [row for row, item in enumerate(items) if item.rim]
    if not rows:
        return
    device, (height, width) = paint.device, paint.shape[1:3]
    numbers = torch.tensor([(*items[row].rim, *items[row].corner) for row in rows], device=device)[..., None, None]
    x, y, half_w, half_h, left, top = numbers.unbind(1)
    down = top + torch.arange(height, device=device)[:, None] + 0.5 - y
    across = (left + torch.arange(width, device=device) + 0.5 - x) / half_w
    slope = torch.hypot(across / half_w, down / half_h**2).clamp(min=1e-3)
    hidden = torch.minimum(down + 0 * across, (across**2 + (down / half_h) ** 2 - 1) / (2 * slope))
    paint[rows] = paint[rows] * (0.5 - hidden).clamp(0, 1)[..., None]
    solid[rows] &= hidden < 0
