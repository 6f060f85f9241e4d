"""Pictures of lesson 08: masks with the prompts that made them, and what is true dashed around them.

Notebook: 08.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils import viz
from gk_utils.drawing import INK, VERMILION
from gk_utils.frames import Frame
from gk_utils.labs.score_maps import overlay
from gk_utils.models.trunk_grounder import ScoreMap

Click = tuple[float, float, bool]


@dataclass(frozen=True, eq=False)
class Prompted:
    """One panel of `show_prompted`: a picture, its prompts, and the mask that came of them.

    Attributes:
        image: (3 h w) RGB in [0, 1].
        mask: filled; None for none. truth: dashed around what is meant; None for nothing.
        clicks: x, y in continuous pixels, and whether it is on the object; a plus or a bar in a disc.
        box: xyxy pixels, drawn solid; None for none.
        title: stands above.
    """

    image: Float[Tensor, "3 h w"]
    mask: Bool[Tensor, "h w"] | None = None
    truth: Bool[Tensor, "h w"] | None = None
    clicks: Sequence[Click] = ()
    box: Float[Tensor, "4"] | None = None
    title: str = ""


def cut(panel: Prompted, window: tuple[int, int, int, int]) -> Prompted:
    """The part of a panel in a window, xyxy in whole pixels.

    >>> import torch
    >>> cut(Prompted(torch.zeros(3, 8, 8), clicks=[(5.5, 4.5, True)]), (2, 0, 8, 6)).clicks
    [(3.5, 4.5, True)]
    """
    x1, y1, x2, y2 = window
    rows, columns = slice(y1, y2), slice(x1, x2)
    mask, truth = (None if one is None else one[rows, columns] for one in (panel.mask, panel.truth))
    clicks = [(x - x1, y - y1, on) for x, y, on in panel.clicks]
    box = None if panel.box is None else panel.box - panel.box.new_tensor([x1, y1, x1, y1])
    return replace(panel, image=panel.image[:, rows, columns], mask=mask, truth=truth, clicks=clicks, box=box)


def show_prompted(
    panels: Sequence[Prompted], columns: int | None = None, window: tuple[int, int, int, int] | None = None
) -> Figure:
    """Draw the panels side by side, or the part of each in a window, xyxy in whole pixels.

    >>> import torch
    >>> picture, mask = torch.zeros(3, 8, 8), torch.eye(8, dtype=torch.bool)
    >>> figure = show_prompted([Prompted(picture, mask, mask, [(4.5, 4.5, True)], title="IoU 1.00")])
    >>> figure.axes[0].get_title("left")
    'IoU 1.00'
    """
    panels = panels if window is None else [cut(panel, window) for panel in panels]
    pictures = [
        viz.Picture(
            panel.image.permute(1, 2, 0),
            None if panel.box is None else panel.box[None],
            [""],
            masks=None if panel.mask is None else panel.mask[None],
            mask_labels=[""],
            title=panel.title,
        )
        for panel in panels
    ]
    figure = viz.show_grid(pictures, columns=columns)
    for axes, panel in zip(figure.axes, panels, strict=True):
        high, wide = panel.image.shape[1:]
        if panel.truth is not None and panel.truth.any():
            _outline(axes, panel.truth)
        for x, y, on in panel.clicks:
            _mark(axes, x, y, on)
        axes.set(xlim=(0, wide), ylim=(high, 0))
    return figure


def show_maps(maps: Sequence[Float[Tensor, "h w"]], titles: Sequence[str], columns: int | None = None) -> Figure:
    """Draw maps of numbers as grey pictures, dark the lowest and light the highest of each.

    >>> import torch
    >>> show_maps([torch.eye(4)], ["one"]).axes[0].get_title("left")
    'one'
    """
    grey = [0.1 + 0.8 * (one - one.min()) / (one.max() - one.min()).clamp(min=1e-9) for one in maps]
    pictures = [viz.Picture(one.detach().cpu(), title=title) for one, title in zip(grey, titles, strict=True)]
    return viz.show_grid(pictures, columns=columns)


def show_cells(
    image: Float[Tensor, "3 h w"],
    maps: Sequence[Float[Tensor, "rows columns"]],
    titles: Sequence[str],
    columns: int | None = None,
) -> Figure:
    """Draw maps of shares over a picture: a cell is coloured the more, the larger its number; none at 0 and below.

    >>> import torch
    >>> show_cells(torch.zeros(3, 8, 8), [torch.eye(4)], ["one"]).axes[0].get_title("left")
    'one'
    """
    image_hw = (image.shape[1], image.shape[2])
    panels = []
    for one, title in zip(maps, titles, strict=True):
        frame = Frame.of_image(image_hw).grid((one.shape[0], one.shape[1]))
        scores = ScoreMap(one.detach().cpu().clamp(min=0), 0.0, frame)
        panels.append(viz.Picture(overlay(image, scores), title=title))
    return viz.show_grid(panels, columns=columns)


def _outline(axes: Axes, truth: Bool[Tensor, "h w"]) -> None:
    """A dashed line around the true pixels."""
    high, wide = truth.shape
    at = np.arange(-0.5, wide + 1), np.arange(-0.5, high + 1)
    rim = np.pad(truth.cpu().numpy(), 1).astype(float)
    axes.contour(*at, rim, levels=[0.5], colors=["white"], linewidths=2.6)
    axes.contour(*at, rim, levels=[0.5], colors=[INK], linewidths=1.3, linestyles=[(0, (3, 2))])


def _mark(axes: Axes, x: float, y: float, on: bool) -> None:
    """A click: a disc with a plus, on the object; with a bar, beside it."""
    axes.plot(x, y, "o", ms=10, color="white" if on else VERMILION, mec=INK, mew=1.2, zorder=6)
    axes.plot(x, y, "+" if on else "_", ms=6.5, color=INK if on else "white", mew=1.8, zorder=7)
