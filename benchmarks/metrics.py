"""How fast metrics are, at the size of RefCOCO's 142,210 expressions and for average precision.

Peers: the diagonals of torchvision's tables for the IoUs of pairs, a plain numpy loop over the bootstrap's resamples,
and pycocotools, asked for what ours computes alone: all areas, 100 boxes an image. Its files are read beforehand.
"""

import contextlib
import importlib.util
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torchvision.ops
from torch import Tensor

from gk_utils.average_precision import average_precision
from gk_utils.bench.timing import SECONDS, floor_ms, not_run, row
from gk_utils.boxes import paired_iou, xyxy_to_xywh
from gk_utils.metrics import accuracy_at_iou, bootstrap_intervals, mean_iou

EXPRESSIONS, RESAMPLES = 142_210, 1000
IMAGES, CLASSES, FOUND = 1000, 20, 50  # of average precision; boxes found in an image
AT_ONCE = 64  # pairs in a table of torchvision's: the fastest


def rows(device: str, scale: float = 1.0) -> list[dict[str, Any]]:
    """The IoUs, the metrics with their intervals, both together, average precision; `scale` makes all smaller."""
    n = max(10, int(scale * EXPRESSIONS))
    resamples = max(10, int(scale * RESAMPLES))
    answers, truths = _pairs(n, device)
    ious = paired_iou(answers, truths)
    options = {"device": device, "seconds": 2 * SECONDS * min(1, scale)}
    found = [
        row(
            f"{n:,} expressions, IoU",
            ours=lambda: paired_iou(answers, truths),
            peer="torchvision, diagonals of tables",
            theirs=lambda: _diagonals(answers, truths),
            floor_ms=floor_ms(device, 4 * 9 * n),
            **options,
        ),
        row(
            f"{n:,} expressions, Acc@0.5, Acc@0.75, mIoU with intervals of {resamples:,} resamples",
            ours=lambda: _ours(ious, resamples),
            peer="a numpy loop",
            theirs=lambda: _numpy_loop(ious, resamples),
            kind="end-to-end",
            **options,
        ),
        row(
            f"{n:,} expressions, from boxes to intervals",
            ours=lambda: _ours(paired_iou(answers, truths), resamples),
            peer="torchvision and a numpy loop",
            theirs=lambda: _numpy_loop(_diagonals(answers, truths), resamples),
            kind="end-to-end",
            **options,
        ),
    ]
    images = max(3, int(scale * IMAGES))
    case = f"{images:,} images, {CLASSES} classes, {FOUND} boxes found in each, average precision"
    if importlib.util.find_spec("pycocotools") is None:
        return [*found, not_run(case, device, "pycocotools is not installed", peer="pycocotools")]
    ours, theirs = _detections(images)
    peer = {"peer": "pycocotools", "kind": "end-to-end"}
    return [*found, row(case, ours=ours, theirs=theirs, **peer, **{**options, "device": "cpu"})]


def _pairs(n: int, device: str) -> tuple[Tensor, Tensor]:
    """Answers near their truths, xyxy in pixels."""
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(n, 2, 2, generator=generator) * 400
    truths = torch.cat([corners.amin(1), corners.amax(1) + 20], 1)
    moved = truths + 12 * torch.randn(n, 4, generator=generator)
    answers = torch.cat([moved[:, :2].minimum(moved[:, 2:]), moved[:, 2:].maximum(moved[:, :2])], 1)
    return answers.to(device), truths.to(device)


def _diagonals(answers: Tensor, truths: Tensor) -> Tensor:
    tables = map(torchvision.ops.box_iou, answers.split(AT_ONCE), truths.split(AT_ONCE))
    return torch.cat([table.diagonal() for table in tables])


def _ours(ious: Tensor, resamples: int) -> list[Tensor]:
    """Values, lows and highs of the three metrics."""
    values = [accuracy_at_iou(ious), accuracy_at_iou(ious, 0.75), mean_iou(ious)]
    hits = torch.stack([ious >= 0.5, ious >= 0.75, ious], 1)
    intervals = bootstrap_intervals(hits, resamples=resamples)
    bounds = [[interval.low, interval.high] for interval in intervals]
    return [torch.tensor(values, dtype=torch.double), torch.tensor(bounds, dtype=torch.double)]


