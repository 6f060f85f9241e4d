"""Pictures of scenes, with the masks and boxes of every thing, on any device and at any size.

Each thing is painted on a patch of its own, all things of a category, pose and size at once; then the patches are laid
on the counter from back to front. What a thing hides is known pixel by pixel. On a recent GPU the kernels of
`fused_render` do the same.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import pad

from gk_utils.boxes import boxes_from_masks
from gk_utils.countertop.background import paint_background
from gk_utils.countertop.brush import Brush
from gk_utils.countertop.fused_render import render_fused
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.shapes import RECIPES
from gk_utils.countertop.thing_rows import KEYS, rows_of
from gk_utils.errors import check_hw
from gk_utils.kernels import use_triton

ORDER = ["scene", "order", "index", "left", "top"]
LOAD = {"cpu": 6_000_000, "cuda": 60_000_000}  # pixels of patches at once: more cost memory, fewer cost overhead


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
class _Patches:
    """The painted things of one group.

    Attributes:
        rows: their k rows of the table, with `left` and `top` of each patch.
        rgba: (k 4 h w) colour multiplied by coverage, and coverage.
        full: (k h w) all pixels of the thing; seen: those that what it stands in does not hide.
    """

    rows: np.ndarray
    rgba: Float[Tensor, "k 4 h w"]
    full: Bool[Tensor, "k h w"]
    seen: Bool[Tensor, "k h w"]


def render(
    scenes: Sequence[Scene], image_hw: tuple[int, int] = (128, 128), device: str | torch.device = "cpu"
) -> Rendered:
    """Paint scenes: the same scene gives the same picture on every call.

    Shapes scale with the shorter side of the picture, so that boxes at twice the size are twice the boxes. On a GPU,
    colours differ from those of a CPU by about 1e-5, and now and then a pixel on an edge belongs to another thing.

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
    (height, width), b = image_hw, len(scenes)
    images = torch.empty(b, 3, height, width, device=device)
    if b and use_triton(images):
        *planes, ranks = render_fused(scenes, images)
        return Rendered(images, *planes, ranks, ranks >= 0)
    n = max((len(scene) for scene in scenes), default=0)
    masks, masks_full = (torch.zeros(b, n, height, width, dtype=torch.bool, device=device) for _ in range(2))
    order = np.full((b, n), -1)
    table = rows_of(scenes)
    order[table["scene"], table["index"]] = table["order"]
    _paint_backgrounds(scenes, images)
    starts = np.searchsorted(table["scene"], np.arange(b + 1))
    for load in _loads(scenes, image_hw, device):
        rows = table[starts[load.start] : starts[load.stop]].copy()
        rows["scene"] -= load.start
        _lay(_paint_all(rows, image_hw, device), images[load], masks[load], masks_full[load])
    ranks = torch.from_numpy(order).to(device)
    boxes, boxes_full = (
        boxes_from_masks(planes.flatten(0, 1)).unflatten(0, planes.shape[:2]) for planes in (masks, masks_full)
    )
    return Rendered(images, masks, masks_full, boxes, boxes_full, ranks, ranks >= 0)


def _loads(scenes: Sequence[Scene], image_hw: tuple[int, int], device: str | torch.device) -> Iterator[slice]:
    """Which scenes to paint together."""
    load = start = 0
    for stop, scene in enumerate(scenes, 1):
        load += len(scene) * (0.5 * min(image_hw)) ** 2
        if load > LOAD.get(torch.device(device).type, 6_000_000) or stop == len(scenes):
            yield slice(start, stop)
            load, start = 0, stop


def _paint_backgrounds(scenes: Sequence[Scene], images: Float[Tensor, "b 3 h w"]) -> None:
    """Paint every pair of wall and counter once, and copy it to its scenes."""
    looks = {(scene.wall, scene.counter): scene for scene in scenes}
    backgrounds = paint_background(list(looks.values()), tuple(images.shape[2:]), images.device)
    numbers = {look: number for number, look in enumerate(looks)}
    which = torch.tensor([numbers[scene.wall, scene.counter] for scene in scenes], dtype=torch.long)
    torch.index_select(backgrounds, 0, which.to(images.device), out=images)


