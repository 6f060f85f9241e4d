"""One house style for every figure of the course: pictures with boxes and masks, planes, curves, interval bars.

Every function returns a `matplotlib.figure.Figure` and shows nothing; at the end of a notebook cell the figure renders
as one file of at most 60 kB. Predictions are solid, truth is dashed orange, regions are hatched, and each has a
text tag, so that nothing hangs on colour alone.
Coordinates are continuous pixels: the pixel in row 0, column 0 covers [0, 1] x [0, 1]; x points right and y down.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from gk_utils.charts import WIDTH, bars, curve
from gk_utils.drawing import COLOURS, FONT, INK, ORANGE, Tag, add_tags, as_pixels, axes_at, lines_height, sheet, wrap
from gk_utils.errors import check_boxes, check_hw
from gk_utils.figure_image import render_in_notebooks

__all__ = ["Picture", "bars", "curve", "draw_plane", "show_boxes", "show_grid", "show_masks"]

# What all panels of a figure cover together, in square inches: a page's width for a photograph of the usual shape, and
# what 60 kB hold in good quality.
AREA = 27.0
STYLES = {  # what `Picture` calls the boxes and their labels, from the lowest layer up
    ("regions", "region_labels"): {"edgecolor": INK, "linewidth": 1, "hatch": "////"},
    ("boxes", "labels"): {"linewidth": 2},
    ("truth", "truth_labels"): {"edgecolor": ORANGE, "linewidth": 2, "linestyle": (0, (4, 2.5))},
}

render_in_notebooks()


@dataclass(frozen=True)
class Picture:
    """One panel of `show_grid`: an image, and what is drawn on it.

    Attributes:
        image: (h, w, 3) or grey (h, w), uint8 or float in [0, 1]; a numpy array, a tensor or a PIL image.
        boxes, truth, regions: xyxy pixels of the image; drawn solid, dashed, hatched.
        masks: m masks of the image's size, filled and outlined, each in a colour of its own.
        labels, truth_labels, region_labels, mask_labels: one text a row, "" for none; None counts "box 0", "box 1" ...
        title: stands above the panel.

    >>> import torch
    >>> Picture(np.zeros((60, 80, 3), np.uint8), torch.tensor([[10.0, 20.0, 30.0, 50.0]]), ["mug"]).labels
    ['mug']
    """

    image: Any
    boxes: Float[Tensor, "*n 4"] | None = None
    labels: Sequence[str] | None = None
    truth: Float[Tensor, "*t 4"] | None = None
    truth_labels: Sequence[str] | None = None
    regions: Float[Tensor, "*r 4"] | None = None
    region_labels: Sequence[str] | None = None
    masks: Bool[Tensor, "m h w"] | None = None
    mask_labels: Sequence[str] | None = None
    title: str = ""


def show_boxes(
    image: Any,
    boxes: Float[Tensor, "*n 4"] | None = None,
    labels: Sequence[str] | None = None,
    *,
    truth: Float[Tensor, "*t 4"] | None = None,
    truth_labels: Sequence[str] | None = None,
    regions: Float[Tensor, "*r 4"] | None = None,
    region_labels: Sequence[str] | None = None,
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw boxes on an image: predictions solid, truth dashed, regions hatched; `Picture` says what each argument is.

    A box that leaves the image is cut at its edge; its tag stays inside. `caption` stands below: what to see.

    Raises:
        TypeError, ValueError: an image in another layout or range, bad boxes, another number of labels.

    >>> import torch
    >>> figure = show_boxes(np.zeros((60, 80, 3), np.uint8), torch.tensor([[10.0, 20.0, 30.0, 50.0]]), ["mug"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['mug']
    """
    picture = Picture(image, boxes, labels, truth, truth_labels, regions, region_labels, title=title)
    return show_grid([picture], caption=caption)


