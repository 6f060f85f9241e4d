"""RoI Pool and RoI Align: the features of a box of any size as a small grid of a fixed size.

`roi_align` is the one to use. `roi_align_loop`, `roi_align_separable` and `roi_align_grid_sample` say the same in other
words: a loop to read, two matrix products, torch's own sampling. `roi_pool` is what came before, with its two
roundings. `sampling_points` and `pooling_cells` say what is read, for pictures.

`features` are (b c h w), and `spatial_scale` says how many cells one pixel is: 1 / 16 for a stride of 16. `boxes` are
xyxy in pixels, a list with one (m 4) tensor for each picture or (n 5) with the number of the picture in front; they may
reach over the border, or lie outside. The result is (n c rows columns) in the order of the boxes, of the dtype and
memory format of the features; half precision is computed as float32.

All equal torchvision's operations but for this: `aligned` is True unless you say otherwise; boxes get gradients
(torchvision leaves None); bfloat16 works on a CPU; boxes need not be of the features' dtype; corners in the wrong
order, a picture that is not there and numbers that are not finite raise an error.

Source: RoI Pool, Girshick 2015, arXiv:1504.08083, section 2.1; RoI Align, He et al. 2017, arXiv:1703.06870, section 3;
`aligned`, facebookresearch/detectron2 at 02b5c4e, detectron2/layers/roi_align.py; the borders, torchvision 0.29.1.
Notebook: 06.
"""

from gk_utils.roi_align.align import roi_align, roi_align_separable
from gk_utils.roi_align.box_samples import sampling_points
from gk_utils.roi_align.pooling import pooling_cells, roi_pool
from gk_utils.roi_align.slow_forms import bilinear, roi_align_grid_sample, roi_align_loop

__all__ = [
    "bilinear",
    "pooling_cells",
    "roi_align",
    "roi_align_grid_sample",
    "roi_align_loop",
    "roi_align_separable",
    "roi_pool",
    "sampling_points",
]
