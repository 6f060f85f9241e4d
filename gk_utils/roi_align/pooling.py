"""RoI Pool, which rounds twice: the box to cells, then each bin to cells again.

Source: Girshick, "Fast R-CNN", ICCV 2015, arXiv:1504.08083, section 2.1. Notebook: 06.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gk_utils.errors import check_boxes
from gk_utils.roi_align.features_and_boxes import (
    BoxesOfPictures,
    Features,
    OutputHw,
    Pooled,
    check_scale,
    corners_and_pictures,
    no_boxes,
    pair,
    wide,
)


def roi_pool(features: Features, boxes: BoxesOfPictures, output_hw: OutputHw, *, spatial_scale: float = 1.0) -> Pooled:
    """The largest value of each channel in each bin; a bin without cells is 0. Arguments as in `roi_align`.

    A loop over boxes and bins, to be read. No gradient reaches the boxes: a small step does not change whole cells.
    Of equal values the first one, row by row, gets the gradient.

    >>> features = torch.arange(16.0).view(1, 1, 4, 4)
    >>> roi_pool(features, [torch.tensor([[0.0, 0, 2, 2]])], 1)
    tensor([[[[10.]]]])
    """
    corners, pictures = corners_and_pictures(features, boxes)
    pooled = [no_boxes(features, output_hw)]
    for box, picture in zip(corners, pictures.tolist(), strict=True):
        cells = pooling_cells(box, features.shape[2:], output_hw, spatial_scale=spatial_scale)
        bins = [features[picture, :, y1:y2, x1:x2].flatten(1) for x1, y1, x2, y2 in cells.flatten(0, 1).tolist()]
        largest = [values.max(1).values if values.shape[1] else values.sum(1) for values in bins]
        pooled.append(torch.stack(largest, 1).view(1, -1, *cells.shape[:2]))
    return torch.cat(pooled)


def pooling_cells(
    box: Float[Tensor, "4"], grid_hw: tuple[int, int], output_hw: OutputHw, *, spatial_scale: float = 1.0
) -> Int[Tensor, "p q 4"]:
    """The cells of a feature map that each bin takes: x1, y1, x2, y2, where cell x2 and row y2 no longer belong to it.

    First the corners of the box are rounded to cells, and the last cell belongs to it too: a box of exactly two cells
    covers three. Then the borders of the bins, evenly spaced in there, are rounded, the lower one down and the upper
    one up, so that bins may share cells. What lies outside of the map is cut off.

    Six cells in four bins of one and a half:

    >>> pooling_cells(torch.tensor([20.0, 0, 88, 15]), (4, 8), (1, 4), spatial_scale=1 / 16)
    tensor([[[1, 0, 3, 2],
             [2, 0, 4, 2],
             [4, 0, 6, 2],
             [5, 0, 7, 2]]])
    """
    check_boxes(box, "box")
    check_scale(spatial_scale)
    scaled = wide(box.detach()) * spatial_scale
    corners = scaled.sign() * (scaled.abs() + 0.5).floor()  # halves away from 0, as C rounds
    spans = []
    for axis, bins in enumerate(pair(output_hw)[::-1]):
        first, last = corners[axis], corners[axis + 2]
        borders = torch.arange(bins + 1).to(scaled) * ((last - first + 1) / bins)
        low, high = first + borders[:-1].floor(), first + borders[1:].ceil()
        spans += [side.clamp(0, grid_hw[1 - axis]).long() for side in (low, high)]
    x1, x2, y1, y2 = spans
    return torch.stack(torch.broadcast_tensors(x1, y1[:, None], x2, y2[:, None]), -1)
