"""The exercises of lesson 14 are sound: right answers pass however they are written, mistakes fail by their name."""

import math

import numpy as np
import torch
from exercise_tests import exercise_tests

from gk_utils.classroom.exercises.ferret import EXERCISES
from gk_utils.ferret import FreeFormRegion, farthest_points, reference_of
from gk_utils.ferret.twin_regions import twin_box


def written_by_package(mask):
    pixels = torch.tensor(mask).bool()
    return list(reference_of(FreeFormRegion(pixels), tuple(pixels.shape)).numbers)


def written_by_lines(mask):
    height, width = len(mask), len(mask[0])
    columns = [x for x in range(width) if any(row[x] for row in mask)]
    lines = [y for y, row in enumerate(mask) if any(row)]
    if not lines:
        return [0] * 4
    box = columns[0], lines[0], columns[-1] + 1, lines[-1] + 1
    return [min(1000 * side // length, 999) for side, length in zip(box, (width, height) * 2, strict=True)]


def same_box_by_package(mask1, mask2):
    box = twin_box(torch.from_numpy(mask1), torch.from_numpy(mask2))
    return None if box is None else list(box)


def same_box_by_peeling(mask1, mask2):
    """Take away border rows and columns that one of the masks does not touch."""
    x1, y1, x2, y2 = 0, 0, mask1.shape[1], mask1.shape[0]
    while x1 < x2 and y1 < y2:
        parts = mask1[y1:y2, x1:x2], mask2[y1:y2, x1:x2]
        if not all(part[:, 0].any() for part in parts):
            x1 += 1
        elif not all(part[:, -1].any() for part in parts):
            x2 -= 1
        elif not all(part[0].any() for part in parts):
            y1 += 1
        elif not all(part[-1].any() for part in parts):
            y2 -= 1
        else:
            return [x1, y1, x2, y2]
    return None


def next_by_squares(points, chosen):
    best, most = 0, -1.0
    for k, (x, y) in enumerate(points):
        nearest = min((x - points[other][0]) ** 2 + (y - points[other][1]) ** 2 for other in chosen)
        if nearest > most:
            best, most = k, nearest
    return best


def next_in_numpy(points, chosen):
    places = np.array(points)
    away = np.hypot(*(places[:, None] - places[None, chosen]).transpose(2, 0, 1))
    return int(away.min(1).argmax())


def fold_by_unit_vectors(w, b, a1, a2, a):
    """Ask the function itself: what it gives for zeros and for each unit vector."""

    def both(n, c):
        return a1 @ (w @ (n - c) + b) + a2 @ c + a

    zero, units = np.zeros(len(b)), np.eye(len(b))
    constant = both(zero, zero)
    local = np.stack([both(unit, zero) - constant for unit in units], 1)
    return local, np.stack([both(zero, unit) - constant for unit in units], 1), constant


def fold_in_einsum(w, b, a1, a2, a):
    local = np.einsum("ij,jk->ik", a1, w)
    return [local, a2 - local, a + (a1 * b).sum(1)]


RIGHT_ANSWERS = {
    "14.written": (written_by_package, written_by_lines),
    "14.same_box": (same_box_by_package, same_box_by_peeling),
    "14.next_point": (next_by_squares, next_in_numpy),
    "14.fold": (fold_by_unit_vectors, fold_in_einsum),
}
TestExercises = exercise_tests(EXERCISES, RIGHT_ANSWERS)


class TestNextPoint:
    def test_again_and_again_it_is_the_package_s(self):
        points, chosen = torch.rand(30, 2, generator=torch.Generator().manual_seed(0), dtype=torch.double), [0]
        while len(chosen) < 10:
            chosen.append(next_in_numpy(points.tolist(), chosen))
        assert chosen == farthest_points(points[None], 10)[0].tolist()
        assert math.isfinite(points.sum())
