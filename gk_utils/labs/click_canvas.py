"""A canvas for clicks: points on an object, points beside it, as a promptable segmenter takes them.

A click means the pixel it hits, so a point stands at that pixel's centre: in image pixels, x to the right and y down,
the pixel in row 0, column 0 has its centre at 0.5, 0.5, and `int(x)`, `int(y)` are its column and row.
"""

from collections.abc import Callable, Sequence
from typing import Any

import traitlets
from matplotlib.figure import Figure

from gk_utils.drawing import BLUE, VERMILION
from gk_utils.labs.canvas import Answer, Board

Point = list[float]  # [x, y, 1 or 0]


class ClickCanvas(Board):
    """A picture to click on; `canvas.points` are the clicks so far.

    On the page: a click puts a point on the object, Shift or the right button one beside it; a point can be dragged;
    Backspace takes the last one back. The keyboard alone does it too: arrows move a cross-hair, Enter puts a point
    there, Shift + Enter one beside the object. Buttons serve a finger.

    Args:
        image: a picture (h, w, 3) or grey (h, w), uint8 or float in [0, 1]; a numpy array, a tensor or a PIL image.
        points: the points at the start, [x, y, 1] on the object and [x, y, 0] beside it, in image pixels; may be empty.
        describe: says what the points are worth, in words or as an `Answer` with a picture (a mask drawn on it, say);
            called with the points at the start and after every change. It must answer for no points too.
        truth, truth_labels: boxes shown beside them, [x1, y1, x2, y2] in image pixels, and a word for each.
        title: the task, shown above the picture and read out with the points.

    Attributes:
        points: the points, in the order in which they were put: two floats with 0 <= x < width and 0 <= y < height,
            and 1 (on the object) or 0 (beside it). Set it as a whole; changing the list in place reaches nobody.
        note: what `describe` said about them.

    Raises:
        TypeError, ValueError: as `Canvas`; a point that is not in the picture, a third number other than 0 and 1.

    >>> import numpy as np
    >>> canvas = ClickCanvas(np.zeros((48, 64, 3)), [], lambda points: f"{sum(p[2] for p in points)} on it")
    >>> canvas.points = [[10.5, 20.5, 1], [30.5, 20.5, 0]]
    >>> canvas.note
    '1 on it'
    """

    value_name = "points"
    mode = traitlets.Enum(("click",), "click").tag(sync=True)
    points = traitlets.List().tag(sync=True)

    def __init__(
        self,
        image: Any,
        points: Sequence[Sequence[float]],
        describe: Callable[[list[Point]], str | Answer],
        *,
        truth: Sequence[Sequence[float]] = (),
        truth_labels: Sequence[str] = (),
        title: str = "",
    ) -> None:
        super().__init__(image, points, describe, truth=truth, truth_labels=truth_labels, title=title)

    @staticmethod
    def checked(value: Any, image_hw: tuple[int, int]) -> list[Point]:
        """The points as plain numbers, or a ValueError that names the first one which cannot be."""
        points = []
        for index, row in enumerate(value):
            numbers = [float(number) for number in row]
            if len(numbers) != 3 or not in_picture(numbers[:2], image_hw) or numbers[2] not in (0, 1):
                raise ValueError(
                    f"points: expected rows [x, y, 1 or 0] inside a picture {image_hw[1]} wide and {image_hw[0]} high, "
                    f"got row {index} = {numbers}. x < {image_hw[1]} and y < {image_hw[0]} are pixels of this "
                    "picture; 1 says on the object, 0 beside it."
                )
            points.append([*numbers[:2], int(numbers[2])])
        return points

    @traitlets.validate("points")
    def _check_points(self, proposal: Any) -> list[Point]:
        return self.checked(proposal.value, self.image_hw)

    def value_in_words(self) -> list[str]:
        """A line for each point.

        >>> import numpy as np
        >>> ClickCanvas(np.zeros((48, 64)), [[1.5, 2.5, 1], [3, 4, 0]], lambda points: "Two.").value_in_words()
        ['point 1, on the object: x 1.5, y 2.5', 'point 2, beside it: x 3, y 4']
        """
        words = ("beside it", "on the object")
        rows = enumerate(self.points, 1)
        return [f"point {i}, {words[sign]}: x {x:g}, y {y:g}" for i, (x, y, sign) in rows] or ["no points yet"]

    def draw_value(self, figure: Figure, scale: float) -> None:
        """Discs with a plus on the object, with a minus beside it."""
        for x, y, sign in self.points:
            at, colour = ([x * scale], [y * scale]), (VERMILION, BLUE)[sign]
            figure.axes[0].plot(*at, "o", ms=11, color=colour, mec="white", mew=1.2, zorder=8, gid="point")
            figure.axes[0].plot(*at, "_+"[sign], ms=6, color="white", mew=1.8, zorder=9, gid="sign")


def in_picture(xy: Sequence[float], image_hw: tuple[int, int]) -> bool:
    """Whether a point lies in a pixel of the picture; false for NaN.

    >>> in_picture([63.9, 0], (48, 64)), in_picture([64, 0], (48, 64))
    (True, False)
    """
    x, y = xy
    return 0 <= x < image_hw[1] and 0 <= y < image_hw[0]
