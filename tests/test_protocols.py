import math
from dataclasses import FrozenInstanceError, fields, replace

import pytest
import torch

from gk_utils.protocols import (
    Detections,
    Detector,
    Grounder,
    Grounding,
    LanguageModel,
    Segmentation,
    Segmenter,
)

BOXES = torch.tensor([[0.0, 0, 10, 10], [20.0, 0, 30, 10], [0.0, 20, 10, 30]])
SCORES = torch.tensor([0.9, 0.5, 0.1])
MASKS = torch.zeros(3, 48, 64, dtype=torch.bool)
MASKS[0, :10], MASKS[1, 10:20], MASKS[2, 20:] = True, True, True


def detections():
    return Detections(BOXES, SCORES, ("mug", "cat", "mug"), (48, 64))


def grounding():
    return Grounding(BOXES, SCORES, "left mug", False, (48, 64))


def segmentation():
    return Segmentation(MASKS, SCORES, (48, 64))


every_result = pytest.mark.parametrize("build", [detections, grounding, segmentation])


class TestRows:
    @every_result
    def test_length_and_slices(self, build):
        result = build()
        assert len(result) == 3
        part = result[1:]
        assert type(part) is type(result)
        assert part.scores.equal(SCORES[1:])
        assert part.image_hw == (48, 64)
        assert len(result[:0]) == len(result[5:]) == 0

    @every_result
    def test_mask_and_indices_choose_the_same_rows(self, build):
        result = build()
        by_mask, by_index = result[result.scores > 0.3], result[torch.tensor([0, 1])]
        for item in fields(result):
            first, second = getattr(by_mask, item.name), getattr(by_index, item.name)
            assert first.equal(second) if isinstance(first, torch.Tensor) else first == second
        assert by_mask.scores.equal(SCORES[:2])

    def test_every_field_moves_with_its_row(self):
        chosen = detections()[torch.tensor([2, 0, 1])]
        assert chosen.boxes.equal(BOXES[[2, 0, 1]])
        assert chosen.scores.equal(SCORES[[2, 0, 1]])
        assert chosen.phrases == ("mug", "mug", "cat")
        assert segmentation()[1:2].masks.equal(MASKS[1:2])
        assert grounding()[1:].phrase == "left mug"

    def test_an_empty_mask_leaves_nothing(self):
        nothing = detections()[SCORES > 1]
        assert (len(nothing), nothing.boxes.shape, nothing.phrases) == (0, (0, 4), ())

    @every_result
    def test_to_another_device(self, build, monkeypatch):
        moved = []

        def to(tensor, device):
            moved.append(device)
            return tensor

        monkeypatch.setattr(torch.Tensor, "to", to)
        result = build().to("cuda:1")
        assert moved == ["cuda:1"] * 2
        assert len(result) == 3

    @every_result
    def test_to_keeps_everything(self, build):
        result, same = build(), build().to("cpu")
        assert same.scores.equal(result.scores)
        assert same.image_hw == result.image_hw

    @every_result
    def test_is_frozen(self, build):
        with pytest.raises(FrozenInstanceError):
            build().scores = SCORES

    @pytest.mark.usefixtures("unhooked")
    @every_result
    @pytest.mark.parametrize("row", [0, [0, 1], None, (0, 1)])
    def test_single_rows_and_lists_are_refused(self, build, row):
        message = rf"rows: expected a slice, mask or indices, got {type(row).__name__}. Use \[i : i \+ 1\]"
        with pytest.raises(TypeError, match=message):
            build()[row]

    @pytest.mark.usefixtures("unhooked")
    def test_it_cannot_be_iterated_by_chance(self):
        with pytest.raises(TypeError, match="expected a slice"):
            list(detections())

    @pytest.mark.usefixtures("unhooked")
    @every_result
    @pytest.mark.parametrize("rows", [torch.tensor([True]), torch.tensor([3])])
    def test_rows_that_are_not_there(self, build, rows):
        with pytest.raises(IndexError):
            build()[rows]


