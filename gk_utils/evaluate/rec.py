"""Referring expressions on a frozen split: the trunk, three baselines that must lose, and a control that must fail.

An expression that means nothing ("absent") is answered rightly by "none", any other by a box. So `acc@0.5` counts both:
it is the share of right answers over all types. `miou` is over the expressions that mean something, 0 for a "none".
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gk_utils.boxes import box_areas, paired_iou
from gk_utils.countertop.dataset import Batch, Sample, read_split, rendered_batches
from gk_utils.countertop.language import TYPES
from gk_utils.evaluate.language_only import language_only
from gk_utils.evaluate.measure import f1_interval, mean_interval
from gk_utils.models.trunk import Trunk
from gk_utils.models.trunk_grounder import load_grounder

SIZES = {"small": (0, 16), "medium": (16, 32), "large": (32, 128)}  # square root of a box's area, px of 128 x 128
BATCH = 64


@dataclass(frozen=True, eq=False)
class Answers:
    """What somebody answered to n samples.

    Attributes:
        boxes: (n 4) xyxy, pixels of pictures of 128 x 128.
        absent: (n) the answer is "none"; the box is not looked at then.
    """

    boxes: Float[Tensor, "n 4"]
    absent: Bool[Tensor, " n"]


def evaluate_rec(
    *, split: str = "val", limit: int | None = None, device: str = "cpu", checkpoint: str | None = None
) -> dict[str, Any]:
    """Measure a trunk on the first `limit` expressions of a split, as `python -m gk_utils evaluate rec` prints it.

    Baselines: `centre_box`, a square of 32 pixels in the middle; `largest_object`, the largest of the true boxes,
    which is more than a model is told; `language_only`, the words without the picture; none of them ever says "none".
    The control, `other_picture`, is the trunk asked about the picture of another sample.

    Raises:
        ValueError: an unknown split, a limit below 1; FileNotFoundError, ValueError: a missing or damaged checkpoint.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit: expected 1 or more, got {limit}. Leave it out for the whole split.")
    began = time.monotonic()
    samples = read_split(split)[:limit]
    grounder, card = load_grounder(checkpoint, device)
    side = grounder.trunk.settings.image_side
    truth, largest, answers, others = [], [], [], []
    for batch in rendered_batches(samples, BATCH, (side, side), device):
        rows = torch.arange(len(batch.samples), device=device)
        truth.append(batch.boxes.cpu() * 128 / side)
        largest.append(_largest(batch).cpu() * 128 / side)
        answers.append(_ask(grounder.trunk, batch, rows))
        others.append(_ask(grounder.trunk, batch, rows.roll(len(rows) // 2)))
    boxes, never = torch.cat(truth), torch.zeros(len(samples), dtype=torch.bool)
    centre = torch.tensor([48.0, 48.0, 80.0, 80.0]).expand(len(samples), 4)
    words_alone = 128 * language_only().boxes_unit([sample.text for sample in samples])
    given = {
        "centre_box": Answers(centre, never),
        "largest_object": Answers(torch.cat(largest), never),
        "language_only": Answers(words_alone, never),
        "other_picture": join_answers(others),
    }
    return {
        "split": split,
        "n": len(samples),
        "checkpoint": card.recipe if checkpoint is None else str(checkpoint),
        "device": device,
        "metrics": measure(samples, boxes, join_answers(answers)),
        "baselines": {name: measure(samples, boxes, answer) for name, answer in given.items()},
        "seconds": round(time.monotonic() - began, 1),
    }


def measure(samples: Sequence[Sample], truth: Float[Tensor, "n 4"], answers: Answers) -> dict[str, Any]:
    """acc@0.5, acc@0.75, miou, absent_f1, by_type, by_dialect and by_size (of what is there), each with its interval.

    What there is no example of is left out.
    """
    absent = torch.tensor([sample.referent is None for sample in samples])
    picture = torch.tensor([sample.seed for sample in samples])
    iou = paired_iou(answers.boxes, truth) * ~answers.absent
    right = {at: torch.where(absent, answers.absent, iou >= at) for at in (0.5, 0.75)}
    area_side = box_areas(truth).sqrt()

    def of(rows: Bool[Tensor, " n"]) -> dict[str, Any]:
        found = {f"acc@{at}": mean_interval(hits[rows], picture[rows]) for at, hits in right.items()}
        there = rows & ~absent
        return {**found, **({"miou": mean_interval(iou[there], picture[there])} if there.any() else {})}

    groups: dict[str, dict[str, Int[Tensor, " n"]]] = {
        "by_type": {type: torch.tensor([sample.type == type for sample in samples]) for type in TYPES},
        "by_dialect": {
            dialect: torch.tensor([sample.dialect == dialect for sample in samples])
            for dialect in dict.fromkeys(sample.dialect for sample in samples)
        },
        "by_size": {name: ~absent & (area_side >= low) & (area_side < high) for name, (low, high) in SIZES.items()},
    }
    return {
        **of(torch.ones(len(samples), dtype=torch.bool)),
        "absent_f1": f1_interval(answers.absent, absent, picture),
        **{
            name: {value: of(rows) for value, rows in members.items() if rows.any()} for name, members in groups.items()
        },
    }


def _ask(trunk: Trunk, batch: Batch, picture: Int[Tensor, " b"]) -> Answers:
    """Ask every expression of the batch about one of its pictures."""
    with torch.no_grad():
        boxes, none = trunk.answers(batch.images, [sample.text for sample in batch.samples], picture)
    return Answers(boxes.cpu() * 128 / trunk.settings.image_side, none.cpu() > 0.5)


def _largest(batch: Batch) -> Float[Tensor, "b 4"]:
    """The largest of the true boxes of each picture."""
    first = box_areas(batch.all_boxes).argmax(1)
    return batch.all_boxes[torch.arange(len(first)), first]


def join_answers(parts: Sequence[Answers]) -> Answers:
    """One after the other."""
    return Answers(torch.cat([part.boxes for part in parts]), torch.cat([part.absent for part in parts]))
