"""Regions as values: a point, a box, a scribble, a polygon or a free form, and the pixels that each stands for.

Coordinates are continuous pixels, x to the right and y down from the upper left corner of the picture; the centre of
the first pixel is (0.5, 0.5). One rule for all: **a pixel belongs to a region if its centre does**. A form so thin or
small that it misses every centre stands for the pixels that its points lie in: whatever touches the picture has at
least one pixel. What lies outside of the picture has none.

Source: You et al. 2023, "Ferret", arXiv:2310.07704, section 3.1. Notebook: 14.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from gk_utils.errors import check_hw

POINT_RADIUS = 5.0  # pixels; Ferret's code takes a square of 11 x 11 around a point
STROKE_WIDTH = 5.0
Place = tuple[float, float]


@dataclass(frozen=True)
class PointRegion:
    """A disc around a point: the pixels whose centres are at most `radius` away from (x, y)."""

    x: float
    y: float
    radius: float = POINT_RADIUS


@dataclass(frozen=True)
class BoxRegion:
    """A box xyxy: the pixels whose centres are in [x1, x2) and [y1, y2), so that boxes side by side share none."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class ScribbleRegion:
    """Strokes of a pen: the pixels whose centres are at most `width` / 2 away from a line through a stroke's places."""

    strokes: tuple[tuple[Place, ...], ...]
    width: float = STROKE_WIDTH


@dataclass(frozen=True)
class PolygonRegion:
    """A closed line: the pixels whose centres it goes round an odd number of times (even-odd rule).

    A centre on the line belongs to the region below it and to the right of it.
    """

    corners: tuple[Place, ...]


@dataclass(frozen=True, eq=False)
class FreeFormRegion:
    """Any pixels: what a person painted, or a model cut out."""

    pixels: Bool[Tensor, "h w"]


Region = PointRegion | BoxRegion | ScribbleRegion | PolygonRegion | FreeFormRegion


def region_mask(region: Region, image_hw: tuple[int, int]) -> Bool[Tensor, "h w"]:
    """The pixels of a region in a picture of this size.

    A scribble without places, a polygon without corners and a free form without pixels are empty, not errors.

    Raises:
        TypeError: no region.
        ValueError: numbers that are not finite, a box with its corners in the wrong order, a radius or width below 0,
            a free form of another picture's size.

    >>> region_mask(BoxRegion(0.5, 0, 2.5, 1), (2, 4)).int()
    tensor([[1, 1, 0, 0],
            [0, 0, 0, 0]], dtype=torch.int32)
    >>> region_mask(ScribbleRegion((((1.5, 0.5), (1.5, 1.5)),), width=1), (2, 3)).int()
    tensor([[0, 1, 0],
            [0, 1, 0]], dtype=torch.int32)
    """
    check_hw(image_hw)
    height, width = image_hw
    if isinstance(region, FreeFormRegion):
        if tuple(region.pixels.shape) != (height, width):
            raise ValueError(
                f"region: expected the pixels of a picture of {height} x {width}, got "
                f"{tuple(region.pixels.shape)}. Resize the mask with the picture."
            )
        return region.pixels.cpu()
    _check(region)
    y, x = np.mgrid[0:height, 0:width] + 0.5
    if isinstance(region, PointRegion):
        mask, places = np.hypot(x - region.x, y - region.y) <= region.radius, [(region.x, region.y)]
    elif isinstance(region, BoxRegion):
        mask = (x >= region.x1) & (x < region.x2) & (y >= region.y1) & (y < region.y2)
        places = [((region.x1 + region.x2) / 2, (region.y1 + region.y2) / 2)]
    elif isinstance(region, ScribbleRegion):
        mask, places = _near(x, y, region), [place for stroke in region.strokes for place in stroke]
    else:
        mask, places = _inside(x, y, region.corners), list(region.corners)
    if not mask.any():
        for at_x, at_y in places:
            if 0 <= at_x < width and 0 <= at_y < height:
                mask[int(at_y), int(at_x)] = True
    return torch.from_numpy(mask)


def reference_numbers(region: Region, image_hw: tuple[int, int]) -> tuple[float, ...]:
    """What words can say of a region: x, y of a point; of anything else x1, y1, x2, y2 of the box of its pixels.

    Pixels. Zeros where the region is empty.

    >>> reference_numbers(ScribbleRegion((((1.5, 0.5), (1.5, 1.5)),), width=1), (2, 3))
    (1.0, 0.0, 2.0, 2.0)
    """
    if isinstance(region, PointRegion):
        return (float(region.x), float(region.y))
    return mask_box(region_mask(region, image_hw))


def mask_box(mask: Bool[Tensor, "h w"]) -> tuple[float, float, float, float]:
    """The tight box xyxy of a mask, continuous pixels; zeros where it is empty.

    >>> mask_box(torch.tensor([[False, True], [False, True]]))
    (1.0, 0.0, 2.0, 2.0)
    """
    rows, columns = mask.any(1).nonzero().flatten().tolist(), mask.any(0).nonzero().flatten().tolist()
    if not rows:
        return (0.0, 0.0, 0.0, 0.0)
    return (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


def _near(x: np.ndarray, y: np.ndarray, scribble: ScribbleRegion) -> np.ndarray:
    """The centres that are near enough to some line of some stroke; a stroke of one place is a dot."""
    mask = np.zeros(x.shape, bool)
    for stroke in scribble.strokes:
        for (x1, y1), (x2, y2) in zip(stroke[:-1] or stroke, stroke[1:] or stroke, strict=True):
            length = (x2 - x1) ** 2 + (y2 - y1) ** 2
            share = np.clip(((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length, 0, 1) if length else 0.0
            away = np.hypot(x - x1 - share * (x2 - x1), y - y1 - share * (y2 - y1))
            mask |= away <= scribble.width / 2
    return mask


def _inside(x: np.ndarray, y: np.ndarray, corners: Sequence[Place]) -> np.ndarray:
    """Whether a ray to the left of each centre crosses the line an odd number of times."""
    mask = np.zeros(x.shape, bool)
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], *corners[:1]], strict=True):
        if y1 != y2:
            crosses = (y >= min(y1, y2)) & (y < max(y1, y2))
            mask ^= crosses & (x >= x1 + (y - y1) * (x2 - x1) / (y2 - y1))
    return mask


def _check(region: Region) -> None:
    if isinstance(region, PointRegion):
        numbers, length = [region.x, region.y], region.radius
    elif isinstance(region, BoxRegion):
        numbers, length = [region.x1, region.y1, region.x2, region.y2], 0.0
    elif isinstance(region, ScribbleRegion):
        numbers = [number for stroke in region.strokes for place in stroke for number in place]
        length = region.width
    elif isinstance(region, PolygonRegion):
        numbers, length = [number for place in region.corners for number in place], 0.0
    else:
        raise TypeError(f"region: expected a region, got {type(region).__name__}. Use a class of region_forms.")
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"region: expected finite numbers, got {region}. Find where they were made.")
    if not (math.isfinite(length) and length >= 0):
        raise ValueError(f"region: expected a radius or width of at least 0, got {length}. It is in pixels.")
    if isinstance(region, BoxRegion) and not (region.x1 <= region.x2 and region.y1 <= region.y2):
        raise ValueError(f"region: expected x1 <= x2 and y1 <= y2, got {numbers}. Is it xywh?")
