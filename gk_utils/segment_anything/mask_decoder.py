"""The mask decoder: an embedding and a prompt to four masks, and how good each is expected to be.

Five learned tokens go along with the prompt's: one for the quality, four for masks. After the two-way transformer each
mask token becomes, through a small network of its own, the weights of a linear classifier, which is applied to every
cell of the embedding at four times its resolution: a hypernetwork. Mask 0 is the single answer; masks 1 to 3 are
readings of an ambiguous prompt. Mask 0 is a token of its own, not the best of the three.

Source: Kirillov et al. 2023, arXiv:2304.02643, section 3 and appendix A; code facebookresearch/segment-anything at
dca509f, modeling/mask_decoder.py. Notebook: 08.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gk_utils.segment_anything.image_encoder import ChannelNorm
from gk_utils.segment_anything.sam_settings import SegmentAnythingSettings
from gk_utils.segment_anything.two_way import TwoWayTransformer


@dataclass(frozen=True, eq=False)
class Decoded:
    """What the decoder says to n prompts; mask 0 is the single answer, the others are the readings.

    Attributes:
        logits: (n m side side) a cell is inside where it is above 0.
        iou: (n m) the IoU that each mask is expected to have with the truth; not bounded to [0, 1].
    """

    logits: Float[Tensor, "n m side side"]
    iou: Float[Tensor, "n m"]

    @property
    def single(self) -> "Decoded":
        """Mask 0 alone."""
        return Decoded(self.logits[:, :1], self.iou[:, :1])

    @property
    def readings(self) -> "Decoded":
        """The masks of an ambiguous prompt."""
        return Decoded(self.logits[:, 1:], self.iou[:, 1:])


class Mlp(nn.Module):
    """Linear layers with ReLU between them, `widths` from the input to the output."""

    def __init__(self, *widths: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(widths))

    def forward(self, x: Float[Tensor, "*n _"]) -> Float[Tensor, "*n _"]:
        """The last layer's output, without ReLU."""
        for layer in self.layers[:-1]:
            x = layer(x).relu()
        return self.layers[-1](x)


class MaskDecoder(nn.Module):
    """The decoder.

    >>> decoder = MaskDecoder(SegmentAnythingSettings(image_side=64, out_width=32, decoder_heads=2, decoder_inner=32))
    >>> said = decoder(torch.zeros(2, 32, 4, 4), torch.zeros(32, 4, 4), torch.zeros(2, 2, 32))
    >>> said.logits.shape, said.iou.shape
    (torch.Size([2, 4, 16, 16]), torch.Size([2, 4]))
    """

    def __init__(self, settings: SegmentAnythingSettings) -> None:
        super().__init__()
        width, count = settings.out_width, settings.masks + 1
        self.iou_token, self.mask_tokens = nn.Embedding(1, width), nn.Embedding(count, width)
        self.transformer = TwoWayTransformer(settings)
        self.upscale = nn.Sequential(
            nn.ConvTranspose2d(width, width // 4, 2, stride=2),
            *(ChannelNorm(width // 4), nn.GELU()),
            nn.ConvTranspose2d(width // 4, width // 8, 2, stride=2),
            nn.GELU(),
        )
        self.hypernetworks = nn.ModuleList(Mlp(width, width, width, width // 8) for _ in range(count))
        self.iou_head = Mlp(width, *[settings.iou_inner] * (settings.iou_layers - 1), count)

    def forward(
        self,
        cells: Float[Tensor, "n d grid grid"],
        cell_places: Float[Tensor, "d grid grid"],
        prompt_tokens: Float[Tensor, "n t d"],
    ) -> Decoded:
        """All masks of n prompts.

        Args:
            cells: the embedding of each prompt's picture plus the map of its mask.
            cell_places: features of where the cells are.
            prompt_tokens: points and corners.
        """
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        tokens = torch.cat([own.expand(len(prompt_tokens), -1, -1), prompt_tokens], 1)
        tokens, flat = self.transformer(tokens, cells.flatten(2).transpose(1, 2), cell_places.flatten(1).T)
        finer = self.upscale(flat.transpose(1, 2).unflatten(2, cells.shape[2:]))  # n d/8 side side
        weights = torch.stack([mlp(tokens[:, 1 + k]) for k, mlp in enumerate(self.hypernetworks)], 1)  # n m d/8
        logits = (weights @ finer.flatten(2)).unflatten(2, finer.shape[2:])
        return Decoded(logits, self.iou_head(tokens[:, 0]))
