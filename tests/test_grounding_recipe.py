from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close

from gk_utils.boxes import xyxy_to_cxcywh
from gk_utils.countertop.dataset import read_split, rendered_batches
from gk_utils.countertop.things import CATEGORIES
from gk_utils.grounding_dino import grounding_recipe
from gk_utils.grounding_dino.grounding_recipe import (
    absent_threshold,
    build,
    detection_scores,
    draw,
    evaluate,
    grounding_scores,
    loss,
)
from gk_utils.grounding_dino.mini_dino import DOT, END, START
from gk_utils.grounding_dino.set_loss import Targets
from gk_utils.models import trunk_recipe
from gk_utils.training import RECIPES

SETTINGS = {
    **RECIPES["grounding_dino"].settings,
    **{"width": 32, "heads": 2, "inner": 32, "queries": 16, "vision_layers": 1, "enhancer_layers": 1},
    **{"decoder_layers": 1, "denoising_groups": 1, "scenes": 2, "expressions": 3},
}


@pytest.fixture(scope="module")
def mini():
    torch.manual_seed(0)
    return build(SETTINGS)


class TestDraw:
    def test_a_detection_prompt_and_expressions_for_each_scene(self):
        drawn = draw(SETTINGS, 0, 0)
        assert drawn.scene.tolist() == [0, 1, 0, 0, 0, 1, 1, 1]
        assert drawn.expression.tolist() == [False] * 2 + [True] * 6
        assert len(drawn.speaks) == len(drawn.input_ids) == len(drawn.steps) == 8

    def test_each_thing_has_the_words_of_the_names_that_fit_it(self):
        looks = 0
        for step in range(12):
            drawn = draw(SETTINGS, 0, step)
            word_of = dict(enumerate(SETTINGS["words"], DOT + 1))
            for row, scene in enumerate(drawn.scenes):
                names, start = [], 1
                for place, number in enumerate(drawn.input_ids[row].tolist()):
                    if number == DOT:
                        names.append(range(start, place))
                        start = place + 1
                for index, thing in enumerate(scene.things):
                    seen_as = {thing.category, thing.colour, thing.size, thing.pattern}
                    fit = [
                        place
                        for name in names
                        if {word_of[int(drawn.input_ids[row, place])] for place in name} <= seen_as
                        for place in name
                    ]
                    looks += any(len(name) == 2 for name in names)
                    assert drawn.speaks[row, index].nonzero().flatten().tolist() == fit
        assert looks

    def test_all_words_of_an_expression_and_no_separator_speak_of_its_referent(self):
        drawn = draw(SETTINGS, 0, 1)
        words = (drawn.input_ids > DOT)[drawn.expression]
        for row, speaks in enumerate(drawn.speaks[drawn.expression]):
            meant = speaks.any(-1).nonzero().flatten()
            assert len(meant) <= 1
            for thing in meant:
                assert_close(speaks[thing], words[row])

    def test_prompts_are_whole(self):
        ids = draw(SETTINGS, 0, 2).input_ids
        assert (ids[:, 0] == START).all()
        assert ((ids == END).sum(1) == 1).all()
        assert ids.shape[1] <= 64

    def test_half_of_the_detection_prompts_name_every_category(self):
        whole = [(draw({**SETTINGS, "expressions": 1}, 1, step).input_ids[:2] == DOT).sum(1) for step in range(20)]
        share = (torch.cat(whole) == len(CATEGORIES)).float().mean()
        assert 0.25 < share < 0.75

    def test_the_same_again(self):
        first, again, other = draw(SETTINGS, 3, 4), draw(SETTINGS, 3, 4), draw(SETTINGS, 3, 5)
        assert_close(first.input_ids, again.input_ids)
        assert first.scenes != other.scenes


