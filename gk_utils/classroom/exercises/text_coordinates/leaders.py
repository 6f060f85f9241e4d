"""The exercise 05.leaders: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import arguments_swapped, on_result, written
from gk_utils.evaluate import measure

AT = [0.5, 0.75, 0.9]


def two_heads(*groups: tuple[int, int, float, float]) -> Case:
    """IoUs of a and b, and pictures: for each group so many pictures, expressions of each, IoU of a, IoU of b."""
    a, b, picture, number = [], [], [], 0
    for pictures, expressions, iou_a, iou_b in groups:
        for _ in range(pictures):
            a += [iou_a] * expressions
            b += [iou_b] * expressions
            picture += [number] * expressions
            number += 1
    return torch.tensor(a), torch.tensor(b), torch.tensor(picture), list(AT)


def contests(rng: np.random.Generator) -> list[Case]:
    """Two heads: alike, crossing, apart at one threshold, decided by one picture; then random ones, all clear-cut."""
    cases = [
        two_heads((30, 1, 0.6, 0.6)),
        two_heads((30, 2, 0.8, 0.6), (30, 1, 0.2, 0.2)),
        two_heads((30, 1, 0.6, 0.2), (30, 2, 0.7, 0.95)),  # a leads at 0.5, b higher up
        two_heads((40, 1, 0.5, 0.4), (40, 1, 0.6, 0.75)),  # exactly at the threshold
        two_heads((1, 40, 0.95, 0.1), (40, 1, 0.95, 0.95)),  # one picture makes the whole difference
        two_heads((1, 40, 0.1, 0.95), (40, 1, 0.8, 0.8)),
        two_heads((14, 1, 0.6, 0.3), (45, 1, 0.8, 0.8), (45, 1, 0.2, 0.2)),  # the two intervals overlap
        two_heads((6, 1, 0.95, 0.2), (4, 1, 0.2, 0.95), (50, 1, 0.7, 0.7)),  # a lead that is chance
        two_heads((60, 1, 0.74, 0.55), (40, 1, 0.76, 0.1)),
        two_heads((40, 10, 0.95, 0.2), (60, 1, 0.2, 0.95)),  # pictures with many expressions decide
    ]
    while len(cases) < 15:
        picture = torch.from_numpy(np.sort(rng.integers(0, 60, 100)))
        ious = rng.uniform(0, 1, (2, 100)) ** rng.uniform(0.3, 1.5, (2, 1))
        a, b = (torch.from_numpy(row).float() for row in np.where(rng.random(100) < 0.4, ious[:1], ious))
        if all(_clear(a, b, picture, at) for at in AT):
            cases.append((a, b, picture, list(AT)))
    return cases


def _clear(a: Tensor, b: Tensor, picture: Tensor, at: float) -> bool:
    """Whether no bootstrap, however it draws, doubts the verdict."""
    sums = torch.bincount(picture, weights=(a >= at).double() - (b >= at).double())
    size = abs(sums.sum()) / sums.square().sum().sqrt().clamp(min=1)
    return bool(size > 3.5 or size < 1)


def named(low: float, high: float) -> str:
    """The verdict of an interval of a minus b."""
    return "a" if low > 0 else "b" if high < 0 else "undecided"


def leaders_with(
    right: Callable[[Tensor, float], Tensor] = lambda ious, at: (ious >= at).double(),
    group: Callable[[Tensor], Tensor] = lambda picture: picture,
    end: float = 0,
):
    """The right verdicts, or their wrong relatives."""

    def answer(a: Tensor, b: Tensor, picture: Tensor, thresholds: list[float]) -> list[str]:
        found = []
        for at in thresholds:
            interval = measure.mean_interval(right(a, at) - right(b, at), group(picture))
            found.append(named(interval["low"] + end, interval["high"] - end))
        return found

    return answer


def two_intervals(a: Tensor, b: Tensor, picture: Tensor, thresholds: list[float]) -> list[str]:
    """A verdict only where the intervals of the two heads are apart."""
    found = []
    for at in thresholds:
        first, second = (measure.mean_interval(ious >= at, picture) for ious in (a, b))
        found.append(named(first["low"] - second["high"], first["high"] - second["low"]))
    return found


def compared(a: Tensor, b: Tensor, picture: Tensor, thresholds: list[float]) -> list[str]:
    """The accuracies compared, without any interval."""
    leads = [float((a >= at).double().mean() - (b >= at).double().mean()) for at in thresholds]
    return [named(lead, lead) for lead in leads]


def once(a: Tensor, b: Tensor, picture: Tensor, thresholds: list[float]) -> list[str]:
    """The verdict at the first threshold, for all of them."""
    return leaders_with()(a, b, picture, thresholds[:1]) * len(thresholds)


LEADERS = Exercise(
    "05.leaders",
    contests,
    mistakes=(
        written(
            "the accuracies compared",
            "A lead may be chance: put an interval around the difference and look whether 0 is inside.",
            compared,
        ),
        written(
            "the intervals of the two heads compared",
            "They may overlap although one is better. Take the interval of the difference.",
            two_intervals,
        ),
        written(
            "expressions drawn in place of pictures",
            "Expressions of one picture belong together: pass picture to measure.mean_interval.",
            leaders_with(group=lambda picture: torch.arange(len(picture))),
        ),
        written(
            "> in place of >=",
            "An IoU that is exactly at the threshold counts.",
            leaders_with(right=lambda ious, at: (ious > at).double()),
        ),
        written(
            "the IoUs compared, not the hits",
            "Compare with the threshold first: an answer is right or wrong.",
            leaders_with(right=lambda ious, at: ious.double()),
        ),
        written(
            "the IoU counted where it is a hit",
            "A hit counts 1, whatever its IoU.",
            leaders_with(right=lambda ious, at: ious.double() * (ious >= at)),
        ),
        written("the first threshold used for all", "Ask at each threshold again.", once),
        written(
            "a verdict where 0 is the end of the interval",
            "Two equal heads have the interval [0, 0], which holds 0: ask for low > 0 or high < 0.",
            leaders_with(end=1e-9),
        ),
        arguments_swapped(0, 1),
        on_result("one word in place of a list", "Return a word for each threshold.", lambda words: words[0]),
    ),
)
