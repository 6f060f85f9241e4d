"""Pictures of scenes by Triton kernels: all things of a recipe at once, each on a patch just as large as it needs.

One table of numbers goes to the GPU, a row per thing. A kernel per recipe, traced from the recipe itself, paints the
patches; another lays them on the backgrounds. What `render` gives on a CPU comes out up to rounding: colours differ by
about 1e-5, and a pixel whose centre lies on an edge may fall on either side.
"""

import linecache
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import cache, lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.countertop import tracing as at
from gk_utils.countertop.background import COUNTER_PAINTS, WALL_PAINTS, paint_background
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.shapes import RECIPES
from gk_utils.countertop.thing_rows import rows_of
from gk_utils.countertop.things import SIZES

LOAD = 32_000_000  # pixels of patches at once: 17 bytes each
BLOCK, WARPS = 256, 8  # pixels that one program paints, and threads by 32
TILE_HW = (16, 64)  # pixels of a picture that one program composes
LOOKS = {pair: number for number, pair in enumerate((wall, top) for wall in WALL_PAINTS for top in COUNTER_PAINTS)}
REACH = np.array([(recipe.half_width, recipe.up, recipe.down) for recipe in RECIPES.values()])


def render_fused(
    scenes: Sequence[Scene], images: Float[Tensor, "b 3 h w"]
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Paint one scene or more into `images`; masks, masks_full, boxes, boxes_full and order, as in `Rendered`.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> if torch.cuda.is_available():
    ...     masks, *_ = render_fused([draw_scene(0)], torch.empty(1, 3, 128, 128, device="cuda"))
    """
    device, (b, _, height, width) = images.device, images.shape
    table = rows_of(scenes)
    n = int(table["index"].max(initial=-1)) + 1
    starts = np.searchsorted(table["scene"], np.arange(b + 1)).astype(np.int32)
    order = np.full((b, n), -1, np.int32)
    order[table["scene"], table["index"]] = table["order"]
    back = np.empty(len(table), np.int32)
    back[starts[table["scene"]] + table["order"]] = np.arange(len(table))
    table = table[back]  # from back to front
    recipes = (table["key"] // len(SIZES)).astype(np.int16)
    numbers = _numbers(table, recipes, (height, width))
    sizes = numbers[:, at.WIDTH] * numbers[:, at.HEIGHT]
    ends = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    loads = list(_loads(ends[starts]))
    members, groups = np.empty(len(table), np.int32), []
    for load in loads:
        rows = slice(starts[load.start], starts[load.stop])
        numbers[rows, at.OFFSET] = ends[:-1][rows] - ends[rows.start]
        members[rows] = np.argsort(recipes[rows], kind="stable") + rows.start
        groups.append(list(_groups(recipes[members[rows]], sizes[members[rows]], rows.start)))
    looks = np.array([LOOKS[scene.wall, scene.counter] for scene in scenes], np.int32)
    numbers, members, starts_there, looks, order = _sent((numbers, members, starts, looks, order), device)
    masks = torch.empty(b, n, height, width, dtype=torch.uint8, device=device)
    masks_full = torch.zeros_like(masks)
    boxes, boxes_full = (torch.empty(b, n, 4, device=device) for _ in range(2))
    values, kernels = numbers.view(torch.float32), _kernels(device, (height, width))
    backgrounds, paints = _backgrounds(device, (height, width)), at.paint_table(device)
    most = max(int(ends[starts[load.stop]] - ends[starts[load.start]]) for load in loads)
    rgba, solid = torch.empty(4, most, device=device), torch.empty(most, dtype=torch.uint8, device=device)
    tiles = -(-height // TILE_HW[0]) * -(-width // TILE_HW[1])
    *paint, compose, boxes_of = kernels
    with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
        for load, parts in zip(loads, groups, strict=True):
            for recipe, first, count, largest in parts:
                grid = (count, max(1, -(-largest // BLOCK)), 1)
                paint[recipe][grid](numbers, values, paints, members, rgba, solid, first, most, BLOCK)
            compose[load.stop - load.start, tiles, 1](
                *(numbers, values, starts_there, looks, backgrounds, rgba, solid, images, masks, masks_full),
                *(load.start, most, n, height, width, *TILE_HW),
            )
        for planes, out in ((masks, boxes), (masks_full, boxes_full)) if n else ():
            boxes_of[b * n, 1, 1](planes, out, height, width, *_rows_and_columns(width))
    return masks.view(torch.bool), masks_full.view(torch.bool), boxes, boxes_full, order.long()


def _numbers(table: np.ndarray, recipes: np.ndarray, image_hw: tuple[int, int]) -> np.ndarray:
    """The rows of the table as the kernels read them: whole numbers, and floats in the same memory."""
    (height, width), side = image_hw, min(image_hw)
    numbers = np.zeros((len(table), at.WORDS), np.int32)
    values = numbers.view(np.float32)
    half_width, up, down = REACH[recipes].T
    unit, x, ground = table["unit"] * side, table["x"] * width, table["ground"] * height - table["lift"] * side
    left, top = np.floor(x - half_width * unit), np.floor(ground - up * unit)
    right, bottom = left + np.ceil(2 * half_width * unit) + 1, top + np.ceil((up + down) * unit) + 1
    x1, y1 = np.maximum(left, 0), np.maximum(top, 0)
    floats = {at.LEFT: left, at.TOP: top, at.X: x, at.GROUND: ground, at.UNIT: unit, at.FLIP: table["flip"]}
    floats |= {at.RIM_X: table["rim_x"] * width, at.RIM_Y: table["ground"] * height - table["rim_lift"] * side}
    floats |= {at.RIM_HALF_W: table["rim_half_w"] * side, at.RIM_HALF_H: table["rim_half_h"] * side}
    for column, entries in floats.items():
        values[:, column] = entries
    numbers[:, at.X1], numbers[:, at.Y1] = x1, y1
    numbers[:, at.WIDTH] = np.maximum(np.minimum(right, width) - x1, 0)
    numbers[:, at.HEIGHT] = np.maximum(np.minimum(bottom, height) - y1, 0)
    for column, name in {at.INDEX: "index", at.INSIDE: "inside", at.COLOUR: "colour", at.PATTERN: "pattern"}.items():
        numbers[:, column] = table[name]
    return numbers


def _loads(ends: np.ndarray) -> Iterator[slice]:
    """Which scenes to paint together, from the pixels painted before each of them and after the last."""
    start, b = 0, len(ends) - 1
    while start < b:
        stop = max(start + 1, int(np.searchsorted(ends, ends[start] + LOAD, "right")) - 1)
        yield slice(start, stop)
        start = stop


def _groups(recipes: np.ndarray, sizes: np.ndarray, start: int) -> Iterator[tuple[int, int, int, int]]:
    """Recipe, first member, how many, and pixels of the largest patch, of things that are sorted by recipe."""
    if not len(recipes):
        return
    firsts = np.flatnonzero(np.diff(recipes, prepend=-1))
    counts, largest = np.diff(firsts, append=len(recipes)), np.maximum.reduceat(sizes, firsts)
    yield from zip(recipes[firsts].tolist(), (firsts + start).tolist(), counts.tolist(), largest.tolist(), strict=True)


def _sent(arrays: Sequence[np.ndarray], device: torch.device) -> list[Tensor]:
    """These arrays of int32 on the device, in one copy that nothing waits for."""
    words = [-(-array.size // 4) * 4 for array in arrays]  # so that each begins at a multiple of 16 bytes
    packed = torch.empty(sum(words), dtype=torch.int32, pin_memory=device.type == "cuda")
    for part, array in zip(packed.split(words), arrays, strict=True):
        part[: array.size].numpy()[:] = array.ravel()
    there = packed.to(device, non_blocking=True)
    return [part[: array.size].view(array.shape) for part, array in zip(there.split(words), arrays, strict=True)]


def _rows_and_columns(width: int) -> tuple[int, int]:
    """How much of a mask a program looks at: the width, rounded up to a power of two, and as many rows as 2048 give."""
    columns = 1 << (width - 1).bit_length()
    return max(1, 2048 // columns), columns


@lru_cache(maxsize=4)
def _backgrounds(device: torch.device, image_hw: tuple[int, int]) -> Float[Tensor, "k 3 h w"]:
    """All pairs of a wall and a counter, in the order of LOOKS."""
    return paint_background([Scene((), wall=wall, counter=top) for wall, top in LOOKS], image_hw, device).contiguous()


@cache
def _kernels(device: torch.device, image_hw: tuple[int, int]) -> list[Any]:
    """The compiled kernels: those of RECIPES in their order, then `compose` and `boxes_of`.

    Compiled side by side, in some seconds; Triton keeps them on disk. To start them needs no look at the arguments
    any more, so these have to be as here: memory that begins at a multiple of 16 bytes, and this size of pictures.
    """
    from gk_utils.kernels.render_triton import boxes_of, compose

    kernels = [*_paint_kernels(), compose, boxes_of]
    if device.type == "cpu":  # Triton's interpreter
        return kernels
    whole, real, byte = (
        torch.empty(4, dtype=kind, device=device) for kind in (torch.int32, torch.float32, torch.uint8)
    )
    planes = (whole, real, whole, whole, real, real, byte, real, byte, byte)
    arguments = [(whole, real, real, whole, real, byte, 0, 4, BLOCK)] * len(RECIPES)
    arguments += [(*planes, 0, 4, 4, *image_hw, *TILE_HW), (byte, real, *image_hw, *_rows_and_columns(image_hw[1]))]
    warps = [WARPS] * len(RECIPES) + [4, 4]

    def compiled(kernel: Any, arguments: tuple[Any, ...], warps: int) -> Any:
        with torch.cuda.device(device):
            return kernel.warmup(*arguments, grid=(1, 1, 1), num_warps=warps)

    last = compiled(boxes_of, arguments[-1], 4)  # alone: it makes Triton ready
    with ThreadPoolExecutor() as pool:
        return [*pool.map(compiled, kernels[:-1], arguments[:-1], warps[:-1]), last]


@cache
def _paint_kernels() -> list[Any]:
    """The kernel of each of RECIPES, in their order, not compiled yet."""
    import triton

    from gk_utils.kernels import render_triton

    kernels = []
    for (category, pose), recipe in RECIPES.items():
        name = f"paint_{category}_{pose}".replace(" ", "_").rstrip("_")
        text, file = at.kernel_text(name, recipe, pose), f"<gk_utils.countertop {name}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)  # where Triton reads it
        space = vars(render_triton) | {"__name__": __name__}
        exec(compile(text, file, "exec"), space)
        kernels.append(triton.jit(space[name], do_not_specialize=["first", "total"]))
    return kernels
