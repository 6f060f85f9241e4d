"""Pictures of links, patches and covered boxes."""

import pytest
import torch
from torch.testing import assert_close

from gk_utils.kosmos2.caption_pictures import GREY, cover, linked_picture, mirrored, patched_picture, stage_pictures
from gk_utils.kosmos2.grit_stages import make_sample
from gk_utils.kosmos2.grounded_text import GroundedText
from gk_utils.protocols import Grounding

CAT, MUG = (0.1, 0.2, 0.5, 0.9), (0.5, 0.5, 0.6, 0.7)
IMAGE = torch.zeros(100, 200, 3)


class TestLinkedPicture:
    def test_numbers_of_a_box_are_together(self):
        said = GroundedText("a cat, two things, it", ((0, 5), (7, 17), (19, 21)), ((CAT,), (MUG, CAT), ()))
        found = linked_picture(IMAGE, said, "said")
        assert found.boxes.round().tolist() == [[20.0, 20.0, 100.0, 90.0], [100.0, 50.0, 120.0, 70.0]]
        assert (found.labels, found.title) == (["1, 2", "2"], "said")

    def test_no_phrases(self):
        assert linked_picture(IMAGE, GroundedText("nothing")).boxes.shape == (0, 4)


class TestPatchedPicture:
    def test_the_box_of_the_published_rule(self):
        """(.1, .2, .5, .9) is patches 195 and 911."""
        found = patched_picture(IMAGE, torch.tensor([20.0, 20.0, 100.0, 90.0]))
        assert found.title.startswith("patches 195 and 911: IoU 0.9")
        assert_close(found.boxes, torch.tensor([[0.109375 * 200, 20.3125, 0.484375 * 200, 89.0625]]))
        assert_close(found.regions, torch.tensor([[18.75, 18.75, 25.0, 21.875], [93.75, 87.5, 100.0, 90.625]]))
        assert found.truth.tolist() == [[20.0, 20.0, 100.0, 90.0]]


class Finds:
    """Two boxes for a mug, one that it is sure of; nothing else."""

    def ground(self, image, phrase):
        boxes = torch.tensor([[10.0, 10.0, 40.0, 60.0], [60.0, 60.0, 90.0, 90.0]])[: 2 * ("mug" in phrase)]
        scores = torch.tensor([0.9, 0.3])[: len(boxes)]
        return Grounding(boxes, scores, phrase, not len(boxes), (100, 200))


class TestStagePictures:
    def test_what_is_left(self):
        stages = make_sample(torch.zeros(3, 100, 200), "a mug behind the kettle", Finds(), chunker="course")
        found, left, grown = stage_pictures(torch.zeros(200, 400, 3), stages, torch.tensor([[0.0, 0.0, 9.0, 9.0]]))
        assert found.boxes.tolist() == [[20.0, 20.0, 80.0, 120.0], [120.0, 120.0, 180.0, 180.0]]
        assert (found.labels, left.labels) == (["a mug, 0.90", "a mug, 0.30"], ["a mug, 0.90"])
        assert (grown.labels, grown.truth_labels) == (["inherited"], ["meant"])
        assert_close(grown.boxes, found.boxes[:1])

    def test_nothing_is_left(self):
        stages = make_sample(torch.zeros(3, 100, 200), "the kettle", Finds(), chunker="course")
        assert [len(one.boxes) for one in stage_pictures(IMAGE, stages, torch.zeros(0, 4))] == [0, 0, 0]


class TestCover:
    def test_only_there(self):
        images = torch.rand(2, 3, 8, 8) / 4
        boxes = torch.tensor([[2.0, 0.0, 5.0, 3.0], [-3.0, 6.0, 1.0, 12.0]])
        found, changed = cover(images, boxes), torch.zeros(2, 8, 8, dtype=torch.bool)
        changed[0, 0:3, 2:5] = changed[1, 6:8, 0:1] = True
        assert ((found == GREY).all(1) == changed).all()
        assert torch.equal(found.movedim(1, -1)[~changed], images.movedim(1, -1)[~changed])

    def test_what_was_given_stays(self):
        images = torch.zeros(1, 3, 4, 4)
        cover(images, torch.tensor([[0.0, 0.0, 4.0, 4.0]]))
        assert not images.any()

    def test_an_empty_box(self):
        assert not cover(torch.zeros(1, 3, 4, 4), torch.tensor([[2.0, 2.0, 2.0, 2.0]])).any()


class TestMirrored:
    @pytest.mark.parametrize("width", [50.0, 128.0])
    def test_twice_is_the_same(self, width):
        boxes = torch.tensor([[3.0, 4.0, 20.0, 9.0], [0.0, 0.0, 50.0, 1.0]])
        assert_close(mirrored(mirrored(boxes, width), width), boxes)
        assert (mirrored(boxes, width)[:, 2:] > mirrored(boxes, width)[:, :2]).all()
