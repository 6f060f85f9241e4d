"""The brush that paints things: signed distances in local units, and parts with outline, shade and pattern.

A signed distance is negative inside a shape, positive outside, and counts in local units; a pixel is covered as far as
the distance at its centre says, which makes every edge smooth at every size. All k things of a group are painted at
once: every plane is (k h w), and what changes along one axis only, as x does, has length 1 along the other.

Source: formulas after Inigo Quilez, "2D distance functions", https://iquilezles.org/articles/distfunctions2d/.
"""

import copy
import math
from collections.abc import Callable, Sequence
from functools import cache, reduce
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import hardsigmoid

Plane = Float[Tensor, "k #h #w"]
Paint = str | tuple[float, float, float]  # "body", "edge", "dark", "accent": by the colour of the thing; or an RGB

# base, outline, and the second colour of stripes and dots, for each of COLOURS
PAINTS = {
    "red": ((0.82, 0.22, 0.20), (0.45, 0.08, 0.10), (0.99, 0.91, 0.86)),
    "orange": ((0.95, 0.55, 0.16), (0.60, 0.29, 0.04), (1.00, 0.94, 0.82)),
    "yellow": ((0.98, 0.83, 0.28), (0.62, 0.46, 0.06), (0.63, 0.43, 0.12)),
    "green": ((0.22, 0.59, 0.40), (0.07, 0.31, 0.20), (0.89, 0.97, 0.87)),
    "blue": ((0.20, 0.44, 0.76), (0.07, 0.20, 0.42), (0.88, 0.94, 1.00)),
    "pink": ((0.95, 0.62, 0.74), (0.63, 0.27, 0.42), (1.00, 0.95, 0.96)),
    "white": ((0.97, 0.96, 0.94), (0.50, 0.51, 0.56), (0.48, 0.55, 0.64)),
    "black": ((0.22, 0.23, 0.27), (0.07, 0.07, 0.09), (0.86, 0.87, 0.90)),
}
WHITE, INK, CREAM, BEAK = (1.0, 1.0, 1.0), (0.13, 0.12, 0.14), (0.98, 0.93, 0.80), (0.96, 0.66, 0.20)
PERIOD = 0.21  # of stripes and dots, in local units
LINE = 0.03  # the outline's width, in local units; never thinner than 0.9 pixels