def _paint_all(table: np.ndarray, image_hw: tuple[int, int], device: str | torch.device) -> list[_Patches]:
    """Paint all things of a load, those of one category, pose and size at once."""
    table = table[np.lexsort((table["pattern"], table["key"]))]
    starts = np.flatnonzero(np.diff(table["key"], prepend=-1, append=-1))
    return [_paint(table[first:last], image_hw, device) for first, last in pairwise(starts.tolist())]


def _paint(rows: np.ndarray, image_hw: tuple[int, int], device: str | torch.device) -> _Patches:
    """Paint the things of one category, pose and size."""
    (height, width), side = image_hw, min(image_hw)
    key = KEYS[rows["key"][0]]
    recipe = RECIPES[key[:2]]
    unit_px, x, ground = rows["unit"] * side, rows["x"] * width, rows["ground"] * height - rows["lift"] * side
    left, top = np.floor(x - recipe.half_width * unit_px), np.floor(ground - recipe.up * unit_px)
    rows["left"], rows["top"] = left, top
    numbers = np.stack([left, x, ground, top, unit_px, rows["flip"], rows["colour"]], 1).astype(np.float32)
    left, x, ground, top, unit, flip, colour = torch.from_numpy(numbers).to(device).unbind(1)
    largest = unit_px.max()
    columns = torch.arange(math.ceil(2 * recipe.half_width * largest) + 1, device=device) + 0.5
    lines = torch.arange(math.ceil((recipe.up + recipe.down) * largest) + 1, device=device) + 0.5
    brush = Brush(
        (((left - x)[:, None] + columns) / unit[:, None])[:, None],
        (((ground - top)[:, None] - lines) / unit[:, None])[:, :, None],
        unit,
        (flip, colour.long(), rows["pattern"]),
        ((recipe.half_width, recipe.up), (float(unit_px.min()), float(largest))),
    )
    recipe.paint(brush, key[1])
    solid = brush.solid
    patches = _Patches(rows, brush.rgba, solid, solid)
    _hide_below_rims(patches, image_hw)
    return patches


def _hide_below_rims(patches: _Patches, image_hw: tuple[int, int]) -> None:
    """Take away, in place, what the wall of a mug or a bowl hides of the things inside it."""
    inside = np.flatnonzero(patches.rows["inside"])
    if not len(inside):
        return
    device, (height, width) = patches.rgba.device, patches.rgba.shape[2:]
    rows, side = patches.rows[inside], min(image_hw)
    places = [rows["rim_x"] * image_hw[1], rows["ground"] * image_hw[0] - rows["rim_lift"] * side]
    places += [rows["rim_half_w"] * side, rows["rim_half_h"] * side, rows["left"], rows["top"]]
    places = torch.from_numpy(np.stack(places, 1).astype(np.float32)).to(device)
    x, y, half_w, half_h, left, top = places[..., None, None].unbind(1)
    down = top + torch.arange(height, device=device)[:, None] + 0.5 - y
    across = (left + torch.arange(width, device=device) + 0.5 - x) / half_w
    slope = torch.hypot(across / half_w, down / half_h**2).clamp(min=1e-3)
    hidden = torch.minimum(down + 0 * across, (across**2 + (down / half_h) ** 2 - 1) / (2 * slope))
    chosen = torch.from_numpy(inside).to(device)
    patches.rgba[chosen] *= (0.5 - hidden).clamp(0, 1)[:, None]
    patches.seen = patches.full.clone()
    patches.seen[chosen] &= hidden < 0


def _lay(
    patches: Sequence[_Patches],
    images: Float[Tensor, "b 3 h w"],
    masks: Bool[Tensor, "b n h w"],
    masks_full: Bool[Tensor, "b n h w"],
) -> None:
    """Lay the patches of a load on its pictures, and write down whose each pixel is; all in place."""
    (b, n, height, width), device = masks.shape, images.device
    owner = torch.full((b, height, width), -1, dtype=torch.int16, device=device)
    lay = _lay_each if device.type == "cpu" else _lay_together
    lay(patches, images, masks_full, owner)
    torch.eq(owner[:, None], torch.arange(n, dtype=torch.int16, device=device)[:, None, None], out=masks)
    images.clamp_(0, 1)


