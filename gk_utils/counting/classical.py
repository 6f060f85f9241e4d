"""Counting without learning: a threshold, connected regions, and watershed for those that touch.

It works where things are brighter (or darker) than everything else, and it fails for reasons that one can see:

- a light that falls off across the picture is brighter in one corner than things are in another (`flatten_background`
  takes that away);
- noise makes regions of its own (`least_area`);
- things that touch are one region (`split_touching` cuts at their waists), and a thing with a waist is cut in two;
- nothing here knows *what* is counted.

A right number is no proof: on the photograph of 24 coins a plain threshold finds 24 regions, and one of them is a coin
and a broad strip of background. Hold the boxes against the truth as well.

Source: Otsu, A threshold selection method from gray-level histograms, IEEE Trans. SMC 1979; Vincent and Soille,
Watersheds in digital spaces, PAMI 1991. Notebook: 16.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Integer, Real
from scipy import ndimage
from torch import Tensor

BINS = 256


@dataclass(frozen=True, eq=False)
class Regions:
    """Regions of a picture: `labels` are 0 outside and 1 to n inside; boxes in the same order, xyxy, pixels."""

    labels: Integer[np.ndarray, "h w"]
    boxes: Float[Tensor, "n 4"]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.boxes)


def otsu_threshold(values: Real[np.ndarray, "..."]) -> float:
    """The threshold that parts the values into two groups of least spread; the upper group is `values > threshold`.

    Least spread within the groups is the same as most between them, n0 n1 (m0 - m1)². Whole numbers have a bin each,
    others 256 bins from the least to the largest. Of equal thresholds the lowest; equal values are their own.

    Raises:
        ValueError: no values, or one that is not finite.

    >>> otsu_threshold(np.array([0, 1, 1, 9, 10, 10]))
    1.0
    """
    values = np.asarray(values)
    if not values.size or not np.isfinite(values).all():
        raise ValueError("values: expected finite numbers, at least one, got others. Is the picture empty?")
    low, high = values.min(), values.max()
    if low == high:
        return float(low)
    if np.issubdtype(values.dtype, np.integer):
        numbers = np.bincount((values.astype(np.int64) - int(low)).ravel())
        centres = np.arange(int(low), int(high) + 1, dtype=np.float64)
    else:
        numbers, edges = np.histogram(values, BINS)
        centres = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(numbers)[:-1].astype(
        np.float64
    )  # of the lower group, for a threshold at each centre but the last
    above = values.size - below
    mass = np.cumsum(numbers * centres)
    apart = mass[:-1] / below - (mass[-1] - mass[:-1]) / above
    return float(centres[np.argmax(below * above * apart**2)])


def flatten_background(grey: Real[np.ndarray, "h w"], sigma: float = 40.0) -> Float[np.ndarray, "h w"]:
    """The picture less its own blur: what is brighter than the surroundings, whatever the light there.

    Args:
        grey: a picture of one channel.
        sigma: of the blur, in pixels: well above the size of a thing, well below that of the picture.

    >>> ramp = np.tile(np.arange(200.0), (40, 1))
    >>> float(np.abs(flatten_background(ramp, 5)[:, 30:-30]).max()) < 1e-6
    True
    """
    grey = np.asarray(grey, dtype=np.float64)
    return grey - ndimage.gaussian_filter(grey, sigma)


def count_components(mask: Bool[np.ndarray, "h w"], least_area: int = 1) -> Regions:
    """Connected regions (pixels that share a side) of at least so many pixels; holes are filled first.

    >>> mask = np.array([[1, 1, 0, 1], [0, 0, 0, 1], [1, 0, 0, 0]], bool)
    >>> count_components(mask).count, count_components(mask, least_area=2).boxes.tolist()
    (3, [[0.0, 0.0, 2.0, 1.0], [3.0, 0.0, 4.0, 2.0]])
    """
    labels, _ = ndimage.label(ndimage.binary_fill_holes(mask))
    return _regions(labels, least_area)


def split_touching(mask: Bool[np.ndarray, "h w"], apart: int = 10, least_radius: float = 5.0) -> Regions:
    """Regions as `count_components`, cut at their waists: a region for each hill of the distance to the outside.

    The distance (smoothed by 2 pixels) is highest in the middle of a round thing; water that rises from those middles
    meets at the waist. Things of odd shape have several middles, and are counted as many.

    Args:
        mask: what belongs to a thing.
        apart: two middles are at least so many pixels apart.
        least_radius: a middle is at least so many pixels from the outside.

    >>> y, x = np.mgrid[0:40, 0:70]
    >>> touching = (np.hypot(x - 20, y - 20) < 15) | (np.hypot(x - 46, y - 20) < 15)
    >>> count_components(touching).count, split_touching(touching).count
    (1, 2)
    """
    from skimage.feature import peak_local_max
    from skimage.segmentation import watershed

    filled = ndimage.binary_fill_holes(mask)
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(filled), 2)
    middles = peak_local_max(distance, min_distance=apart, threshold_abs=least_radius, exclude_border=False)
    markers = np.zeros(filled.shape, dtype=np.int32)
    markers[tuple(middles.T)] = np.arange(1, len(middles) + 1)
    return _regions(watershed(-distance, markers, mask=filled), 1)


def _regions(labels: np.ndarray, least_area: int) -> Regions:
    """Keep the labels of enough pixels, number them anew, and box them."""
    enough = np.bincount(labels.ravel(), minlength=1) >= least_area
    enough[0] = False
    labels = np.where(enough, np.cumsum(enough), 0)[labels]
    slices = ndimage.find_objects(labels) if enough.any() else []
    found = [(x.start, y.start, x.stop, y.stop) for y, x in slices]
    return Regions(labels, torch.tensor(found, dtype=torch.float32).reshape(-1, 4))
