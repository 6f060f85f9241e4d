"""Head A: a box as four location tokens x1 y1 x2 y2, written by a small causal decoder.

The loss is cross-entropy, which knows no distance: the bin next to the right one is as wrong as any other. That bins
have neighbours the head is told by its fresh embeddings alone, in which close bins are alike. When it answers, only
boxes can be written: what would put x2 before x1, or y2 before y1, is taken away.

Source: Pix2Seq, Chen et al. 2022, arXiv:2109.10852, section 2; one box per expression as in OFA, Wang et al. 2022,
arXiv:2202.03052, section 3.2.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from gk_utils.box_tokens.bins import Bins, decode_bins, encode_bins
from gk_utils.box_tokens.detector import SCALE, smooth_noise
from gk_utils.heads.lookups import Answered, Lookups
from gk_utils.models.vlm import VisionLanguageModel, VLMSettings

UNIT = (1.0, 1.0)  # boxes as fractions: a picture of height and width 1


class TokenHead(nn.Module):
    """A decoder over N bins and a start token, which is the last id.

    >>> from gk_utils.heads.lookups import Lookups
    >>> seen, present = torch.ones(2, 3, dtype=torch.bool), torch.tensor([True, True])
    >>> boxes = torch.tensor([[0.1, 0.1, 0.5, 0.5], [0.0, 0.0, 1.0, 1.0]])
    >>> lookups = Lookups(torch.zeros(2, 19, 24), seen, boxes, present, torch.zeros(2))
    >>> head = TokenHead(24, bins=64, heads=2)
    >>> sorted(head.loss(lookups)), head.answer(lookups, (128, 128)).tokens.tolist()
    (['hit', 'loss'], [4, 4])
    """

    def __init__(self, width: int, bins: int = 256, heads: int = 4, layers: int = 2) -> None:
        """A head for features of this width."""
        super().__init__()
        self.bins = Bins(bins)
        self.decoder = VisionLanguageModel(
            VLMSettings(tokens=bins + 1, feature_width=width, width=width, heads=heads, layers=layers, inner=2 * width)
        )
        with torch.no_grad():
            self.decoder.embedding.weight.normal_(std=SCALE)
            self.decoder.embedding.weight[:bins] = SCALE * smooth_noise(bins, width)

    def loss(self, lookups: Lookups) -> dict[str, Float[Tensor, ""]]:
        """Cross-entropy per token over the expressions that mean something; and the share of tokens that are right."""
        there = lookups[lookups.present]
        tokens = encode_bins(there.boxes_unit, UNIT, self.bins)
        before = torch.cat([torch.full_like(tokens[:, :1], self.bins.count), tokens[:, :3]], 1)
        logits = self.decoder(there.features, before, there.seen).flatten(0, 1)
        n = max(len(logits), 1)
        lost = functional.cross_entropy(logits, tokens.flatten(), reduction="sum") / n
        return {"loss": lost, "hit": (logits.argmax(1) == tokens.flatten()).sum() / n}

    @torch.no_grad()
    def answer(self, lookups: Lookups, image_hw: tuple[float, float], beams: int = 1) -> Answered:
        """A box for every expression, in pixels of a picture of this size."""
        start = torch.full((len(lookups), 1), self.bins.count, device=lookups.features.device)
        tokens = self.decoder.write(lookups.features, start, 4, lookups.seen, allowed=self.allowed, beams=beams).tokens
        boxes = decode_bins(tokens, image_hw, self.bins)
        readable = torch.ones(len(tokens), dtype=torch.bool, device=tokens.device)
        texts = tuple(" ".join(f"<{token}>" for token in row) for row in tokens.tolist())
        return Answered(boxes, readable, torch.full_like(tokens[:, 0], 4), texts)

    def allowed(self, written: Int[Tensor, "r k"]) -> Bool[Tensor, "r v"]:
        """Which tokens may come after x1 y1 x2 ... so far: bins, and no far side before its near side.

        >>> TokenHead(8, bins=4, heads=2).allowed(torch.tensor([[2, 0]]))
        tensor([[False, False,  True,  True, False]])
        """
        number = torch.arange(self.bins.count + 1, device=written.device)
        is_bin = number < self.bins.count
        k = written.shape[1]
        least = written[:, k - 2, None] if k >= 2 else torch.zeros_like(written.new_zeros(len(written), 1))
        return is_bin & (number >= least)
