"""Triton kernels of the countertop's pictures: laying painted things on the counter, and the boxes of masks.

The kernels that paint things are written by `gk_utils.countertop.tracing`, one for each recipe, and use what stands
here. The columns of the table of things, `numbers`, and of its floats, `values`, are named there too.

Import this module only where Triton is installed; `gk_utils.countertop.fused_render` runs the kernels.
"""
# ruff: noqa: PLR0917, a kernel's arguments are positional

import triton
import triton.language as tl

from gk_utils.countertop import brush
from gk_utils.countertop import tracing as columns

PERIOD = tl.constexpr(brush.PERIOD)
WORDS, OFFSET, INDEX = tl.constexpr(columns.WORDS), tl.constexpr(columns.OFFSET), tl.constexpr(columns.INDEX)
X1, Y1 = tl.constexpr(columns.X1), tl.constexpr(columns.Y1)
WIDTH, HEIGHT, INSIDE = tl.constexpr(columns.WIDTH), tl.constexpr(columns.HEIGHT), tl.constexpr(columns.INSIDE)
COLOUR, PATTERN, FLIP = tl.constexpr(columns.COLOUR), tl.constexpr(columns.PATTERN), tl.constexpr(columns.FLIP)
LEFT, TOP, X = tl.constexpr(columns.LEFT), tl.constexpr(columns.TOP), tl.constexpr(columns.X)
GROUND, UNIT = tl.constexpr(columns.GROUND), tl.constexpr(columns.UNIT)
RIM_X, RIM_Y = tl.constexpr(columns.RIM_X), tl.constexpr(columns.RIM_Y)
RIM_HALF_W, RIM_HALF_H = tl.constexpr(columns.RIM_HALF_W), tl.constexpr(columns.RIM_HALF_H)


@triton.jit
def atan2(y, x):
    """The angle of (x, y), to 2e-7: a polynomial of the Cephes library between 0 and an eighth of a turn."""
    flat, steep = tl.minimum(tl.abs(x), tl.abs(y)), tl.maximum(tl.abs(x), tl.abs(y))
    ratio = flat / tl.maximum(steep, 1e-30)
    beyond = ratio > 0.41421356  # a sixteenth of a turn
    ratio = tl.where(beyond, (ratio - 1) / (ratio + 1), ratio)
    square = ratio * ratio
    angle = ((8.05374449538e-2 * square - 1.38776856032e-1) * square + 1.99777106478e-1) * square - 3.33329491539e-1
    angle = tl.where(beyond, 0.7853981634, 0.0) + angle * square * ratio + ratio
    angle = tl.where(tl.abs(y) > tl.abs(x), 1.5707963268 - angle, angle)
    angle = tl.where(x < 0, 3.1415926536 - angle, angle)
    return tl.where(y < 0, -angle, angle)


@triton.jit
def to_whole(value):
    """The distance to the nearest whole number."""
    return tl.abs(value - tl.floor(value + 0.5))


@triton.jit
def pattern_cover(pattern, u, v, unit):
    """How much of each pixel lies in a stripe (pattern 1) or in a dot (2); nothing of a plain thing."""
    distance = (u + v) * 0.0 + 1e9
    if pattern == 1:
        distance = (to_whole(u / PERIOD) - 0.25) * PERIOD + v * 0.0
    if pattern == 2:
        u, v = u / (1.6 * PERIOD), v / (1.6 * PERIOD)
        slanted, other = to_whole(u + v), to_whole(u - v)
        distance = (tl.sqrt(slanted * slanted + other * other) - 0.29) * (1.1313708499 * PERIOD)
    return tl.minimum(tl.maximum(0.5 - distance * unit, 0.0), 1.0)


@triton.jit
def below_rim(values, thing, x, y):
    """How far each pixel lies behind the wall of what a thing stands in: negative where it can be seen."""
    half_w, half_h = tl.load(values + thing + RIM_HALF_W), tl.load(values + thing + RIM_HALF_H)
    down = y + 0.5 - tl.load(values + thing + RIM_Y)
    across = (x + 0.5 - tl.load(values + thing + RIM_X)) / half_w
    slope_x, slope_y = across / half_w, down / (half_h * half_h)
    slope = tl.maximum(tl.sqrt(slope_x * slope_x + slope_y * slope_y), 1e-3)
    steps = down / half_h
    return tl.minimum(down, (across * across + steps * steps - 1) / (2 * slope))


