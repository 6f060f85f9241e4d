"""The exercise 16.best_cut: cases, and the mistakes that have a name."""

import operator
from collections.abc import Callable, Sequence

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

Scores = list[list[float]]


def pictures(rng: np.random.Generator) -> list[Case]:
    """Scores of boxes in each picture, how many there are, cuts: by hand, cancelling errors, ties; then random ones."""
    cuts = [0.1, 0.3, 0.5, 0.7]
    cases: list[Case] = [
        ([[0.9, 0.8, 0.2], [0.6, 0.4]], [2, 1], cuts),
        ([[0.9, 0.9, 0.9, 0.4, 0.4], [0.2, 0.4]], [3, 2], cuts),  # at 0.3: 5 for 3 and 1 for 2; at 0.5: 3 and 0
        ([[0.6, 0.6, 0.6, 0.4], [0.4, 0.2]], [2, 3], [0.3, 0.5]),  # errors +2 and -2, or +1 and -3
        ([[0.5, 0.5]], [2], cuts),  # a score on the cut counts
        ([[0.9], [0.8]], [1, 1], cuts),  # all the same: the lowest
        ([[], [0.4]], [0, 0], cuts),
        ([[0.35] * 12, [0.9] * 3 + [0.2]], [10, 4], [0.1, 0.3, 0.5]),
        ([[0.2] * 4 + [0.6] * 1, [0.6] * 9 + [0.2] * 2, [0.6, 0.2]], [5, 9, 1], [0.1, 0.5]),
        ([[0.6] * 4, [0.6] * 4, [0.6] * 4 + [0.4] * 4], [4, 4, 8], [0.3, 0.5]),
        ([[0.6] * 2 + [0.4] * 3, [0.6] * 60 + [0.4] * 8], [2, 68], [0.3, 0.5]),
        ([[0.6] * 6, [0.6] * 6, [0.6, 0.4, 0.4, 0.4, 0.4]], [7, 7, 1], [0.3, 0.5]),
        ([[0.6] * 6, [0.6] * 6, [0.6] * 6 + [0.4] * 3], [7, 7, 6], [0.3, 0.5, 0.7]),
        ([[0.6, 0.4], [0.6, 0.4], [0.6, 0.4], [0.6] * 4], [2, 2, 2, 0], [0.3, 0.5]),
        ([[0.6, 0.6, 0.4, 0.4, 0.4], [0.6], [0.6], [0.6]], [2, 2, 2, 2], [0.3, 0.5]),
        ([[0.6] * 5 + [0.4] * 3, [0.6, 0.6, 0.4, 0.4], [0.6, 0.6, 0.4, 0.4]], [5, 4, 4], [0.3, 0.5]),  # 3, or 2 and 2
    ]
    for _ in range(8):
        n = int(rng.integers(3, 7))
        true = rng.integers(1, 9, n)
        scores = [
            np.concatenate([rng.uniform(0.3, 1, int(m)), rng.uniform(0, 0.6, int(rng.integers(0, 5)))]) for m in true
        ]
        cases.append(([row.round(2).tolist() for row in scores], true.tolist(), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]))
    return cases


def cut(
    off: Callable[[list[int], list[int]], float] = lambda said, true: sum(
        abs(a - b) for a, b in zip(said, true, strict=True)
    ),
    counts: Callable[[float, float], bool] = operator.ge,
    last: bool = False,
) -> Callable[[Scores, list[int], list[float]], float]:
    """The best cut, or one of its wrong relatives."""

    def answer(scores: Scores, true: list[int], cuts: Sequence[float]) -> float:
        errors = [off([sum(counts(one, least) for one in row) for row in scores], true) for least in cuts]
        best = [least for least, error in zip(cuts, errors, strict=True) if error <= min(errors) + 1e-12]
        return best[-1] if last else best[0]

    return answer


def pairs(said: list[int], true: list[int]) -> list[tuple[int, int]]:
    """Both numbers of each picture."""
    return list(zip(said, true, strict=True))


BEST_CUT = Exercise(
    "16.best_cut",
    pictures,
    mistakes=(
        written(
            "errors that cancel",
            "One too many here and one too few there are two errors: take |said - true| in each picture, then add.",
            cut(lambda said, true: abs(sum(said) - sum(true))),
        ),
        written(
            "squared errors",
            "That is the cut of least RMSE, which one crowded picture can decide. Take the absolute error.",
            cut(lambda said, true: sum((a - b) ** 2 for a, b in pairs(said, true))),
        ),
        written(
            "relative errors",
            "Do not divide by the true number: the mean absolute error is asked for.",
            cut(lambda said, true: sum(abs(a - b) / max(b, 1) for a, b in pairs(said, true))),
        ),
        written(
            "pictures that are right counted",
            "A picture that is off by one is better than one that is off by nine: add up how far off they are.",
            cut(lambda said, true: -sum(a == b for a, b in pairs(said, true))),
        ),
        written("a score on the cut left out", "A score equal to the cut counts: >=.", cut(counts=operator.gt)),
        written("the highest of equal cuts", "Of equal cuts the first, the lowest, is asked for.", cut(last=True)),
        written(
            "the place of the cut",
            "Return the cut itself, not its place in the list.",
            lambda scores, true, cuts: cuts.index(cut()(scores, true, cuts)),
        ),
    ),
)
