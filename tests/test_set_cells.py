"""Set prediction by cells."""

import pytest
import torch

from gk_utils.counting.set_cells import best_threshold, boxes_of_cells, cell_loss, cell_targets

BOXES = torch.tensor([[8.0, 8, 16, 20], [40, 30, 60, 36], [0, 0, 6, 6]])


def said_by(boxes: torch.Tensor, image_hw: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """What a perfect network would say."""
    targets = cell_targets(boxes, image_hw)
    logits = torch.where(targets.owned, 8.0, -8.0)
    return logits, torch.cat([targets.sizes[:2].clamp(min=1).log(), targets.sizes[2:]])


class TestCellTargets:
    def test_by_hand(self):
        targets = cell_targets(BOXES[:1], (32, 32))
        assert targets.owned.nonzero().tolist() == [[3, 3]]  # the centre is (12, 14)
        assert targets.sizes[:, 3, 3].tolist() == [8.0, 12.0, 0.0, 0.5]
        assert targets.near[3, 3] == 1
        assert 0 < targets.near[3, 4] < 1

    def test_two_in_one_cell_are_one(self):
        two = torch.tensor([[8.0, 8, 16, 16], [9, 9, 16, 16]])
        targets = cell_targets(two, (32, 32))
        assert int(targets.owned.sum()) == 1
        assert targets.sizes[:2, 3, 3].tolist() == [7.0, 7.0]  # the later, nearer one
        assert int(cell_targets(2 * two, (64, 64)).owned.sum()) == 1
        assert int(cell_targets(two * 8, (256, 256)).owned.sum()) == 2  # 8 times the size: two cells

    def test_nothing(self):
        targets = cell_targets(torch.zeros(0, 4), (10, 10))
        assert targets.owned.shape == (3, 3)
        assert not targets.owned.any()
        assert targets.near.sum() == 0


class TestBoxesOfCells:
    def test_reads_back_what_the_targets_say(self):
        boxes, scores = boxes_of_cells(*said_by(BOXES, (64, 64)), 0.5)
        assert sorted(boxes.round(decimals=3).tolist()) == sorted(BOXES.tolist())
        assert (scores > 0.99).all()

    def test_duplicates_go(self):
        logits, sizes = said_by(BOXES[:1], (32, 32))
        logits[3, 4] = 2.0
        sizes[:2, 3, 4], sizes[2:, 3, 4] = sizes[:2, 3, 3], torch.tensor([0.0, 0.5])
        sizes[2, 3, 4] = -0.9  # held to the cell: the two boxes are 4 pixels apart
        sizes[:2, 3, 3:5] += 1
        boxes, _ = boxes_of_cells(logits, sizes, 0.5)
        assert len(boxes) == 1

    def test_nothing_there(self):
        boxes, scores = boxes_of_cells(torch.full((4, 4), -8.0), torch.zeros(4, 4, 4), 0.5)
        assert (boxes.shape, scores.shape) == ((0, 4), (0,))


class TestCellLoss:
    def test_truth_costs_nothing(self):
        targets = cell_targets(BOXES, (64, 64))
        logits, sizes = said_by(BOXES, (64, 64))
        parts = (targets.owned[None], targets.near[None], targets.sizes[None])
        focal, places = cell_loss(logits[None] * 5, sizes[None], *parts)
        assert (focal.item(), places.item()) == pytest.approx((0, 0), abs=1e-5)
        wrong, _ = cell_loss(-logits[None], sizes[None], *parts)
        assert wrong > 10

    def test_a_neighbour_costs_less_than_a_cell_far_away(self):
        targets = cell_targets(BOXES[:1], (64, 64))
        parts = (targets.owned[None], targets.near[None], targets.sizes[None])
        costs = []
        for cell in ((3, 4), (12, 12)):
            logits, sizes = said_by(BOXES[:1], (64, 64))
            logits[cell] = 3.0
            costs.append(cell_loss(logits[None], sizes[None], *parts)[0].item())
        assert costs[0] < costs[1]

    def test_gradient(self):
        logits = torch.zeros(1, 8, 8, requires_grad=True)
        targets = cell_targets(torch.zeros(0, 4), (32, 32))
        focal, _ = cell_loss(
            logits, torch.zeros(1, 4, 8, 8), targets.owned[None], targets.near[None], targets.sizes[None]
        )
        focal.backward()
        assert (logits.grad > 0).all()  # nothing is there: every score should fall


class TestBestThreshold:
    def test_by_hand(self):
        scores = [torch.tensor([0.9, 0.6, 0.32]), torch.tensor([0.62, 0.1])]
        assert 0.32 < best_threshold(scores, torch.tensor([2, 1])) <= 0.6
        assert best_threshold(scores, torch.tensor([1, 0])) > 0.62
        assert best_threshold(scores, torch.tensor([3, 2])) < 0.11

    def test_equals_a_loop(self):
        torch.manual_seed(0)
        scores, true = [torch.rand(9) for _ in range(5)], torch.tensor([3, 5, 1, 7, 2])
        grid = torch.linspace(0.1, 0.9, 9)
        chosen = best_threshold(scores, true, grid)

        def error(least: float) -> float:
            off = [abs(int((some >= least).sum()) - int(n)) / int(n) for some, n in zip(scores, true, strict=True)]
            return sum(off) / len(off)

        assert error(chosen) == pytest.approx(min(error(least) for least in grid.tolist()), abs=1e-6)
