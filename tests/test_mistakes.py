"""Each mistake on a case worked out by hand: what the spoiled solution returns."""

import numpy as np
import pytest
import torch

from gk_utils.classroom import mistakes as m
from gk_utils.classroom.exercise import attempt

BOX = (10.0, 20.0, 30.0, 50.0)


def same(*given):
    return given[0] if len(given) == 1 else given


def area(box):
    return (box[2] - box[0]) * (box[3] - box[1])


@pytest.mark.parametrize(
    ("mistake", "reference", "given", "expected"),
    [
        (m.xy_swapped(), same, (BOX,), (20, 10, 50, 30)),
        (m.xy_swapped(0, 2), same, ((1, 2), (3, 4), (5, 6)), ((2, 1), (3, 4), (6, 5))),
        (m.hw_swapped(1), same, (BOX, (480, 640)), (BOX, (640, 480))),
        (m.misread(actual="xyxy", taken_for="xywh"), area, (BOX,), 30 * 50),
        (m.misread(actual="xywh", taken_for="xyxy"), same, (BOX,), (10, 20, 20, 30)),
        (m.misread(actual="cxcywh", taken_for="xyxy"), same, (BOX,), (20, 35, 20, 30)),
        (m.misread(actual="cxcywh", taken_for="xywh"), same, (BOX,), (25, 45, 30, 50)),
        (m.inclusive_pixels(), area, (BOX,), 21 * 31),
        (m.arguments_swapped(), same, (1, 2, 3), (2, 1, 3)),
        (m.arguments_swapped(1, 2), same, (1, 2, 3), (1, 3, 2)),
        (m.arguments_swapped(), same, (1,), 1),
        (m.xy_swapped_in_result(), same, (BOX,), (20, 10, 50, 30)),
        (m.misreturned(expected="cxcywh", returned="xyxy"), same, (BOX,), (-5, -5, 25, 45)),
        (m.misreturned(expected="xyxy", returned="xywh"), same, (BOX,), (10, 20, 20, 30)),
        (m.transposed(), same, ([[1, 2], [3, 4]],), [[1, 3], [2, 4]]),
        (m.transposed(), same, ([1, 2],), [1, 2]),
        (m.scaled(-1), same, ([1, 2.5],), [-1, -2.5]),
        (m.scaled(100), same, (0.25,), 25),
        (m.shifted(1), same, ((1, 2),), (2, 3)),
        (m.complement(), same, ([0.25, True],), [0.75, False]),
        (m.rounded(), same, ([0.4, 1.6],), [0, 2]),
        (m.clipped(0, 1), same, ([-2.0, 0.5, 2.0],), [0, 0.5, 1]),
        (m.reversed_order(), same, ([3, 2, 1],), [1, 2, 3]),
        (m.reversed_order(), same, (5,), 5),
        (m.written("constant", "No.", lambda value: 7), same, (5,), 7),
    ],
)
def test_by_hand(mistake, reference, given, expected):
    assert mistake.wrong(reference)(*given) == expected
    assert mistake.name
    assert mistake.advice.endswith((".", "?"))


@pytest.mark.parametrize("mistake", m.GENERAL)
def test_the_general_ones_keep_tensors_and_arrays(mistake):
    for value in (torch.tensor([[1.5, 2.0], [3.0, 4.5]]), np.array([[1.5, 2.0], [3.0, 4.5]])):
        wrong = mistake.wrong(lambda table, number: table * number)(value, 2.0)
        assert type(wrong) is type(value)
        assert wrong.dtype == value.dtype
    assert attempt(mistake.wrong(lambda: "text"), ()).value in ("text", "txet")


def test_names_are_distinct():
    made = [*m.GENERAL, m.clipped(0, 1), m.inclusive_pixels(), m.xy_swapped(), m.hw_swapped(0)]
    assert len({mistake.name for mistake in made}) == len(made)


def test_scaled_says_which_way():
    assert m.scaled(2).name == "the result 2 times too large"
    assert m.scaled(0.5).name == "the result 2 times too small"
    assert m.scaled(-1).name == "the sign flipped"
