"""How counters are trained."""

import json

import numpy as np
import pytest
import torch

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.counting import counting_recipe, counting_start
from gk_utils.counting.counting_model import KINDS, KINDS_READ, Answers
from gk_utils.counting.counting_recipe import (
    begin_with,
    build,
    draw,
    evaluate,
    loss,
    loss_of,
    naming_loss,
    pictures_of,
    poisson_loss,
    pool_of,
    scene_settings,
    true_maps,
)
from gk_utils.counting.counting_scenes import draw_counting_scene
from gk_utils.counting.density_maps import density_map
from gk_utils.counting.questions_to_count import ask, paint
from gk_utils.training import RECIPES

SETTINGS = {"width": 8, "blocks": 1, "image_side": 64, "scenes": 2, "priors": {"apple": 3}}
PICTURES = paint([draw_counting_scene(seed, n=4 + seed, clutter=0.5) for seed in range(2)], 64)


@pytest.fixture(autouse=True)
def pools(tmp_path, monkeypatch):
    """Pools are kept elsewhere."""
    monkeypatch.setattr(counting_recipe, "POOLS", tmp_path / "pools")
    pool_of.cache_clear()
    return tmp_path / "pools"


class TestRecipes:
    def test_all_kinds_are_trained_alike(self):
        """The small ones share data, encoder and steps; those that are shown examples hold the same things out."""
        small = {kind: RECIPES[f"counting_{kind}_small"] for kind in KINDS}
        assert len({(one.steps, one.learning_rate, one.ema) for one in small.values()}) == 1
        common = [{k: v for k, v in one.settings.items() if k not in ("kind", "held_out")} for one in small.values()]
        assert all(one == common[0] for one in common)
        held = {kind for kind, one in small.items() if "held_out" in one.settings}
        assert held == {"exemplar", "text_exemplar", "text_blind"}
        assert all(f"counting_{kind}" in RECIPES for kind in KINDS)


class TestBuild:
    def test_seeded(self):
        nets = []
        for _ in range(2):
            torch.manual_seed(3)
            nets.append(build({**SETTINGS, "kind": "density"}))
        assert torch.equal(nets[0].head.weight, nets[1].head.weight)


class TestBeginWith:
    def test_the_encoder_of_a_start(self, tmp_path, monkeypatch):
        monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path)
        start = counting_start.build({"width": 8, "blocks": 1})
        checkpoints.save(start.state_dict(), tmp_path / "a_start", Card("a_start", 0, 1, "CPU", 0.1, {}))
        for kind in ("exemplar", "pooled"):
            net = build({**SETTINGS, "kind": kind, "start": "a_start"})
            assert torch.equal(net.encoder.stem[0][0].weight, start.encoder.stem[0][0].weight)
            assert torch.equal(net.reader.word.weight, start.reader.word.weight)
        with pytest.raises(ValueError, match="start: expected a start of this width, got 'a_start'"):
            build({**SETTINGS, "width": 16, "kind": "set", "start": "a_start"})
        with pytest.raises(FileNotFoundError, match="start: expected other_start in .* train other_start --minutes 15"):
            begin_with(net, "other_start")

    def test_of_a_run(self, pools):
        """Where the training puts it: the folder beside the pools."""
        start, net = counting_start.build({"width": 8, "blocks": 1}), build({**SETTINGS, "kind": "set"})
        checkpoints.save(start.state_dict(), pools.parent / "b_start", Card("b_start", 0, 1, "CPU", 0.1, {}))
        begin_with(net, "b_start")
        assert torch.equal(net.encoder.stem[0][0].weight, start.encoder.stem[0][0].weight)


class TestDraw:
    def test_decided_by_its_arguments(self):
        first, second, other = (draw({**SETTINGS, "kind": "set"}, 1, step) for step in (5, 5, 6))
        assert first.scenes == second.scenes != other.scenes

    def test_a_pool_draws_no_scenes(self):
        assert draw({**SETTINGS, "pool": 4}, 1, 5).scenes is None


class TestLoss:
    @pytest.mark.parametrize("kind", KINDS)
    def test_learns_a_batch(self, kind):
        torch.manual_seed(0)
        settings = {**SETTINGS, "kind": kind}
        net, step = build(settings), draw(settings, 0, 0)
        optimizer = torch.optim.Adam(net.parameters(), 0.01)
        values = []
        for _ in range(12):
            losses = loss(net, step, settings)
            optimizer.zero_grad()
            losses["loss"].backward()
            optimizer.step()
            values.append(losses["loss"].item())
        assert values[-1] < 0.7 * values[0]

    def test_a_pool_is_painted_once_and_kept(self, pools, monkeypatch):
        settings = {**SETTINGS, "kind": "pooled", "pool": 3}
        net = build(settings).eval()
        first = loss(net, draw(settings, 0, 1), settings)["loss"].item()
        assert len(list(pools.iterdir())) == 1
        pool_of.cache_clear()
        monkeypatch.setattr(counting_recipe, "paint", None)  # not painted again
        assert loss(net, draw(settings, 0, 1), settings)["loss"].item() == pytest.approx(first, rel=1e-5)
        assert loss(net, draw(settings, 0, 2), settings)["loss"].item() != first


