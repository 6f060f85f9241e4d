"""The exercise 17.backed: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from gk_utils.boxes import pairwise_iou
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written


def counts_with_boxes(rng: np.random.Generator) -> list[Case]:
    """What was said, the boxes shown, the true boxes: right, too many, twice on one thing, shifted; then random."""
    three = torch.tensor([[0.0, 0, 10, 10], [20.0, 0, 30, 10], [40.0, 0, 50, 10]])
    beside = torch.tensor([[0.0, 20, 10, 30]])
    half = torch.tensor([[0.0, 0, 10, 5]])  # IoU 0.5 with the first
    close = torch.tensor([[0.0, 0, 10, 10], [3.0, 0, 13, 10]])  # two things that overlap
    cases: list[Case] = [
        (3, three, three[[2, 0, 1]]),
        (2, three, three),  # says less than it shows
        (3, three[[0, 0, 1]], three),  # one thing twice
        (3, torch.cat([three[:2], beside]), three),
        (2, three[:2], three),
        (3, three, three[:2]),
        (1, half, three[:1]),
        (1, half - torch.tensor([0.0, 0, 0, 0.5]), three[:1]),
        (0, three[:0], three[:0]),
        (0, three[:0], three[:1]),
        (2, torch.tensor([[1.5, 0, 11.5, 10], [-1.0, 0, 9, 10]]), close),  # the first fits both, the second only one
        (2, three[:2], three[[0, 0]]),
    ]
    for _ in range(12):
        n = int(rng.integers(1, 5))
        corners = torch.tensor(rng.uniform(0, 8, (n, 2)).round(1)) + torch.arange(n)[:, None] * 20
        truths = torch.cat([corners, corners + 10], 1)
        boxes = (truths + torch.tensor(rng.uniform(-1, 1, (n, 4)).round(1)))[torch.tensor(rng.permutation(n))]
        if rng.random() < 0.4:
            boxes[0] = boxes[-1]
        cases.append((n + int(rng.integers(3) == 0), boxes.float(), truths.float()))
    return cases


def judge(
    counts: Callable[[int, Tensor, Tensor], bool] = lambda said, boxes, truths: said == len(boxes) == len(truths),
    hits: Callable[[Tensor], bool] | None = None,
    enough: float = 0.5,
    strict: bool = False,
) -> Callable[[int, Tensor, Tensor], bool]:
    """The right answer, or one of its wrong relatives; `hits` judges which box (row) is on which thing (column)."""

    def answer(said: int, boxes: Tensor, truths: Tensor) -> bool:
        if not counts(said, boxes, truths):
            return False
        if not len(boxes) or not len(truths):
            return len(boxes) == len(truths)
        iou = pairwise_iou(boxes, truths)
        on = iou > enough if strict else iou >= enough
        return bool((hits or one_to_one)(on))

    return answer


def one_to_one(on: Tensor) -> bool:
    """Whether every box has a thing of its own."""
    rows, columns = linear_sum_assignment(-on.double().numpy())
    return bool(on[rows, columns].all()) and len(rows) == on.shape[0]


def in_turn(on: Tensor) -> bool:
    """Each box takes the first thing that is left, in order."""
    taken: set[int] = set()
    for row in on.tolist():
        free = [column for column, hit in enumerate(row) if hit and column not in taken]
        if not free:
            return False
        taken.add(free[0])
    return True


def row_by_row(said: int, boxes: Tensor, truths: Tensor) -> bool:
    """Box i against thing i."""
    if not said == len(boxes) == len(truths):
        return False
    return all(float(pairwise_iou(boxes[[i]], truths[[i]])) >= 0.5 for i in range(said))


BACKED = Exercise(
    "17.backed",
    counts_with_boxes,
    mistakes=(
        written(
            "the number alone",
            "Right in words is not enough: hold the boxes against the true ones.",
            lambda said, boxes, truths: said == len(truths),
        ),
        written(
            "the boxes alone",
            "It has to say as many as it shows, and as there are.",
            judge(lambda said, boxes, truths: len(boxes) == len(truths)),
        ),
        written(
            "two boxes on one thing",
            "Every box needs a thing of its own: one to one, not each box on some thing.",
            judge(hits=lambda on: on.any(1).all()),
        ),
        written(
            "every thing has some box",
            "Look at the boxes too: one box on two things, and another on nothing, is no evidence.",
            judge(hits=lambda on: on.any(0).all()),
        ),
        written("box i against thing i", "The order says nothing: find out which box is on which thing.", row_by_row),
        written(
            "the first thing that is left",
            "A box may take the thing that another one needs. Try all pairings, or use linear_sum_assignment.",
            judge(hits=in_turn),
        ),
        written("more than 0.5", "An IoU of exactly 0.5 is enough: >=.", judge(strict=True)),
    ),
)
