"""The cross-modality decoder: queries that read each other, the words and the picture, and move their boxes.

A query carries a content and a reference box. Each layer lets it read the other queries, then all words, then the
picture around its box; then the box is moved, and the next layer starts from there. As in Deformable DETR no gradient
goes through a moved box to the layers before.

Source: Liu et al. 2023, arXiv:2303.05499, section 3.3; iterative boxes: Zhu et al. 2021, arXiv:2010.04159, section A.4.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gk_utils.box_regression import inverse_sigmoid
from gk_utils.grounding_dino.dino_attention import (
    Attention,
    DeformableAttention,
    InnerNetwork,
    Mlp,
    box_head,
    sine_features,
)
from gk_utils.grounding_dino.dino_settings import GroundingDinoSettings
from gk_utils.grounding_dino.prompts import Words
from gk_utils.grounding_dino.pyramid import Cells
from gk_utils.grounding_dino.query_selection import ContrastiveLogits


class DecoderLayer(nn.Module):
    """One layer: queries, words, picture, inner network; a residual and a norm after each."""

    def __init__(self, settings: GroundingDinoSettings) -> None:
        super().__init__()
        d, heads = settings.width, settings.heads
        self.among_queries, self.norm_queries = Attention(d, heads), nn.LayerNorm(d)
        self.on_words, self.norm_words = Attention(d, heads), nn.LayerNorm(d)
        self.on_cells = DeformableAttention(d, heads, settings.levels, settings.points)
        self.norm_cells = nn.LayerNorm(d)
        self.inner = InnerNetwork(d, settings.inner)

    def forward(
        self,
        queries: Float[Tensor, "b q d"],
        places: Float[Tensor, "b q d"],
        references: Float[Tensor, "b q l 4"],
        cells: Cells,
        words: Words,
        *,
        attends: Bool[Tensor, "b q q"] | None,
    ) -> Float[Tensor, "b q d"]:
        """The queries afterwards; `places` is what they know of their boxes, `attends` who reads whom (None: all)."""
        at = queries + places
        x = self.norm_queries(queries + self.among_queries(at, at, queries, attends))
        x = self.norm_words(x + self.on_words(x + places, words.features, words.features, words.seen[:, None]))
        read = self.on_cells(x + places, cells.features, cells.seen, cells.level_hw, references)
        return self.inner(self.norm_cells(x + read))


@dataclass(frozen=True, eq=False)
class Decoded:
    """After each of l layers, for b pictures with q queries and t tokens: logits, and boxes as cxcywh in (0, 1)."""

    logits: Float[Tensor, "l b q t"]
    boxes_cxcywh: Float[Tensor, "l b q 4"]


class Decoder(nn.Module):
    """All decoder layers, with the heads that read boxes and fits after each."""

    def __init__(self, settings: GroundingDinoSettings) -> None:
        super().__init__()
        d = settings.width
        self.layers = nn.ModuleList(DecoderLayer(settings) for _ in range(settings.decoder_layers))
        self.norm = nn.LayerNorm(d)
        self.place = Mlp(2 * d, d, d)  # sine features of the four numbers of a box, d / 2 each
        heads = 1 if settings.shared_box_head else settings.decoder_layers
        self.box_heads = nn.ModuleList(box_head(d) for _ in range(heads))
        self.logits = ContrastiveLogits(d, scaled=settings.scaled_logits)

    def forward(
        self,
        contents: Float[Tensor, "b q d"],
        references: Float[Tensor, "b q 4"],
        cells: Cells,
        words: Words,
        attends: Bool[Tensor, "b q q"] | None = None,
    ) -> Decoded:
        """What the queries find, starting from these boxes."""
        x, half = contents, contents.shape[-1] // 2
        found, boxes = [], []
        for number, layer in enumerate(self.layers):
            in_levels = cells.in_levels(references)  # b q l 4
            # In the finest level's fractions: without padding, the fractions of the picture.
            places = self.place(sine_features(in_levels[:, :, 0], half))
            x = layer(x, places, in_levels, cells, words, attends=attends)
            head = self.box_heads[min(number, len(self.box_heads) - 1)]
            start = inverse_sigmoid(references)
            # What is said is read from the normalised query; what the next layer starts from, from the bare one.
            found.append(self.norm(x))
            boxes.append((head(found[-1]) + start).sigmoid())
            references = (head(x) + start).sigmoid().detach()
        return Decoded(self.logits(torch.stack(found), words), torch.stack(boxes))
