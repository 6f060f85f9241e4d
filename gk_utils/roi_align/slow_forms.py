"""RoI Align to be read: sample by sample, and with the bilinear reading that torch has.

Both are slower than `roi_align` and equal to it. Notebook: 06.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import grid_sample

from gk_utils.roi_align.box_samples import samples_of, sampling_points
from gk_utils.roi_align.features_and_boxes import (
    BoxesOfPictures,
    Features,
    OutputHw,
    Pooled,
    corners_and_pictures,
    finished,
    no_boxes,
    of_pictures,
    pair,
    wide,
)

AT_ONCE = 64  # boxes whose samples are held in memory together


def roi_align_loop(
    features: Features,
    boxes: BoxesOfPictures,
    output_hw: OutputHw,
    *,
    spatial_scale: float = 1.0,
    sampling_ratio: int = 2,
    aligned: bool = True,
) -> Pooled:
    """As `roi_align`: every sample of every bin of every box, one after the other.

    >>> features = torch.arange(16.0).view(1, 1, 4, 4)
    >>> roi_align_loop(features, [torch.tensor([[0.0, 0, 2, 2]])], 1)
    tensor([[[[2.5000]]]])
    """
    corners, pictures = corners_and_pictures(features, boxes)
    options = {"spatial_scale": spatial_scale, "sampling_ratio": sampling_ratio, "aligned": aligned}
    pooled = [no_boxes(wide(features), output_hw)]
    for box, picture in zip(corners, pictures.tolist(), strict=True):
        feature, bins = wide(features[picture]), []
        for points in sampling_points(box, output_hw, **options).flatten(0, 1):
            values = [bilinear(feature, x, y) for x, y in points]
            bins.append(sum(values, start=feature.new_zeros(len(feature))) / max(len(values), 1))
        pooled.append(torch.stack(bins, 1).view(1, -1, *pair(output_hw)))
    return finished(torch.cat(pooled), features)


def bilinear(feature: Float[Tensor, "c h w"], x: Float[Tensor, ""], y: Float[Tensor, ""]) -> Float[Tensor, " c"]:
    """The value of a map between its cells, at x, y counted in cells: the first cell's value stands at 0.5, 0.5.

    Up to half a cell outside of the map the border goes on; further out everything is 0.

    >>> bilinear(torch.tensor([[[0.0, 10.0], [20.0, 30.0]]]), torch.tensor(1.0), torch.tensor(0.75))
    tensor([10.])
    """
    height, width = feature.shape[1:]
    if not (-0.5 <= x <= width + 0.5 and -0.5 <= y <= height + 0.5):
        return feature.new_zeros(len(feature))
    x, y = (x - 0.5).clamp(0, width - 1), (y - 0.5).clamp(0, height - 1)
    left, top = int(x), int(y)
    right, below = min(left + 1, width - 1), min(top + 1, height - 1)
    upper = feature[:, top, left] * (1 - x + left) + feature[:, top, right] * (x - left)
    lower = feature[:, below, left] * (1 - x + left) + feature[:, below, right] * (x - left)
    return upper * (1 - y + top) + lower * (y - top)


def roi_align_grid_sample(
    features: Features,
    boxes: BoxesOfPictures,
    output_hw: OutputHw,
    *,
    spatial_scale: float = 1.0,
    sampling_ratio: int = 2,
    aligned: bool = True,
) -> Pooled:
    """As `roi_align`: one picture of all samples, read by torch's `grid_sample`, then the mean of each bin.

    `grid_sample` counts from -1 to 1 and has gradients of the points, so the boxes get theirs. Its padding is
    neither what is wanted (that of the border never ends, that of zeros begins inside of it): the points are moved to
    the map before, and those too far out are not counted after.

    >>> features = torch.arange(16.0).view(1, 1, 4, 4)
    >>> roi_align_grid_sample(features, [torch.tensor([[0.0, 0, 2, 2]])], 1)
    tensor([[[[2.5000]]]])
    """
    corners, pictures = corners_and_pictures(features, boxes)
    y, x = samples_of(corners, output_hw, spatial_scale, sampling_ratio, aligned)
    h, w = features.shape[2:]

    def sampled(picture: int, which: Tensor) -> Tensor:
        feature = wide(features[picture])
        at_y, at_x = ((axis.at[which].clamp(0, side - 1) * 2 + 1) / side - 1 for axis, side in ((y, h), (x, w)))
        grid = torch.stack(torch.broadcast_tensors(at_x[:, None, None], at_y[..., None, None]), -1)  # m p s q t 2
        points = grid.flatten(0, 2).flatten(1, 2)[None].to(feature)  # 1 m*p*s q*t 2
        read = grid_sample(feature[None], points, padding_mode="border", align_corners=False)[0]
        read = read.unflatten(1, grid.shape[:3]).unflatten(-1, grid.shape[3:5])  # c m p s q t
        shares = (axis.shares(side)[which].to(feature) for axis, side in ((y, h), (x, w)))
        return torch.einsum("cmpsqt,mps,mqt->mcpq", read, *shares)

    return finished(of_pictures(features, pictures, output_hw, AT_ONCE, sampled), features)
