"""The sizes of a Grounding DINO, and what its two backbones must offer.

The model does not know where pictures' features and words' features come from: both backbones are handed to it. The
published weights sit on a Swin transformer and on BERT; the course's own small model has two of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Bool, Float, Int
from torch import Tensor

BERT_SEPARATORS = (101, 102, 1012, 1029)  # [CLS], [SEP], "." and "?" in BERT's uncased vocabulary


@runtime_checkable
class ImageBackbone(Protocol):
    """A module that turns pictures into feature maps, the finest first.

    `channels` are the widths of its maps, in the same order.
    """

    channels: Sequence[int]

    def __call__(self, images: Float[Tensor, "b 3 h w"]) -> Sequence[Float[Tensor, "b _ _ _"]]:
        """One map (b channels h w) for each of `channels`."""


@runtime_checkable
class TextEncoder(Protocol):
    """A module that turns token numbers into features of `width`; who sees whom, and where each stands, it is told."""

    width: int

    def __call__(
        self, input_ids: Int[Tensor, "b t"], attends: Bool[Tensor, "b t t"], positions: Int[Tensor, "b t"]
    ) -> Float[Tensor, "b t _"]:
        """Features of the tokens; token i looks at token j where `attends[:, i, j]`."""


@dataclass(frozen=True)
class GroundingDinoSettings:
    """The sizes of a Grounding DINO; those given are the published ones.

    Attributes:
        width: features of a cell, of a word and of a query; heads: of attention, half as many where text is involved.
        inner: width of the network in a layer on the image side; half of it on the text side and in the fusion.
        enhancer_layers, decoder_layers: how many.
        levels: of the pyramid; those that the image backbone does not offer are made by halving its coarsest.
        points: where one head looks in one level of the pyramid.
        queries: boxes that come out.
        max_tokens: of a prompt.
        separators: token numbers that end a sub-sentence.
        shared_box_head: one head reads the boxes after all decoder layers; False: each layer has its own.
        scaled_logits: divide the similarities by the root of the width and add a learned bias, as MM-Grounding-DINO
            does. It makes training from scratch far easier: similarities of normalised features are as wide as that.
        denoising_groups: of noised boxes that training adds to the queries; 0 switches it off.
    """

    width: int = 256
    heads: int = 8
    inner: int = 2048
    enhancer_layers: int = 6
    decoder_layers: int = 6
    levels: int = 4
    points: int = 4
    queries: int = 900
    max_tokens: int = 256
    separators: tuple[int, ...] = BERT_SEPARATORS
    shared_box_head: bool = True
    scaled_logits: bool = False
    denoising_groups: int = 0

    def __post_init__(self) -> None:
        if self.heads % 2 or self.width % (4 * self.heads) or self.inner % self.heads or self.width % 32:
            raise ValueError(
                f"settings: expected an even number of heads, a width that 32 and 4 x heads divide and an inner width "
                f"that heads divides, got {self.heads}, {self.width} and {self.inner}. Change them."
            )
