import math

import pytest
import torch
from torch.testing import assert_close

from gk_utils.segment_anything.mask_losses import dice_loss, least_loss, mask_iou, mask_loss, soft_focal_loss, to_side


class TestSoftFocalLoss:
    def test_by_hand(self):
        # p = 0.75 against a cell that is covered by half: (1/4)^2 times the cross-entropy.
        logit = math.log(3)
        want = (-0.5 * math.log(0.75) - 0.5 * math.log(0.25)) / 16
        assert soft_focal_loss(torch.full((1, 2, 2), logit), torch.full((1, 2, 2), 0.5)).item() == pytest.approx(want)

    def test_is_the_focal_loss_for_hard_truths(self):
        from torchvision.ops import sigmoid_focal_loss

        generator = torch.Generator().manual_seed(0)
        logits = torch.randn(3, 5, 6, generator=generator)
        truth = (torch.rand(3, 5, 6, generator=generator) > 0.5).float()
        want = sigmoid_focal_loss(logits, truth, alpha=-1, gamma=2).mean((1, 2))
        assert_close(soft_focal_loss(logits, truth), want)

    def test_is_least_where_the_share_is_right(self):
        logits = torch.linspace(-3, 3, 61)[:, None, None]
        lost = soft_focal_loss(logits, torch.full((61, 1, 1), 0.3))
        assert logits[lost.argmin()].sigmoid().item() == pytest.approx(0.3, abs=0.02)

    def test_gradient(self):
        logits = torch.randn(1, 2, 2, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda x: soft_focal_loss(x, torch.full_like(x, 0.2)), logits)


class TestDiceLoss:
    def test_extremes(self):
        truth = torch.zeros(1, 10, 10)
        truth[:, :5] = 1
        assert dice_loss(100 * truth - 50, truth).item() == pytest.approx(0, abs=1e-6)
        assert dice_loss(50 - 100 * truth, truth).item() == pytest.approx(1 - 1 / 101)

    def test_two_empty_masks_agree(self):
        assert dice_loss(torch.full((1, 4, 4), -50.0), torch.zeros(1, 4, 4)).item() == pytest.approx(0)


class TestMaskLoss:
    def test_twenty_to_one(self):
        logits, truth = torch.randn(2, 3, 3), torch.rand(2, 3, 3)
        assert_close(mask_loss(logits, truth), 20 * soft_focal_loss(logits, truth) + dice_loss(logits, truth))


class TestLeastLoss:
    def test_the_best_alone_learns(self):
        truth = torch.zeros(2, 4, 4)
        truth[:, :2] = 1
        logits = torch.zeros(2, 3, 4, 4)
        logits[0, 1] = logits[1, 2] = 4 * truth[0] - 2
        logits.requires_grad_()
        least_loss(logits, truth).sum().backward()
        assert (logits.grad.abs().sum((2, 3)) > 0).tolist() == [[False, True, False], [False, False, True]]

    def test_is_the_least(self):
        logits, truth = torch.randn(5, 3, 4, 4), torch.rand(5, 4, 4)
        each = torch.stack([mask_loss(logits[:, k], truth) for k in range(3)])
        assert_close(least_loss(logits, truth), each.amin(0))


class TestMaskIou:
    def test_against_a_loop(self):
        generator = torch.Generator().manual_seed(0)
        masks, truth = (torch.rand(4, 2, 5, 6, generator=generator) > 0.5 for _ in range(2))
        want = [
            [((a & b).sum() / (a | b).sum()).item() for a, b in zip(*pair, strict=True)]
            for pair in zip(masks, truth, strict=True)
        ]
        assert_close(mask_iou(masks, truth), torch.tensor(want))

    def test_two_empty_masks(self):
        assert mask_iou(torch.zeros(1, 2, 2, dtype=torch.bool), torch.zeros(1, 2, 2, dtype=torch.bool)).tolist() == [0]


class TestToSide:
    def test_an_edge_lands_between_cells(self):
        # Left cell inside by 3, right cell outside by 1: the edge is three quarters of the way between their centres.
        finer = to_side(torch.tensor([[[[3.0, -1.0], [3.0, -1.0]]]]), 16)[0, 0, 0] > 0
        assert int(finer.sum()) == 4 + 6
