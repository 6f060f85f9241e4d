"""The exercise 16.once: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

Boxes = list[list[float]]
WINDOWS, CORES = [[0, 0, 100, 60], [80, 0, 180, 60]], [[0, 0, 90, 60], [90, 0, 180, 60]]
FOUR = (
    [[0, 0, 60, 60], [40, 0, 100, 60], [0, 40, 60, 100], [40, 40, 100, 100]],
    [[0, 0, 50, 50], [50, 0, 100, 50], [0, 50, 50, 100], [50, 50, 100, 100]],
)


def tiles(rng: np.random.Generator) -> list[Case]:
    """Boxes of each tile: one alone, one seen twice, one on the seam, a cut one, none; then random scenes in four."""
    cases: list[Case] = [
        ([[[10, 10, 30, 30]], []], WINDOWS, CORES),
        ([[[76, 10, 92, 20]], [[0, 10, 12, 20]]], WINDOWS, CORES),  # seen twice, the second time cut
        ([[[84, 10, 96, 20]], [[4, 10, 16, 20]]], WINDOWS, CORES),  # its centre on the seam: the right one's
        ([[[92, 10, 100, 20]], [[12, 10, 24, 20]]], WINDOWS, CORES),
        ([[], []], WINDOWS, CORES),
        ([[], [[5, 10, 25, 20]]], WINDOWS, CORES),  # the left tile did not know the part that it sees
        ([[[72, 10, 98, 20]], []], WINDOWS, CORES),
        ([[[86, 5, 90, 9]], [[6, 5, 10, 9], [10, 30, 40, 50], [80, 10, 95, 30]]], WINDOWS, CORES),
        ([[[0, 0, 10, 10]], [[80, 30, 99, 59]]], WINDOWS, CORES),
        ([[[70, 10, 94, 20], [88, 30, 99, 40]], [[0, 10, 14, 20], [8, 30, 19, 40]]], WINDOWS, CORES),
        ([[[40, 40, 60, 60]], [[0, 40, 20, 60]], [[40, 0, 60, 20]], [[0, 0, 20, 20]]], *FOUR),  # in the very middle
        ([[[45, 5, 54, 12]], [[5, 5, 14, 12]], [], [[30, 30, 55, 55]]], *FOUR),
    ]
    for _ in range(8):
        corners = rng.uniform(0, 85, (int(rng.integers(4, 12)), 2)).round(1)
        things = np.concatenate([corners, corners + rng.uniform(3, 15, corners.shape).round(1)], 1)
        found = []
        for x1, y1, x2, y2 in FOUR[0]:
            cut = np.clip(things, [x1, y1] * 2, [x2, y2] * 2) - [x1, y1, x1, y1]
            found.append(cut[(cut[:, 2] > cut[:, 0]) & (cut[:, 3] > cut[:, 1])].round(1).tolist())
        cases.append((found, *FOUR))
    return cases


def owned(
    place: Callable[[list[float]], tuple[float, float]] = lambda box: ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2),
    moved: bool = True,
    closed: bool = False,
) -> Callable[[list[Boxes], Boxes, Boxes], int]:
    """How many there are, or one of the wrong relatives."""

    def answer(found: list[Boxes], windows: Boxes, cores: Boxes) -> int:
        total = 0
        for boxes, window, core in zip(found, windows, cores, strict=True):
            left, top = (window[0], window[1]) if moved else (0, 0)
            x1, y1, x2, y2 = core
            for box in boxes:
                x, y = place(box)
                x, y = x + left, y + top
                total += x1 <= x <= x2 and y1 <= y <= y2 if closed else x1 <= x < x2 and y1 <= y < y2
        return total

    return answer


def whole(found: list[Boxes], windows: Boxes, cores: Boxes) -> int:
    """Boxes that lie in the core as a whole."""
    total = 0
    for boxes, (left, top, _, _), (x1, y1, x2, y2) in zip(found, windows, cores, strict=True):
        for a, b, c, d in boxes:
            total += x1 <= a + left and y1 <= b + top and c + left <= x2 and d + top <= y2
    return total


ONCE = Exercise(
    "16.once",
    tiles,
    mistakes=(
        written(
            "every box of every tile",
            "What lies where tiles overlap is found twice: count a box in the tile whose core holds its centre.",
            lambda found, windows, cores: sum(map(len, found)),
        ),
        written(
            "boxes not moved into the picture",
            "A box is in pixels of its tile, a core in pixels of the picture: add the window's x1 and y1 first.",
            owned(moved=False),
        ),
        written(
            "a thing on the seam counted twice",
            "A core ends before its right and lower border: x1 <= x < x2.",
            owned(closed=True),
        ),
        written(
            "the corner in place of the centre",
            "Ask where the centre lies: the upper left corner of a cut box is not that of the thing.",
            owned(place=lambda box: (box[0], box[1])),
        ),
        written(
            "the lower right corner in place of the centre",
            "Ask where the centre lies: ((x1 + x2) / 2, (y1 + y2) / 2).",
            owned(place=lambda box: (box[2], box[3])),
        ),
        written(
            "only things that lie in a core as a whole",
            "A thing across a seam lies in no core as a whole, and would be lost: its centre decides.",
            whole,
        ),
    ),
)
