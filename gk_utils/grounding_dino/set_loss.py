"""The loss of a set: each true box is given the one query that fits it best, and all other queries should fit nothing.

"Fits" counts both: the focal cost of the phrase's tokens, and L1 and GIoU of the boxes. The matched queries learn the
tokens of their phrase and the box, all others learn that no token is theirs. Every decoder layer, and the query
selection, is matched and taught on its own. The batch is one computation: only the assignment itself leaves the device.

Source: Liu et al. 2023, arXiv:2303.05499, section 3.5; matching: Carion et al. 2020, arXiv:2005.12872, section 3.1;
focal loss: Lin et al. 2017, arXiv:1708.02002, equation 5; equal to transformers' loss of Grounding DINO.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional

from gk_utils.box_regression import GIOU_WEIGHT, L1_WEIGHT, giou_loss, l1_loss
from gk_utils.boxes import cxcywh_to_xyxy
from gk_utils.grounding_dino.cross_decoder import Decoded
from gk_utils.grounding_dino.query_selection import Selected

CLASS_COST, CLASS_WEIGHT = 1, 2  # of the tokens, in the matching and in the loss
ALPHA, GAMMA = 0.25, 2  # focal loss: the share of the positives, and how much less the easy ones count


@dataclass(frozen=True, eq=False)
class Targets:
    """What there is to find in b pictures, at most n things each.

    Attributes:
        boxes_cxcywh: (b n 4) as fractions of the picture; anything in padding.
        tokens: (b n t) which tokens of the prompt speak of each thing.
        exists: (b n) False in padding.
    """

    boxes_cxcywh: Float[Tensor, "b n 4"]
    tokens: Bool[Tensor, "b n t"]
    exists: Bool[Tensor, "b n"]


def focal_loss(logits: Float[Tensor, "*n"], positive: Bool[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Binary cross-entropy in which what is already right counts little; 0 where the logit is minus infinity.

    >>> focal_loss(torch.tensor([0.0, 0.0]), torch.tensor([True, False]))
    tensor([0.0433, 0.1300])
    """
    real = logits.isfinite()
    logits = logits.masked_fill(~real, 0)
    positive = positive.to(logits.dtype)
    wrong = functional.binary_cross_entropy_with_logits(logits, positive, reduction="none")
    far = (positive - logits.sigmoid()).abs()
    return (ALPHA * positive + (1 - ALPHA) * (1 - positive)) * far**GAMMA * wrong * real


def matching_costs(
    logits: Float[Tensor, "l b q t"], boxes_cxcywh: Float[Tensor, "l b q 4"], targets: Targets
) -> Float[Tensor, "l b q n"]:
    """What it costs query i to answer for thing j, for every layer and picture.

    The class part is the mean over the tokens of the thing's phrase of the focal loss as a positive minus that as a
    negative. Padding costs 0.
    """
    score = logits.sigmoid()
    as_positive = ALPHA * (1 - score) ** GAMMA * -(score + 1e-8).log()
    as_negative = (1 - ALPHA) * score**GAMMA * -(1 - score + 1e-8).log()
    share = targets.tokens / targets.tokens.sum(-1, keepdim=True).clamp(min=1)  # b n t
    classes = (as_positive - as_negative) @ share.to(score).mT
    ours, true = torch.broadcast_tensors(boxes_cxcywh[:, :, :, None], targets.boxes_cxcywh[None, :, None])
    flat = [boxes.flatten(0, -2) for boxes in (ours, true)]
    apart = l1_loss(*flat, reduction="none").view_as(classes)
    giou = giou_loss(*map(cxcywh_to_xyxy, flat), reduction="none").view_as(classes)
    return (CLASS_COST * classes + L1_WEIGHT * apart + GIOU_WEIGHT * giou) * targets.exists[:, None]


def assign(costs: Float[Tensor, "l b q n"], exists: Bool[Tensor, "b n"]) -> Int[Tensor, "l b n"]:
    """The query of each thing by the cheapest one-to-one matching, in every layer and picture; 0 in padding.

    As `box_regression.hungarian_match`, many at once: one transfer from the device and one back.

    Raises:
        ValueError: a cost that is not finite, or more things than queries.
    """
    table, real = costs.detach().float().cpu().numpy(), exists.cpu().numpy()
    counts = real.sum(1)
    if counts.max(initial=0) > table.shape[2]:
        raise ValueError(
            f"targets: expected at most {table.shape[2]} things, one a query, got {counts.max()}. Use more queries."
        )
    if not np.isfinite(table).all():
        raise ValueError("costs: expected finite numbers, got others. The model has diverged: lower the learning rate.")
    queries = table.argmin(2) * real  # l b n: right where there is one thing
    for picture in (counts > 1).nonzero()[0]:
        (things,) = real[picture].nonzero()
        for layer in range(len(table)):
            rows, columns = linear_sum_assignment(table[layer, picture][:, things])
            queries[layer, picture, things[columns]] = rows
    return torch.from_numpy(queries).to(costs.device)


def set_losses(
    logits: Float[Tensor, "l b q t"],
    boxes_cxcywh: Float[Tensor, "l b q 4"],
    targets: Targets,
    queries: Int[Tensor, "l b n"],
) -> dict[str, Float[Tensor, " l"]]:
    """The three losses of each layer, as sums over the batch divided by the number of things: class, l1, giou.

    `queries` says which query answers for each thing (see `assign`). No things at all: class alone, divided by 1.
    """
    (layers, b, n), exists = queries.shape, targets.exists
    count = exists.sum().clamp(min=1)
    tokens = (targets.tokens & exists[..., None]).to(logits).expand(layers, -1, -1, -1)  # l b n t
    positive = torch.zeros_like(logits).scatter_add_(2, queries[..., None].expand_as(tokens), tokens)
    classes = focal_loss(logits, positive > 0).flatten(1).sum(1)
    ours = boxes_cxcywh.gather(2, queries[..., None].expand(-1, -1, -1, 4)).flatten(0, 2)
    true = targets.boxes_cxcywh.expand(layers, b, n, 4).flatten(0, 2)
    apart = l1_loss(ours, true, reduction="none").view(layers, b, n)
    giou = giou_loss(cxcywh_to_xyxy(ours), cxcywh_to_xyxy(true), reduction="none").view(layers, b, n)
    apart, giou = ((one * exists).flatten(1).sum(1) for one in (apart, giou))
    return {"class": classes / count, "l1": apart / count, "giou": giou / count}


def weighted(losses: dict[str, Float[Tensor, " l"]]) -> Float[Tensor, " l"]:
    """One number a layer, with the published weights: 2 x class + 5 x l1 + 2 x giou."""
    return CLASS_WEIGHT * losses["class"] + L1_WEIGHT * losses["l1"] + GIOU_WEIGHT * losses["giou"]


def grounding_losses(decoded: Decoded, selected: Selected, targets: Targets) -> dict[str, Float[Tensor, " m"]]:
    """The losses of all l decoder layers and, last, of the query selection: m = l + 1 of each kind.

    transformers 5.23 reads the selection's logits off the learned contents and the words before the enhancer, which
    teaches neither cells nor words; here, as in the paper's code, they are those that chose the queries.
    """
    logits = _wide(torch.cat([decoded.logits, selected.logits[None]]))
    boxes = _wide(torch.cat([decoded.boxes_cxcywh, selected.boxes_cxcywh[None]]))
    queries = assign(matching_costs(logits.detach(), boxes.detach(), targets), targets.exists)
    return set_losses(logits, boxes, targets, queries)


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
