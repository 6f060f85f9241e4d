"""The brush that paints things: signed distances in local units, and parts with outline, shade and pattern.

A signed distance is negative inside a shape, positive outside, and counts in local units; a pixel is covered as far as
the distance at its centre says, which makes every edge smooth at every size. All k things of a group are painted at
once: every plane is (k h w).

Source: formulas after Inigo Quilez, "2D distance functions", https://iquilezles.org/articles/distfunctions2d/.
"""

import copy
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

Plane = Float[Tensor, "k h w"]
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
        rgb: (k 3 h w), already multiplied by `alpha`; alpha: (k h w) coverage in [0, 1], shadow and steam included.
        solid: (k h w) the pixels that belong to the thing: its full mask.
    """

    def __init__(
        self,
        across: Plane,
        y: Plane,
        unit_px: Float[Tensor, " k"],
        look: tuple[Float[Tensor, " k"], Int[Tensor, " k"], Int[Tensor, " k"]],
        ranges: tuple[tuple[float, float], tuple[float, float]],
    ) -> None:
        """Start with nothing painted.

        Args:
            across: x of the pixel centres in local units, to the right.
            y: the same upwards.
            unit_px: pixels per local unit.
            look: 1 for a thing that faces right and -1 for left, and indices into COLOURS and PATTERNS.
            ranges: how far the patch reaches to each side and up, in local units; the least and the largest unit_px.
        """
        self.reach, self.unit_range = ranges
        self.corner = (0, 0)
        flip, colour, pattern = look
        self.across, self.y = across, y
        self.x = across * flip[:, None, None]
        self.unit_px = unit_px[:, None, None]
        self.line = (0.9 / self.unit_px).clamp(min=LINE)
        table = torch.tensor(list(PAINTS.values()), dtype=y.dtype, device=y.device)[colour]  # k 3 3
        self.body, self.edge, self.accent = table[..., None, None].unbind(1)  # each k 3 1 1
        self.dark = 0.45 * self.body + 0.55 * self.edge
        self.striped, self.dotted = ((pattern == kind).to(y.dtype)[:, None, None] for kind in (1, 2))
        self._fixed: dict[Paint, Tensor] = {}
        self.patterned = bool(pattern.any())
        self.rgb = y.new_zeros(y.shape[0], 3, *y.shape[1:])
        self.alpha = torch.zeros_like(y)
        self.solid = torch.zeros_like(y, dtype=torch.bool)

    # --- signed distances -------------------------------------------------------------------------------------

    def circle(self, cx: float, cy: float, radius: float) -> Plane:
        """A disc."""
        return torch.hypot(self.x - cx, self.y - cy) - radius

    def ellipse(self, cx: float, cy: float, rx: float, ry: float, turn: float = 0.0) -> Plane:
        """An ellipse, turned by `turn` radians towards y; exact at the edge, an estimate away from it."""
        return self._ellipse(*self._turned(cx, cy, turn), rx, ry)

    def box(self, cx: float, cy: float, half_w: float, half_h: float, radius: float = 0.0) -> Plane:
        """A rectangle with round corners."""
        x, y = (self.x - cx).abs() - (half_w - radius), (self.y - cy).abs() - (half_h - radius)
        return torch.hypot(x.clamp(min=0), y.clamp(min=0)) + torch.maximum(x, y).clamp(max=0) - radius

    def stroke(  # noqa: PLR0917
        self, x1: float, y1: float, x2: float, y2: float, start: float, end: float | None = None
    ) -> Plane:
        """A line from one point to another with round ends, `start` thick at the first and `end` at the second."""
        end = start if end is None else end
        dx, dy = x2 - x1, y2 - y1
        along = (((self.x - x1) * dx + (self.y - y1) * dy) / (dx * dx + dy * dy)).clamp(0, 1)
        thick = start if start == end else start + (end - start) * along
        return torch.hypot(self.x - x1 - dx * along, self.y - y1 - dy * along) - thick

    def ring(self, cx: float, cy: float, radius: float, thick: float) -> Plane:
        """A circle's line, `thick` to both sides."""
        return (torch.hypot(self.x - cx, self.y - cy) - radius).abs() - thick

    def convex(self, *corners: tuple[float, float]) -> Plane:
        """A convex polygon, its corners counter-clockwise; its corners are mitred."""
        sides = []
        for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
            length = math.hypot(x2 - x1, y2 - y1)
            sides.append(((self.x - x1) * (y2 - y1) - (self.y - y1) * (x2 - x1)) / length)
        return torch.stack(sides).amax(0)

    def melt(self, first: Plane, second: Plane, width: float) -> Plane:
        """The union of two shapes, their corner filled over `width`."""
        near = (width - (first - second).abs()).clamp(min=0) / width
        return torch.minimum(first, second) - near * near * (width / 4)

    def turn_about(self, cx: float, cy: float, turn: float, shift_x: float = 0.0, shift_y: float = 0.0) -> None:
        """Turn what is painted from now on about a point, by `turn` radians towards y, and shift it."""
        x, y = self._turned_from(self.x - shift_x - cx, self.y - shift_y - cy, turn)
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
        for name in ("across", "x", "y", "rgb", "alpha", "solid"):
            setattr(detail, name, getattr(self, name)[..., rows, columns])
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
        cover = self._cover(distance)
        inner = self._cover(distance + self.line) if outline else cover  # the line lies where cover is and inner is not
        keep = (1 - cover)[:, None]
        self.rgb *= keep
        if outline:
            self.rgb += self.edge * (cover - inner)[:, None]
        if shade:
            inner = inner * (1.04 - 0.20 * (0.5 + (0.5 / shade) * self.across).clamp(0, 1) ** 2)
        if pattern is not None and self.patterned:
            second = inner * self._pattern(*pattern)
            self.rgb += self.accent * second[:, None]
            inner = inner - second
        self.rgb += self._paint(paint) * inner[:, None]
        self._cover_up(cover)
        self.solid |= distance < 0

    def mark(self, distance: Plane, paint: Paint, strength: float = 1.0) -> None:
        """Paint a mark within the parts, without an outline: an eye, a highlight, a seam."""
        self._lay(paint, self._cover(distance) * strength * self.alpha)

    def air(self, distance: Plane, paint: Paint, strength: float, soft: float = 0.0) -> None:
        """Paint what is no part of the thing, over `soft` local units of blur: steam, a glow, notes."""
        cover = (0.5 - distance / soft).clamp(0, 1) if soft else self._cover(distance)
        self._lay(paint, cover * strength)

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
        detail.mark(torch.hypot(detail.across - cx, beyond) - thick, WHITE, 0.5)

    def shadow(self, half_width: float, cx: float = 0.0, cy: float = 0.03) -> None:
        """The soft dark ground that a thing stands on; painted first."""
        reach = 1.25 * half_width
        detail = self.near(cx - reach, cy - 0.28 * reach, cx + reach, cy + 0.28 * reach)
        x, y = (detail.x - cx) / half_width, (detail.y - cy) / (0.28 * half_width)
        soft = (1.25 - torch.hypot(x, y)).clamp(0, 0.5) * 2
        detail._lay((0.12, 0.09, 0.10), 0.34 * soft * soft)

    def _cover(self, distance: Plane) -> Plane:
        return (0.5 - distance * self.unit_px).clamp(0, 1)

    def _lay(self, paint: Paint, cover: Plane) -> None:
        self.rgb *= (1 - cover)[:, None]
        self.rgb += self._paint(paint) * cover[:, None]
        self._cover_up(cover)

    def _cover_up(self, cover: Plane) -> None:
        self.alpha += cover * (1 - self.alpha)

    def _paint(self, paint: Paint) -> Float[Tensor, "*k 3 1 1"]:
        if isinstance(paint, str):
            return getattr(self, paint)
        if paint not in self._fixed:
            self._fixed[paint] = self.body.new_tensor(paint)[:, None, None]
        return self._fixed[paint]

    def _pattern(self, u: Plane, v: Plane) -> Plane:
        """How much of the second colour there is: upright stripes, or dots on a slanted grid."""
        across, up = (u + v) / (1.6 * PERIOD), (u - v) / (1.6 * PERIOD)
        stripes = (_to_whole(u / PERIOD) - 0.25) * PERIOD
        dots = (torch.hypot(_to_whole(across), _to_whole(up)) - 0.29) * (0.8 * math.sqrt(2) * PERIOD)
        return self.striped * self._cover(stripes) + self.dotted * self._cover(dots)

    def _ellipse(self, x: Plane, y: Plane, rx: float, ry: float) -> Plane:
        x, y = x / rx, y / ry
        slope = torch.hypot(x / rx, y / ry).clamp(min=1e-3)
        return (x * x + y * y - 1) / (2 * slope)

    def _turned(self, cx: float, cy: float, turn: float) -> tuple[Plane, Plane]:
        return self._turned_from(self.x - cx, self.y - cy, turn)

    def _turned_from(self, x: Plane, y: Plane, turn: float) -> tuple[Plane, Plane]:
        if not turn:
            return x, y
        cos, sin = math.cos(turn), math.sin(turn)
        return x * cos + y * sin, y * cos - x * sin


def _span(*edges: float) -> slice:
    """The pixels from the lowest to the highest of these, and two more on each side."""
    return slice(max(0, math.floor(min(edges)) - 2), max(0, math.ceil(max(edges)) + 3))


def _to_whole(values: Plane) -> Plane:
    """The distance to the nearest whole number."""
    return (values - values.round()).abs()


class Recipe(NamedTuple):
    """How to paint one category in one pose, and how far that reaches in local units, shadow and steam included."""

    paint: Callable[[Brush, str], None]
    half_width: float
    down: float
    up: float
