"""The exercise 05.spoiled: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import on_arguments, on_result, written

Boxes = list[list[int]]


def boxes_and_places(rng: np.random.Generator) -> list[Case]:
    """Boxes with one, two and three digits, and the three places."""
    cases: list[Case] = [
        ([587, 12, 600, 999], 10),
        ([587, 12, 600, 999], 1),
        ([587, 12, 600, 999], 100),
        ([0, 0, 999, 999], 1),
        ([0, 5, 70, 900], 100),
        ([0, 5, 70, 900], 10),
    ]
    for place in (1, 10, 100):
        cases += [(rng.integers(0, high, 4).tolist(), place) for high in (1000, 120)]
    return cases


def digits_with(
    new: Callable[[int, int, int], int] = lambda number, digit, place: number + (digit - number // place % 10) * place,
    skip: Callable[[int, int], bool] = lambda old, digit: digit == old,
    digits: Callable[[int], range | list[int]] = lambda old: range(10),
):
    """The right boxes, or their wrong relatives."""

    def answer(box: list[int], place: int) -> Boxes:
        found = []
        for i, number in enumerate(box):
            old = number // place % 10
            for digit in digits(old):
                if not skip(old, digit):
                    found.append([*box[:i], new(number, digit, place), *box[i + 1 :]])
        return found

    return answer


def digit_outside(box: list[int], place: int) -> Boxes:
    """The boxes in another order: for each new digit x1, y1, x2, y2."""
    return [
        [*box[:i], number + (digit - number // place % 10) * place, *box[i + 1 :]]
        for digit in range(10)
        for i, number in enumerate(box)
        if digit != number // place % 10
    ]


def all_at_once(box: list[int], place: int) -> Boxes:
    """All numbers of the box changed together."""
    return [[n + (digit - n // place % 10) * place for n in box] for digit in range(10)]


def one_box_kept(box: list[int], place: int) -> Boxes:
    """Changes that stay when the next number is changed."""
    box, found = list(box), []
    for i, number in enumerate(box):
        old = number // place % 10
        for digit in range(10):
            if digit != old:
                box[i] = number + (digit - old) * place
                found.append(list(box))
    return found


def same_list(box: list[int], place: int) -> Boxes:
    """One list, changed 36 times and stored 36 times."""
    return [one_box_kept(box, place)[-1]] * 36


def from_the_left(box: list[int], place: int) -> Boxes:
    """The place counted from the first digit that is written."""
    found = []
    for i, number in enumerate(box):
        text, at = str(number), {100: 0, 10: 1, 1: 2}[place]
        for digit in "0123456789":
            if at < len(text) and digit != text[at]:
                found.append([*box[:i], int(text[:at] + digit + text[at + 1 :]), *box[i + 1 :]])
    return found


def _other_place(place: int) -> int:
    return {1: 10, 10: 1, 100: 100}[place]


def _numbers_alone(boxes: Boxes) -> list[int]:
    return [box[row // 9] for row, box in enumerate(boxes)]


SPOILED = Exercise(
    "05.spoiled",
    boxes_and_places,
    mistakes=(
        written(
            "the right digit among them",
            "Leave the old digit out: 36 boxes, not 40.",
            digits_with(skip=lambda old, digit: False),
        ),
        written(
            "the new digit added to the old one",
            "Take the old digit away first: number + (new - old) * place.",
            digits_with(new=lambda number, digit, place: number + digit * place),
        ),
        written(
            "the digit left out of its place",
            "A ten counts 10: multiply the change by place.",
            digits_with(new=lambda number, digit, place: number + digit - number // place % 10),
        ),
        written(
            "the digits above or below lost",
            "Only one digit changes: the others keep their value.",
            digits_with(new=lambda number, digit, place: digit * place),
        ),
        written(
            "the place counted from the left",
            "12 has no hundreds, so a 0 there: count from the right, number // place % 10.",
            from_the_left,
        ),
        written(
            "only the digits next to the right one",
            "Any other digit may stand there: nine of them, not two.",
            digits_with(digits=lambda old: [(old - 1) % 10, (old + 1) % 10]),
        ),
        written(
            "all four numbers changed at once",
            "One digit of one number is wrong, the other three numbers stay.",
            all_at_once,
        ),
        written(
            "the changes kept for the next number",
            "Start each changed box from the right one: make a new list.",
            one_box_kept,
        ),
        written(
            "one list stored 36 times",
            "found.append(box) stores the same list again and again: make a new one each time.",
            same_list,
        ),
        written(
            "ordered by digit first",
            "First all boxes with another x1, then y1, x2, y2: the loop over the numbers is the outer one.",
            digit_outside,
        ),
        on_arguments("tens and units exchanged", "place is 1 for units, 10 for tens.", _other_place, 1),
        on_result("the numbers alone returned", "Return whole boxes, four numbers each.", _numbers_alone),
    ),
)
