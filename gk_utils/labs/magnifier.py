"""The magnifier beside the canvas: a small box and what came back of it, enlarged, on the lines of a code.

Two boxes that differ by a pixel lie under one line of the canvas. Here they come apart. As on the canvas, the learner's
box is solid blue and the other dashed orange, each with its name on a plate.

Notebook: 03.
"""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from gk_utils.drawing import BLUE, ORANGE

Box = Sequence[float]
SHOWN = 264  # layout pixels of the square that it fills
SMALLEST = 16.0  # pixels of the picture that it shows at least
CLOSEST = 6.0  # layout pixels between two lines; closer ones would hide the picture
MARGIN = 4  # layout pixels around it, so that lines on its edge are whole


@dataclass(frozen=True)
class Window:
    """The square part of a picture that is shown: its upper left corner and its side, in pixels of the picture."""

    left: float
    top: float
    side: float

    @property
    def zoom(self) -> float:
        """Layout pixels for one pixel of the picture."""
        return SHOWN / self.side

    def shown(self, box: Box) -> tuple[float, float, float, float]:
        """A box of the picture in layout pixels of the magnifier, from its upper left corner.

        >>> Window(10, 20, 264).shown([20, 30, 40, 50])
        (10.0, 10.0, 30.0, 30.0)
        """
        x1, y1, x2, y2 = box
        zoom, left, top = self.zoom, self.left, self.top
        return (x1 - left) * zoom, (y1 - top) * zoom, (x2 - left) * zoom, (y2 - top) * zoom


@dataclass(frozen=True)
class Lines:
    """Where the lines of a code lie: `across` and `down` are the steps in x and y, in pixels of the picture.

    `dots` marks the middle of every cell: the places that a code of cells can name.
    """

    across: float
    down: float
    dots: bool = False

    def within(self, window: Window, image_hw: tuple[int, int]) -> tuple[list[float], list[float]]:
        """The x of the upright lines in the window and the y of the level ones; none where they lie too close.

        >>> Lines(16, 8).within(Window(0, 0, 24), (384, 512))
        ([0, 16], [0, 8, 16, 24])
        >>> Lines(0.1, 8).within(Window(0, 0, 24), (384, 512))
        ([], [])
        """
        if min(self.across, self.down) * window.zoom < CLOSEST:
            return [], []
        height, width = image_hw
        return (
            _steps(self.across, window.left, min(window.left + window.side, width)),
            _steps(self.down, window.top, min(window.top + window.side, height)),
        )


def window_around(box: Box, reach: float, image_hw: tuple[int, int]) -> Window:
    """The window for a box that comes back at most `reach` pixels away: both fit, and it moves without jumps.

    >>> window_around([100, 100, 120, 140], 10, (384, 512))
    Window(left=74.0, top=84.0, side=72.0)
    """
    x1, y1, x2, y2 = box
    side = max(SMALLEST, 1.2 * (max(x2 - x1, y2 - y1) + 2 * reach))
    side = min(side, 1.02 * max(image_hw) + 2 * reach)
    return Window((x1 + x2 - side) / 2, (y1 + y2 - side) / 2, side)


def cut_out(image: UInt8[np.ndarray, "h w 3"], window: Window) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """The pixels in the window that the picture has, and where they lie in it: x1, y1, x2, y2.

    >>> part, corners = cut_out(np.zeros((60, 80, 3), np.uint8), Window(-4.5, 50.2, 24))
    >>> part.size, corners
    ((20, 10), (0, 50, 20, 60))
    """
    height, width = image.shape[:2]
    x1, y1 = max(0, math.floor(window.left)), max(0, math.floor(window.top))
    x2 = min(width, math.ceil(window.left + window.side))
    y2 = min(height, math.ceil(window.top + window.side))
    return Image.fromarray(image[y1:y2, x1:x2]), (x1, y1, x2, y2)


