"""Phrases to masks on a frozen split: the whole pipeline, three baselines below it, and a control that must fail.

A phrase that means nothing ("absent") is answered rightly by no mask, any other by the pixels of what it means. So
`acc@0.5` counts both, with the IoU of masks; `miou` is over the phrases that mean something, 0 where nothing was found.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gk_utils.countertop.dataset import Sample, read_split
from gk_utils.countertop.language import TYPES
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.evaluate.measure import f1_interval, mean_interval
from gk_utils.formats.rle import decode_mask
from gk_utils.grounded_sam import BoxFiller, Grounded, GroundedSam
from gk_utils.grounded_sam.mini import load_pipeline

IMAGE_HW = (256, 256)  # the size that the segmenter was made for
BATCH = 16  # scenes at once


@dataclass(frozen=True, eq=False)
class Scores:
    """Of n phrases: the IoU of the mask with the true one (0 where either is missing), and whether none was given."""

    ious: Float[Tensor, " n"]
    none: Bool[Tensor, " n"]


def evaluate_grounded_sam(
    *, split: str = "val", limit: int | None = None, device: str = "cpu", checkpoint: str | None = None
) -> dict[str, Any]:
    """Measure the pipeline on the first `limit` phrases of a split, as `evaluate grounded_sam` prints it.

    The mask of the best box of a phrase counts. Baselines: `box_as_mask`, that box coloured in; `true_box_as_mask`, the
    true box coloured in, which is more than a model is told; `true_box`, the segmenter's mask of the true box, which
    says what the detector costs. The control, `other_phrases`, has the masks of another picture's phrases.

    Raises:
        ValueError: an unknown split, a limit below 1; FileNotFoundError, ValueError: a missing or damaged checkpoint.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit: expected 1 or more, got {limit}. Leave it out for the whole split.")
    began = time.monotonic()
    samples = read_split(split)[:limit]
    pipeline, model = load_pipeline(checkpoint, device)
    parts: dict[str, list[Scores]] = {}
    for some in _by_scene(samples):
        for name, scores in _measured(some, pipeline, device).items():
            parts.setdefault(name, []).append(scores)
    found = {name: _join(each) for name, each in parts.items()}
    return {
        "split": split,
        "n": len(samples),
        "checkpoint": model,
        "device": device,
        "metrics": measure(samples, found.pop("pipeline")),
        "baselines": {name: measure(samples, scores) for name, scores in found.items()},
        "seconds": round(time.monotonic() - began, 1),
    }


def measure(samples: Sequence[Sample], scores: Scores) -> dict[str, Any]:
    """miou, acc@0.5, absent_f1, and acc@0.5 and miou by_type, each with its interval over pictures."""
    absent = torch.tensor([sample.referent is None for sample in samples])
    picture = torch.tensor([sample.seed for sample in samples])
    right = torch.where(absent, scores.none, scores.ious >= 0.5)

    def of(rows: Bool[Tensor, " n"]) -> dict[str, Any]:
        there = rows & ~absent
        found = {"acc@0.5": mean_interval(right[rows], picture[rows])}
        return {**({"miou": mean_interval(scores.ious[there], picture[there])} if there.any() else {}), **found}

    types = {type: torch.tensor([sample.type == type for sample in samples]) for type in TYPES}
    return {
        **of(torch.ones(len(samples), dtype=torch.bool)),
        "absent_f1": f1_interval(scores.none, absent, picture),
        "by_type": {type: of(rows) for type, rows in types.items() if rows.any()},
    }


def _by_scene(samples: Sequence[Sample]) -> list[dict[Scene, list[Sample]]]:
    """BATCH scenes at a time, each with its phrases; samples of one scene lie one after the other."""
    groups: dict[tuple[str, int], list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.split, sample.seed), []).append(sample)
    scenes = [(each[0].scene, each) for each in groups.values()]
    return [dict(scenes[start : start + BATCH]) for start in range(0, len(scenes), BATCH)]


def _measured(some: dict[Scene, list[Sample]], pipeline: GroundedSam, device: str) -> dict[str, Scores]:
    """The scores of the pipeline, the baselines and the control for the phrases of some scenes."""
    rendered = render(list(some), IMAGE_HW, device)
    images, asked = list(rendered.images), [[sample.text for sample in samples] for samples in some.values()]
    turned = [asked[row - 1] for row in range(len(asked))]
    results, others, filler = pipeline(images, asked), pipeline(images, turned), BoxFiller()
    found: dict[str, list[Scores]] = {}
    for row, samples in enumerate(some.values()):
        referents = [sample.referent or 0 for sample in samples]
        there = torch.tensor([sample.referent is not None for sample in samples])
        truth = rendered.masks[row, referents].cpu() & there[:, None, None]
        boxes = rendered.boxes[row, referents]
        filler.set_image(images[row])
        masks, none = _answers(results[row], asked[row])
        wrong = [turned[row][k % len(turned[row])] for k in range(len(samples))]
        cut = torch.stack([decode_mask(mask, IMAGE_HW) for mask in pipeline.cut(images[row], boxes)])
        answers = {
            "pipeline": (masks, none),
            "box_as_mask": (filler.segment(boxes=_best_boxes(results[row], asked[row])).masks, none),
            "true_box": (cut, ~there),
            "true_box_as_mask": (filler.segment(boxes=boxes.cpu()).masks, ~there),
            "other_phrases": _answers(others[row], wrong),
        }
        for name, (each, nothing) in answers.items():
            found.setdefault(name, []).append(Scores(_ious(each, truth) * ~nothing, nothing))
    return {name: _join(each) for name, each in found.items()}


def _answers(result: Grounded, phrases: Sequence[str]) -> tuple[Bool[Tensor, "p h w"], Bool[Tensor, " p"]]:
    """The mask of the best box of each phrase, and which phrases have none."""
    best = [next(iter(result.rows_of(phrase)), None) for phrase in phrases]
    empty = torch.zeros(result.image_hw, dtype=torch.bool)
    masks = [empty if row is None else result.mask(row) for row in best]
    return torch.stack(masks), torch.tensor([row is None for row in best])


def _best_boxes(result: Grounded, phrases: Sequence[str]) -> Float[Tensor, "p 4"]:
    """The best box of each phrase; a box without area where there is none."""
    best = [next(iter(result.rows_of(phrase)), None) for phrase in phrases]
    return torch.stack([torch.zeros(4) if row is None else result.boxes[row] for row in best])


def _ious(first: Bool[Tensor, "p h w"], second: Bool[Tensor, "p h w"]) -> Float[Tensor, " p"]:
    both, either = (first & second).sum((1, 2)), (first | second).sum((1, 2))
    return both / either.clamp(min=1)


def _join(parts: Sequence[Scores]) -> Scores:
    return Scores(torch.cat([part.ious for part in parts]), torch.cat([part.none for part in parts]))
