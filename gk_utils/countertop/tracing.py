"""Recipes written down as programs for a GPU: a brush that paints nothing, and notes every operation instead.

A recipe that paints with a `TracingBrush` leaves behind the text of one Triton kernel, which does the same for one
block of pixels of one thing: every plane is a variable, every operation a line. `render` runs these kernels where it
can; see `fused_render`.
"""

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.countertop.brush import LINE, PAINTS, Brush, Paint, Plane, Recipe

WORDS = 20  # numbers per thing: ten whole ones, ten floats
# the table's columns: the visible part of the patch and where it starts in memory, which thing, how it looks ...
X1, Y1, WIDTH, HEIGHT, OFFSET, INDEX, INSIDE, COLOUR, PATTERN = range(9)
# ... then floats: the patch, the origin, pixels per unit, 1 or -1, and the opening that the thing stands in
LEFT, TOP, X, GROUND, UNIT, FLIP, RIM_X, RIM_Y, RIM_HALF_W, RIM_HALF_H = range(10, 20)
PAINT_NAMES = ("body", "edge", "accent", "dark")

KERNEL = '''
def {name}(numbers, values, looks, members, rgba, solid, first, total, BLOCK: tl.constexpr):
    """Pixels of one thing: their colour, multiplied by coverage, coverage, and whether they belong to it."""
    thing = tl.load(members + first + tl.program_id(0)) * WORDS
    width = tl.load(numbers + thing + WIDTH)
    size = width * tl.load(numbers + thing + HEIGHT)
    start = tl.program_id(1) * BLOCK
    if start < size:
        pixel = start + tl.arange(0, BLOCK)
        unit = tl.load(values + thing + UNIT)
        flip = tl.load(values + thing + FLIP)
        left = tl.load(values + thing + LEFT)
        top = tl.load(values + thing + TOP)
        look = looks + tl.load(numbers + thing + COLOUR) * 16
        pattern = tl.load(numbers + thing + PATTERN)
        column = tl.load(numbers + thing + X1) + pixel % width - left + 0.5
        line = tl.load(numbers + thing + Y1) + pixel // width - top + 0.5
        across = (left - tl.load(values + thing + X) + column) / unit
        y = (tl.load(values + thing + GROUND) - top - line) / unit
        zero = across * 0.0
{body}
        place = tl.load(numbers + thing + OFFSET) + pixel
        tl.store(rgba + place, {colour[0]}, mask=pixel < size)
        tl.store(rgba + place + total, {colour[1]}, mask=pixel < size)
        tl.store(rgba + place + 2 * total, {colour[2]}, mask=pixel < size)
        tl.store(rgba + place + 3 * total, {colour[3]}, mask=pixel < size)
        tl.store(solid + place, ({nearest} < 0).to(tl.uint8), mask=pixel < size)
'''


class Literal(float):
    """A number that is written as a program has it."""

    def __format__(self, form: str) -> str:
        """All its digits, in brackets where it is below zero."""
        return f"({float(self)!r})" if self < 0 else repr(float(self))


def _clamp(value: Any, min: float | None = None, max: float | None = None) -> str:
    if min is not None:
        value = f"tl.maximum({value}, {Literal(min)})"
    return str(value) if max is None else f"tl.minimum({value}, {Literal(max)})"


def _power(value: Any, exponent: Any) -> str:
    if exponent != 2:
        raise NotImplementedError(f"exponent: expected 2, got {exponent}. Write it as products.")
    return f"{value} * {value}"


def _divide(value: Any, by: Any) -> str:
    return f"{value} / {by}" if isinstance(by, Traced) else f"{value} * {Literal(1 / by)}"


OPERATIONS: dict[str, Callable[..., str]] = {
    "add": "{} + {}".format,
    "radd": "{1} + {0}".format,
    "sub": "{} - {}".format,
    "rsub": "{1} - {0}".format,
    "mul": "{} * {}".format,
    "rmul": "{1} * {0}".format,
    "div": _divide,
    "truediv": _divide,
    "rdiv": "{1} / {0}".format,
    "rtruediv": "{1} / {0}".format,
    "pow": _power,
    "neg": "-{}".format,
    "abs": "tl.abs({})".format,
    "sqrt": "tl.sqrt({})".format,
    "sin": "tl.sin({})".format,
    "cos": "tl.cos({})".format,
    "atan2": "atan2({}, {})".format,
    "round": "tl.floor({} + 0.5)".format,
    "minimum": "tl.minimum({}, {})".format,
    "maximum": "tl.maximum({}, {})".format,
    "clamp": _clamp,
    "hardsigmoid": lambda value, inplace: _clamp(f"({value} * {1 / 6!r} + 0.5)", 0, 1),
}


