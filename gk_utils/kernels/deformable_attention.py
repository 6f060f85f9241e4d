"""Multi-scale deformable attention as an operation of torch, `gk_utils::deformable_attention`, computed by Triton.

gk_utils/grounding_dino/deformable_attention.py says what is computed, in torch, and takes this where `use_triton` says
so. Works under torch.compile and autograd; the gradient has no gradient of its own.

Where the time goes on an H100 (17,821 queries, float32; benchmarks/RESULTS.md, and trials with the first version):
forward takes four times what moving every byte once would take (the floor). With all reads from one place it is hardly
faster, 0.08 ms of 0.09: the instructions count, not the memory. Backward takes 0.41 ms, eleven floors; without its
additions in memory, which programs do at the same time, 0.14 ms would be left.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def deformable_attention_op(
    values: Float[Tensor, "b s heads d"],
    level_hw: Sequence[tuple[int, int]],
    locations: Float[Tensor, "b q heads levels points 2"],
    weights: Float[Tensor, "b q heads levels points"],
) -> Float[Tensor, "b q heads*d"]:
    """What each query reads, by the kernel: on a GPU, or where Triton's interpreter runs.

    Float32, float16 and bfloat16, also mixed; computed in float32. The result and each gradient are of the dtype of
    what they belong to. The gradient of the values is summed in no fixed order.

    Args:
        values: (b s heads d), the cells of all levels, one level after the other.
        level_hw: rows and columns of each level.
        locations: x, y in 0 to 1 of the whole map.
        weights: what each location counts.

    Raises:
        ValueError: as `check_attention`.

    >>> values = torch.ones(1, 4, 1, 8, device="meta")  # shapes alone
    >>> places = torch.ones(1, 5, 1, 1, 3, 2, device="meta")
    >>> deformable_attention_op(values, [(2, 2)], places, places[..., 0]).shape
    torch.Size([1, 5, 8])
    """
    check_attention(values, level_hw, locations, weights)
    return torch.ops.gk_utils.deformable_attention(values, [side for hw in level_hw for side in hw], locations, weights)


def check_attention(values: Tensor, level_hw: Sequence[tuple[int, int]], locations: Tensor, weights: Tensor) -> None:
    """Raise unless these fit together.

    Raises:
        ValueError: a wrong shape, dtype, or device, or levels whose cells are not as many as the values.

    >>> values, places = torch.ones(1, 5, 1, 8), torch.ones(1, 5, 1, 1, 3, 2)
    >>> check_attention(values, [(2, 2)], places, places[..., 0])
    Traceback (most recent call last):
    ...
    ValueError: level_hw: expected levels of 5 cells in all, as values has, got 4 in [(2, 2)]. ...
    """
    if values.ndim != 4 or not values.is_floating_point() or not values.shape[2] * values.shape[3]:
        raise ValueError(
            f"values: expected floats (b s heads d), got {values.dtype} {tuple(values.shape)}. "
            "Split the channels: values.unflatten(-1, (heads, -1))."
        )
    pairs = [tuple(hw) for hw in level_hw]
    if not pairs or any(len(hw) != 2 or min(hw) < 1 for hw in pairs):
        raise ValueError(f"level_hw: expected (h, w) of each level, both above 0, got {pairs}. Pass [(h, w), ...].")
    cells = sum(h * w for h, w in pairs)
    if cells != values.shape[1]:
        raise ValueError(
            f"level_hw: expected levels of {values.shape[1]} cells in all, as values has, got {cells} in {pairs}. "
            "Flatten each level's rows and columns, then join the levels along that axis."
        )
    b, _, heads, _ = values.shape
    if weights.ndim != 5 or (len(weights), *weights.shape[2:4]) != (b, heads, len(pairs)):
        raise ValueError(
            f"weights: expected ({b} q {heads} {len(pairs)} points), got {tuple(weights.shape)}. "
            "One number for each query, head, level and point."
        )
    if locations.shape != (*weights.shape, 2):
        raise ValueError(
            f"locations: expected {(*weights.shape, 2)}, the shape of weights and 2, got {tuple(locations.shape)}. "
            "The last axis is x, y."
        )
    for name, each in (("locations", locations), ("weights", weights)):
        if not each.is_floating_point() or each.device != values.device:
            raise ValueError(
                f"{name}: expected floats on {values.device}, as values are, got {each.dtype} on {each.device}. "
                f"Pass {name}.to(values)."
            )


@torch.library.custom_op("gk_utils::deformable_attention", mutates_args=())
def _op(values: Tensor, level_hw: Sequence[int], locations: Tensor, weights: Tensor) -> Tensor:
    from gk_utils.kernels import deformable_attention_triton

    return deformable_attention_triton.forward(values, tuple(level_hw), locations, weights)


@_op.register_fake
def _(values: Tensor, level_hw: Sequence[int], locations: Tensor, weights: Tensor) -> Tensor:
    return values.new_empty(len(values), weights.shape[1], values.shape[2] * values.shape[3])


@torch.library.custom_op("gk_utils::deformable_attention_backward", mutates_args=())
def _backward_op(
    grad: Tensor, values: Tensor, level_hw: Sequence[int], locations: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    from gk_utils.kernels import deformable_attention_triton

    return deformable_attention_triton.backward(grad, values, tuple(level_hw), locations, weights)


@_backward_op.register_fake
def _(
    grad: Tensor, values: Tensor, level_hw: Sequence[int], locations: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    contiguous = torch.contiguous_format
    return tuple(torch.empty_like(each, memory_format=contiguous) for each in (values, locations, weights))


def _keep(ctx: torch.autograd.function.FunctionCtx, inputs: tuple, output: Tensor) -> None:
    values, ctx.level_hw, locations, weights = inputs
    ctx.save_for_backward(values, locations, weights)


def _gradients(ctx: torch.autograd.function.FunctionCtx, grad: Tensor) -> tuple[Tensor, None, Tensor, Tensor]:
    values, locations, weights = ctx.saved_tensors
    found = torch.ops.gk_utils.deformable_attention_backward(grad, values, ctx.level_hw, locations, weights)
    return found[0], None, *found[1:]


_op.register_autograd(_gradients, setup_context=_keep)
