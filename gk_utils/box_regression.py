"""Regression heads: a box as four real numbers from features of patches and words; its losses; and the matching.

Losses take boxes of any frame (pixels, unit), the same for both arguments; they are a scalar, or (n) with
`reduction="none"`. The mean over no boxes is 0, half precision becomes float32. Heads and the matching follow DETR:
`boxes_cxcywh` are centre and size as fractions of the picture. Lengths that differ, an unknown reduction, and what is
no box where boxes are wanted raise ValueError; the message names the row.

Source: smooth-L1, Girshick, "Fast R-CNN", ICCV 2015, equation 3; GIoU, Rezatofighi et al. 2019, arXiv:1902.09630; DIoU,
Zheng et al. 2020, arXiv:1911.08287; matching, box loss, Carion et al. 2020, arXiv:2005.12872, section 3.1, code
facebookresearch/detr at e42a3b1, models/detr.py; references and deltas, Zhu et al. 2021, arXiv:2010.04159, code
fundamentalvision/Deformable-DETR at 1212c97, models/deformable_detr.py. Notebook: 04.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from gk_utils.boxes import clip_boxes, cxcywh_to_xyxy, paired_diou, paired_giou, paired_iou, pairwise_giou
from gk_utils.errors import check_boxes, check_choice, check_same_length
from gk_utils.frames import Frame

Reduction = Literal["mean", "sum", "none"]
CLASS_WEIGHT, L1_WEIGHT, GIOU_WEIGHT = 1, 5, 2  # DETR's, in the matching; the last two in the box loss too
Boxes, Losses = Float[Tensor, "n 4"], Float[Tensor, "*n"]
Features, WordsSeen = Float[Tensor, "b n d"], Bool[Tensor, "b t"]
Asking, Shares = Float[Tensor, "b q d"], Float[Tensor, "b h q n"]


def l1_loss(boxes: Boxes, truth: Boxes, reduction: Reduction = "mean") -> Losses:
    """Sum of the four absolute differences, in any one spelling of boxes; no gradient in a number that is right.

    `torch.nn.functional.l1_loss` takes the mean over all 4 n numbers; this one, like DETR, over the n boxes.

    >>> l1_loss(torch.tensor([[10.0, 0, 20, 10]]), torch.tensor([[0.0, 0, 10, 10]]))
    tensor(20.)
    """
    return _reduced(_apart(boxes, truth).sum(-1), reduction)


def smooth_l1_loss(boxes: Boxes, truth: Boxes, reduction: Reduction = "mean", *, beta: float = 1.0) -> Losses:
    """L1 with a parabola inside of `beta`: x^2 / (2 beta) there and |x| - beta / 2 outside, summed over the four.

    `beta` has the unit of the boxes: 1 is one pixel, or the whole picture. Raises ValueError unless it is above 0.
    """
    if not beta > 0:
        raise ValueError(f"beta: expected a number above 0, got {beta}. Without a parabola it is l1_loss.")
    apart = _apart(boxes, truth)
    return _reduced(torch.where(apart < beta, apart**2 / (2 * beta), apart - beta / 2).sum(-1), reduction)


def iou_loss(boxes: Boxes, truth: Boxes, reduction: Reduction = "mean") -> Losses:
    """1 - IoU of xyxy boxes, in [0, 1]: 1 and no gradient for boxes that are apart, however far."""
    return _reduced(1 - paired_iou(boxes, truth), reduction)


def giou_loss(boxes: Boxes, truth: Boxes, reduction: Reduction = "mean") -> Losses:
    """1 - GIoU of xyxy boxes, in [0, 2); a hull without area gives 1, with a finite gradient.

    >>> giou_loss(torch.tensor([[20.0, 0, 30, 10]]), torch.tensor([[0.0, 0, 10, 10]]))
    tensor(1.3333)
    """
    return _reduced(1 - paired_giou(boxes, truth), reduction)


def diou_loss(boxes: Boxes, truth: Boxes, reduction: Reduction = "mean") -> Losses:
    """1 - DIoU of xyxy boxes, in [0, 2); two equal points give 1. Nested boxes still feel their centres."""
    return _reduced(1 - paired_diou(boxes, truth), reduction)


def box_loss(boxes_cxcywh: Boxes, truth_cxcywh: Boxes, reduction: Reduction = "mean") -> Losses:
    """DETR's loss of matched boxes: 5 times L1 of centres and sizes plus 2 times 1 - GIoU of the corners."""
    giou = giou_loss(cxcywh_to_xyxy(boxes_cxcywh), cxcywh_to_xyxy(truth_cxcywh), reduction)
    return L1_WEIGHT * l1_loss(boxes_cxcywh, truth_cxcywh, reduction) + GIOU_WEIGHT * giou


def loss_gradients(loss: Callable[..., Tensor], boxes: Boxes, truth: Boxes) -> Boxes:
    """The gradient of each box's own loss with respect to its four numbers: a step against it is what training does."""
    with torch.enable_grad():
        leaf = boxes.detach().clone().requires_grad_()
        return torch.autograd.grad(loss(leaf, truth, reduction="sum"), leaf)[0]


