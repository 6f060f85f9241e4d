import pytest
import torch

from gk_utils.ferret.ferret_recipe import answer_scenes, ask_all, build, draw, evaluate, loss, see_regions

SETTINGS = {
    **{"trunk": "trunk_small", "width": 32, "heads": 2, "layers": 1, "sampler_width": 16, "points": 16},
    **{"kept": [8, 4], "neighbours": [4, 4], "scenes": 2, "regions": 6, "pool": 2},
}


def model(**more):
    torch.manual_seed(0)
    return build({**SETTINGS, **more})


class TestDraw:
    def test_the_same_pictures_come_again(self):
        assert draw(SETTINGS, 0, 1).number == draw(SETTINGS, 0, 5).number == 1
        assert draw(SETTINGS, 0, 1) != draw(SETTINGS, 0, 5)


class TestLoss:
    @pytest.mark.parametrize("own", [{"reference": "coordinates"}, {"reference": "hybrid", "tiles": True}])
    def test_it_learns_a_batch_by_heart(self, own):
        reader, settings = model(**own), {**SETTINGS, **own, "pool": 1}
        optimizer, first = torch.optim.AdamW(reader.parameters(), 4e-3), None
        for _ in range(50):
            losses = loss(reader, draw(settings, 0, 0), settings)
            first = first or losses["loss"].item()
            optimizer.zero_grad()
            losses["loss"].backward()
            optimizer.step()
        assert losses["loss"].item() < 0.3 * first
        assert losses["right"] > 0.8

    def test_questions_are_fresh_and_decided_by_the_step(self):
        reader = model(reference="hybrid").eval()
        said = [loss(reader, draw(SETTINGS, 0, step), SETTINGS)["loss"].item() for step in (0, 0, 2)]
        assert said[0] == said[1] != said[2]


class TestSeeRegions:
    def test_rows_go_together(self):
        pictures = see_regions("trunk_small", range(3), 5, tiles=True)
        assert len(pictures.regions) == len(pictures.references) == len(pictures.picture) == len(pictures.boxes_unit)
        assert pictures.whole.shape[2:] == (8, 8)
        assert pictures.tiles.shape[2:] == (16, 16)
        assert pictures.picture.unique().tolist() == list(range(len(pictures.scenes)))


class TestAskAll:
    def test_points_only_where_they_are_needed(self):
        pictures = see_regions("trunk_small", range(1), 4, tiles=False)
        names = ["colour"] * len(pictures.regions)
        assert ask_all(model(reference="roi"), pictures, names).points is None
        points = ask_all(model(reference="hybrid"), pictures, names).points
        for one, places in zip(pictures.regions, points, strict=True):
            x, y = (128 * places).long().unbind(-1)
            assert one.mask[y, x].all()


class TestAnswerScenes:
    def test_all_readers_get_the_same_questions_and_the_control_another_region(self):
        first = answer_scenes(model(reference="coordinates"), "trunk_small", 2)
        second = answer_scenes(model(reference="hybrid"), "trunk_small", 2)
        assert first.truth.equal(second.truth)
        assert first.names == second.names
        assert first.right.equal(first.answer == first.truth)
        turned = answer_scenes(model(reference="hybrid"), "trunk_small", 2, other_region=True)
        assert turned.truth.equal(second.truth)
        assert not turned.answer.equal(second.answer)


class TestEvaluate:
    def test_what_a_card_says(self):
        found = evaluate(model(reference="coordinates"), SETTINGS, 2)
        assert found.keys() == {"n", "accuracy", "hard", "small", "by_form", "trunk"}
        assert 0 <= found["accuracy"] <= 1
