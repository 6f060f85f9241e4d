"""The mini Kosmos-2 in tiny sizes."""

import pytest
import torch
from torch.testing import assert_close

from gk_utils.countertop.language import draw_scene_for
from gk_utils.kosmos2 import kosmos_recipe
from gk_utils.kosmos2.kosmos_model import SHOWN, build_kosmos, corners_of, patch_features
from gk_utils.kosmos2.kosmos_samples import Rows, first_place, kosmos_tokens, phrase_prompt, question_prompt
from gk_utils.models.trunk_grounder import frozen_trunk

SETTINGS = {"trunk": "trunk_small", "width": 32, "heads": 2, "layers": 2, "inner": 32}
BATCH = {**SETTINGS, "scenes": 2, "captions": 1, "questions": 2, "phrases": 1}


@pytest.fixture(scope="module")
def looked():
    return kosmos_recipe.look((draw_scene_for(0), draw_scene_for(1)), "trunk_small")


@pytest.fixture
def kosmos():
    torch.manual_seed(0)
    return build_kosmos(SETTINGS)


class TestPatchFeatures:
    def test_what_is_shown_and_where(self):
        trunk = frozen_trunk("trunk_small")
        features = patch_features(trunk, trunk.see(torch.rand(2, 3, 128, 128)))
        shown, cells = features[..., -len(SHOWN) - 2 : -2], features[..., -2:]
        assert ((shown >= 0) & (shown <= 1)).all()
        assert (cells == cells.half().float()).all()
        assert (cells[..., 0] <= cells[..., 1]).all()

    def test_the_words_are_known(self):
        assert all(kosmos_tokens().encode(shown) for shown in SHOWN)


class TestCornersOf:
    def test_by_hand(self):
        tokens = kosmos_tokens()
        text = "<phrase>mug</phrase><object><patch_index_0001><patch_index_0002></delimiter_of_multi_objects/>"
        row = tokens.encode(text + "<patch_index_0001>")
        assert corners_of(torch.tensor([row])).tolist() == [[0, 0, 0, 1, 2, 0, 1, 2]]


class TestLoss:
    def test_falls_to_nothing_on_one_batch(self, kosmos):
        drawn = kosmos_recipe.draw(BATCH, 0, 0)
        optimizer = torch.optim.Adam(kosmos.parameters(), 1e-2)
        first = None
        for _ in range(25):
            losses = kosmos_recipe.loss(kosmos, drawn, BATCH)
            first = first or float(losses["loss"].detach())
            optimizer.zero_grad()
            losses["loss"].backward()
            optimizer.step()
        assert float(losses["loss"].detach()) < 0.5 * first

    def test_everything_learns(self, kosmos):
        kosmos_recipe.loss(kosmos, kosmos_recipe.draw(BATCH, 0, 1), BATCH)["loss"].backward()
        assert [name for name, value in kosmos.named_parameters() if value.grad is None or not value.grad.any()] == []

    def test_padding_changes_nothing(self, kosmos, looked):
        tokens = kosmos_tokens()
        row = [tokens.start, *tokens.encode("we see a mug."), tokens.end]
        role = torch.tensor([[0, *[1] * (len(row) - 1)]])
        about = torch.zeros(1, len(row), looked.owned.shape[1], dtype=torch.bool)
        about[0, 4] = torch.arange(about.shape[2]) == 0
        rows = Rows(torch.tensor([row]), role, torch.tensor([1]), about)
        longer = Rows(
            *(torch.cat([value, torch.zeros_like(value[:, :3])], 1) for value in (rows.tokens, rows.role)),
            rows.scene,
            torch.cat([about, torch.zeros_like(about[:, :3])], 1),
        )
        features = looked.features.float()
        for name, value in kosmos.loss(features, [rows], looked.owned).items():
            assert_close(kosmos.loss(features, [longer], looked.owned)[name], value, msg=name)


class TestWrite:
    def test_one_at_a_time_is_the_same_as_together(self, kosmos, looked):
        """Prompts of two lengths; what is written does not depend on the neighbours."""
        features = looked.features.float()
        prompts = [question_prompt("Is there a mug?"), phrase_prompt("the mug")]
        together = kosmos.eval().write(features, prompts, 6)
        alone = [kosmos.write(features[row : row + 1], [prompt], 6)[0] for row, prompt in enumerate(prompts)]
        assert together == alone

    def test_the_cache_changes_nothing(self, kosmos, looked):
        """What comes after four tokens is what comes after a prompt with these four."""
        features, prompt = looked.features.float()[:1], question_prompt("Is there a mug?")
        long = kosmos.eval().write(features, [prompt], 6)[0]
        assert kosmos.write(features, [[*prompt, *long[:3]]], 3)[0] == long[3:6]

    def test_a_phrase_gets_boxes(self, kosmos, looked):
        boxes = kosmos.eval().boxes_unit(looked.features.float(), ["the red mug", "a cat"])
        assert all((some[:, 2:] >= some[:, :2]).all() for some in boxes)
        written = kosmos.write(looked.features.float()[:1], [phrase_prompt("the red mug")], 4)[0]
        assert written[0] == kosmos_tokens().ids["<object>"]
        assert first_place() <= written[1] <= written[2] < first_place() + 1024

    @pytest.mark.parametrize("patch", [17, 42])
    def test_copies_what_it_looks_at(self, kosmos, looked, monkeypatch, patch):
        """Looking at one patch alone: it writes that patch's box if it copies, another if not."""

        def look(x, vectors):
            scores = torch.full((*x.shape[:2], vectors.shape[1]), -40.0)
            scores[..., patch] = 40.0
            return scores, x

        monkeypatch.setattr(kosmos.eval().look, "forward", look)
        features, written = looked.features.float()[:1], {}
        for bias in (50.0, -50.0):
            with torch.no_grad():
                kosmos.look.copies.weight.zero_()
                kosmos.look.copies.bias.fill_(bias)
            written[bias] = kosmos.write(features, [phrase_prompt("the mug")], 3)[0][1:]
        box = (features[0, patch, -2:] + first_place()).long().tolist()
        assert written[50.0] == box != written[-50.0]

    def test_captions_and_answers(self, kosmos, looked):
        features = looked.features.float()
        assert all(isinstance(read.grounded.text, str) for read in kosmos.eval().captions(features, start="we see"))
        assert len(kosmos.answers(features, ["Is there a mug?"] * 2, grounded=True)) == 2
