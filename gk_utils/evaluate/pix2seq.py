"""The detector on a frozen split: average precision, the trunk below it as a detector, and two controls that must fail.

What there is to find is every thing that is not too hidden, named by its category.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gk_utils.box_tokens.detector import load_detector, patch_features
from gk_utils.box_tokens.detector_recipe import objects_of, scenes_of
from gk_utils.boxes import clip_boxes
from gk_utils.countertop.render import render
from gk_utils.evaluate.ap_interval import Detections, ap_intervals
from gk_utils.models.trunk import Seen

BATCH = 64
NMS_IOU = 0.5  # patches whose boxes overlap more than this, of one category, speak of one thing


@torch.no_grad()
def evaluate_pix2seq(
    *, split: str = "val", limit: int | None = None, device: str = "cpu", checkpoint: str | None = None
) -> dict[str, Any]:
    """Measure a detector on the first `limit` pictures of a split, as `python -m gk_utils evaluate pix2seq` prints it.

    Metrics: `ap`, `ap50` and `ap75` by COCO's rules; `any_class` has the same where no class is asked for, so that its
    distance says what wrong classes cost. Baseline: `dense_trunk`, what the frozen trunk says itself, a category and a
    box for every patch, less duplicates (NMS). Controls: `other_picture`, the detector's answer to another picture;
    `classless`, its answer with the most frequent class everywhere.

    Raises:
        ValueError: an unknown split, a limit below 1; FileNotFoundError, ValueError: a missing or damaged checkpoint.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit: expected 1 or more, got {limit}. Leave it out for the whole split.")
    began = time.monotonic()
    scenes = scenes_of(split, limit)
    bound, card = load_detector(checkpoint, device)
    side = bound.trunk.settings.image_side
    found: list[Detections] = []
    truth: list[Detections] = []
    dense: list[Detections] = []
    for start in range(0, len(scenes), BATCH):
        some = scenes[start : start + BATCH]
        rendered = render(some, (side, side), device)
        seen = bound.trunk.see(rendered.images)
        dense += patch_detections(seen, side)
        written = bound.detector.detect(patch_features(bound.trunk, seen), (side, side))
        found += [Detections(one.boxes, one.labels, one.scores) for one in written]
        things = zip(*objects_of(some, rendered), strict=True)
        truth += [Detections(boxes, labels, torch.ones(len(labels))) for boxes, labels in things]
    usual = torch.cat([one.labels for one in truth]).mode().values
    half = len(found) // 2
    given = {
        "dense_trunk": dense,
        "other_picture": found[half:] + found[:half],
        "classless": [_labelled(one, usual) for one in found],
    }
    return {
        "split": split,
        "n": len(scenes),
        "checkpoint": card.recipe if checkpoint is None else str(checkpoint),
        "device": device,
        "metrics": measure(found, truth),
        "baselines": {name: measure(some, truth) for name, some in given.items()},
        "seconds": round(time.monotonic() - began, 1),
    }


def measure(found: Sequence[Detections], truth: Sequence[Detections]) -> dict[str, Any]:
    """ap, ap50, ap75, and the same without classes under `any_class`, each with its interval over pictures."""
    one_class = [[_labelled(picture, torch.tensor(0)) for picture in pictures] for pictures in (found, truth)]
    return {**ap_intervals(found, truth), "any_class": ap_intervals(*one_class)}


def patch_detections(seen: Seen, side: int) -> list[Detections]:
    """What the patches of a trunk say of each picture: the likeliest category of each and its box, less duplicates.

    The score is the category's probability; a patch that shows no thing has a low one. Boxes in pixels, on the CPU.
    """
    from torchvision.ops import batched_nms

    scores, labels = seen.labels["category"].float().softmax(-1)[..., 1:].max(-1)  # the first is "no thing"
    boxes = clip_boxes(side * seen.boxes_unit, (side, side))
    result = []
    for picture in zip(boxes.cpu(), labels.cpu(), scores.cpu(), strict=True):
        kept = batched_nms(picture[0], picture[2], picture[1], NMS_IOU)
        result.append(Detections(*(part[kept] for part in picture)))
    return result


def _labelled(picture: Detections, label: Tensor) -> Detections:
    """The same boxes, all of one class."""
    return replace(picture, labels=label.expand(len(picture.labels)))
