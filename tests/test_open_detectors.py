"""The adapters against transformers itself, on tiny random checkpoints read from disk as a published one is."""

import pytest
import tiny_models
import torch
from torch.testing import assert_close

from gk_utils import hub
from gk_utils.hub.half_precision import to_picture
from gk_utils.hub.open_detectors import as_grounding, check_phrases, with_article
from gk_utils.protocols import Detections

PHRASES = ["A red cat", "dog"]
DETECTORS = {
    "grounding-dino-tiny": "grounding_dino",
    "mm-grounding-dino-tiny": "mm_grounding_dino",
    "owlv2-base": "owlv2",
    "sam3-text": "sam3_text",
}


@pytest.fixture(scope="module")
def detectors():
    return {name: hub.load(name, "cpu", folder=tiny_models.folder(kind)) for name, kind in DETECTORS.items()}


@pytest.fixture(params=DETECTORS)
def detector(request, detectors):
    """With a threshold that lets everything through."""
    found = detectors[request.param]
    found.box_threshold = 0.0
    return found


class TestEachDetector:
    def test_detections(self, detector):
        found = detector.detect(tiny_models.image(), PHRASES)
        assert len(found) > 0
        assert set(found.phrases) <= set(PHRASES)
        assert found.image_hw == (75, 100)
        assert found.boxes.dtype == torch.float32
        assert bool((found.boxes >= 0).all() and (found.boxes <= torch.tensor([100.0, 75, 100, 75])).all())

    def test_ground_is_the_best_box(self, detector):
        image = tiny_models.image()
        best, found = detector.ground(image, "a red cat"), detector.detect(image, ["a red cat"])
        assert len(best) == len(found)
        assert_close(best.scores[0], found.scores.max())
        assert not best.absent

    def test_a_high_threshold_leaves_nothing(self, detector):
        detector.box_threshold = 0.999
        assert len(detector.detect(tiny_models.image(), PHRASES)) == 0
        assert detector.ground(tiny_models.image(), "dog").absent
        if hasattr(detector, "detect_masks"):
            assert detector.detect_masks(tiny_models.image(), PHRASES)[1].shape == (0, 75, 100)

    def test_the_same_call_gives_the_same_answer(self, detector):
        first, again = (detector.detect(tiny_models.image(), PHRASES) for _ in range(2))
        assert torch.equal(first.boxes, again.boxes)

    @pytest.mark.parametrize("phrases", [[], [""], ["mug", " "]])
    def test_no_words(self, detector, phrases):
        with pytest.raises(ValueError, match="phrases: expected"):
            detector.detect(tiny_models.image(), phrases)


class TestPublishedDino:
    @pytest.mark.parametrize("name", ["grounding-dino-tiny", "mm-grounding-dino-tiny"])
    def test_as_transformers_says(self, name, detectors):
        model, processor = hub.load_transformers(name, "cpu", folder=tiny_models.folder(DETECTORS[name]))
        batch = processor(images=to_picture(tiny_models.image()), text="a red cat. dog.", return_tensors="pt")
        with torch.no_grad():
            out = model(**batch)
        middle = float(out.logits.sigmoid().amax(-1).median())
        wanted = processor.post_process_grounded_object_detection(
            out, threshold=middle, text_threshold=0.25, target_sizes=[(75, 100)]
        )[0]
        detectors[name].box_threshold = middle
        found = detectors[name].read_out(tiny_models.image(), PHRASES)
        assert 0 < len(found) < 10
        assert_close(found.boxes, wanted["boxes"], atol=1e-4, rtol=0)
        assert_close(found.scores, wanted["scores"])
        assert list(found.phrases) == wanted["text_labels"]

    def test_the_course_s_own_file_says_the_same(self, detectors):
        """What the lesson shows with the published weights."""
        from gk_utils.grounding_dino import of_transformers

        model, processor = hub.load_transformers(
            "grounding-dino-tiny", "cpu", folder=tiny_models.folder("grounding_dino")
        )
        batch = processor(images=to_picture(tiny_models.image()), text="a red cat. dog.", return_tensors="pt")
        with torch.no_grad():
            theirs = model(**batch)
            ours = of_transformers(model)(
                batch["pixel_values"],
                batch["input_ids"],
                batch["attention_mask"].bool(),
                batch["pixel_mask"].bool(),
            )
        t = batch["input_ids"].shape[1]
        assert_close(ours.logits, theirs.logits[..., :t], atol=1e-4, rtol=1e-4)
        assert_close(ours.boxes_cxcywh, theirs.pred_boxes, atol=1e-5, rtol=0)

    def test_labels_that_transformers_reads_win_and_others_are_named_by_their_tokens(self, detectors, monkeypatch):
        dino = detectors["grounding-dino-tiny"]
        hit = {
            "boxes": torch.tensor([[0.0, 0, 9, 9], [0.0, 0, 8, 8], [0.0, 0, 7, 7]]),
            "scores": torch.tensor([0.4, 0.6, 0.5]),
            "text_labels": ["dog", "red cat dog", ""],
        }
        scores = torch.tensor([[0.9, 0.1], [0.6, 0.2], [0.1, 0.3]])
        monkeypatch.setattr(dino, "_answer", lambda image, phrases: (hit, scores))
        found = dino.detect(tiny_models.image(), PHRASES)
        assert found.phrases == ("A red cat", "dog", "dog")
        assert_close(found.scores, torch.tensor([0.6, 0.5, 0.4]))
        assert found.boxes[:, 2].tolist() == [8, 7, 9]

    def test_thresholds_are_passed_on(self, detectors, monkeypatch):
        """With the words that transformers wants: `box_threshold=` would be a TypeError there."""
        dino = detectors["mm-grounding-dino-tiny"]
        dino.box_threshold, dino.text_threshold = 0.1, 0.0
        assert all("cat" in label for label in dino.read_out(tiny_models.image(), PHRASES).phrases)
        dino.text_threshold = 0.999
        assert set(dino.read_out(tiny_models.image(), PHRASES).phrases) == {""}
        dino.text_threshold = 0.25

    def test_too_many_words(self, detectors):
        with pytest.raises(ValueError, match="phrases: expected at most 32 tokens in all, got 42"):
            detectors["grounding-dino-tiny"].detect(tiny_models.image(), ["cat"] * 20)

    def test_half_precision(self, detectors):
        half = hub.load(
            "mm-grounding-dino-tiny", "cpu", folder=tiny_models.folder("mm_grounding_dino"), dtype=torch.float16
        )
        full = detectors["mm-grounding-dino-tiny"]
        half.box_threshold = full.box_threshold = 0.0
        found, wanted = (one.detect(tiny_models.image(), PHRASES) for one in (half, full))
        assert half.loaded.dtype is torch.float16
        # Scores of random weights lie close together: the order may change, and at the edge another query is chosen.
        away = torch.cdist(found.boxes, wanted.boxes, p=torch.inf).amin(1)
        assert (away < 0.5).float().mean() >= 0.8
        assert_close(found.scores, wanted.scores, atol=0.05, rtol=0)


