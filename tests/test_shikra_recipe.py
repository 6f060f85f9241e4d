import numpy as np
import pytest
import torch
from some_talk import SETTINGS, some_views

from gk_utils.shikra import shikra_recipe
from gk_utils.shikra.shikra_recipe import build, draw, draw_conversation, guided_layers, loss, row_of
from gk_utils.shikra.talk_tasks import draw_task
from gk_utils.shikra.talk_tokens import TalkTokens
from gk_utils.training.recipes import RECIPES

TOKENS = TalkTokens()


class TestDraw:
    def test_same_step_same_batch(self):
        first, again = draw(SETTINGS, 0, 1), draw(SETTINGS, 0, 1)
        assert first.tokens.equal(again.tokens)
        assert first.images.equal(again.images)
        assert first.tokens.shape == first.weights.shape == first.early.shape == (2, SETTINGS["length"])

    def test_the_pool_has_fresh_words_for_the_same_pictures(self):
        first, later = draw(SETTINGS, 0, 0), draw(SETTINGS, 0, 2)
        assert later.number == first.number
        assert later.images is None
        assert later.boxes.equal(first.boxes)
        assert not later.tokens.equal(first.tokens)

    def test_only_answers_count(self):
        drawn = draw(SETTINGS, 0, 0)
        for ids, weights in zip(drawn.tokens.tolist(), drawn.weights.tolist(), strict=True):
            speaker = None
            for token, weight in zip(ids, weights, strict=True):
                if token in (TOKENS.user, TOKENS.assistant, TOKENS.start, TOKENS.pad):
                    assert weight == 0
                    speaker = token
                elif speaker == TOKENS.assistant:
                    assert weight == pytest.approx(0.1 if token in TOKENS.digit_ids else 1.0)
                else:
                    assert weight == 0


class TestRowOf:
    @pytest.mark.parametrize("task", ["region", "reg", "point"])
    def test_what_is_guided(self, task):
        view = some_views()[0]
        (exchange,) = draw_task(view, task, np.random.default_rng(1))
        row = row_of(exchange, view, TOKENS)
        (thing,) = exchange.things
        asked = row.ids.index(TOKENS.assistant)
        assert row.early[row.ids.index(TOKENS.close)] == thing
        assert set(row.late[asked:]) == {thing}
        assert set(row.late[:asked]) == {-1}

    def test_captions_look_at_what_they_write(self):
        view = some_views()[0]
        exchange = next(
            each
            for seed in range(20)
            for each in draw_task(view, "caption", np.random.default_rng(seed))
            if each.answer.marks
        )
        row = row_of(exchange, view, TOKENS)
        assert len(row.ids) == len(row.late) == len(row.weights)
        assert any(thing >= 0 for thing in row.late)
        for place, thing in enumerate(row.late[:-1]):
            if thing >= 0 and row.ids[place + 1] >= TOKENS.first_piece:
                piece = row.ids[place + 1]
                if piece < TOKENS.first_word:
                    near = [abs((piece - TOKENS.first_piece) / 100 - number) < 0.011 for number in view.boxes[thing]]
                    assert any(near)

    def test_length_is_kept(self):
        row = draw_conversation(some_views()[0], {**SETTINGS, "length": 40}, np.random.default_rng(0))
        assert len(row.ids) <= 40


class TestLoss:
    def test_parts(self):
        torch.manual_seed(0)
        found = loss(build(SETTINGS), draw(SETTINGS, 0, 0), SETTINGS)
        assert sorted(found) == ["early", "late", "loss", "piece_loss", "pieces", "words", "words_loss"]
        assert all(value.ndim == 0 and torch.isfinite(value) for value in found.values())

    def test_one_batch_is_learned(self):
        torch.manual_seed(0)
        model, drawn = build(SETTINGS), draw(SETTINGS, 0, 0)
        optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
        losses = []
        for _ in range(8):
            found = loss(model, drawn, SETTINGS)
            optimizer.zero_grad()
            found["loss"].backward()
            optimizer.step()
            losses.append(found["words_loss"].item())
        assert losses[-1] < 0.8 * losses[0]

    def test_kept_patches_give_the_same_loss(self):
        torch.manual_seed(0)
        model, drawn = build(SETTINGS), draw(SETTINGS, 0, 0)
        first = loss(model, drawn, SETTINGS)["loss"]
        shikra_recipe._kept(SETTINGS["trunk"], "cpu").clear()
        torch.testing.assert_close(loss(model, drawn, SETTINGS)["loss"], first)

    def test_a_resumed_run_sees_its_pictures_again(self):
        torch.manual_seed(0)
        model, later = build(SETTINGS), draw(SETTINGS, 0, 2)
        shikra_recipe._kept(SETTINGS["trunk"], "cpu").clear()
        assert later.images is None
        assert torch.isfinite(loss(model, later, SETTINGS)["loss"])


class TestBuild:
    def test_pieces_begin_number_like(self):
        model = build(SETTINGS)
        pieces = model.embedding.weight[TOKENS.first_piece : TOKENS.first_word].detach()
        near, far = ((pieces[30] * pieces[k]).sum() for k in (31, 70))
        assert near > far

    def test_guided_layers(self):
        assert guided_layers(3) == (0, 1)
        assert guided_layers(6) == (3, 4)


class TestRecipes:
    @pytest.mark.parametrize("name", ["shikra", "shikra_small"])
    def test_is_registered(self, name):
        recipe = RECIPES[name]
        assert recipe.task == shikra_recipe.__name__
        assert build({**recipe.settings, "trunk": "trunk_small"}).settings.tokens == len(TOKENS)
