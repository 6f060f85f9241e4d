"""The lab of lesson 03: drag a box, choose how many bins there are, and see what comes back of it.

`token_readings.describe_tokens` holds all the numbers and the words, `magnifier` draws the box large; the widget only
says them again after every move.

Notebook: 03.
"""

import base64
import html
from typing import Any

import ipywidgets
import torch

from gk_utils.box_tokens import Bins
from gk_utils.box_tokens.cell_pairs import GRID
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import draw_scene
from gk_utils.drawing import INK, as_pixels
from gk_utils.figure_image import Mime, to_image
from gk_utils.labs.canvas import Canvas
from gk_utils.labs.magnifier import Lines, cut_out, magnified, window_around
from gk_utils.labs.panel import Panel
from gk_utils.labs.token_readings import Box, Choice, TokenReading, describe_tokens
from gk_utils.viz import Picture, show_grid

CHOICES: dict[str, Choice] = {
    **{str(count): count for count in (10, 20, 32, 50, 100, 256, 500, 1000)},
    f"{GRID} × {GRID} cells": "cells",
}
SEED, IMAGE_HW, START = 5, (384, 512), (460.0, 176.0, 480.0, 211.0)  # a crowded counter; its white candle
STILL = 30_000  # bytes of the picture that stays in the notebook


