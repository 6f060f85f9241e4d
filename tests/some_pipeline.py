"""A detector and a segmenter that count what they are asked, and pictures for them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gk_utils.grounded_sam.box_filler import BoxFiller
from gk_utils.grounded_sam.grounded import Grounded
from gk_utils.protocols import Detections

MASK = {"size": [10, 40], "counts": [0, 100, 300]}


class CountingDetector:
    """Finds for each phrase one box, its place and score from the phrase; "nothing" is nowhere."""

    def __init__(self) -> None:
        self.pictures = 0

    def detect(self, image: Tensor, phrases: Sequence[str]) -> Detections:
        self.pictures += 1
        found = [phrase for phrase in phrases if phrase != "nothing"]
        left = torch.tensor([float(len(phrase)) for phrase in found])
        boxes = torch.stack([left, left - left, left + 6, left - left + 4], 1) if found else torch.zeros(0, 4)
        return Detections(boxes, 1 / (1 + left), tuple(found), tuple(image.shape[1:]))


class CountingSegmenter(BoxFiller):
    """Fills boxes; its embedding of a picture is the mean colour, and every embedding is counted."""

    def __init__(self) -> None:
        super().__init__()
        self.embedded, self.prompts, self.shown = 0, [], None

    def embed(self, image: Tensor) -> Tensor:
        self.embedded += 1
        return image.mean((1, 2))

    def set_embedding(self, embedding: Tensor, image_hw: tuple[int, int]) -> None:
        self.shown, self.image_hw = embedding, image_hw

    def segment(self, **prompts):
        self.prompts.append(len(prompts["boxes"]))
        return super().segment(**prompts)


def pictures(*shades: float, image_hw: tuple[int, int] = (10, 40)) -> list[Tensor]:
    return [torch.full((3, *image_hw), shade) for shade in shades]


def a_result(boxes=((0.0, 0, 10, 10), (20.0, 0, 30, 10)), phrases=("mug", "plate"), asked=None, **change) -> Grounded:
    """A result on a picture of 10 x 40 whose masks are the 10 x 10 pixels at its left."""
    fields = {
        **{"name": "a.png", "image_hw": (10, 40), "asked": asked or ("mug", "plate", "cat")},
        **{"boxes": torch.tensor(boxes).reshape(-1, 4), "phrases": tuple(phrases)},
        **{"scores": torch.linspace(0.9, 0.5, len(phrases)), "masks": (MASK,) * len(phrases)},
    }
    return Grounded(**{**fields, **change})
