"""The lab of lesson 07, and what the lesson draws and measures with: tables, looks, trials, a short training."""

import base64
import xml.etree.ElementTree as ET

import pytest
import torch

from gk_utils.boxes import cxcywh_to_xyxy
from gk_utils.countertop.scene import draw_scenes
from gk_utils.countertop.wording import vocabulary
from gk_utils.figure_image import LIMIT
from gk_utils.grounding_dino import build_mini, dino_attention
from gk_utils.labs import denoising_trial
from gk_utils.labs.looks import catch_looks, draw_looks
from gk_utils.labs.phrase_boxes import PhraseLab
from gk_utils.labs.prompt_readings import LISTED, Asked, ask_prompt, draw_prompt, read_prompt
from gk_utils.labs.token_tables import draw_tables
from gk_utils.labs.trials import hard_trials, ious_by_layer

SIZES = {"image_side": 128, "width": 32, "heads": 2, "inner": 32, "enhancer_layers": 1, "decoder_layers": 2}


@pytest.fixture(scope="module")
def mini():
    torch.manual_seed(0)
    return build_mini({**SIZES, "words": vocabulary(), "queries": 20, "levels": 3}).eval()


@pytest.fixture
def asked() -> Asked:
    """Three boxes: one of the red mug, one of both phrases, one of nothing."""
    logits = torch.tensor([[-9, 1, 3, -2, -3, -9, -9], [-9, -3, 1, -9, 2, -9, -9], [-9.0] * 7])
    boxes = torch.tensor([[8.0, 8, 40, 40], [10, 20, 60, 50], [0, 0, 5, 5]])
    tokens = ("[start]", "red", "mug", ".", "cat", ".", "[end]")
    return Asked(torch.rand(3, 60, 80), "red mug. cat.", tokens, logits, boxes)


class TestReadPrompt:
    def test_both_thresholds_by_hand(self, asked):
        """sigmoid of 3, 2, 1 is 0.953, 0.881, 0.731."""
        reading = read_prompt(asked, 0.5, 0.5)
        assert reading.labels == ("red mug", "mug cat")
        assert reading.boxes.tolist() == asked.boxes[:2].tolist()
        assert read_prompt(asked, 0.5, 0.8).labels == ("mug", "cat")
        assert read_prompt(asked, 0.9, 0.99).labels == ("",)
        assert read_prompt(asked, 0.96, 0.5).sentence == "0 of 3 boxes pass 0.96."
        assert read_prompt(asked, 0.5, 0.9).sentence == "2 of 3 boxes pass 0.50: 1 x 'mug'; 1 without a label"

    def test_the_words_say_every_box(self, asked):
        lines = read_prompt(asked, 0.5, 0.5).in_words().splitlines()
        assert lines[1:] == [
            "red mug 0.95: left 8, top 8, right 40, bottom 40",
            "mug cat 0.88: left 10, top 20, right 60, bottom 50",
        ]

    def test_boxes_are_in_the_picture_and_sorted(self, mini):
        asked = ask_prompt(mini, torch.rand(3, 90, 160), "red mug. laptop")
        assert asked.tokens == ("[start]", "red", "mug", ".", "[laptop]", ".", "[end]")
        assert len(asked.tokens) == asked.logits.shape[1]
        assert asked.boxes.min() >= 0
        assert (asked.boxes <= torch.tensor([160, 90, 160, 90])).all()
        scores = read_prompt(asked, 0, 0.5).scores
        assert torch.equal(scores, scores.sort(descending=True).values)

    def test_a_prompt_without_words(self, mini):
        with pytest.raises(ValueError, match=r"prompt: expected at least one word, got '\?'"):
            ask_prompt(mini, torch.rand(3, 64, 64), "?")


class TestDrawPrompt:
    def test_frames_what_passes_the_text_threshold(self, asked):
        picture, table = draw_prompt(read_prompt(asked, 0.5, 0.5)).axes
        boxes = [patch.get_bbox().extents.tolist() for patch in picture.patches if patch.get_gid() == "boxes"]
        assert boxes == asked.boxes[:2].tolist()
        framed = [(int(p.get_y()), int(p.get_x())) for p in table.patches if p.get_gid() == "marked"]
        assert framed == [(0, 1), (0, 2), (1, 2), (1, 4)]
        assert [text.get_text() for text in table.get_yticklabels()] == ["1 red mug", "2 mug cat"]

    def test_no_box_and_many(self, asked):
        assert draw_prompt(read_prompt(asked, 1, 0.5)).axes[1].get_yticklabels()[0].get_text() == "no box"
        many = Asked(asked.image, asked.prompt, asked.tokens, asked.logits[:1].repeat(30, 1), torch.zeros(30, 4))
        assert len(draw_prompt(read_prompt(many, 0.5, 0.5)).axes[1].get_yticklabels()) == LISTED


class TestDrawTables:
    def test_numbers_frames_and_names(self):
        table = torch.tensor([[0.0, 0.25], [1.0, 0.004]])
        figure = draw_tables([table, table], ["a", "b"], ["c", "d"], marked=[table > 0.5, None], ylabel="reads")
        first, second = figure.axes
        assert [text.get_text() for text in first.texts] == ["25", "100"]
        assert [text.get_text() for text in first.get_yticklabels()] == ["a", "b"]
        assert not second.get_yticklabels()
        assert len([patch for patch in first.patches if patch.get_gid() == "marked"]) == 1
        assert not draw_tables([table], ["a", "b"], ["c", "d"], numbers=False).axes[0].texts


