"""The exercise 14.same_box: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from gk_utils import viz
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import on_result, written

Masks = np.ndarray
Box = list[int] | None


def plane(*rows: str) -> np.ndarray:
    """A mask from its picture: "#" is inside."""
    return np.array([[cell == "#" for cell in row] for row in rows])


def overlapping(rng: np.random.Generator) -> list[Case]:
    """Pairs of masks: that of the lesson, one cut, several cuts, none, empty; then blobs that hide each other."""
    cases: list[Case] = [
        (plane("##..", "##..", "..##"), plane("..##", ".#..", "##..")),
        (plane("..##..", "######", "######"), plane("##..##", "#....#", "#....#")),
        (plane("#....", "##...", "###..", "####.", "#####"), plane("....#", "...#.", "..#..", ".#...", "....#")),
        (plane("##...", "##..."), plane("...##", "...##")),
        (plane("....", "...."), plane("####", "####")),
        (plane("##.", "##.", "..."), plane(".##", ".##", "...")),
        (plane("#.#.#", ".#.#.", "#####"), plane(".....", "#...#", ".###.")),
        (plane("..#", "###"), plane("#..", "###")),
    ]
    while len(cases) < 18:
        height, width = (int(side) for side in rng.integers(7, 12, 2))
        y, x = np.mgrid[0:height, 0:width]
        front, behind = (
            np.hypot((x - rng.uniform(2, width - 2)) / rng.uniform(1.5, 4), (y - rng.uniform(2, height - 2)) / 3) < 1
            for _ in range(2)
        )
        cases.append((front, behind & ~front & (rng.random((height, width)) < 0.9)))
    return cases


def tight(mask: np.ndarray) -> Box:
    """The tight box of a mask."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return None
    return [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]


def common(first: Box, second: Box) -> Box:
    """What two boxes share."""
    if first is None or second is None:
        return None
    x1, y1 = max(first[0], second[0]), max(first[1], second[1])
    x2, y2 = min(first[2], second[2]), min(first[3], second[3])
    return [x1, y1, x2, y2] if x1 < x2 and y1 < y2 else None


def inside(mask: np.ndarray, box: list[int]) -> np.ndarray:
    """The mask within a box."""
    cut = np.zeros_like(mask)
    cut[box[1] : box[3], box[0] : box[2]] = mask[box[1] : box[3], box[0] : box[2]]
    return cut


def cut_times(times: int) -> Callable[[Masks, Masks], Box]:
    """The box after so many cuts, whether or not both fill it."""

    def answer(mask1: Masks, mask2: Masks) -> Box:
        box = None
        for _ in range(times):
            box = common(tight(mask1), tight(mask2))
            if box is None:
                return None
            mask1, mask2 = inside(mask1, box), inside(mask2, box)
        return box

    return answer


def only_if_at_once(mask1: Masks, mask2: Masks) -> Box:
    """One cut, and None where that is not enough."""
    box = cut_times(1)(mask1, mask2)
    return box if box is not None and tight(inside(mask1, box)) == tight(inside(mask2, box)) == box else None


def first_fills(mask1: Masks, mask2: Masks) -> Box:
    """Goes on until the first mask fills the box."""
    while True:
        box = common(tight(mask1), tight(mask2))
        if box is None:
            return None
        mask1, mask2 = inside(mask1, box), inside(mask2, box)
        if tight(mask1) == box:
            return box


def draw_pair(case: Case, expected: Box, got: object) -> Figure:
    """Both masks, one grey and one black, with both answers in the title."""
    shade = np.ones(case[0].shape)
    shade[case[0]], shade[case[1]] = 0.6, 0.1
    return viz.show_grid([viz.Picture(np.kron(shade, np.ones((16, 16))), title=f"expected {expected}, got {got}")])


SAME_BOX = Exercise(
    "14.same_box",
    overlapping,
    mistakes=(
        written(
            "one cut alone",
            "Inside what both boxes share, both parts have new tight boxes: cut again until they are equal.",
            cut_times(1),
        ),
        written(
            "two cuts alone",
            "Some masks need more cuts: go on while the two boxes differ.",
            cut_times(2),
        ),
        written(
            "given up after one cut",
            "If the parts do not fill the common box, cut both to it and try again.",
            only_if_at_once,
        ),
        written(
            "one of the two parts fills the box",
            "Both must: compare the tight boxes of both parts with each other.",
            first_fills,
        ),
        written(
            "where both masks have pixels",
            "Things do not share pixels. Cut each mask to the box that their boxes share.",
            lambda mask1, mask2: tight(mask1 & mask2),
        ),
        written(
            "the box of both together",
            "That box holds both, but neither fills it. Take what their boxes share.",
            lambda mask1, mask2: tight(mask1 | mask2),
        ),
        on_result(
            "the last pixel left out",
            "A box ends behind its last pixel: the largest index plus 1.",
            lambda box: None if box is None else [box[0], box[1], box[2] - 1, box[3] - 1],
        ),
        on_result(
            "y before x",
            "The order is x1, y1, x2, y2; np.nonzero gives rows first.",
            lambda box: None if box is None else [box[1], box[0], box[3], box[2]],
        ),
    ),
    draw=draw_pair,
)