class TokenLab(Panel):
    """A box to drag, a choice of bins, and what comes back; `reading` is what is shown.

    Attributes:
        bins: the choice; canvas: the picture with both boxes; glass: the magnifier; table: all codes.

    >>> lab = token_lab()
    >>> lab.bins.value = "cells"
    >>> lab.canvas.box = [100, 100, 110, 110]
    >>> lab.reading.sentence == lab.canvas.note.splitlines()[0]
    True
    """

    def __init__(self, image: Any, box: Box) -> None:
        self._image = as_pixels(image)
        self._image_hw = self._image.shape[:2]
        self.bins = ipywidgets.ToggleButtons(
            options=CHOICES,
            value=100,
            description="bins a side",
            style={"description_width": "80px", "button_width": "auto"},
            layout={"width": "auto"},
        )
        self.canvas = Canvas(
            self._image,
            [float(side) for side in box],
            self._describe,
            truth=[[0.0] * 4],  # the decoded box, from `_show`
            truth_labels=["decoded"],
            title="How small may a box be before its tokens lose it?",
        )
        self.canvas.layout.width = "460px"  # so that the magnifier has room beside it
        self.glass, self.table = ipywidgets.HTML(), ipywidgets.HTML()
        pictures = ipywidgets.HBox([self.canvas, self.glass], layout={"flex_flow": "row wrap"})
        super().__init__([self.bins, pictures, self.table])
        self.bins.observe(self._choose, "value")
        self.canvas.observe(self._show, "box")
        self._show()

    def _describe(self, box: Box) -> str:
        self.reading = describe_tokens(box, self._image_hw, self.bins.value)
        return self.reading.note

    def _choose(self, change: Any) -> None:
        self.canvas.note = self._describe(self.canvas.box)
        self._show()

    def _lines(self) -> Lines:
        height, width = self._image_hw
        steps = GRID if self.bins.value == "cells" else Bins(self.bins.value).steps
        return Lines(width / steps, height / steps, dots=self.bins.value == "cells")

    def _show(self, change: Any = None) -> None:
        box, chosen, lines = self.canvas.box, self.reading.chosen, self._lines()
        self.canvas.truth = [list(chosen.decoded)]
        window = window_around(box, max(lines.across, lines.down), self._image_hw)
        words = f"Magnified {window.zoom:.1f} times: your box and, dashed, what came back of it."
        legend = _legend(lines, bool(lines.within(window, self._image_hw)[0]))
        drawn = magnified(self._image, window, box, chosen.decoded, lines, words=words)
        self.glass.value = (
            '<figure style="margin:6px;max-width:272px;line-height:1.4">'
            f'<figcaption style="font-weight:600;margin-bottom:6px">{window.zoom:.1f} × as large</figcaption>'
            f'{drawn}<p style="margin:6px 0 0">{legend}</p></figure>'
        )
        self.table.value = _table(self.reading)

    def first_frame(self, limit: int = STILL) -> tuple[Mime, bytes]:
        """What is shown, as a picture file of at most `limit` bytes and its type."""
        lines = self._lines()
        window = window_around(self.canvas.box, max(lines.across, lines.down), self._image_hw)
        part, (left, top, *_) = cut_out(self._image, window)
        shift = torch.tensor([left, top, left, top])
        yours, back = torch.tensor([self.canvas.box]), torch.tensor([self.reading.chosen.decoded])
        panels = [
            Picture(self._image, yours, ["yours"], back, ["decoded"], title=self.reading.chosen.name),
            Picture(part, yours - shift, ["yours"], back - shift, ["decoded"], title="the same, magnified"),
        ]
        figure = show_grid(panels, columns=2, caption=self.reading.in_words())
        xs, ys = lines.within(window, self._image_hw)
        for place in xs:
            figure.axes[1].axvline(place - left, color=INK, linewidth=0.4, zorder=0.5)
        for place in ys:
            figure.axes[1].axhline(place - top, color=INK, linewidth=0.4, zorder=0.5)
        return to_image(figure, limit)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view, and for readers without one the picture and its words."""
        mime, content = self.first_frame()
        words = self.reading.in_words()
        data = {**super()._repr_mimebundle_(**kwargs), "text/plain": words, mime: base64.b64encode(content).decode()}
        return data, {mime: {"alt": words}}


def token_lab() -> TokenLab:
    """The lab on a countertop of two dozen small things, 512 px wide and 384 high, with the box around a candle.

    >>> token_lab().reading.sentence
    '100 bins, IoU 0.87: passes at 0.5 and at 0.75.'
    """
    picture = render([draw_scene(SEED, n=24)], IMAGE_HW).images[0]
    return TokenLab(picture.permute(1, 2, 0), START)


def _legend(lines: Lines, drawn: bool) -> str:
    step = f"{lines.across:.3g} px apart in x, {lines.down:.3g} px in y"
    if lines.dots:
        return (
            f"The cells are {step}. A corner comes back as the centre of its cell, a dot; "
            "within one row or column, the outer edges of the cells come back."
        )
    return f"The lines are the bins, {step}." if drawn else f"The bins are {step}: too close to be drawn."


def _table(reading: TokenReading) -> str:
    """One row a code, as HTML."""
    style = 'style="padding:2px 10px 2px 0;text-align:left;vertical-align:top;white-space:nowrap"'
    titles = ("code", "order", "tokens", "off in x<br/>(at most)", "off in y<br/>(at most)", "IoU")
    rows = "<tr>" + "".join(f'<th scope="col" {style}>{title}</th>' for title in titles) + "</tr>"
    for code in reading.rows:
        left, top, right, bottom = code.errors
        tokens = f"<code>{html.escape(code.tokens)}</code>"
        offs = [f"{max(left, right):.2f} ({code.bounds[0]:.2f})", f"{max(top, bottom):.2f} ({code.bounds[1]:.2f})"]
        cells = "".join(
            f"<td {style}>{text}</td>"
            for text in (code.order.replace(", ", ",<br/>"), tokens, *offs, f"{code.iou:.2f}")
        )
        rows += f'<tr><th scope="row" {style}>{code.name}</th>{cells}</tr>'
    return (
        '<div role="region" tabindex="0" aria-label="The tokens of five codes" '  # it may have to be scrolled
        'style="overflow-x:auto;margin:6px;line-height:1.5;font-variant-numeric:tabular-nums">'
        f"<table>{rows}</table></div>"
    )
