"""The exercise 12.outermost: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import on_result, written

Span = tuple[int, int]


def spans(rng: np.random.Generator) -> list[Case]:
    """Expressions as spans with the number of their boxes: by hand, then random."""
    cases: list[Case] = [
        ([(0, 21), (11, 21)], [1, 1]),
        ([(0, 21), (11, 21)], [0, 1]),  # the outer one has no box
        ([(0, 5), (9, 14)], [1, 2]),
        ([(0, 9), (5, 14)], [1, 1]),  # they overlap, none is inside
        ([(3, 8), (3, 8)], [1, 2]),  # the same words twice
        ([(0, 30), (5, 30), (12, 30)], [1, 0, 1]),
        ([(0, 30), (5, 30), (12, 30)], [0, 2, 1]),
        ([(0, 10), (0, 4), (6, 10)], [1, 1, 1]),
        ([], []),
        ([(0, 4)], [0]),
    ]
    for _ in range(8):
        n = int(rng.integers(2, 7))
        starts = rng.integers(0, 10, n)
        drawn = [(int(start), int(start + rng.integers(1, 10))) for start in starts]
        cases.append((drawn, [int(count) for count in rng.integers(0, 3, n)]))
    return cases


def outer_with(
    inside: Callable[[Span, Span], bool] = lambda a, b: a != b and b[0] <= a[0] and a[1] <= b[1],
    counts: Callable[[int], bool] = lambda boxes: boxes > 0,
    keeps: Callable[[int], bool] = lambda boxes: boxes > 0,
):
    """The right expressions, or their wrong relatives."""

    def answer(spans: list[Span], boxes: list[int]) -> list[Span]:
        outer = [span for span, count in zip(spans, boxes, strict=True) if counts(count)]
        return [
            span
            for span, count in zip(spans, boxes, strict=True)
            if keeps(count) and not any(inside(span, other) for other in outer)
        ]

    return answer


OUTERMOST = Exercise(
    "12.outermost",
    spans,
    mistakes=(
        written(
            "dropped for an outer one that has no boxes",
            "An expression without boxes is no reason to drop what stands inside it.",
            outer_with(counts=lambda boxes: True),
        ),
        written(
            "expressions without boxes kept",
            "What has no box has nothing to teach: leave it out.",
            outer_with(keeps=lambda boxes: True),
        ),
        written(
            "equal spans drop each other",
            "A span is not inside itself.",
            outer_with(inside=lambda a, b: b[0] < a[0] and a[1] < b[1]),
        ),
        written(
            "overlap taken for inside",
            "Inside means both ends: other start <= start and end <= other end.",
            outer_with(inside=lambda a, b: a != b and a[0] < b[1] and b[0] < a[1]),
        ),
        written(
            "the innermost kept",
            "The longest expression is kept, not the shortest.",
            outer_with(inside=lambda a, b: a != b and a[0] <= b[0] and b[1] <= a[1]),
        ),
        on_result("the first one alone", "Several expressions may stand side by side.", lambda kept: kept[:1]),
    ),
)
