import ast
import math

import pytest
import torch

from gk_utils.countertop.brush import PAINTS, PERIOD, Brush, Recipe
from gk_utils.countertop.shapes import RECIPES
from gk_utils.countertop.tracing import OPERATIONS, Traced, TracingBrush, kernel_text, note, paint_table

LOOKS = paint_table(torch.device("cpu"))


def tensor(value):
    return torch.as_tensor(value, dtype=torch.float32)


class Language:
    """What the traced lines call, computed by torch; `load` reads the paints of a thing of one colour."""

    def __init__(self, colour):
        self.load = LOOKS[colour].flatten().__getitem__

    abs, sqrt, sin, cos, floor = torch.abs, torch.sqrt, torch.sin, torch.cos, torch.floor

    @staticmethod
    def minimum(first, second):
        return torch.minimum(tensor(first), tensor(second))

    @staticmethod
    def maximum(first, second):
        return torch.maximum(tensor(first), tensor(second))


def pattern_cover(pattern, u, v, unit):
    u, v = torch.broadcast_tensors(u, v)
    if pattern == 0:
        return torch.zeros_like(u)
    distance = ((u / PERIOD - (u / PERIOD).round()).abs() - 0.25) * PERIOD
    if pattern == 2:
        u, v = u / (1.6 * PERIOD), v / (1.6 * PERIOD)
        first, second = ((line - line.round()).abs() for line in (u + v, u - v))
        distance = (torch.hypot(first, second) - 0.29) * (0.8 * math.sqrt(2) * PERIOD)
    return (0.5 - distance * unit).clamp(0, 1)


def computed(lines, colour=0, **variables):
    """The variables of a program."""
    space = {"tl": Language(colour), "look": 0, "atan2": torch.atan2, "pattern_cover": pattern_cover, **variables}
    for expression, variable in lines.items():
        space[variable] = eval(expression, space)
    return space


def traced(*names):
    lines = {}
    return [Traced(name, lines) for name in names], lines


class TestTraced:
    @pytest.mark.parametrize(
        "compute",
        [
            lambda x, y: (x + y) * (x - y) / (y * y + 1),
            lambda x, y: (1 - x) * (2 + y) + 3 * x - -x,
            lambda x, y: 1.5 / (x * x + 0.5) + y / 0.3,
            lambda x, y: x**2 + y.abs().sqrt(),
            lambda x, y: torch.minimum(x, y) + 2 * torch.maximum(x, -0.5 * y),
            lambda x, y: torch.atan2(x, y) + torch.sin(x) * torch.cos(y),
            lambda x, y: x.clamp(-0.2, 0.7) + y.clamp(min=0) * x.clamp(max=0.1),
            lambda x, y: x.round() - y,
            lambda x, y: torch.nn.functional.hardsigmoid(6 * x) * y,
            lambda x, y: (x - 0.3).abs_().neg_().add_(0.5).clamp_(min=0).div_(0.2).mul_(y).sub_(1),
        ],
    )
    def test_the_lines_compute_the_same(self, compute):
        (x, y), lines = traced("x", "y")
        result = compute(x, y)
        values = dict(zip("xy", torch.randn(2, 50, generator=torch.Generator().manual_seed(0)), strict=True))
        got = computed(lines, **values)[result.variable]
        torch.testing.assert_close(got, compute(*values.values()), atol=1e-5, rtol=1e-5)

    def test_an_operation_in_place_changes_the_same_plane_and_no_other(self):
        (x,), lines = traced("x")
        total = x + 1
        before = total * 2
        same = total.mul_(3)
        assert same is total
        after = total * 2
        got = computed(lines, x=torch.tensor(1.0))
        assert [got[plane.variable].item() for plane in (total, before, after)] == [6, 4, 12]

    def test_the_same_is_computed_once(self):
        (x, y), lines = traced("x", "y")
        assert (x * y).variable == (x * y).variable
        assert len(lines) == 1

    def test_a_number_below_zero_is_no_subtraction(self):
        (x,), lines = traced("x")
        assert (x - -2.0).variable in lines.values()
        assert list(lines) == ["x - (-2.0)"]

    def test_looks_like_a_plane(self):
        (x,), _ = traced("x")
        assert (x.shape, x.dtype, x.ndim) == ((1, 1, 1), torch.float32, 3)

    def test_error_text(self):
        (x,), _ = traced("x")
        with pytest.raises(NotImplementedError, match=r"exp: expected one of add, .*Add it to OPERATIONS"):
            x.exp()
        with pytest.raises(NotImplementedError, match="exponent: expected 2, got 3"):
            x**3
        assert "exp" not in OPERATIONS


