"""Language-guided query selection: the prompt decides where in the picture the decoder starts to look.

Every cell proposes a box around itself and is compared with every word. The cells that some word fits best hand their
boxes to the decoder as first references. What a query *is*, its content, is learned and the same for every picture:
"mixed" selection, after DINO.

Source: Liu et al. 2023, arXiv:2303.05499, section 3.2 and algorithm 1; mixed selection: Zhang et al. 2022 (DINO),
arXiv:2203.03605, section 3.4.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gk_utils.grounding_dino.dino_attention import box_head
from gk_utils.grounding_dino.dino_settings import GroundingDinoSettings
from gk_utils.grounding_dino.prompts import Words
from gk_utils.grounding_dino.pyramid import Cells

FIRST_SIDE = 0.05  # of a proposal in the finest level, as a fraction of the picture; twice that in the next
NEAREST = 0.01  # a proposal whose centre or size is that near to 0 or 1 is no proposal
PRIOR = 0.01  # what an untrained model thinks of the chance that a query is a word's


class ContrastiveLogits(nn.Module):
    """How well each query fits each word: the scalar product of their features; minus infinity where no word is.

    >>> from gk_utils.grounding_dino.prompts import sub_sentences
    >>> fit = ContrastiveLogits(4, scaled=False)
    >>> words = Words(torch.ones(1, 2, 4), torch.tensor([[True, False]]), *sub_sentences(torch.tensor([[5, 0]]), (5,)))
    >>> fit(torch.ones(1, 1, 4), words)
    tensor([[[4., -inf]]])
    """

    def __init__(self, width: int, *, scaled: bool) -> None:
        super().__init__()
        self.scale = width**-0.5 if scaled else 1.0
        self.register_parameter("bias", nn.Parameter(torch.tensor(-math.log(1 / PRIOR - 1))) if scaled else None)

    def forward(self, queries: Float[Tensor, "*l b q d"], words: Words) -> Float[Tensor, "*l b q t"]:
        """Logits, one for each query and token: whether the query's box is (part of) what the token speaks of."""
        logits = self.scale * (queries @ words.features.mT)
        if self.bias is not None:
            logits = logits + self.bias
        return logits.masked_fill(~words.seen[:, None], -math.inf)


@dataclass(frozen=True, eq=False)
class Selected:
    """What query selection hands on, for b pictures with q queries.

    Attributes:
        contents: (b q d) learned, the same for every picture.
        references: (b q 4) cxcywh in (0, 1), where the decoder starts; no gradient goes back through them.
        cells: (b q) which cell each reference came from, the best first.
        logits: (b q t) of the chosen cells, and boxes_cxcywh: (b q 4); both with gradient, training looks at them.
        compared: (b s d) what of every cell is compared with the words, and proposals: (b s 4) before the sigmoid.
        cell_logits: (b s t) how well every cell fits every word; a cell's best word decides whether it is chosen.
    """

    contents: Float[Tensor, "b q d"]
    references: Float[Tensor, "b q 4"]
    cells: Int[Tensor, "b q"]
    logits: Float[Tensor, "b q t"]
    boxes_cxcywh: Float[Tensor, "b q 4"]
    compared: Float[Tensor, "b s d"]
    proposals: Float[Tensor, "b s 4"]
    cell_logits: Float[Tensor, "b s t"]


class QuerySelection(nn.Module):
    """Compares cells with words and picks the queries' first boxes."""

    def __init__(self, settings: GroundingDinoSettings) -> None:
        super().__init__()
        d = settings.width
        self.contents = nn.Embedding(settings.queries, d)
        self.project, self.norm = nn.Linear(d, d), nn.LayerNorm(d)
        self.box_head = box_head(d)
        self.logits = ContrastiveLogits(d, scaled=settings.scaled_logits)

    def forward(self, cells: Cells, words: Words) -> Selected:
        """Select among the enhanced cells.

        Raises:
            ValueError: fewer cells than queries.
        """
        q, s = self.contents.num_embeddings, cells.features.shape[1]
        if s < q:
            raise ValueError(f"images: expected at least {q} cells, one a query, got {s}. Use larger images.")
        compared, proposals = self.compared(cells)
        logits = self.logits(compared, words)  # b s t
        best = logits.amax(-1).topk(q, dim=1).indices
        boxes = self.boxes(rows(compared, best), rows(proposals, best))
        contents = self.contents.weight.expand(len(compared), -1, -1)
        return Selected(contents, boxes.detach(), best, rows(logits, best), boxes, compared, proposals, logits)

    def compared(self, cells: Cells) -> tuple[Float[Tensor, "b s d"], Float[Tensor, "b s 4"]]:
        """What of each cell is compared with the words, and its proposal: a box before the sigmoid."""
        proposals, usable = propose(cells)
        return self.norm(self.project(cells.features.masked_fill(~usable[..., None], 0))), proposals

    def boxes(self, compared: Float[Tensor, "b q d"], proposals: Float[Tensor, "b q 4"]) -> Float[Tensor, "b q 4"]:
        """The boxes that these cells say, cxcywh in (0, 1)."""
        return (self.box_head(compared) + proposals).sigmoid()


def propose(cells: Cells) -> tuple[Float[Tensor, "b s 4"], Bool[Tensor, "b s"]]:
    """The box that each cell starts from, before the sigmoid, and whether it may.

    A square around the cell's centre, whose side doubles with the level. Cells in the padding and boxes too near to the
    border get infinity, which the sigmoid makes 1: they are not left out, they just look bad.
    """
    centres = cells.centres()
    side = [FIRST_SIDE * 2.0**level for level, (h, w) in enumerate(cells.level_hw) for _ in range(h * w)]
    sides = centres.new_tensor(side)[None, :, None].expand(len(centres), -1, 2)
    boxes = torch.cat([centres, sides], -1)
    usable = ((boxes > NEAREST) & (boxes < 1 - NEAREST)).all(-1) & cells.seen
    return (boxes / (1 - boxes)).log().masked_fill(~usable[..., None], math.inf), usable


def rows(values: Float[Tensor, "b s c"], chosen: Int[Tensor, "b q"]) -> Float[Tensor, "b q c"]:
    """The chosen rows of each picture."""
    return values.gather(1, chosen[..., None].expand(-1, -1, values.shape[-1]))
