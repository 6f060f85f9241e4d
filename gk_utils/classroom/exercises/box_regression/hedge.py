"""The exercise 04.hedge: cases, and the mistakes that have a name."""

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils import viz
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.exercises.boxes.sampling import boxes_of, random_boxes
from gk_utils.classroom.mistakes import written

LEFT, RIGHT, MIDDLE, TALL = [10.0, 10, 30, 40], [70.0, 20, 90, 50], [40.0, 15, 60, 45], [5.0, 60, 50, 95]


def candidates(rng: np.random.Generator) -> list[Case]:
    """Boxes and how likely each is: one, a sure one, ties of order, four; then random ones."""
    by_hand = [
        ([LEFT], [1.0]),
        ([LEFT, RIGHT], [0.6, 0.4]),
        ([LEFT, RIGHT], [0.3, 0.7]),
        ([LEFT, MIDDLE, RIGHT], [0.3, 0.3, 0.4]),
        ([RIGHT, LEFT, MIDDLE], [0.35, 0.33, 0.32]),
        ([TALL, RIGHT, LEFT], [0.3, 0.4, 0.3]),
        ([LEFT, MIDDLE, RIGHT, TALL], [0.1, 0.2, 0.3, 0.4]),
        ([[0.0, 0, 90, 90], [40.0, 40, 50, 50], [42.0, 30, 60, 48]], [0.45, 0.35, 0.2]),
    ]
    cases: list[Case] = [(boxes_of(*boxes), torch.tensor(shares)) for boxes, shares in by_hand]
    for n in (3, 5, 5, 7, 7, 9):
        raw = torch.from_numpy(rng.uniform(0.2, 1, n))
        cases.append((random_boxes(rng, n, (100, 100)), (raw / raw.sum()).float()))
    return cases


def half_way(values: Tensor, weights: Tensor, at: float = 0.5) -> Tensor:
    """The smallest of the values up to which the weights reach this part of their sum."""
    order = values.argsort()
    reached = weights[order].cumsum(0) >= at * weights.sum() - 1e-6
    return values[order][reached.int().argmax()]


def hedged(boxes: Tensor, shares: Tensor, at: float = 0.5) -> Tensor:
    """The weighted median of each of the four numbers."""
    return torch.stack([half_way(boxes[:, i], shares, at) for i in range(4)])


def sorted_in_place(boxes: Tensor, shares: Tensor) -> Tensor:
    """The values sorted, their shares left in the order in which they came."""
    place = (shares.cumsum(0) >= 0.5 - 1e-6).int().argmax()
    return boxes.sort(0).values[place]


def one_order(boxes: Tensor, shares: Tensor) -> Tensor:
    """All four numbers of the box whose x1 is the median."""
    order = boxes[:, 0].argsort()
    return boxes[order][(shares[order].cumsum(0) >= 0.5 - 1e-6).int().argmax()]


def best_candidate(boxes: Tensor, shares: Tensor) -> Tensor:
    """The candidate of least expected L1."""
    expected = (boxes[:, None] - boxes).abs().sum(-1) @ shares
    return boxes[expected.argmin()]


def draw_candidates(case: Case, expected: Tensor, got: object) -> Figure:
    """The candidates hatched, what is expected dashed, and the learner's box solid, if it is one."""
    boxes, shares = case
    names = {"regions": boxes, "region_labels": [f"{share:.2f}" for share in shares.tolist()]}
    is_box = isinstance(got, Tensor) and got.shape == (4,) and bool((got[2:] >= got[:2]).all())
    yours = {"boxes": got[None].float(), "labels": ["yours"]} if is_box else {}
    return viz.draw_plane(**yours, extent_hw=(100, 100), truth=expected[None], truth_labels=["expected"], **names)


HEDGE = Exercise(
    "04.hedge",
    candidates,
    mistakes=(
        written(
            "the weighted mean",
            "That is the box of least expected squared error. The absolute error wants the median of each number.",
            lambda boxes, shares: (boxes * shares[:, None]).sum(0) / shares.sum(),
        ),
        written(
            "the mean", "Use the shares, and the median in place of the mean.", lambda boxes, shares: boxes.mean(0)
        ),
        written(
            "the shares left out",
            "A likely box weighs more: add up shares along the sorted values until they reach 0.5.",
            lambda boxes, shares: boxes.median(0).values,
        ),
        written(
            "the surest box",
            "It is the likeliest, and yet another box may be nearer to all of them: compare expected errors.",
            lambda boxes, shares: boxes[shares.argmax()],
        ),
        written(
            "the best of the candidates",
            "The answer need not be one of the boxes: each of the four numbers has a median of its own.",
            best_candidate,
        ),
        written(
            "the values sorted, their shares not",
            "Take the shares along: order = values.argsort(), then values[order] and shares[order].",
            sorted_in_place,
        ),
        written(
            "one order for all four numbers",
            "The box with the middle x1 need not have the middle y1: sort each of the four columns for itself.",
            one_order,
        ),
        written(
            "a quarter in place of a half",
            "The median stands where the shares reach 0.5.",
            lambda boxes, shares: hedged(boxes, shares, 0.25),
        ),
    ),
    draw=draw_candidates,
)
