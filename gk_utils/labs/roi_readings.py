"""What RoI Pool and RoI Align read for one box, in pixels, numbers and words, and drawn on the map.

Notebook: 06.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from torch import Tensor

from gk_utils.boxes import paired_iou
from gk_utils.charts import WIDTH
from gk_utils.drawing import BLUE, FONT, INK, ORANGE, axes_at, sheet
from gk_utils.errors import check_boxes
from gk_utils.labs.magnifier import window_around
from gk_utils.roi_align import pooling_cells, roi_align, roi_pool, sampling_points

Box = Sequence[float] | Float[Tensor, "4"]
SIDES = ("left", "top", "right", "bottom")


@dataclass(frozen=True, eq=False)
class RoiReading:
    """What both operations read for one box on a map of one channel; everything in pixels but the pooled values.

    Attributes:
        box: xyxy.
        stride: pixels a cell is wide and high.
        grid: (h w), the map.
        region: xyxy of the whole cells that RoI Pool takes for the box: its first rounding.
        cells: (p q 4) xyxy of the cells that each bin takes, after the second rounding.
        points: (p q s 2), x and y of the samples of RoI Align in each bin.
        pooled, aligned: (p q), what comes out.
    """

    box: tuple[float, float, float, float]
    stride: int
    grid: Float[Tensor, "h w"]
    region: tuple[float, float, float, float]
    cells: Float[Tensor, "p q 4"]
    points: Float[Tensor, "p q s 2"]
    pooled: Float[Tensor, "p q"]
    aligned: Float[Tensor, "p q"]

    @property
    def beyond(self) -> tuple[float, ...]:
        """How far the region reaches over each side of the box, left, top, right, bottom; below 0 it falls short."""
        x1, y1, x2, y2 = (there - here for here, there in zip(self.box, self.region, strict=True))
        return (0 - x1, 0 - y1, x2, y2)

    @property
    def iou(self) -> float:
        """Of the box with the region that RoI Pool reads."""
        return float(paired_iou(torch.tensor([self.box]), torch.tensor([self.region])))

    @property
    def note(self) -> str:
        """What RoI Pool reads, and how far that is off; what RoI Align reads: the words under the picture."""
        width, height = (self.box[2] - self.box[0], self.box[3] - self.box[1])
        wide, high = (self.region[2] - self.region[0], self.region[3] - self.region[1])
        first = f"RoI Pool reads {wide:g} × {high:g} px for your {width:g} × {height:g} px: IoU {self.iou:.2f}."
        off = ", ".join(f"{side} {beyond:+g}" for side, beyond in zip(SIDES, self.beyond, strict=True))
        twice = int((self.covered() > 1).sum())
        second = f"Reaches over the box: {off} px. Cells in more than one bin: {twice}."
        samples = self.points.shape[:3].numel()
        return "\n".join([first, second, f"RoI Align reads {samples} samples, all inside your box."])

    def in_words(self) -> str:
        """The note, then what comes out, bin by bin."""
        rows = [
            f"{name}: {'; '.join(', '.join(f'{value:.2f}' for value in row) for row in values.tolist())}"
            for name, values in (("RoI Pool", self.pooled), ("RoI Align", self.aligned))
        ]
        return "\n".join([self.note, *rows])

    def covered(self) -> np.ndarray:
        """(h w), how many bins of RoI Pool take each cell."""
        count = np.zeros(tuple(self.grid.shape), int)
        for x1, y1, x2, y2 in (self.cells / self.stride).long().flatten(0, 1).tolist():
            count[y1:y2, x1:x2] += 1
        return count


def describe_roi(grid: Float[Tensor, "h w"], box: Box, stride: int, bins: int) -> RoiReading:
    """Read a box out of a map of one channel in both ways.

    Args:
        grid: the map.
        box: [x1, y1, x2, y2] in pixels; it may have no area.
        stride: pixels a cell is wide and high.
        bins: rows and columns of the result.

    Raises:
        TypeError, ValueError: not a box; a stride or a number of bins that is not above 0.

    >>> reading = describe_roi(torch.arange(16.0).view(4, 4), [4, 0, 21, 16], 16, 1)
    >>> print(reading.in_words())
    RoI Pool reads 32 × 32 px for your 17 × 16 px: IoU 0.27.
    Reaches over the box: left +4, top +0, right +11, bottom +16 px. Cells in more than one bin: 0.
    RoI Align reads 4 samples, all inside your box.
    RoI Pool: 5.00
    RoI Align: 0.78
    """
    row = torch.as_tensor(box, dtype=torch.float32)
    check_boxes(row, "box")
    hw, scale = tuple(grid.shape), {"spatial_scale": 1 / stride}
    region, cells = (stride * pooling_cells(row, hw, count, **scale).float() for count in (1, bins))
    return RoiReading(
        tuple(row.tolist()),
        stride,
        grid,
        tuple(region[0, 0].tolist()),
        cells,
        stride * sampling_points(row, bins, **scale),
        roi_pool(grid[None, None], [row[None]], bins, **scale)[0, 0],
        roi_align(grid[None, None], [row[None]], bins, **scale)[0, 0],
    )


def draw_roi(reading: RoiReading, caption: str = "") -> Figure:
    """The map around the box, twice: the cells that RoI Pool takes, bin by bin, and the samples of RoI Align."""
    gap, (rows, columns), stride = 0.25, reading.grid.shape, reading.stride
    side = (WIDTH - gap) / 2
    figure, base = sheet(WIDTH, side + 0.25, caption=caption)
    window = window_around(reading.box, 1.5 * stride, (rows * stride, columns * stride))
    for number, title in enumerate(("RoI Pool: cells of each bin", "RoI Align: samples of each bin")):
        axes = axes_at(figure, number * (side + gap), base, side, side)
        axes.set_title(title, size=FONT + 1, color=INK, pad=3, loc="left")
        axes.imshow(reading.grid.numpy(), cmap="gray", extent=(0, columns * stride, rows * stride, 0), alpha=0.55)
        axes.set_xticks(range(0, columns * stride + 1, stride), [])
        axes.set_yticks(range(0, rows * stride + 1, stride), [])
        axes.grid(color="#888888", linewidth=0.7)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        (_paint_pool if number == 0 else _paint_align)(axes, reading)
        _outline(axes, reading.box, "box", BLUE, ("-", 2.4))
        axes.set(xlim=(window.left, window.left + window.side), ylim=(window.top + window.side, window.top))
    return figure


def _paint_pool(axes: Axes, reading: RoiReading) -> None:
    for corners in drawn_bins(reading):
        _outline(axes, corners, "bin", INK, ("-", 1.2))
    _outline(axes, reading.region, "region", ORANGE, ((0, (4, 2.5)), 2.4))


def _paint_align(axes: Axes, reading: RoiReading) -> None:
    for corners in even_bins(reading):
        _outline(axes, corners, "bin", INK, ("-", 0.9))
    x, y = reading.points.flatten(0, 2).unbind(1)
    axes.plot(x, y, "o", color=INK, markeredgecolor="white", markersize=5, markeredgewidth=0.8, gid="samples")


def _outline(axes: Axes, box: Box, name: str, colour: str, line: tuple[Any, float]) -> None:
    (x1, y1, x2, y2), (style, width) = box, line
    halo = [withStroke(linewidth=width + 1.6, foreground="white")]
    look = {"edgecolor": colour, "linestyle": style, "linewidth": width, "path_effects": halo, "gid": name}
    axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, zorder=3, **look))


def drawn_bins(reading: RoiReading) -> list[Box]:
    """The cells of each bin of RoI Pool, drawn smaller by turns, since bins share cells; none for an empty bin."""
    drawn = []
    for row, cells in enumerate(reading.cells.tolist()):
        for column, (x1, y1, x2, y2) in enumerate(cells):
            inset = reading.stride * (0.10 + 0.08 * ((row + column) % 2))
            if x2 > x1 and y2 > y1:
                drawn.append((x1 + inset, y1 + inset, x2 - inset, y2 - inset))
    return drawn


def even_bins(reading: RoiReading) -> list[Box]:
    """The bins of RoI Align: the box, cut evenly."""
    (x1, y1, x2, y2), n = reading.box, len(reading.cells)
    xs, ys = ([low + (high - low) * i / n for i in range(n + 1)] for low, high in ((x1, x2), (y1, y2)))
    return [(xs[j], ys[i], xs[j + 1], ys[i + 1]) for i in range(n) for j in range(n)]