class TestPublishedOwl:
    def test_a_wide_picture_is_padded_and_boxes_come_back(self, detectors):
        """The whole padded square is 100 x 100: a box around it ends at the picture's own border, 75 high."""
        owl = detectors["owlv2-base"]

        def answer(call, numbers):
            out = call()
            out.logits = torch.full_like(out.logits, 3.0)
            out.pred_boxes = torch.tensor([0.25, 0.25, 0.5, 0.5]).expand_as(out.pred_boxes)
            return out

        real, owl.loaded.run = owl.loaded.run, answer
        try:
            found = owl.detect(tiny_models.image(), ["mug"])
        finally:
            owl.loaded.run = real
        assert_close(found.boxes[0], torch.tensor([0.0, 0, 50, 50]))

    def test_a_long_phrase_is_cut(self, detectors):
        owl = detectors["owlv2-base"]
        owl.box_threshold = 0.0
        assert len(owl.detect(tiny_models.image(), ["the red dog on the left of a blue ball " * 3]))


class TestPublishedConcepts:
    def test_masks_of_every_phrase(self, detectors):
        sam3 = detectors["sam3-text"]
        sam3.box_threshold = 0.0
        found, masks = sam3.detect_masks(tiny_models.image(), PHRASES)
        assert masks.shape == (len(found), 75, 100)
        assert masks.dtype == torch.bool
        assert found.phrases == ("A red cat",) * 8 + ("dog",) * 8

    def test_one_phrase_as_transformers_says(self, detectors):
        model, processor = hub.load_transformers("sam3-text", "cpu", folder=tiny_models.folder("sam3_text"))
        batch = processor(images=to_picture(tiny_models.image()), text="dog", return_tensors="pt")
        with torch.no_grad():
            out = model(**batch)
        wanted = processor.post_process_instance_segmentation(out, threshold=0.0, target_sizes=[(75, 100)])[0]
        sam3 = detectors["sam3-text"]
        sam3.box_threshold = 0.0
        found, masks = sam3.detect_masks(tiny_models.image(), ["dog"])
        assert_close(found.boxes, wanted["boxes"], atol=1e-3, rtol=0)
        assert_close(found.scores, wanted["scores"])
        assert torch.equal(masks, wanted["masks"].bool())


class TestAsGrounding:
    def test_best_first(self):
        boxes = torch.tensor([[0.0, 0, 1, 1], [0.0, 0, 2, 2]])
        found = Detections(boxes, torch.tensor([0.2, 0.7]), ("mug", "mug"), (9, 9))
        assert as_grounding(found, "mug").boxes[0].tolist() == [0, 0, 2, 2]


class TestWithArticle:
    @pytest.mark.parametrize(
        ("phrase", "said"),
        [("mug", "a mug"), ("Two cats", "two cats"), ("orange mug", "an orange mug"), ("the woman's hair", None)],
    )
    def test_reads_behind_a_photo_of(self, phrase, said):
        assert with_article(phrase) == (said or phrase)


class TestCheckPhrases:
    def test_words(self):
        check_phrases(["mug", "cat"])
        with pytest.raises(ValueError, match=r"got \['mug', ''\]"):
            check_phrases(["mug", ""])
