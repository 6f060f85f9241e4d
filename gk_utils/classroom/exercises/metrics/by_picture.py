"""The exercises 02.resampled and 02.verdict: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from gk_utils import metrics
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import arguments_swapped, written

# --- 02.resampled -----------------------------------------------------------------------------------------------


def resamples(rng: np.random.Generator) -> list[Case]:
    """Hits, their pictures, and pictures drawn with replacement."""
    by_hand = [
        ([1, 0, 0], [0, 0, 1], [0, 0, 1]),
        ([1, 0, 0], [0, 0, 1], [0, 1]),
        ([1, 0, 0], [0, 0, 1], [1, 1]),
        ([1, 1, 0, 1], [2, 2, 0, 1], [2, 2, 2]),
        ([1, 0, 1, 1], [0, 1, 1, 1], [0, 0, 0, 1]),
        ([0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 0]),
        ([0, 1, 1], [2, 0, 2], [2, 2, 0]),
        ([0, 0, 1, 1, 1], [1, 0, 1, 1, 0], [1, 0, 1]),
    ]
    cases: list[Case] = [(torch.tensor(h).bool(), torch.tensor(p), torch.tensor(d)) for h, p, d in by_hand]
    for _ in range(5):
        picture = rng.integers(0, 12, 30)
        hits = torch.from_numpy(rng.random(30) < 0.3 + 0.05 * picture)
        cases.append((hits, torch.from_numpy(picture), torch.from_numpy(rng.choice(picture, 12))))
    return cases


def counts(hits: Tensor, picture: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
    """Right answers, and all answers, of each drawn picture."""
    return torch.bincount(picture, weights=hits.double())[drawn], torch.bincount(picture)[drawn]


def of_pictures(hits: Tensor, picture: Tensor, drawn: Tensor) -> float:
    """The mean of the accuracies of the drawn pictures."""
    right, said = counts(hits, picture, drawn)
    return (right / said).mean().item()


RESAMPLED = Exercise(
    "02.resampled",
    resamples,
    mistakes=(
        written(
            "a picture drawn twice counted once",
            "torch.isin forgets how often a picture was drawn. Index the counts of each picture with drawn.",
            lambda hits, picture, drawn: hits[torch.isin(picture, drawn)].double().mean().item(),
        ),
        written(
            "the mean of the pictures' accuracies",
            "Pictures have different numbers of expressions: add up right ones and all of them, and divide once.",
            of_pictures,
        ),
        written(
            "expressions drawn in place of pictures",
            "drawn holds numbers of pictures, not rows of hits.",
            lambda hits, picture, drawn: hits[drawn].double().mean().item(),
        ),
        written(
            "the draws left out",
            "Count only the drawn pictures, each as often as it was drawn.",
            lambda hits, picture, drawn: hits.double().mean().item(),
        ),
        written(
            "divided by all expressions",
            "Divide by the number of expressions of the drawn pictures.",
            lambda hits, picture, drawn: float(counts(hits, picture, drawn)[0].sum() / len(hits)),
        ),
        written(
            "divided by the number of drawn pictures",
            "Divide by the number of their expressions.",
            lambda hits, picture, drawn: float(counts(hits, picture, drawn)[0].sum() / len(drawn)),
        ),
        written(
            "right answers counted, not their share",
            "Divide by the number of expressions of the drawn pictures.",
            lambda hits, picture, drawn: float(counts(hits, picture, drawn)[0].sum()),
        ),
    ),
)


# --- 02.verdict -------------------------------------------------------------------------------------------------


def two_systems(*groups: tuple[int, int, int, int]) -> Case:
    """Hits of a and b, and pictures: for each group so many pictures, expressions of each, right for a, right for b."""
    hits_a, hits_b, picture, number = [], [], [], 0
    for pictures, expressions, a, b in groups:
        for _ in range(pictures):
            hits_a += [place < a for place in range(expressions)]
            hits_b += [place < b for place in range(expressions)]
            picture += [number] * expressions
            number += 1
    return torch.tensor(hits_a), torch.tensor(hits_b), torch.tensor(picture)


def contests(rng: np.random.Generator) -> list[Case]:
    """Two systems: equal, clearly apart, apart in one picture only, paired by hand; then random ones, all clear-cut."""
    cases = [
        two_systems((20, 2, 1, 1)),
        two_systems((20, 2, 2, 1), (10, 2, 1, 1)),
        two_systems((20, 2, 1, 2), (10, 2, 1, 1)),
        two_systems((1, 40, 40, 0), (30, 1, 1, 1)),  # one picture makes the whole difference
        two_systems((1, 40, 0, 40), (30, 1, 1, 1)),
        two_systems((14, 1, 1, 0), (45, 1, 1, 1), (45, 1, 0, 0)),  # the two intervals overlap
        two_systems((14, 1, 0, 1), (45, 1, 1, 1), (45, 1, 0, 0)),
        two_systems((6, 1, 1, 0), (4, 1, 0, 1), (50, 1, 1, 1)),  # a lead that is chance
        two_systems((40, 10, 10, 5), (60, 1, 0, 1)),  # pictures with many expressions decide
    ]
    while len(cases) < 14:
        picture = torch.from_numpy(np.sort(rng.integers(0, 60, 100)))
        both, own = rng.random(100), rng.random((2, 100))
        ease_a, ease_b = rng.uniform(0, 0.5, 2)
        hits_a, hits_b = (torch.from_numpy((both < 0.4) | (own[i] < ease)) for i, ease in enumerate((ease_a, ease_b)))
        sums = torch.bincount(picture, weights=hits_a.double() - hits_b.double())
        clear = abs(sums.sum()) / sums.square().sum().sqrt().clamp(min=1)
        if clear > 3.5 or clear < 1:
            cases.append((hits_a, hits_b, picture))
    return cases


def named(low: float, high: float) -> str:
    """The verdict of an interval of a minus b."""
    return "a" if low > 0 else "b" if high < 0 else "undecided"


def by_interval(values: Callable[[Tensor, Tensor], Tensor]):
    """A verdict by the interval of what `values` makes of the differences and the pictures."""

    def decide(hits_a: Tensor, hits_b: Tensor, picture: Tensor) -> str:
        interval = metrics.bootstrap_interval(values(hits_a.double() - hits_b.double(), picture))
        return named(interval.low, interval.high)

    return decide


def per_picture(difference: Tensor, picture: Tensor) -> Tensor:
    """The sum of the differences of each picture."""
    return torch.bincount(picture.unique(return_inverse=True)[1], weights=difference)


def two_intervals(hits_a: Tensor, hits_b: Tensor, picture: Tensor) -> str:
    """A verdict only where the intervals of the two systems are apart."""
    a, b = (metrics.bootstrap_interval(per_picture(hits.double(), picture)) for hits in (hits_a, hits_b))
    return named(a.low - b.high, a.high - b.low)


def zero_inside_wins(hits_a: Tensor, hits_b: Tensor, picture: Tensor) -> str:
    """A verdict for a where the interval begins at 0."""
    interval = metrics.bootstrap_interval(per_picture(hits_a.double() - hits_b.double(), picture))
    return "a" if interval.low >= 0 else "b" if interval.high <= 0 else "undecided"


VERDICT = Exercise(
    "02.verdict",
    contests,
    mistakes=(
        written(
            "the means compared",
            "A lead may be chance: put an interval around the difference and look whether 0 is inside.",
            lambda hits_a, hits_b, picture: named(*[float((hits_a.double() - hits_b.double()).sum())] * 2),
        ),
        written(
            "the intervals of the two systems compared",
            "They may overlap although one is better. Take the interval of the difference.",
            two_intervals,
        ),
        written(
            "expressions drawn in place of pictures",
            "Expressions of one picture belong together: add the differences up for each picture first.",
            by_interval(lambda difference, picture: difference),
        ),
        written(
            "every picture counted alike",
            "A picture with many expressions weighs more: take the sum of its differences, not their mean.",
            by_interval(
                lambda difference, picture: (
                    per_picture(difference, picture) / per_picture(torch.ones_like(difference), picture)
                )
            ),
        ),
        written(
            "a verdict where 0 is the end of the interval",
            "Two equal systems have the interval [0, 0], which holds 0: ask for low > 0 or high < 0.",
            zero_inside_wins,
        ),
        arguments_swapped(0, 1),
    ),
)
