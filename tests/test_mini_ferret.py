import pytest
import torch
from torch.testing import assert_close

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import draw_scene
from gk_utils.ferret.ferret_recipe import build
from gk_utils.ferret.mini_ferret import MiniFerret, load_ferret, load_mini
from gk_utils.ferret.region_forms import BoxRegion, FreeFormRegion, PointRegion, ScribbleRegion
from gk_utils.models.trunk_grounder import frozen_trunk, weights_of

SIZES = {
    **{"trunk": "trunk_small", "width": 16, "heads": 2, "layers": 1, "sampler_width": 8, "points": 8},
    **{"kept": [4, 2], "neighbours": [3, 2]},
}


def ferret(**more) -> MiniFerret:
    torch.manual_seed(0)
    return MiniFerret(build({**SIZES, **more}), frozen_trunk("trunk_small"))


class TestMiniFerret:
    @pytest.mark.parametrize("tiles", [False, True])
    def test_every_form_gets_an_answer(self, tiles):
        model, image = ferret(tiles=tiles), torch.rand(3, 70, 90)
        seen = model.see(image)
        mask = torch.zeros(70, 90, dtype=torch.bool)
        mask[10:20, 30:40] = True
        scribble = ScribbleRegion((((10, 10), (50, 30)),))
        for region in (
            PointRegion(20, 30),
            BoxRegion(5, 5, 30, 60),
            scribble,
            FreeFormRegion(mask),
            FreeFormRegion(~mask),
        ):
            answer = model.answer(image, region, "colour", seen=seen)
            assert answer.answer == next(iter(answer.shares))
            assert len(answer.shares) == 8
            assert sum(answer.shares.values()) == pytest.approx(1, abs=1e-3)
        assert model.answer(image, ScribbleRegion(()), "state").question.startswith("What state is [0, 0, 0, 0]")

    def test_a_region_moves_with_its_picture_into_the_square(self):
        model = ferret()
        asked, reference = model.ask(torch.zeros(3, 64, 128), BoxRegion(0, 0, 128, 64), "colour")
        assert reference.numbers == (0, 0, 999, 500)
        assert asked.boxes_unit.tolist() == [[0, 0, 1, 0.5]]
        assert asked.points[..., 1].max() <= 0.5 < asked.points[..., 0].max()
        twice, _ = model.ask(torch.zeros(3, 128, 256), BoxRegion(0, 0, 256, 128), "colour")
        assert_close(twice.boxes_unit, asked.boxes_unit)

    def test_a_seed_decides(self):
        model, image = ferret(), render([draw_scene(3)]).images[0]
        first, again = (model.answer(image, BoxRegion(10, 40, 90, 100), seed=4) for _ in range(2))
        assert first == again

    def test_errors(self):
        with pytest.raises(ValueError, match="ask: expected one of 'category', 'colour'"):
            ferret().answer(torch.rand(3, 8, 8), PointRegion(1, 1), "price")


class TestLoadMini:
    def test_what_was_stored_comes_back(self, tmp_path, monkeypatch):
        monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path)
        with pytest.raises(FileNotFoundError, match="gk_utils train ferret_small"):
            load_mini()
        model = ferret(reference="coordinates")
        metrics = {"trunk": weights_of("trunk_small")}
        card = Card("ferret_small", 0, 1, "CPU", 0.1, metrics, {**SIZES, "reference": "coordinates"})
        checkpoints.save(model.reader.state_dict(), tmp_path / "ferret_small", card)
        loaded, found = load_mini()
        assert (found.recipe, loaded.trunk_name) == ("ferret_small", "trunk_small")
        image, region = torch.rand(3, 128, 128), BoxRegion(0, 0, 9, 9)
        assert loaded.answer(image, region) == model.answer(image, region)

    def test_something_else(self, tmp_path):
        checkpoints.save({"w": torch.ones(1)}, tmp_path / "other", Card("trunk", 0, 1, "CPU", 0.1, {}, {}))
        with pytest.raises(ValueError, match="expected a Ferret, got 'trunk'"):
            load_ferret(tmp_path / "other")
