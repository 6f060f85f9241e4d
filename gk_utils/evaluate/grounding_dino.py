"""The mini Grounding DINO on a frozen split, as a detector and as a grounder, with baselines and controls.

As a detector it is asked for all categories at once. As a grounder it is asked for one expression, and the same model
that is asked for the bare category shows what detection alone is worth there.
"""

import time
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.box_tokens.detector_recipe import objects_of, scenes_of
from gk_utils.boxes import paired_iou
from gk_utils.countertop.dataset import Sample, read_split, rendered_batches
from gk_utils.countertop.render import render
from gk_utils.evaluate.ap_interval import Detections, ap_intervals
from gk_utils.evaluate.language_only import language_only
from gk_utils.evaluate.measure import mean_interval
from gk_utils.evaluate.pix2seq import patch_detections
from gk_utils.evaluate.rec import Answers, join_answers, measure
from gk_utils.grounding_dino.grounding_recipe import best_answers, detect_categories
from gk_utils.grounding_dino.mini_dino import MiniGroundingDino, load_mini
from gk_utils.models.trunk_grounder import load_grounder

BATCH = 64
SHORT = ("refcoco", "refcoco+")  # dialects; the expressions of the third are long


@torch.no_grad()
def evaluate_grounding_dino(
    *, split: str = "val", limit: int | None = None, device: str = "cpu", checkpoint: str | None = None
) -> dict[str, Any]:
    """Measure a mini model on the first `limit` pictures and expressions of a split.

    Metrics: `ap`, `ap50`, `ap75` of detection, all categories asked for at once; `acc@0.5_short` and `acc@0.5_long`
    over the expressions that mean something, whatever the score of the best box; `acc@0.5` over all, where "none" is
    the right answer to an absent one; `absent_f1`, `by_type`, `by_dialect`, `by_size`.

    Baselines: `dense_trunk`, the trunk's patches as a detector; `noun_only`, the same model asked for the category of
    what is meant, which is more than the prompt says: detection is not grounding; `language_only`, the words without
    the picture. Control: `other_picture`, the answers to another picture.

    Raises:
        ValueError: an unknown split, a limit below 1; FileNotFoundError, ValueError: a missing or damaged checkpoint.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit: expected 1 or more, got {limit}. Leave it out for the whole split.")
    began = time.monotonic()
    mini, card = load_mini(checkpoint, device)
    detection, pictures = _detection(mini, split, limit)
    grounding, samples = _grounding(mini, split, limit)
    names = [name for name in dict.fromkeys([*detection, *grounding]) if name != "mini"]
    return {
        "split": split,
        "n": samples,
        "pictures": pictures,
        "checkpoint": card.recipe if checkpoint is None else str(checkpoint),
        "device": device,
        "metrics": {**detection["mini"], **grounding["mini"]},
        "baselines": {name: {**detection.get(name, {}), **grounding.get(name, {})} for name in names},
        "seconds": round(time.monotonic() - began, 1),
    }


def grounding_metrics(samples: Sequence[Sample], truth: Float[Tensor, "n 4"], answers: Answers) -> dict[str, Any]:
    """`rec.measure`, and `acc@0.5_short` and `acc@0.5_long`, for which the best box counts even if it is too poor."""
    there = torch.tensor([sample.referent is not None for sample in samples])
    short = torch.tensor([sample.dialect in SHORT for sample in samples])
    picture = torch.tensor([sample.seed for sample in samples])
    metrics = measure(samples, truth, answers)
    right = paired_iou(answers.boxes, truth) >= 0.5
    for name, rows in (("short", there & short), ("long", there & ~short)):
        if rows.any():
            metrics[f"acc@0.5_{name}"] = mean_interval(right[rows], picture[rows])
    return metrics


def _detection(mini: MiniGroundingDino, split: str, limit: int | None) -> tuple[dict[str, Any], int]:
    scenes, side = scenes_of(split, limit), mini.image_side
    trunk = load_grounder(device=mini.device)[0].trunk
    found: list[Detections] = []
    dense: list[Detections] = []
    truth: list[Detections] = []
    for start in range(0, len(scenes), BATCH):
        some = scenes[start : start + BATCH]
        rendered = render(some, (side, side), mini.device)
        found += [Detections(*one) for one in detect_categories(mini, rendered.images)]
        dense += patch_detections(trunk.see(rendered.images), side)
        things = zip(*objects_of(some, rendered), strict=True)
        truth += [Detections(boxes, labels, torch.ones(len(labels))) for boxes, labels in things]
    half = len(found) // 2
    given = {"mini": found, "dense_trunk": dense, "other_picture": found[half:] + found[:half]}
    return {name: ap_intervals(some, truth) for name, some in given.items()}, len(scenes)


def _grounding(mini: MiniGroundingDino, split: str, limit: int | None) -> tuple[dict[str, Any], int]:
    samples, side = read_split(split)[:limit], mini.image_side
    truth, answers, nouns, others = [], [], [], []
    for batch in rendered_batches(samples, BATCH, (side, side), mini.device):
        texts = [sample.text for sample in batch.samples]
        truth.append(batch.boxes.cpu() * 128 / side)
        answers.append(_answers(mini, batch.images, texts))
        nouns.append(_answers(mini, batch.images, [_noun(sample) for sample in batch.samples]))
        others.append(_answers(mini, batch.images.roll(len(texts) // 2, 0), texts))
    words_alone = 128 * language_only().boxes_unit([sample.text for sample in samples])
    given = {
        "mini": join_answers(answers),
        "noun_only": join_answers(nouns),
        "language_only": Answers(words_alone, torch.zeros(len(samples), dtype=torch.bool)),
        "other_picture": join_answers(others),
    }
    boxes = torch.cat(truth)
    return {name: grounding_metrics(samples, boxes, some) for name, some in given.items()}, len(samples)


def _noun(sample: Sample) -> str:
    """The category of what an expression means; the expression itself where it means nothing."""
    if sample.referent is None:
        return sample.text
    return sample.scene.things[sample.referent].category


def _answers(mini: MiniGroundingDino, images: Float[Tensor, "b 3 h w"], texts: Sequence[str]) -> Answers:
    boxes, scores = best_answers(mini, images, texts)
    return Answers(boxes.cpu() * 128 / mini.image_side, scores.cpu() < mini.absent_below)
