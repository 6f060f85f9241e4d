"""Inputs of deformable attention for tests, and what transformers makes of them."""

import functools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

PYRAMID = [(5, 7), (3, 4), (1, 2)]
Leaves = tuple[Tensor, Tensor, Tensor]


def some_attention(
    level_hw: Sequence[tuple[int, int]] = PYRAMID,
    *,
    b: int = 2,
    q: int = 3,
    heads: int = 2,
    d: int = 4,
    points: int = 2,
    dtype: torch.dtype = torch.float64,
) -> Leaves:
    """Values, locations up to 0.2 outside of the map, and weights that sum to 1, with gradients."""
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(b, sum(h * w for h, w in level_hw), heads, d, generator=generator)
    locations = torch.rand(b, q, heads, len(level_hw), points, 2, generator=generator) * 1.4 - 0.2
    weights = torch.rand(b, q, heads, len(level_hw), points, generator=generator)
    weights /= weights.sum((-2, -1), keepdim=True)
    return tuple(each.to(dtype).requires_grad_() for each in (values, locations, weights))


def with_gradients(form: Callable[..., Tensor], leaves: Leaves, level_hw: Sequence[tuple[int, int]]) -> list[Tensor]:
    """The result, and the gradients of values, locations and weights for one of the result that any dtype can hold."""
    values, locations, weights = leaves
    read = form(values, level_hw, locations, weights)
    onto = (torch.arange(read.numel()) % 5 - 1.5).view(read.shape).to(read)
    return [read, *torch.autograd.grad(read, leaves, onto)]


@functools.cache
def theirs() -> Callable[..., Tensor]:
    """What transformers computes, with the arguments of ours."""
    from transformers.models.grounding_dino.modeling_grounding_dino import MultiScaleDeformableAttention

    module = MultiScaleDeformableAttention()
    return lambda values, level_hw, locations, weights: module(values, None, level_hw, None, locations, weights, 64)
