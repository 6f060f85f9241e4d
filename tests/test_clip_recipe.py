import pytest
import torch
from torch.testing import assert_close

from gk_utils.contrastive.clip_recipe import HARD_WEIGHT, build, draw, evaluate, loss
from gk_utils.contrastive.pair_claims import claim_holds, claim_vocabulary, read_claim

SETTINGS = {
    **{"words": claim_vocabulary(), "image_side": 32, "patch": 8, "width": 32, "heads": 2, "space": 16},
    **{"vision_layers": 1, "text_layers": 1, "batch": 8, "pool": 2, "things": [2, 3]},
}


def model(**more):
    torch.manual_seed(0)
    return build({**SETTINGS, **more})


class TestDraw:
    def test_captions_are_true_and_hard_ones_are_not(self):
        drawn = draw({**SETTINGS, "negatives": 3}, 0, 5)
        for row, (scene, text) in enumerate(zip(drawn.scenes, drawn.texts, strict=True)):
            assert claim_holds(read_claim(text), scene)
            for hard in drawn.hard_texts[3 * row : 3 * row + 3]:
                assert claim_holds(read_claim(hard), scene) is False

    def test_the_same_pictures_come_again_with_other_captions(self):
        first, again = draw(SETTINGS, 0, 1), draw(SETTINGS, 0, 3)
        assert first.scenes == again.scenes
        assert first.texts != again.texts
        assert draw(SETTINGS, 0, 1).texts == first.texts

    def test_phrases_name_their_things(self):
        drawn = draw(SETTINGS, 0, 0)
        for row, (phrase, thing) in enumerate(zip(drawn.phrases, drawn.things.tolist(), strict=True)):
            assert thing < 0 or drawn.scenes[row % 8].things[thing].category == phrase.split()[-1]


class TestLoss:
    @pytest.mark.parametrize("own", [{}, {"negatives": 2}, {"layout": True}, {"negatives": 1, "blind": True}])
    def test_every_variant_teaches(self, own):
        settings = {**SETTINGS, **own}
        clip = model(**own)
        losses = loss(clip, draw(settings, 0, 0), settings)
        losses["loss"].backward()
        assert clip.project_text.weight.grad.any()
        assert ("layout" in losses) == ("layout" in own)

    def test_hard_negatives_are_weighed_alone_or_as_columns(self):
        clip, drawn = model(), draw({**SETTINGS, "negatives": 2}, 0, 0)
        own, columns = (loss(clip, drawn, {**SETTINGS, "columns": columns}) for columns in (False, True))
        plain = loss(clip, draw(SETTINGS, 0, 0), SETTINGS)["loss"]
        assert_close(own["loss"], plain + HARD_WEIGHT * own["hard"])
        assert "hard" not in columns
        assert columns["loss"] > plain

    def test_it_learns_a_batch_by_heart(self):
        clip, drawn = model(), draw(SETTINGS, 0, 0)
        optimizer, first = torch.optim.AdamW(clip.parameters(), 3e-3), None
        for _ in range(40):
            losses = loss(clip, drawn, SETTINGS)
            first = first or losses["loss"].item()
            optimizer.zero_grad()
            losses["loss"].backward()
            optimizer.step()
        assert losses["loss"].item() < 0.5 * first

    def test_a_frozen_trunk_s_patches_are_the_same_the_second_time(self):
        settings = {**SETTINGS, "image_side": 128, "patch": 16, "trunk": "trunk_small", "merge": 2, "batch": 2}
        clip, drawn = model(**settings), draw(settings, 1, 0)
        assert_close(loss(clip, drawn, settings)["loss"], loss(clip, drawn, settings)["loss"])


class TestEvaluate:
    def test_what_is_measured(self):
        with torch.no_grad():
            metrics = evaluate(model().eval(), SETTINGS, 8)
        assert metrics.keys() == {"n", "top1_of_64", "relation", "attribution", "unbalanced"}
        assert metrics["top1_of_64"] < 0.2
