"""The lab of lesson 06: drag a box over a feature map, and see what RoI Pool and RoI Align read for it.

`roi_readings.describe_roi` holds all the numbers and the words; the widget only shows them again after every move.

Notebook: 06.
"""

import base64
import html
from typing import Any

import ipywidgets
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gk_utils.countertop.render import render
from gk_utils.countertop.scene import draw_scene
from gk_utils.drawing import BLUE, INK, ORANGE
from gk_utils.figure_image import Mime, to_image
from gk_utils.labs.canvas import Canvas
from gk_utils.labs.magnifier import Window, window_around
from gk_utils.labs.panel import Panel
from gk_utils.labs.roi_readings import Box, RoiReading, describe_roi, draw_roi, drawn_bins

STRIDES, BINS = (8, 16, 32), (1, 2, 3, 4)
SEED, START = 5004, (21.0, 91.0, 47.0, 104.0)  # a countertop of 128 px; the black cat
SHOWN = 300  # layout pixels of the drawing beside the canvas
STILL = 40_000  # bytes of the picture that stays in the notebook


class RoiLab(Panel):
    """A box to drag, the stride and the bins to choose, and what both operations read; `reading` is what is shown.

    Attributes:
        stride, bins: the choices; canvas: the picture with the box; glass: the map around it; table: what comes out.

    >>> lab = roi_lab()
    >>> lab.stride.value = 8
    >>> lab.canvas.box = [20, 20, 60, 40]
    >>> lab.reading.note == lab.canvas.note
    True
    """

    def __init__(self, image: Float[Tensor, "3 h w"], box: Box) -> None:
        self._image = image
        buttons = {"style": {"description_width": "80px", "button_width": "auto"}, "layout": {"width": "auto"}}
        self.stride = ipywidgets.ToggleButtons(options=STRIDES, value=16, description="stride", **buttons)
        self.bins = ipywidgets.ToggleButtons(options=BINS, value=2, description="bins a side", **buttons)
        self.canvas = Canvas(
            image.permute(1, 2, 0),
            [float(side) for side in box],
            self._describe,
            truth=[[0.0] * 4],  # the region, from `_show`
            truth_labels=["RoI Pool"],
            title="Move the box by single pixels: what does RoI Pool notice?",
        )
        self.canvas.layout.width = "420px"  # so that the drawing has room beside it
        self.glass, self.table = ipywidgets.HTML(), ipywidgets.HTML()
        pictures = ipywidgets.HBox([self.canvas, self.glass], layout={"flex_flow": "row wrap"})
        super().__init__([self.stride, self.bins, pictures, self.table])
        for choice in (self.stride, self.bins):
            choice.observe(self._choose, "value")
        self.canvas.observe(self._show, "box")
        self._show()

    def _describe(self, box: Box) -> str:
        stride = self.stride.value
        self.reading = describe_roi(brightness(self._image, stride), box, stride, self.bins.value)
        return self.reading.note

    def _choose(self, change: Any) -> None:
        self.canvas.note = self._describe(self.canvas.box)
        self._show()

    def _show(self, change: Any = None) -> None:
        self.canvas.truth = [list(self.reading.region)]
        self.glass.value = _drawn(self.reading)
        self.table.value = _table(self.reading)

    def first_frame(self, limit: int = STILL) -> tuple[Mime, bytes]:
        """What is shown, as a picture file of at most `limit` bytes and its type."""
        return to_image(draw_roi(self.reading, caption=self.reading.in_words()), limit)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view, and for readers without one the drawing and its words."""
        (mime, content), words = self.first_frame(), self.reading.in_words()
        data = {**super()._repr_mimebundle_(**kwargs), "text/plain": words, mime: base64.b64encode(content).decode()}
        return data, {mime: {"alt": words}}


def roi_lab() -> RoiLab:
    """The lab on a countertop of 128 x 128 pixels, with the box around a cat.

    >>> roi_lab().reading.note.splitlines()[0]
    'RoI Pool reads 48 × 32 px for your 26 × 13 px: IoU 0.12.'
    """
    return RoiLab(render([draw_scene(SEED, n=6)]).images[0], START)


def brightness(image: Float[Tensor, "3 h w"], stride: int) -> Float[Tensor, "rows columns"]:
    """A feature map of one channel: how bright each cell of `stride` x `stride` pixels is, 0 to 1.

    >>> import torch
    >>> brightness(torch.eye(4).expand(3, 4, 4), 2).tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    return avg_pool2d(image.mean(0)[None, None], stride)[0, 0]


