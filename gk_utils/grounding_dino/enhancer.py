"""The feature enhancer: pictures read the words and words read the picture, layer by layer, before any box is said.

Each layer does three things: both cross-attentions at once (cells look at words, words look at cells), self-attention
among the words of each sub-sentence, and deformable self-attention among the cells.

Source: Liu et al. 2023, arXiv:2303.05499, section 3.1 and figure 3 (block 2); the fusion after Li et al. 2022 (GLIP),
arXiv:2112.03857, section 3.2. No dropout: the published weights were trained with none but drop-path in the fusion.
"""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gk_utils.grounding_dino.dino_attention import (
    Attention,
    DeformableAttention,
    InnerNetwork,
    join_heads,
    sine_features,
    split_heads,
)
from gk_utils.grounding_dino.dino_settings import GroundingDinoSettings
from gk_utils.grounding_dino.prompts import Words
from gk_utils.grounding_dino.pyramid import Cells

FUSION_SCALE = 1e-4  # what the fusion adds at first: nearly nothing, so that neither side is disturbed


class Fusion(nn.Module):
    """Both cross-attentions from one comparison: a cell's key is also its query, and so is a word's.

    Cell i and word j have one similarity in each head, the product of what `cells` and `words` make of them. Over the
    words it says what the cell reads, over the cells what the word reads. Each side is normalised before, and what it
    reads is added with a small learned scale for each feature.

    A picture has thousands of cells and a prompt a few words, so each product of three is taken from the words' side:
    (K W) x for K (W x). No cell is ever widened to `inner`, and all heads of all words are one matrix product.
    """

    def __init__(self, width: int, inner: int, heads: int, scale: float = FUSION_SCALE) -> None:
        super().__init__()
        self.heads = heads
        self.norm_cells, self.norm_words = nn.LayerNorm(width), nn.LayerNorm(width)
        self.cells, self.words = nn.Linear(width, inner), nn.Linear(width, inner)
        self.cell_values, self.word_values = nn.Linear(width, inner), nn.Linear(width, inner)
        self.project_cells, self.project_words = nn.Linear(inner, width), nn.Linear(inner, width)
        self.scale_cells = nn.Parameter(torch.full((width,), scale))
        self.scale_words = nn.Parameter(torch.full((width,), scale))

    def forward(
        self,
        cells: Float[Tensor, "b s d"],
        words: Float[Tensor, "b t d"],
        cells_seen: Bool[Tensor, "b s"],
        words_seen: Bool[Tensor, "b t"],
    ) -> tuple[Float[Tensor, "b s d"], Float[Tensor, "b t d"]]:
        """Cells and words afterwards; what is not seen is not read. The norms come first, and stay."""
        cells, words, h = self.norm_cells(cells), self.norm_words(words), self.heads
        widen, change = (linear.weight.unflatten(0, (h, -1)) for linear in (self.cells, self.cell_values))  # h c d
        narrow = self.project_cells.weight.unflatten(1, (h, -1)).transpose(0, 1)  # h d c
        bias, change_bias = (linear.bias.unflatten(0, (h, -1, 1)) for linear in (self.cells, self.cell_values))  # h c 1
        keys = split_heads(self.words(words), h) / widen.shape[1] ** 0.5  # b h t c
        alike = cells @ (keys @ widen).flatten(1, 2).mT + (keys @ bias).flatten(1)[:, None]  # b s h*t
        least = torch.finfo(alike.dtype).min
        over_words = alike.unflatten(2, (h, -1)).masked_fill(~words_seen[:, None, None], least).softmax(-1).flatten(2)
        over_cells = alike.mT.masked_fill(~cells_seen[:, None], least).softmax(-1)  # b h*t s
        said = split_heads(self.word_values(words), h) @ narrow.mT  # b h t d
        read_by_cells = over_words.to(alike) @ said.flatten(1, 2) + self.project_cells.bias
        shown = (over_cells.to(alike) @ cells).unflatten(1, (h, -1))  # b h t d
        read_by_words = self.project_words(join_heads(shown @ change.mT + change_bias.mT))
        return cells + self.scale_cells * read_by_cells, words + self.scale_words * read_by_words


class TextLayer(nn.Module):
    """A transformer layer among the words of each sub-sentence."""

    def __init__(self, width: int, inner: int, heads: int) -> None:
        super().__init__()
        self.attention, self.norm = Attention(width, heads), nn.LayerNorm(width)
        self.inner = InnerNetwork(width, inner)

    def forward(
        self, words: Float[Tensor, "b t d"], places: Float[Tensor, "b t d"], attends: Bool[Tensor, "b t t"]
    ) -> Float[Tensor, "b t d"]:
        """The words afterwards; `attends` is the sub-sentence mask."""
        at = words + places
        return self.inner(self.norm(words + self.attention(at, at, words, attends)))


class CellLayer(nn.Module):
    """A transformer layer among cells, each of which looks at a few points around itself in every level."""

    def __init__(self, settings: GroundingDinoSettings) -> None:
        super().__init__()
        d = settings.width
        self.attention = DeformableAttention(d, settings.heads, settings.levels, settings.points)
        self.norm, self.inner = nn.LayerNorm(d), InnerNetwork(d, settings.inner)

    def forward(
        self, features: Float[Tensor, "b s d"], cells: Cells, references: Float[Tensor, "b s l 2"]
    ) -> Float[Tensor, "b s d"]:
        """The features afterwards; `cells` says where they are and which count."""
        read = self.attention(features + cells.places, features, cells.seen, cells.level_hw, references)
        return self.inner(self.norm(features + read))


class EnhancerLayer(nn.Module):
    """Fusion, then each side among itself."""

    def __init__(self, settings: GroundingDinoSettings) -> None:
        super().__init__()
        d, inner, heads = settings.width, settings.inner // 2, settings.heads // 2
        self.fusion = Fusion(d, inner, heads)
        self.text, self.cells = TextLayer(d, inner, heads), CellLayer(settings)


class Enhancer(nn.Module):
    """All layers of the feature enhancer."""

    def __init__(self, settings: GroundingDinoSettings) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EnhancerLayer(settings) for _ in range(settings.enhancer_layers))

    def forward(self, cells: Cells, words: Words) -> tuple[Cells, Words, Float[Tensor, "b s d"]]:
        """Cells and words with enhanced features, and the cells' features half way."""
        references = cells.in_levels(cells.centres())  # b s l 2
        seen, saying = cells.features, words.features
        word_places = sine_features(words.positions[..., None].to(saying.dtype), saying.shape[-1])
        half_way = seen
        for number, layer in enumerate(self.layers, 1):
            seen, saying = layer.fusion(seen, saying, cells.seen, words.seen)
            saying = layer.text(saying, word_places, words.attends)
            seen = layer.cells(seen, cells, references)
            if number == (len(self.layers) + 1) // 2:
                half_way = seen
        return replace(cells, features=seen), replace(words, features=saying), half_way