class TestNote:
    def test_numbers_its_variables(self):
        lines = {}
        assert [note(text, lines).variable for text in ("a", "b", "a")] == ["v0", "v1", "v0"]


class TestTracingBrush:
    @pytest.mark.parametrize(("category", "pose"), RECIPES)
    def test_paints_what_the_brush_paints(self, category, pose):
        """Every recipe, in all patterns, facing both ways: each pixel of the patch, with a margin around it."""
        recipe = RECIPES[category, pose]
        brush = TracingBrush()
        recipe.paint(brush, pose)
        unit = 29.0
        across = (torch.arange(-40, 41) / unit).expand(1, 1, -1)
        y = (torch.arange(60, -13, -1) / unit).reshape(1, -1, 1)
        for pattern, flip, colour in ((0, 1.0, 3), (1, -1.0, 5), (2, 1.0, 7), (2, -1.0, 0)):
            look = (torch.tensor([flip]), torch.tensor([colour]), [pattern])
            real = Brush(across, y, torch.tensor([unit]), look, ((40.5 / unit, 60.5 / unit), (unit, unit)))
            recipe.paint(real, pose)
            plane = torch.zeros(y.shape[1], across.shape[2])
            variables = {"across": across[0] + plane, "y": y[0] + plane, "zero": plane}
            got = computed(brush.lines, colour, **variables, unit=unit, flip=flip, pattern=pattern)
            rgba = torch.stack([got[plane.variable] for plane in brush.rgba])
            torch.testing.assert_close(rgba, real.rgba[0], atol=2e-5, rtol=0)
            assert ((got[brush.nearest.variable] < 0) != real.solid[0]).sum() <= 1

    def test_a_detail_paints_on_the_same_patch(self):
        brush = TracingBrush()
        before = [plane.variable for plane in brush.rgba]
        detail = brush.near(0, 0, 1, 1)
        detail.x = detail.across
        detail.part(detail.circle(0, 0, 1))
        assert brush.x is not detail.x
        assert [plane.variable for plane in brush.rgba] != before
        assert brush.nearest is detail.nearest


class TestKernelText:
    def test_every_recipe_is_one_function(self):
        for (_, pose), recipe in RECIPES.items():
            (function,) = ast.parse(kernel_text("paint", recipe, pose)).body
            assert function.name == "paint"
            assert 100 < len(function.body[-1].body) < 1000  # small enough to compile within seconds

    def test_holds_what_the_recipe_does(self):
        recipe = Recipe(lambda brush, pose: brush.part(brush.circle(0.25, 0, 1), outline=False), 1, 1, 1)
        text = kernel_text("paint_dot", recipe, "")
        assert "def paint_dot(" in text
        assert "- 0.25\n" in text


class TestPaintTable:
    def test_holds_the_paints_of_each_colour(self):
        assert LOOKS.shape == (len(PAINTS), 4, 4)
        expected = torch.tensor(list(PAINTS.values()))
        torch.testing.assert_close(LOOKS[:, :3, :3], expected)
        between = LOOKS[:, 3, :3]
        assert ((between - expected[:, 0]) * (between - expected[:, 1]) <= 0).all()
        assert (LOOKS[..., 3] == 1).all()
