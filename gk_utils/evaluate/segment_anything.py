"""SAM on a frozen split: masks from boxes and from one click, what the quality head says of them, and who must lose.

Everything that a click can mean is asked for: each thing alone, with what it carries, with what carries it. A click has
the three readings as its answer, of which the best counts (`miou_point`), or the one that the model prefers
(`miou_point_chosen`).
"""

import time
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gk_utils.evaluate.measure import mean_interval
from gk_utils.segment_anything.mask_losses import mask_iou
from gk_utils.segment_anything.mini_sam import load_mini
from gk_utils.segment_anything.sam_measure import (
    SIDE,
    Measured,
    Wanted,
    embed_pictures,
    join_measured,
    measure_one,
    targets_of_split,
)

TARGETS = 2000  # of a split, if no limit is given
SIZES = {"small": (0, 32), "medium": (32, 48), "large": (48, SIDE)}  # square root of the area, px of 256 x 256
STOREYS = ("thing", "with what it carries", "with what carries it")
SURE = {"below 0.5": (-1.0, 0.5), "0.5 to 0.75": (0.5, 0.75), "0.75 to 0.9": (0.75, 0.9), "above 0.9": (0.9, 9.0)}
MEAN_SIDE = 37.0  # square root of a thing's usual area, px of 256 x 256


@torch.no_grad()
def evaluate_segment_anything(
    *, split: str = "val", limit: int | None = None, device: str = "cpu", checkpoint: str | None = None
) -> dict[str, Any]:
    """Measure a segmenter on the first `limit` targets of a split: `python -m gk_utils evaluate segment_anything`.

    Metrics: `miou_box`, the single mask for the true box; `miou_point`, the best of three for one click, deepest inside
    the thing; `miou_point_chosen`, the reading of the highest expected IoU; `miou_point_single`, the single mask;
    `iou_head_mae`, how far the expected IoU of the answers is off. `by_size`, `by_reading` and `by_ambiguity` split
    them, `calibration` has the true IoU of the chosen readings by what was expected.

    Baselines: `box_filled` and `ellipse_in_box`; `disc_at_click`, of the usual size. The control, `other_picture`, asks
    the same of the embedding of another picture.

    Raises:
        ValueError: an unknown split, a limit below 1; FileNotFoundError, ValueError: a missing or damaged checkpoint.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit: expected 1 or more, got {limit}. Leave it out for {TARGETS}.")
    began = time.monotonic()
    segmenter, card = load_mini(checkpoint, device)
    sam, found, others, given = segmenter.sam, [], [], []
    for pictures in targets_of_split(split, limit or TARGETS, device):
        embeddings = embed_pictures(sam, torch.stack([one.image for one in pictures]))
        elsewhere = embeddings.roll(1, 0)
        if len(pictures) == 1:  # no other picture at hand: the same one upside down
            elsewhere = embeddings.flip(2)
        for one, embedding, other in zip(pictures, embeddings, elsewhere, strict=True):
            found.append(measure_one(sam, embedding, one))
            others.append(measure_one(sam, other, one))
            given.append(guesses(one))
    measured = join_measured(found)
    return {
        "split": split,
        "n": len(measured.picture),
        "checkpoint": card.recipe if checkpoint is None else str(checkpoint),
        "device": device,
        "metrics": measure(measured),
        "baselines": {
            **{name: _joined([guess[name] for guess in given], measured.picture) for name in given[0]},
            "other_picture": measure(join_measured(others)),
        },
        "seconds": round(time.monotonic() - began, 1),
    }


def measure(measured: Measured) -> dict[str, Any]:
    """Every metric with its interval over pictures; what there is no example of is left out."""
    values: dict[str, Float[Tensor, " k"]] = {
        "miou_box": measured.box,
        "miou_point": measured.best,
        "miou_point_chosen": measured.chosen,
        "miou_point_single": measured.point_single,
        "iou_head_mae": measured.quality_errors,
    }

    def of(rows: Bool[Tensor, " k"], names: tuple[str, ...] = tuple(values)) -> dict[str, Any]:
        return {name: mean_interval(values[name][rows], measured.picture[rows]) for name in names}

    everything, said = torch.ones_like(measured.several), measured.point_said.amax(1)
    groups: dict[str, dict[str, Bool[Tensor, " k"]]] = {
        "by_size": {name: (measured.side >= low) & (measured.side < high) for name, (low, high) in SIZES.items()},
        "by_reading": {name: measured.storeys.clamp(max=2) == number for number, name in enumerate(STOREYS)},
        "by_ambiguity": {"one reading": ~measured.several, "several readings": measured.several},
    }
    split = {
        group: {name: of(rows) for name, rows in members.items() if rows.any()} for group, members in groups.items()
    }
    bins = {name: (said >= low) & (said < high) for name, (low, high) in SURE.items()}
    calibration = {name: of(rows, ("miou_point_chosen",)) for name, rows in bins.items() if rows.any()}
    return {**of(everything), **split, "calibration": calibration}


def guesses(wanted: Wanted) -> dict[str, dict[str, Float[Tensor, " k"]]]:
    """The IoU of what needs no model: the box filled, the ellipse in it, a disc around the click."""
    y, x = torch.meshgrid(*(2 * [torch.arange(SIDE, device=wanted.truth.device) + 0.5]), indexing="ij")
    x1, y1, x2, y2 = wanted.boxes[..., None, None].unbind(1)
    across, down = (2 * x - x1 - x2) / (x2 - x1).clamp(min=1), (2 * y - y1 - y2) / (y2 - y1).clamp(min=1)
    click_x, click_y = (wanted.clicks + 0.5)[..., None, None].unbind(1)
    found = {
        "box_filled": ("miou_box", (across.abs() <= 1) & (down.abs() <= 1)),
        "ellipse_in_box": ("miou_box", across**2 + down**2 <= 1),
        "disc_at_click": ("miou_point", (x - click_x) ** 2 + (y - click_y) ** 2 <= MEAN_SIDE**2 / torch.pi),
    }
    return {name: {metric: mask_iou(masks, wanted.truth).cpu()} for name, (metric, masks) in found.items()}


def _joined(parts: Sequence[dict[str, Tensor]], picture: Int[Tensor, " k"]) -> dict[str, dict[str, float]]:
    """The metrics of a baseline with their intervals, from its answers picture by picture."""
    return {metric: mean_interval(torch.cat([part[metric] for part in parts]), picture) for metric in parts[0]}
