"""Head B: four real numbers, by one of the heads of `box_regression`, trained with L1 and GIoU after every layer."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gk_utils.box_regression import PooledHead, QueryHead, ReferenceHead, box_loss
from gk_utils.boxes import cxcywh_to_xyxy, paired_iou, xyxy_to_cxcywh
from gk_utils.errors import check_choice
from gk_utils.heads.lookups import Answered, Lookups


class RegressionHead(nn.Module):
    """A regression head with its loss.

    >>> head = RegressionHead(24, heads=2, layers=1)
    >>> from gk_utils.heads.lookups import Lookups
    >>> seen = torch.ones(2, 3, dtype=torch.bool)
    >>> boxes = torch.tensor([[0.1, 0.1, 0.5, 0.5], [0.0, 0.0, 1.0, 1.0]])
    >>> lookups = Lookups(torch.zeros(2, 19, 24), seen, boxes, torch.tensor([True, True]), torch.zeros(2))
    >>> sorted(head.loss(lookups)), head.answer(lookups, (128, 128)).tokens.tolist()
    (['iou', 'loss'], [0, 0])
    """

    def __init__(
        self, width: int, kind: Literal["query", "reference", "pooled"] = "query", heads: int = 4, layers: int = 2
    ) -> None:
        """A head for features of this width; `heads` and `layers` are for the two kinds that have attention.

        Raises:
            ValueError: an unknown kind.
        """
        super().__init__()
        check_choice(kind, ("query", "reference", "pooled"), "kind")
        kinds = {"query": QueryHead, "reference": ReferenceHead}
        self.inner = PooledHead(width) if kind == "pooled" else kinds[kind](width, heads, layers)

    def loss(self, lookups: Lookups) -> dict[str, Float[Tensor, ""]]:
        """The mean loss over layers and expressions that mean something; and the mean IoU of the answers."""
        there = lookups[lookups.present]
        layers = self.inner(there.features, there.words_seen).layers_cxcywh
        truth = xyxy_to_cxcywh(there.boxes_unit).repeat(len(layers), 1)
        iou = paired_iou(cxcywh_to_xyxy(layers[-1]), there.boxes_unit).detach()
        return {"loss": box_loss(layers.flatten(0, 1), truth), "iou": iou.sum() / max(len(there), 1)}

    @torch.no_grad()
    def answer(self, lookups: Lookups, image_hw: tuple[float, float]) -> Answered:
        """A box for every expression, in pixels of a picture of this size."""
        boxes = self.inner(lookups.features, lookups.words_seen).boxes(image_hw)
        ones = torch.ones(len(boxes), dtype=torch.bool, device=boxes.device)
        return Answered(boxes, ones, torch.zeros_like(ones, dtype=torch.long))