def _lay_each(patches: Sequence[_Patches], images: Tensor, masks_full: Tensor, owner: Tensor) -> None:
    """One patch after the other: the fastest way where starting an operation costs little."""
    height, width = owner.shape[1:]
    entries = [
        (*numbers, *planes)
        for group in patches
        for *planes, numbers in zip(group.rgba, group.full, group.seen, group.rows[ORDER].tolist(), strict=True)
    ]
    for scene, _, index, left, top, rgba, full, seen in sorted(entries, key=lambda entry: entry[:2]):
        patch_h, patch_w = full.shape
        x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + patch_w, width), min(top + patch_h, height)
        if (x2 - x1, y2 - y1) != (patch_w, patch_h):  # it reaches over the border
            within = ..., slice(y1 - top, max(y2, y1) - top), slice(x1 - left, max(x2, x1) - left)
            rgba, full, seen = rgba[within], full[within], seen[within]  # noqa: PLW2901
        place = slice(y1, max(y2, y1)), slice(x1, max(x2, x1))
        images[scene, :, *place].mul_(1 - rgba[3]).add_(rgba[:3])
        masks_full[scene, index, *place] = full
        owner[scene, *place].masked_fill_(seen, index)


def _lay_together(patches: Sequence[_Patches], images: Tensor, masks_full: Tensor, owner: Tensor) -> None:
    """The things that are painted first in all scenes, then the second ones ...: few operations, each a large one.

    Patches of similar size are padded to one size; what lies outside the pictures goes to a frame around them.
    """
    device, (height, width), n = owner.device, owner.shape[1:], masks_full.shape[1]
    step_h, step_w = (max([1, *(-(-group.full.shape[axis] // 3) for group in patches)]) for axis in (1, 2))
    ends = [(group.rows["left"] + group.full.shape[2], group.rows["top"] + group.full.shape[1]) for group in patches]
    left, top = (max([0, *(-int(group.rows[name].min()) for group in patches)]) for name in ("left", "top"))
    frame_w, frame_h = (
        before + max([side, *(int(end[axis].max()) + step for end in ends)])
        for axis, before, side, step in ((0, left, width, step_w), (1, top, height, step_h))
    )
    border = (left, frame_w - left - width, top, frame_h - top - height)
    colours, whose, whole = (pad(planes, border) for planes in (images.movedim(1, 0), owner, masks_full))
    sizes = defaultdict(list)
    for group in patches:
        sizes[-(-group.full.shape[1] // step_h) * step_h, -(-group.full.shape[2] // step_w) * step_w].append(group)
    turns = defaultdict(list)
    for (patch_h, patch_w), groups in sizes.items():
        rgba, full, seen = (
            torch.cat([pad(plane, (0, patch_w - plane.shape[-1], 0, patch_h - plane.shape[-2])) for plane in planes])
            for planes in zip(*((group.rgba, group.full, group.seen) for group in groups), strict=True)
        )
        table = np.concatenate([group.rows[ORDER] for group in groups])
        numbers = torch.from_numpy(np.stack([table[name].astype(np.int64) for name in ORDER], 1)).to(device)
        scene, _, index, x, y = numbers[..., None, None].unbind(1)
        ys, xs = torch.arange(patch_h, device=device)[:, None] + top, torch.arange(patch_w, device=device) + left
        inner = (y + ys) * frame_w + x + xs  # pixel numbers within a frame
        whole.view(-1)[(scene * n + index) * (frame_h * frame_w) + inner] = full
        place = scene * (frame_h * frame_w) + inner
        by_turn = np.argsort(table["order"], kind="stable")
        turn, first = np.unique(table["order"][by_turn], return_index=True)
        for order, members in zip(turn.tolist(), np.split(by_turn, first[1:]), strict=True):
            turns[order].append((torch.from_numpy(members).to(device), rgba, seen, index.to(owner.dtype), place))
    flat, owners = colours.view(3, -1), whose.view(-1)
    for _, together in sorted(turns.items()):
        for rows, rgba, seen, index, place in together:
            where, paint = place[rows], rgba[rows].movedim(1, 0)
            flat[:, where] = flat[:, where] * (1 - paint[3]) + paint[:3]
            owners[where] = torch.where(seen[rows], index[rows], owners[where])
    view = (..., slice(top, top + height), slice(left, left + width))
    images.copy_(colours[view].movedim(0, 1))
    owner.copy_(whose[view])
    masks_full.copy_(whole[view])
