import pytest
import torch
from torch import Tensor
from torch.testing import assert_close
from torchvision.ops import sigmoid_focal_loss

from gk_utils.box_regression import hungarian_match
from gk_utils.grounding_dino.cross_decoder import Decoded
from gk_utils.grounding_dino.prompts import phrase_tokens
from gk_utils.grounding_dino.query_selection import Selected
from gk_utils.grounding_dino.set_loss import (
    Targets,
    assign,
    focal_loss,
    grounding_losses,
    matching_costs,
    set_losses,
    weighted,
)

IDS = torch.tensor([[101, 7, 8, 1012, 9, 1012, 102], [101, 7, 1012, 5, 1012, 102, 0]])
LABELS = [
    {"class_labels": torch.tensor([0, 1, 1]), "boxes": torch.tensor([[0.3] * 4, [0.6, 0.6, 0.3, 0.2], [0.2] * 4])},
    {"class_labels": torch.tensor([1]), "boxes": torch.tensor([[0.5, 0.4, 0.2, 0.6]])},
]
MAPS = [phrase_tokens(ids, (101, 102, 1012)) for ids in IDS]


def targets_of(labels: list[dict[str, Tensor]], n: int = 4) -> Targets:
    targets = Targets(torch.full((2, n, 4), 0.5), torch.zeros(2, n, 7).bool(), torch.zeros(2, n).bool())
    for row, label in enumerate(labels):
        many = len(label["boxes"])
        targets.boxes_cxcywh[row, :many] = label["boxes"]
        targets.tokens[row, :many] = MAPS[row][label["class_labels"]]
        targets.exists[row, :many] = True
    return targets


def said(layers: int = 3, seed: int = 0) -> Decoded:
    torch.manual_seed(seed)
    logits = torch.randn(layers, 2, 6, 7).masked_fill((IDS == 0)[:, None], -torch.inf).requires_grad_()
    return Decoded(logits, (0.1 + 0.3 * torch.rand(layers, 2, 6, 4)).requires_grad_())


def library_losses(decoded: Decoded) -> dict[str, Tensor]:
    """transformers' losses of the last layer; the others as auxiliary ones; the first again as the encoder's."""
    from transformers import GroundingDinoConfig
    from transformers.loss.loss_grounding_dino import GroundingDinoForObjectDetectionLoss

    config = GroundingDinoConfig(auxiliary_loss=True, decoder_layers=len(decoded.logits))
    seen = (IDS != 0)[:, None].expand(-1, 6, -1)
    total, parts, _ = GroundingDinoForObjectDetectionLoss(
        decoded.logits[-1],
        LABELS,
        "cpu",
        decoded.boxes_cxcywh[-1],
        config,
        tuple(one.long() for one in MAPS),
        seen,
        outputs_class=decoded.logits,
        outputs_coord=decoded.boxes_cxcywh,
        encoder_logits=decoded.logits[0],
        encoder_pred_boxes=decoded.boxes_cxcywh[0],
    )
    return {"total": total, **parts}


class TestGroundingLosses:
    def test_equal_to_transformers_layer_by_layer(self):
        """Of two pictures with two phrases each: with more or others, its label maps are taken from a wrong picture."""
        decoded = said()
        logits, boxes = decoded.logits[0], decoded.boxes_cxcywh[0]
        selected = Selected(
            torch.zeros(2, 6, 1), boxes, torch.zeros(2, 6).long(), logits, boxes, boxes[..., :1], boxes, logits
        )
        losses, want = grounding_losses(decoded, selected, targets_of(LABELS)), library_losses(decoded)
        names = ["_0", "_1", "", "_enc"]
        for ours, theirs in (("class", "ce"), ("l1", "bbox"), ("giou", "giou")):
            assert_close(losses[ours], torch.stack([want[f"loss_{theirs}{name}"] for name in names]))
        assert_close(weighted(losses).sum(), want["total"])

    def test_gradient_is_finite_where_a_logit_is_not(self):
        decoded = said(1)
        weighted(set_losses(*vars(decoded).values(), targets_of(LABELS), torch.zeros(1, 2, 4).long())).sum().backward()
        assert decoded.logits.grad.isfinite().all()
        assert (decoded.logits.grad[:, 1, :, -1] == 0).all()
        assert decoded.boxes_cxcywh.grad.abs().sum() > 0


