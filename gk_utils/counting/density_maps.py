"""Density maps: how many things there are, spread over the places where they are; the sum is the count.

A thing is one unit of mass around its centre. A Gaussian that the border of the picture cuts would lose mass, and the
map would count less than there is: each kernel is normalised over the cells of the picture, so that it sums to 1.

Source: Lempitsky and Zisserman, "Learning to count objects in images", NIPS 2010. Notebook: 16.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.errors import check_hw


def density_map(
    points: Float[Tensor, "n 2"],
    image_hw: tuple[int, int],
    *,
    stride: int = 4,
    sigma: float = 4.0,
    keep_border: bool = True,
) -> Float[Tensor, "rows columns"]:
    """The density of n points on a grid of square cells; it sums to n.

    A cell holds the integral of the Gaussians over it, not a sample in its middle, so that a narrow kernel between two
    cells keeps its mass too.

    Args:
        points: (x, y) in pixels; one outside of the picture counts at the border.
        image_hw: height and width of the picture, in pixels. Cells at the right and lower border may reach over it.
        stride: side of a cell, in pixels.
        sigma: standard deviation of the kernels, in pixels.
        keep_border: False keeps the kernels as they are: those at the border sum to less than 1.

    Raises:
        ValueError: sigma or stride not above 0, or no such picture.

    >>> corner = torch.tensor([[0.0, 0.0]])
    >>> [round(density_map(corner, (64, 64), keep_border=keep).sum().item(), 3) for keep in (True, False)]
    [1.0, 0.25]
    """
    check_hw(image_hw)
    for name, value in (("stride", stride), ("sigma", sigma)):
        if not value > 0:
            raise ValueError(f"{name}: expected a number above 0, got {value}. Give it in pixels.")
    limits = points.new_tensor([image_hw[1], image_hw[0]])
    points = torch.minimum(points.clamp(min=0), limits)
    columns, rows = (_shares(points[:, axis], image_hw[1 - axis], stride, sigma, keep_border) for axis in (0, 1))
    return rows.mT @ columns


def _shares(
    places: Float[Tensor, " n"], length: int, stride: int, sigma: float, keep_border: bool
) -> Float[Tensor, "n cells"]:
    """The share of each Gaussian in each cell along one axis."""
    cells = -(-length // stride)
    edges = torch.arange(cells + 1, device=places.device, dtype=places.dtype) * stride
    below = torch.special.ndtr((edges - places[:, None]) / sigma)
    shares = below.diff(dim=1)
    return shares / shares.sum(1, keepdim=True) if keep_border else shares