def _numpy_loop(ious: Tensor, resamples: int) -> list[Tensor]:
    ious = ious.cpu().numpy()
    generator = np.random.default_rng(0)

    def metrics(ious: np.ndarray) -> list[float]:
        return [(ious >= 0.5).mean(), (ious >= 0.75).mean(), ious.mean(dtype=float)]

    drawn = [metrics(ious[generator.integers(0, len(ious), len(ious))]) for _ in range(resamples)]
    bounds = np.quantile(drawn, [0.025, 0.975], axis=0).T
    return [torch.tensor(metrics(ious), dtype=torch.double), torch.from_numpy(bounds)]


def _detections(images: int) -> tuple[Callable[[], Tensor], Callable[[], Tensor]]:
    """Average precision of made-up detections, ours and pycocotools': AP, AP50, AP75 and AR."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    generator = torch.Generator().manual_seed(0)
    boxes, scores, labels, true_boxes, true_labels, annotations, results = [], [], [], [], [], [], []
    for image in range(images):
        truths = 7
        corners = torch.rand(truths, 2, generator=generator) * 400
        true = torch.cat([corners, corners + 20 + 200 * torch.rand(truths, 2, generator=generator)], 1)
        kinds = torch.randint(CLASSES, (truths,), generator=generator)
        which = torch.randint(truths, (FOUND,), generator=generator)
        found = true[which] + 15 * torch.rand(FOUND, 1, generator=generator) * torch.randn(
            FOUND, 4, generator=generator
        )
        found = torch.cat([found[:, :2].minimum(found[:, 2:]), found[:, 2:].maximum(found[:, :2])], 1)
        right = torch.rand(FOUND, generator=generator) < 0.7
        guessed = torch.where(right, kinds[which], torch.randint(CLASSES, (FOUND,), generator=generator))
        score = torch.rand(FOUND, generator=generator)
        for column, value in zip(
            (boxes, scores, labels, true_boxes, true_labels), (found, score, guessed, true, kinds), strict=True
        ):
            column.append(value)
        sizes = (true[:, 2:] - true[:, :2]).prod(1).tolist()
        for box, kind, area in zip(xyxy_to_xywh(true).tolist(), kinds.tolist(), sizes, strict=True):
            annotations.append(
                {
                    **{"id": len(annotations) + 1, "image_id": image, "category_id": kind, "bbox": box},
                    **{"area": area, "iscrowd": 0},
                }
            )
        for box, kind, value in zip(xyxy_to_xywh(found).tolist(), guessed.tolist(), score.tolist(), strict=True):
            results.append({"image_id": image, "category_id": kind, "bbox": box, "score": value})

    with contextlib.redirect_stdout(io.StringIO()):
        true_coco = COCO()
        true_coco.dataset = {
            "images": [{"id": image} for image in range(images)],
            "categories": [{"id": kind, "name": str(kind)} for kind in range(CLASSES)],
            "annotations": annotations,
        }
        true_coco.createIndex()
        found_coco = true_coco.loadRes(results)

    def ours() -> Tensor:
        found = average_precision(boxes, scores, true_boxes, labels=labels, true_labels=true_labels)
        return torch.tensor([found.ap, found.ap50, found.ap75, found.ar], dtype=torch.double)

    def theirs() -> Tensor:
        with contextlib.redirect_stdout(io.StringIO()):
            evaluation = COCOeval(true_coco, found_coco, "bbox")
            evaluation.params.maxDets = [100]
            evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
            evaluation.evaluate()
            evaluation.accumulate()
        precision = evaluation.eval["precision"][..., 0, 0]  # t 101 classes
        recall = evaluation.eval["recall"][..., 0, 0]
        precision, recall = precision[..., recall[0] > -1], recall[:, recall[0] > -1]  # classes that are somewhere
        numbers = [precision.mean(), precision[0].mean(), precision[5].mean(), recall.mean()]
        return torch.tensor(numbers, dtype=torch.double)

    return ours, theirs
