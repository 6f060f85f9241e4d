"""Average precision with an interval: whole pictures are resampled, and every resample gets its own curve.

Average precision is no mean over pictures, so each resample needs precision against recall anew. The boxes choose their
truths within a picture, though, which a resample does not change: they are matched once, and a picture that is drawn
twice counts twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gk_utils.average_precision import IOU_THRESHOLDS, RECALL_POINTS
from gk_utils.boxes import pairwise_iou

RESAMPLES = 1000
CHUNK = 50  # resamples at once


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in a picture, or what there is to find.

    Attributes:
        boxes: xyxy in pixels.
        labels: their classes, whole numbers.
        scores: the better the surer; all 1 where the boxes are the truth.
    """

    boxes: Float[Tensor, "n 4"]
    labels: Int[Tensor, " n"]
    scores: Float[Tensor, " n"]


@dataclass(frozen=True, eq=False)
class _Matched:
    """The boxes of one class in all pictures, best score first.

    Attributes:
        picture: (n) in which each was found.
        right: (t n) whether it found a truth at each of the IoU thresholds.
        truths: (p) how many each picture has.
    """

    picture: Int[Tensor, " n"]
    right: Bool[Tensor, "t n"]
    truths: Float[Tensor, " p"]


def ap_intervals(found: Sequence[Detections], truth: Sequence[Detections]) -> dict[str, dict[str, float]]:
    """`ap`, `ap50` and `ap75` by COCO's rules, each {"value", "low", "high"}: the 95 % percentile bootstrap.

    The values are those of `average_precision`, which says what the three mean, as long as no picture has more than
    100 boxes of one class. A class that is nowhere true in a resample is left out of its mean; without any truth all
    is -1.

    >>> box, one = torch.tensor([[0.0, 0, 10, 10]]), torch.ones(1)
    >>> truth = [Detections(box, torch.tensor([0]), one)] * 2
    >>> ap_intervals([truth[0], Detections(box + 5, torch.tensor([0]), one)], truth)["ap50"]
    {'value': 0.505, 'low': 0.0, 'high': 1.0}
    """
    classes = _match(found, truth)
    if not classes:
        return {name: dict.fromkeys(("value", "low", "high"), -1.0) for name in ("ap", "ap50", "ap75")}
    n = len(truth)
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    weights = torch.from_numpy(drawn).double()
    value = _curves(classes, torch.ones(1, n, dtype=torch.double))[0]  # t
    resampled = torch.cat([_curves(classes, some) for some in weights.split(CHUNK)])
    result = {}
    for name, at in (("ap", slice(None)), ("ap50", slice(0, 1)), ("ap75", slice(5, 6))):
        low, high = np.nanquantile(resampled[:, at].mean(1).numpy(), [0.025, 0.975]).tolist()
        parts = {"value": value[at].mean().item(), "low": low, "high": high}
        result[name] = {key: round(part, 4) for key, part in parts.items()}
    return result


def _match(found: Sequence[Detections], truth: Sequence[Detections]) -> list[_Matched]:
    """Let the boxes of each picture choose their truths, and sort them by class; classes that are nowhere true are out.

    In the order of their scores, each box takes the free truth of its class that it overlaps most.
    """
    rights, pictures = [], []
    for number, (some, true) in enumerate(zip(found, truth, strict=True)):
        iou = pairwise_iou(some.boxes.double(), true.boxes.double()).numpy()
        iou = np.where(some.labels[:, None].numpy() == true.labels.numpy(), iou, -1.0)
        right, free = np.zeros((10, iou.shape[0]), bool), np.ones((10, iou.shape[1]), bool)  # at the 10 thresholds
        for box in some.scores.argsort(descending=True, stable=True).tolist() if iou.size else ():
            open_iou = np.where(free, iou[box], -1.0)  # t truths
            choice = open_iou.argmax(1)
            right[:, box] = open_iou.max(1) >= IOU_THRESHOLDS
            free[right[:, box], choice[right[:, box]]] = False
        rights.append(torch.from_numpy(right))
        pictures += [number] * len(iou)
    right, picture = torch.cat(rights, 1), torch.tensor(pictures, dtype=torch.long)
    labels, scores = (torch.cat([getattr(some, name) for some in found]) for name in ("labels", "scores"))
    result = []
    for label in torch.cat([true.labels for true in truth]).unique():
        mine = (labels == label).nonzero()[:, 0]
        mine = mine[scores[mine].argsort(descending=True, stable=True)]
        truths = torch.stack([(true.labels == label).sum() for true in truth]).double()
        result.append(_Matched(picture[mine], right[:, mine], truths))
    return result


def _curves(classes: Sequence[_Matched], weights: Float[Tensor, "r p"]) -> Float[Tensor, "r t"]:
    """Average precision at each IoU threshold, the mean over classes, for r weightings of the pictures."""
    points, means = torch.from_numpy(RECALL_POINTS), []
    for one in classes:
        counts = weights[:, one.picture][:, None]  # r 1 n
        hits = (counts * one.right).cumsum(-1)  # r t n
        recall = hits / (weights @ one.truths)[:, None, None]
        precision = hits / counts.cumsum(-1).clamp(min=1)
        best = np.maximum.accumulate(precision.numpy()[..., ::-1], axis=-1)[..., ::-1]
        best = torch.from_numpy(np.pad(best, ((0, 0), (0, 0), (0, 1))))  # 0 where a recall is never reached
        places = torch.searchsorted(recall.contiguous(), points.expand(*recall.shape[:2], -1).contiguous())
        at = best.gather(-1, places).mean(-1)
        means.append(torch.where((weights @ one.truths > 0)[:, None], at, torch.nan))
    return torch.stack(means).nanmean(0)
