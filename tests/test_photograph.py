"""The lab of lesson 09, and what the lesson measures with: phrases with masks, pairs of sentences, two small heads."""

import base64
import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from PIL import Image
from some_pipeline import CountingDetector, CountingSegmenter, a_result
from torch import nn

from gk_utils.countertop.render import render
from gk_utils.countertop.scene import draw_scene
from gk_utils.figure_image import LIMIT
from gk_utils.grounded_sam import GroundedSam
from gk_utils.grounded_sam.caption_links import write_caption
from gk_utils.labs import mask_heads
from gk_utils.labs.claim_pairs import ClaimPair, draw_claims, draw_pairs, in_full_view, nouns_of, verdict_on
from gk_utils.labs.photograph import (
    LONGEST,
    Cutting,
    PhotographLab,
    caption_html,
    cut_out,
    draw_cutting,
    read_upload,
)
from gk_utils.labs.phrase_trials import drawn_trials, mask_ious, split_trials
from gk_utils.models.trunk_grounder import frozen_trunk


@pytest.fixture
def pipeline() -> GroundedSam:
    return GroundedSam(CountingDetector(), CountingSegmenter())


def png(height: int = 20, width: int = 40, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "red").convert(mode).save(buffer, "png")
    return buffer.getvalue()


class TestCutOut:
    def test_phrases_are_cut_at_semicolons_and_stripped(self, pipeline):
        cutting = cut_out(pipeline, torch.rand(3, 30, 40), " mug ;cat;; mug; nothing ")
        assert cutting.found.asked == ("mug", "cat", "nothing")
        assert cutting.caption.parts() == ["2 x mug"] or cutting.caption.parts() == ["a mug", "a cat"]
        assert cutting.sentence == "2 masks for 3 phrases; nothing for 'nothing'."

    def test_the_words_say_every_row(self):
        found = a_result()
        words = Cutting(torch.rand(3, 10, 40), found, write_caption(found)).in_words().splitlines()
        assert words == [
            "2 masks for 3 phrases; nothing for 'cat'.",
            "The picture shows a mug [1] and a plate [2].",
            "1 mug 0.90: left 0, top 0, right 10, bottom 10, 25.0% of the picture",
            "2 plate 0.50: left 20, top 0, right 30, bottom 10, 25.0% of the picture",
        ]

    def test_no_phrase(self, pipeline):
        with pytest.raises(ValueError, match="phrases: expected at least one, got ' ; '"):
            cut_out(pipeline, torch.rand(3, 30, 40), " ; ")

    def test_caption_is_whole_and_numbered(self):
        found = a_result(phrases=("mug", "mug"))
        caption = write_caption(found)
        text = "".join(ET.fromstring(f"<p>{caption_html(caption).replace('&nbsp;', ' ')}</p>").itertext())
        assert text == "The picture shows 2 x mug [1, 2]."

    def test_draws_every_row_and_none(self):
        found = a_result()
        axes = draw_cutting(Cutting(torch.rand(3, 10, 40), found, write_caption(found))).axes[0]
        boxes = [patch.get_bbox().extents.tolist() for patch in axes.patches if patch.get_gid() == "boxes"]
        assert boxes == found.boxes.tolist()
        assert {text.get_text() for text in axes.texts} == {"1 mug 0.90", "2 plate 0.50"}
        empty = a_result(boxes=(), phrases=())
        assert not draw_cutting(Cutting(torch.rand(3, 10, 40), empty, write_caption(empty))).axes[0].texts


