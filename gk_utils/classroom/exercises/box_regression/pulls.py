"""The exercise 04.pulls: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils import box_regression as gk
from gk_utils import viz
from gk_utils.boxes import xyxy_to_cxcywh
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import on_result, written


def l1_of_centre_and_size(boxes: Tensor, truth: Tensor, reduction: str = "mean") -> Tensor:
    """L1 of cxcywh, from corners."""
    return gk.l1_loss(xyxy_to_cxcywh(boxes), xyxy_to_cxcywh(truth), reduction)


LOSSES: dict[str, Callable[..., Tensor]] = {
    "L1 of corners": gk.l1_loss,
    "L1 of centre and size": l1_of_centre_and_size,
    "IoU": gk.iou_loss,
    "GIoU": gk.giou_loss,
    "DIoU": gk.diou_loss,
}


def pairs(rng: np.random.Generator) -> list[Case]:
    """A box and a truth: apart, overlapping, nested either way, in the right place with the wrong size; random ones."""
    truth = [40.0, 40, 80, 80]
    by_hand = [
        [100.0, 40, 140, 80],  # apart, to the right
        [40.0, 100, 80, 140],  # apart, below
        [60.0, 55, 100, 95],  # they overlap
        [45.0, 50, 55, 65],  # inside
        [50.0, 45, 70, 55],  # inside, only y off centre
        [50.0, 50, 70, 70],  # inside, same centre
        [20.0, 10, 110, 90],  # around it
        [20.0, 30, 100, 90],  # around it, same centre
        [60.0, 0, 75, 120],  # across it
        [45.0, 30, 75, 100],  # across it, only y off centre
    ]
    cases: list[Case] = [(torch.tensor(box), torch.tensor(truth)) for box in by_hand]
    for _ in range(4):
        corner, size_wh = rng.uniform(0, 60, 2), rng.uniform(30, 60, 2)
        outer = torch.from_numpy(np.concatenate([corner, corner + size_wh])).float().round()
        inset = torch.from_numpy(rng.uniform([2, 2, 10, 10], [8, 8, 14, 14])).float() * torch.tensor([1, 1, -1, -1])
        away = torch.from_numpy(np.tile(rng.uniform(70, 90, 2) * rng.choice([-1, 1], 2), 2)).float()
        cases += [(outer + inset, outer), (outer, outer + inset), (outer + away, outer)]
    return cases


def slopes(loss: Callable[..., Tensor], box: Tensor, truth: Tensor) -> list[float]:
    """By how much the loss changes with x1, y1, x2, y2."""
    return gk.loss_gradients(loss, box[None], truth[None])[0].tolist()


def named(is_pulled: Callable[[list[float]], bool]):
    """The losses whose slopes `is_pulled` likes."""

    def pulls(box: Tensor, truth: Tensor) -> list[str]:
        return [name for name, loss in LOSSES.items() if is_pulled(slopes(loss, box, truth))]

    return pulls


def by_value(box: Tensor, truth: Tensor) -> list[str]:
    """The losses that are not 0."""
    return [name for name, loss in LOSSES.items() if float(loss(box[None], truth[None])) > 1e-6]


def both_axes(g: list[float]) -> bool:
    """Whether the box is pulled along x and along y."""
    return abs(g[0] + g[2]) > 1e-6 and abs(g[1] + g[3]) > 1e-6


def draw_pair(case: Case, expected: object, got: object) -> Figure:
    """The box, solid, and the truth, dashed."""
    box, truth = case
    shift = -torch.minimum(torch.minimum(box, truth)[:2].amin(), torch.tensor(0.0)) + 5
    box, truth = box + shift, truth + shift
    side = float(torch.maximum(box, truth).max()) + 10
    names = {"truth": truth[None], "truth_labels": ["truth"], "title": f"expected {expected}, got {got}"}
    return viz.draw_plane(box[None], ["box"], extent_hw=(side, side), **names)


PULLS = Exercise(
    "04.pulls",
    pairs,
    mistakes=(
        written(
            "every gradient taken for a pull",
            "A gradient may only want another size: x1 one way and x2 the other. Moving adds the two: g[0] + g[2].",
            named(lambda g: any(abs(number) > 1e-6 for number in g)),
        ),
        written(
            "only x looked at",
            "A box may be right in x and wrong in y: look at g[1] + g[3] too.",
            named(lambda g: abs(g[0] + g[2]) > 1e-6),
        ),
        written(
            "only y looked at",
            "A box may be right in y and wrong in x: look at g[0] + g[2] too.",
            named(lambda g: abs(g[1] + g[3]) > 1e-6),
        ),
        written(
            "x and y added up",
            "A pull to the right and one upwards can cancel: look at each axis alone.",
            named(lambda g: abs(sum(g)) > 1e-6),
        ),
        written("a pull on both axes asked for", "A pull along one axis is one: or, not and.", named(both_axes)),
        written(
            "the change of size in place of the move",
            "g[2] - g[0] says what growing does. Moving shifts both by the same: g[0] + g[2].",
            named(lambda g: abs(g[2] - g[0]) > 1e-6 or abs(g[3] - g[1]) > 1e-6),
        ),
        written(
            "x paired with y",
            "The four numbers are x1, y1, x2, y2: x1 goes with x2, g[0] + g[2].",
            named(lambda g: abs(g[0] + g[1]) > 1e-6 or abs(g[2] + g[3]) > 1e-6),
        ),
        written(
            "only positive slopes counted",
            "The sign says in which direction: take abs().",
            named(lambda g: g[0] + g[2] > 1e-6 or g[1] + g[3] > 1e-6),
        ),
        written(
            "the value of the loss in place of its slope", "A loss can be high and flat: take its gradient.", by_value
        ),
        on_result(
            "those that do not pull",
            "Return the losses that change when the box moves.",
            lambda names: [name for name in LOSSES if name not in names],
        ),
    ),
    draw=draw_pair,
)
