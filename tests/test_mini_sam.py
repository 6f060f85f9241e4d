import pytest
import torch
from tiny_sam import TINY, perturbed
from torch.testing import assert_close

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.models.trunk_grounder import letterbox
from gk_utils.protocols import Segmenter
from gk_utils.segment_anything.mask_decoder import Decoded
from gk_utils.segment_anything.mini_sam import (
    MiniSegmenter,
    best_reading,
    build_sam,
    frame_of,
    load_mini,
    resized_hw,
)
from gk_utils.segment_anything.prompt_encoder import with_corners

BOXES = torch.tensor([[10.0, 20.0, 60.0, 70.0], [5.0, 5.0, 90.0, 40.0]])


@pytest.fixture(scope="module")
def segmenter() -> MiniSegmenter:
    return MiniSegmenter(perturbed(build_sam(TINY)))


@pytest.fixture
def picture() -> torch.Tensor:
    return torch.rand(3, 80, 100, generator=torch.Generator().manual_seed(0))


class TestMiniSegmenter:
    def test_is_a_segmenter(self, segmenter):
        assert isinstance(segmenter, Segmenter)

    def test_no_picture_yet(self):
        with pytest.raises(
            RuntimeError, match=r"segment: expected an image first, got none\. Call set_image\(image\)\."
        ):
            MiniSegmenter(build_sam(TINY)).segment(boxes=BOXES)

    def test_masks_at_the_size_of_the_picture(self, segmenter, picture):
        segmenter.set_image(picture)
        found = segmenter.segment(boxes=BOXES)
        assert found.masks.shape == (2, 80, 100)
        assert found.image_hw == (80, 100)

    def test_is_the_model_asked_in_its_own_pixels(self, segmenter):
        picture = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(1))  # the model's own size
        segmenter.set_image(picture)
        boxes = BOXES.clamp(max=64)
        with torch.no_grad():
            embedding = segmenter.sam.embed(picture[None]).expand(2, -1, -1, -1)
            said = segmenter.sam.ask(embedding, *with_corners(None, None, boxes - 0.5))
        finer = torch.nn.functional.interpolate(said.logits, (64, 64), mode="bilinear") > 0
        assert segmenter.segment(boxes=boxes).masks.equal(finer[:, 0])
        assert_close(segmenter.segment(boxes=boxes).scores, said.iou[:, 0].clamp(0, 1))
        assert segmenter.segment(boxes=boxes, all_masks=True).masks.equal(finer[:, 1:].flatten(0, 1))

    def test_one_click_alone_is_answered_by_the_best_reading(self, segmenter, picture):
        segmenter.set_image(picture)
        click = torch.tensor([[[30.0, 40.0]], [[70.0, 20.0]]])
        three, best = segmenter.segment(points=click, all_masks=True), segmenter.segment(points=click)
        assert len(three) == 6
        sam = segmenter.sam
        points = frame_of((80, 100), 64).from_pixels(click.repeat(1, 1, 2))[..., :2] - 0.5
        with torch.no_grad():
            said = sam.ask(segmenter.embedding.expand(2, -1, -1, -1), *with_corners(points, None, None))
        for row, k in enumerate(said.readings.iou.argmax(1).tolist()):
            assert best.masks[row].equal(three.masks[3 * row + k])

    def test_more_prompts_than_are_decoded_at_once(self, segmenter, picture):
        segmenter.set_image(picture)
        many = segmenter.segment(boxes=BOXES.repeat(40, 1))
        assert many.masks[64:66].equal(segmenter.segment(boxes=BOXES).masks)

    def test_an_embedding_is_taken_out_and_put_back(self, segmenter, picture):
        other = torch.rand(3, 50, 40)
        first, second = segmenter.embed_all([picture, other])
        segmenter.set_image(picture)
        want = segmenter.segment(boxes=BOXES)
        assert_close(segmenter.embed(picture), first, atol=1e-5, rtol=1e-5)
        segmenter.set_image(other)
        segmenter.set_embedding(first, (80, 100))
        assert (segmenter.segment(boxes=BOXES).masks ^ want.masks).float().mean() < 1e-3
        assert second.shape == (32, 8, 8)
        assert segmenter.embed_all([]) == []

    def test_an_earlier_mask_matters(self, segmenter, picture):
        segmenter.set_image(picture)
        mask = torch.zeros(2, 80, 100, dtype=torch.bool)
        mask[:, 10:50, 10:50] = True
        assert not segmenter.segment(boxes=BOXES, masks=mask).masks.equal(segmenter.segment(boxes=BOXES).masks)
        assert len(segmenter.segment(masks=mask)) == 2

    def test_a_mask_prompt_keeps_its_place(self, segmenter, picture):
        segmenter.set_image(picture)
        mask = torch.zeros(1, 80, 100, dtype=torch.bool)
        mask[:, 40:, 50:] = True
        inside = segmenter._as_logits(mask)[0, 0] > 0  # 32 cells over 100 px; rows below 25.6 are grey
        assert inside[13:25, 16:].all()
        assert not inside[:12].any()
        assert not inside[26:].any()

    def test_labels_of_points_matter(self, segmenter, picture):
        segmenter.set_image(picture)
        points = torch.tensor([[[30.0, 40.0], [70.0, 20.0]]])
        on, beside = (
            segmenter.segment(points=points, is_object=torch.tensor([[True, last]]), all_masks=True).scores
            for last in (True, False)
        )
        assert not torch.allclose(on, beside)
        assert segmenter.segment(points=points, all_masks=True).scores.equal(on)

    def test_no_rows(self, segmenter, picture):
        segmenter.set_image(picture)
        assert segmenter.segment(boxes=torch.zeros(0, 4)).masks.shape == (0, 80, 100)

    def test_nothing_to_cut_out(self, segmenter, picture):
        segmenter.set_image(picture)
        with pytest.raises(ValueError, match=r"segment: expected boxes, points or masks, got none\. Say what"):
            segmenter.segment()

    def test_other_numbers_of_prompts(self, segmenter, picture, unhooked):
        segmenter.set_image(picture)
        with pytest.raises(ValueError, match=r"points: expected as many rows as boxes \(2\), got 1"):
            segmenter.segment(boxes=BOXES, points=torch.zeros(1, 1, 2))

    def test_masks_of_another_size(self, segmenter, picture):
        segmenter.set_image(picture)
        with pytest.raises(ValueError, match=r"masks: expected the picture's \(80, 100\), got \(80, 90\)"):
            segmenter.segment(masks=torch.zeros(1, 80, 90, dtype=torch.bool))

    def test_labels_of_another_shape(self, segmenter, picture, unhooked):
        segmenter.set_image(picture)
        with pytest.raises(
            ValueError, match=r"is_object: expected one answer for each of \(1, 2\) points, got \(1, 1\)"
        ):
            segmenter.segment(points=torch.zeros(1, 2, 2), is_object=torch.ones(1, 1, dtype=torch.bool))

    def test_an_embedding_of_another_model(self, segmenter):
        with pytest.raises(
            ValueError, match=r"embedding: expected \(32, 8, 8\), as embed returns it, got \(32, 4, 4\)"
        ):
            segmenter.set_embedding(torch.zeros(32, 4, 4), (80, 100))


