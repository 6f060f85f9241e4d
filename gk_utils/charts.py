"""Charts in the house style of `viz`, which passes them on: curves named at their ends, and bars with intervals."""

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils.drawing import (
    BLUE,
    FONT,
    GREEN,
    INK,
    LINE,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    axes_at,
    sheet,
    text_width,
    wrap,
)
from gk_utils.errors import check_choice, check_same_length
from gk_utils.metrics import Interval

WIDTH = 6.4  # inches: 691 pixels, a notebook's column
LINE_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, INK)
MARKERS = "osD^vPX"
DASHES = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)), (0, (3, 1)), (0, (8, 3)), (0, (2, 2)))


def curve(
    x: Any,
    lines: Mapping[str, Any],
    *,
    xlabel: str,
    ylabel: str,
    log: Literal["", "x", "y", "xy"] = "",
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw one line per entry of `lines` over the same x, each with dashes and markers of its own, named at its end.

    Args:
        x: n numbers, ascending.
        lines: at most seven, name -> n numbers (a sequence, an array, a tensor); NaN leaves a gap.
        xlabel: what x is, with the unit.
        ylabel: what the lines measure, with the unit.
        log: the axes with a logarithmic scale.
        title: stands above.
        caption: stands below: what to see.

    Raises:
        ValueError: no line or more than seven; a line of another length than x, or without a finite number.

    >>> figure = curve([10, 100, 1000], {"bins": [5.0, 0.5, 0.05]}, xlabel="bins", ylabel="error (pixels)", log="xy")
    >>> figure.axes[0].texts[0].get_text()
    'bins'
    """
    check_choice(log, ("", "x", "y", "xy"), "log")
    if not 1 <= len(lines) <= len(LINE_COLOURS):
        raise ValueError(
            f"lines: expected 1 to {len(LINE_COLOURS)}, got {len(lines)}. Split them over several figures."
        )
    x = _numbers(x)
    margin = max(map(text_width, lines)) / 72 + 0.3
    figure, base = sheet(WIDTH, 3.25, title=title, caption=caption)
    axes = axes_at(figure, 0.7, base + 0.5, WIDTH - 0.7 - margin, 2.7)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.set(xscale="log" if "x" in log else "linear", yscale="log" if "y" in log else "linear")
    axes.grid(color="#DDDDDD", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    ends = []
    for (name, line), colour, dashes, marker in zip(lines.items(), LINE_COLOURS, DASHES, MARKERS, strict=False):
        y = _numbers(line)
        check_same_length(x, y, ("x", f"lines[{name!r}]"))
        finite = np.flatnonzero(np.isfinite(y))
        if not len(finite):
            raise ValueError(f"lines[{name!r}]: expected finite numbers, got none. Leave this line out.")
        axes.plot(x, y, color=colour, ls=dashes, lw=1.8, marker=marker, ms=4.5, markevery=max(1, len(x) // 20))
        ends.append((x[finite[-1]], y[finite[-1]], name, colour))
    if "x" in log and len(x) <= 10:
        axes.set_xticks(x, minor=False)
        axes.xaxis.minorticks_off()
    for letter in log:
        {"x": axes.xaxis, "y": axes.yaxis}[letter].set_major_formatter("{x:g}")
    axes.autoscale_view()
    ends.sort(key=lambda end: end[1])
    heights = [axes.transData.transform(end[:2])[1] * 72 / figure.dpi for end in ends]
    top = axes.get_window_extent().y1 * 72 / figure.dpi
    for (x_end, y_end, name, colour), old, new in zip(ends, heights, _spread(heights, FONT * LINE, top), strict=True):
        arrow = {"arrowstyle": "-", "color": colour, "linewidth": 1, "relpos": (0, 0.5), "shrinkA": 1, "shrinkB": 3}
        place = {"xytext": (16, new - old), "textcoords": "offset points", "va": "center", "annotation_clip": False}
        axes.annotate(name, (x_end, y_end), arrowprops=arrow, size=FONT, color=INK, parse_math=False, **place)
    return figure


def bars(
    values: Mapping[str, Interval | tuple[float, float, float]], *, xlabel: str, title: str = "", caption: str = ""
) -> Figure:
    """Draw measured values as bars with their intervals, and print the numbers beside them.

    Args:
        values: name -> `Interval` or (value, low, high), from top to bottom.
        xlabel: what was measured, with the unit.
        title: stands above.
        caption: stands below: what to see.

    Raises:
        ValueError: nothing to draw, a number that is not finite, or low above high.

    >>> figure = bars({"centre box": (0.12, 0.10, 0.14), "model": (0.86, 0.84, 0.88)}, xlabel="Acc@0.5")
    >>> figure.axes[0].texts[0].get_text()
    '0.120 [0.100, 0.140]'
    """
    if not values:
        raise ValueError("values: expected at least one bar, got none. Pass {name: (value, low, high)}.")
    rows = {name: (v.value, v.low, v.high) if isinstance(v, Interval) else v for name, v in values.items()}
    for name, row in rows.items():
        if len(row) != 3 or not all(map(math.isfinite, row)) or row[1] > row[2]:
            raise ValueError(f"values[{name!r}]: expected finite (value, low, high), got {row}. Is low above high?")
    names = [wrap(name, 130) for name in rows]
    numbers = [f"{value:.3f} [{low:.3f}, {high:.3f}]" for value, low, high in rows.values()]
    left, right = max(map(text_width, names)) / 72 + 0.2, max(map(text_width, numbers)) / 72 + 0.25
    high = 0.36 * len(rows)
    figure, base = sheet(WIDTH, high + 0.6, title=title, caption=caption)
    axes = axes_at(figure, left, base + 0.5, WIDTH - left - right, high)
    centre, low, top = np.array(list(rows.values())).T
    y = np.arange(len(rows))
    axes.barh(y, centre, height=0.55, color=SKY, edgecolor=INK, linewidth=0.8)
    axes.hlines(y, low, top, color=INK, linewidth=1.6)
    axes.plot([low, top], [y, y], color=INK, marker="|", markersize=7, linestyle="none", markeredgewidth=1.6)
    left_end, right_end = min(0, low.min(), centre.min()), max(0, top.max(), centre.max())
    right_end = right_end if right_end > left_end else 1.0  # every value is 0
    axes.set(xlabel=xlabel, ylim=(len(rows) - 0.5, -0.5), xlim=(left_end * 1.03, right_end * 1.03))
    axes.set_yticks(y, names, size=FONT, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right"]].set_visible(False)
    for row, text in enumerate(numbers):
        axes.text(1.03, row, text, transform=axes.get_yaxis_transform(), size=FONT, color=INK, va="center")
    return figure


def _numbers(values: Any) -> np.ndarray:
    return np.asarray(values.detach().cpu() if isinstance(values, Tensor) else values, float)


def _spread(heights: list[float], gap: float, top: float) -> list[float]:
    """Ascending `heights` moved as little as a sweep up and one down need to stand `gap` apart, none above `top`."""
    places = []
    for height in heights:
        places.append(max([height, *(place + gap for place in places[-1:])]))
    for index in reversed(range(len(places))):
        places[index] = min(places[index], top)
        top = places[index] - gap
    return places
