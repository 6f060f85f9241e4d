import pytest
import torch
from torch.testing import assert_close

from gk_utils import checkpoints
from gk_utils.boxes import clip_boxes
from gk_utils.checkpoints import SHIPPED, Card
from gk_utils.grounding_dino import mini_dino
from gk_utils.grounding_dino.mini_dino import (
    SEPARATORS,
    SmallImages,
    SmallWords,
    TrunkImages,
    Vocabulary,
    build_mini,
    load_mini,
)
from gk_utils.grounding_dino.prompts import phrase_tokens, sub_sentences
from gk_utils.models.trunk_grounder import frozen_trunk, letterbox, weights_of
from gk_utils.protocols import Detector, Grounder

SIZES = {
    **{"words": ["mug", "red", "cat"], "image_side": 64, "width": 32, "heads": 2, "inner": 32, "queries": 5},
    **{"enhancer_layers": 1, "decoder_layers": 1, "levels": 3},
}


@pytest.fixture(scope="module")
def mini():
    torch.manual_seed(0)
    return build_mini(SIZES).eval()


class TestVocabulary:
    def test_prompts_end_with_a_dot_and_an_end(self):
        ids, seen = Vocabulary(["mug", "red"]).encode(["Red mug. zebra", ""])
        assert ids.tolist() == [[2, 6, 5, 4, 1, 4, 3], [2, 3, 0, 0, 0, 0, 0]]
        assert seen.sum(1).tolist() == [7, 2]

    def test_its_sub_sentences(self):
        ids, _ = Vocabulary(["mug", "red"]).encode(["red mug. mug."])
        attends, positions = sub_sentences(ids, SEPARATORS)
        assert positions[0].tolist() == [0, 0, 1, 2, 0, 1, 0]
        assert not attends[0, 1, 4]
        assert phrase_tokens(ids[0], SEPARATORS).sum(1).tolist() == [2, 1]


class TestSmallImages:
    def test_three_maps_of_any_picture(self):
        backbone = SmallImages(32, 2, layers=1)
        maps = backbone(torch.rand(2, 3, 64, 96))
        assert [tuple(one.shape) for one in maps] == [(2, 32, 8, 12), (2, 32, 4, 6), (2, 32, 2, 3)]
        assert backbone.channels == (32, 32, 32)

    def test_it_knows_where(self):
        """A picture of one colour is not the same everywhere."""
        finest = SmallImages(32, 2, layers=1)(torch.full((1, 3, 64, 64), 0.5))[0]
        assert finest[0, :, 3, 3].sub(finest[0, :, 3, 5]).abs().max() > 1e-3


class TestSmallWords:
    def test_a_phrase_does_not_depend_on_the_others(self):
        torch.manual_seed(0)
        encoder, vocabulary = SmallWords(3, 32, 2, layers=1, max_tokens=16), Vocabulary(SIZES["words"])
        ids, _ = vocabulary.encode(["red mug. cat.", "red mug. red."])
        features = encoder(ids, *sub_sentences(ids, SEPARATORS))
        assert_close(features[0, :4], features[1, :4])
        assert (features[0, 4] != features[1, 4]).any()


class TestMiniGroundingDino:
    def test_offers_both_protocols(self, mini):
        assert isinstance(mini, Detector)
        assert isinstance(mini, Grounder)

    def test_boxes_are_pixels_of_the_picture_passed_in(self, mini, monkeypatch):
        """The same picture at twice the size has boxes of twice the size."""
        monkeypatch.setattr("gk_utils.grounding_dino.mini_dino.BOX_THRESHOLD", 0.0)
        small, large = (mini.detect(torch.full((3, n, n), 0.4), ["red mug", "cat"]) for n in (64, 128))
        assert len(small) == 5
        assert set(small.phrases) <= {"red mug", "cat"}
        assert (small.scores[1:] <= small.scores[:-1]).all()
        assert_close(large.boxes, small.boxes * 2, atol=1e-3, rtol=1e-4)

    def test_a_wide_picture_is_not_squeezed(self, mini, monkeypatch):
        """It lies in a square, grey below it; what the model says of the square comes back, cut at the border."""
        monkeypatch.setattr("gk_utils.grounding_dino.mini_dino.BOX_THRESHOLD", 0.0)
        wide = torch.rand(3, 16, 64, generator=torch.Generator().manual_seed(0))
        found = mini.detect(wide, ["cat"])
        square, _ = letterbox(wide, 64)
        whole = mini.detect(square, ["cat"])
        assert_close(found.boxes, clip_boxes(whole.boxes, (16, 64)), atol=1e-3, rtol=0)

    def test_an_untrained_one_says_that_nothing_is_there(self, mini):
        found = mini.ground(torch.rand(3, 64, 64), "red mug")
        assert found.absent
        assert len(found) == 0

    def test_a_phrase_without_words(self, mini):
        with pytest.raises(ValueError, match="phrases: expected at least one word in each"):
            mini.detect(torch.rand(3, 64, 64), ["mug", "!!"])


