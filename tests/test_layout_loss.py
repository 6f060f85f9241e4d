import torch
from torch.testing import assert_close

from gk_utils.contrastive.layout_loss import Where, layout_loss


class TestWhere:
    def test_by_hand(self):
        where = Where(2)
        with torch.no_grad():
            where.directions.weight.copy_(torch.tensor([[1.0, 0], [0, 0], [0, 0], [0, 1.0]]))
        found = where(torch.tensor([[0.2, -0.1]]), torch.tensor([[1.0, 2.0]]))
        assert_close(found, torch.tensor([[0.5 + 0.2, 0.7 - 0.2]]))


class TestLayoutLoss:
    def test_mean_distance_from_both_vectors(self):
        zeros, places = torch.zeros(1, 4), torch.tensor([[0.9, 0.7]])
        loss = layout_loss(Where(4), zeros, zeros, zeros, centres_unit=places, known=torch.tensor([True]))
        assert_close(loss.item(), 0.2)

    def test_nothing_known_is_0_with_a_gradient(self):
        where, zeros = Where(4), torch.zeros(1, 4)
        loss = layout_loss(where, zeros, zeros, zeros, centres_unit=torch.ones(1, 2), known=torch.tensor([False]))
        loss.backward()
        assert loss.item() == 0
        assert not where.middle.grad.any()

    def test_it_can_be_learned(self):
        """Pictures with a thing left or right: a few steps find the direction."""
        torch.manual_seed(0)
        where, phrase, places = Where(4), torch.ones(2, 4), torch.tensor([[0.1, 0.7], [0.9, 0.7]])
        vectors = torch.tensor([[1.0, 0, 0, 0], [0, 1.0, 0, 0]])
        optimizer = torch.optim.Adam(where.parameters(), 0.05)
        for _ in range(60):
            loss = layout_loss(where, vectors, vectors, phrase, centres_unit=places, known=torch.ones(2).bool())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert loss.item() < 0.05