def _drawn(reading: RoiReading) -> str:
    """The map around the box as SVG in HTML: cells, bins of RoI Pool, samples of RoI Align."""
    (rows, columns), stride = reading.grid.shape, reading.stride
    window = window_around(reading.box, 1.5 * stride, (rows * stride, columns * stride))
    zoom = SHOWN / window.side
    parts, covered = [], reading.covered()
    for i in range(rows):
        for j in range(columns):
            grey = round(90 + 150 * float(reading.grid[i, j]))
            parts.append(_rect((j * stride, i * stride, (j + 1) * stride, (i + 1) * stride), window, zoom,
                               f'fill="rgb({grey},{grey},{grey})" stroke="#777777"'))  # fmt: skip
            if covered[i, j] > 1:
                x, y = ((j + 0.5) * stride - window.left) * zoom, ((i + 0.5) * stride - window.top) * zoom
                parts.append(
                    f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" fill="#000000">×{covered[i, j]}</text>'
                )
    strokes = [(drawn_bins(reading), INK, 1.5, ""), ([reading.region], ORANGE, 3, "9 6"), ([reading.box], BLUE, 3, "")]
    for corners, colour, width, dashes in strokes:
        for under in (True, False):
            look = f'stroke="{"#ffffff" if under else colour}" stroke-width="{width + 2 * under}"'
            dashed = "" if under else f' stroke-dasharray="{dashes}"'
            parts += [_rect(one, window, zoom, f'fill="none" {look}{dashed}') for one in corners]
    for x, y in reading.points.flatten(0, 2).tolist():
        x, y = (x - window.left) * zoom, (y - window.top) * zoom  # noqa: PLW2901
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{BLUE}" stroke="#ffffff"/>')
    words = html.escape(reading.note.replace("\n", " "))
    return (
        '<figure style="margin:6px;max-width:308px;line-height:1.4">'
        f'<svg role="img" aria-label="{words}" viewBox="0 0 {SHOWN} {SHOWN}" width="{SHOWN}" '
        'style="max-width:100%;display:block;font:600 11px system-ui,sans-serif">'
        f"{''.join(parts)}</svg>"
        '<p style="margin:6px 0 0">Blue: your box and the samples of RoI Align. Dashed orange: the whole cells of RoI '
        "Pool. Black: its bins; ×2: a cell in two of them.</p></figure>"
    )


def _rect(corners: Box, window: Window, zoom: float, look: str) -> str:
    x1, y1, x2, y2 = corners
    place = f'x="{(x1 - window.left) * zoom:.1f}" y="{(y1 - window.top) * zoom:.1f}"'
    return f'<rect {place} width="{(x2 - x1) * zoom:.1f}" height="{(y2 - y1) * zoom:.1f}" {look}/>'


def _table(reading: RoiReading) -> str:
    """What comes out of both, as HTML: the brightness of each bin in percent."""
    style = 'style="padding:2px 10px 2px 0;text-align:right"'
    tables = ""
    for name, values in (("RoI Pool (largest cell)", reading.pooled), ("RoI Align (mean of samples)", reading.aligned)):
        rows = "".join(
            "<tr>" + "".join(f"<td {style}>{100 * value:.0f} %</td>" for value in row) + "</tr>"
            for row in values.tolist()
        )
        tables += f'<table><caption style="text-align:left;white-space:nowrap">{name}</caption>{rows}</table>'
    return (
        '<div style="display:flex;gap:28px;overflow-x:auto;margin:6px;line-height:1.5;'
        f'font-variant-numeric:tabular-nums">{tables}</div>'
    )
