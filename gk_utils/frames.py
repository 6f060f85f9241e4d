"""Frames: what the four numbers of a box are measured against.

A picture is resized, padded and normalised before a model sees it, and the model counts in a grid of patches. Each of
these is a frame over the same picture, and on each axis every step multiplies or adds: one scale and one shift.

Notebook: 01.
"""

from dataclasses import dataclass, replace
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from gk_utils.errors import check_boxes, check_choice, check_hw


@dataclass(frozen=True)
class Frame:
    """A coordinate frame laid over one picture: frame = pixel * scale + shift, on each axis.

    Start from the picture's own pixels with `Frame.of_image`, then say what was done to the picture. Every frame
    knows its way back, so any two frames of the same picture convert into each other.

    Attributes:
        hw: height and width of the whole frame, in its own unit.
        scale_xy: units of this frame per picture pixel.
        shift_xy: where the picture's upper left corner lies in this frame.

    >>> import torch
    >>> photo = Frame.of_image((400, 600))
    >>> canvas = photo.resize((200, 300)).pad((300, 300))          # half the size, then a square, picture centred
    >>> canvas.unit().from_pixels(torch.tensor([0.0, 0.0, 600.0, 400.0]))
    tensor([0.0000, 0.1667, 1.0000, 0.8333])
    """

    hw: tuple[float, float]
    scale_xy: tuple[float, float] = (1.0, 1.0)
    shift_xy: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of_image(cls, image_hw: tuple[float, float]) -> "Frame":
        """The pixel frame of a picture of `image_hw` (height, width)."""
        check_hw(image_hw)
        return cls(hw=tuple(image_hw))

    def resize(self, to_hw: tuple[float, float]) -> "Frame":
        """The frame after everything so far is stretched to `to_hw`."""
        check_hw(to_hw, "to_hw")
        (height, width), (new_height, new_width) = self.hw, to_hw
        x, y = new_width / width, new_height / height
        scale_xy = (self.scale_xy[0] * x, self.scale_xy[1] * y)
        return Frame(tuple(to_hw), scale_xy, (self.shift_xy[0] * x, self.shift_xy[1] * y))

    def pad(self, to_hw: tuple[float, float], placement: Literal["centre", "corner"] = "centre") -> "Frame":
        """The frame after a border is added up to `to_hw`; nothing is scaled.

        Args:
            to_hw: height and width of the canvas, at least as large as this frame.
            placement: "centre" shares the border between both sides (Shikra), "corner" puts it right and below (SAM).

        Raises:
            ValueError: a canvas smaller than this frame.
        """
        check_hw(to_hw, "to_hw")
        check_choice(placement, ("centre", "corner"), "placement")
        extra_y, extra_x = to_hw[0] - self.hw[0], to_hw[1] - self.hw[1]
        if extra_x < 0 or extra_y < 0:
            raise ValueError(
                f"to_hw: expected at least this frame's {self.hw}, got {tuple(to_hw)}. Resize first, or use fit."
            )
        share = 0.5 if placement == "centre" else 0.0
        shift_xy = (self.shift_xy[0] + extra_x * share, self.shift_xy[1] + extra_y * share)
        return replace(self, hw=tuple(to_hw), shift_xy=shift_xy)

    def fit(self, to_hw: tuple[float, float], placement: Literal["centre", "corner"] = "centre") -> "Frame":
        """Resize by one factor until the picture just fits into `to_hw`, then pad: the letterbox.

        The factor is exact: a real preprocessor rounds the resized sides to whole pixels, so describe that one with
        `resize` and `pad`, using the sides it reports.
        """
        check_hw(to_hw, "to_hw")
        factor = min(to_hw[0] / self.hw[0], to_hw[1] / self.hw[1])
        resized_hw = (min(self.hw[0] * factor, to_hw[0]), min(self.hw[1] * factor, to_hw[1]))
        return self.resize(resized_hw).pad(to_hw, placement)

    def unit(self) -> "Frame":
        """The frame in which this one runs from 0 to 1 on both axes."""
        return self.resize((1.0, 1.0))

    def grid(self, grid_hw: tuple[int, int]) -> "Frame":
        """The frame of a feature map of `grid_hw` cells laid over this one; cell (row 0, column 0) spans 0 to 1."""
        return self.resize(grid_hw)

    def from_pixels(self, boxes: Float[Tensor, "*n 4"]) -> Float[Tensor, "*n 4"]:
        """Boxes in picture pixels, expressed in this frame.

        Raises:
            TypeError, ValueError: not boxes (see `check_boxes`).
        """
        check_boxes(boxes)
        return boxes * boxes.new_tensor(self.scale_xy * 2) + boxes.new_tensor(self.shift_xy * 2)

    def to_pixels(self, boxes_in_frame: Float[Tensor, "*n 4"]) -> Float[Tensor, "*n 4"]:
        """Boxes in this frame, expressed in picture pixels; not clipped, so a box may leave the picture.

        Raises:
            TypeError, ValueError: not boxes (see `check_boxes`).
        """
        check_boxes(boxes_in_frame, "boxes_in_frame")
        shift, scale = boxes_in_frame.new_tensor(self.shift_xy * 2), boxes_in_frame.new_tensor(self.scale_xy * 2)
        return (boxes_in_frame - shift) / scale


def convert_frame(boxes: Float[Tensor, "*n 4"], source: Frame, target: Frame) -> Float[Tensor, "*n 4"]:
    """Boxes measured in `source`, expressed in `target`; both frames lie over the same picture.

    >>> import torch
    >>> photo = Frame.of_image((400, 600))
    >>> convert_frame(torch.tensor([0.0, 0.0, 0.5, 0.5]), photo.unit(), photo.grid((4, 6)))
    tensor([0., 0., 3., 2.])
    """
    return target.from_pixels(source.to_pixels(boxes))