class TestDetections:
    def test_nothing_found(self):
        assert len(Detections(torch.zeros(0, 4), torch.zeros(0), (), (48, 64))) == 0

    def test_boxes_may_stick_out(self):
        assert len(Detections(BOXES - 5, SCORES, ("a", "b", "c"), (8, 8))) == 3

    @pytest.mark.usefixtures("unhooked")
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"boxes": BOXES.flip(1)}, "boxes: expected x1 <= x2 and y1 <= y2, got row 0"),
            ({"boxes": BOXES[:2]}, r"scores: expected as many rows as boxes \(2\), got 3"),
            ({"phrases": ("mug",)}, r"phrases: expected as many rows as boxes \(3\), got 1"),
            (
                {"scores": SCORES * 100},
                r"scores: expected numbers in \[0, 1\], got 10 to 90. Logits\? Take the sigmoid",
            ),
            ({"scores": SCORES * math.nan}, r"scores: expected numbers in \[0, 1\], got nan to nan"),
            ({"image_hw": (0, 64)}, r"image_hw: expected \(height, width\), both above 0"),
        ],
    )
    def test_errors(self, changes, message):
        with pytest.raises(ValueError, match=message):
            replace(detections(), **changes)

    def test_a_rounding_error_above_one_passes(self):
        assert len(replace(detections(), scores=torch.tensor([1.0000001, 1, 0]))) == 3


class TestGrounding:
    def test_absent_has_no_boxes(self):
        answer = Grounding(torch.zeros(0, 4), torch.zeros(0), "a giraffe", True, (48, 64))
        assert (len(answer), answer.absent) == (0, True)

    def test_equal_scores_are_in_order(self):
        assert len(replace(grounding(), scores=torch.full((3,), 0.5))) == 3

    @pytest.mark.usefixtures("unhooked")
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"absent": True}, "absent: expected no boxes beside it, got 3. Drop them, or set absent=False"),
            ({"scores": SCORES.flip(0)}, "scores: expected the best first, got another order"),
            ({"scores": SCORES[:2]}, r"scores: expected as many rows as boxes \(3\), got 2"),
            ({"image_hw": (48, 64, 3)}, "image_hw: expected"),
        ],
    )
    def test_errors(self, changes, message):
        with pytest.raises(ValueError, match=message):
            replace(grounding(), **changes)


class TestSegmentation:
    def test_no_masks(self):
        assert len(Segmentation(MASKS[:0], SCORES[:0], (48, 64))) == 0

    @pytest.mark.usefixtures("unhooked")
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"image_hw": (64, 48)}, r"masks: expected \(64, 48\) as image_hw says, got \(48, 64\). Resize them first"),
            ({"scores": SCORES[:2]}, r"scores: expected as many rows as masks \(3\), got 2"),
            ({"scores": SCORES + 1}, r"scores: expected numbers in \[0, 1\]"),
        ],
    )
    def test_errors(self, changes, message):
        with pytest.raises(ValueError, match=message):
            replace(segmentation(), **changes)


class Everything:
    """Serves all four protocols, and derives from none."""

    def detect(self, image, phrases):
        return detections()

    def ground(self, image, phrase):
        return grounding()

    def set_image(self, image):
        self.image = image

    def segment(self, *, boxes=None, points=None, is_object=None, masks=None, all_masks=False):
        return segmentation()

    def complete(self, messages, *, max_tokens=256):
        return "a red mug"


class TestProtocols:
    @pytest.mark.parametrize("protocol", [Detector, Grounder, Segmenter, LanguageModel])
    def test_having_the_method_is_enough(self, protocol):
        assert isinstance(Everything(), protocol)
        assert not isinstance(object(), protocol)

    def test_a_segmenter_needs_both_methods(self):
        half = type("Half", (), {"segment": Everything.segment})
        assert not isinstance(half(), Segmenter)
