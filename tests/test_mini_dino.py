import pytest
import torch
from torch.testing import assert_close

from gk_utils.boxes import clip_boxes
from gk_utils.grounding_dino.mini_dino import (
    SEPARATORS,
    SmallImages,
    SmallWords,
    Vocabulary,
    build_mini,
)
from gk_utils.grounding_dino.prompts import phrase_tokens, sub_sentences
from gk_utils.models.trunk_grounder import letterbox
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
