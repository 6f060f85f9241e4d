"""Counting in tiles: cut a large picture into overlapping windows, count in each, and count nothing twice.

A counter works at one size of picture. A larger one can be shrunk, and its things with it, or cut. Cut without overlap,
a thing on a seam is seen in two halves; cut with overlap, it is seen twice. The rule here: every tile has a **core**,
the cores share the picture out without gap or overlap, and a thing belongs to the tile whose core holds its centre.

It is exact where it can be: a thing no wider and no higher than the overlap is seen whole by the tile that owns its
centre, and the part of it that another tile sees has its centre in that tile's rim, so it is dropped there. A larger
thing may be lost or counted twice.

Notebook: 16.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torchvision
from jaxtyping import Bool, Float
from torch import Tensor

from gk_utils.errors import check_boxes, check_hw, check_same_length


@dataclass(frozen=True)
class Tile:
    """A window of a picture, and the part of it that it owns; both x1, y1, x2, y2 in pixels of the picture.

    A core holds its upper and left border; that at the end of the picture holds the other two as well (`last`).
    """

    window: tuple[int, int, int, int]
    core: tuple[int, int, int, int]
    last: tuple[bool, bool] = (True, True)  # in x, in y

    def owns(self, points: Float[Tensor, "n 2"]) -> Bool[Tensor, " n"]:
        """Which points x, y of the picture lie in the core.

        >>> Tile((0, 0, 8, 8), (0, 0, 6, 8), last=(False, True)).owns(torch.tensor([[5.9, 8.0], [6.0, 1.0]]))
        tensor([ True, False])
        """
        low, high = (torch.tensor(side, dtype=points.dtype) for side in (self.core[:2], self.core[2:]))
        last = torch.tensor(self.last)
        return ((points >= low) & ((points < high) | (last & (points == high)))).all(-1)


def cut_tiles(image_hw: tuple[int, int], side: int, overlap: int) -> tuple[Tile, ...]:
    """Windows `side` pixels wide and high that cover the picture, row by row, each `overlap` pixels into its neighbour.

    All have one size, so that they make a batch: the last of a row is moved back into the picture and overlaps more. A
    side shorter than `side` is not cut.

    Raises:
        ValueError: an overlap that is odd (its middle is where cores meet), negative, or not below `side`.

    >>> [tile.window for tile in cut_tiles((100, 220), side=100, overlap=20)]
    [(0, 0, 100, 100), (80, 0, 180, 100), (120, 0, 220, 100)]
    >>> [tile.core for tile in cut_tiles((100, 220), side=100, overlap=20)]
    [(0, 0, 90, 100), (90, 0, 150, 100), (150, 0, 220, 100)]
    """
    check_hw(image_hw)
    if overlap % 2 or not 0 <= overlap < side:
        raise ValueError(f"overlap: expected an even number from 0 to below {side}, got {overlap}. Change one of both.")
    rows, columns = (_cut(length, side, overlap) for length in image_hw)
    return tuple(
        Tile((x1, y1, x2, y2), (left, top, right, bottom), (right == image_hw[1], bottom == image_hw[0]))
        for y1, y2, top, bottom in rows
        for x1, x2, left, right in columns
    )


def take_tiles(image: Float[Tensor, "c h w"], tiles: Sequence[Tile]) -> Float[Tensor, "t c side_h side_w"]:
    """What the tiles show of a picture, as a batch.

    >>> tiles = cut_tiles((4, 6), side=4, overlap=2)
    >>> take_tiles(torch.arange(24.0).reshape(1, 4, 6), tiles)[:, 0, 0].tolist()
    [[0.0, 1.0, 2.0, 3.0], [2.0, 3.0, 4.0, 5.0]]
    """
    return torch.stack([image[:, y1:y2, x1:x2] for x1, y1, x2, y2 in (tile.window for tile in tiles)])


def join_boxes(found: Sequence[Float[Tensor, "_ 4"]], tiles: Sequence[Tile]) -> Float[Tensor, "n 4"]:
    """The boxes of all tiles in pixels of the picture, each thing once: a tile keeps those whose centre it owns.

    Args:
        found: the boxes of each tile, in pixels of the tile.
        tiles: as from `cut_tiles`.

    Raises:
        TypeError, ValueError: not boxes, or not one list of them a tile.

    >>> tiles = cut_tiles((100, 180), side=100, overlap=20)
    >>> join_boxes([torch.tensor([[84.0, 10, 94, 20]]), torch.tensor([[4.0, 10, 14, 20]])], tiles)
    tensor([[84., 10., 94., 20.]])
    """
    check_same_length(found, tiles, ("found", "tiles"))
    kept = []
    for boxes, tile in zip(found, tiles, strict=True):
        check_boxes(boxes, "found")
        moved = boxes + torch.tensor(tile.window[:2] * 2, dtype=boxes.dtype)
        kept.append(moved[tile.owns((moved[:, :2] + moved[:, 2:]) / 2)])
    return torch.cat(kept)


def join_points(found: Sequence[Float[Tensor, "_ 2"]], tiles: Sequence[Tile]) -> Float[Tensor, "n 2"]:
    """The points of all tiles in pixels of the picture, each once: a tile keeps those in its core.

    >>> tiles = cut_tiles((100, 180), side=100, overlap=20)
    >>> join_points([torch.tensor([[89.0, 15]]), torch.tensor([[9.0, 15]])], tiles)
    tensor([[89., 15.]])
    """
    check_same_length(found, tiles, ("found", "tiles"))
    moved = [
        points + torch.tensor(tile.window[:2], dtype=points.dtype) for points, tile in zip(found, tiles, strict=True)
    ]
    return torch.cat([points[tile.owns(points)] for points, tile in zip(moved, tiles, strict=True)])


def join_densities(
    found: Float[Tensor, "t side_h side_w"], tiles: Sequence[Tile], image_hw: tuple[int, int]
) -> Float[Tensor, "h w"]:
    """The density of the picture, a number a pixel: in its core each tile has the say.

    Mass that a kernel spreads over a seam is cut there on both sides, and both parts are kept.

    >>> tiles = cut_tiles((2, 6), side=4, overlap=2)
    >>> join_densities(torch.tensor([1.0, 2.0])[:, None, None].expand(2, 2, 4), tiles, (2, 6)).tolist()
    [[1.0, 1.0, 1.0, 2.0, 2.0, 2.0], [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]]
    """
    check_same_length(found, tiles, ("found", "tiles"))
    density = found.new_zeros(image_hw)
    for plane, tile in zip(found, tiles, strict=True):
        (x1, y1, x2, y2), (left, top, _, _) = tile.core, tile.window
        density[y1:y2, x1:x2] = plane[y1 - top : y2 - top, x1 - left : x2 - left]
    return density


def join_by_nms(
    found: Sequence[Float[Tensor, "_ 4"]],
    scores: Sequence[Float[Tensor, " _"]],
    tiles: Sequence[Tile],
    iou_threshold: float = 0.5,
) -> Float[Tensor, "n 4"]:
    """The usual other way, to compare with: all boxes of all tiles, then non-maximum suppression over the picture.

    Half a thing and the whole thing overlap too little to be recognised as one, and of two things that do overlap one
    may be taken away: this way has a threshold to choose, and no guarantee.

    >>> tiles = cut_tiles((100, 180), side=100, overlap=20)
    >>> halves = [torch.tensor([[70.0, 10, 100, 20]]), torch.tensor([[0.0, 10, 12, 20]])]  # one thing, 70 to 92
    >>> len(join_by_nms(halves, [torch.ones(1), torch.ones(1)], tiles)), len(join_boxes(halves, tiles))
    (2, 1)
    """
    check_same_length(found, tiles, ("found", "tiles"))
    moved = [
        boxes + torch.tensor(tile.window[:2] * 2, dtype=boxes.dtype) for boxes, tile in zip(found, tiles, strict=True)
    ]
    boxes = torch.cat(moved)
    return boxes[torchvision.ops.nms(boxes, torch.cat(list(scores)), iou_threshold)]


def find_in_tiles(
    image: Float[Tensor, "c h w"],
    find: Callable[[Float[Tensor, "t c side_h side_w"]], Sequence[Float[Tensor, "_ 4"]]],
    *,
    side: int,
    overlap: int,
) -> Float[Tensor, "n 4"]:
    """Cut, find in one batch, join: boxes in pixels of the picture; their number is the count.

    Args:
        image: a picture of any size.
        find: given the tiles as a batch, returns the boxes of each in pixels of the tile.
        side: of the tiles, as in `cut_tiles`.
        overlap: as in `cut_tiles`; it should be at least as long as the longest thing.

    >>> find_in_tiles(torch.zeros(3, 50, 90), lambda tiles: [torch.zeros(0, 4)] * len(tiles), side=50, overlap=10).shape
    torch.Size([0, 4])
    """
    tiles = cut_tiles((image.shape[1], image.shape[2]), side, overlap)
    return join_boxes(find(take_tiles(image, tiles)), tiles)


def _cut(length: int, side: int, overlap: int) -> list[tuple[int, int, int, int]]:
    """Along one side of the picture: start and end of each window, start and end of its core."""
    side = min(side, length)
    step = max(1, side - overlap)
    starts = [*range(0, length - side, step), length - side]
    seams = [(left + side + right) // 2 for left, right in pairwise(starts)]
    return [(a, a + side, low, high) for a, low, high in zip(starts, [0, *seams], [*seams, length], strict=True)]
