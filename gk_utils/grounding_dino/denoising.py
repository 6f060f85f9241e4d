"""Contrastive denoising: training adds true boxes with noise to the queries, and asks for the boxes without it.

Matching is a moving target: early on a query is given another thing at every step. A noised box knows which thing it
came from, so its lesson is the same every time. Each true box appears twice in a group: once with little noise, to be
put right, and once with much, to be turned down. Query selection hands over many boxes near a thing: this is how the
decoder learns to say yes to one of them and no to the others.

Source: Zhang et al. 2022 (DINO), arXiv:2203.03605, section 3.3; code IDEA-Research/DINO at 66d7173,
models/dino/dn_components.py. DINO's query is an embedding of the class, flipped now and then; here, where classes are
words, it is what the prompt says of the thing, or of another thing.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gk_utils.boxes import cxcywh_to_xyxy, xyxy_to_cxcywh
from gk_utils.grounding_dino.cross_decoder import Decoded
from gk_utils.grounding_dino.dino_settings import GroundingDinoSettings
from gk_utils.grounding_dino.set_loss import Targets, focal_loss, set_losses

FLIPPED = 0.25  # share of the queries that are told the words of another thing
NOISE = 1.0  # a corner moves by up to this many half sides; between one and two for a box to turn down


@dataclass(frozen=True, eq=False)
class Noised:
    """What is added to the queries: m = groups x 2 x n of them, in each group the n to put right come first.

    Attributes:
        contents: (b m d) what each is told of its thing.
        references: (b m 4) the noised box, cxcywh.
        attends: (b m+q m+q) who reads whom: a group itself, the q real queries each other; nobody a padded one.
        groups: how many.
    """

    contents: Float[Tensor, "b m d"]
    references: Float[Tensor, "b m 4"]
    attends: Bool[Tensor, "b a a"]
    groups: int


class Denoiser(nn.Module):
    """Makes the noised queries; what they are told is a linear function of the words."""

    def __init__(self, settings: GroundingDinoSettings) -> None:
        super().__init__()
        self.groups = settings.denoising_groups
        self.tell = nn.Linear(settings.width, settings.width)

    def forward(self, targets: Targets, words: Float[Tensor, "b t d"], queries: int) -> Noised:
        """Noise drawn from torch's own generator, for the things of b pictures and their enhanced words."""
        n, copies = targets.exists.shape[1], 2 * self.groups
        share = targets.tokens / targets.tokens.sum(-1, keepdim=True).clamp(min=1)
        told = (share.to(words) @ words).repeat(1, copies, 1)  # b m d
        m, device = copies * n, words.device
        flip = torch.rand(told.shape[:2], device=device) < FLIPPED
        other = torch.randint(max(n, 1), told.shape[:2], device=device)
        other = torch.where(flip & targets.exists.gather(1, other), other, torch.arange(m, device=device) % max(n, 1))
        contents = self.tell(told[:, :n].gather(1, other[..., None].expand_as(told)) if n else told)
        boxes = targets.boxes_cxcywh.repeat(1, copies, 1)
        far = (torch.arange(m, device=device) // max(n, 1)) % 2
        return Noised(contents, noised_boxes(boxes, far), self._attends(targets.exists, queries), self.groups)

    def _attends(self, exists: Bool[Tensor, "b n"], queries: int) -> Bool[Tensor, "b a a"]:
        b, n = exists.shape
        group = torch.arange(self.groups, device=exists.device).repeat_interleave(2 * n)
        group = torch.cat([group, group.new_full((queries,), -1)])
        real = torch.cat([exists.repeat(1, 2 * self.groups), exists.new_ones(b, queries)], 1)
        together = (group[:, None] == group) & real[:, None]
        return together | torch.eye(len(group), dtype=torch.bool, device=exists.device)


def noised_boxes(boxes_cxcywh: Float[Tensor, "b m 4"], far: Int[Tensor, " m"]) -> Float[Tensor, "b m 4"]:
    """Boxes whose corners moved by up to NOISE half sides, or where `far` is 1 by between one and two times that.

    The corners are cut at the picture's border. Those of a far box may pass each other: it becomes a line or a point,
    for put in order it could look much like the true one.
    """
    half = boxes_cxcywh[..., 2:].repeat(1, 1, 2) / 2
    part = torch.rand_like(boxes_cxcywh) + far[:, None]
    sign = torch.randint_like(boxes_cxcywh, 2) * 2 - 1
    boxes = xyxy_to_cxcywh((cxcywh_to_xyxy(boxes_cxcywh) + NOISE * part * sign * half).clamp(0, 1))
    return torch.cat([boxes[..., :2], boxes[..., 2:].clamp(min=0)], -1)


def denoising_losses(noised: Noised, denoised: Decoded, targets: Targets) -> dict[str, Float[Tensor, " l"]]:
    """Class, l1 and giou of each decoder layer, per true box: put the near boxes right, fit the far ones to nothing."""
    b, n = targets.exists.shape
    logits = denoised.logits.float().unflatten(2, (noised.groups, 2, n)).permute(0, 3, 1, 2, 4, 5)  # l 2 b g n t
    boxes = denoised.boxes_cxcywh.float().unflatten(2, (noised.groups, 2, n))[:, :, :, 0]  # l b g n 4
    every = Targets(*(x.repeat_interleave(noised.groups, 0) for x in vars(targets).values()))  # b*g of them
    own = torch.arange(n, device=logits.device).expand(len(logits), b * noised.groups, n)
    # A padded thing counts nowhere, not even as something to turn down.
    logits = logits.masked_fill(~targets.exists[:, None, :, None], -torch.inf)
    near, away = logits.unbind(1)
    losses = set_losses(near.flatten(1, 2), boxes.flatten(1, 2), every, own)
    turned_down = focal_loss(away, torch.zeros_like(away, dtype=torch.bool)).flatten(1).sum(1)
    losses["class"] = losses["class"] + turned_down / every.exists.sum().clamp(min=1)
    return losses
