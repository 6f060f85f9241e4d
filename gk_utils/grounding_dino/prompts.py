"""Prompts: what the model is asked, as one text with dots, and which token belongs to which phrase.

"a cat. a red mug." asks for two things at once. The words of one sub-sentence must not read those of another, or "red"
would colour the cat: that is what the sub-sentence mask is for. A caption, too, is one sub-sentence.

Source: Liu et al. 2023, arXiv:2303.05499, section 3.4 and figure 4; code IDEA-Research/GroundingDINO at ed4c52e,
models/GroundingDINO/bertwarper.py. Notebook: 07.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Words:
    """The t tokens of b prompts.

    Attributes:
        features: (b t d) what they say.
        seen: (b t) False in padding.
        attends: (b t t) which token reads which, and positions: (b t) where each stands; see `sub_sentences`.
    """

    features: Float[Tensor, "b t d"]
    seen: Bool[Tensor, "b t"]
    attends: Bool[Tensor, "b t t"]
    positions: Int[Tensor, "b t"]


def write_prompt(phrases: Sequence[str]) -> str:
    """Phrases as the published models were trained to read them: lower case, a dot behind each one.

    Raises:
        ValueError: no phrases, an empty one, or one with a dot in it.

    >>> write_prompt(["A cat", "red mug "])
    'a cat. red mug.'
    """
    clean = [phrase.strip().lower().removesuffix(".").strip() for phrase in phrases]
    for phrase in clean:
        if not phrase or "." in phrase or "?" in phrase:
            raise ValueError(f"phrases: expected words without a dot, got {phrase!r}. A dot separates two phrases.")
    if not clean:
        raise ValueError("phrases: expected at least one, got none. Say what to look for.")
    return ". ".join(clean) + "."


def sub_sentences(
    input_ids: Int[Tensor, "b t"], separators: Sequence[int]
) -> tuple[Bool[Tensor, "b t t"], Int[Tensor, "b t"]]:
    """Who may read whom, and where in its sub-sentence each token stands.

    A sub-sentence is what ends with a separator, and the separator belongs to it. Every token reads itself. What no
    separator ends, or only one in the very last place of the row, reads nothing but itself, and stands at 0: a prompt
    without its final dot falls apart, unless padding stands behind it.

    >>> attends, positions = sub_sentences(torch.tensor([[101, 7, 8, 1012, 9, 1012, 102]]), (101, 102, 1012))
    >>> positions.tolist(), attends[0, 1].int().tolist()
    ([[0, 0, 1, 2, 0, 1, 0]], [0, 1, 1, 1, 0, 0, 0])
    """
    t, device = input_ids.shape[1], input_ids.device
    here = torch.arange(t, device=device).expand_as(input_ids)
    ends = torch.isin(input_ids, torch.tensor(separators, device=device))
    end = here.masked_fill(~ends, t).flip(1).cummin(1).values.flip(1)  # of the sub-sentence that a token belongs to
    before = here.masked_fill(~ends, -1).cummax(1).values.roll(1, 1)
    before[:, 0] = -1
    whole = (end > 0) & (end < t - 1)
    attends = (end[:, :, None] == end[:, None]) & whole[:, None]
    return attends | torch.eye(t, dtype=torch.bool, device=device), ((here - before - 1) * whole).clamp(min=0)


def phrase_tokens(input_ids: Int[Tensor, " t"], separators: Sequence[int], padding: int = 0) -> Bool[Tensor, "p t"]:
    """For each of the p phrases of a prompt the tokens that it consists of, without its separator.

    >>> phrase_tokens(torch.tensor([101, 7, 8, 1012, 9, 1012, 102, 0]), (101, 102, 1012)).int().tolist()
    [[0, 1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0, 0]]
    """
    apart = torch.isin(input_ids, torch.tensor([*separators, padding], device=input_ids.device))
    group = apart.cumsum(0).masked_fill(apart, 0)
    return group == group.unique()[(group == 0).any().long() :, None]
