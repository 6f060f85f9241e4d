"""RoI Align as operations of torch, computed by the kernels of roi_align_triton.

`gk_utils::roi_align` and the gradients of it have fake kernels, so that torch.compile keeps them in its graph. They
check no values: `gk_utils.roi_align.roi_align` is what to call; it calls `ask_if_good` before.

Where the time goes on an H100 (1000 boxes on 2 x 256 x 200 x 272, float32; benchmarks/RESULTS.md): forward takes three
times what moving every byte once would take (the floor), on maps in channels-last order. Others are turned to it first,
0.14 ms; for fewer than some 300 boxes that is more than it saves. Backward, six to eight floors, is by estimate 0.6 ms
of a kernel that waits for its reads, and 0.1 to 0.2 ms in which the GPU waits: Python must hear first that the boxes
are good, and then start the backward pass.

Notebook: 06.
"""

# ruff: noqa: PLR0917

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

OPTIONS = "float spatial_scale, int sampling_ratio, bool aligned"
# How much one program computes, and by how many threads / 32.
FORWARD = {"C": 128, "num_warps": 4}
BACKWARD = {"C": 64, "Y": 8, "X": 8, "BOXES": 512, "num_warps": 4}
TURN = {"C": 64, "X": 64, "num_warps": 4}
AT_ONCE = 2**25  # bytes of a map that are turned to channels last and read while they lie in the GPU's cache


def roi_align_op(
    features: Float[Tensor, "b c h w"],
    rois: Float[Tensor, "n 5"],
    output_h: int,
    output_w: int,
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
) -> Float[Tensor, "n c p q"]:
    """RoI Align of boxes (picture, x1, y1, x2, y2) in float32. Arguments as in `gk_utils.roi_align.roi_align`.

    The features may have any strides; results and gradients have their memory format. Gradients reach the boxes too.
    The features' gradient needs no atomic additions and is the same in every run.

    Raises:
        RuntimeError: tensors on a CPU, unless TRITON_INTERPRET=1 was set before the first call.

    >>> from torch._subclasses import FakeTensorMode
    >>> with FakeTensorMode():  # shapes only: no GPU is needed
    ...     tuple(roi_align_op(torch.zeros(2, 8, 50, 68), torch.zeros(3, 5), 7, 7, 1 / 16, 2, True).shape)
    (3, 8, 7, 7)
    """
    return torch.ops.gk_utils.roi_align(features, rois, output_h, output_w, spatial_scale, sampling_ratio, aligned)


def ask_if_good(rois: Float[Tensor, "n 5"], pictures: int) -> Callable[[], bool]:
    """Ask whether all boxes are finite, with corners in order, and of a picture 0 to `pictures` - 1.

    The answer comes from the GPU when what is returned is called: start other kernels before, and these run while
    Python waits. The wait is for one small kernel, and for all that was started before it.

    >>> ask_if_good(torch.zeros(0, 5), 1)()
    True
    """
    if not len(rois):
        return lambda: True
    kernels, rois, bad = _kernels(rois), rois.detach().contiguous(), rois.new_empty((), dtype=torch.int32)
    with _on(rois):
        kernels.check[(1,)](rois, bad, len(rois), pictures, BOXES=1024)
        if not rois.is_cuda:
            return lambda: not bad.item()
        answer, arrived = bad.to("cpu", non_blocking=True), torch.cuda.Event()
        arrived.record()

    def good() -> bool:
        arrived.synchronize()
        return not answer.item()

    return good


def channels_last(x: Tensor) -> bool:
    """Whether the channels of a cell lie side by side in memory, and the cells of a channel do not.

    >>> x = torch.zeros(2, 3, 4, 5)
    >>> channels_last(x), channels_last(x.contiguous(memory_format=torch.channels_last))
    (False, True)
    """
    return x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()


def _empty(like: Tensor, shape: Sequence[int], last: bool) -> Tensor:
    form = torch.channels_last if last else torch.contiguous_format
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=form)