def magnified(
    image: UInt8[np.ndarray, "h w 3"], window: Window, box: Box, decoded: Box, lines: Lines, *, words: str
) -> str:
    """The window as an SVG element: pixels as squares, the lines, the box solid, the decoded one dashed.

    Args:
        image: the whole picture.
        window: the part to show.
        box: the learner's, [x1, y1, x2, y2] in pixels of the picture.
        decoded: what came back of it, likewise.
        lines: of the code.
        words: the same for those who cannot see it; plain text without markup.
    """
    part, corners = cut_out(image, window)
    part.thumbnail((SHOWN, SHOWN))
    x1, y1, x2, y2 = window.shown(corners)
    # Where both are in one place, the dashes lie on the solid line, and both are seen.
    strokes = [(decoded, "#222222", 5, ""), (box, "#ffffff", 5, ""), (box, BLUE, 3, ""), (decoded, ORANGE, 3, "9 6")]
    drawn = "".join(_drawn_box(window.shown(one), *stroke) for one, *stroke in strokes)
    yours, back = window.shown(box), window.shown(decoded)
    room = f"-{MARGIN} -{MARGIN} {SHOWN + 2 * MARGIN} {SHOWN + 2 * MARGIN}"
    return (
        f'<svg role="img" aria-label="{words}" viewBox="{room}" width="{SHOWN + 2 * MARGIN}" '
        f'style="max-width:100%;display:block;font:600 12px system-ui,sans-serif">'
        f'<svg width="{SHOWN}" height="{SHOWN}">'
        f'<image href="{_data_url(part)}" x="{x1:.2f}" y="{y1:.2f}" width="{x2 - x1:.2f}" height="{y2 - y1:.2f}" '
        'preserveAspectRatio="none" style="image-rendering:pixelated"/>'
        f"{_drawn_lines(lines, window, image.shape[:2])}</svg>"
        f'<rect width="{SHOWN}" height="{SHOWN}" fill="none" stroke="#888888"/>'
        f"{drawn}"
        f"{_plate('decoded', (back[0], min(back[1], yours[1]) - 26), ORANGE, '#000000')}"
        f"{_plate('yours', (yours[0], max(back[3], yours[3]) + 6), BLUE, '#ffffff')}</svg>"
    )


def _steps(step: float, start: float, end: float) -> list[float]:
    return [number * step for number in range(max(0, math.ceil(start / step)), math.floor(end / step + 1e-9) + 1)]


def _drawn_lines(lines: Lines, window: Window, image_hw: tuple[int, int]) -> str:
    xs, ys = lines.within(window, image_hw)
    x1, y1, x2, y2 = window.shown((0, 0, image_hw[1], image_hw[0]))
    path = "".join(f"M{(x - window.left) * window.zoom:.1f} {y1:.1f}V{y2:.1f}" for x in xs)
    path += "".join(f"M{x1:.1f} {(y - window.top) * window.zoom:.1f}H{x2:.1f}" for y in ys)
    drawn = f'<path d="{path}" stroke="#ffffff" stroke-width="2" opacity="0.4"/>'
    drawn += f'<path d="{path}" stroke="#222222" opacity="0.7"/>'
    if lines.dots and min(lines.across, lines.down) * window.zoom > 4 * CLOSEST:
        half_x, half_y = lines.across / 2, lines.down / 2
        moved = Window(window.left - half_x, window.top - half_y, window.side)
        for x in _steps(lines.across, moved.left, min(moved.left + moved.side, image_hw[1] - half_x)):
            for y in _steps(lines.down, moved.top, min(moved.top + moved.side, image_hw[0] - half_y)):
                centre_x, centre_y, *_ = moved.shown((x, y, x, y))
                drawn += f'<circle cx="{centre_x:.1f}" cy="{centre_y:.1f}" r="3" fill="#222222" stroke="#ffffff"/>'
    return drawn


def _drawn_box(shown: Box, colour: str, width: int, dashes: str) -> str:
    x1, y1, x2, y2 = shown
    if x2 - x1 < 1 or y2 - y1 < 1:  # a rectangle without area is not drawn: a line is, and a point with round ends
        width += 4 if max(x2 - x1, y2 - y1) < 1 else 0
        shape = f'path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}l.01 0" stroke-linecap="round"'
    else:
        shape = f'rect x="{x1:.1f}" y="{y1:.1f}" width="{x2 - x1:.1f}" height="{y2 - y1:.1f}"'
    return f'<{shape} fill="none" stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dashes}"/>'


def _plate(name: str, corner: tuple[float, float], colour: str, ink: str) -> str:
    """A name on a plate, its upper left corner where it is told or the nearest place inside."""
    wide, high = 7.6 * len(name) + 12, 20
    x, y = min(max(corner[0], 0), SHOWN - wide), min(max(corner[1], 0), SHOWN - high)
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high}" rx="4" fill="{colour}" stroke="#ffffff"/>'
        f'<text x="{x + wide / 2:.1f}" y="{y + 14:.1f}" text-anchor="middle" fill="{ink}">{name}</text>'
    )


def _data_url(part: Image.Image) -> str:
    stream = io.BytesIO()
    part.save(stream, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