def show_masks(
    image: Any,
    masks: Bool[Tensor, "m h w"],
    labels: Sequence[str] | None = None,
    *,
    boxes: Float[Tensor, "*n 4"] | None = None,
    box_labels: Sequence[str] | None = None,
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw masks on an image, each filled, outlined and tagged; with `boxes`, say the prompts, drawn solid on top.

    A mask without a pixel draws nothing but its tag, which then says "(empty)".

    Raises:
        TypeError, ValueError: as `show_boxes`; masks of another size than the image.

    >>> import torch
    >>> masks = torch.zeros(1, 60, 80, dtype=torch.bool)
    >>> show_masks(np.zeros((60, 80, 3), np.uint8), masks, ["mug"]).axes[0].texts[0].get_text()
    'mug (empty)'
    """
    picture = Picture(image, boxes, box_labels, masks=masks, mask_labels=labels, title=title)
    return show_grid([picture], caption=caption)


def show_grid(pictures: Sequence[Any], *, columns: int | None = None, caption: str = "") -> Figure:
    """Show pictures side by side, every panel equally large.

    Args:
        pictures: `Picture` objects, or images, which stand for a `Picture` with nothing drawn on it.
        columns: panels a row; None puts up to three in one row and more in a near-square arrangement.
        caption: stands below.

    Raises:
        TypeError, ValueError: as `show_boxes`; no picture at all.

    >>> grey = np.zeros((60, 80), np.uint8)
    >>> figure = show_grid([Picture(grey, title="before"), Picture(grey, title="after")])
    >>> [axes.get_title("left") for axes in figure.axes]
    ['before', 'after']
    """
    panels = [entry if isinstance(entry, Picture) else Picture(entry) for entry in pictures]
    if not panels:
        raise ValueError("pictures: expected at least one, got none. Pass a list of images or Picture objects.")
    images = [as_pixels(panel.image) for panel in panels]
    columns = columns or (len(panels) if len(panels) <= 3 else math.ceil(math.sqrt(len(panels))))
    ratios = [image.shape[0] / image.shape[1] for image in images]
    gap = 0.12
    width = min((WIDTH - gap * (columns - 1)) / columns, math.sqrt(AREA / sum(ratios)), 5 / max(ratios))
    titles = [wrap(panel.title, width * 72, FONT + 1) for panel in panels]
    head = max(lines_height(title, FONT + 1) for title in titles)
    heights = [head + width * max(ratios[start : start + columns]) for start in range(0, len(panels), columns)]
    total = sum(heights) + gap * (len(heights) - 1)
    figure, base = sheet(columns * (width + gap) - gap, total, caption=caption)
    for index, (panel, image, title) in enumerate(zip(panels, images, titles, strict=True)):
        row, column = divmod(index, columns)
        high, wide = image.shape[:2]
        top = base + total - sum(heights[:row]) - gap * row - head
        axes = axes_at(figure, column * (width + gap), top - width * ratios[index], width, width * ratios[index])
        axes.set_title(title, size=FONT + 1, color=INK, pad=3, loc="left", parse_math=False)
        axes.imshow(image, cmap="gray", vmin=0, vmax=255, extent=(0, wide, high, 0))
        axes.set_axis_off()
        _paint(axes, panel, (high, wide), width)
    return figure


def draw_plane(
    boxes: Float[Tensor, "*n 4"] | None = None,
    labels: Sequence[str] | None = None,
    *,
    extent_hw: tuple[float, float],
    truth: Float[Tensor, "*t 4"] | None = None,
    truth_labels: Sequence[str] | None = None,
    regions: Float[Tensor, "*r 4"] | None = None,
    region_labels: Sequence[str] | None = None,
    title: str = "",
    caption: str = "",
) -> Figure:
    """Draw boxes on squared paper with axes in pixels, for examples worked out by hand: x points right, y down.

    `extent_hw` is the (height, width) shown, in pixels; the other arguments are those of `show_boxes`.

    Raises:
        TypeError, ValueError: bad boxes, another number of labels, an extent that is not positive.

    >>> import torch
    >>> figure = draw_plane(torch.tensor([[1.0, 2.0, 5.0, 6.0]]), ["a"], extent_hw=(8, 12))
    >>> figure.axes[0].get_xlabel()
    'x (pixels)'
    """
    check_hw(extent_hw, "extent_hw")
    high, wide = extent_hw
    scale = min(4.6 / wide, 3.6 / high)
    figure, base = sheet(wide * scale + 0.7, high * scale + 0.5, title=title, caption=caption)
    axes = axes_at(figure, 0.55, base + 0.05, wide * scale, high * scale)
    axes.set(xlim=(0, wide), ylim=(high, 0), xlabel="x (pixels)", ylabel="y (pixels)")
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    for axis, length in ((axes.xaxis, wide * scale), (axes.yaxis, high * scale)):
        axis.set_major_locator(MaxNLocator(max(3, int(length * 2.6)), steps=[1, 2, 5, 10]))
    axes.grid(color="#DDDDDD", linewidth=0.7)
    axes.set_axisbelow(True)
    _paint(axes, Picture(None, boxes, labels, truth, truth_labels, regions, region_labels), extent_hw, wide * scale)
    return figure


def _paint(axes: Axes, picture: Picture, extent_hw: tuple[float, float], width: float) -> None:
    """Draw masks, boxes and tags on axes that show `extent_hw` and are `width` inches wide."""
    tags: list[Tag] = []
    halo = [withStroke(linewidth=3.6, foreground="white")] if picture.image is not None else []
    if picture.masks is not None:
        tags += _paint_masks(axes, picture, extent_hw)
    for (name, labels), style in STYLES.items():
        boxes = getattr(picture, name)
        if boxes is None:
            continue
        check_boxes(boxes, name)
        rows = boxes.detach().cpu().reshape(-1, 4).tolist()
        texts = _labels(getattr(picture, labels), len(rows), labels)
        colours = dict(zip(dict.fromkeys(texts), cycle(COLOURS), strict=False))  # one label, one colour
        for (x1, y1, x2, y2), text in zip(rows, texts, strict=True):
            look = {"edgecolor": colours[text], "path_effects": halo, "gid": name, **style}
            inside = min(x1, y1) >= 0 and x2 <= extent_hw[1] and y2 <= extent_hw[0]
            axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, clip_on=not inside, zorder=3, **look))
            tags += [Tag(text, (x1, y1, x2, y2), look["edgecolor"])] if text else []
    add_tags(axes, tags, extent_hw, width)


def _paint_masks(axes: Axes, picture: Picture, extent_hw: tuple[float, float]) -> list[Tag]:
    """Fill and outline the masks; the tags to write on them."""
    high, wide = extent_hw
    masks = picture.masks.cpu().numpy()
    if masks.dtype != bool:
        raise TypeError(f"masks: expected bool, got {masks.dtype}. Compare with a threshold first: masks > 0.5.")
    if masks.shape[1:] != extent_hw:
        raise ValueError(f"masks: expected shape (m, {high}, {wide}), as the image, got {masks.shape}. Resize them.")
    tags = []
    labels = _labels(picture.mask_labels, len(masks), "mask_labels")
    for mask, text, colour in zip(masks, labels, cycle(COLOURS), strict=False):
        if not mask.any():
            tags += [Tag(f"{text} (empty)", (0, 0, 0, 0), colour)] if text else []
            continue
        fill = mask[..., None] * np.array(to_rgba(colour, 0.45))
        axes.imshow(fill, extent=(0, wide, high, 0), interpolation="nearest")
        # Contours run between pixel centres; a rim of False closes those of a mask that touches the edge.
        at = np.arange(-0.5, wide + 1), np.arange(-0.5, high + 1)
        for line_colour, width in (("white", 3.2), (colour, 1.6)):
            axes.contour(*at, np.pad(mask, 1).astype(float), levels=[0.5], colors=[line_colour], linewidths=width)
        rows, columns = mask.any(1).nonzero()[0].tolist(), mask.any(0).nonzero()[0].tolist()
        tags += [Tag(text, (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1), colour)] if text else []
    axes.set(xlim=(0, wide), ylim=(high, 0))
    return tags


def _labels(labels: Sequence[str] | None, count: int, name: str) -> Sequence[str]:
    """One label a row: the caller's, or the counted ones."""
    if labels is None:
        stem = "box" if name == "labels" else name.removesuffix("_labels")
        return [f"{stem} {index}" for index in range(count)] if count > 1 else [stem] * count
    if isinstance(labels, str) or len(labels) != count:
        given = f"the text {labels!r}" if isinstance(labels, str) else len(labels)
        raise ValueError(f"{name}: expected a list of {count} texts, got {given}. Pass one a row.")
    return labels
