import base64
import xml.etree.ElementTree as ET

import pytest
import torch
from torch.testing import assert_close

from gk_utils.contrastive.mini_clip import build_clip
from gk_utils.contrastive.pair_claims import claim_holds, claim_vocabulary, read_claim
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import draw_scene
from gk_utils.figure_image import LIMIT
from gk_utils.labs.caption_order import CaptionLab
from gk_utils.labs.caption_readings import caption_pairs, draw_captions, read_captions


@pytest.fixture(scope="module")
def clips():
    torch.manual_seed(0)
    sizes = {"words": claim_vocabulary(), "image_side": 32, "width": 32, "heads": 2, "space": 16}
    return {name: build_clip(sizes).eval() for name in ("one", "two")}


class TestReadCaptions:
    def test_the_numbers_are_the_models(self, clips):
        scene, pairs = caption_pairs(0)
        reading = read_captions(clips, scene, pairs["nouns"])
        image = render([scene], (32, 32)).images
        for clip, row, share in zip(clips.values(), reading.cosines, reading.shares, strict=True):
            cosines = clip.similarities(image, list(pairs["nouns"]))[0]
            assert_close(row, cosines)
            assert_close(share, torch.sigmoid(clip.scale() * (cosines[0] - cosines[1])).detach())

    def test_in_words(self, clips):
        scene, pairs = caption_pairs(0)
        said = read_captions(clips, scene, pairs["relation"]).in_words()
        assert said.startswith(f"1: {pairs['relation'][0]}\n2: {pairs['relation'][1]}\none: ")
        assert "First true, second false." in said
        strange = read_captions(clips, scene, ["a mug", "a wombat mug"])
        assert strange.sentence.endswith("First undecided, second undecided. Unknown words: wombat.")

    def test_errors(self, clips, unhooked):
        with pytest.raises(ValueError, match="texts: expected two captions, got 1"):
            read_captions(clips, draw_scene(0), ["a mug"])
        with pytest.raises(ValueError, match="caption: expected at least one word"):
            read_captions(clips, draw_scene(0), ["a mug", "?"])


class TestCaptionPairs:
    @pytest.mark.parametrize("seed", [0, 3, 4, 5])
    def test_the_first_holds_and_the_second_does_not(self, seed):
        scene, pairs = caption_pairs(seed)
        assert len(scene) == 2
        for name, (true, other) in pairs.items():
            assert claim_holds(read_claim(true), scene)
            other_claim = read_claim(other)
            assert other_claim is None if name == "no grammar" else claim_holds(other_claim, scene) is False


class TestDrawCaptions:
    def test_bars_point_to_the_caption_taken(self, clips):
        scene, pairs = caption_pairs(0)
        reading = read_captions(clips, scene, pairs["colours"])
        axes = draw_captions(reading).axes[1]
        ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
        assert_close(torch.tensor(ends).float(), 1 - reading.shares, atol=1e-6, rtol=1e-6)


class TestCaptionLab:
    """The callbacks over their range, as the page sends them."""

    def test_every_choice_is_answered(self, clips):
        lab = CaptionLab(clips, {"A": 3, "B": 5})
        for picture in (0, 1):
            lab.picture.set_state({"index": picture})
            for change in range(5):
                lab.change.set_state({"index": change})
                scene, pairs = lab._scenes["AB"[picture]]
                told = read_captions(clips, scene, list(pairs.values())[change])
                assert lab.reading.in_words() == told.in_words()
                (line, picture_tag) = ET.fromstring(f"<div>{lab.view.value}</div>".replace('%">', '%"/>'))
                assert "".join(line.itertext()) == told.sentence
                assert picture_tag.get("alt").split() == told.in_words().split()

    def test_own_words_and_words_that_are_none(self, clips):
        lab = CaptionLab(clips, {"A": 3})
        lab.second.value = "a cat is on a mug"
        assert lab.reading.texts[1] == "a cat is on a mug"
        lab.second.value = "?"
        assert "expected at least one word" in lab.view.value
        lab.change.value = "nouns"
        assert lab.second.value == lab.reading.texts[1] != "?"

    def test_the_bundle_carries_the_live_view_and_a_still(self, clips):
        lab = CaptionLab(clips, {"A": 3})
        data, metadata = lab._repr_mimebundle_()
        (mime,) = metadata
        assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == lab.model_id
        assert data["text/plain"] == lab.reading.in_words() == metadata[mime]["alt"]
        assert len(base64.b64decode(data[mime])) <= LIMIT
