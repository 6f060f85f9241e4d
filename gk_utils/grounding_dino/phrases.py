"""From fits to phrases: two thresholds turn logits over tokens into boxes with words.

The box threshold keeps a query if its best token scores above it. The text threshold then says which tokens the box is
called by: all that score above it, read in their order. Nothing makes these tokens one phrase. A label may be cut
("chest" for "chest of drawers"), run together from two phrases, or be empty: `read_phrases` shows this as it is.
Whoever knows the phrases asked for gets one of them with `best_phrases`.

Source: code IDEA-Research/GroundingDINO at ed4c52e, groundingdino/util/utils.py, get_phrases_from_posmap; equal to
transformers' post_process_grounded_object_detection.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gk_utils.boxes import cxcywh_to_xyxy
from gk_utils.errors import check_hw, check_unit
from gk_utils.frames import Frame

Decode = Callable[[list[int]], str]  # token numbers -> text, as a tokenizer's decode


@dataclass(frozen=True, eq=False)
class Phrased:
    """The n boxes of one picture that passed the box threshold, in the order of the queries.

    Attributes:
        boxes: xyxy in pixels; they may stick out of the picture.
        scores: of each box its best token's, in [0, 1].
        phrases: what each is called.
    """

    boxes: Float[Tensor, "n 4"]
    scores: Float[Tensor, " n"]
    phrases: tuple[str, ...]


def read_phrases(
    logits: Float[Tensor, "q t"],
    boxes_cxcywh: Float[Tensor, "q 4"],
    input_ids: Int[Tensor, " t"],
    decode: Decode,
    image_hw: tuple[float, float],
    *,
    box_threshold: float = 0.25,
    text_threshold: float = 0.25,
) -> Phrased:
    """Read one picture's answer with both thresholds, separators and all; only the first token is never read.

    `logits` are minus infinity in padding. A threshold must be passed, not just reached.

    Raises:
        ValueError: a threshold outside of [0, 1].

    >>> words = {1: "[CLS]", 2: "red", 3: "mug", 4: "."}
    >>> read_phrases(
    ...     torch.tensor([[-9.0, -1, 2, -9], [-9, -9, -2, -9]]), torch.tensor([[0.5, 0.5, 1, 1]] * 2),
    ...     torch.tensor([1, 2, 3, 4]), lambda ids: " ".join(words[one] for one in ids), (10, 20)
    ... )
    Phrased(boxes=tensor([[ 0.,  0., 20., 10.]]), scores=tensor([0.8808]), phrases=('red mug',))
    """
    check_unit(torch.tensor([box_threshold, text_threshold]), "thresholds")
    scores = logits.sigmoid()
    best = scores.amax(-1)
    kept = best > box_threshold
    called = scores[kept] > text_threshold
    called[:, 0] = False
    phrases = tuple(decode(input_ids[row].tolist()) for row in called)
    return Phrased(_in_pixels(boxes_cxcywh[kept], image_hw), best[kept], phrases)


def best_phrases(
    logits: Float[Tensor, "q t"],
    boxes_cxcywh: Float[Tensor, "q 4"],
    tokens: Bool[Tensor, "p t"],
    phrases: Sequence[str],
    image_hw: tuple[float, float],
    *,
    box_threshold: float = 0.25,
) -> Phrased:
    """Read one picture's answer as one of the p phrases that were asked for: the one whose tokens score most.

    `tokens` says which token belongs to which phrase (see `prompts.phrase_tokens`). A phrase scores the mean of its
    tokens. Best box first.

    >>> one = torch.tensor([[0.5, 0.5, 1, 1]])
    >>> best_phrases(torch.tensor([[2.0, 0.0]]), one, torch.eye(2).bool(), ["mug", "cat"], (10, 20)).phrases
    ('mug',)
    """
    check_unit(torch.tensor([box_threshold]), "box_threshold")
    scores, which = phrase_scores(logits, tokens).max(-1)
    order = scores.argsort(descending=True, stable=True)
    order = order[scores[order] > box_threshold]
    named = tuple(phrases[number] for number in which[order].tolist())
    return Phrased(_in_pixels(boxes_cxcywh[order], image_hw), scores[order], named)


def phrase_scores(logits: Float[Tensor, "*b q t"], tokens: Bool[Tensor, "*b p t"]) -> Float[Tensor, "*b q p"]:
    """The mean score of each phrase's tokens, for each query.

    >>> phrase_scores(torch.tensor([[0.0, 0.0, -100.0]]), torch.tensor([[True, True, False], [False, True, True]]))
    tensor([[0.5000, 0.2500]])
    """
    share = tokens / tokens.sum(-1, keepdim=True).clamp(min=1)
    return logits.sigmoid() @ share.to(logits).mT


def _in_pixels(boxes_cxcywh: Float[Tensor, "n 4"], image_hw: tuple[float, float]) -> Float[Tensor, "n 4"]:
    check_hw(image_hw)
    return Frame.of_image(image_hw).unit().to_pixels(cxcywh_to_xyxy(boxes_cxcywh))
