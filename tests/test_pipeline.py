import numpy as np
import pytest
import torch
from some_pipeline import CountingDetector, CountingSegmenter, pictures

from gk_utils.boxes import boxes_from_masks
from gk_utils.grounded_sam.box_filler import BoxFiller
from gk_utils.grounded_sam.pipeline import BatchDetector, Embeds, GroundedSam
from gk_utils.protocols import Detections


class Fixed:
    """A detector whose answer is given."""

    def __init__(self, boxes, scores, phrases):
        self.answer = (torch.tensor(boxes), torch.tensor(scores), phrases)

    def detect(self, image, phrases):
        return Detections(*self.answer, tuple(image.shape[1:]))


class TestGroundedSam:
    def test_by_hand(self):
        """Boxes of 6 x 4 pixels that begin where the phrase is long, cut out as they are."""
        found = GroundedSam(CountingDetector(), CountingSegmenter())(
            pictures(0.5), ["mug", "nothing", "plate"], ["a.png"]
        )
        (one,) = found
        assert (one.name, one.image_hw, one.asked) == ("a.png", (10, 40), ("mug", "nothing", "plate"))
        assert (one.phrases, one.absent) == (("mug", "plate"), ("nothing",))
        assert one.boxes.tolist() == [[3, 0, 9, 4], [5, 0, 11, 4]]
        masks = torch.stack([one.mask(0), one.mask(1)])
        assert torch.equal(boxes_from_masks(masks), one.boxes)

    def test_one_by_one_is_the_same(self):
        images = [torch.rand(3, 10, 40, generator=torch.Generator().manual_seed(seed)) for seed in range(5)]
        together = GroundedSam(CountingDetector(), CountingSegmenter(), batch=3)(images, ["mug", "plate"])
        alone = [GroundedSam(CountingDetector(), CountingSegmenter())([image], ["mug", "plate"])[0] for image in images]
        assert [{**one.as_dict(), "name": ""} for one in together] == [{**one.as_dict(), "name": ""} for one in alone]

    def test_no_embedding_is_computed_twice(self):
        """Five pictures, two of them the same as others: three embeddings, and none on a second look."""
        segmenter = CountingSegmenter()
        pipeline = GroundedSam(CountingDetector(), segmenter, batch=2)
        images = pictures(0.1, 0.2, 0.1, 0.3, 0.2)
        pipeline(images, ["mug"])
        assert (segmenter.embedded, pipeline.encoder_calls) == (3, 3)
        pipeline(images, ["plate", "kettle"])
        assert segmenter.embedded == 3
        assert segmenter.shown.tolist() == pytest.approx([0.2] * 3)  # the last prompts were about the last picture

    def test_the_cache_is_bounded_and_a_batch_still_right(self):
        segmenter = CountingSegmenter()
        pipeline = GroundedSam(CountingDetector(), segmenter, batch=4, kept=1)
        assert len(pipeline(pictures(0.1, 0.2, 0.3, 0.1), ["mug"])) == 4
        assert (segmenter.embedded, len(pipeline.cache)) == (3, 1)

    def test_nothing_found_nothing_embedded(self):
        segmenter = CountingSegmenter()
        (one,) = GroundedSam(CountingDetector(), segmenter)(pictures(0.1), ["nothing"])
        assert (len(one), one.absent, one.boxes.shape) == (0, ("nothing",), (0, 4))
        assert (segmenter.embedded, segmenter.prompts) == (0, [])

    def test_a_segmenter_that_keeps_its_own_embedding(self):
        """No `embed`: each picture is set, but not again while it is still there."""
        segmenter = BoxFiller()
        assert not isinstance(segmenter, Embeds)
        pipeline = GroundedSam(CountingDetector(), segmenter)
        pipeline(pictures(0.1, 0.1, 0.2), ["mug"])
        assert pipeline.encoder_calls == 2

    def test_phrases_of_each_picture(self):
        found = GroundedSam(CountingDetector(), CountingSegmenter())(pictures(0.1, 0.2), [["mug"], ["plate", "cat"]])
        assert [one.asked for one in found] == [("mug",), ("plate", "cat")]

    def test_a_detector_for_several_pictures(self):
        class Both(CountingDetector):
            batches = ()

            def detect_batch(self, images, phrases):
                self.batches = (*self.batches, len(images))
                return [self.detect(image, each) for image, each in zip(images, phrases, strict=True)]

        detector = Both()
        assert isinstance(detector, BatchDetector)
        assert len(GroundedSam(detector, CountingSegmenter(), batch=2)(pictures(0.1, 0.2, 0.3), ["mug"])) == 3
        assert detector.batches == (2, 1)

    def test_a_segmenter_for_several_pictures(self):
        class Both(CountingSegmenter):
            def embed_all(self, images):
                return [self.embed(image) for image in images]

        pipeline = GroundedSam(CountingDetector(), Both())
        pipeline(pictures(0.1, 0.2, 0.1), ["mug"])
        assert pipeline.encoder_calls == 2

    def test_eight_bits_are_the_same_as_floats(self):
        bits = torch.randint(256, (3, 10, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        segmenter = CountingSegmenter()
        GroundedSam(CountingDetector(), segmenter)([bits], ["mug"])
        assert torch.allclose(segmenter.shown, (bits.float() / 255).mean((1, 2)))

    def test_boxes_are_cut_and_duplicates_go(self):
        """A box that leaves the picture, a twin of it, and another phrase at the same place."""
        boxes = [[-2.0, -3, 50, 10], [0.0, 0, 39, 10], [0.0, 0, 40, 10], [1.0, 1, 5, 5]]
        detector = Fixed(boxes, [0.5, 0.9, 0.8, 0.3], ("mug", "mug", "cat", "mug"))
        (one,) = GroundedSam(detector, CountingSegmenter())(pictures(0.1), ["cat", "mug"])
        assert one.phrases == ("cat", "mug", "mug")
        assert one.boxes.tolist() == [[0, 0, 40, 10], [0, 0, 39, 10], [1, 1, 5, 5]]

    def test_a_detector_with_words_of_its_own(self, unhooked):
        detector = Fixed([[0.0, 0, 4, 4]], [0.5], ("mugs",))
        with pytest.raises(ValueError, match=r"detector: expected phrases of \['mug'\], got 'mugs'"):
            GroundedSam(detector, CountingSegmenter())(pictures(0.1), ["mug"])

    @pytest.mark.parametrize("phrases", [[], [""], ["mug", "  "], [["mug"], []]])
    def test_no_words(self, phrases):
        with pytest.raises(ValueError, match="phrases: expected"):
            GroundedSam(CountingDetector(), CountingSegmenter())(pictures(0.1, 0.2), phrases)

    def test_other_bad_arguments(self, unhooked):
        pipeline = GroundedSam(CountingDetector(), CountingSegmenter())
        with pytest.raises(TypeError, match="phrases: expected a list, got the text 'mug'"):
            pipeline(pictures(0.1), "mug")
        with pytest.raises(ValueError, match="phrases: expected a list for each of 1 pictures, got 2"):
            pipeline(pictures(0.1), [["mug"], ["cat"]])
        with pytest.raises(ValueError, match=r"names: expected as many rows as images \(1\), got 2"):
            pipeline(pictures(0.1), ["mug"], ["a", "b"])
        assert pipeline([], ["mug"]) == []


class Small(CountingSegmenter):
    """A segmenter without room for more than two pictures or three boxes at once."""

    def embed_all(self, images):
        if len(images) > 2:
            raise torch.OutOfMemoryError("no room")
        return [self.embed(image) for image in images]

    def segment(self, **prompts):
        if len(prompts["boxes"]) > 3:
            raise torch.OutOfMemoryError("no room")
        return super().segment(**prompts)


class TestOutOfMemory:
    def test_half_as_many_and_the_same_result(self):
        words = [chr(ord("a") + n) * (n + 1) for n in range(7)]
        images = pictures(*np.linspace(0, 1, 6).tolist())
        small = Small()
        found = GroundedSam(CountingDetector(), small, batch=6)(images, words)
        expected = GroundedSam(CountingDetector(), CountingSegmenter())(images, words)
        assert [one.as_json() for one in found] == [one.as_json() for one in expected]
        assert small.embedded == 6
        assert max(small.prompts) <= 3

    def test_one_picture_that_does_not_fit(self):
        class Never(CountingDetector):
            def detect(self, image, phrases):
                raise torch.OutOfMemoryError("no room")

        with pytest.raises(torch.OutOfMemoryError):
            GroundedSam(Never(), CountingSegmenter())(pictures(0.1), ["mug"])


class TestHalfPrecision:
    def test_numbers_that_half_precision_cannot_hold(self):
        """Float16 stops at 65504: such an embedding is computed again in float32."""

        class Large(CountingSegmenter):
            def embed(self, image):
                self.embedded += 1
                return torch.full((3,), torch.inf if torch.is_autocast_enabled("cpu") else 70000.0)

        segmenter = Large()
        pipeline = GroundedSam(CountingDetector(), segmenter)
        pipeline.half = torch.float16
        pipeline(pictures(0.1), ["mug"])
        assert (segmenter.embedded, segmenter.shown[0].item()) == (2, 70000.0)

    def test_full_where_it_is_asked_for(self, monkeypatch):
        monkeypatch.setattr("gk_utils.grounded_sam.pipeline.half_for", lambda device: torch.bfloat16)
        assert GroundedSam(CountingDetector(), CountingSegmenter()).half == torch.bfloat16
        assert GroundedSam(CountingDetector(), CountingSegmenter(), full_precision=True).half is None