class TestBestReading:
    def test_leaves_the_single_mask_out(self):
        said = Decoded(torch.arange(4.0).view(1, 4, 1, 1), torch.tensor([[0.9, 0.1, 0.8, 0.3]]))
        best = best_reading(said)
        assert (best.logits.tolist(), best.iou.shape) == ([[[[2]]]], (1, 1))


class TestResizedHw:
    def test_a_thin_picture_keeps_a_row(self):
        assert resized_hw((1, 1000), 64) == (1, 64)


class TestFrameOf:
    @pytest.mark.parametrize("hw", [(64, 64), (480, 641), (7, 3), (1, 500)])
    def test_is_the_letterbox(self, hw):
        assert frame_of(hw, 64) == letterbox(torch.zeros(3, *hw), 64)[1]


class TestBuildSam:
    def test_what_is_no_size_is_left_out(self):
        assert build_sam({**TINY, "pool": 3}).settings.global_layers == (1,)


class TestLoadMini:
    def test_what_was_saved(self, tmp_path, picture):
        sam = perturbed(build_sam(TINY))
        checkpoints.save(sam.state_dict(), tmp_path, Card("tiny", 0, 1, "CPU", 0.1, {}, TINY))
        segmenter, card = load_mini(tmp_path)
        assert (card.recipe, segmenter.name) == ("tiny", "tiny")
        segmenter.set_image(picture)
        assert len(segmenter.segment(boxes=BOXES)) == 2

    def test_something_else(self, tmp_path):
        checkpoints.save({"w": torch.ones(1)}, tmp_path, Card("trunk", 0, 1, "CPU", 0.1, {}, {"words": []}))
        with pytest.raises(ValueError, match=r"checkpoint: expected a segmenter, got 'trunk'\. Name the folder"):
            load_mini(tmp_path)

    def test_nothing_shipped(self, tmp_path, monkeypatch):
        monkeypatch.setattr("gk_utils.checkpoints.SHIPPED", tmp_path)
        with pytest.raises(FileNotFoundError, match=r"expected segment_anything or segment_anything_small in"):
            load_mini()
