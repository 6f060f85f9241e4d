import contextlib
import io
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from gk_utils.average_precision import average_precision

SQUARE = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
FAR = torch.tensor([[50.0, 50.0, 60.0, 60.0]])
NO_BOXES = torch.zeros(0, 4)


def coco_side(boxes, labels, scores=None, crowd=None):
    """One side of a COCO evaluation, in memory."""
    side = COCO()
    annotations = []
    for image, (image_boxes, image_labels) in enumerate(zip(boxes, labels, strict=True)):
        for row, ((x1, y1, x2, y2), label) in enumerate(zip(image_boxes.tolist(), image_labels, strict=True)):
            box_xywh = [x1, y1, x2 - x1, y2 - y1]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(label),
                    "bbox": box_xywh,
                    "area": box_xywh[2] * box_xywh[3],
                    "iscrowd": int(crowd[image][row]) if crowd else 0,
                    "score": scores[image][row].item() if scores else None,
                }
            )
    side.dataset = {
        "images": [{"id": image} for image in range(len(boxes))],
        "annotations": annotations,
        "categories": [{"id": label} for label in range(4)],
    }
    side.createIndex()
    return side


def by_pycocotools(boxes, scores, true_boxes, labels, true_labels, *, crowd=None):
    """(ap, ap50, ap75, ar) and the AP of labels 0 to 3, as COCOeval computes them."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(
            coco_side(true_boxes, true_labels, crowd=crowd), coco_side(boxes, labels, scores), iouType="bbox"
        )
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # thresholds, recall points, classes
    per_class = [-1.0 if (precision[..., c] < 0).all() else precision[..., c].mean() for c in range(4)]
    return evaluation.stats[[0, 1, 2, 8]].tolist(), per_class


def assert_equals_pycocotools(boxes, scores, true_boxes, labels, true_labels, *, crowd=None):
    ours = average_precision(boxes, scores, true_boxes, labels=labels, true_labels=true_labels, crowd=crowd)
    summary, per_class = by_pycocotools(boxes, scores, true_boxes, labels, true_labels, crowd=crowd)
    assert [ours.ap, ours.ap50, ours.ap75, ours.ar] == pytest.approx(summary, abs=1e-9)
    for label, value in ours.per_class.items():
        assert value == pytest.approx(per_class[label], abs=1e-9)
    return ours


def noisy_images(seed, images=12, found=20, truths=6, crowd_share=0.0):
    """Random truths, and detections scattered around them."""
    rng = np.random.default_rng(seed)
    lists = [[] for _ in range(6)]
    for _ in range(images):
        corners, sizes = rng.uniform(0, 300, (truths, 2)), rng.uniform(10, 120, (truths, 2))
        true_boxes, true_labels = np.hstack([corners, corners + sizes]), rng.integers(0, 3, truths)
        source = rng.integers(0, truths, found)
        boxes = true_boxes[source] + rng.normal(0, 6, (found, 4))
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2])
        labels = np.where(rng.random(found) < 0.8, true_labels[source], rng.integers(0, 4, found))
        scores, crowd = rng.random(found).round(2), rng.random(truths) < crowd_share
        for part, values in zip(lists, (boxes, scores, true_boxes, labels, true_labels, crowd), strict=True):
            part.append(torch.tensor(values))
    return lists


@st.composite
def small_worlds(draw):
    """A few images on a coarse grid: ties, duplicates, boxes without area, empty sides and crowds are all common."""
    side = st.integers(0, 6)

    def boxes(at_most):
        corners = draw(st.lists(st.tuples(side, side, side, side), max_size=at_most))
        rows = [[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in corners]
        return torch.tensor(rows, dtype=torch.float64).reshape(-1, 4)

    def list_of(values, length):
        return draw(st.lists(values, min_size=length, max_size=length))

    lists = [[] for _ in range(6)]
    for _ in range(draw(st.integers(1, 3))):
        found, truths = boxes(6), boxes(4)
        scores = torch.tensor(list_of(st.sampled_from([0.1, 0.5, 0.9]), len(found)), dtype=torch.float64)
        labels, true_labels = list_of(st.integers(0, 2), len(found)), list_of(st.integers(0, 2), len(truths))
        crowd = torch.tensor(list_of(st.booleans(), len(truths)), dtype=torch.bool)
        for part, values in zip(lists, (found, scores, truths, labels, true_labels, crowd), strict=True):
            part.append(values)
    return lists


class TestAveragePrecision:
    def test_one_box_with_iou_080_is_right_at_seven_of_ten_thresholds(self):
        result = average_precision([SQUARE], [torch.tensor([0.9])], [torch.tensor([[0.0, 0, 10, 8]])])
        assert (result.ap, result.ap50, result.ap75, result.ar) == pytest.approx((0.7, 1, 1, 0.7))
        assert result.per_class == {0: pytest.approx(0.7)}

    def test_a_false_box_hurts_only_when_it_scores_higher(self):
        boxes, truth = torch.cat([SQUARE, FAR]), [SQUARE]
        assert average_precision([boxes], [torch.tensor([0.9, 0.8])], truth).ap == pytest.approx(1)
        assert average_precision([boxes], [torch.tensor([0.8, 0.9])], truth).ap == pytest.approx(0.5)

    def test_half_the_truths_found_gives_51_of_101_recall_points(self):
        result = average_precision([SQUARE], [torch.tensor([0.9])], [torch.cat([SQUARE, FAR])])
        assert result.ap == pytest.approx(51 / 101)
        assert result.ar == pytest.approx(0.5)

    def test_a_duplicate_is_a_false_box(self):
        boxes = torch.cat([SQUARE, SQUARE, FAR])
        result = average_precision([boxes], [torch.tensor([0.9, 0.8, 0.7])], [torch.cat([SQUARE, FAR])])
        assert result.ap == pytest.approx((51 + 50 * 2 / 3) / 101)

    def test_boxes_in_a_crowd_count_neither_way(self):
        boxes = torch.tensor([[0.0, 0, 10, 10], [20.0, 0, 30, 10], [50.0, 50, 60, 60]])
        crowd_box = torch.tensor([[0.0, 0, 100, 10], [50.0, 50, 60, 60]])
        scores = [torch.tensor([0.9, 0.8, 0.7])]
        assert average_precision([boxes], scores, [crowd_box], crowd=[torch.tensor([True, False])]).ap == 1
        assert average_precision([boxes], scores, [crowd_box]).ap < 0.2

    def test_a_plain_truth_is_asked_before_a_crowd_that_covers_more(self):
        truths, crowd = torch.tensor([[0.0, 0, 100, 100], [0.0, 0, 10, 6]]), [torch.tensor([True, False])]
        result = assert_equals_pycocotools([SQUARE], [torch.ones(1)], [truths], [[0]], [[0, 0]], crowd=crowd)
        assert result.ap == pytest.approx(0.3)  # IoU 0.6: right at 0.50, 0.55, 0.60, ignored beyond

    @pytest.mark.parametrize(("first", "ap75"), [(0.0, 51 / 101), (2.0, 1.0)])
    def test_of_two_truths_with_equal_overlap_the_later_is_taken(self, first, ap75):
        truths = SQUARE + torch.tensor([[first], [2.0 - first]]) * torch.tensor([1.0, 0, 1, 0])
        between, second = torch.tensor([[1.0, 0, 11, 10]]), torch.tensor([[2.0, 0, 12, 10]])
        result = assert_equals_pycocotools(
            [torch.cat([between, second])], [torch.tensor([0.9, 0.8])], [truths], [[0, 0]], [[0, 0]]
        )
        assert result.ap75 == pytest.approx(ap75)

    def test_overlaps_are_computed_in_float64(self):
        almost_half = torch.tensor([[0.0, 0, 10, 20.0000001]], dtype=torch.float64)
        assert average_precision([almost_half], [torch.ones(1)], [SQUARE.double()]).ap50 == 0
        assert average_precision([almost_half.float()], [torch.ones(1)], [SQUARE]).ap50 == 1

    def test_labels_may_be_words(self):
        boxes = torch.cat([SQUARE, FAR])
        result = average_precision(
            [boxes], [torch.tensor([0.9, 0.8])], [boxes], labels=[["mug", "mug"]], true_labels=[["mug", "cat"]]
        )
        assert result.per_class == {"mug": pytest.approx(1), "cat": pytest.approx(0)}
        assert result.ap == pytest.approx(0.5)

    def test_each_class_weighs_the_same(self):
        boxes = torch.cat([SQUARE] * 3 + [FAR]) + torch.arange(4)[:, None] * 100
        labels = [torch.tensor([1, 1, 1, 2])]
        result = average_precision([boxes[:3]], [torch.ones(3)], [boxes], labels=[labels[0][:3]], true_labels=labels)
        assert result.ap == pytest.approx(0.5)

    @settings(max_examples=100, deadline=None)
    @given(small_worlds())
    def test_equals_pycocotools_on_small_worlds(self, world):
        assert_equals_pycocotools(*world[:5], crowd=world[5])

    @pytest.mark.parametrize("crowd_share", [0.0, 0.4])
    @pytest.mark.parametrize("seed", [0, 1])
    def test_equals_pycocotools_on_noisy_images(self, seed, crowd_share):
        world = noisy_images(seed, crowd_share=crowd_share)
        result = assert_equals_pycocotools(*world[:5], crowd=world[5])
        assert 0.1 < result.ap < 0.9

    def test_equals_pycocotools_beyond_100_boxes_of_a_class(self):
        world = noisy_images(3, images=2, found=350, truths=6)
        assert max((labels == label).sum() for labels in world[3] for label in range(3)) > 100
        assert_equals_pycocotools(*world[:5])

    def test_boxes_beyond_100_do_not_count(self):
        boxes = [torch.cat([FAR] * 100 + [SQUARE])]
        scores = torch.linspace(1, 0.5, 101)
        assert average_precision(boxes, [scores], [SQUARE]).ar == 0
        assert average_precision(boxes, [torch.cat([scores[1:], scores[100:]])], [SQUARE]).ar == 0  # a tie: it is later
        assert average_precision([boxes[0][1:]], [scores[1:]], [SQUARE]).ar == 1  # the hundredth

    def test_crowds_among_noisy_images_change_the_result(self):
        world = noisy_images(0, crowd_share=0.4)
        with_crowd = average_precision(*world[:3], labels=world[3], true_labels=world[4], crowd=world[5])
        assert with_crowd.ap != average_precision(*world[:3], labels=world[3], true_labels=world[4]).ap

    @pytest.mark.parametrize(
        ("boxes", "truths", "expected"),
        [
            (NO_BOXES, NO_BOXES, -1),  # nothing to find, nothing found
            (SQUARE, NO_BOXES, -1),
            (NO_BOXES, SQUARE, 0),
            (torch.tensor([[5.0, 5, 5, 9]]), SQUARE, 0),  # no area
            (torch.tensor([[5.0, 5, 5, 9]]), torch.tensor([[5.0, 5, 5, 9]]), 0),  # two boxes without area never meet
        ],
    )
    def test_degenerate_sides_as_in_pycocotools(self, boxes, truths, expected):
        scores, labels, true_labels = [torch.full((len(boxes),), 0.5)], [[0] * len(boxes)], [[0] * len(truths)]
        result = assert_equals_pycocotools([boxes], scores, [truths], labels, true_labels)
        assert (result.ap, result.ap50, result.ap75, result.ar) == (expected,) * 4

    def test_only_crowds_is_nothing_to_find(self):
        result = average_precision([SQUARE], [torch.ones(1)], [SQUARE], crowd=[torch.tensor([True])])
        assert (result.ap, result.per_class) == (-1, {0: -1})

    def test_a_class_without_truths_is_left_out_of_the_mean(self):
        boxes = torch.cat([SQUARE, FAR])
        result = average_precision(
            [boxes], [torch.ones(2)], [SQUARE], labels=[torch.tensor([1, 7])], true_labels=[torch.tensor([1])]
        )
        assert result.ap == pytest.approx(1)
        assert result.per_class == {1: pytest.approx(1), 7: -1}

    def test_half_precision_boxes(self):
        result = average_precision([SQUARE.half()], [torch.tensor([0.5]).half()], [SQUARE.half()])
        assert result.ap == 1

    @pytest.mark.usefixtures("unhooked")
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"boxes": [], "scores": [], "true_boxes": []}, "boxes: expected at least one image, got none"),
            ({"scores": []}, r"scores: expected as many rows as boxes \(1\), got 0"),
            ({"scores": [torch.ones(2)]}, r"scores: expected as many rows as boxes \(1\), got 2"),
            ({"scores": [torch.tensor([math.nan])]}, "scores: expected finite numbers, got NaN or infinity"),
            ({"labels": [[1]]}, "true_labels: expected labels on both sides or on none, got one side"),
            ({"labels": [[1, 2]], "true_labels": [[1]]}, r"labels: expected as many rows as boxes \(1\), got 2"),
            ({"labels": [[1]], "true_labels": [[]]}, r"true_labels: expected as many rows as true_boxes \(1\), got 0"),
            ({"crowd": [torch.zeros(3).bool()]}, r"crowd: expected as many rows as true_boxes \(1\), got 3"),
            ({"boxes": [SQUARE.flip(1)]}, "expected x1 <= x2 and y1 <= y2, got row 0"),
        ],
    )
    def test_errors(self, change, message):
        arguments = {"boxes": [SQUARE], "scores": [torch.ones(1)], "true_boxes": [SQUARE]} | change
        with pytest.raises(ValueError, match=message):
            average_precision(**arguments)
