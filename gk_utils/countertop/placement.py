"""Where things go: what stands on or inside what, and free places on the counter by rejection.

Two things on the counter never share ground, nothing leaves the picture, and a thing in front leaves at least half of
the bounding rectangle of each thing behind it free.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gk_utils.countertop.things import KINDS, Thing, unit_of

BACK, FRONT = 0.50, 0.95  # where depth 0 and depth 1 touch the counter, as fractions of the height from the top
GROUND = 0.30  # the ground below a thing is an ellipse, this much as deep as wide in the picture
HIDDEN = 0.45  # how much of a thing's rectangle the things in front of it may cover
MARGIN = 0.012  # to the border of the picture
TRIES = 48


def place_things(rng: np.random.Generator, looks: Sequence[Thing], scale: float) -> tuple[Thing, ...] | None:
    """Give each thing its scale (within 4 % of `scale`), its support and its place; None when they do not fit.

    The places and supports that `looks` came with are not looked at.

    >>> apple = Thing("apple", "red", "small", "plain", None, None, x=0.5, depth=0.5)
    >>> place_things(np.random.default_rng(0), [apple] * 200, 1.0) is None
    True
    """
    scales = np.round(scale * rng.uniform(0.96, 1.04, len(looks)), 4)
    things = [
        replace(look, scale=float(one), support=None, relation=None) for look, one in zip(looks, scales, strict=True)
    ]
    at_middle = tuple(replace(thing, depth=0.5) for thing in things)
    things = list(at_middle)
    carried = _choose_supports(rng, things)
    below_of = {above: below for below, group in enumerate(carried) for above in group}
    rectangles = np.zeros((0, 4))  # x, y of the ground, half width, height
    for index, thing in enumerate(things):
        if index in below_of:
            below = things[below_of[index]]
            kind = KINDS[below.category]
            x = below.x + _offset(at_middle, carried[below_of[index]], index) * _growth(below.depth)
            relation = "inside" if kind.opening else "on"
            things[index] = replace(thing, x=round(x, 4), depth=below.depth, relation=relation, support=below_of[index])
            continue
        found = _free_place(rng, rectangles, *_extent(things, carried, index))
        if found is None:
            return None
        x, depth, rectangle = found
        things[index] = replace(thing, x=x, depth=depth)
        rectangles = np.vstack([rectangles, rectangle])
    return tuple(things)


def _choose_supports(rng: np.random.Generator, things: Sequence[Thing]) -> list[list[int]]:
    """For each thing the later things that it carries: most that could stand on something do."""
    carried: list[list[int]] = [[] for _ in things]
    for index in range(len(things)):
        able = [below for below in range(index) if _can_carry(things, carried[below], below, index)]
        chance = rng.random(2)
        if able and chance[0] < 0.85:
            carried[able[int(chance[1] * len(able))]].append(index)
    return carried


def _can_carry(things: Sequence[Thing], group: Sequence[int], below: int, above: int) -> bool:
    """Whether thing `below` has room for thing `above`: by category, number, state, and width."""
    kind, category = KINDS[things[below].category], things[above].category
    if (
        category not in kind.carries
        or len(group) >= kind.room
        or things[below].state in ("toast up", "steaming", "open")
    ):
        return False
    if any("spoon" in (category, things[other].category) for other in group):
        return False
    if category == "spoon":
        return True
    room = (kind.top or kind.opening)[1] * unit_of(things[below])
    widths = [KINDS[things[other].category].half_width * unit_of(things[other]) for other in (*group, above)]
    return sum(widths) <= 1.1 * room


def _offset(things: Sequence[Thing], group: Sequence[int], index: int) -> float:
    """How far right of its support's middle a thing stands: alone in the middle, two side by side."""
    if len(group) == 1:
        return 0.0
    widths = {other: KINDS[things[other].category].half_width * unit_of(things[other]) for other in group}
    first, second = group
    return -widths[second] if index == first else widths[first]


def _extent(things: Sequence[Thing], carried: Sequence[Sequence[int]], index: int) -> tuple[float, float]:
    """Half width and height of a thing with all that it carries, in picture sides at the middle depth."""
    kind, unit = KINDS[things[index].category], unit_of(things[index])
    half_width, height = (length * unit for length in kind.extent(things[index].state))
    for above in carried[index]:
        inner_half_width, inner_height = _extent(things, carried, above)
        half_width = max(half_width, abs(_offset(things, carried[index], above)) + inner_half_width)
        height = max(height, kind.floor * unit + inner_height)
    return half_width, height


def _free_place(
    rng: np.random.Generator, taken: np.ndarray, half_width: float, height: float
) -> tuple[float, float, np.ndarray] | None:
    """The first of TRIES random places that is free, as x, depth and its rectangle; None if none is."""
    depths = np.round(rng.random(TRIES), 4)
    growth = _growth(depths)
    half_widths, heights = half_width * growth, height * growth
    low, high = half_widths + MARGIN, 1 - half_widths - MARGIN
    xs = np.round(low + (high - low) * rng.random(TRIES), 4)
    ys = BACK + (FRONT - BACK) * depths
    x, y, w, h = (column[None] for column in taken.T)  # 1 m
    overlap_x = np.minimum(xs[:, None] + half_widths[:, None], x + w) - np.maximum(
        xs[:, None] - half_widths[:, None], x - w
    )
    apart_y = np.abs(ys[:, None] - y)
    shares = (overlap_x > 0) & (apart_y < GROUND * (half_widths[:, None] + w))
    overlap_y = np.minimum(ys[:, None], y) - np.maximum(ys[:, None] - heights[:, None], y - h)
    overlap = np.clip(overlap_x, 0, None) * np.clip(overlap_y, 0, None)
    behind = ys[:, None] < y
    covered = (overlap * behind).sum(1) / (2 * half_widths * heights)
    covers = np.where(behind, 0, overlap / (2 * w * h)).max(1, initial=0.0)
    free = ~shares.any(1) & (covered < HIDDEN) & (covers < HIDDEN) & (low < high) & (ys - heights > MARGIN)
    for index in np.flatnonzero(free)[:1]:
        rectangle = np.array([[xs[index], ys[index], half_widths[index], heights[index]]])
        return float(xs[index]), float(depths[index]), rectangle
    return None


def _growth(depth: Any) -> Any:
    """How much longer lengths are at this depth than at the middle: the perspective of `unit_of`."""
    return (0.85 + 0.2 * depth) / 0.95
