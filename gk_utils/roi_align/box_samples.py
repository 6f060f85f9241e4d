"""Where RoI Align samples, and how much each cell of the map counts in each bin.

Along each axis the samples of a bin are evenly spaced, each reads the two cells around it, and the bin is their mean.
The two axes do not depend on each other, so that every form of RoI Align is made of `Samples` of y and of x.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gk_utils.errors import check_boxes
from gk_utils.roi_align.features_and_boxes import OutputHw, check_scale, pair, wide


def sampling_points(
    box: Float[Tensor, "4"],
    output_hw: OutputHw,
    *,
    spatial_scale: float = 1.0,
    sampling_ratio: int = 2,
    aligned: bool = True,
) -> Float[Tensor, "p q s 2"]:
    """Where the samples of one box lie: x and y of the s samples of each bin, in cells; the first cell is 0 to 1.

    Divided by `spatial_scale` they are pixels of the picture. They may lie outside of the map. Options as in
    `roi_align`; with an adaptive ratio a box without width or height has s = 0 samples.

    >>> sampling_points(torch.tensor([0.0, 0, 64, 32]), 1, spatial_scale=1 / 16).tolist()
    [[[[1.0, 0.5], [3.0, 0.5], [1.0, 1.5], [3.0, 1.5]]]]
    """
    check_boxes(box, "box")
    y, x = samples_of(wide(box)[None], output_hw, spatial_scale, sampling_ratio, aligned)
    at_y, at_x = (axis.at[0, :, : int(axis.count)] + 0.5 for axis in (y, x))  # p s, q t
    return torch.stack(torch.broadcast_tensors(at_x[:, None], at_y[:, None, :, None]), -1).flatten(2, 3)


class Samples(NamedTuple):
    """Samples of n boxes along one axis.

    Attributes:
        at: (n bins s) where they lie, in cells from the *centre* of the first one, as torchvision counts.
        count: (n) how many of the s slots are in use; the others repeat the last one.
    """

    at: Float[Tensor, "n bins s"]
    count: Float[Tensor, " n"]

    def of(self, which: Int[Tensor, " m"]) -> "Samples":
        """The samples of some boxes, with no more slots than these need."""
        count = self.count[which]
        slots = max(1, int(count.max())) if len(count) else 1
        return Samples(self.at[which, :, :slots], count)

    def shares(self, length: int) -> Float[Tensor, "n bins s"]:
        """What each sample counts in the mean of its bin: 0 where it is not in use or too far outside of the map."""
        used = torch.arange(self.at.shape[2], device=self.at.device) < self.count[:, None, None]
        return (used & (self.at >= -1) & (self.at <= length)) / self.count.clamp(min=1)[:, None, None]

    def taps(self, length: int) -> tuple[Int[Tensor, "n bins t"], Float[Tensor, "n bins t"]]:
        """The two cells that each sample reads, t = 2 s, and what each counts in the bin."""
        at, shares = self.at.clamp(0, length - 1), self.shares(length)
        low = at.detach().floor()
        cells = torch.cat([low, (low + 1).clamp(max=length - 1)], -1).long()
        return cells, torch.cat([shares * (1 - at + low), shares * (at - low)], -1)

    def runs(self, length: int) -> tuple[Int[Tensor, "n bins r"], Float[Tensor, "n bins r"]]:
        """As `taps`, with the cells that several samples read taken together, where that is shorter: r <= 2 s."""
        cells, weights = self.taps(length)
        steps = cells - cells[..., :1]
        longest = int(steps.max()) + 1 if steps.numel() else 1
        if longest >= cells.shape[-1]:
            return cells, weights
        run = cells[..., :1] + torch.arange(longest, device=cells.device)
        return run.clamp(max=length - 1), torch.zeros_like(run, dtype=weights.dtype).scatter_add(2, steps, weights)

    def matrix(self, length: int) -> Float[Tensor, "n bins length"]:
        """What each of the `length` cells counts in each bin: a row sums to 1 in the map, and to less over its border.

        >>> Samples(torch.tensor([[[0.25, 1.0]]]), torch.tensor([2.0])).matrix(3)
        tensor([[[0.3750, 0.6250, 0.0000]]])
        """
        cells, weights = self.taps(length)
        return weights.new_zeros(*cells.shape[:2], length).scatter_add(2, cells, weights)


def samples_of(
    corners: Float[Tensor, "n 4"], output_hw: OutputHw, spatial_scale: float, sampling_ratio: int, aligned: bool
) -> tuple[Samples, Samples]:
    """The samples along y and along x. The order of the operations is torchvision's: a border is a border for both."""
    check_scale(spatial_scale)
    scaled = corners * spatial_scale - (0.5 if aligned else 0)
    both = []
    for axis, bins in zip((1, 0), pair(output_hw), strict=True):
        start, length = scaled[:, axis, None], scaled[:, axis + 2, None] - scaled[:, axis, None]  # n 1
        length = (length if aligned else length.clamp(min=1)) / bins  # of one bin
        count = length.detach().ceil() if sampling_ratio <= 0 else torch.full_like(length, sampling_ratio)
        slots = max(1, int(count.max())) if len(count) else 1
        starts = start + torch.arange(bins).to(corners) * length  # n bins
        slot = torch.arange(slots).to(corners).minimum((count - 1).clamp(min=0))  # n s
        steps = (slot + 0.5) * length / count.clamp(min=1)
        both.append(Samples(starts[..., None] + steps[:, None], count[:, 0]))
    return both[0], both[1]