@torch.library.custom_op(
    "gk_utils::roi_align",
    mutates_args=(),
    schema=f"(Tensor features, Tensor rois, int output_h, int output_w, {OPTIONS}) -> Tensor",
)
def _forward(features: Any, rois: Any, output_h: Any, output_w: Any, scale: Any, ratio: Any, aligned: Any) -> Any:
    kernels, rois = _kernels(rois), rois.contiguous()
    out = _forward_fake(features, rois, output_h, output_w, scale, ratio, aligned)
    if not out.numel():
        return out
    n, c, rows, columns = out.shape
    b, _, h, w = features.shape
    some = c if features.stride(1) == 1 else min(c, max(64, AT_ONCE // (b * h * w * features.itemsize) // 64 * 64))
    tile = {**FORWARD, "C": min(FORWARD["C"], _power_of_2(some)), "Q": _power_of_2(columns)}
    with _on(features):
        for first in range(0, c, some):
            part, onto = features[:, first : first + some], out[:, first : first + some]
            if part.stride(1) != 1:
                part = _to_channels_last(part)
            grid = n, -(-part.shape[1] // tile["C"])
            strides = *part.stride(), *onto.stride()
            kernels.forward[grid](
                *(part, rois, onto, *part.shape, rows, columns, scale, *strides),
                **{"RATIO": max(ratio, 0), "ALIGNED": aligned, **tile},
            )
    return out


@_forward.register_fake
def _forward_fake(features: Any, rois: Any, output_h: Any, output_w: Any, scale: Any, ratio: Any, aligned: Any) -> Any:
    return _empty(features, (rois.shape[0], features.shape[1], output_h, output_w), channels_last(features))


@torch.library.custom_op(
    "gk_utils::roi_align_features_gradient",
    mutates_args=(),
    schema=f"(Tensor grad, Tensor rois, SymInt[] features_shape, bool channels_last, {OPTIONS}) -> Tensor",
)
def _features_gradient(grad: Any, rois: Any, shape: Any, last: Any, scale: Any, ratio: Any, aligned: Any) -> Any:
    kernels, rois = _kernels(rois), rois.contiguous()
    out = _empty(grad, shape, last)
    if not out.numel() or not grad.numel():
        return out.zero_()
    b, c, h, w = shape
    tile = {**BACKWARD, "Q": _power_of_2(grad.shape[3])}
    grid = (-(-h // tile["Y"]) * -(-w // tile["X"]), -(-c // tile["C"]), b)
    sizes = len(rois), c, h, w, *grad.shape[2:]
    strides = *grad.stride(), *out.stride()
    with _on(grad):
        kernels.backward[grid](grad, rois, out, *sizes, scale, *strides, RATIO=max(ratio, 0), ALIGNED=aligned, **tile)
    return out


@_features_gradient.register_fake
def _features_gradient_fake(grad: Any, rois: Any, shape: Any, last: Any, scale: Any, ratio: Any, aligned: Any) -> Any:
    return _empty(grad, shape, last)


@torch.library.custom_op(
    "gk_utils::roi_align_boxes_gradient",
    mutates_args=(),
    schema=f"(Tensor grad, Tensor features, Tensor rois, {OPTIONS}) -> Tensor",
)
def _boxes_gradient(grad: Any, features: Any, rois: Any, scale: Any, ratio: Any, aligned: Any) -> Any:
    kernels, rois = _kernels(rois), rois.contiguous()
    out = torch.zeros_like(rois, memory_format=torch.contiguous_format)
    if not grad.numel():
        return out
    n, c, rows, columns = grad.shape
    sizes = features.shape[0], c, *features.shape[2:], rows, columns
    strides = *grad.stride(), *features.stride()
    tile = {"C": 64 if features.stride(1) == 1 else 16, "Q": _power_of_2(columns)}
    with _on(grad):
        kernels.backward_boxes[(n,)](
            grad, features, rois, out, *sizes, scale, *strides, RATIO=max(ratio, 0), ALIGNED=aligned, **tile
        )
    return out


@_boxes_gradient.register_fake
def _boxes_gradient_fake(grad: Any, features: Any, rois: Any, scale: Any, ratio: Any, aligned: Any) -> Any:
    return torch.empty_like(rois, memory_format=torch.contiguous_format)


def _to_channels_last(features: Tensor) -> Tensor:
    """A copy with the channels last; torch's own for maps that are cut out of wider ones."""
    b, c, h, w = features.shape
    if features.stride()[2:] != (w, 1):
        return features.contiguous(memory_format=torch.channels_last)
    out = _empty(features, features.shape, last=True)
    grid = -(-h * w // TURN["X"]), -(-c // TURN["C"]), b
    _kernels(features).to_channels_last[grid](features, out, *features.stride()[:2], c, h * w, **TURN)
    return out


def _power_of_2(number: int) -> int:
    """The least one that is not below."""
    return 1 << (number - 1).bit_length()


def _kernels(x: Tensor) -> Any:
    """The kernels: only here is Triton needed."""
    if not x.is_cuda and os.environ.get("TRITON_INTERPRET") != "1":
        raise RuntimeError(
            f"features: expected a tensor on a GPU, got one on {x.device}. gk_utils.roi_align.roi_align runs anywhere."
        )
    from gk_utils.kernels import roi_align_triton

    return roi_align_triton


def _on(x: Tensor) -> Any:
    """Triton starts kernels on the current GPU: make it that of the tensor."""
    return torch.cuda.device(x.device) if x.is_cuda else nullcontext()


def _remember(ctx: Any, inputs: Any, output: Any) -> None:
    features, rois, _, _, *ctx.options = inputs
    ctx.of_features = list(features.shape), channels_last(features)
    ctx.save_for_backward(rois, features if ctx.needs_input_grad[1] else None)


def _backward(ctx: Any, grad: Any) -> Any:
    rois, features = ctx.saved_tensors
    of_features = of_boxes = None
    if ctx.needs_input_grad[0]:
        of_features = torch.ops.gk_utils.roi_align_features_gradient(grad, rois, *ctx.of_features, *ctx.options)
    if ctx.needs_input_grad[1]:
        of_boxes = torch.ops.gk_utils.roi_align_boxes_gradient(grad, features, rois, *ctx.options)
    return of_features, of_boxes, None, None, None, None, None


_forward.register_autograd(_backward, setup_context=_remember)
