"""How the mini Kosmos-2 is trained."""

import pytest
import torch

from gk_utils.kosmos2.kosmos_recipe import build, by_length, draw, evaluate, look, loss
from gk_utils.training import RECIPES

SETTINGS = {"trunk": "trunk_small", "width": 16, "heads": 2, "layers": 1, "inner": 16}
BATCH = {**SETTINGS, "scenes": 2, "captions": 1, "questions": 2, "phrases": 1}


class TestDraw:
    def test_decided_by_its_arguments(self):
        first, second = (draw(BATCH, 1, 5) for _ in range(2))
        assert (first.lines, first.scenes) == (second.lines, second.scenes)
        assert draw(BATCH, 1, 6).lines != first.lines

    def test_a_pool_comes_back_with_fresh_words(self):
        pooled = {**BATCH, "pool": 3}
        first, again = draw(pooled, 0, 1), draw(pooled, 0, 4)
        assert (first.number, again.number) == (1, 1)
        assert again.scenes is None
        assert first.scenes is not None
        assert first.lines != again.lines

    @pytest.mark.parametrize("name", ["kosmos2", "kosmos2_small"])
    def test_recipes_draw(self, name):
        settings = {**RECIPES[name].settings, "scenes": 1}
        assert {line.kind for line in draw(settings, 0, 0).lines} == {"caption", "question", "phrase"}


class TestByLength:
    def test_nothing(self):
        assert by_length([]) == []

    def test_keeps_all(self):
        lines = draw(BATCH, 0, 0).lines
        groups = by_length(lines)
        assert sorted(map(id, lines)) == sorted(id(line) for group in groups for line in group)
        longest = [max(len(line.parts) for line in group) for group in groups]
        assert longest == sorted(longest)


class TestLook:
    def test_patches_of_a_thing_say_its_box(self):
        looked = look(draw(BATCH, 0, 0).scenes, "trunk_small")
        assert looked.owned.shape[:2] == looked.visible.shape
        assert looked.owned.any(-1)[looked.visible].float().mean() > 0.7


class TestLoss:
    def test_kept_features_give_the_same(self):
        torch.manual_seed(0)
        kosmos, pooled = build(SETTINGS).eval(), {**BATCH, "pool": 2}
        drawn = draw(pooled, 3, 0)
        first = loss(kosmos, drawn, pooled)
        again = loss(kosmos, drawn, pooled)
        assert float(first["loss"].detach()) == pytest.approx(float(again["loss"].detach()), rel=1e-5)


class TestEvaluate:
    def test_names(self):
        with torch.no_grad():
            found = evaluate(build(SETTINGS).eval(), SETTINGS, 2)
        assert {"phrase_box_f1", "hallucinated_phrases", "vqa_accuracy", "by_kind", "trunk"} <= found.keys()
