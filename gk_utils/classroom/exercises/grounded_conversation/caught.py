"""The exercise 15.caught: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import on_result, written

YES, NO, OPEN = "supported", "contradicted", "undecided"
Truths, Words = list[bool], list[str]


def judged(rng: np.random.Generator) -> list[Case]:
    """Which claims are made up, and what became of them: by hand, then random."""
    cases: list[Case] = [
        ([True, True, False, False], [NO, OPEN, NO, YES]),
        ([True, False, False, False], [NO, YES, YES, YES]),
        ([False, False, False], [NO, NO, YES]),
        ([True, True, True], [OPEN, OPEN, YES]),  # nothing contradicted
        ([False, False], [YES, OPEN]),
        ([], []),
        ([True, False, True, False], [NO, NO, NO, NO]),
        ([True, False, False, True, False], [YES, NO, OPEN, NO, OPEN]),
    ]
    for _ in range(8):
        n = int(rng.integers(8, 40))
        wrong = [bool(value) for value in rng.random(n) < 0.3]
        words = [str(rng.choice([YES, NO, OPEN], p=[0.2, 0.5, 0.3] if bad else [0.6, 0.15, 0.25])) for bad in wrong]
        cases.append((wrong, words))
    return cases


def share(some: int, of: int) -> float:
    """A part of a whole; 0 of nothing."""
    return some / of if of else 0.0


def scores(
    *,
    rejected: Callable[[str], bool] = lambda word: word == NO,
    counted: Callable[[str], bool] = lambda word: True,
) -> Callable[[Truths, Words], list[float]]:
    """Precision, recall and the share undecided, or wrong relatives."""

    def answer(wrong: Truths, outcomes: Words) -> list[float]:
        pairs = [(bad, word) for bad, word in zip(wrong, outcomes, strict=True) if counted(word)]
        both = sum(bad and rejected(word) for bad, word in pairs)
        said, true = sum(rejected(word) for _, word in pairs), sum(bad for bad, _ in pairs)
        return [share(both, said), share(both, true), share(outcomes.count(OPEN), len(outcomes))]

    return answer


def of_what_stays(wrong: Truths, outcomes: Words) -> list[float]:
    """Precision and recall of the claims that are true and kept."""
    return [
        *scores(rejected=lambda word: word != NO)([not bad for bad in wrong], outcomes)[:2],
        scores()(wrong, outcomes)[2],
    ]


def accuracy(wrong: Truths, outcomes: Words) -> list[float]:
    """The share of right decisions in the place of precision."""
    right = sum(bad == (word == NO) for bad, word in zip(wrong, outcomes, strict=True))
    return [share(right, len(wrong)), *scores()(wrong, outcomes)[1:]]


def of_all(wrong: Truths, outcomes: Words) -> list[float]:
    """Everything divided by the number of claims."""
    both = sum(bad and word == NO for bad, word in zip(wrong, outcomes, strict=True))
    return [share(both, len(wrong)), share(both, len(wrong)), scores()(wrong, outcomes)[2]]


CAUGHT = Exercise(
    "15.caught",
    judged,
    mistakes=(
        written(
            "undecided taken for contradicted",
            "Only what is `contradicted` is rejected. Undecided claims are counted apart.",
            scores(rejected=lambda word: word != YES),
        ),
        written(
            "undecided claims left out of the recall",
            "An error that stays undecided was not caught: it counts among the claims made up.",
            scores(counted=lambda word: word != OPEN),
        ),
        written(
            "scores of what is kept",
            "Positives are the claims made up: of those contradicted how many, and of them how many contradicted.",
            of_what_stays,
        ),
        written(
            "accuracy in place of precision",
            "With one error in ten, accuracy is high for who rejects nothing. Divide by the claims contradicted.",
            accuracy,
        ),
        written("divided by all claims", "Divide by the claims contradicted, and by those made up.", of_all),
        on_result(
            "precision and recall exchanged",
            "Precision comes first: it divides by what was contradicted.",
            lambda found: [found[1], found[0], found[2]],
        ),
        on_result(
            "the share decided in place of undecided",
            "The third number is the share left open.",
            lambda found: [found[0], found[1], 1 - found[2]],
        ),
    ),
)
