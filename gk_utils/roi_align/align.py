"""RoI Align the fast way: two small matrix products a box, or, where a bin reads few cells, one gather of all bins.

On a GPU kernels do it: see gk_utils.kernels.

Source: He et al., "Mask R-CNN", ICCV 2017, arXiv:1703.06870, section 3. Notebook: 06.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag, pad

from gk_utils.kernels import DTYPES, use_triton
from gk_utils.kernels.roi_align import ask_if_good, roi_align_op
from gk_utils.roi_align.box_samples import Samples, samples_of
from gk_utils.roi_align.features_and_boxes import (
    BoxesOfPictures,
    Features,
    OutputHw,
    Pooled,
    check_scale,
    corners_and_pictures,
    finished,
    no_boxes,
    of_pictures,
    pair,
    wide,
)

# Boxes are gathered together with others whose bins have at most as many samples along an axis, since all get the same
# number of slots. Beyond the last, two products are faster, and their weights need less memory.
MOST_SAMPLES = (2, 4, 8, 16)
AT_ONCE = 16  # boxes in one product: what it reads and writes stays in a processor's cache


def roi_align(
    features: Features,
    boxes: BoxesOfPictures,
    output_hw: OutputHw,
    *,
    spatial_scale: float = 1.0,
    sampling_ratio: int = 2,
    aligned: bool = True,
) -> Pooled:
    """The mean of bilinear samples in each bin of each box, nothing rounded: the fast form, the one to use.

    A bin is a weighted sum of few cells. The weights are those of `roi_align_separable` without the zeros, and one
    gather of rows that hold all channels does the rest. Gradients reach the features and the boxes.

    A GPU kernel does the same where `gk_utils.kernels.use_triton` says so and the boxes are not float64. It has first
    derivatives only; GK_TRITON=0 in the environment brings the form above back.

    Args:
        features: (b c h w) of finite numbers.
        boxes: xyxy in pixels, one (m 4) tensor for each picture, or (n 5) with the picture's number in front.
        output_hw: the bins, rows and columns; one number is for both.
        spatial_scale: cells a pixel, 1 / stride.
        sampling_ratio: samples in a bin along each axis. 0 or less is adaptive: one for each cell that the bin is
            long, rounded up; a box without width or height then has none, and gives 0.
        aligned: the value of a cell belongs to its centre. False is the older definition: half a cell too far to the
            lower right, and a box is at least one cell wide and high.

    A sample up to half a cell outside of the map reads its border; one further out counts as 0.

    Raises:
        TypeError, ValueError: not such features or boxes; the message names the row.

    >>> features = torch.arange(16.0).view(1, 1, 4, 4)
    >>> roi_align(features, [torch.tensor([[0.0, 0, 2, 2]])], 1)
    tensor([[[[2.5000]]]])
    """
    rois = _rois(features, boxes) if use_triton(features) else None
    if rois is not None:
        check_scale(spatial_scale)
        good = ask_if_good(rois, len(features))
        pooled = roi_align_op(features, rois, *pair(output_hw), float(spatial_scale), sampling_ratio, aligned)
        if good():
            return pooled
    corners, pictures = corners_and_pictures(features, boxes)
    y, x = samples_of(corners, output_hw, spatial_scale, sampling_ratio, aligned)
    sizes = torch.bucketize(torch.maximum(y.count, x.count), y.count.new_tensor(MOST_SAMPLES))
    pooled, order = [], []
    for size in sizes.unique().tolist():
        which = (sizes == size).nonzero().flatten()
        form = _gathered if size < len(MOST_SAMPLES) else _multiplied
        pooled.append(form(features, pictures[which], y.of(which), x.of(which)))
        order.append(which)
    if len(pooled) == 1:
        return finished(pooled[0], features)
    pooled, order = [no_boxes(wide(features), output_hw), *pooled], [pictures[:0], *order]
    return finished(torch.cat(pooled)[torch.cat(order).argsort()], features)


def roi_align_separable(
    features: Features,
    boxes: BoxesOfPictures,
    output_hw: OutputHw,
    *,
    spatial_scale: float = 1.0,
    sampling_ratio: int = 2,
    aligned: bool = True,
) -> Pooled:
    """As `roi_align`: two small matrix products a box, Wy F Wx^T, whose cost does not depend on the samples.

    What a sample reads is a product, one factor of y and one of x; so is the mean over a bin's samples, which form a
    grid. Row p of Wy (p h) says what each row of the map counts in row p of the bins; Wx (q w) the same of columns.

    >>> features = torch.arange(16.0).view(1, 1, 4, 4)
    >>> roi_align_separable(features, [torch.tensor([[0.0, 0, 2, 2]])], 1)
    tensor([[[[2.5000]]]])
    """
    corners, pictures = corners_and_pictures(features, boxes)
    y, x = samples_of(corners, output_hw, spatial_scale, sampling_ratio, aligned)
    return finished(_multiplied(features, pictures, y, x), features)


def _rois(features: Features, boxes: BoxesOfPictures) -> Float[Tensor, "n 5"] | None:
    """What the kernel takes; None for all that the kernel does not compute, or that is an error to be named."""
    each, numbers = ([boxes], 5) if isinstance(boxes, Tensor) else (list(boxes), 4)
    usual = features.ndim == 4 and features.shape[2] * features.shape[3] > 0 and len(each) > 0
    usual = usual and (numbers == 5 or len(each) == len(features))
    for rows in each:
        usual = usual and isinstance(rows, Tensor) and rows.ndim == 2 and rows.shape[1] == numbers
        usual = usual and rows.dtype in DTYPES and rows.device == features.device
    if not usual:
        return None
    if numbers == 4:
        each = [pad(rows, (1, 0), value=i) for i, rows in enumerate(each)]
    return torch.cat([rows.float() for rows in each]) if len(each) > 1 else each[0].float()


def _gathered(features: Features, pictures: Int[Tensor, " n"], y: Samples, x: Samples) -> Pooled:
    b, c, h, w = features.shape
    table = wide(features).permute(0, 2, 3, 1).contiguous().view(b * h * w, c)
    (rows, row_weights), (columns, column_weights) = y.runs(h), x.runs(w)
    rows = (rows + h * pictures[:, None, None]) * w
    cells = rows[:, :, None, :, None] + columns[:, None, :, None]  # n p q t u
    weights = (row_weights[:, :, None, :, None] * column_weights[:, None, :, None]).to(table)
    bags, bag_weights = (each.flatten(0, 2).flatten(1) for each in (cells, weights))  # n*p*q t*u
    read = embedding_bag(bags, table, mode="sum", per_sample_weights=bag_weights)
    return read.view(*cells.shape[:3], c).permute(0, 3, 1, 2)


def _multiplied(features: Features, pictures: Int[Tensor, " n"], y: Samples, x: Samples) -> Pooled:
    table = wide(features).permute(0, 2, 3, 1).contiguous()  # b h w c
    wy, wx = y.matrix(table.shape[1]).to(table), x.matrix(table.shape[2]).to(table)
    output_hw = wy.shape[1], wx.shape[1]

    def multiplied(picture: int, which: Tensor) -> Tensor:
        narrow = wy[which].flatten(0, 1) @ table[picture].flatten(1)  # m*p w*c
        return (wx[which, None] @ narrow.view(len(which), output_hw[0], *table.shape[2:])).permute(0, 3, 1, 2)

    return of_pictures(features, pictures, output_hw, AT_ONCE, multiplied)