class Brush:
    """What is painted so far, and the coordinates it is painted in.

    Attributes:
        x, y: local coordinates of the pixel centres; x grows towards the side that the thing faces, y upwards.
        across: x without the mirroring: the light comes from the left whichever way a thing faces.
        rgba: (k 4 h w) colour, already multiplied by the coverage in [0, 1] that comes last, shadow and steam included.
        nearest: (k h w) the least distance to any part.
    """

    def __init__(
        self,
        across: Float[Tensor, "k 1 w"],
        y: Float[Tensor, "k h 1"],
        unit_px: Float[Tensor, " k"],
        look: tuple[Float[Tensor, " k"], Int[Tensor, " k"], Sequence[int] | np.ndarray],
        ranges: tuple[tuple[float, float], tuple[float, float]],
    ) -> None:
        """Start with nothing painted.

        Args:
            across: x of the pixel centres in local units, to the right.
            y: the same upwards.
            unit_px: pixels per local unit.
            look: 1 for a thing that faces right and -1 for left; indices into COLOURS, and into PATTERNS, ascending.
            ranges: how far the patch reaches to each side and up, in local units; the least and the largest unit_px.
        """
        self.reach, self.unit_range = ranges
        self.corner = (0, 0)
        flip, colour, patterns = look
        self.across, self.y = across, y
        self.x = across * flip[:, None, None]
        self.line = (0.9 / unit_px[:, None, None]).clamp(min=LINE)
        self._steep = -6 * unit_px[:, None, None]
        looks = _looks(y.device)[colour]  # k 4 4
        self.body, self.edge, self.accent, self.dark = looks[..., None, None].unbind(1)  # each k 4 1 1
        plain, striped = np.searchsorted(patterns, (1, 2)).tolist()
        self._striped, self._dotted = slice(plain, striped), slice(striped, len(patterns))
        k, h, w = len(y), y.shape[1], across.shape[2]
        self.rgba, self.nearest = y.new_zeros(k, 4, h, w), y.new_full((k, h, w), math.inf)

    @property
    def rgb(self) -> Float[Tensor, "k 3 h w"]:
        """The colours of `rgba`."""
        return self.rgba[:, :3]

    @property
    def alpha(self) -> Float[Tensor, "k h w"]:
        """The coverage of `rgba`."""
        return self.rgba[:, 3]

    @property
    def solid(self) -> Bool[Tensor, "k h w"]:
        """The pixels that belong to the thing: its full mask."""
        return self.nearest < 0

    # --- signed distances -------------------------------------------------------------------------------------

    def circle(self, cx: float, cy: float, radius: float) -> Plane:
        """A disc."""
        return length(self.x - cx, self.y - cy).sub_(radius)

    def ellipse(self, cx: float, cy: float, rx: float, ry: float, turn: float = 0.0) -> Plane:
        """An ellipse, turned by `turn` radians towards y; exact at the edge, an estimate away from it."""
        x, y = self._turned(self.x - cx, self.y - cy, turn)
        x, y = x / rx, y / ry
        twice_slope = length(2 * x / rx, 2 * y / ry).clamp_(min=2e-3)
        return (x * x + y * y).sub_(1).div_(twice_slope)

    def box(self, cx: float, cy: float, half_w: float, half_h: float, radius: float = 0.0) -> Plane:
        """A rectangle with round corners."""
        x, y = (self.x - cx).abs() - (half_w - radius), (self.y - cy).abs() - (half_h - radius)
        outside = length(x.clamp(min=0), y.clamp(min=0))
        return outside.add_(torch.maximum(x.clamp(max=0), y.clamp(max=0))).sub_(radius)

    def stroke(  # noqa: PLR0917
        self, x1: float, y1: float, x2: float, y2: float, start: float, end: float | None = None
    ) -> Plane:
        """A line from one point to another with round ends, `start` thick at the first and `end` at the second."""
        end = start if end is None else end
        dx, dy = x2 - x1, y2 - y1
        x, y = self.x - x1, self.y - y1
        along = (x * dx + y * dy).div_(dx * dx + dy * dy).clamp_(0, 1)
        distance = length(x - dx * along, y - dy * along)
        return distance.sub_(start if start == end else start + (end - start) * along)

    def ring(self, cx: float, cy: float, radius: float, thick: float) -> Plane:
        """A circle's line, `thick` to both sides."""
        return self.circle(cx, cy, radius).abs_().sub_(thick)

    def convex(self, *corners: tuple[float, float]) -> Plane:
        """A convex polygon, its corners counter-clockwise; its corners are mitred."""
        sides = []
        for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
            side = (self.x - x1) * (y2 - y1) - (self.y - y1) * (x2 - x1)
            sides.append(side.div_(math.hypot(x2 - x1, y2 - y1)))
        return reduce(torch.maximum, sides)

    def melt(self, first: Plane, second: Plane, width: float) -> Plane:
        """The union of two shapes, their corner filled over `width`."""
        near = (first - second).abs_().neg_().add_(width).clamp_(min=0).div_(width)
        return torch.minimum(first, second).sub_(near.mul_(near).mul_(width / 4))

    def turn_about(self, cx: float, cy: float, turn: float, shift_x: float = 0.0, shift_y: float = 0.0) -> None:
        """Turn what is painted from now on about a point, by `turn` radians towards y, and shift it."""
        x, y = self._turned(self.x - shift_x - cx, self.y - shift_y - cy, turn)
        self.x, self.y = x + cx, y + cy
        self.unit_range = (0.0, math.inf)  # `near` knows no longer where things are

    def near(self, low_x: float, low_y: float, high_x: float, high_y: float) -> "Brush":
        """A brush for a detail: it paints on the same patch, and only within this rectangle and its mirror image."""
        half, up = self.reach
        reach_x = max(abs(low_x), abs(high_x))
        small, large = self.unit_range
        if math.isinf(large):
            return copy.copy(self)
        left, top = self.corner  # of this brush on the patch: it may be a detail itself
        columns = _span(
            (half - reach_x) * small - left, (half - reach_x) * large - left, (half + reach_x) * large - left
        )
        rows = _span((up - high_y) * small - top, (up - high_y) * large - top, (up - low_y) * large - top)
        detail = copy.copy(self)
        detail.across, detail.x, detail.y = self.across[..., columns], self.x[..., columns], self.y[:, rows]
        detail.rgba, detail.nearest = (plane[..., rows, columns] for plane in (self.rgba, self.nearest))
        detail.corner = (left + columns.start, top + rows.start)
        return detail

    # --- painting ---------------------------------------------------------------------------------------------

    def part(
        self,
        distance: Plane,
        paint: Paint = "body",
        *,
        outline: bool = True,
        shade: float = 0.0,
        pattern: tuple[Plane, Plane] | None = None,
    ) -> None:
        """Paint a solid part over what is there.

        Args:
            distance: its shape.
            paint: its colour.
            outline: with a line of the thing's edge colour along the inside of its edge.
            shade: the half width over which it grows darker towards the right; 0 for flat.
            pattern: the coordinates in which stripes and dots lie, for a thing that has some.
        """
        colour = self._paint(paint)
        under = self.edge if outline else colour
        steep = distance * self._steep
        cover = hardsigmoid(steep)
        self.rgba.lerp_(under, cover[:, None])
        torch.minimum(self.nearest, distance, out=self.nearest)
        if not outline and not shade and pattern is None:
            return
        inner = hardsigmoid(steep.add_(self._steep * self.line)) if outline else cover  # the line: cover - inner
        light = 1.04 - 0.20 * (0.5 + (0.5 / shade) * self.across[:, None]).clamp(0, 1) ** 2 if shade else 1.0
        self.rgb.addcmul_(colour[:, :3] * light - under[:, :3], inner[:, None])
        if pattern is not None:
            self._add_pattern((self.accent - colour)[:, :3] * light, inner, *pattern)

    def mark(self, distance: Plane, paint: Paint, strength: float = 1.0) -> None:
        """Paint a mark within the parts, without an outline: an eye, a highlight, a seam."""
        self._lay(paint, self._cover(distance).mul_(strength) * self.alpha)

    def air(self, distance: Plane, paint: Paint, strength: float, soft: float = 0.0) -> None:
        """Paint what is no part of the thing, over `soft` local units of blur: steam, a glow, notes."""
        cover = hardsigmoid(distance * (-6 / soft)) if soft else self._cover(distance)
        self._lay(paint, cover.mul_(strength))

    def spot(self, ellipse: tuple[float, ...], paint: Paint, strength: float = 1.0, *, fixed: bool = False) -> None:
        """`mark` an ellipse (centre, half axes, turn) at little cost; a `fixed` one, a highlight, is not mirrored."""
        cx, cy, rx, ry, *turn = ellipse
        reach_x, reach_y = (max(rx, ry),) * 2 if turn else (rx, ry)
        detail = self.near(cx - reach_x, cy - reach_y, cx + reach_x, cy + reach_y)
        if fixed:
            detail.x = detail.across
        detail.mark(detail.ellipse(*ellipse), paint, strength)

    def streak(self, cx: float, low: float, high: float, thick: float) -> None:
        """An upright highlight; it is not mirrored."""
        detail = self.near(cx - thick, low - thick, cx + thick, high + thick)
        beyond = ((detail.y - (low + high) / 2).abs() - (high - low) / 2).clamp(min=0)
        detail.mark(length(detail.across - cx, beyond).sub_(thick), WHITE, 0.5)

    def shadow(self, half_width: float, cx: float = 0.0, cy: float = 0.03) -> None:
        """The soft dark ground that a thing stands on; painted first."""
        reach = 1.25 * half_width
        detail = self.near(cx - reach, cy - 0.28 * reach, cx + reach, cy + 0.28 * reach)
        x, y = (detail.x - cx) / half_width, (detail.y - cy) / (0.28 * half_width)
        soft = length(x, y).neg_().add_(1.25).clamp_(0, 0.5)
        detail._lay((0.12, 0.09, 0.10), soft.mul_(soft).mul_(4 * 0.34))

    def _cover(self, distance: Plane, rows: slice = slice(None)) -> Plane:
        """How much of each pixel lies inside: a half minus the distance in pixels, kept in [0, 1]."""
        return hardsigmoid(distance * self._steep[rows])  # hardsigmoid(6 a) is (a + 1/2).clamp(0, 1)

    def _lay(self, paint: Paint, cover: Plane) -> None:
        self.rgba.lerp_(self._paint(paint), cover[:, None])

    def _paint(self, paint: Paint) -> Float[Tensor, "#k 4 1 1"]:
        return getattr(self, paint) if isinstance(paint, str) else _fixed(paint, self.rgba.device)

    def _add_pattern(self, change: Float[Tensor, "k 3 1 #w"], inner: Plane, u: Plane, v: Plane) -> None:
        """Change the colour on upright stripes, or on dots on a slanted grid, of the things that have some."""
        striped, dotted = self._striped, self._dotted
        if striped.start < striped.stop:
            amount = self._cover((_to_whole(u[striped] / PERIOD) - 0.25) * PERIOD, striped)
            self.rgb[striped].addcmul_(change[striped], (inner[striped] * amount)[:, None])
        if dotted.start < dotted.stop:
            u, v = u[dotted] / (1.6 * PERIOD), v[dotted] / (1.6 * PERIOD)
            dots = (length(_to_whole(u + v), _to_whole(u - v)) - 0.29) * (0.8 * math.sqrt(2) * PERIOD)
            self.rgb[dotted].addcmul_(change[dotted], (inner[dotted] * self._cover(dots, dotted))[:, None])

    def _turned(self, x: Plane, y: Plane, turn: float) -> tuple[Plane, Plane]:
        if not turn:
            return x, y
        cos, sin = math.cos(turn), math.sin(turn)
        return x * cos + y * sin, y * cos - x * sin


