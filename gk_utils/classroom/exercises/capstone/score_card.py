"""The exercise 17.score_card: cases, and the mistakes that have a name."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

Row = tuple[str, bool, bool, bool]


def marked_rows(rng: np.random.Generator) -> list[Case]:
    """Rows of kind, right, could, invented: kinds of several sizes, ties, nothing to invent; then random."""
    cases: list[Case] = [
        ([("count", True, False, False), ("locate", False, True, True), ("locate", True, False, False)],),
        ([("count", True, False, False)],),
        (
            [
                *[("locate", True, False, False)] * 6,
                *[("locate", False, True, True)] * 2,
                *[("verify", False, False, False)] * 1,
                *[("verify", True, True, False)] * 1,
            ],
        ),
        ([("b", False, False, False), ("a", False, False, False), ("c", True, True, False)],),
        ([("b", True, True, False), ("a", True, True, False)],),
        ([("a", True, False, True), ("a", False, True, True), ("b", True, True, False)],),
        (
            [
                *[("a", False, True, True)] * 3,
                *[("a", True, False, False)] * 9,
                ("b", False, False, False),
                ("b", True, False, False),
            ],
        ),
        ([("z", False, True, False), ("z", True, True, False), ("y", True, False, False), ("y", False, True, True)],),
    ]
    for _ in range(8):
        rows = []
        for kind in ("count", "locate", "verify")[: int(rng.integers(1, 4))]:
            for _ in range(int(rng.integers(1, 9))):
                right, could = bool(rng.random() < 0.7), bool(rng.random() < 0.4)
                rows.append((kind, right, could, could and not right and bool(rng.random() < 0.7)))
        cases.append(([rows[k] for k in rng.permutation(len(rows))],))
    return cases


def card(
    right: Callable[[Sequence[Row]], float] | None = None,
    invented: Callable[[Sequence[Row]], float] | None = None,
    worst: Callable[[dict[str, list[bool]]], str] | None = None,
) -> Callable[[Sequence[Row]], list[Any]]:
    """The right answer, or one of its wrong relatives."""

    def answer(rows: Sequence[Row]) -> list[Any]:
        kinds: dict[str, list[bool]] = {}
        for kind, is_right, _, _ in rows:
            kinds.setdefault(kind, []).append(is_right)
        return [(right or of_all)(rows), (invented or of_those_that_could)(rows), (worst or lowest_share)(kinds)]

    return answer


def of_all(rows: Sequence[Row]) -> float:
    """The share of right answers."""
    return sum(row[1] for row in rows) / len(rows)


def of_kinds(rows: Sequence[Row]) -> float:
    """The mean of the kinds' shares."""
    kinds = {row[0] for row in rows}
    shares = [of_all([row for row in rows if row[0] == kind]) for kind in sorted(kinds)]
    return sum(shares) / len(shares)


def of_those_that_could(rows: Sequence[Row]) -> float:
    """The share of answers that invented something, where they could."""
    could = [row[3] for row in rows if row[2]]
    return sum(could) / len(could) if could else 0.0


def lowest_share(kinds: dict[str, list[bool]]) -> str:
    """The kind with the lowest share, the first by name of equals."""
    return min(sorted(kinds), key=lambda kind: sum(kinds[kind]) / len(kinds[kind]))


SCORE_CARD = Exercise(
    "17.score_card",
    marked_rows,
    mistakes=(
        written(
            "invented as a share of all questions",
            "Leave out the rows in which nothing could be invented: divide by the number of those in which it could.",
            card(invented=lambda rows: sum(row[3] for row in rows if row[2]) / len(rows)),
        ),
        written(
            "wrong answers taken for invented ones",
            "Saying the wrong thing is not inventing: take the last entry of a row.",
            card(invented=lambda rows: of_those_that_could([(a, b, c, not b) for a, b, c, _ in rows])),
        ),
        written(
            "the mean of the kinds",
            "Every question counts the same: the share over all rows.",
            card(right=of_kinds),
        ),
        written(
            "the kind with most wrong answers",
            "The lowest share of right answers, not the largest number of wrong ones: kinds differ in size.",
            card(worst=lambda kinds: max(sorted(kinds), key=lambda kind: kinds[kind].count(False))),
        ),
        written(
            "the best kind",
            "The kind with the lowest share: min.",
            card(worst=lambda kinds: max(sorted(kinds), key=lambda kind: sum(kinds[kind]) / len(kinds[kind]))),
        ),
        written(
            "the last of equals",
            "Of kinds with one share, the first in alphabetical order.",
            card(
                worst=lambda kinds: min(
                    sorted(kinds, reverse=True), key=lambda kind: sum(kinds[kind]) / len(kinds[kind])
                )
            ),
        ),
        written(
            "invented, whether or not it could be",
            "Count among the rows in which something could be invented.",
            card(invented=lambda rows: sum(row[3] for row in rows) / max(sum(row[2] for row in rows), 1)),
        ),
    ),
)