class TestReadUpload:
    @pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA"])
    def test_any_mode_is_rgb(self, mode):
        image = read_upload("a.png", png(mode=mode))
        assert image.shape == (3, 20, 40)
        assert 0 <= image.min() <= image.max() <= 1

    def test_a_large_one_is_shrunk(self):
        assert read_upload("a.png", png(900, 1800)).shape == (3, LONGEST // 2, LONGEST)

    def test_no_picture_is_named_without_its_path(self):
        with pytest.raises(ValueError, match=r"^your photograph: expected a picture, got 'a.jpg'. Save it as PNG"):
            read_upload("C:/x/a.jpg", b"no")


class TestPhotographLab:
    """The callbacks over their range, as the page sends them."""

    def make(self, pipeline) -> PhotographLab:
        return PhotographLab(pipeline, {name: torch.rand(3, 30, 40) for name in "AB"}, "mug; cat")

    def test_every_picture_and_phrases_are_answered(self, pipeline):
        lab = self.make(pipeline)
        for number in (1, 0):
            lab.picture.set_state({"index": number})
            assert lab.cutting.image is lab._pictures["AB"[number]]
            for phrases in ("nothing", "mug; cat", "mug"):
                lab.phrases.set_state({"value": phrases})
                assert lab.cutting.found.asked == tuple(phrases.split("; "))
                page = lab.view.value.replace('%">', '%"/>').replace("&nbsp;", " ")
                first, caption, picture = ET.fromstring(f"<div>{page}</div>")
                assert "".join(first.itertext()) == lab.cutting.sentence
                assert picture.get("alt").split() == lab.cutting.in_words().split()
                assert "".join(caption.itertext()) == lab.cutting.in_words().splitlines()[1]

    def test_no_words_are_told(self, pipeline):
        lab = self.make(pipeline)
        lab.phrases.value = " "
        assert "expected at least one" in lab.view.value
        lab.phrases.value = "mug"
        assert lab.cutting.found.asked == ("mug",)

    def upload(self, lab: PhotographLab, content: bytes, name: str = "mine.png") -> None:
        lab.upload._handle_msg(
            {
                "content": {
                    "data": {
                        "method": "update",
                        "state": {
                            "value": [{"name": name, "type": "image/png", "size": len(content), "last_modified": 1}]
                        },
                        "buffer_paths": [["value", 0, "content"]],
                    }
                },
                "buffers": [memoryview(content)],
            }
        )

    def test_an_upload_is_added_and_shown(self, pipeline):
        lab = self.make(pipeline)
        self.upload(lab, png())
        assert lab.picture.options == ("A", "B", "yours: mine.png")
        assert lab.picture.value == "yours: mine.png"
        assert lab.cutting.image.shape == (3, 20, 40)
        self.upload(lab, png(40, 40))  # the same name again
        assert lab.cutting.image.shape == (3, 40, 40)

    def test_an_upload_that_is_no_picture(self, pipeline):
        lab = self.make(pipeline)
        self.upload(lab, b"no", "<b>.png")
        assert "expected a picture, got" in lab.view.value
        assert "<b>" not in lab.view.value
        assert lab.picture.options == ("A", "B")

    def test_the_bundle_carries_the_live_view_and_a_still(self, pipeline):
        lab = self.make(pipeline)
        data, metadata = lab._repr_mimebundle_()
        (mime,) = metadata
        assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == lab.model_id
        assert data["text/plain"] == lab.cutting.in_words() == metadata[mime]["alt"]
        assert len(base64.b64decode(data[mime])) <= LIMIT


class TestPhraseTrials:
    def test_truth_is_what_the_phrases_mean(self):
        trials = split_trials(6, side=32)
        assert [len(each) for each in trials.asked] == trials.row.bincount().tolist()
        assert trials.truth.any((1, 2)).all()
        assert [text for each in trials.asked for text in each] == list(trials.texts)

    def test_answers_take_the_best_row_of_each_phrase(self):
        trials = split_trials(3, side=32)
        mask = {"size": [32, 32], "counts": [0, 64, 960]}
        results = [
            a_result(
                boxes=[(0.0, 0, 2, 32), (1.0, 1, 3, 3)],
                phrases=(asked[-1], asked[-1]),
                asked=tuple(asked),
                image_hw=(32, 32),
                masks=(mask, mask),
            )
            for asked in trials.asked
        ]
        boxes, masks = trials.answers(results)
        last = [asked[-1] for asked in trials.asked]
        for number, (text, row) in enumerate(zip(trials.texts, trials.row.tolist(), strict=True)):
            found = text == last[row]
            assert boxes[number].tolist() == ([0, 0, 2, 32] if found else [0] * 4)
            assert int(masks[number].sum()) == 64 * found

    def test_the_control_looks_at_other_pictures(self):
        trials = split_trials(8, side=32)
        assert len(trials.images) > 2
        own = mask_ious(trials.truth, trials.truth)
        assert own.min() == 1
        assert mask_ious(trials.truth, trials.swapped()).mean() < 0.5

    def test_drawn_ones_share_no_phrase_list_with_the_split(self):
        assert not torch.equal(drawn_trials(1, side=32).images[0], split_trials(2, side=32).images[0])


class TestMaskHeads:
    def test_box_maps_are_the_pixels_of_the_box(self):
        """Put together again, the 16 parts of each patch are the box."""
        boxes = torch.tensor([[0.25, 0.5, 0.75, 1.0]])
        whole = nn.PixelShuffle(4)(mask_heads.box_maps(boxes, grid=4))
        want = torch.zeros(16, 16)
        want[8:, 4:12] = 1
        assert torch.equal(whole[0, 0], want)

    def test_features_are_those_of_the_trunk(self):
        trunk, trials = frozen_trunk("trunk_small"), split_trials(3, side=64)
        side = trunk.settings.image_side
        features = mask_heads.read_features(trunk, trials)
        images = nn.functional.interpolate(trials.images, (side, side), mode="bilinear", antialias=True)
        boxes, _ = trunk.answers(images, trials.texts, trials.row)
        torch.testing.assert_close(features.boxes_unit * side, boxes)
        assert features.direct.shape[1] == 2 * features.seen.shape[1]
        assert torch.equal(features.through_box[:, :-16], features.seen)

    def test_a_head_learns_and_the_same_seed_gives_the_same(self):
        maps, masks = torch.zeros(4, 2, 16, 16), torch.zeros(4, 64, 64, dtype=torch.bool)
        maps[:2, 0, :8], masks[:2, :32] = 20, True
        maps[2:, 0, 8:], masks[2:, 32:] = 20, True

        def train(seed: int = 0) -> nn.Module:
            head = nn.Sequential(nn.Conv2d(2, 16, 1), nn.PixelShuffle(4))
            for weight in head.parameters():
                weight.data.zero_()
            assert not mask_heads.say_masks(head, maps, 64).any()
            return mask_heads.train_head(head, maps, masks, steps=40, seed=seed)

        first = train()
        assert torch.equal(first(maps), train()(maps))
        assert not torch.equal(first(maps), train(seed=1)(maps))
        assert mask_ious(mask_heads.say_masks(first, maps, 64), masks).min() > 0.9

    def test_flops_of_a_convolution(self):
        head = nn.Conv2d(3, 5, 3, padding=1).requires_grad_(False)
        assert mask_heads.flops(head, torch.zeros(1, 3, 8, 8)) == 2 * 64 * 5 * 3 * 9


class TestClaimPairs:
    def scene(self):
        looks = [("mug", "red"), ("mug", "red"), ("cat", "orange"), ("toaster", "yellow")]
        wanted = [{"category": category, "colour": colour} for category, colour in looks]
        return draw_scene(829, n=4, wanted=wanted)

    def test_true_ones_are_true_and_altered_ones_false(self):
        scene = self.scene()
        counts = {thing.category: len(scene.select(category=thing.category)) for thing in scene.things}
        boxes = render([scene], (128, 128)).boxes[0]
        words = ("no", "one", "two", "three", "four")
        for seed in range(20):
            for pair in draw_pairs(scene, boxes, np.random.default_rng(seed)):
                noun = pair.nouns[0]
                if pair.kind == "number":
                    said = [text.split()[2] for text in (pair.true, pair.altered)]
                    assert words.index(said[0]) == counts[noun] != words.index(said[1])
                if pair.kind == "there":
                    assert counts.get(noun)
                    assert not counts.get(pair.nouns[1])
                if pair.kind == "colour":
                    (thing,) = scene.select(category=noun)
                    assert (scene.things[thing].colour in pair.true) > (scene.things[thing].colour in pair.altered)
                if pair.kind == "side":
                    first, second = (boxes[scene.select(category=name)[0]] for name in pair.nouns)
                    assert ("left" in pair.true) == bool(first[0] < second[0])
                    assert ("left" in pair.altered) != ("left" in pair.true)

    def test_verdicts(self):
        found, image = a_result(), torch.zeros(3, 10, 40)
        image[0] = 1
        assert verdict_on("The mug is red.", found, image) == "supported"
        assert verdict_on("The mug is blue.", found, image) == "contradicted"
        assert verdict_on("There are two mugs.", found, image) == "contradicted"
        assert verdict_on("The mug is to the left of the plate.", found, image) == "supported"
        assert verdict_on("The mug is behind the plate.", found, image) == "cannot be checked"
        assert verdict_on("There is a cat behind the mug.", found, image) == "contradicted"

    def test_hidden_things_do_not_count(self):
        scene = self.scene()
        rendered = render([scene], (64, 64))
        rendered.masks[0, 0] = False
        assert not in_full_view(scene, rendered, 0)

    def test_the_control_is_asked_for_too(self):
        claims = draw_claims(2, side=32)
        assert claims.after(1) == 0
        for row in (0, 1):
            assert set(claims.asked[row]) == {*nouns_of(claims.pairs, 0), *nouns_of(claims.pairs, 1)}
        assert all(isinstance(pair, ClaimPair) for pair in claims.pairs)
