"""The sampler to be read: point by point, each linear layer where the paper has it. Slow, and equal to the fast one.

Source: You et al. 2023, arXiv:2310.07704, section 3.2. Notebook: 14.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.ferret.point_sets import farthest_points_loop
from gk_utils.ferret.region_sampler import SamplerBlock, SpatialAwareVisualSampler
from gk_utils.roi_align.slow_forms import bilinear


def sampler_loop(
    sampler: SpatialAwareVisualSampler, features: Float[Tensor, "d h w"], points: Float[Tensor, "p 2"]
) -> Float[Tensor, " out"]:
    """The vector of one region, as `sampler(features, points)` without a generator.

    >>> from gk_utils.ferret.region_sampler import SamplerSettings
    >>> settings = SamplerSettings(width=4, out_width=3, points=6, kept=(3, 2), neighbours=(2, 2))
    >>> sampler_loop(SpatialAwareVisualSampler(settings), torch.zeros(4, 2, 2), torch.rand(6, 2)).shape
    torch.Size([3])
    """
    height, width = features.shape[1:]
    values = [bilinear(features, x * width, y * height) for x, y in points]
    settings = sampler.settings
    for block, kept, near in zip(sampler.blocks, settings.kept, settings.neighbours, strict=True):
        chosen = farthest_points_loop(points, kept)
        values = [_fused(block, points, values, anchor, near) for anchor in chosen]
        points = points[chosen]
    return sampler.project(sampler.flatten(torch.cat(values)))


def _fused(block: SamplerBlock, points: Tensor, values: list[Tensor], anchor: int, near: int) -> Float[Tensor, " d"]:
    """One kept point: the largest of what its nearest neighbours tell, feature by feature."""
    places = points.tolist()
    order = sorted(range(len(places)), key=lambda other: math.dist(places[other], places[anchor]))
    here = torch.cat([values[anchor], points[anchor]])
    told = []
    for other in order[:near]:
        there = torch.cat([values[other], points[other]])
        difference = block.difference(there - here)
        told.append(block.norm(block.aggregate(torch.cat([difference, here])).relu()))
    return torch.stack(told).amax(0)