def boxes_at_l1(truth: Float[Tensor, "4"], distance: float, directions: Boxes) -> Boxes:
    """Boxes whose L1 from `truth` is `distance`, one in each direction (how x1, y1, x2, y2 move against each other).

    Raises ValueError for a direction of zeros, and where a box turns inside out.

    >>> shifted_grown = torch.tensor([[1.0, 0, 1, 0], [-1, -1, 1, 1]])
    >>> boxes_at_l1(torch.tensor([0.0, 0, 10, 10]), 20, shifted_grown).tolist()
    [[10.0, 0.0, 20.0, 10.0], [-5.0, -5.0, 15.0, 15.0]]
    """
    boxes = truth + distance * directions / directions.abs().sum(-1, keepdim=True)
    check_boxes(boxes, "the boxes at this distance")
    return boxes


def matching_cost(
    logits: Float[Tensor, "q k"], boxes_cxcywh: Float[Tensor, "q 4"], classes: Int[Tensor, " n"], truth_cxcywh: Boxes
) -> Float[Tensor, "q n"]:
    """What it costs query i to answer for truth j of one picture: class, L1 and GIoU with DETR's weights.

    The class counts as minus the softmax's share of the true one: bounded, like the others. Constants are left out.

    >>> one = torch.tensor([[0.5, 0.5, 0.2, 0.2]])
    >>> matching_cost(torch.zeros(1, 2), one, torch.tensor([1]), one)
    tensor([[-2.5000]])
    """
    check_same_length(logits, boxes_cxcywh, ("logits", "boxes_cxcywh"))
    check_same_length(classes, truth_cxcywh, ("classes", "truth_cxcywh"))
    apart = (_wide(boxes_cxcywh)[:, None] - _wide(truth_cxcywh)).abs().sum(-1)  # q n
    shares = _wide(logits).softmax(-1)[:, classes]
    giou = pairwise_giou(cxcywh_to_xyxy(boxes_cxcywh), cxcywh_to_xyxy(truth_cxcywh))
    return L1_WEIGHT * apart - CLASS_WEIGHT * shares - GIOU_WEIGHT * giou


def hungarian_match(cost: Float[Tensor, "q n"]) -> tuple[Int[Tensor, " m"], Int[Tensor, " m"]]:
    """The one-to-one matching of least total cost: m = min(q, n) queries, rising, and the truth of each.

    >>> hungarian_match(torch.tensor([[1.0, 2.0], [9.0, 9.0], [0.0, 9.0]]))
    (tensor([0, 2]), tensor([1, 0]))
    """
    bad = (~cost.isfinite()).any(1).nonzero().flatten().tolist()
    if bad:
        raise ValueError(
            f"cost: expected finite numbers, got row {bad[0]} = {cost[bad[0]].tolist()}. Look at its logits."
        )
    pairs = linear_sum_assignment(cost.detach().cpu().double().numpy())
    return torch.from_numpy(pairs[0]).to(cost.device), torch.from_numpy(pairs[1]).to(cost.device)


@dataclass(frozen=True, eq=False)
class Regressed:
    """What a head makes of b expressions, each of its own picture with p patches and t words, n = p + t.

    Attributes:
        layers_cxcywh: (l b 4) the box after each layer, in (0, 1); the last is the answer, training looks at all.
        shares: (b n) how much of what the last layer read came from each patch and word; sums to 1.
    """

    layers_cxcywh: Float[Tensor, "l b 4"]
    shares: Float[Tensor, "b n"]

    def boxes(self, image_hw: tuple[float, float]) -> Float[Tensor, "b 4"]:
        """The answers as xyxy in pixels, cut at the border: a centre and a size may reach over it."""
        corners = cxcywh_to_xyxy(self.layers_cxcywh[-1])
        return clip_boxes(Frame.of_image(image_hw).unit().to_pixels(corners), image_hw)


