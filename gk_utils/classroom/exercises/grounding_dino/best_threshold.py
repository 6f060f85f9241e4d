"""The exercise 07.best_threshold: cases, and the mistakes that have a name."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure

from gk_utils import charts
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

TRIED = [k / 20 for k in range(20)]


def answers(rng: np.random.Generator) -> list[Case]:
    """Scores of boxes, which of them are right, and how many things there are: by hand, then random."""
    cases: list[Case] = [
        ([0.92, 0.83, 0.41, 0.12], [True, True, False, False], 2),
        ([0.92, 0.83, 0.41, 0.12], [True, True, True, False], 3),
        ([0.92, 0.41], [True, True], 9),  # most things are missed: keep all that is right
        ([0.92, 0.75, 0.3], [True, False, False], 1),  # exactly at a threshold: it does not pass
        ([0.97, 0.5, 0.2], [True, True, False], 2),  # and here it would be missed
        ([0.41, 0.37], [False, False], 2),  # nothing helps
        ([], [], 3),
        ([0.88, 0.86, 0.34, 0.33, 0.31, 0.22], [True, False, True, True, False, True], 4),
        ([0.93, 0.62, 0.61, 0.58, 0.57, 0.56], [True, False, True, False, True, False], 3),
        ([0.9], [True], 1),
        ([0.93, 0.42, 0.41, 0.36, 0.33], [True, True, False, True, False], 12),
        ([0.92, 0.62, 0.58, 0.57, 0.38], [True, False, False, False, True], 20),  # of 20 things most have no box
    ]
    for _ in range(8):
        n = int(rng.integers(8, 40))
        scores = (rng.integers(0, 200, n) / 200 + 0.0013).tolist()  # never on a threshold
        right = [bool(rng.random() < score) for score in scores]
        cases.append((scores, right, sum(right) + int(rng.integers(0, 8))))
    return cases


def threshold_with(
    value: Callable[[int, int, int, int], float] = lambda hits, kept, truths, n: 2 * hits / max(kept + truths, 1),
    passes: Callable[[float, float], bool] = lambda score, at: score > at,
    last: bool = False,
    result: Callable[[float, float], float] = lambda at, best: at,
):
    """The right threshold, or one of its wrong relatives."""

    def answer(scores: Sequence[float], right: Sequence[bool], truths: int) -> float:
        chosen, best = 0.0, -1.0
        for at in TRIED:
            kept = [hit for score, hit in zip(scores, right, strict=True) if passes(score, at)]
            found = value(sum(kept), len(kept), truths, len(scores))
            if found > best or (last and found == best):
                chosen, best = at, found
        return result(chosen, best)

    return answer


def of_the_boxes(scores: Sequence[float], right: Sequence[bool], truths: int) -> float:
    """Things that no box has are forgotten."""
    return threshold_with()(scores, right, sum(right))


def accuracy(scores: Sequence[float], right: Sequence[bool], truths: int) -> float:
    """How many boxes are judged rightly."""
    best = max((sum((score > at) == hit for score, hit in zip(scores, right, strict=True)), -at) for at in TRIED)
    return -best[1]


def draw_f1(case: Case, expected: float, got: object) -> Figure:
    """F1 over the threshold, with both answers in the title."""
    scores, right, truths = case
    line = []
    for at in TRIED:
        kept = [hit for score, hit in zip(scores, right, strict=True) if score > at]
        line.append(2 * sum(kept) / max(len(kept) + truths, 1))
    return charts.curve(
        TRIED, {"F1": line}, xlabel="box threshold", ylabel="F1", title=f"expected {expected}, got {got}"
    )


BEST_THRESHOLD = Exercise(
    "07.best_threshold",
    answers,
    mistakes=(
        written(
            "precision alone",
            "Precision is best for one sure box: things that are missed must count, too.",
            threshold_with(value=lambda hits, kept, truths, n: hits / max(kept, 1)),
        ),
        written(
            "recall alone",
            "Recall is best with every box: those that are wrong must count, too.",
            threshold_with(value=lambda hits, kept, truths, n: hits / max(truths, 1)),
        ),
        written("accuracy over the boxes", "Things that no box has count as well: take F1.", accuracy),
        written(
            "the things that no box has forgotten",
            "Recall counts all truths, also those without a right box.",
            of_the_boxes,
        ),
        written(
            ">= in place of >",
            "A box must score more than the threshold.",
            threshold_with(passes=lambda score, at: score >= at),
        ),
        written(
            "the highest of equals",
            "Of several thresholds with the same F1 return the lowest.",
            threshold_with(last=True),
        ),
        written(
            "F1 itself",
            "Return the threshold, not its F1.",
            threshold_with(result=lambda at, best: best),
        ),
    ),
    draw=draw_f1,
)
