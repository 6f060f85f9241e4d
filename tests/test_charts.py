"""Tests of gk_utils.charts."""

import io

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox
from PIL import Image

from gk_utils.charts import bars, curve
from gk_utils.drawing import INK, SKY
from gk_utils.metrics import Interval

SEVEN = {f"line {k}": [k, k + 1, k] for k in range(7)}


def pixels(figure: Figure) -> np.ndarray:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi="figure")
    return np.asarray(Image.open(buffer).convert("RGB"))


def count(figure: Figure, colour: str) -> int:
    """How many pixels have exactly this colour."""
    return int((pixels(figure) == np.rint(np.array(to_rgb(colour)) * 255)).all(-1).sum())


def extent_of(name: Annotation) -> Bbox:
    """Where the text of a name stands, without the line that leads to it."""
    name.get_window_extent()  # finds its place
    return Text.get_window_extent(name)


class TestCurve:
    def test_draws_every_line_with_its_own_look(self):
        figure = curve([1, 2, 3], SEVEN, xlabel="x", ylabel="y")
        lines = figure.axes[0].lines
        assert type(figure) is Figure
        assert len({line.get_color() for line in lines}) == 7
        assert len({line.get_marker() for line in lines}) == 7
        assert len({str(line._unscaled_dash_pattern) for line in lines}) == 7
        assert all(count(figure, line.get_color()) > 50 for line in lines)

    def test_the_numbers_are_those_given(self):
        x, y = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0.5, 0.25, 0.125])
        line = curve(x, {"error": y}, xlabel="x", ylabel="y").axes[0].lines[0]
        assert line.get_xydata().tolist() == [[1, 0.5], [2, 0.25], [4, 0.125]]

    def test_a_loss_with_a_gradient(self):
        figure = curve([0, 1], {"loss": torch.ones(2, requires_grad=True)}, xlabel="step", ylabel="loss")
        assert figure.axes[0].lines[0].get_ydata().tolist() == [1, 1]

    def test_names_stand_apart_and_on_the_sheet(self):
        figure = curve([0, 1], {f"a long name of line {k}": [0, 0] for k in range(7)}, xlabel="x", ylabel="y")
        extents = [extent_of(text) for text in figure.axes[0].texts]
        assert len(extents) == 7
        assert all(extent.x1 <= figure.bbox.x1 and extent.y0 >= 0 and extent.y1 <= figure.bbox.y1 for extent in extents)
        middles = sorted((extent.y0 + extent.y1) / 2 for extent in extents)
        assert min(np.diff(middles)) >= 8.5 * figure.dpi / 72  # a line of text

    def test_a_name_stands_level_with_its_end(self):
        figure = curve([0, 1], {"low": [0, 30], "high": [0, 500]}, xlabel="x", ylabel="y")
        axes = figure.axes[0]
        for text, y in zip(axes.texts, (30, 500), strict=True):
            extent = extent_of(text)
            assert (extent.y0 + extent.y1) / 2 == pytest.approx(axes.transData.transform((1, y))[1], abs=3)

    @pytest.mark.parametrize("log", ["", "x", "y", "xy"])
    def test_log_axes(self, log: str):
        axes = curve([10, 100, 1000], {"a": [5, 0.5, 0.05]}, xlabel="x", ylabel="y", log=log).axes[0]
        assert (axes.get_xscale() == "log", axes.get_yscale() == "log") == ("x" in log, "y" in log)

    def test_a_log_axis_shows_the_numbers_given(self):
        figure = curve([32, 64, 1000], {"a": [5, 0.5, 0.05]}, xlabel="bins", ylabel="y", log="xy")
        figure.canvas.draw()
        assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["32", "64", "1000"]
        assert "0.1" in [text.get_text() for text in figure.axes[0].get_yticklabels()]

    def test_a_gap_is_a_gap(self):
        figure = curve([0, 1, 2], {"a": [0, 1, np.nan]}, xlabel="x", ylabel="y")
        assert figure.axes[0].texts[0].xy == (1, 1)  # named at the last point there is

    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            ({}, "lines: expected 1 to 7, got 0"),
            ({**SEVEN, "eighth": [0, 0, 0]}, "lines: expected 1 to 7, got 8. Split"),
            ({"a": [1, 2]}, r"lines\['a'\]: expected as many rows as x \(3\), got 2"),
            ({"a": [np.nan] * 3}, r"lines\['a'\]: expected finite numbers, got none"),
        ],
    )
    def test_bad_lines(self, lines: dict, message: str):
        with pytest.raises(ValueError, match=message):
            curve([1, 2, 3], lines, xlabel="x", ylabel="y")

    def test_bad_log(self, unhooked: None):
        with pytest.raises(ValueError, match="log: expected one of '', 'x', 'y', 'xy', got 'z'"):
            curve([1], {"a": [1]}, xlabel="x", ylabel="y", log="z")


class TestBars:
    def test_bars_intervals_and_numbers(self):
        figure = bars({"baseline": (0.25, 0.125, 0.5), "model": Interval(0.75, 0.5, 1.0)}, xlabel="Acc@0.5")
        axes = figure.axes[0]
        assert [(bar.get_x(), bar.get_width()) for bar in axes.patches] == [(0, 0.25), (0, 0.75)]
        assert [text.get_text() for text in axes.texts] == ["0.250 [0.125, 0.500]", "0.750 [0.500, 1.000]"]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["baseline", "model"]
        whiskers = axes.collections[0].get_segments()
        assert [segment[:, 0].tolist() for segment in whiskers] == [[0.125, 0.5], [0.5, 1.0]]
        assert count(figure, SKY) > 1000
        assert count(figure, INK) > 100

    def test_the_first_stands_on_top(self):
        first, second = bars({"a": (1, 1, 1), "b": (2, 2, 2)}, xlabel="x").axes[0].patches
        assert first.get_window_extent().y0 > second.get_window_extent().y1

    def test_negative_values_start_at_zero_too(self):
        axes = bars({"GIoU": (-0.3, -0.4, -0.2)}, xlabel="GIoU").axes[0]
        assert axes.get_xlim()[0] < -0.4
        assert axes.get_xlim()[1] == 0
        assert axes.patches[0].get_window_extent().x1 == pytest.approx(axes.transData.transform((0, 0))[0])

    def test_everything_stays_on_the_sheet(self):
        figure = bars({"a name that is much too long for one line of a figure": (1000, 900, 1100)}, xlabel="ms")
        extents = [text.get_window_extent() for text in [*figure.axes[0].texts, *figure.axes[0].get_yticklabels()]]
        assert all(extent.x0 >= 0 and extent.x1 <= figure.bbox.x1 for extent in extents)

    def test_all_zero(self):
        figure = bars({"a": (0.0, 0.0, 0.0)}, xlabel="x")
        figure.canvas.draw()
        assert figure.axes[0].get_xlim()[0] < figure.axes[0].get_xlim()[1]

    @pytest.mark.parametrize("row", [(1, 2, 1), (1, float("nan"), 2), (1, 0, float("inf"))])
    def test_bad_interval(self, row: tuple[float, float, float]):
        with pytest.raises(ValueError, match=r"values\['a'\]: expected finite \(value, low, high\), got"):
            bars({"a": row}, xlabel="x")

    def test_bad_values(self, unhooked: None):
        with pytest.raises(ValueError, match="values: expected at least one bar, got none"):
            bars({}, xlabel="x")
        with pytest.raises(ValueError, match=r"values\['a'\]: expected finite .* got \(1, 2\)"):
            bars({"a": (1, 2)}, xlabel="x")
