"""The exercise 04.delta: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from gk_utils.boxes import xyxy_to_cxcywh
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.exercises.boxes.sampling import random_boxes
from gk_utils.classroom.mistakes import hw_swapped, written


def references(rng: np.random.Generator) -> list[Case]:
    """A reference, a true box in pixels and the size of the picture: by hand, then random."""
    middle = [0.5, 0.5, 0.5, 0.5]
    by_hand = [
        (middle, [100.0, 100, 300, 300], (400, 400)),
        (middle, [300.0, 200, 450, 300], (400, 600)),
        (middle, [10.0, 20, 70, 90], (100, 300)),
        (middle, [20.0, 30, 90, 80], (300, 100)),
        ([0.5, 0.5, 0.12, 0.12], [64.0, 32, 96, 96], (128, 128)),
        ([0.2, 0.7, 0.1, 0.3], [300.0, 200, 420, 260], (400, 600)),
        ([0.9, 0.1, 0.05, 0.05], [300.0, 20, 380, 80], (400, 600)),
        ([0.3, 0.6, 0.2, 0.4], [5.0, 5, 95, 85], (200, 100)),
    ]
    cases: list[Case] = [(torch.tensor(r), torch.tensor(t), hw) for r, t, hw in by_hand]
    for image_hw in [(400, 600), (600, 400), (128, 128), (300, 900), (480, 640)]:
        side = min(image_hw) - 20  # fractions stay below 1 with height and width swapped too
        box = random_boxes(rng, 1, (side, side))[0] + torch.tensor([2.0, 2, 12, 12])
        cases.append((torch.from_numpy(rng.uniform(0.1, 0.9, 4)).float(), box, image_hw))
    return cases


def in_unit(truth: Tensor, image_hw: tuple[int, int]) -> Tensor:
    """Centre and size as fractions of the picture."""
    height, width = image_hw
    return xyxy_to_cxcywh(truth) / torch.tensor([width, height, width, height])


def made(formula: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """A delta out of the reference and the truth, both as centre and size in fractions."""
    return lambda reference, truth, image_hw: formula(reference, in_unit(truth, image_hw))


def of_corners(reference: Tensor, truth: Tensor, image_hw: tuple[int, int]) -> Tensor:
    """The corners of the truth against the centre and the size of the reference."""
    height, width = image_hw
    unit = truth / torch.tensor([width, height, width, height])
    return torch.logit(unit) - torch.logit(reference)


def of_left_top(reference: Tensor, truth: Tensor, image_hw: tuple[int, int]) -> Tensor:
    """Left, top, width and height in place of centre and size."""
    unit = in_unit(truth, image_hw)
    return torch.logit(torch.cat([unit[:2] - unit[2:] / 2, unit[2:]])) - torch.logit(reference)


def like_anchors(reference: Tensor, truth: Tensor) -> Tensor:
    """Faster R-CNN's: steps in sizes of the reference, and logarithms of ratios."""
    return torch.cat([(truth[:2] - reference[:2]) / reference[2:], (truth[2:] / reference[2:]).log()])


DELTA = Exercise(
    "04.delta",
    references,
    mistakes=(
        written(
            "the difference of the fractions",
            "The head adds before the sigmoid: take the inverse sigmoid of both, torch.logit, and then the difference.",
            made(lambda reference, truth: truth - reference),
        ),
        written(
            "the inverse sigmoid of the difference",
            "First the inverse sigmoid of each, then the difference.",
            made(lambda reference, truth: torch.logit((truth - reference).clamp(1e-6, 1 - 1e-6))),
        ),
        written(
            "the reference left out",
            "The delta is what is still missing: subtract the inverse sigmoid of the reference.",
            made(lambda reference, truth: torch.logit(truth)),
        ),
        written(
            "the reference not taken back before the sigmoid",
            "Both need the inverse sigmoid: torch.logit(truth) - torch.logit(reference).",
            made(lambda reference, truth: torch.logit(truth) - reference),
        ),
        written(
            "the sigmoid in place of its inverse",
            "You want to go back: torch.logit is the inverse of torch.sigmoid.",
            made(lambda reference, truth: truth.sigmoid() - reference.sigmoid()),
        ),
        written(
            "logarithms in place of the inverse sigmoid",
            "The inverse sigmoid is log(x / (1 - x)), not log(x).",
            made(lambda reference, truth: truth.log() - reference.log()),
        ),
        written(
            "corners against centre and size",
            "The reference is centre and size: convert the truth with xyxy_to_cxcywh.",
            of_corners,
        ),
        written(
            "the upper left corner in place of the centre",
            "xyxy_to_cxcywh gives the centre; xyxy_to_xywh the corner.",
            of_left_top,
        ),
        written(
            "the offsets of Faster R-CNN",
            "Those are measured in sizes of the reference. Here the difference is taken before the sigmoid.",
            made(like_anchors),
        ),
        hw_swapped(2),
    ),
)
