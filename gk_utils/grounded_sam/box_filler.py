"""The baseline of every segmenter: the mask of a box is the box."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gk_utils.protocols import Segmentation


class BoxFiller:
    """A `Segmenter` that colours its box in and knows nothing of the picture.

    >>> filler = BoxFiller()
    >>> filler.set_image(torch.zeros(3, 2, 3))
    >>> filler.segment(boxes=torch.tensor([[1.0, 0.0, 3.0, 1.0]])).masks.int().tolist()
    [[[0, 1, 1], [0, 0, 0]]]
    """

    def __init__(self) -> None:
        self.image_hw: tuple[int, int] | None = None

    def set_image(self, image: Float[Tensor, "3 h w"]) -> None:
        """Take the size of a picture."""
        self.image_hw = (image.shape[1], image.shape[2])

    def segment(
        self,
        *,
        boxes: Float[Tensor, "n 4"] | None = None,
        points: Float[Tensor, "n p 2"] | None = None,
        is_object: Bool[Tensor, "n p"] | None = None,
        masks: Bool[Tensor, "n h w"] | None = None,
        all_masks: bool = False,
    ) -> Segmentation:
        """The pixels whose centres lie in each box.

        Raises:
            RuntimeError: no image was set. ValueError: other prompts than boxes.
        """
        if self.image_hw is None:
            raise RuntimeError("segment: expected an image first, got none. Call set_image(image).")
        if boxes is None or points is not None or masks is not None:
            raise ValueError("boxes: expected boxes alone, got other prompts. A box is all that can be filled.")
        rows, columns = (torch.arange(side, device=boxes.device) + 0.5 for side in self.image_hw)
        x1, y1, x2, y2 = boxes[:, :, None].unbind(1)  # n 1 each
        filled = ((rows >= y1) & (rows < y2))[:, :, None] & ((columns >= x1) & (columns < x2))[:, None]
        filled = filled.repeat_interleave(3, 0) if all_masks else filled
        return Segmentation(filled, torch.ones(len(filled), device=boxes.device), self.image_hw)
