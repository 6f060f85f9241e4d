"""The exercise 15.matched: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

Table = list[list[float]]
Flags = list[list[bool]]


def tables(rng: np.random.Generator) -> list[Case]:
    """IoU of true masks (rows) with found ones, and whether their words are alike: by hand, then random."""
    cases: list[Case] = [
        ([[0.9, 0.0], [0.0, 0.8]], [[True, False], [False, True]]),
        ([[0.9, 0.0], [0.0, 0.8]], [[False, False], [False, True]]),  # the best pair differs: the end
        ([[0.9, 0.0], [0.0, 0.8]], [[True, False], [False, False]]),
        ([[0.6, 0.8], [0.7, 0.9]], [[True, True], [True, True]]),
        ([[0.5, 0.4]], [[True, True]]),
        ([[0.49, 0.3]], [[True, True]]),
        ([[0.9], [0.8]], [[True], [True]]),  # one mask serves once
        ([[0.6, 0.0], [0.9, 0.7]], [[True, True], [True, True]]),
    ]
    for _ in range(10):
        rows, columns = (int(n) for n in rng.integers(2, 5, 2))
        ious = rng.permutation(np.linspace(0.1, 0.98, rows * columns)).reshape(rows, columns).round(3)
        alike = rng.random((rows, columns)) < 0.75
        cases.append((ious.tolist(), [[bool(flag) for flag in row] for row in alike]))
    return cases


def pairs(
    *, stops: bool = True, once: bool = True, least: float = 0.5, strict: bool = False, words: bool = True
) -> Callable[[Table, Flags], int]:
    """How many pairs are found, or wrong relatives."""

    def answer(ious: Table, alike: Flags) -> int:
        cells = sorted((-iou, row, column) for row, line in enumerate(ious) for column, iou in enumerate(line))
        rows, columns, found = set(), set(), 0
        for minus, row, column in cells:
            if once and (row in rows or column in columns):
                continue
            if -minus < least or (strict and -minus <= least):
                break
            if words and not alike[row][column]:
                if stops:
                    break
                continue
            rows.add(row)
            columns.add(column)
            found += 1
        return found

    return answer


def row_by_row(ious: Table, alike: Flags) -> int:
    """Each true phrase in its order takes its best free mask."""
    free, found = set(range(len(ious[0]))), 0
    for row, line in enumerate(ious):
        best = max(free, key=lambda column: line[column], default=None)
        if best is not None and line[best] >= 0.5 and alike[row][best]:
            free.discard(best)
            found += 1
    return found


MATCHED = Exercise(
    "15.matched",
    tables,
    mistakes=(
        written(
            "going on behind a pair whose words differ",
            "That would be fairer, but the published script stops there.",
            pairs(stops=False),
        ),
        written("a mask or phrase in two pairs", "Take the row and the column of a pair out.", pairs(once=False)),
        written("words forgotten", "A pair counts only if its words are alike.", pairs(words=False)),
        written("IoU above 0.5", "0.5 itself is enough.", pairs(strict=True)),
        written("no threshold", "A pair needs an IoU of 0.5 or more.", pairs(least=0.0)),
        written("row by row", "Take the best pair of the whole table that is left, not of a row.", row_by_row),
    ),
)
