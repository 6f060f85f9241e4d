"""The exercise 02.tied: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils import boxes as gk
from gk_utils import viz
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.exercises.boxes.sampling import boxes_of, random_boxes
from gk_utils.classroom.mistakes import written

CUP, PLATE, FORK = [0.0, 0, 10, 10], [30.0, 0, 40, 10], [60.0, 40, 80, 60]
AROUND_BOTH, TWICE_AS_HIGH = [0.0, 0, 40, 10], [0.0, 0, 10, 20]


def scored_boxes(rng: np.random.Generator) -> list[Case]:
    """Boxes with scores and true boxes: ties of every outcome by hand, then random ones with few possible scores."""
    by_hand = [
        ([CUP, FORK], [0.9, 0.9], [CUP]),
        ([FORK, CUP], [0.9, 0.9], [CUP]),
        ([CUP, FORK], [0.9, 0.8], [CUP]),
        ([CUP, FORK], [0.8, 0.9], [CUP]),
        ([PLATE, FORK, CUP], [0.7, 0.7, 0.7], [CUP, PLATE]),
        ([TWICE_AS_HIGH], [0.5], [CUP]),  # an IoU of exactly 0.5
        ([AROUND_BOTH, FORK], [0.6, 0.2], [CUP, PLATE]),
        ([CUP, PLATE, FORK], [-3.0, -1.0, -1.0], [PLATE, CUP]),  # logits
        ([[0.0, 0, 10, 7], FORK, FORK, FORK], [1.0, 1.0, 0.0, 1.0], [CUP]),
    ]
    cases: list[Case] = [(boxes_of(*b), torch.tensor(s), boxes_of(*t)) for b, s, t in by_hand]
    for _ in range(5):
        truths = random_boxes(rng, 3)
        near = truths[torch.from_numpy(rng.integers(0, 3, 5))]
        near = near + torch.from_numpy(rng.normal(0, 6, (5, 1))).float()
        boxes = torch.cat([near, random_boxes(rng, 3)])[torch.from_numpy(rng.permutation(8))]
        cases.append((boxes, torch.from_numpy(rng.integers(0, 3, 8) / 2).float(), truths))
    return cases


def chance(judge: Callable[[Tensor], Tensor], pick: Callable[[Tensor], Tensor] | None = None):
    """What `judge` makes of the IoU of the boxes picked by score (rows) with the true boxes (columns)."""

    def answer(boxes: Tensor, scores: Tensor, truths: Tensor) -> float:
        chosen = scores == scores.max() if pick is None else pick(scores)
        return judge(gk.pairwise_iou(boxes[chosen], truths)).double().mean().item()

    return answer


def right(ious: Tensor) -> Tensor:
    """Which boxes meet any true box."""
    return (ious >= 0.5).any(1)


def around_all(boxes: Tensor, scores: Tensor, truths: Tensor) -> float:
    """The chance to meet the box around all true boxes."""
    hull = torch.cat([truths[:, :2].amin(0), truths[:, 2:].amax(0)])[None]
    return chance(right)(boxes, scores, hull)


def draw_tie(case: Case, expected: float, got: object) -> Figure:
    """The boxes that compete, solid, and the true ones, dashed."""
    boxes, scores, truths = case
    best = boxes[scores == scores.max()]
    side = float(torch.cat([boxes, truths]).max()) * 1.2
    text = f"{got:.3f}" if isinstance(got, float) else str(got)
    title = f"highest score {scores.max():g}: {len(best)} of {len(boxes)} boxes. Expected {expected:.3f}, got {text}"
    names = {"truth_labels": ["truth"] * len(truths), "title": title}
    return viz.draw_plane(best, ["highest score"] * len(best), extent_hw=(side, side), truth=truths, **names)


TIED = Exercise(
    "02.tied",
    scored_boxes,
    mistakes=(
        written(
            "the first of the tied boxes taken",
            "argmax picks the first. Take all boxes with scores == scores.max().",
            chance(right, lambda scores: scores.argmax()[None]),
        ),
        written(
            "the last of the tied boxes taken",
            "Sorting picks one of them. Take all boxes with scores == scores.max().",
            chance(right, lambda scores: scores.flip(0).argmax()[None].neg() + len(scores) - 1),
        ),
        written(
            "right as soon as one of the tied boxes is",
            "One of them is drawn: return the share of the tied boxes that are right.",
            chance(lambda ious: right(ious).any()[None]),
        ),
        written(
            "right only if all tied boxes are",
            "One of them is drawn: return the share of the tied boxes that are right.",
            chance(lambda ious: right(ious).all()[None]),
        ),
        written("> in place of >=", "An IoU of exactly 0.5 counts.", chance(lambda ious: (ious > 0.5).any(1))),
        written(
            "only the first true box looked at",
            "Any of the true boxes will do: .any(1) over the columns.",
            chance(lambda ious: ious[:, 0] >= 0.5),
        ),
        written(
            "the box around all true boxes asked for",
            "That is the merged protocol. Here any one of the true boxes will do.",
            around_all,
        ),
        written(
            "every true box must be met",
            "Any of the true boxes will do: .any(1), not .all(1).",
            chance(lambda ious: (ious >= 0.5).all(1)),
        ),
        written(
            "averaged over all pairs",
            "First ask of each box whether it meets any true box, .any(1); then average over the boxes.",
            chance(lambda ious: ious >= 0.5),
        ),
        written(
            "all boxes counted, whatever their score",
            "Only the boxes with the highest score compete.",
            chance(right, torch.isfinite),
        ),
        written(
            "the lowest score taken for the best",
            "The highest score wins: scores.max().",
            chance(right, lambda scores: scores == scores.min()),
        ),
        written(
            "the IoU averaged, not the hits",
            "Compare with 0.5 first: a box is right or wrong.",
            chance(lambda ious: ious.amax(1)),
        ),
    ),
    draw=draw_tie,
)