class TestLoss:
    def test_every_part_teaches(self, mini):
        mini.train()
        losses = loss(mini, draw(SETTINGS, 0, 0), SETTINGS)
        names = ["set", "cells", "steps", "labels", "denoising"]
        assert_close(losses["loss"], sum(losses[name] for name in names))
        losses["loss"].backward()
        idle = [name for name, value in mini.named_parameters() if value.grad is None or not value.grad.any()]
        mini.zero_grad()
        # What box heads end with and what offsets are made of begin at zero: nothing is behind them yet.
        assert [name for name in idle if "box_head" not in name and "level_features" not in name] == []

    def test_a_hidden_referent_is_left_out_and_not_taught_as_absent(self, mini, monkeypatch):
        drawn, seen = draw(SETTINGS, 0, 0), []
        monkeypatch.setattr(grounding_recipe, "LEAST_VISIBLE", 2.0)  # nothing is visible enough
        find = mini.model.find
        monkeypatch.setattr(mini.model, "find", lambda *args: seen.append(args) or find(*args))
        loss(mini, drawn, SETTINGS)
        (_, ids, _, targets) = seen[0]
        absent = drawn.expression & ~drawn.speaks.any(2).any(1)
        assert len(ids) == 2 + absent.sum()
        assert not targets.exists.any()

    def test_targets_are_where_the_things_are(self, mini, monkeypatch):
        drawn, seen = draw(SETTINGS, 0, 0), []
        find = mini.model.find
        monkeypatch.setattr(mini.model, "find", lambda *args: seen.append(args) or find(*args))
        loss(mini.train(), drawn, SETTINGS)
        targets: Targets = seen[0][3]
        assert targets.exists.any()
        boxes = targets.boxes_cxcywh[targets.exists]
        assert ((boxes > 0) & (boxes < 1)).all()
        assert (targets.tokens.any(-1) | ~targets.exists).all()

    def test_it_learns_a_batch_by_heart(self):
        torch.manual_seed(0)
        mini, drawn = build(SETTINGS).train(), draw({**SETTINGS, "scenes": 1}, 0, 0)
        optimizer, first = torch.optim.AdamW(mini.parameters(), 2e-3), None
        for _ in range(12):
            losses = loss(mini, drawn, SETTINGS)
            first = first or losses["loss"].item()
            optimizer.zero_grad()
            losses["loss"].backward()
            torch.nn.utils.clip_grad_norm_(mini.parameters(), 1.0)
            optimizer.step()
        assert losses["loss"].item() < 0.6 * first


class TestEvaluate:
    def test_what_is_measured(self, mini):
        metrics = evaluate(mini.eval(), SETTINGS, 24)
        assert {"split", "n", "ap", "ap50", "acc@0.5_short", "acc@0.5_long", "absent_f1", "by_type"} <= metrics.keys()
        assert metrics["n"] == 24
        assert "absent" not in metrics["by_type"]

    def test_answers_made_from_the_truth_are_all_right(self, mini, unhooked):
        """Query 3 has the referent's box, and its words score 1 where there is a referent; the others know nothing."""
        samples = read_split("val")[:16]
        batch = next(rendered_batches(samples, 16, (128, 128)))
        found, ids = mini.eval()(batch.images, [f"{sample.text}." for sample in samples])
        logits, boxes = torch.full_like(found.logits, -9.0), torch.full_like(found.boxes_cxcywh, 0.5)
        boxes[:, 3] = xyxy_to_cxcywh(batch.boxes / 128)
        logits[batch.present, 3] = 9.0
        known = SimpleNamespace(logits=logits, boxes_cxcywh=boxes)
        knowing = type(
            "Knowing",
            (),
            {"image_side": 128, "device": "cpu", "absent_below": 0.3, "__call__": lambda *_: (known, ids)},
        )()
        scores = grounding_scores(knowing, "val", 16)
        assert scores["acc@0.5_short"] == scores["acc@0.5_long"] == scores["absent_f1"] == 1.0
        boxes[:, 3] = 0.1
        assert grounding_scores(knowing, "val", 16)["acc@0.5_short"] == 0.0

    def test_detection_of_an_untrained_model_is_poor(self, mini):
        assert 0 <= detection_scores(mini.eval(), "val", 4)["ap"] < 0.2


class TestAbsentThreshold:
    def test_between_the_scores_of_what_is_there_and_of_what_is_not(self, mini, monkeypatch):
        """Answers that score 0.6 where there is a referent and 0.2 where there is none."""
        asked = trunk_recipe.draw({"scenes": 4, "expressions": 8}, 0, 2**30)
        score = dict(zip(asked.texts, (0.2 + 0.4 * asked.answer.any(1)).tolist(), strict=True))

        def answers(mini, images, texts):
            assert len(images) == len(texts)
            return torch.zeros(len(texts), 4), torch.tensor([score[text] for text in texts])

        monkeypatch.setattr(grounding_recipe, "best_answers", answers)
        threshold, f1 = absent_threshold(mini, scenes=4)
        assert 0.2 < threshold <= 0.6
        assert f1 == 1.0


class TestTheRecipe:
    def test_it_fits_into_the_checkout(self):
        mini = build(RECIPES["grounding_dino"].settings)
        assert 2 * sum(value.numel() for value in mini.parameters()) < 10e6
        assert mini.model.settings.queries >= 20
