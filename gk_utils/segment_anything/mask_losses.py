"""How wrong masks are: focal and dice loss, least of several masks, and the IoU that the quality head should have said.

The truth is what share of each cell the object covers, so that a mask of coarse cells can still say where an edge runs:
the focal loss is the one for such soft truths.

Source: Kirillov et al. 2023, "Segment Anything", arXiv:2304.02643, appendix A: focal and dice 20 to 1, the error of the
quality head with weight 1, of several masks the best alone learns. Soft focal loss: Li et al. 2020, "Generalized focal
loss", arXiv:2006.04388, equation 6. Dice loss: Milletari et al. 2016, "V-Net", arXiv:1606.04797, section 3.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

FOCAL, DICE = 20.0, 1.0


def soft_focal_loss(logits: Float[Tensor, "*n h w"], truth: Float[Tensor, "*n h w"]) -> Float[Tensor, "*n"]:
    """The mean over cells of cross-entropy times the squared error: what is nearly right counts little.

    Args:
        logits: of "inside".
        truth: covered share of each cell, in [0, 1].

    >>> round(soft_focal_loss(torch.zeros(1, 1, 1), torch.ones(1, 1, 1)).item(), 4)  # 0.5 ** 2 * ln 2
    0.1733
    """
    lost = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return ((logits.sigmoid() - truth) ** 2 * lost).mean((-2, -1))


def dice_loss(logits: Float[Tensor, "*n h w"], truth: Float[Tensor, "*n h w"]) -> Float[Tensor, "*n"]:
    """1 - (2 overlap + 1) / (sum of both + 1): an error on a small object costs as much as one on a large one.

    >>> dice_loss(torch.full((1, 1, 2), 50.0), torch.tensor([[[1.0, 0.0]]]))  # 1 - 3 / 4
    tensor([0.2500])
    """
    inside = logits.sigmoid()
    both = (inside * truth).sum((-2, -1))
    return 1 - (2 * both + 1) / (inside.sum((-2, -1)) + truth.sum((-2, -1)) + 1)


def mask_loss(logits: Float[Tensor, "*n h w"], truth: Float[Tensor, "*n h w"]) -> Float[Tensor, "*n"]:
    """Focal and dice loss of each mask, weighed as in the paper."""
    return FOCAL * soft_focal_loss(logits, truth) + DICE * dice_loss(logits, truth)


def least_loss(logits: Float[Tensor, "n m h w"], truth: Float[Tensor, "n h w"]) -> Float[Tensor, " n"]:
    """The loss of the best of m masks of each prompt; the others learn nothing from it.

    >>> masks = torch.tensor([[[[9.0]], [[-9.0]]]])
    >>> least_loss(masks, torch.ones(1, 1, 1)).item() == mask_loss(masks[:, 0], torch.ones(1, 1, 1)).item()
    True
    """
    with torch.no_grad():
        best = mask_loss(logits, truth[:, None].expand_as(logits)).argmin(1)
    return mask_loss(logits[torch.arange(len(logits), device=logits.device), best], truth)


def mask_iou(masks: Bool[Tensor, "*n h w"], truth: Bool[Tensor, "*n h w"]) -> Float[Tensor, "*n"]:
    """IoU of masks, pair by pair; 0 where both are empty.

    >>> mask_iou(torch.tensor([[[True, True, False]]]), torch.tensor([[[False, True, True]]]))
    tensor([0.3333])
    """
    inside, true = masks.flatten(-2).float(), truth.flatten(-2).float()
    both = (inside * true).sum(-1)
    return both / (inside.sum(-1) + true.sum(-1) - both).clamp(min=1)


def to_side(logits: Float[Tensor, "n m h w"], side: int) -> Float[Tensor, "n m side side"]:
    """Logits at another resolution, between cells linearly: what turns a coarse mask into one with smooth edges."""
    return functional.interpolate(logits, (side, side), mode="bilinear", align_corners=False)
