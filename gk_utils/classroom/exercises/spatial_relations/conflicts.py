"""The exercise 10.conflicts: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import on_result, written

Answer = tuple[str, str, str, bool]
Pairs = list[tuple[int, int]]
NAMES, CONVERSE = ("mug", "cat", "kettle"), {"right_of": "left_of", "below": "above"}
WORDS = ("left_of", "right_of", "above", "below", "near")


def answers(rng: np.random.Generator) -> list[Case]:
    """Answers to yes-or-no questions: converses, denials, both no, near both ways, other axes; then random."""
    cases: list[Case] = [
        ([("mug", "left_of", "cat", True), ("cat", "right_of", "mug", False)],),
        ([("mug", "left_of", "cat", True), ("cat", "right_of", "mug", True)],),
        ([("mug", "left_of", "cat", True), ("cat", "left_of", "mug", True)],),
        ([("mug", "left_of", "cat", False), ("cat", "left_of", "mug", False)],),
        ([("mug", "left_of", "cat", False), ("mug", "right_of", "cat", False)],),
        ([("mug", "left_of", "cat", True), ("mug", "right_of", "cat", True)],),
        ([("mug", "near", "cat", True), ("cat", "near", "mug", False)],),
        ([("mug", "near", "cat", True), ("cat", "near", "mug", True)],),
        ([("mug", "above", "cat", True), ("cat", "below", "mug", False), ("mug", "below", "cat", True)],),
        ([("mug", "left_of", "cat", True), ("mug", "above", "cat", True), ("cat", "above", "mug", False)],),
        ([("mug", "near", "cat", True), ("mug", "left_of", "cat", False), ("mug", "left_of", "cat", True)],),
        ([("mug", "left_of", "cat", True), ("kettle", "left_of", "mug", True), ("cat", "right_of", "mug", False)],),
        ([],),
    ]
    for _ in range(8):
        said = []
        for _ in range(int(rng.integers(4, 8))):
            first, second = rng.permutation(NAMES)[:2].tolist()
            said.append((first, str(rng.choice(WORDS)), second, bool(rng.random() < 0.6)))
        cases.append((said,))
    return cases


def plain(answer: Answer) -> tuple[str, str, str, bool]:
    """The same answer about left_of, above or near, with near's two in alphabetical order."""
    a, relation, b, said = answer
    if relation in CONVERSE:
        a, relation, b = b, CONVERSE[relation], a
    if relation == "near":
        a, b = sorted((a, b))
    return a, relation, b, said


def clash(first: Answer, second: Answer) -> bool:
    """Whether two plain answers exclude each other."""
    a, relation, b, said = first
    c, other, d, also = second
    if relation != other:
        return False
    if (a, b) == (c, d):
        return said != also
    return relation != "near" and (a, b) == (d, c) and said and also


def pairs_with(
    make: Callable[[Answer], Answer] = plain, exclude: Callable[[Answer, Answer], bool] = clash
) -> Callable[[list[Answer]], Pairs]:
    """The right pairs, or their wrong relatives."""

    def answer(given: list[Answer]) -> Pairs:
        made = [make(one) for one in given]
        return sorted((i, j) for j in range(len(made)) for i in range(j) if exclude(made[i], made[j]))

    return answer


def near_as_said(answer: Answer) -> Answer:
    """Converses rewritten, near left in the order it was said."""
    return answer if answer[1] == "near" else plain(answer)


def never_both(first: Answer, second: Answer) -> bool:
    """Two ways round with the same answer, also where both are denied."""
    swapped = (first[0], first[1], first[2]) == (second[2], second[1], second[0])
    return clash(first, second) or (swapped and first[1] != "near" and first[3] == second[3])


def denials_only(first: Answer, second: Answer) -> bool:
    """Only one fact with two answers."""
    return first[:3] == second[:3] and first[3] != second[3]


def any_axis(first: Answer, second: Answer) -> bool:
    """Left and above taken for one relation."""
    return clash((first[0], "x", first[2], first[3]), (second[0], "x", second[2], second[3]))


CONFLICTS = Exercise(
    "10.conflicts",
    answers,
    mistakes=(
        written(
            "only the same words with two answers",
            "right_of(b, a) says the same as left_of(a, b): rewrite one as the other first.",
            pairs_with(lambda answer: answer, denials_only),
        ),
        written(
            "both ways denied taken for a conflict",
            "Neither may be left of the other: one above the other, say. Two times False is no conflict.",
            pairs_with(exclude=never_both),
        ),
        written(
            "left both ways not seen",
            "left_of(a, b) and left_of(b, a) cannot both be True.",
            pairs_with(exclude=denials_only),
        ),
        written(
            "near read in one direction",
            "near(a, b) and near(b, a) say the same: put the two in one order.",
            pairs_with(near_as_said),
        ),
        written(
            "converses not seen",
            "right_of(b, a) says the same as left_of(a, b), and below(b, a) the same as above(a, b).",
            pairs_with(lambda answer: plain(answer) if answer[1] == "near" else answer),
        ),
        written(
            "left and above mixed",
            "Left says nothing about above, nor about near: only the same relation can conflict.",
            pairs_with(exclude=any_axis),
        ),
        on_result(
            "each pair twice",
            "Return (i, j) with i < j, each pair once.",
            lambda pairs: sorted([*pairs, *((j, i) for i, j in pairs)]),
        ),
    ),
)
