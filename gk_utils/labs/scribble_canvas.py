"""A canvas for scribbles: strokes of a free hand, shapes closed by it, and single points.

A stroke is the list of its corners, [x, y] in image pixels, x to the right and y down; straight lines join them. One
corner alone is a point. A stroke that ends where it began, with three corners or more between, is a closed shape.
"""

from collections.abc import Callable, Sequence
from typing import Any

import traitlets
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from gk_utils.drawing import BLUE
from gk_utils.labs.canvas import Answer, Board
from gk_utils.labs.click_canvas import in_picture

Stroke = list[list[float]]  # [[x, y], ...]


class ScribbleCanvas(Board):
    """A picture to draw on; `canvas.strokes` are the strokes so far.

    On the page: press and draw; back at its beginning, a stroke closes to a shape; a click alone is a point; Backspace
    takes the last stroke back. The keyboard alone does it too: arrows move a cross-hair, Enter puts the pen down and
    lifts it, C closes the shape. Buttons serve a finger.

    Args:
        image: a picture (h, w, 3) or grey (h, w), uint8 or float in [0, 1]; a numpy array, a tensor or a PIL image.
        strokes: the strokes at the start, each a list of [x, y] in image pixels; may be empty.
        describe: says what the strokes are worth, in words or as an `Answer` with a picture; called with the strokes
            at the start and after every change, while a stroke grows too. It must answer for no strokes.
        truth, truth_labels: boxes shown beside them, [x1, y1, x2, y2] in image pixels, and a word for each.
        title: the task, shown above the picture and read out with the strokes.

    Attributes:
        strokes: the strokes, in the order in which they were drawn: floats with 0 <= x < width, 0 <= y < height. Set
            it as a whole; changing the list in place reaches nobody.
        note: what `describe` said about them.

    Raises:
        TypeError, ValueError: as `Canvas`; a stroke without a point, a point that is not in the picture.

    >>> import numpy as np
    >>> canvas = ScribbleCanvas(np.zeros((48, 64)), [], lambda strokes: f"{len(strokes)} strokes")
    >>> canvas.strokes = [[[10, 10], [20, 12]], [[5, 5]]]
    >>> canvas.note
    '2 strokes'
    """

    value_name = "strokes"
    mode = traitlets.Enum(("scribble",), "scribble").tag(sync=True)
    strokes = traitlets.List().tag(sync=True)

    def __init__(
        self,
        image: Any,
        strokes: Sequence[Sequence[Sequence[float]]],
        describe: Callable[[list[Stroke]], str | Answer],
        *,
        truth: Sequence[Sequence[float]] = (),
        truth_labels: Sequence[str] = (),
        title: str = "",
    ) -> None:
        super().__init__(image, strokes, describe, truth=truth, truth_labels=truth_labels, title=title)

    @staticmethod
    def checked(value: Any, image_hw: tuple[int, int]) -> list[Stroke]:
        """The strokes as plain floats, or a ValueError that names the first one which cannot be."""
        strokes = []
        for index, row in enumerate(value):
            stroke = [[float(number) for number in point] for point in row]
            outside = [point for point in stroke if len(point) != 2 or not in_picture(point, image_hw)]
            if outside or not stroke:
                raise ValueError(
                    f"strokes: expected lists of points [x, y] inside a picture {image_hw[1]} wide and {image_hw[0]} "
                    f"high, got stroke {index} with {outside[0] if outside else 'no point'}. x < {image_hw[1]} and "
                    f"y < {image_hw[0]} are pixels of this picture; a single point is a list of one."
                )
            strokes.append(stroke)
        return strokes

    @traitlets.validate("strokes")
    def _check_strokes(self, proposal: Any) -> list[Stroke]:
        return self.checked(proposal.value, self.image_hw)

    def value_in_words(self) -> list[str]:
        """A line for each stroke: what it is, and what it spans.

        >>> import numpy as np
        >>> ScribbleCanvas(np.zeros((48, 64)), [[[1, 2]], [[3, 4], [9, 4]]], lambda strokes: "").value_in_words()
        ['stroke 1, a point: x 1, y 2', 'stroke 2, a line of 2 points: x 3 to 9, y 4 to 4']
        """
        lines = []
        for number, stroke in enumerate(self.strokes, 1):
            xs, ys = zip(*stroke, strict=True)
            if len(stroke) == 1:
                lines.append(f"stroke {number}, a point: x {xs[0]:g}, y {ys[0]:g}")
                continue
            kind = "a closed shape" if is_closed(stroke) else "a line"
            spans = f"x {min(xs):g} to {max(xs):g}, y {min(ys):g} to {max(ys):g}"
            lines.append(f"stroke {number}, {kind} of {len(stroke)} points: {spans}")
        return lines or ["no strokes yet"]

    def draw_value(self, figure: Figure, scale: float) -> None:
        """Strokes as lines, closed ones filled, single points as discs."""
        axes = figure.axes[0]
        for stroke in self.strokes:
            xs, ys = zip(*((x * scale, y * scale) for x, y in stroke), strict=True)
            if len(stroke) == 1:
                axes.plot(xs, ys, "o", ms=7, color=BLUE, mec="white", mew=1.2, zorder=8, gid="stroke")
                continue
            if is_closed(stroke):
                axes.fill(xs, ys, color=BLUE, alpha=0.25, linewidth=0, zorder=7, gid="shape")
            halo = [withStroke(linewidth=4.5, foreground="white")]
            round_ends = {"solid_capstyle": "round", "solid_joinstyle": "round"}
            axes.plot(xs, ys, color=BLUE, linewidth=2.5, path_effects=halo, zorder=8, gid="stroke", **round_ends)


def is_closed(stroke: Sequence[Sequence[float]]) -> bool:
    """Whether a stroke is a closed shape: it ends where it began, with at least three corners.

    >>> is_closed([[0, 0], [9, 0], [9, 9], [0, 0]]), is_closed([[0, 0], [9, 0], [0, 0]])
    (True, False)
    """
    return len(stroke) >= 4 and tuple(stroke[0]) == tuple(stroke[-1])
