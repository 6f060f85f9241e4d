"""The exercises of lesson 00 are sound: right answers pass however they are written, mistakes fail by their name."""

import numpy as np
import pytest
import torch
from exercise_tests import exercise_tests
from torch import tensor

from gk_utils.classroom.exercise import reference
from gk_utils.classroom.exercises.start_here import EXERCISES


def centre_by_loop(shares, image_hw):
    rows, columns = shares.shape
    x = y = total = 0.0
    for row in range(rows):
        for column in range(columns):
            share = float(shares[row, column])
            x += share * (column + 0.5) * image_hw[1] / columns
            y += share * (row + 0.5) * image_hw[0] / rows
            total += share
    return [x / total, y / total]


def centre_in_numpy(shares, image_hw):
    ys, xs = np.indices(shares.shape) + 0.5
    x, y = (np.average(places, weights=shares.numpy()) for places in (xs, ys))
    return (x * image_hw[1] / shares.shape[1], y * image_hw[0] / shares.shape[0])


def thing_shares_by_loop(shares, boxes, image_hw):
    rows, columns = shares.shape
    sums = [0.0] * len(boxes)
    for number, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
        for row in range(rows):
            for column in range(columns):
                x, y = (column + 0.5) * image_hw[1] / columns, (row + 0.5) * image_hw[0] / rows
                if x1 <= x <= x2 and y1 <= y <= y2:
                    sums[number] += float(shares[row, column])
    return tensor(sums)


def thing_shares_as_a_product(shares, boxes, image_hw):
    rows, columns = shares.shape
    xs, ys = torch.arange(columns) + 0.5, torch.arange(rows) + 0.5
    in_cells = boxes / tensor([image_hw[1] / columns, image_hw[0] / rows] * 2)
    across = ((xs >= in_cells[:, :1]) & (xs <= in_cells[:, 2:3])).float()
    down = ((ys >= in_cells[:, 1:2]) & (ys <= in_cells[:, 3:])).float()
    return torch.einsum("nr,rc,nc->n", down, shares, across)


def threshold_by_loop(none, absent):
    best, most = 0.0, -1
    for t in sorted(none.tolist()):
        right = sum((share >= t) == really for share, really in zip(none.tolist(), absent.tolist(), strict=True))
        if right > most:
            best, most = t, right
    return best


def threshold_as_a_table(none, absent):
    candidates = none.sort().values
    right = ((none >= candidates[:, None]) == absent).sum(1)
    return candidates[right == right.max()].min()


RIGHT_ANSWERS = {
    "00.centre": (centre_by_loop, centre_in_numpy),
    "00.thing_shares": (thing_shares_by_loop, thing_shares_as_a_product),
    "00.threshold": (threshold_by_loop, threshold_as_a_table),
}


class TestExercises(exercise_tests(EXERCISES, RIGHT_ANSWERS)):
    @pytest.mark.parametrize("exercise", [one for one in EXERCISES if one.draw], ids=lambda exercise: exercise.id)
    def test_a_failing_case_can_be_drawn(self, exercise):
        for case in exercise.cases(np.random.default_rng(1)):
            expected = reference(exercise.id)(*case)
            for got in (expected, None, [1.0], tensor([0.5, 0.5])):
                assert exercise.draw(case, expected, got).axes