class Traced(Tensor):
    """A plane of which only the name of its variable is known; operations on it write lines of a program.

    It is a tensor of one element without a value, so that whatever asks for a tensor takes it. An operation in place
    gives it another name: what was computed from the old one stays.
    """

    variable: str
    program: dict[str, str]  # what is computed: its variable, in order of the lines

    def __new__(cls, variable: str, program: dict[str, str]) -> "Traced":
        """Name a variable of a program."""
        traced = torch.empty(1, 1, 1, device="meta").as_subclass(cls)
        traced.variable, traced.program = variable, program
        return traced

    def __format__(self, form: str) -> str:
        """The variable's name."""
        return self.variable

    __repr__ = __str__ = lambda self: self.variable

    def become(self, other: "Traced") -> None:
        """Change in place."""
        self.variable = other.variable

    @classmethod
    def __torch_function__(
        cls, func: Callable, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Write a line.

        Raises:
            NotImplementedError: an operation that OPERATIONS does not hold.
        """
        name, kwargs = func.__name__, kwargs or {}
        if name == "__get__":  # its shape, its dtype
            with torch._C.DisableTorchFunctionSubclass():
                return func(*args, **kwargs)
        operation = OPERATIONS.get(name.strip("_"))
        if operation is None:
            raise NotImplementedError(f"{name}: expected one of {', '.join(OPERATIONS)}. Add it to OPERATIONS.")
        lines = next(arg.program for arg in args if isinstance(arg, Traced))
        operands = (arg if isinstance(arg, Traced) else Literal(arg) for arg in args)
        result = note(operation(*operands, **kwargs), lines)
        if name.startswith("__") or not name.endswith("_"):
            return result
        args[0].become(result)
        return args[0]


def note(expression: str, lines: dict[str, str]) -> Traced:
    """The variable that holds this expression; it is computed once.

    >>> lines = {}
    >>> total = note("x + 1.0", lines) * note("x + 1.0", lines)
    >>> lines
    {'x + 1.0': 'v0', 'v0 * v0': 'v1'}
    """
    return Traced(lines.setdefault(expression, f"v{len(lines)}"), lines)


class TracingBrush(Brush):
    """A brush that notes what is painted. It knows nothing of the thing: place, colour and pattern are variables."""

    def __init__(self) -> None:
        """Start with an empty program."""
        self.lines: dict[str, str] = {}
        self.across, self.y, self.unit = (Traced(name, self.lines) for name in ("across", "y", "unit"))
        self.x = self.across * Traced("flip", self.lines)
        self.line = (0.9 / self.unit).clamp(min=LINE)
        self.rgba = [Traced("zero", self.lines) for _ in range(4)]
        self.nearest = note("zero + 1e9", self.lines)
        for number, paint in enumerate(PAINT_NAMES):
            setattr(self, paint, [*(note(f"tl.load(look + {4 * number + i})", self.lines) for i in range(3)), 1.0])

    @property
    def alpha(self) -> Traced:
        """The coverage."""
        return self.rgba[3]

    def near(self, low_x: float, low_y: float, high_x: float, high_y: float) -> Brush:
        """A brush with coordinates of its own; it paints everywhere, since a pixel costs the same."""
        return copy.copy(self)

    def part(
        self,
        distance: Plane,
        paint: Paint = "body",
        *,
        outline: bool = True,
        shade: float = 0.0,
        pattern: tuple[Plane, Plane] | None = None,
    ) -> None:
        """Note a solid part; see `Brush.part`."""
        colour = self._paint(paint)
        under = self.edge if outline else colour
        cover = self._cover(distance)
        self._lerp(under, cover)
        self.nearest.become(torch.minimum(self.nearest, distance))
        if not outline and not shade and pattern is None:
            return
        inner = self._cover(distance + self.line) if outline else cover
        light = 1.04 - 0.20 * (self.across * (0.5 / shade) + 0.5).clamp(0, 1) ** 2 if shade else 1.0
        amount = None if pattern is None else inner * self._pattern(*pattern)
        for old, top, bottom, accent in zip(self.rgba[:3], colour, under, self.accent, strict=False):
            old.become(old + (top * light - bottom) * inner)
            if pattern is not None:
                old.become(old + (accent - top) * light * amount)

    def _pattern(self, u: Traced, v: Traced) -> Traced:
        return note(f"pattern_cover(pattern, {u}, {v}, unit)", self.lines)

    def _cover(self, distance: Plane, rows: slice = slice(None)) -> Plane:
        return (0.5 - distance * self.unit).clamp(0, 1)

    def _lay(self, paint: Paint, cover: Plane) -> None:
        self._lerp(self._paint(paint), cover)

    def _lerp(self, paint: list[Traced | float], cover: Traced) -> None:
        for old, new in zip(self.rgba, paint, strict=True):
            old.become(old + (new - old) * cover)

    def _paint(self, paint: Paint) -> list[Traced | float]:
        return getattr(self, paint) if isinstance(paint, str) else [*paint, 1.0]


def kernel_text(name: str, recipe: Recipe, pose: str) -> str:
    """The Triton kernel, a function of this name, that paints what the recipe paints.

    It uses names of `gk_utils.kernels.render_triton`.

    >>> dot = Recipe(lambda brush, pose: brush.part(brush.circle(0, 0.25, 1), outline=False), 1, 1, 1)
    >>> [line.strip() for line in kernel_text("paint_dot", dot, "").splitlines() if "0.25" in line]
    ['v17 = y - 0.25']
    """
    brush = TracingBrush()
    recipe.paint(brush, pose)
    return KERNEL.format(
        name=name,
        body="\n".join(f"        {variable} = {expression}" for expression, variable in brush.lines.items()),
        colour=brush.rgba,
        nearest=brush.nearest,
    )


@cache
def paint_table(device: torch.device) -> Float[Tensor, "c 4 4"]:
    """The paints of PAINT_NAMES, of each of COLOURS, as opaque RGBA: what `look` points into.

    >>> paint_table(torch.device("cpu"))[0, 0]  # body, red
    tensor([0.8200, 0.2200, 0.2000, 1.0000])
    """
    k = len(PAINTS)
    plane, each = torch.zeros(k, 1, 1, device=device), torch.ones(k, device=device)
    brush = Brush(plane, plane, each, (each, torch.arange(k, device=device), [0] * k), ((1, 1), (1, 1)))
    return torch.stack([getattr(brush, name)[..., 0, 0] for name in PAINT_NAMES], 1).contiguous()
