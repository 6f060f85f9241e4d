"""The exercise 09.overlap: cases, and the mistakes that have a name."""

from collections.abc import Callable
from itertools import accumulate, pairwise

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written


def runs_of(pixels: list[bool]) -> list[int]:
    """The run lengths of a line of pixels, the first run off."""
    changes = [i for i in range(1, len(pixels)) if pixels[i] != pixels[i - 1]]
    ends = [0, *changes, len(pixels)]
    found = [b - a for a, b in pairwise(ends)]
    return [0, *found] if pixels and pixels[0] else found


def pairs(rng: np.random.Generator) -> list[Case]:
    """Two masks of one picture as run lengths: by hand, then random."""
    cases: list[Case] = [
        ([2, 3, 1], [2, 3, 1]),
        ([2, 3, 1], [3, 3]),  # 2 of 4
        ([0, 3, 3], [2, 4]),  # 1 of 6; the first begins with its first pixel
        ([2, 2, 2], [4, 2]),  # beside each other
        ([6], [6]),  # both empty
        ([6], [1, 2, 3]),
        ([0, 6], [1, 2, 3]),
        ([1, 1, 1, 1, 1, 1], [0, 1, 1, 1, 1, 1, 1]),  # teeth of a comb
        ([10, 5, 15, 5, 15], [12, 5, 10, 10, 13]),
    ]
    for _ in range(8):
        n = int(rng.integers(20, 60))
        edges = np.sort(rng.integers(0, n, (2, 4)), axis=1)
        lines = [
            [bool((i >= row[0] and i < row[1]) or (i >= row[2] and i < row[3])) for i in range(n)] for row in edges
        ]
        cases.append((runs_of(lines[0]), runs_of(lines[1])))
    return cases


def overlap_with(
    *,
    first_on: int = 1,
    value: Callable[[int, int, int, int, int], float] = lambda both, either, a, b, n: both / either,
    empty: float = 0.0,
) -> Callable[[list[int], list[int]], float]:
    """The right IoU, or one of its wrong relatives; the value of common pixels, all, those of each, and of both off."""

    def answer(first: list[int], second: list[int]) -> float:
        ends = [list(accumulate(counts)) for counts in (first, second)]
        lines = [[sum(end <= i for end in one) % 2 == first_on for i in range(sum(first))] for one in ends]
        both = sum(a and b for a, b in zip(*lines, strict=True))
        either = sum(a or b for a, b in zip(*lines, strict=True))
        return value(both, either, sum(lines[0]), sum(lines[1]), len(lines[0])) if either else empty

    return answer


def run_by_run(first: list[int], second: list[int]) -> float:
    """The k-th run of one mask compared with the k-th of the other, wherever they lie."""
    on = list(zip(first[1::2], second[1::2], strict=False))
    total = sum(first[1::2]) + sum(second[1::2])
    both = sum(map(min, on))
    return both / (total - both) if total else 0.0


OVERLAP = Exercise(
    "09.overlap",
    pairs,
    mistakes=(
        written(
            "the first run taken for on",
            "The first run is off, and 0 long where the first pixel is on.",
            overlap_with(first_on=0),
        ),
        written(
            "run compared with run",
            "The k-th runs of two masks lie in different places: compare where they are on.",
            run_by_run,
        ),
        written(
            "the sum of both areas in place of the union",
            "Pixels of both masks count once in the union.",
            overlap_with(value=lambda both, either, a, b, n: both / (a + b)),
        ),
        written(
            "Dice in place of IoU",
            "IoU divides the common pixels by those of the union.",
            overlap_with(value=lambda both, either, a, b, n: 2 * both / (a + b)),
        ),
        written(
            "divided by the smaller mask",
            "Divide by the union.",
            overlap_with(value=lambda both, either, a, b, n: both / max(1, min(a, b))),
        ),
        written(
            "divided by the picture",
            "Divide by the union, not by all pixels.",
            overlap_with(value=lambda both, either, a, b, n: both / n),
        ),
        written("1 for two empty masks", "The IoU of two empty masks is 0 in this course.", overlap_with(empty=1.0)),
    ),
)
