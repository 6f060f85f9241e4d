"""The exercise 08.calibration_error: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

Groups = dict[int, list[tuple[float, float]]]


def expectations(rng: np.random.Generator) -> list[Case]:
    """What was said, what was true, and how many bins: by hand, then random."""
    cases: list[Case] = [
        ([0.75, 0.75], [0.5, 1.0], 10),
        ([0.75, 0.75], [0.5, 0.5], 10),
        ([0.9, 0.9, 0.9, 0.1], [0.7, 0.8, 0.9, 0.4], 10),  # bins of different sizes
        ([1.0, 0.95], [0.9, 0.7], 10),  # 1 belongs to the last bin
        ([1.2, 1.1, -0.1], [0.8, 0.9, 0.1], 10),  # beyond 0 to 1
        ([0.5, 0.375], [0.1, 0.9], 4),  # on a border: 0.5 is in the upper bin
        ([0.52, 0.48], [0.2, 0.8], 1),
        ([], [], 10),
        ([0.81, 0.89], [0.81, 0.89], 10),  # all is so; the middle of the bin is not
        ([0.3, 0.62, 0.65], [0.6, 0.5, 0.4], 5),  # too low here, too high there
        ([0.2, 0.8], [0.8, 0.2], 2),
    ]
    for _ in range(8):
        n = int(rng.integers(5, 40))
        said = (rng.random(n) * 1.1 - 0.03 + 0.00013).tolist()
        true = rng.random(n).tolist()
        cases.append((said, true, int(rng.choice([4, 5, 10]))))
    return cases


def clip(value: float) -> float:
    """Into 0 to 1."""
    return min(max(value, 0.0), 1.0)


def bin_of(value: float, bins: int) -> int:
    """The number of the bin of a clipped value."""
    return min(int(value * bins), bins - 1)


def error_with(
    group: Callable[[float, float, int], int | None] = lambda s, t, bins: bin_of(clip(s), bins),
    value: Callable[[float], float] = clip,
    off: Callable[[float, float, int, int], float] = lambda said, true, k, bins: abs(said - true),
    total: Callable[[list[tuple[float, int]]], float] = lambda parts: (
        sum(off * n for off, n in parts) / sum(n for _, n in parts)
    ),
):
    """The right error, or one of its wrong relatives; parts are the gap and the size of each bin."""

    def answer(said: list[float], true: list[float], bins: int) -> float:
        groups: Groups = {}
        for s, t in zip(said, true, strict=True):
            if (k := group(s, t, bins)) is not None:
                groups.setdefault(k, []).append((value(s), t))
        parts = []
        for k, members in groups.items():
            mean_said, mean_true = (sum(column) / len(members) for column in zip(*members, strict=True))
            parts.append((off(mean_said, mean_true, k, bins), len(members)))
        return total(parts) if parts else 0.0

    return answer


def mean_error(said: list[float], true: list[float], bins: int) -> float:
    """How far single answers are off."""
    return sum(abs(clip(s) - t) for s, t in zip(said, true, strict=True)) / max(len(said), 1)


CALIBRATION_ERROR = Exercise(
    "08.calibration_error",
    expectations,
    mistakes=(
        written(
            "the mean error of single answers",
            "Average within each bin first, then take the absolute value: errors up and down cancel.",
            mean_error,
        ),
        written(
            "every bin counted alike",
            "A bin counts with its share of the answers.",
            error_with(total=lambda parts: sum(off for off, _ in parts) / len(parts)),
        ),
        written(
            "the shares forgotten",
            "Weigh each bin with its share of the answers.",
            error_with(total=lambda parts: sum(off for off, _ in parts)),
        ),
        written(
            "without the absolute value",
            "Too high in one bin does not make up for too low in another.",
            error_with(off=lambda said, true, k, bins: said - true),
        ),
        written(
            "binned by what was true",
            "The bins are of what was said.",
            error_with(group=lambda s, t, bins: bin_of(clip(t), bins)),
        ),
        written(
            "the middle of the bin for what was said",
            "Take the mean of what was said in the bin.",
            error_with(off=lambda said, true, k, bins: abs((k + 0.5) / bins - true)),
        ),
        written(
            "values beyond 0 to 1 left as they are",
            "Clip what was said first, also for the mean.",
            error_with(value=lambda s: s),
        ),
        written(
            "values of 1 and more dropped",
            "1 belongs to the last bin, and what is more is clipped to 1.",
            error_with(group=lambda s, t, bins: int(clip(s) * bins) if clip(s) < 1 else None),
        ),
        written(
            "the largest gap of a bin",
            "Add the gaps up, each with its share.",
            error_with(total=lambda parts: max(off for off, _ in parts)),
        ),
    ),
)
