"""The exercise 10.refuse: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

Chooser = Callable[[list[float], list[bool], float], float]


def judged(rng: np.random.Generator) -> list[Case]:
    """Margins with right and wrong answers, for cheap and dear mistakes; ties, all right, all wrong; then random."""
    margins, right = [0.92, 0.73, 0.41, 0.22, 0.08], [True, True, False, True, False]
    cases: list[Case] = [
        (margins, right, 1.0),
        (margins, right, 3.0),
        (margins, right, 0.0),
        ([0.3, 0.4], [True, True], 9.0),
        ([0.3, 0.4], [False, False], 1.0),
        ([0.5, 0.5, 0.5], [True, True, False], 1.0),
        ([0.5, 0.5, 0.5], [True, True, False], 5.0),
        ([0.6, 0.2], [False, True], 9.0),
        ([0.25, 0.75], [False, True], 1.0),
        ([1.0, 1.0, 0.1], [True, True, False], 2.0),
    ]
    for _ in range(8):
        n = int(rng.integers(6, 15))
        some = np.round(rng.random(n), 3)
        hits = rng.random(n) < 0.45 + 0.5 * some
        cases.append((some.tolist(), hits.tolist(), float(rng.choice([1, 2, 4, 9]))))
    return cases


def best_by(
    gain: Callable[[int, int, int, float], float] = lambda hits, answered, all_of_them, cost: (
        hits - cost * (answered - hits)
    ),
    passes: Callable[[float, float], bool] = lambda margin, least: margin >= least,
    later: bool = False,
) -> Chooser:
    """The right choice, or its wrong relatives."""

    def choose(margins: list[float], right: list[bool], cost: float) -> float:
        best, chosen = -float("inf"), 0.0
        for k in range(21):
            answered = [hit for margin, hit in zip(margins, right, strict=True) if passes(margin, k / 20)]
            value = gain(sum(answered), len(answered), len(margins), cost)
            if value > best or (later and value == best):
                best, chosen = value, k / 20
        return chosen

    return choose


REFUSE = Exercise(
    "10.refuse",
    judged,
    mistakes=(
        written(
            "the cost left out",
            "A wrong answer takes `cost` away; only a refusal is worth nothing.",
            best_by(lambda hits, answered, everything, cost: hits),
        ),
        written(
            "the highest of equals",
            "Of equals take the lowest: replace the best only where it is beaten.",
            best_by(later=True),
        ),
        written(
            "the accuracy in place of the gain",
            "Accuracy alone is best where next to nothing is answered: count what all answers bring.",
            best_by(lambda hits, answered, everything, cost: hits / max(answered, 1)),
        ),
        written(
            "> in place of >=", "A margin exactly at the threshold is answered.", best_by(passes=lambda m, at: m > at)
        ),
        written(
            "every mistake costs 1",
            "A wrong answer takes `cost` away, not 1.",
            best_by(lambda hits, answered, everything, cost: 2 * hits - answered),
        ),
    ),
)
