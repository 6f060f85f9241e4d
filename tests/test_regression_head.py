import pytest
import torch

from gk_utils.box_regression import box_loss
from gk_utils.boxes import paired_iou, xyxy_to_cxcywh
from gk_utils.heads.lookups import Lookups
from gk_utils.heads.regression_head import RegressionHead

BOXES = torch.tensor([[0.1, 0.2, 0.5, 0.6], [0.0, 0.0, 1.0, 1.0], [0.3, 0.3, 0.3, 0.9], [0.0, 0.0, 0.0, 0.0]])
KINDS = ("query", "reference", "pooled")


@pytest.fixture
def lookups() -> Lookups:
    features = torch.randn(4, 9 + 3, 16, generator=torch.Generator().manual_seed(0))
    words = torch.tensor([[True, True, True], [True, False, False], [True, True, False], [True, True, True]])
    return Lookups(features, words, BOXES, torch.tensor([True, True, True, False]), torch.zeros(4))


def corners(boxes: torch.Tensor) -> torch.Tensor:
    """Centre and size to corners."""
    return torch.cat([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1)


def head_of(kind: str) -> RegressionHead:
    torch.manual_seed(0)
    return RegressionHead(16, kind, heads=2)


class TestLoss:
    @pytest.mark.parametrize("kind", KINDS)
    def test_the_mean_over_layers_of_detrs_loss(self, kind: str, lookups: Lookups):
        head, there = head_of(kind), lookups[:3]
        layers = head.inner(there.features, there.words_seen).layers_cxcywh
        assert len(layers) == (1 if kind == "pooled" else 2)
        each = torch.stack([box_loss(boxes, xyxy_to_cxcywh(BOXES[:3])) for boxes in layers])
        found = head.loss(lookups)
        torch.testing.assert_close(found["loss"], each.mean())
        last = torch.stack(
            [paired_iou(box[None], truth[None]) for box, truth in zip(corners(layers[-1]), BOXES[:3], strict=True)]
        )
        torch.testing.assert_close(found["iou"], last.mean())

    def test_nothing_to_learn_from(self, lookups: Lookups):
        nobody = Lookups(lookups.features, lookups.words_seen, BOXES, torch.zeros(4, dtype=torch.bool), lookups.none)
        loss = head_of("query").loss(nobody)["loss"]
        loss.backward()
        assert loss == 0

    def test_unknown_kind(self, unhooked):
        with pytest.raises(ValueError, match="kind: expected .*'query'.*got 'slot'"):
            RegressionHead(16, "slot")


class TestAnswer:
    @pytest.mark.parametrize("kind", KINDS)
    def test_it_learns_three_boxes(self, kind: str, lookups: Lookups):
        head = head_of(kind)
        optimizer = torch.optim.Adam(head.parameters(), 1e-2)
        for _ in range(120):
            optimizer.zero_grad()
            head.loss(lookups)["loss"].backward()
            optimizer.step()
        answered = head.answer(lookups, (128, 64))
        scale = torch.tensor([64.0, 128.0, 64.0, 128.0])
        assert paired_iou(answered.boxes[:2], (BOXES * scale)[:2]).min() > 0.8
        assert answered.readable.all()
        assert answered.texts is None
