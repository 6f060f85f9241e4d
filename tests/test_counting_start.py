"""Where all counters start."""

import pytest
import torch

from gk_utils.countertop.things import CATEGORIES
from gk_utils.counting.counting_start import build, draw, evaluate, loss

SETTINGS = {"width": 8, "blocks": 1, "image_side": 64, "scenes": 3}


class TestBuild:
    def test_a_density_for_every_category(self):
        names, densities = build(SETTINGS)(torch.rand(2, 3, 32, 48))
        assert names.shape == (2, len(CATEGORIES) + 1, 8, 12)
        assert densities.shape == (2, len(CATEGORIES), 8, 12)
        assert (densities > 0).all()


class TestDraw:
    def test_decided_by_its_arguments(self):
        assert draw(SETTINGS, 0, 4).scenes == draw(SETTINGS, 0, 4).scenes


class TestLoss:
    def test_learns_a_batch(self):
        torch.manual_seed(0)
        start, step, values = build(SETTINGS), draw(SETTINGS, 0, 0), []
        optimizer = torch.optim.Adam(start.parameters(), 0.01)
        for _ in range(15):
            losses = loss(start, step, SETTINGS)
            optimizer.zero_grad()
            losses["loss"].backward()
            optimizer.step()
            values.append(losses["loss"].item())
        assert values[-1] < 0.6 * values[0]
        assert losses.keys() == {"loss", "named", "places"}

    def test_what_is_held_out_learns_nothing(self):
        settings = {**SETTINGS, "held_out": list(CATEGORIES[2:])}
        start = build(settings)
        loss(start, draw(settings, 0, 0), settings)["loss"].backward()
        moved = start.head.bias.grad != 0
        assert moved.tolist() == [True, True, *[False] * (len(CATEGORIES) - 2)]


class TestEvaluate:
    @pytest.mark.parametrize("n", [1, 17])
    def test_metrics(self, n):
        torch.manual_seed(0)
        with torch.no_grad():
            found = evaluate(build(SETTINGS).eval(), SETTINGS, n)
        assert found["n"] == n
        assert 0 <= found["named"] <= 1
        assert found["mae"] > 0
