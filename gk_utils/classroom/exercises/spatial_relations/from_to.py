"""The exercise 10.from_to: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

Truths = list[bool | None]
T, F, U = True, False, None


def counts(rng: np.random.Generator) -> list[Case]:
    """Known and unknown things, in range, out of range, at the ends; then random."""
    cases: list[Case] = [
        ([T, T, F], 2, 3),
        ([T, F, F], 2, 3),
        ([T, T, U], 2, 3),
        ([T, T, T, U], 2, 3),
        ([T, U, U], 2, 3),
        ([F, F, U], 2, 3),
        ([T, T, T, T, U], 2, 3),
        ([], 0, 2),
        ([], 1, 2),
        ([U, U], 0, 2),
        ([U, U], 0, 1),
        ([T, U], 1, 1),
        ([T, F], 1, 1),
    ]
    for _ in range(10):
        low = int(rng.integers(0, 4))
        truths = rng.choice([0, 1, 2], int(rng.integers(1, 7)), p=[0.35, 0.35, 0.3])
        cases.append(([(F, T, U)[value] for value in truths], low, low + int(rng.integers(0, 3))))
    return cases


def in_words(least: int, most: int, low: int, high: int) -> str:
    """The answer where the count lies from least to most."""
    if low <= least and most <= high:
        return "true"
    return "false" if most < low or least > high else "unknown"


def counted(
    least: Callable[[Truths], int] = lambda truths: truths.count(True),
    most: Callable[[Truths], int] = lambda truths: truths.count(True) + truths.count(None),
    ends: int = 0,
) -> Callable[[Truths, int, int], str]:
    """The right answer, or its wrong relatives."""
    return lambda truths, low, high: in_words(least(truths), most(truths), low, high - ends)


def any_unknown(truths: Truths, low: int, high: int) -> str:
    """One unknown makes all unknown."""
    return "unknown" if None in truths else counted()(truths, low, high)


def only_low(truths: Truths, low: int, high: int) -> str:
    """Decided false only below the range."""
    answer = counted()(truths, low, high)
    return "unknown" if answer == "false" and truths.count(True) > high and None in truths else answer


def too_quick(truths: Truths, low: int, high: int) -> str:
    """True as soon as enough are known, whatever the others are."""
    return "true" if low <= truths.count(True) <= high else counted()(truths, low, high)


FROM_TO = Exercise(
    "10.from_to",
    counts,
    mistakes=(
        written(
            "unknown taken for false",
            "A None may yet be one of them: count it in the most that there can be.",
            counted(most=lambda truths: truths.count(True)),
        ),
        written(
            "unknown taken for true",
            "A None may yet be none of them: do not count it in the least that there can be.",
            counted(least=lambda truths: len(truths) - truths.count(False)),
        ),
        written(
            "any unknown makes all unknown",
            "If the answer is the same whichever way the unknown ones fall, it is known.",
            any_unknown,
        ),
        written(
            "true as soon as enough are known",
            "The unknown ones may lift the count above `high`: look at the most that there can be.",
            too_quick,
        ),
        written("the upper end left out", "`high` itself is in the range.", counted(ends=1)),
        written(
            "too many not seen",
            "If more than `high` are true already, no unknown one can bring the count down.",
            only_low,
        ),
    ),
)
