"""Masks as run lengths, several at once and on the device where they lie.

Only where the value changes is looked at: that is a few thousand places of a million pixels, and no mask leaves a GPU.
"""

import importlib.util
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from gk_utils.formats.rle import decode_mask

HAS_COCO_TOOLS = importlib.util.find_spec("pycocotools") is not None


def encode_masks(masks: Bool[Tensor, "n h w"]) -> tuple[dict[str, Any], ...]:
    """COCO's run lengths of each mask: down the columns, the first run off.

    The counts are packed into a string where pycocotools is installed, and a list of numbers where it is not:
    `formats.rle.decode_mask` and pycocotools read both.

    >>> from gk_utils.formats.rle import decode_mask
    >>> masks = torch.tensor([[[0, 1], [0, 1]], [[1, 0], [0, 0]]]).bool()
    >>> [decode_mask(one, (2, 2)).tolist() for one in encode_masks(masks)]
    [[[False, True], [False, True]], [[True, False], [False, False]]]
    """
    n, height, width = masks.shape
    pixels = height * width
    line = masks.transpose(1, 2).reshape(n, pixels)  # down the columns
    changes = line.clone()
    changes[:, 1:] ^= line[:, :-1]  # the first pixel changes if it is on: a run off comes first
    mask, place = changes.nonzero(as_tuple=True)
    places = place.tolist()
    starts = [0, *torch.bincount(mask, minlength=n).cumsum(0).tolist()]
    found = []
    for first, last in pairwise(starts):
        at = [0, *places[first:last], pixels]
        counts = [b - a for a, b in pairwise(at)]
        found.append({"size": [height, width], "counts": counts})
    return tuple(map(_pack, found)) if HAS_COCO_TOOLS else tuple(found)


def mask_areas(masks: Sequence[dict[str, Any]]) -> list[int]:
    """How many pixels of each mask are on, from its run lengths.

    >>> mask_areas(({"size": [2, 3], "counts": [2, 3, 1]},))
    [3]
    """
    return [_area(one) for one in masks]


def _area(mask: dict[str, Any]) -> int:
    if isinstance(mask["counts"], list):
        return sum(mask["counts"][1::2])
    if not HAS_COCO_TOOLS:
        return int(decode_mask(mask, tuple(mask["size"])).sum())
    from pycocotools import mask as rle

    return int(rle.area(mask))


def _pack(run_lengths: dict[str, Any]) -> dict[str, Any]:
    from pycocotools import mask as rle

    packed = rle.frPyObjects(run_lengths, *run_lengths["size"])
    return {"size": run_lengths["size"], "counts": packed["counts"].decode("ascii")}
