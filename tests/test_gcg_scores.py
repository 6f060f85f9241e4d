"""GCG scores: by hand, equal to pycocotools, and what the published ones forgive."""

import contextlib
import io

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from gk_utils.grounded_conversation.gcg_scores import ap50, common_words, mask_ious, mask_recall, mean_iou
from gk_utils.grounded_sam.run_lengths import encode_masks

LEFT, RIGHT = torch.tensor([[[1, 1, 0, 0]]]).bool(), torch.tensor([[[0, 0, 0, 1]]]).bool()
BOTH = torch.cat([LEFT, RIGHT])
NONE = torch.zeros(0, 1, 4, dtype=torch.bool)


def theirs(found, true):
    """AP50 as the published script computes it: every score 1, one category."""
    height, width = next(masks.shape[1:] for masks in true)
    images = [{"id": k, "height": height, "width": width} for k in range(1, len(true) + 1)]
    rows = []
    for k, masks in enumerate(true, start=1):
        for rle, mask in zip(encode_masks(masks), masks, strict=True):
            bbox, area = [0, 0, 1, 1], float(mask.sum())
            rows.append(
                {"image_id": k, "category_id": 1, "segmentation": rle, "area": area, "iscrowd": 0, "bbox": bbox}
            )
    truth = COCO()
    truth.dataset = {
        "images": images,
        "categories": [{"id": 1, "name": "object"}],
        "annotations": [{"id": number, **row} for number, row in enumerate(rows, start=1)],
    }
    answers = [
        {"image_id": k, "category_id": 1, "segmentation": rle, "score": 1.0}
        for k, masks in enumerate(found, start=1)
        for rle in encode_masks(masks)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(answers), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[1])


class TestMaskIous:
    def test_by_hand(self):
        assert mask_ious(LEFT, BOTH).tolist() == [[1.0, 0.0]]
        assert mask_ious(LEFT, torch.tensor([[[1, 0, 0, 0]], [[1, 1, 1, 1]]]).bool()).tolist() == [[0.5, 0.5]]

    def test_empty_masks(self):
        assert mask_ious(torch.zeros(1, 1, 4, dtype=torch.bool), torch.zeros(2, 1, 4, dtype=torch.bool)).tolist() == [
            [0, 0]
        ]
        assert mask_ious(NONE, BOTH).shape == (0, 2)


class TestAp50:
    def test_by_hand(self):
        assert ap50([BOTH], [BOTH]) == pytest.approx(1)
        assert ap50([LEFT], [BOTH]) == pytest.approx(51 / 101)  # recalls 0, 0.01 ... 0.5
        # wrong, right: precision 1/2 up to recall 1/2
        wrong = torch.tensor([[[0, 0, 1, 0]]]).bool()
        assert ap50([torch.cat([wrong, RIGHT])], [BOTH]) == pytest.approx(0.5 * 51 / 101)

    def test_nothing_found_and_nothing_to_find(self):
        assert ap50([NONE], [BOTH]) == 0
        assert ap50([BOTH], [NONE]) == -1

    @settings(max_examples=40, deadline=None)
    @given(data=st.data())
    def test_equals_pycocotools(self, data):
        pixels = st.lists(st.integers(1, 2**6 - 1), max_size=3)
        pictures = data.draw(st.lists(st.tuples(pixels, pixels.filter(bool)), min_size=1, max_size=3))
        if not any(found for found, _ in pictures):
            return  # pycocotools cannot load an empty list
        planes = [
            [
                torch.tensor([[(n >> bit) & 1 for bit in range(6)] for n in some]).bool().view(len(some), 2, 3)
                for some in two
            ]
            for two in pictures
        ]
        found, true = [two[0] for two in planes], [two[1] for two in planes]
        assert ap50(found, true) == pytest.approx(theirs(found, true), abs=1e-9)

    def test_needs_pictures(self):
        with pytest.raises(ValueError, match="true: expected at least one picture"):
            ap50([], [])


class TestMeanIou:
    def test_what_is_left_out_or_made_up_costs_nothing(self):
        made_up = torch.tensor([[[0, 0, 1, 0]]]).bool()
        assert mean_iou([LEFT], [BOTH]) == 1
        assert mean_iou([torch.cat([BOTH, made_up])], [BOTH]) == 1

    def test_by_hand(self):
        half = torch.tensor([[[1, 0, 0, 0]]]).bool()
        assert mean_iou([torch.cat([half, RIGHT]), NONE], [BOTH, BOTH]) == pytest.approx((0.5 + 1) / 2 / 2)

    def test_a_truth_serves_once(self):
        assert mean_iou([torch.cat([LEFT, LEFT])], [LEFT]) == 1


class TestMaskRecall:
    true = ((BOTH, ("a mug", "a cat")),)

    def test_right_masks_and_words(self):
        assert mask_recall([(BOTH, ("the mug", "the cat"))], self.true) == 1
        assert mask_recall([(LEFT, ("the mug",))], self.true) == 0.5

    def test_words_that_differ_stop_the_published_search(self):
        found = [(BOTH, ("a kettle", "a cat"))]
        assert mask_recall(found, self.true) == 0
        assert mask_recall(found, self.true, stops=False) == 0.5

    def test_a_lesser_pair_in_front_is_still_found(self):
        # The wrong phrase has the lesser IoU (0.5): it comes last, and stops nothing.
        half = torch.tensor([[[1, 0, 0, 0]]]).bool()
        assert mask_recall([(torch.cat([half, RIGHT]), ("a kettle", "a cat"))], self.true) == 0.5

    def test_any_similarity(self):
        assert mask_recall([(BOTH, ("x", "y"))], self.true, lambda a, b: 1.0) == 1
        assert mask_recall([(BOTH, ("a mug", "a cat"))], self.true, lambda a, b: 0.0) == 0

    def test_nothing_to_find(self):
        assert mask_recall([(LEFT, ("a mug",))], [(NONE, ())]) == 0

    def test_a_phrase_for_each_mask(self):
        with pytest.raises(ValueError, match="masks"):
            mask_recall([(BOTH, ("a mug",))], self.true)


class TestCommonWords:
    def test_by_hand(self):
        assert common_words("a red mug", "the mug") == pytest.approx(2 / 3)
        assert common_words("the", "a") == 0
        assert common_words("Two mugs", "two mugs") == 1
