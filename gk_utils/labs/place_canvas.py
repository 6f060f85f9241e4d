"""A canvas for placing things: several boxes with names, each dragged as a whole.

Their sizes stay; where they stand is the answer. Coordinates are image pixels, [x1, y1, x2, y2].
"""

from collections.abc import Callable, Sequence
from typing import Any

import traitlets

from gk_utils.labs.canvas import Answer, Board, inside, named_box

Box = list[float]  # [x1, y1, x2, y2]


class PlaceCanvas(Board):
    """A picture with named boxes to move; `canvas.boxes` says where they stand now.

    On the page: drag a box. By keyboard: Tab or its digit chooses a box, arrows move it by 1 px, with Shift by 10;
    Backspace takes the last move back.

    Args:
        image: a picture (h, w, 3) or grey (h, w), uint8 or float in [0, 1]; a numpy array, a tensor or a PIL image.
        boxes: where they stand at the start, [x1, y1, x2, y2] each, in image pixels, inside the picture; at least one.
        labels: a word for each box: identity is never left to colour alone.
        describe: says what the placement is worth, in words or as an `Answer` with a picture (the scene rendered anew,
            say); called with the boxes at the start and after every change. It must answer for every placement.
        title: the task, shown above the picture and read out with the boxes.

    Attributes:
        boxes: the boxes, four floats each, in the order of `labels`. Set it as a whole; changing the list in place
            reaches nobody.
        note: what `describe` said about them.

    Raises:
        TypeError, ValueError: as `Canvas`; no box, boxes without a label each, a box that is not in the picture.

    >>> import numpy as np
    >>> boxes, labels = [[0, 0, 8, 8], [20, 0, 28, 8]], ["mug", "cat"]
    >>> canvas = PlaceCanvas(np.zeros((48, 64)), boxes, labels, lambda boxes: f"{boxes[1][0] - boxes[0][2]:g} px apart")
    >>> canvas.boxes = [[4, 0, 12, 8], [20, 0, 28, 8]]
    >>> canvas.note
    '8 px apart'
    """

    value_name = "boxes"
    mode = traitlets.Enum(("place",), "place").tag(sync=True)
    boxes = traitlets.List().tag(sync=True)

    def __init__(
        self,
        image: Any,
        boxes: Sequence[Sequence[float]],
        labels: Sequence[str],
        describe: Callable[[list[Box]], str | Answer],
        *,
        title: str = "",
    ) -> None:
        if len(boxes) == 0:
            raise ValueError("boxes: expected at least one, got none. Pass the boxes that the learner is to move.")
        if isinstance(labels, str) or len(labels) != len(boxes):
            raise ValueError(f"labels: expected {len(boxes)} texts, one per box, got {labels!r}. Name every box.")
        super().__init__(image, boxes, describe, labels=labels, title=title)

    @staticmethod
    def checked(value: Any, image_hw: tuple[int, int]) -> list[Box]:
        """The boxes as floats, or a ValueError that names the first one which cannot be."""
        return [
            inside([float(side) for side in box], image_hw, f"boxes, row {index}") for index, box in enumerate(value)
        ]

    @traitlets.validate("boxes")
    def _check_boxes(self, proposal: Any) -> list[Box]:
        if len(proposal.value) != len(self.labels):
            raise ValueError(
                f"boxes: expected {len(self.labels)}, one per label, got {len(proposal.value)}. Set all of them."
            )
        return self.checked(proposal.value, self.image_hw)

    def value_in_words(self) -> list[str]:
        """A line for each box."""
        return [named_box(*pair) for pair in zip(self.labels, self.boxes, strict=True)]

    def value_boxes(self) -> list[Box]:
        """All boxes."""
        return self.boxes
