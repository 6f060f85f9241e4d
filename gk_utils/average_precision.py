"""Average precision: many boxes with scores against many truths, by COCO's rules.

The number behind "63.0 AP on COCO": for every class and ten IoU thresholds, the area under precision against recall
while the score threshold falls.

Source: Lin et al. 2014, arXiv:1405.0312; cocoeval.py of pycocotools 2.0.11, which it equals.
Notebook: 02.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gk_utils.boxes import box_areas, pairwise_iou
from gk_utils.errors import check_same_length

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_POINTS = np.linspace(0, 1, 101)
MAX_DETECTIONS = 100  # per image and class, best scores first
Labels = Int[Tensor, " _"] | Sequence[Hashable]


@dataclass(frozen=True)
class AveragePrecision:
    """COCO's summary of a detector; each number in [0, 1], or -1 where nothing was there to find.

    Attributes:
        ap: mean over classes and over the IoU thresholds 0.50, 0.55 ... 0.95; ap50, ap75: at one threshold.
        ar: mean over classes and thresholds of the recall reached by at most 100 boxes per image and class.
        per_class: `ap` of each label (of 0 where none were given); -1 for one that is nowhere true: no mean counts it.
    """

    ap: float
    ap50: float
    ap75: float
    ar: float
    per_class: dict[Any, float]


def average_precision(
    boxes: Sequence[Float[Tensor, "_ 4"]],
    scores: Sequence[Float[Tensor, " _"]],
    true_boxes: Sequence[Float[Tensor, "_ 4"]],
    *,
    labels: Sequence[Labels] | None = None,
    true_labels: Sequence[Labels] | None = None,
    crowd: Sequence[Bool[Tensor, " _"]] | None = None,
) -> AveragePrecision:
    """Average precision and recall by COCO's rules, equal to pycocotools.

    In each image and class, boxes choose their truth in the order of their scores; a truth serves one box. Over all
    images together, precision is read off at 101 recalls, each time the best precision at that recall or beyond.

    Args:
        boxes: for each image the boxes found, in any order.
        scores: for each image their scores; boxes with equal scores keep their order.
        true_boxes: for each image the boxes to find.
        labels: for each image the class of each box found, a whole number or a word; None: all are of one class.
        true_labels: the same for the boxes to find.
        crowd: for each image which truths stand for a crowd. Any number of boxes may lie in one (what counts is the
            share of the box that it covers); they are neither right nor wrong.

    Raises:
        TypeError, ValueError: no images, not boxes, other lengths, a score that is not finite, labels on one side.

    >>> found, true = torch.tensor([[0.0, 0, 10, 10], [30.0, 0, 40, 10]]), torch.tensor([[0.0, 0, 10, 8]])
    >>> result = average_precision([found], [torch.tensor([0.9, 0.8])], [true])  # IoU 0.8: right at 0.50 ... 0.80
    >>> round(result.ap, 3), round(result.ap50, 3), round(result.ar, 3)
    (0.7, 1.0, 0.7)
    """
    if not boxes:
        raise ValueError("boxes: expected at least one image, got none. An image without boxes is torch.zeros(0, 4).")
    if (labels is None) != (true_labels is None):
        raise ValueError("true_labels: expected labels on both sides or on none, got one side. Pass both.")
    labels = [[0] * len(image) for image in boxes] if labels is None else labels
    true_labels = [[0] * len(image) for image in true_boxes] if true_labels is None else true_labels
    crowd = [torch.zeros(len(image), dtype=torch.bool) for image in true_boxes] if crowd is None else crowd
    lists = {"scores": scores, "true_boxes": true_boxes, "labels": labels, "true_labels": true_labels, "crowd": crowd}
    for name, per_image in lists.items():
        check_same_length(boxes, per_image, ("boxes", name))

    codes: dict[Hashable, int] = {}  # label -> 0, 1, 2 ...
    images = [_match_image(image, codes) for image in zip(boxes, *lists.values(), strict=True)]
    classes, scores, right, ignored, true_classes = (
        np.concatenate(part, axis=-1) for part in zip(*images, strict=True)
    )
    order = np.argsort(-scores, kind="stable")
    classes, right, ignored = classes[order], right[:, order], ignored[:, order]
    per_class, curves = {}, []
    for label, code in codes.items():
        found, truths = classes == code, int((true_classes == code).sum())
        if truths:
            curves.append(_curve(right[:, found], ignored[:, found], truths))
        per_class[label] = curves[-1][0].mean().item() if truths else -1.0
    if not curves:
        return AveragePrecision(-1.0, -1.0, -1.0, -1.0, per_class)
    precision, recall = (np.stack(part).mean(0) for part in zip(*curves, strict=True))  # t 101, t
    ap_at = precision.mean(1)  # t
    return AveragePrecision(ap_at.mean().item(), ap_at[0].item(), ap_at[5].item(), recall.mean().item(), per_class)


def _match_image(image: tuple, codes: dict[Hashable, int]) -> tuple[np.ndarray, ...]:
    """Of one image: class and score of each box, right and ignored (t, boxes), class of each truth that counts."""
    boxes, scores, true_boxes, labels, true_labels, crowd = image
    for first, second, names in (
        (boxes, scores, ("boxes", "scores")),
        (boxes, labels, ("boxes", "labels")),
        (true_boxes, true_labels, ("true_boxes", "true_labels")),
        (true_boxes, crowd, ("true_boxes", "crowd")),
    ):
        check_same_length(first, second, names)
    true_classes, classes = _encode(true_labels, codes), _encode(labels, codes)
    boxes, true_boxes, crowd = boxes.detach().cpu().double(), true_boxes.detach().cpu().double(), crowd.cpu().numpy()
    scores = scores.detach().cpu().double().numpy()
    if not np.isfinite(scores).all():
        raise ValueError("scores: expected finite numbers, got NaN or infinity. Find where the model made them.")

    best_first = np.argsort(-scores, kind="stable")
    place = np.tril(classes[best_first, None] == classes[best_first]).sum(1)  # 1, 2 ... within the class
    kept = best_first[place <= MAX_DETECTIONS]
    overlaps = pairwise_iou(boxes, true_boxes).numpy()
    if crowd.any():
        overlaps = np.where(crowd, _covered(boxes, true_boxes), overlaps)
    overlaps = np.where(classes[kept, None] == true_classes, overlaps[kept], 0)  # another class is never met
    return classes[kept], scores[kept], *_match(overlaps, crowd), true_classes[~crowd]


def _encode(labels: Labels, codes: dict[Hashable, int]) -> np.ndarray:
    """The code of each label; a new label gets the next code."""
    labels = labels.tolist() if isinstance(labels, Tensor) else labels
    return np.array([codes.setdefault(label, len(codes)) for label in labels], dtype=int)


def _covered(boxes: Tensor, true_boxes: Tensor) -> np.ndarray:
    """Share of each box that each truth covers (boxes, truths); 0 for a box without area."""
    corner1 = torch.maximum(boxes[:, None, :2], true_boxes[:, :2])
    corner2 = torch.minimum(boxes[:, None, 2:], true_boxes[:, 2:])
    shared, areas = (corner2 - corner1).clamp(min=0).prod(-1), box_areas(boxes)[:, None]
    return (shared / areas.masked_fill(areas == 0, 1)).numpy()


def _match(overlaps: np.ndarray, crowd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which boxes (rows, best score first) are right and which ignored, at each of the t thresholds: (t, boxes)."""
    right, ignored = np.zeros((2, len(IOU_THRESHOLDS), len(overlaps)), dtype=bool)
    if overlaps.size == 0:
        return right, ignored
    # The order in which a box asks the truths: no crowd first, then the larger overlap, then the later one.
    keys = (np.arange(len(crowd)), overlaps, ~crowd)
    asked = np.lexsort([np.broadcast_to(key, overlaps.shape) for key in keys])[:, ::-1]
    free = np.ones((len(IOU_THRESHOLDS), len(crowd)), dtype=bool)  # t, truths
    for box in np.flatnonzero(overlaps.max(1) >= IOU_THRESHOLDS[0]):
        order = asked[box]
        suits = (overlaps[box, order] >= IOU_THRESHOLDS[:, None]) & free[:, order]
        matched, truth = suits.any(1), order[suits.argmax(1)]  # at each threshold the first that suits
        right[:, box], ignored[:, box] = matched & ~crowd[truth], matched & crowd[truth]
        free[right[:, box], truth[right[:, box]]] = False  # a crowd stays free
    return right, ignored


def _curve(right: np.ndarray, ignored: np.ndarray, truths: int) -> tuple[np.ndarray, np.ndarray]:
    """Precision at the recall points (t, 101) and recall at the end (t), from boxes of one class, best score first."""
    hits, misses = right.cumsum(1), (~right & ~ignored).cumsum(1)
    recall, precision = hits / truths, hits / np.maximum(hits + misses, 1)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]  # the best at this recall or beyond
    best = np.pad(best, ((0, 0), (0, 1)))  # and 0 where that recall is never reached
    at = [row[np.searchsorted(reached, RECALL_POINTS)] for row, reached in zip(best, recall, strict=True)]
    return np.stack(at), right.sum(1) / truths