class TestLossOf:
    def test_the_truth_costs_nothing(self):
        asked = ask(PICTURES, [0, 1], np.random.default_rng(0), words=True, examples=False)
        true = asked.counts
        assert loss_of(Answers(true), asked)["loss"].item() == pytest.approx(0, abs=1e-6)
        maps = torch.stack([density_map((boxes[:, :2] + boxes[:, 2:]) / 2, (64, 64)) for boxes in asked.boxes])
        assert loss_of(Answers(maps.sum((1, 2)), None, maps), asked)["loss"].item() == pytest.approx(0, abs=1e-3)
        assert (
            loss_of(Answers(true, None, maps.flip(1)), asked)["loss"].item() > 0.1
        )  # the number is right, the place not

    def test_one_thing_more_matters_less_in_a_crowd(self):
        few, many = (
            ask(
                paint([draw_counting_scene(0, n=n, category="mug", clutter=0)], 64),
                [0],
                np.random.default_rng(0),
                words=False,
                examples=True,
            )
            for n in (2, 60)
        )
        costs = [loss_of(Answers(asked.counts + 1), asked)["loss"].item() for asked in (few, many)]
        assert costs[0] > 4 * costs[1]

    def test_off(self):
        asked = ask(PICTURES, [0], np.random.default_rng(0), words=False, examples=True)
        true = asked.counts
        assert loss_of(Answers(true * 0), asked)["off"].item() == pytest.approx((true / (true + 1)).mean().item())


class TestTrueMaps:
    def test_sums_to_the_things(self):
        asked = ask(PICTURES, [0, 1], np.random.default_rng(0), words=True, examples=False)
        assert torch.allclose(true_maps(asked).sum((1, 2)), asked.counts, atol=1e-4)


class TestPoissonLoss:
    def test_least_where_it_is_true(self):
        true = torch.rand(2, 3, 4)
        least = poisson_loss(true, true, torch.ones(2)).item()
        assert least == pytest.approx(0, abs=1e-4)
        for factor in (0.8, 1.2):
            assert poisson_loss(true * factor, true, torch.ones(2)).item() > least


class TestNamingLoss:
    def test_things_count_as_much_as_the_rest(self):
        """One cell of a hundred shows a thing: to call it nothing costs half of all there is to lose."""
        cells = torch.full((1, 10, 10), -1)
        cells[0, 3, 4] = 1
        nothing = torch.zeros(1, 3, 10, 10)
        nothing[:, 2] = 10.0
        assert naming_loss(nothing, cells).item() == pytest.approx(5, abs=0.01)
        assert naming_loss(nothing, torch.full((1, 10, 10), -1)).item() == pytest.approx(0, abs=0.01)


class TestPicturesOf:
    def test_fresh_or_from_the_pool(self):
        fresh, numbers, _ = pictures_of(draw(SETTINGS, 0, 3), SETTINGS, torch.device("cpu"))
        assert (len(fresh), list(numbers)) == (2, [0, 1])
        pooled = {**SETTINGS, "pool": 5}
        pool, numbers, _ = pictures_of(draw(pooled, 0, 3), pooled, torch.device("cpu"))
        again = pictures_of(draw(pooled, 0, 3), pooled, torch.device("cpu"))[1]
        assert len(pool) == 5
        assert numbers == again


class TestSceneSettings:
    def test_what_the_kinds_share(self):
        small = [RECIPES[f"counting_{kind}_small"].settings for kind in KINDS]
        assert len({json.dumps(scene_settings(settings)) for settings in small}) == 2


class TestEvaluate:
    @pytest.mark.parametrize("kind", ["pooled", "set", "exemplar", "text_blind"])
    def test_metrics(self, kind):
        torch.manual_seed(0)
        settings = {**SETTINGS, "kind": kind}
        found = evaluate(build(settings).eval(), settings, 6)
        assert {"n", "mae", "mae_1_20", "rel_1_20"} <= found.keys()
        assert ("threshold" in found) == (kind == "set")
        assert json.loads(json.dumps(found)) == found


class TestPoolOf:
    def test_another_setting_another_pool(self, pools):
        for held in ([], ["mug"]):
            pool_of(json.dumps({"pool": 2, "image_side": 64, "held_out": held}), "cpu")
        assert len(list(pools.iterdir())) == 2

    def test_kinds_read(self):
        assert set(KINDS_READ) == set(KINDS)
