"""What the figures of `viz` are made of: colours, a sheet in inches, text tags that find their place.

Sizes of sheets and axes are inches, sizes of text are points (72 to the inch), so a figure looks the same at every
resolution. Nothing here touches matplotlib's global state: a figure is an object, and pyplot is never imported.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path
from PIL import Image
from torch import Tensor

# Okabe and Ito's colours, which people with any common colour vision tell apart; their yellow is too pale on white.
BLUE, GREEN, PURPLE, SKY, VERMILION = COLOURS = ("#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
ORANGE, INK = "#E69F00", "#222222"  # the truth; text, axes and regions
FONT = 8.5  # points
LINE = 1.3  # from one line of text to the next, in sizes of the text
DPI = 108


@dataclass(frozen=True)
class Tag:
    """A text that belongs to a box: `box` is (x1, y1, x2, y2) in the units of the axes, `colour` that of the box.

    >>> Tag("mug", (10, 20, 30, 50), BLUE).text
    'mug'
    """

    text: str
    box: tuple[float, float, float, float]
    colour: str


def sheet(width: float, height: float, *, title: str = "", caption: str = "") -> tuple[Figure, float]:
    """A white figure of `width` (at least 3) x `height` inches, a title above, a caption below; the caption's height.

    >>> figure, base = sheet(4, 3, caption="What to see.")
    >>> figure.get_size_inches().tolist() == [4, 3 + base] and base > 0
    True
    """
    width = max(width, 3.0)  # or a caption becomes a column of words
    title, caption = wrap(title, width * 72, FONT + 1), wrap(caption, width * 72)
    head, base = lines_height(title, FONT + 1), lines_height(caption) + 0.08 * bool(caption)
    figure = Figure(figsize=(width, height + head + base), dpi=DPI, facecolor="white")
    figure.text(0, 1 - 2 / 72 / (height + head + base), title, size=FONT + 1, color=INK, va="top", parse_math=False)
    figure.text(0, 0, caption, size=FONT, color=INK, va="bottom", parse_math=False)
    return figure, base


def lines_height(text: str, size: float = FONT) -> float:
    r"""Inches that the lines of `text` take, with a little room; 0 for no text.

    >>> lines_height("") == 0 and lines_height("two\nlines") > lines_height("one")
    True
    """
    return ((text.count("\n") + 1) * size * LINE + 4) / 72 if text else 0.0


def axes_at(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """New axes at a place of the figure given in inches from its lower left corner.

    >>> axes_at(sheet(4, 2)[0], 1, 1, 2, 1).get_position().extents.tolist()
    [0.25, 0.5, 0.75, 1.0]
    """
    wide, high = figure.get_size_inches()
    axes = figure.add_axes((left / wide, bottom / high, width / wide, height / high))
    axes.tick_params(labelsize=FONT, colors=INK, width=0.7, length=3)
    axes.xaxis.label.set(size=FONT, color=INK)
    axes.yaxis.label.set(size=FONT, color=INK)
    axes.spines[:].set(color=INK, linewidth=0.7)
    return axes


def text_width(text: str, size: float = FONT) -> float:
    """Width in points of the widest line of `text`, with room for the rounding of letters to pixels; 0 for no text.

    >>> text_width("") == 0 and 40 < text_width("the red mug") < 60
    True
    """
    font = FontProperties(size=size)
    widest = max(text_to_path.get_text_width_height_descent(line, font, False)[0] for line in text.split("\n"))
    return widest * 1.02 + 1 if text else 0.0


def wrap(text: str, width: float, size: float = FONT) -> str:
    r"""`text` with line breaks so that no line is wider than `width` points; a long word is cut.

    >>> wrap("the red mug", 40)
    'the red\nmug'
    """
    wrapped = text
    columns = min(len(text), int(len(text) * width / max(text_width(text, size), 1)) + 4)
    while columns > 1 and text_width(wrapped, size) > width:
        columns -= 1
        wrapped = textwrap.fill(text, columns)
    return wrapped


def text_on(colour: str) -> str:
    """White or black, whichever reads better on `colour`: the contrast is at least 4.58 on every colour.

    Source: WCAG 2.2, relative luminance and contrast ratio.

    >>> text_on(BLUE), text_on(ORANGE)
    ('white', 'black')
    """
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "white" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "black"


def place(
    width: float,
    height: float,
    box: tuple[float, float, float, float],
    taken: Sequence[tuple[float, float, float, float]],
    area_hw: tuple[float, float],
) -> tuple[float, float]:
    """Upper left corner for a tag of `width` x `height` at `box`: inside the area, clear of what is taken.

    Around and inside the box is tried first, then the whole area, nearest first; where there is no room left, the place
    that covers least wins. All lengths in one unit, y down.

    >>> place(30, 10, (20, 40, 60, 80), [], (100, 100))
    (20, 30)
    >>> place(30, 10, (20, 0, 60, 80), [], (100, 100))  # no room above: inside
    (20, 0)
    """
    x1, y1, x2, y2 = box
    right, bottom = max(0, area_hw[1] - width), max(0, area_hw[0] - height)
    near = [(x1, y1 - height), (x1, y2), (x2 - width, y1 - height), (x2 - width, y2)]
    near += [(x1, y1), (x2 - width, y1), (x1, y2 - height), (x2 - width, y2 - height), (x2, y1), (x1 - width, y1)]
    near = [(min(max(x, 0), right), min(max(y, 0), bottom)) for x, y in near]
    grid = [(right * i / 12, bottom * j / 24) for j in range(25) for i in range(13)]
    grid.sort(key=lambda corner: (corner[0] - near[0][0]) ** 2 + (corner[1] - near[0][1]) ** 2)

    def covered(corner: tuple[float, float]) -> float:
        x, y = corner
        wide = [min(x + width, end) - max(x, start) for start, _, end, _ in taken]
        high = [min(y + height, low) - max(y, top) for _, top, _, low in taken]
        return round(sum(max(0, w) * max(0, h) for w, h in zip(wide, high, strict=True)), 6)

    free = (corner for corner in near if not covered(corner))
    return next(free, None) or min(near + grid, key=covered)


def add_tags(axes: Axes, tags: Sequence[Tag], extent_hw: tuple[float, float], width: float) -> None:
    """Write the tags on axes that show `extent_hw` with y down and are `width` inches wide; a far tag gets a line.

    >>> figure, _ = sheet(4, 3)
    >>> axes = axes_at(figure, 0, 0, 4, 3)
    >>> add_tags(axes, [Tag("mug", (10, 20, 30, 50), BLUE)], (60, 80), 4)
    >>> axes.texts[0].get_text(), axes.texts[0].get_color()
    ('mug', 'white')
    """
    unit = extent_hw[1] / (width * 72)  # one point in the units of the axes
    taken: list[tuple[float, float, float, float]] = []
    for tag in tags:
        text = wrap(tag.text, width * 72 - 8)
        wide = (text_width(text) + 6) * unit
        high = (FONT * LINE * (text.count("\n") + 1) + 2.4) * unit
        x, y = place(wide, high, tag.box, taken, extent_hw)
        taken.append((x, y, x + wide, y + high))
        start = (min(max(tag.box[0], x), x + wide), min(max(tag.box[1], y), y + high))
        end = (min(max(start[0], tag.box[0]), tag.box[2]), min(max(start[1], tag.box[1]), tag.box[3]))
        if abs(start[0] - end[0]) + abs(start[1] - end[1]) > 2 * unit:
            axes.plot(*zip(start, end, strict=True), color=tag.colour, linewidth=1.2, zorder=5)
        plate = Rectangle(
            (x, y), wide, high, facecolor=tag.colour, edgecolor="white", linewidth=0.6, zorder=6, gid="tag"
        )
        axes.add_patch(plate)
        axes.text(
            x + 3 * unit,
            y + 2 * unit,
            text,
            size=FONT,
            color=text_on(tag.colour),
            va="top",
            zorder=7,
            parse_math=False,
        )


def as_pixels(image: Any) -> np.ndarray:
    """An image (numpy, tensor or PIL; uint8, or float in [0, 1]) as a uint8 array (h, w, 3) or (h, w).

    Raises:
        TypeError, ValueError: channels not last, another type of number, floats outside [0, 1], no pixel.

    >>> as_pixels(np.array([[0.0, 1.0]])).tolist()
    [[0, 255]]
    """
    if isinstance(image, Image.Image) and image.mode == "P":  # its numbers are places in a palette, not colours
        image = image.convert("RGB")
    pixels = np.asarray(image.detach().cpu() if isinstance(image, Tensor) else image)
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3) or 0 in pixels.shape:
        shape = tuple(pixels.shape)
        first = pixels.ndim == 3 and shape[0] in (1, 3)
        hint = "Channels come last here: image.permute(1, 2, 0)." if first else "Pass one picture: red, green, blue."
        raise ValueError(f"image: expected shape (h, w, 3) or (h, w), got {shape}. {hint}")
    if pixels.dtype == np.uint8:
        return pixels
    if not np.issubdtype(pixels.dtype, np.floating):
        raise TypeError(f"image: expected uint8 or float in [0, 1], got {pixels.dtype}. Convert it first.")
    low, high = float(pixels.min()), float(pixels.max())
    if not (low >= -1e-6 and high <= 1 + 1e-6):
        raise ValueError(
            f"image: expected numbers in [0, 1], got {low:g} to {high:g}. Divide by 255, or undo the normalisation."
        )
    return (pixels * 255).round().clip(0, 255).astype(np.uint8)
