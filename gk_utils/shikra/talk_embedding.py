"""Embeddings that can read a bracket: where a question closes one, its numbers are added up into one place.

To a decoder, the numbers of a bracket are tokens apart from each other: a layer must first gather them. Here the token
that closes a bracket of a question carries `waves` of all its numbers besides its own embedding. The text stays as it
is, and the numbers are those of the words before it; answers are written and read word by word.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gk_utils.shikra.talk_tokens import FREQUENCIES, PIECES, TalkTokens, waves

BOX, POINT = 12, 6  # tokens from the closing bracket back to the opening one
NUMBERS = {BOX: (11, 8, 5, 2), POINT: (5, 2, 5, 2)}  # and to the numbers: x1 y1 x2 y2; of a point each twice


class TalkEmbedding(nn.Embedding):
    """The embedding of a dialogue model's tokens.

    A single token is embedded as it is: while the model writes, no bracket of a question can close.
    """

    def __init__(self, tokens: TalkTokens, width: int) -> None:
        super().__init__(len(tokens), width)
        self.tokens = tokens
        self.place = nn.Linear(4 * 2 * len(FREQUENCIES), width)

    def forward(self, ids: Int[Tensor, "b t"]) -> Float[Tensor, "b t d"]:
        """Embeddings (b t d); padding may stand behind."""
        x = super().forward(ids)
        if ids.shape[1] == 1:
            return x
        numbers, closes = bracket_numbers(ids, self.tokens)
        return x + closes[..., None] * self.place(waves(numbers).flatten(-2))


def bracket_numbers(ids: Int[Tensor, "b t"], tokens: TalkTokens) -> tuple[Float[Tensor, "b t 4"], Bool[Tensor, "b t"]]:
    """The numbers of the bracket that closes at each place, and where a question closes one of one box or one point.

    >>> tokens = TalkTokens()
    >>> ids = [tokens.user, *tokens.encode("what is at [0.250,0.500]?")]
    >>> numbers, closes = bracket_numbers(torch.tensor([ids]), tokens)
    >>> numbers[closes]
    tensor([[0.2500, 0.5000, 0.2500, 0.5000]])
    """
    place = torch.arange(ids.shape[1], device=ids.device)
    last = [torch.where(ids == role, place, -1).cummax(1).values for role in (tokens.user, tokens.assistant)]
    asked = last[0] > last[1]
    pieces, digits = ids - tokens.first_piece, ids - tokens.first_digit
    is_piece, is_digit = (pieces >= 0) & (pieces < len(PIECES)), (digits >= 0) & (digits < 10)
    value = torch.where(is_piece, pieces / 100, torch.where(is_digit, digits / 1000, 0.0))
    opens = (ids == tokens.open) | (ids == tokens.open_apart)
    numbers = value.new_zeros(*ids.shape, 4)
    closes = torch.zeros_like(opens)
    for length, back in NUMBERS.items():
        here = asked & (ids == tokens.close) & _before(opens, length)
        found = torch.stack([_before(value, k) + _before(value, k - 1) for k in back], -1)
        numbers, closes = torch.where(here[..., None], found, numbers), closes | here
    return numbers.clamp(0, 1), closes


def _before(values: Tensor, k: int) -> Tensor:
    """At each place, the value k places before it; 0 at the start."""
    shifted = torch.zeros_like(values)
    shifted[:, k:] = values[:, : values.shape[1] - k] if k < values.shape[1] else 0
    return shifted
