"""First weights that speak one language: a patch begins as the sum of the words that the trunk says of it.

LLaVA first trains its projector alone, so that features of patches land among the embeddings of words. The trunk of
the course says its labels in words, so the same start can be written down: a patch begins as the embeddings of its
category, its colour, its size ... plus its box as numbers; a bracket of a question begins as the same numbers; and the
heads that will be guided begin by comparing like with like and by passing on what they see. All of it is then learned.

Source: two stages of training in Liu et al. 2023, arXiv:2304.08485, section 4.2 (the first aligns the projector).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gk_utils.models.trunk import LABELS
from gk_utils.models.vlm import VisionLanguageModel
from gk_utils.shikra.surest_patches import SAYS
from gk_utils.shikra.talk_embedding import TalkEmbedding
from gk_utils.shikra.talk_tokens import FREQUENCIES, TalkTokens

BIAS = 3.0  # a GELU this far to the right is a straight line
WORD, PLACE, REST = 0.5, 0.5, 0.1  # how loud a label's word, a coordinate, and everything else begin
PASS = 0.2  # of what a guided head sees, and is handed on
NUMBERS = 4 * 2 * len(FREQUENCIES)  # waves of a box


@torch.no_grad()
def align(model: VisionLanguageModel, tokens: TalkTokens, guided: tuple[int, int], generator: torch.Generator) -> None:
    """Set the first weights of a decoder over `see_patches`, in place.

    Needs a width of at least the labels and the waves of a box together; a narrower model is left as it is.
    """
    width = model.settings.width
    used = SAYS + NUMBERS
    if width < used:
        return
    first, last = model.projector[0], model.projector[2]
    start = model.settings.feature_width - SAYS - NUMBERS // 2 * 3
    maps = box_maps(width, generator)
    first.weight[:used] = 0
    first.weight[torch.arange(used), start + torch.arange(used)] = 1.0
    first.bias[:used] = BIAS
    last.weight *= REST
    last.weight[:, :SAYS] = label_words(model.embedding.weight, tokens)
    last.weight[:, SAYS:used] = maps
    last.bias.copy_(-BIAS * last.weight[:, :used].sum(1))
    if isinstance(model.embedding, TalkEmbedding):
        model.embedding.place.weight.copy_(maps)
        model.embedding.place.bias.zero_()
    for index in guided:
        layer = model.layers[index]
        nn.init.orthogonal_(layer.query.weight, generator=generator)
        layer.key.weight.copy_(layer.query.weight)
        layer.value.weight.copy_(torch.eye(width))
        layer.project.weight.copy_(PASS * torch.eye(width))


def label_words(embeddings: Float[Tensor, "v d"], tokens: TalkTokens) -> Float[Tensor, "d l"]:
    """For each value of each of the trunk's labels the direction of its words, of length WORD; zeros for "none"."""
    columns = []
    for values in LABELS.values():
        for value in values:
            if value is None:
                columns.append(torch.zeros(embeddings.shape[1]))
            else:
                mean = embeddings[[tokens.encode(word)[0] for word in value.split()]].mean(0)
                columns.append(WORD * mean / mean.norm().clamp(min=1e-6))
    return torch.stack(columns, 1)


def box_maps(width: int, generator: torch.Generator) -> Float[Tensor, "d w"]:
    """A random map of the waves of a box: other directions for each coordinate, each coordinate of length PLACE."""
    spread = torch.randn(width, NUMBERS, generator=generator) / width**0.5
    return PLACE / len(FREQUENCIES) ** 0.5 * spread
