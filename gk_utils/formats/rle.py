"""Segmentations as COCO writes them, and the pixels they stand for.

Three notations: polygons [[x, y, x, y, x, y ...] ...] whose union is meant; run lengths {"size": [height, width],
"counts": [off, on, off ...]}, down the columns, the first run off; and the same with the counts packed into a string.

Source: pycocotools, maskApi.c (rleFrPoly, rleFrString).
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor


def decode_mask(segmentation: list[Any] | dict[str, Any], image_hw: tuple[int, int]) -> Bool[Tensor, "h w"]:
    """Make the pixels of a segmentation of an image of `image_hw`. Only polygons need pycocotools.

    Raises:
        ValueError: the segmentation is malformed, or was made for an image of another size.

    >>> decode_mask({"size": [2, 3], "counts": [2, 3, 1]}, (2, 3)).int()
    tensor([[0, 1, 1],
            [0, 1, 0]], dtype=torch.int32)
    """
    check_segmentation(segmentation, image_hw)
    if isinstance(segmentation, list):
        from pycocotools import mask as rle

        counts = rle.merge(rle.frPyObjects(segmentation, *image_hw))["counts"].decode("ascii")
    else:
        counts = segmentation["counts"]
    runs = torch.tensor(_unpack(counts) if isinstance(counts, str) else counts)
    on = torch.arange(len(runs)) % 2 == 1
    return on.repeat_interleave(runs).reshape(image_hw[1], image_hw[0]).T.contiguous()


def encode_mask(mask: Bool[Tensor, "h w"]) -> dict[str, Any]:
    """Pack a mask into a string of run lengths; any device.

    >>> encode_mask(torch.tensor([[False, True], [False, True]]))
    {'size': [2, 2], 'counts': '22'}
    """
    from pycocotools import mask as rle

    packed = rle.encode(np.asfortranarray(mask.cpu().numpy(), dtype=np.uint8))
    return {"size": list(mask.shape), "counts": packed["counts"].decode("ascii")}


def check_segmentation(segmentation: Any, image_hw: tuple[int, int]) -> None:
    """Raise unless `segmentation` is in one of the three notations and fits an image of `image_hw`.

    What passes is safe to decode: pycocotools itself trusts the counts it is given.

    Raises:
        ValueError: neither polygons nor run lengths, a polygon of fewer than three points, another size, counts that
            do not add up to the pixels of the image, or a string that holds no counts.

    >>> check_segmentation({"size": [2, 3], "counts": [2, 3, 2]}, (2, 3))
    Traceback (most recent call last):
    ...
    ValueError: segmentation: expected counts of at least 0 that add up to 6 pixels, got [2, 3, 2]. Encode it again.
    """
    if isinstance(segmentation, list):
        bad = [polygon for polygon in segmentation or [None] if not _is_polygon(polygon)]
        if bad:
            wanted = "polygons [x, y, x, y, x, y ...]"
            raise ValueError(f"segmentation: expected {wanted}, got {bad[0]!r:.80}. Three points at least.")
        return
    if not isinstance(segmentation, dict) or segmentation.get("size") != list(image_hw):
        wanted = f"polygons, or run lengths of the image's size {list(image_hw)} (height, width)"
        raise ValueError(f"segmentation: expected {wanted}, got {segmentation!r:.80}. Is it another image's?")
    counts, pixels = segmentation.get("counts"), image_hw[0] * image_hw[1]
    runs = _unpack(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or not all(type(run) is int and run >= 0 for run in runs) or sum(runs) != pixels:
        wanted = f"counts of at least 0 that add up to {pixels} pixels"
        raise ValueError(f"segmentation: expected {wanted}, got {counts!r:.80}. Encode it again.")


def _is_polygon(points: Any) -> bool:
    """At least three points x, y, all numbers finite."""
    if not isinstance(points, list) or len(points) < 6 or len(points) % 2:
        return False
    return all(type(number) in (int, float) and abs(number) < 1e6 for number in points)


def _unpack(packed: str) -> list[int] | None:
    """The run lengths of a packed string; None if it holds none.

    A character holds five bits, the lowest first, and a sixth bit that says whether more follow; the highest of the
    last five is the sign. From the fourth run on, a run is written as its difference to the run two before it.
    """
    runs: list[int] = []
    value = shift = 0
    for bits in (ord(character) - 48 for character in packed):
        if not 0 <= bits < 64:
            return None
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            value -= (1 << shift) if bits & 16 else 0
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    return None if shift else runs