@triton.jit(do_not_specialize=["first", "total", "slots"])
def compose(
    numbers, values, starts, looks, backgrounds, rgba, solid, images, masks, masks_full,
    first, total, slots, height, width,
    TILE_H: tl.constexpr, TILE_W: tl.constexpr,
):  # fmt: skip
    """A tile of one picture: its things from back to front on the background, and whose each pixel is.

    A thing reads its patch at `offset` of rgba and solid, row by row; masks_full holds zeros before.
    """
    scene = first + tl.program_id(0)
    tiles = (width + TILE_W - 1) // TILE_W
    left, top = tl.program_id(1) % tiles * TILE_W, tl.program_id(1) // tiles * TILE_H
    x, y = left + tl.arange(0, TILE_W)[None, :], top + tl.arange(0, TILE_H)[:, None]
    shown = (x < width) & (y < height)
    pixel, area = y * width + x, height * width
    ground = backgrounds + tl.load(looks + scene) * 3 * area + pixel
    red = tl.load(ground, mask=shown, other=0.0)
    green = tl.load(ground + area, mask=shown, other=0.0)
    blue = tl.load(ground + 2 * area, mask=shown, other=0.0)
    owner = tl.zeros((TILE_H, TILE_W), tl.int32) - 1
    planes = scene.to(tl.int64) * slots
    for row in range(tl.load(starts + scene), tl.load(starts + scene + 1)):
        thing = row * WORDS
        x1, y1 = tl.load(numbers + thing + X1), tl.load(numbers + thing + Y1)
        patch_w, patch_h = tl.load(numbers + thing + WIDTH), tl.load(numbers + thing + HEIGHT)
        shared_w = tl.minimum(x1 + patch_w, left + TILE_W) - tl.maximum(x1, left)
        shared_h = tl.minimum(y1 + patch_h, top + TILE_H) - tl.maximum(y1, top)
        if tl.minimum(shared_w, shared_h) > 0:
            index = tl.load(numbers + thing + INDEX)
            on = (x >= x1) & (x < x1 + patch_w) & (y >= y1) & (y < y1 + patch_h)
            place = tl.load(numbers + thing + OFFSET) + (y - y1) * patch_w + (x - x1)
            paint_r = tl.load(rgba + place, mask=on, other=0.0)
            paint_g = tl.load(rgba + place + total, mask=on, other=0.0)
            paint_b = tl.load(rgba + place + 2 * total, mask=on, other=0.0)
            alpha = tl.load(rgba + place + 3 * total, mask=on, other=0.0)
            full = tl.load(solid + place, mask=on, other=0)
            tl.store(masks_full + (planes + index) * area + pixel, full, mask=on)
            seen = full
            if tl.load(numbers + thing + INSIDE) != 0:
                hidden = below_rim(values, thing, x, y)
                kept = tl.minimum(tl.maximum(0.5 - hidden, 0.0), 1.0)
                paint_r, paint_g, paint_b, alpha = paint_r * kept, paint_g * kept, paint_b * kept, alpha * kept
                seen = tl.where(hidden < 0, full, full * 0)
            red = red * (1 - alpha) + paint_r
            green = green * (1 - alpha) + paint_g
            blue = blue * (1 - alpha) + paint_b
            owner = tl.where(seen != 0, index, owner)
    picture = images + scene.to(tl.int64) * 3 * area + pixel
    tl.store(picture, tl.minimum(tl.maximum(red, 0.0), 1.0), mask=shown)
    tl.store(picture + area, tl.minimum(tl.maximum(green, 0.0), 1.0), mask=shown)
    tl.store(picture + 2 * area, tl.minimum(tl.maximum(blue, 0.0), 1.0), mask=shown)
    for slot in range(slots):
        tl.store(masks + (planes + slot) * area + pixel, (owner == slot).to(tl.uint8), mask=shown)


@triton.jit
def boxes_of(masks, boxes, height, width, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """The tight box of one mask, zeros of an empty one; COLUMNS is at least the width."""
    mask = masks + tl.program_id(0).to(tl.int64) * height * width
    x, row = tl.arange(0, COLUMNS)[None, :], tl.arange(0, ROWS)[:, None]
    y1, y2 = tl.zeros((ROWS, COLUMNS), tl.int32) + height, tl.zeros((ROWS, COLUMNS), tl.int32)
    for start in range(0, height, ROWS):
        y = start + row
        on = tl.load(mask + y * width + x, mask=(x < width) & (y < height), other=0) != 0
        y1, y2 = tl.minimum(y1, tl.where(on, y, height)), tl.maximum(y2, tl.where(on, y + 1, 0))
    x1, x2 = tl.where(y2 > 0, x, width), tl.where(y2 > 0, x + 1, 0)
    right = tl.max(tl.max(x2, 1), 0)
    box = boxes + tl.program_id(0) * 4
    some = tl.where(right > 0, 1, 0)
    tl.store(box, (tl.min(tl.min(x1, 1), 0) * some).to(tl.float32))
    tl.store(box + 1, (tl.min(tl.min(y1, 1), 0) * some).to(tl.float32))
    tl.store(box + 2, right.to(tl.float32))
    tl.store(box + 3, tl.max(tl.max(y2, 1), 0).to(tl.float32))