def _span(*edges: float) -> slice:
    """The pixels from the lowest to the highest of these, and two more on each side."""
    return slice(max(0, math.floor(min(edges)) - 2), max(0, math.ceil(max(edges)) + 3))


def length(x: Plane, y: Plane) -> Plane:
    """How long (x, y) is: `torch.hypot` without its care for lengths beyond 1e19, in a third of the time.

    >>> length(torch.full((1, 1, 2), 3.0), torch.full((1, 1, 1), 4.0))
    tensor([[[5., 5.]]])
    """
    return (x * x + y * y).sqrt_()


@cache
def _looks(device: torch.device) -> Float[Tensor, "c 4 4"]:
    """Base, outline, second colour and the dark one between the first two, of each of COLOURS, as opaque RGBA."""
    table = torch.tensor(list(PAINTS.values()), device=device)
    table = torch.cat([table, 0.45 * table[:, :1] + 0.55 * table[:, 1:2]], 1)
    return torch.cat([table, torch.ones_like(table[..., :1])], 2)


@cache
def _fixed(paint: tuple[float, float, float], device: torch.device) -> Float[Tensor, "1 4 1 1"]:
    return torch.tensor([*paint, 1.0], device=device)[None, :, None, None]


def _to_whole(values: Plane) -> Plane:
    """The distance to the nearest whole number."""
    return (values - values.round()).abs_()


class Recipe(NamedTuple):
    """How to paint one category in one pose, and how far that reaches in local units, shadow and steam included."""

    paint: Callable[[Brush, str], None]
    half_width: float
    down: float
    up: float