class TestFocalLoss:
    def test_by_hand(self):
        """An even chance: 0.25 x 0.5^2 x ln 2 as a positive, three times that as a negative."""
        assert_close(focal_loss(torch.zeros(2), torch.tensor([True, False])), torch.tensor([0.0433217, 0.1299651]))

    def test_equals_torchvision(self):
        logits, positive = torch.randn(40, generator=torch.Generator().manual_seed(0)) * 4, torch.arange(40) % 3 == 0
        assert_close(focal_loss(logits, positive), sigmoid_focal_loss(logits, positive.float()))

    def test_minus_infinity_costs_nothing(self):
        logits = torch.tensor([-torch.inf], requires_grad=True)
        focal_loss(logits, torch.tensor([False])).sum().backward()
        assert_close(logits.grad, torch.zeros(1))


class TestMatchingCosts:
    def test_the_right_query_is_the_cheapest(self):
        """A query with the box and the tokens beats one with the box alone and one with the tokens alone."""
        targets = targets_of([LABELS[0], {"class_labels": torch.zeros(0).long(), "boxes": torch.zeros(0, 4)}])
        logits, boxes = torch.full((1, 2, 3, 7), -4.0), torch.full((1, 2, 3, 4), 0.8)
        logits[0, 0, [0, 2], 1:3] = 4.0
        boxes[0, 0, :2] = targets.boxes_cxcywh[0, 0]
        cost = matching_costs(logits, boxes, targets)
        assert cost[0, 0, 0, 0] < cost[0, 0, 1:, 0].min()
        assert (cost[0, 1] == 0).all()


class TestAssign:
    def test_equals_the_matching_one_by_one(self):
        torch.manual_seed(0)
        costs, exists = torch.randn(3, 4, 6, 5), torch.rand(4, 5) < 0.6
        exists[0] = False
        exists[1] = torch.arange(5) == 3
        found = assign(costs, exists)
        for layer in range(3):
            for picture in range(4):
                things = exists[picture].nonzero().flatten()
                rows, columns = hungarian_match(costs[layer, picture][:, things])
                assert_close(found[layer, picture, things[columns]], rows)
        assert (found[:, ~exists] == 0).all()

    def test_errors(self):
        with pytest.raises(ValueError, match="expected at most 2 things, one a query, got 3"):
            assign(torch.zeros(1, 1, 2, 3), torch.ones(1, 3).bool())
        with pytest.raises(ValueError, match="The model has diverged"):
            assign(torch.full((1, 1, 2, 1), torch.nan), torch.ones(1, 1).bool())


class TestSetLosses:
    def test_a_perfect_answer(self):
        targets = targets_of(LABELS)
        queries = torch.tensor([[[0, 1, 2, 0], [4, 0, 0, 0]]])
        logits, boxes = torch.full((1, 2, 6, 7), -30.0), torch.full((1, 2, 6, 4), 0.5)
        for picture, thing, query in ((0, 0, 0), (0, 1, 1), (0, 2, 2), (1, 0, 4)):
            logits[0, picture, query, targets.tokens[picture, thing]] = 30.0
            boxes[0, picture, query] = targets.boxes_cxcywh[picture, thing]
        for loss in set_losses(logits, boxes, targets, queries).values():
            assert_close(loss, torch.zeros(1), atol=1e-6, rtol=0)

    def test_padding_changes_nothing(self):
        decoded, queries = said(1), torch.tensor([[[3, 1, 2, 0], [4, 0, 0, 0]]])
        short = set_losses(*vars(decoded).values(), targets_of(LABELS, 4), queries)
        wide = torch.nn.functional.pad(queries, (0, 3))
        for name, loss in set_losses(*vars(decoded).values(), targets_of(LABELS, 7), wide).items():
            assert_close(loss, short[name])

    def test_nothing_to_find(self):
        """Every query learns that no token is its own."""
        decoded = said(1)
        none = Targets(torch.zeros(2, 0, 4), torch.zeros(2, 0, 7).bool(), torch.zeros(2, 0).bool())
        losses = set_losses(*vars(decoded).values(), none, torch.zeros(1, 2, 0).long())
        assert losses["class"] > 0
        assert_close((losses["l1"], losses["giou"]), (torch.zeros(1), torch.zeros(1)))
