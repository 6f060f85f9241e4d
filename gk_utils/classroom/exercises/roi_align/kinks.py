"""The exercise 06.kinks: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import reversed_order, written

APART = 1e-3  # in the random cases, neither two kinks nor a kink and an end of the range lie closer


def sliding_boxes(rng: np.random.Generator) -> list[Case]:
    """Boxes in cells, and bins: that of the lesson, two samples with one kink, a kink at 0, no width; then random."""
    cases: list[Case] = [
        (1.0, 2.2, 1),
        (0.0, 4.0, 1),  # samples at 1 and 3
        (0.5, 4.5, 2),  # all samples on borders
        (0.0, 2.0, 1),  # samples at 0.5 and 1.5: at once
        (2.25, 2.25, 3),  # without width: all in one place
        (0.1, 1.3, 2),
        (-3.2, 1.6, 3),  # over the border of the map
        (0.3, 8.3, 2),
        (5.0, 6.0, 4),
    ]
    while len(cases) < 18:
        x1, length, n = rng.uniform(-2, 8), rng.uniform(0.3, 9), int(rng.integers(1, 5))
        box = round(float(x1), 3), round(float(x1 + length), 3)
        moves = np.sort(np.mod(0.5 - samples(*box, n), 1))
        if np.diff(moves, prepend=0, append=1).min() > APART:
            cases.append((*box, n))
    return cases


def samples(x1: float, x2: float, n: int, each: int = 2) -> np.ndarray:
    """Where the samples lie, `each` of them in each of n bins."""
    return x1 + (np.arange(each * n) + 0.5) * (x2 - x1) / (each * n)


def borders(x1: float, x2: float, n: int) -> np.ndarray:
    """Where the bins begin and end."""
    return x1 + np.arange(n + 1) * (x2 - x1) / n


def spread(x1: float, x2: float, n: int) -> np.ndarray:
    """As many places as there are samples, the ends of the box among them."""
    return np.linspace(x1, x2, 2 * n)


def moves(
    places: Callable[[float, float, int], np.ndarray] = samples,
    crossed: float = 0.5,
    direction: int = 1,
    once: bool = True,
    ascending: bool = True,
) -> Callable[[float, float, int], list[float]]:
    """The moves that bring a place to what is `crossed`, a part of a cell; those that are right, or relatives."""

    def answer(x1: float, x2: float, n: int) -> list[float]:
        found = [round(float(move) % 1, 6) % 1 for move in direction * (crossed - places(x1, x2, n))]
        kept = list(dict.fromkeys(found)) if once else found
        return sorted(kept) if ascending else kept

    return answer


KINKS = Exercise(
    "06.kinks",
    sliding_boxes,
    mistakes=(
        written(
            "the borders of the cells",
            "The value of a cell stands at its centre: a sample takes new cells there, at a whole number and a half.",
            moves(crossed=0.0),
        ),
        written(
            "one sample in each bin",
            "Each bin has two samples: at a quarter and at three quarters of it.",
            moves(places=lambda x1, x2, n: samples(x1, x2, n, each=1)),
        ),
        written(
            "the borders of the bins",
            "Borders of bins are not read. Samples are: at a quarter and at three quarters of each bin.",
            moves(places=borders),
        ),
        written(
            "samples at the ends of the box",
            "Samples lie in the middles of 2 n equal parts: (k + 0.5) / (2 n) of the width.",
            moves(places=spread),
        ),
        written(
            "the box moved to the left",
            "It moves right by d: s + d must be a whole number and a half, so d = (0.5 - s) % 1.",
            moves(direction=-1),
        ),
        written("the same kink more than once", "Each d once: set(...) before sorted.", moves(once=False)),
        written("in the order of the samples", "Ascending: sorted.", moves(ascending=False)),
        written(
            "as they come, some more than once",
            "Ascending, each d once: sorted(set(...)).",
            moves(once=False, ascending=False),
        ),
        written(
            "the first bin alone",
            "All n bins have samples.",
            lambda x1, x2, n: moves()(x1, x1 + (x2 - x1) / n, 1),
        ),
        written(
            "where the samples lie",
            "Return the moves d, not the places.",
            lambda x1, x2, n: sorted(round(float(s), 6) for s in samples(x1, x2, n)),
        ),
        reversed_order(),
    ),
)