class TestPhraseLab:
    """The callbacks over their range, as the page sends them."""

    def make(self, mini) -> PhraseLab:
        pictures = {name: torch.rand(3, 60, 80) for name in ("A", "B")}
        return PhraseLab(mini, pictures, ["mug.", "red mug. cat."])

    def test_every_choice_and_threshold_is_answered(self, mini):
        lab = self.make(mini)
        for prompt in (0, 1):
            lab.choice.set_state({"index": prompt})
            for picture in (0, 1):
                lab.picture.set_state({"index": picture})
                assert lab.reading.asked.image is lab._pictures["AB"[picture]]
                for value in (0.0, 0.5, 1.0):
                    lab.box.set_state({"value": value})
                    lab.text.set_state({"value": 1 - value})
                    told = read_prompt(lab._asked, value, 1 - value)
                    assert lab.reading.in_words() == told.in_words()
                    (line, picture_tag) = ET.fromstring(f"<div>{lab.view.value}</div>".replace('%">', '%"/>'))
                    assert "".join(line.itertext()) == told.sentence
                    assert picture_tag.get("alt").split() == told.in_words().split()

    def test_own_words_and_words_that_are_none(self, mini):
        lab = self.make(mini)
        lab.own.value = "cat"
        assert lab.reading.asked.prompt == "cat"
        lab.own.value = "?"
        assert "expected at least one word" in lab.view.value
        lab.own.value = ""
        assert lab.reading.asked.prompt == "mug."

    def test_the_model_is_asked_once_a_prompt(self, mini):
        lab = self.make(mini)
        before = lab._asked
        lab.box.value, lab.text.value = 0.0, 0.7
        assert lab._asked is before

    def test_the_bundle_carries_the_live_view_and_a_still(self, mini):
        lab = self.make(mini)
        data, metadata = lab._repr_mimebundle_()
        (mime,) = metadata
        assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == lab.model_id
        assert data["text/plain"] == lab.reading.in_words() == metadata[mime]["alt"]
        assert len(base64.b64decode(data[mime])) <= LIMIT


class TestCatchLooks:
    def test_the_places_are_those_that_were_read(self, mini, monkeypatch):
        """What the attention hands to its kernel is what is caught."""
        image, handed = torch.rand(3, 128, 128), []
        kernel = dino_attention.deformable_attention
        monkeypatch.setattr(
            dino_attention, "deformable_attention", lambda *given: handed.append(given[2:]) or kernel(*given)
        )
        found, looks = catch_looks(mini, image, "mug.")
        assert len(looks) == 2
        for look, (places, weights) in zip(looks, handed[-2:], strict=True):
            torch.testing.assert_close(look.places, places[0])
            torch.testing.assert_close(look.weights, weights[0])
        assert torch.equal(looks[0].boxes_cxcywh, found.selected.references[0])

    def test_share_inside(self, mini):
        _, (look, _) = catch_looks(mini, torch.rand(3, 128, 128), "mug.")
        x1, y1, x2, y2 = cxcywh_to_xyxy(look.boxes_cxcywh[3]).tolist()
        total = 0.0
        for (x, y), weight in zip(
            look.places[3].flatten(0, 2).tolist(), look.weights[3].flatten().tolist(), strict=True
        ):
            total += weight * (x1 < x < x2 and y1 < y < y2)
        assert look.inside(3) == pytest.approx(total / 2)  # two heads

    def test_draws_every_place(self, mini):
        _, looks = catch_looks(mini, torch.rand(3, 128, 128), "mug.")
        figure = draw_looks(torch.rand(3, 384, 384), looks, 0, ["first", "last"])
        marks = [len(dots.get_offsets()) for axes in figure.axes for dots in axes.collections]
        assert marks == [2 * 4] * 6


class TestTrials:
    def test_noun_rivals_and_hits(self, mini):
        trials = hard_trials(mini, 6)
        for sample, noun, rivals in zip(trials.samples, trials.nouns, trials.rivals.tolist(), strict=True):
            assert len(sample.scene.select(category=noun)) == rivals >= 2
            assert sample.scene.things[sample.referent].category == noun
        one, all_boxes = (trials.right(mini.model, mini.words, trials.nouns, most) for most in (1, 20))
        assert (one <= all_boxes).all()
        assert trials._hit(trials.truth[:, None]).all()
        assert not trials.other_pictures().cells[0].features.equal(trials.cells[0].features)

    def test_ious_by_layer(self, mini):
        scenes = draw_scenes(range(2), n=4)
        ious = ious_by_layer(mini, scenes)
        alone = sum(len(s.select(category=thing.category)) == 1 for s in scenes for thing in s.things)
        assert ious.shape == (alone, 3)
        assert 0 <= ious.min() <= ious.max() <= 1


class TestDenoisingTrial:
    @pytest.mark.parametrize("groups", [0, 1])
    def test_the_same_seed_gives_the_same(self, mini, groups):
        handed = denoising_trial.hand_over(mini, draw_scenes(range(4), n=3))
        first, again = (denoising_trial.train_decoder(handed, groups=groups, steps=2) for _ in range(2))
        assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
        assert 0 <= denoising_trial.ap50(handed, first) <= 1
