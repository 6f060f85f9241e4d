"""The exercise 08.next_click: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np
import torch
from matplotlib.figure import Figure
from scipy.ndimage import distance_transform_edt, label
from torch import Tensor

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import on_result, written
from gk_utils.labs.mask_pictures import Prompted, show_prompted

Found = tuple[float, float, bool]
SIDE = 12


def filled(*boxes: tuple[int, int, int, int], hw: tuple[int, int] = (SIDE, SIDE + 2)) -> Tensor:
    """A mask of boxes, xyxy in whole pixels."""
    mask = torch.zeros(hw, dtype=torch.bool)
    for x1, y1, x2, y2 in boxes:
        mask[y1:y2, x1:x2] = True
    return mask


def wrong_masks(rng: np.random.Generator) -> list[Case]:
    """A mask and the truth: by hand, then random boxes."""
    ring = filled((2, 2, 11, 11))
    ring[4:9, 4:9] = False
    cases: list[Case] = [
        (filled(), filled((0, 0, 3, 3))),
        (filled((0, 0, 3, 3)), filled()),
        (filled((2, 2, 7, 7)), filled((2, 2, 13, 5))),  # an arm is missing, a part is too much
        (filled((0, 0, 6, 6)), filled((4, 0, 9, 6))),  # extra is larger, and touches nothing missing
        (filled((3, 3, 8, 8)), filled((3, 3, 8, 8))),  # nothing wrong
        (filled(), ring),  # the middle of the region lies outside of it
        (filled((0, 0, 14, 2)), filled((9, 5, 13, 9))),  # a long thin one, and a smaller one that is deeper
        (filled((1, 1, 4, 4)), filled((6, 6, 9, 9))),  # equal areas: the missing one
        (filled(), filled((0, 0, 5, 12))),  # at the edge of the picture
        (filled(), filled((1, 1, 4, 4), (4, 4, 7, 7))),  # corners touch: two regions
        (filled(), filled((1, 7, 4, 10), (8, 1, 11, 4))),  # equal: the first in label's order
        (filled((5, 2, 9, 6)), filled((2, 2, 5, 6))),  # missing and extra side by side
        (filled((3, 2, 7, 12)), filled((0, 2, 3, 11))),
        (filled((0, 0, 4, 4)), filled((6, 0, 9, 3), (6, 6, 9, 9))),  # two small missing ones, a larger extra one
    ]
    for _ in range(8):
        pair = []
        for _ in range(2):
            corners, sizes = rng.integers(0, 9, (2, 2)).tolist(), rng.integers(2, 6, (2, 2)).tolist()
            pair.append(filled(*[(x, y, x + w, y + h) for (x, y), (w, h) in zip(corners, sizes, strict=True)]))
        cases.append((pair[0], pair[1]))
    return cases


def regions_of(wrong: np.ndarray) -> list[np.ndarray]:
    """The connected regions, neighbours sharing a side."""
    numbers, count = label(wrong)
    return [numbers == k + 1 for k in range(count)]


def depths(region: np.ndarray, edge: bool = True) -> np.ndarray:
    """How far each pixel of a region lies from the nearest pixel outside."""
    if not edge:
        return distance_transform_edt(region)
    return distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]


def deepest(region: np.ndarray, edge: bool = True) -> tuple[float, float]:
    """Row and column of the deepest pixel, as numbers."""
    y, x = np.unravel_index(depths(region, edge).argmax(), region.shape)
    return float(y), float(x)


def middle(region: np.ndarray) -> tuple[float, float]:
    """The mean row and column."""
    y, x = np.nonzero(region)
    return float(y.mean()), float(x.mean())


def click_with(
    *,
    place: Callable[[np.ndarray], tuple[float, float]] = deepest,
    size: Callable[[np.ndarray], float] = lambda region: float(region.sum()),
    kinds: Callable[[np.ndarray, np.ndarray], list[tuple[np.ndarray, bool]]] = lambda said, truth: [
        (truth & ~said, True),
        (said & ~truth, False),
    ],
    split: Callable[[np.ndarray], list[np.ndarray]] = regions_of,
    half: float = 0.5,
    nothing: Callable[[np.ndarray], np.ndarray] = lambda truth: truth,
):
    """The right click, or one of its wrong relatives."""

    def answer(said: Tensor, truth: Tensor) -> Found:
        mask, true = said.numpy(), truth.numpy()
        largest, region, on = 0.0, nothing(true), True
        for wrong, missing in kinds(mask, true):
            for one in split(wrong):
                if size(one) > largest:
                    largest, region, on = size(one), one, missing
        y, x = place(region)
        return x + half, y + half, bool(on)

    return answer


def merged(said: Tensor, truth: Tensor) -> Found:
    """Missing and extra pixels in one region; the kind of the pixel that is hit."""
    mask, true = said.numpy(), truth.numpy()
    if not (mask ^ true).any():
        return click_with()(said, truth)
    region = max(regions_of(mask ^ true), key=np.sum)
    y, x = deepest(region)
    return x + 0.5, y + 0.5, bool(true[int(y), int(x)])


def whole_error(wrong: np.ndarray) -> list[np.ndarray]:
    """All wrong pixels of a kind as if they were one region."""
    return [wrong] if wrong.any() else []


def with_corners(wrong: np.ndarray) -> list[np.ndarray]:
    """Regions whose corners touch taken for one."""
    numbers, count = label(wrong, np.ones((3, 3)))
    return [numbers == k + 1 for k in range(count)]


def draw_click(case: Case, expected: Found, got: object) -> Figure:
    """The mask with the truth dashed, and the click that was expected and the one that was made."""
    said, truth = case
    grey = torch.full((3, *truth.shape), 0.8)
    panels = [Prompted(grey, said, truth, [expected], title="expected")]
    if isinstance(got, tuple | list) and len(got) == 3:
        x, y, on = got
        panels.append(Prompted(grey, said, truth, [(float(x), float(y), bool(on))], title="got"))
    return show_prompted(panels, columns=2)


NEXT_CLICK = Exercise(
    "08.next_click",
    wrong_masks,
    mistakes=(
        written(
            "the index in place of the centre",
            "Continuous places count from the edge: the centre of pixel i lies at i + 0.5.",
            click_with(half=0.0),
        ),
        written(
            "missing and extra pixels in one region",
            "Label the two kinds apart: a region of both has no one label.",
            merged,
        ),
        written(
            "missing pixels alone",
            "What is too much is wrong as well: a click beside the object.",
            click_with(kinds=lambda said, truth: [(truth & ~said, True)]),
        ),
        written(
            "regions not told apart",
            "Take the largest connected region, not all wrong pixels of a kind.",
            click_with(split=whole_error),
        ),
        written(
            "regions whose corners touch taken for one",
            "Neighbours share a side, as `label` has it.",
            click_with(split=with_corners),
        ),
        written(
            "the deepest region in place of the largest",
            "Largest means most pixels; a long thin region may be the largest.",
            click_with(size=lambda region: float(depths(region).max())),
        ),
        written(
            "the mean of the region in place of its deepest pixel",
            "The mean of a ring lies outside of it.",
            click_with(place=middle),
        ),
        written(
            "the picture's edge taken for inside",
            "Beyond the picture is outside: pad the region before the distances.",
            click_with(place=lambda region: deepest(region, edge=False)),
        ),
        on_result(
            "x and y swapped",
            "x is the column, y the row.",
            lambda found: (found[1], found[0], found[2]),
        ),
        on_result(
            "on and beside exchanged",
            "A missing region is clicked as on the object.",
            lambda found: (found[0], found[1], not found[2]),
        ),
    ),
    draw=draw_click,
)