class TestDetectBatch:
    def test_the_same_as_one_by_one(self, mini, monkeypatch):
        """Pictures of unlike shapes, prompts of unlike lengths: neither padding may change an answer."""
        images = [torch.rand(3, 48, 80), torch.rand(3, 90, 30), torch.rand(3, 64, 64)]
        phrases = [["mug"], ["red mug", "cat"], ["cat", "mug", "red cat"]]
        monkeypatch.setattr(mini_dino, "BOX_THRESHOLD", 0.0)
        together = mini.detect_batch(images, phrases)
        alone = [mini.detect(image, some) for image, some in zip(images, phrases, strict=True)]
        assert all(len(one) for one in alone)
        for one, other in zip(together, alone, strict=True):
            assert one.phrases == other.phrases
            assert one.image_hw == other.image_hw
            assert_close(one.boxes, other.boxes, atol=1e-3, rtol=0)
            assert_close(one.scores, other.scores)

    def test_no_pictures(self, mini):
        assert mini.detect_batch([], []) == []

    def test_phrases_for_each_picture(self, mini):
        with pytest.raises(ValueError, match=r"images and phrases|phrases"):
            mini.detect_batch([torch.rand(3, 64, 64)], [["mug"], ["cat"]])


class TestTrunkImages:
    def test_the_trunk_is_neither_stored_nor_trained(self):
        torch.manual_seed(0)
        backbone = TrunkImages("trunk_small", 32, finest=16)
        assert not any("trunk" in name for name in backbone.state_dict())
        maps = backbone(torch.rand(2, 3, 128, 128))
        assert [tuple(one.shape) for one in maps] == [(2, 32, 8, 8), (2, 32, 4, 4), (2, 32, 2, 2)]
        sum(one.sum() for one in maps).backward()
        assert all(value.grad is not None for value in backbone.parameters())
        assert all(value.grad is None for value in frozen_trunk("trunk_small").parameters())

    def test_a_coarser_first_map(self):
        assert TrunkImages("trunk_small", 32, finest=32)(torch.rand(1, 3, 128, 128))[0].shape == (1, 32, 4, 4)

    @pytest.mark.parametrize("finest", [8, 24])
    def test_maps_that_the_trunk_does_not_have(self, finest):
        with pytest.raises(ValueError, match=rf"finest: expected 16 or twice, four times that, got {finest}"):
            TrunkImages("trunk_small", 32, finest=finest)


class TestLoadMini:
    def save(self, folder, **metrics):
        settings = {**SIZES, "image_side": 128, "trunk": "trunk_small", "finest": 16}
        torch.manual_seed(0)
        mini = build_mini(settings).eval()
        card = Card("grounding_dino_small", 0, 1, "CPU", 0.0, dict(metrics), settings)
        checkpoints.save(dict(mini.state_dict()), folder, card)
        return mini

    def test_the_same_answers_as_before(self, tmp_path):
        before = self.save(tmp_path / "mini", absent_below=0.004, trunk=weights_of("trunk_small"))
        mini, card = load_mini(tmp_path / "mini")
        assert (card.recipe, mini.absent_below, mini.training) == ("grounding_dino_small", 0.004, False)
        before.absent_below = 0.004
        image = torch.rand(3, 100, 120)
        first, again = before.ground(image, "red mug"), mini.ground(image, "red mug")
        assert_close(first.boxes, again.boxes, atol=0.1, rtol=0)  # stored in half precision
        assert len(first) > 0

    def test_weights_for_another_trunk_are_refused(self, tmp_path):
        self.save(tmp_path / "mini", trunk="0123456789ab")
        with pytest.raises(ValueError, match=r"expected one trained on the weights \w+ of trunk_small, got one for"):
            load_mini(tmp_path / "mini")

    def test_another_model_is_refused(self):
        with pytest.raises(ValueError, match=r"checkpoint: expected a Grounding DINO, got 'trunk_small'"):
            load_mini(SHIPPED / "trunk_small")

    def test_nothing_shipped(self, monkeypatch, tmp_path):
        monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path)
        with pytest.raises(FileNotFoundError, match=r"expected grounding_dino or .* got none"):
            load_mini()
