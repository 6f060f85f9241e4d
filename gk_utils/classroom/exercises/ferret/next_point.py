"""The exercise 14.next_point: cases, and the mistakes that have a name."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

Points = list[list[float]]


def half_chosen(rng: np.random.Generator) -> list[Case]:
    """Points and the numbers of those that were chosen: on a line, copies, ties; then random."""
    cases: list[Case] = [
        ([[0.0, 0.0], [1.0, 0.0], [4.0, 0.0], [9.0, 0.0]], [0]),
        ([[0.0, 0.0], [1.0, 0.0], [4.0, 0.0], [9.0, 0.0]], [0, 3]),
        ([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]], [0, 2]),  # a copy is left: distance 0
        ([[5.0, 5.0], [0.0, 5.0], [10.0, 5.0], [5.0, 0.0]], [0]),  # three equally far
        ([[0.0, 0.0], [3.0, 3.0], [0.0, 4.5]], [0]),  # along the axes 6 and 4.5, as the crow flies 4.2 and 4.5
        ([[0.0, 0.0], [10.0, 0.0], [5.0, 1.0], [12.0, 0.0]], [0, 1]),
        ([[0.0, 0.0], [2.0, 0.0], [7.0, 0.0], [10.0, 0.0]], [3, 0]),
        ([[1.0, 1.0], [2.0, 2.0]], [1]),
    ]
    for _ in range(10):
        n = int(rng.integers(6, 16))
        points = rng.uniform(0, 10, (n, 2)).round(2).tolist()
        cases.append((points, rng.permutation(n)[: int(rng.integers(2, 5))].tolist()))
    return cases


def farthest(
    together: Callable[[Sequence[float]], float] = min,
    away: Callable[..., float] = math.dist,
    last: bool = False,
    best: Callable[..., float] = max,
) -> Callable[[Points, list[int]], int]:
    """The next point, or one of its wrong relatives."""

    def answer(points: Points, chosen: list[int]) -> int:
        scores = [together([away(point, points[k]) for k in chosen]) for point in points]
        wanted = best(scores)
        rows = [row for row, score in enumerate(scores) if score == wanted]
        return rows[-1] if last else rows[0]

    return answer


def along_axes(a: Sequence[float], b: Sequence[float]) -> float:
    """Sideways and down, added up."""
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def from_middle(points: Points, chosen: list[int]) -> int:
    """Farthest from the mean of what was chosen."""
    middle = np.mean([points[k] for k in chosen], 0).tolist()
    return max(range(len(points)), key=lambda k: math.dist(points[k], middle))


NEXT_POINT = Exercise(
    "14.next_point",
    half_chosen,
    mistakes=(
        written(
            "farthest from the last one alone",
            "Every point that was chosen counts: take the distance to the nearest of them.",
            lambda points, chosen: farthest()(points, chosen[-1:]),
        ),
        written(
            "farthest from the first one alone",
            "Every point that was chosen counts: take the distance to the nearest of them.",
            lambda points, chosen: farthest()(points, chosen[:1]),
        ),
        written(
            "the sum of the distances",
            "A point next to a chosen one may be far from the others: take the nearest, min, not the sum.",
            farthest(together=sum),
        ),
        written(
            "the distance to the farthest chosen point",
            "For each point the *nearest* chosen one counts: min inside, max outside.",
            farthest(together=max),
        ),
        written("farthest from the middle", "Compare with each chosen point, not with their mean.", from_middle),
        written(
            "distances along the axes",
            "Distances as the crow flies: math.dist.",
            farthest(away=along_axes),
        ),
        written("the nearest point", "The point that is farthest: max over the points.", farthest(best=min)),
        written("the last of equals", "Of points equally far the first counts.", farthest(last=True)),
        written(
            "the distance in place of the number",
            "Return which point, not how far it is.",
            lambda points, chosen: max(min(math.dist(point, points[k]) for k in chosen) for point in points),
        ),
    ),
)
