"""Token ranges: where the coordinate tokens of each published vocabulary lie, in one table.

Source, one a row: google-research/pix2seq, vocab.py at 91fd365 and configs/config_det_finetune.py at 029f504 (shifts
100 and 1000); OFA-Sys/OFA, data/mm_data/refcoco_dataset.py at 08e70bc and utils/eval_utils.py at 06750c1 (the bins are
the last 1000 of 59,457); transformers, tests/models/kosmos2 (`<patch_index_0044>` is 64057 of 65,037);
google-research/big_vision, configs/proj/paligemma/README.md at 1475d53 (1024 entries after Gemma's 256,000); for
Florence-2 the order in which its first processor adds tokens: four tags after BART's 50,265, then the locations.
Notebook: 03.
"""

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Int
from torch import Tensor

from gk_utils.errors import check_choice


@dataclass(frozen=True)
class TokenRange:
    """The coordinate tokens of one model.

    Attributes:
        template: how token number k is spelt; Pix2Seq has ids only.
        count: how many there are, numbers 0 to count - 1.
        first_id: the vocabulary id of number 0; the others follow it.
        vocabulary_size: of the published checkpoint.
        order: what the tokens of one box say, in their order.
    """

    template: str
    count: int
    first_id: int
    vocabulary_size: int
    order: tuple[str, ...]

    @property
    def per_box(self) -> int:
        """Coordinate tokens a box costs."""
        return len(self.order)

    def spell(self, number: int) -> str:
        """Token number k as text.

        >>> TOKEN_RANGES["paligemma"].spell(7), TOKEN_RANGES["florence2"].spell(7)
        ('<loc0007>', '<loc_7>')
        """
        return self.template.format(number)


_X_FIRST, _Y_FIRST = ("x1", "y1", "x2", "y2"), ("y1", "x1", "y2", "x2")

TOKEN_RANGES = {
    "pix2seq": TokenRange("{}", 1000, 1000, 3000, _Y_FIRST),
    "ofa": TokenRange("<bin_{}>", 1000, 58457, 59457, _X_FIRST),
    "kosmos2": TokenRange("<patch_index_{:04d}>", 1024, 64013, 65037, ("upper left", "lower right")),
    "paligemma": TokenRange("<loc{:04d}>", 1024, 256000, 257152, _Y_FIRST),
    "florence2": TokenRange("<loc_{}>", 1000, 50269, 51289, _X_FIRST),
}
Model = Literal["pix2seq", "ofa", "kosmos2", "paligemma", "florence2"]


def encode_ids(tokens: Int[Tensor, "*n"], model: Model) -> Int[Tensor, "*n"]:
    """Token numbers (bins, cells) to ids of the model's published vocabulary.

    Raises:
        ValueError: an unknown model, or a number the model has no token for.

    >>> import torch
    >>> encode_ids(torch.tensor([44, 863]), "kosmos2")
    tensor([64057, 64876])
    """
    check_choice(model, tuple(TOKEN_RANGES), "model")
    row = TOKEN_RANGES[model]
    _check(tokens, 0, row.count, "tokens", f"{model} has {row.count} coordinate tokens")
    return tokens + row.first_id


def decode_ids(ids: Int[Tensor, "*n"], model: Model) -> Int[Tensor, "*n"]:
    """Ids of the model's published vocabulary to token numbers.

    Raises:
        ValueError: an unknown model, or an id that is no coordinate token.

    >>> import torch
    >>> decode_ids(torch.tensor([64057, 64876]), "kosmos2")
    tensor([ 44, 863])
    """
    check_choice(model, tuple(TOKEN_RANGES), "model")
    row = TOKEN_RANGES[model]
    _check(ids, row.first_id, row.first_id + row.count, "ids", f"Other ids of {model} are words or classes")
    return ids - row.first_id


def _check(numbers: Tensor, first: int, end: int, name: str, hint: str) -> None:
    bad = (numbers < first) | (numbers >= end)
    if bool(bad.any()):
        raise ValueError(f"{name}: expected {first} to {end - 1}, got {numbers[bad][0].item()}. {hint}.")
