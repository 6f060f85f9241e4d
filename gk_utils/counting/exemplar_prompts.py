"""What a counter is told to count: a word, boxes around examples, or both, as tokens that look at the picture.

An example is a box. RoI Align cuts its features out of the picture's own map, so that an example of a category that was
never trained says as much as any. Its token attends to the picture, and the picture attends to the tokens (CountGD lets
the two sides enhance each other, CounTR lets the picture attend to the examples); how alike each place is to the
examples is then a channel of its own (the correlation of few-shot counters).

Source: Liu et al., "CounTR: Transformer-based generalised visual counting", BMVC 2022, arXiv:2208.13721; Amini-Naieni
et al., "CountGD: Multi-modal open-world counting", NeurIPS 2024, arXiv:2407.04619. Notebook: 16.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import normalize, scaled_dot_product_attention

from gk_utils.countertop.things import CATEGORIES
from gk_utils.counting.countable_words import WORDS
from gk_utils.roi_align import roi_align

BINS = 3  # an example is read in 3 x 3 bins
NO_WORD = -1


@dataclass(frozen=True, eq=False)
class Prompts:
    """Questions, each about one picture of a batch.

    Attributes:
        picture: which picture each of the q questions is about.
        word: a place in WORDS, NO_WORD where there is none.
        boxes: (e 4) all examples, in pixels; owner: which question each belongs to.
    """

    picture: Int[Tensor, " q"]
    word: Int[Tensor, " q"]
    boxes: Float[Tensor, "e 4"]
    owner: Int[Tensor, " e"]

    def __len__(self) -> int:
        return len(self.picture)

    @classmethod
    def one_each(cls, words: Sequence[int], exemplars: Sequence[Float[Tensor, "_ 4"]] | None = None) -> "Prompts":
        """One question for each picture of a batch, on the device of the examples.

        >>> prompts = Prompts.one_each([3, NO_WORD], [torch.zeros(0, 4), torch.tensor([[0.0, 0, 8, 8]])])
        >>> prompts.owner.tolist(), prompts.word.tolist()
        ([1], [3, -1])
        """
        n = len(words)
        exemplars = [torch.zeros(0, 4)] * n if exemplars is None else exemplars
        boxes = torch.cat([torch.zeros(0, 4, device=exemplars[0].device), *exemplars]) if n else torch.zeros(0, 4)
        counts = torch.tensor([len(some) for some in exemplars], dtype=torch.long, device=boxes.device)
        number = torch.arange(n, device=boxes.device)
        word = torch.tensor(list(words), dtype=torch.long, device=boxes.device)
        return cls(number, word, boxes, number.repeat_interleave(counts))

    def to(self, device: str | torch.device) -> "Prompts":
        """The same on another device."""
        return Prompts(*(value.to(device) for value in (self.picture, self.word, self.boxes, self.owner)))


class PromptReader(nn.Module):
    """Turns questions into one vector each, and into maps of how alike every place is to the examples.

    Args:
        width: channels of the picture's features.
        words: whether words are read; examples: whether boxes are. With neither it knows only the picture.
    """

    def __init__(self, width: int, *, words: bool, examples: bool):
        super().__init__()
        self.words, self.examples = words, examples
        self.word = nn.Embedding(len(WORDS) + 2, width)  # the last rows: no word, and nothing to be named
        nn.init.normal_(self.word.weight, std=0.5)
        self.compare = nn.Linear(width, width)
        if examples:
            self.bins = nn.Linear(width * BINS**2, width)
            self.size = nn.Linear(2, width)
            self.nothing = nn.Parameter(torch.zeros(width))
            self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
            self.place_query, self.token_key, self.token_value = (nn.Linear(width, width) for _ in range(3))

    @property
    def maps(self) -> int:
        """How many channels `forward` gives beside the vector.

        Likeness to the word; likeness to the examples, their mean and the most; what attention reads.
        """
        return self.words + (2 + self.query.in_features if self.examples else 0)

    def names(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """How well each of CATEGORIES fits each place, and last how well none does: logits, which training may use."""
        table = torch.cat([self.word.weight[: len(CATEGORIES)], self.word.weight[-1:]])
        return torch.einsum("bchw,kc->bkhw", self._compared(features), table)

    def _compared(self, features: Tensor) -> Tensor:
        return self.compare(features.movedim(1, -1)).movedim(-1, 1)

    def forward(
        self, features: Float[Tensor, "b c h w"], prompts: Prompts, stride: int
    ) -> tuple[Float[Tensor, "q c"], Float[Tensor, "q m h w"] | None]:
        """One vector a question, and its maps, or None where examples are not read."""
        absent = len(WORDS)
        word = prompts.word if self.words else torch.full_like(prompts.word, NO_WORD)
        vector = self.word(torch.where(word < 0, absent, word))
        compared = self._compared(features)
        maps = []
        if self.words:
            fits = torch.einsum("qchw,qc->qhw", compared[prompts.picture], vector)
            maps = [torch.where((word < 0)[:, None, None], 0, fits.tanh())[:, None]]
        if not self.examples:
            return vector, torch.cat(maps, 1) if maps else None
        tokens, there = self._tokens(features, prompts, stride)  # q k c, q k
        h, w = features.shape[2:]
        places = features.flatten(2).mT[prompts.picture]  # q p c
        tokens = tokens + self.out(
            scaled_dot_product_attention(self.query(tokens), self.key(places), self.value(places))
        )
        counted = there.sum(1, keepdim=True).clamp(min=1)
        vector = vector + (tokens * there[..., None]).sum(1) / counted
        every = torch.cat([vector[:, None], tokens], 1)
        seen = torch.cat([torch.ones_like(there[:, :1]), there], 1)[:, None]
        read = scaled_dot_product_attention(
            self.place_query(places), self.token_key(every), self.token_value(every), attn_mask=seen
        )
        maps += [read.mT.unflatten(2, (h, w)), self._likeness(compared, prompts, stride)]
        return vector, torch.cat(maps, 1)

    def _tokens(self, features: Tensor, prompts: Prompts, stride: int) -> tuple[Tensor, Bool[Tensor, "q k"]]:
        """The examples' tokens in rows, one row a question, padded; and which are real."""
        rois = torch.cat([prompts.picture[prompts.owner, None].to(prompts.boxes), prompts.boxes], 1)
        cut = roi_align(features, rois, BINS, spatial_scale=1 / stride).flatten(1)
        sizes = (prompts.boxes[:, 2:] - prompts.boxes[:, :2]).clamp(min=1).log() - 2.5
        tokens = self.bins(cut) + self.size(sizes)
        slots, there = self._slots(prompts)
        rows = self.nothing.expand(*there.shape, -1).clone()
        rows[prompts.owner, slots] = tokens.to(rows.dtype)
        return rows, there

    def _slots(self, prompts: Prompts) -> tuple[Int[Tensor, " e"], Bool[Tensor, "q k"]]:
        """Which place in its question's row each example has."""
        same = prompts.owner[:, None] == prompts.owner
        slots = same.tril(-1).sum(1)
        most = max(int(slots.max()) + 1 if len(slots) else 1, 1)
        there = torch.zeros(len(prompts), most, dtype=torch.bool, device=slots.device)
        there[prompts.owner, slots] = True
        return slots, there

    def _likeness(self, compared: Tensor, prompts: Prompts, stride: int) -> Float[Tensor, "q 2 h w"]:
        """Cosine of every place with the middle of the examples: their mean, and the most. Zeros without examples."""
        table = normalize(compared, dim=1)
        rois = torch.cat([prompts.picture[prompts.owner, None].to(prompts.boxes), prompts.boxes], 1)
        middle = normalize(roi_align(compared, rois, 1, spatial_scale=1 / stride).flatten(1), dim=-1)
        slots, there = self._slots(prompts)
        rows = middle.new_zeros(*there.shape, middle.shape[1])
        rows[prompts.owner, slots] = middle
        cosines = torch.einsum("qchw,qkc->qkhw", table[prompts.picture], rows)
        most = cosines.masked_fill(~there[..., None, None], -1).amax(1) * there.any(1)[:, None, None]
        mean = cosines.sum(1) / there.sum(1).clamp(min=1)[:, None, None]
        return torch.stack([mean, most], 1)
