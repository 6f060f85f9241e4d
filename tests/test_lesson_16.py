"""The exercises of lesson 16 are sound: right answers pass however they are written, mistakes fail by their name."""

import math

import numpy as np
import torch
from exercise_tests import exercise_tests

from gk_utils.classroom.exercises.counting import EXERCISES
from gk_utils.counting.tiling import Tile, join_boxes


def mass_by_softmax(points, length, sigma):
    if not points:
        return [0.0] * length
    away = torch.arange(length, dtype=torch.double) + 0.5 - torch.tensor(points, dtype=torch.double)[:, None]
    return (-(away**2) / (2 * sigma**2)).softmax(1).sum(0).tolist()


def mass_by_loops(points, length, sigma):
    total = [0] * length
    for point in points:
        row = [math.exp(-0.5 * ((cell + 0.5 - point) / sigma) ** 2) for cell in range(length)]
        for cell in range(length):
            total[cell] += row[cell] / sum(row)
    return total


def cut_in_numpy(scores, true, cuts):
    counts = np.array([[np.sum(np.array(row) >= least) for row in scores] for least in cuts])
    return cuts[int(np.abs(counts - np.array(true)).mean(1).argmin())]


def cut_by_going_through(scores, true, cuts):
    best, least = None, math.inf
    for cut in cuts:
        off = 0
        for row, number in zip(scores, true, strict=True):
            off += abs(len([score for score in row if score >= cut]) - number)
        if off < least:
            best, least = cut, off
    return best


def once_by_package(found, windows, cores):
    right, bottom = max(core[2] for core in cores), max(core[3] for core in cores)
    tiles = [
        Tile(tuple(window), tuple(core), (core[2] == right, core[3] == bottom))
        for window, core in zip(windows, cores, strict=True)
    ]
    boxes = [torch.tensor(one, dtype=torch.double).reshape(-1, 4) for one in found]
    return len(join_boxes(boxes, tiles))


def once_with_arrays(found, windows, cores):
    total = 0
    for boxes, window, core in zip(found, windows, cores, strict=True):
        if boxes:
            table = np.array(boxes)
            middle = (table[:, :2] + table[:, 2:]) / 2 + window[:2]
            total += int(((middle >= core[:2]) & (middle < core[2:])).all(1).sum())
    return total


def by_true_in_numpy(said, true, edges):
    bins, off = np.digitize(true, edges), np.abs(np.subtract(said, true))
    return [float(off[bins == k].mean()) if (bins == k).any() else None for k in range(1, len(edges))]


def by_true_by_filters(said, true, edges):
    result = []
    for k in range(len(edges) - 1):
        mine = [abs(s - t) for s, t in zip(said, true, strict=True) if t in range(edges[k], edges[k + 1])]
        result.append(sum(mine) / len(mine) if mine else None)
    return tuple(result)


RIGHT_ANSWERS = {
    "16.kept_mass": (mass_by_softmax, mass_by_loops),
    "16.best_cut": (cut_in_numpy, cut_by_going_through),
    "16.once": (once_by_package, once_with_arrays),
    "16.by_true": (by_true_in_numpy, by_true_by_filters),
}
TestExercises = exercise_tests(EXERCISES, RIGHT_ANSWERS)