class PooledHead(nn.Module):
    """The mean over all patches, then an MLP: it looks everywhere alike. Of the words it has what the patches read."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = _box_mlp(width)

    def forward(self, features: Features, words_seen: WordsSeen) -> Regressed:
        """As `QueryHead.forward`."""
        p = _seen(features, words_seen).shape[1] - words_seen.shape[1]
        boxes = _wide(self.mlp(features[:, :p].mean(1))).sigmoid()
        shares = boxes.new_zeros(features.shape[:2])
        shares[:, :p] = 1 / p
        return Regressed(boxes[None], shares)


class CrossLayer(nn.Module):
    """A transformer layer that reads elsewhere: attention to other positions, then an inner network, as residuals."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.norm = heads, nn.LayerNorm(width)
        self.query, self.key, self.value, self.project = (nn.Linear(width, width) for _ in range(4))
        inner = (nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.inner = nn.Sequential(*inner)

    def attend(self, asking: Asking, features: Features, seen: Bool[Tensor, "b n"]) -> tuple[Asking, Shares]:
        """What was read, and each head's shares, which sum to 1 over the positions that are `seen`."""
        query, key, value = (
            linear(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # b h q d/h, b h n d/h
            for linear, x in ((self.query, asking), (self.key, features), (self.value, features))
        )
        scores = query @ key.mT / query.shape[-1] ** 0.5
        shares = scores.masked_fill(~seen[:, None, None], torch.finfo(scores.dtype).min).softmax(-1)
        return self.project((shares @ value).transpose(1, 2).flatten(2)), shares

    def forward(self, x: Asking, features: Features, seen: Bool[Tensor, "b n"]) -> tuple[Asking, Shares]:
        """The positions afterwards, and the shares."""
        read, shares = self.attend(self.norm(x), features, seen)
        x = x + read
        return x + self.inner(x), shares


class QueryHead(nn.Module):
    """A learned query that looks at patches and words in several layers, and one MLP that says where, after each.

    >>> head = QueryHead(24, heads=2)
    >>> head(torch.zeros(2, 16 + 3, 24), torch.ones(2, 3, dtype=torch.bool)).boxes((64, 64)).shape
    torch.Size([2, 4])
    """

    def __init__(self, width: int, heads: int, layers: int = 2) -> None:
        super().__init__()
        self.query = nn.Parameter(0.02 * torch.randn(width))
        self.layers = nn.ModuleList(CrossLayer(width, heads) for _ in range(layers))
        self.mlp = nn.Sequential(nn.LayerNorm(width), *_box_mlp(width))

    def forward(self, features: Features, words_seen: WordsSeen) -> Regressed:
        """`features` are `Trunk.join(...)[0]`: n - t >= 1 patches, then t words; `words_seen` is False for padding."""
        seen, boxes = _seen(features, words_seen), []
        x = self.query.expand(len(features), 1, -1)
        for layer in self.layers:
            x, shares = layer(x, features, seen)
            boxes.append(_wide(self.mlp(x[:, 0])).sigmoid())
        return Regressed(torch.stack(boxes), _wide(shares).mean(1)[:, 0])


class ReferenceHead(QueryHead):
    """A query head that is told the box so far and says, before the sigmoid, by how much to move it.

    The first reference is learned, a small box in the middle; deltas begin at 0. As in Deformable DETR no gradient goes
    back through a box to the layers before: each learns from its own.
    """

    def __init__(self, width: int, heads: int, layers: int = 2) -> None:
        super().__init__(width, heads, layers)
        self.start = nn.Parameter(torch.tensor([0.0, 0.0, -2.0, -2.0]))
        self.place = nn.Sequential(nn.Linear(4, width), nn.GELU(), nn.Linear(width, width))
        nn.init.zeros_(self.mlp[-1].weight)
        nn.init.zeros_(self.mlp[-1].bias)

    def forward(self, features: Features, words_seen: WordsSeen) -> Regressed:
        """As `QueryHead.forward`."""
        seen, boxes = _seen(features, words_seen), []
        x = self.query.expand(len(features), 1, -1)
        reference = self.start.sigmoid().expand(len(features), 4)
        for layer in self.layers:
            x, shares = layer(x + self.place(reference.to(x))[:, None], features, seen)
            boxes.append((_wide(self.mlp(x[:, 0])) + inverse_sigmoid(reference)).sigmoid())
            reference = boxes[-1].detach()
        return Regressed(torch.stack(boxes), _wide(shares).mean(1)[:, 0])


def inverse_sigmoid(x: Float[Tensor, "*n"], eps: float = 1e-5) -> Float[Tensor, "*n"]:
    """log(x / (1 - x)) of numbers in [0, 1], both parts at least `eps`: finite at 0 and at 1.

    >>> inverse_sigmoid(torch.tensor([0.0, 0.5, 1.0]))
    tensor([-11.5129,   0.0000,  11.5129])
    """
    return (x.clamp(min=eps) / (1 - x).clamp(min=eps)).log()


def _box_mlp(width: int) -> nn.Sequential:
    linear = (nn.Linear(width, size) for size in (width, width, 4))
    return nn.Sequential(next(linear), nn.ReLU(), next(linear), nn.ReLU(), next(linear))


def _seen(features: Tensor, words_seen: Tensor) -> Tensor:
    (b, n), t = features.shape[:2], words_seen.shape[1]
    if t >= n:
        raise ValueError(f"words_seen: expected fewer than {n} words, got {t}. Features hold patches, then words.")
    return torch.cat([words_seen.new_ones(b, n - t), words_seen], 1)


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _apart(boxes: Tensor, truth: Tensor) -> Tensor:
    check_same_length(boxes, truth, ("boxes", "truth"))
    return (_wide(boxes) - _wide(truth)).abs()


def _reduced(values: Tensor, reduction: str) -> Tensor:
    check_choice(reduction, ("mean", "sum", "none"), "reduction")
    return values if reduction == "none" else values.sum() / (max(len(values), 1) if reduction == "mean" else 1)
