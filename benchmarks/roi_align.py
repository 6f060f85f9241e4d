"""How fast RoI Align is, against torchvision's, and against `grid_sample` where the boxes need a gradient.

On a CPU one picture of 800 x 1088 pixels at stride 16, on CUDA two at stride 4; 256 channels, 7 x 7 bins, boxes of 16
to 500 pixels a side wherever they fall. Both sides get the same features, boxes and gradient of the result, in the same
dtype and layout. In half precision the difference is to torchvision's result in float32, of the same numbers. The floor
counts the cells that some box reads and the results, and for the backward pass the gradient of each.

Measure on a machine that does nothing else: with more busy programs than cores, threads wait for each other at the end
of every operation, and the side that uses more of them loses.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torchvision.ops
from torch import Tensor

from gk_utils.bench.timing import SECONDS, floor_ms, row
from gk_utils.roi_align import roi_align, roi_align_grid_sample

IMAGE_HW, CHANNELS, BINS = (800, 1088), 256, 7
SIDES = (16.0, 500.0)  # pixels, of boxes
Boxes = list[Tensor]  # for each picture
Form = Callable[[Tensor, Boxes], Tensor]
LAYOUTS = {"NCHW": torch.contiguous_format, "channels-last": torch.channels_last}
DTYPES = (torch.float32, torch.float16, torch.bfloat16)


def rows(device: str, scale: float = 1.0) -> list[dict[str, Any]]:
    """The cases of a device; `scale` makes the boxes fewer, and on CUDA the pictures smaller, for a quick look."""
    if torch.device(device).type == "cuda":
        return _on_cuda(device, scale)
    few, many = (max(2, int(scale * n)) for n in (100, 1000))
    features = feature_map(1, IMAGE_HW, 16, device)
    found = []
    for n in (few, many):
        boxes = [some_boxes(n, IMAGE_HW, device)]
        found += [
            measured(f"{n} boxes", features, boxes, 16, backward=backward, scale=scale) for backward in (False, True)
        ]
    options = {"sampling_ratio": 0, "case": f"{many} boxes, adaptive sampling", "backward": True, "scale": scale}
    found.append(measured(features=features, boxes=boxes, stride=16, **options))
    few_boxes = [some_boxes(few, IMAGE_HW, device).requires_grad_()]
    case = f"{few} boxes that get gradients too"
    return [*found, measured(case, features, few_boxes, 16, backward=True, scale=scale, peer="grid_sample")]


def _on_cuda(device: str, scale: float) -> list[dict[str, Any]]:
    """1000 boxes on 2 x 256 x 200 x 272 in each dtype and layout, then with adaptive sampling, then with gradients."""
    image_hw = (IMAGE_HW[0], IMAGE_HW[1]) if scale >= 1 else (200, 272)
    n = max(2, int(scale * 1000) // 2)
    wide_features = feature_map(2, image_hw, 4, device)
    wide_boxes = [some_boxes(n, image_hw, device, seed) for seed in (1, 2)]
    found = []
    for dtype in DTYPES:
        boxes = [each.to(dtype) for each in wide_boxes]
        for layout, memory_format in LAYOUTS.items():
            features = wide_features.to(dtype).contiguous(memory_format=memory_format)
            case = f"{2 * n} boxes, {layout}"
            found += [measured(case, features, boxes, 4, backward=backward, scale=scale) for backward in (False, True)]
    options = {"sampling_ratio": 0, "case": f"{2 * n} boxes, NCHW, adaptive sampling", "backward": True}
    found.append(measured(features=wide_features, boxes=wide_boxes, stride=4, scale=scale, **options))
    few_boxes = [each[: max(1, n // 10)].clone().requires_grad_() for each in wide_boxes]
    case = f"{2 * len(few_boxes[0])} boxes, NCHW, that get gradients too"
    return [*found, measured(case, wide_features, few_boxes, 4, backward=True, scale=scale, peer="grid_sample")]


def feature_map(pictures: int, image_hw: tuple[int, int], stride: int, device: str) -> Tensor:
    """Random features, (pictures 256 h w)."""
    generator = torch.Generator().manual_seed(0)
    sides = [side // stride for side in image_hw]
    return torch.randn(pictures, CHANNELS, *sides, generator=generator).to(device)


def some_boxes(n: int, image_hw: tuple[int, int], device: str, seed: int = 0) -> Tensor:
    """Random boxes (n 4), cut at the border, small ones as frequent as large ones."""
    generator = torch.Generator().manual_seed(seed)
    low, high = torch.tensor(SIDES).log()
    sizes_wh = (low + torch.rand(n, 2, generator=generator) * (high - low)).exp()
    image_wh = torch.tensor(image_hw[::-1], dtype=torch.float32)
    centres = torch.rand(n, 2, generator=generator) * image_wh
    corners = torch.stack([centres - sizes_wh / 2, centres + sizes_wh / 2], 1)  # n 2 2
    return corners.clamp(min=0).minimum(image_wh).flatten(1).to(device)


def measured(
    case: str,
    features: Tensor,
    boxes: Boxes,
    stride: int,
    *,
    backward: bool,
    scale: float = 1.0,
    sampling_ratio: int = 2,
    peer: str = "torchvision",
) -> dict[str, Any]:
    """The row of one case."""

    def ours(features: Tensor, boxes: Boxes) -> Tensor:
        return roi_align(features, boxes, BINS, spatial_scale=1 / stride, sampling_ratio=sampling_ratio)

    def torchvisions(features: Tensor, boxes: Boxes) -> Tensor:
        return torchvision.ops.roi_align(features, boxes, BINS, 1 / stride, sampling_ratio, aligned=True)

    def widened(features: Tensor, boxes: Boxes) -> Tensor:
        """What autocast does for torchvision: its operator in float32, and back."""
        return torchvisions(features.float(), [each.float() for each in boxes]).to(features.dtype)

    def grid_samples(features: Tensor, boxes: Boxes) -> Tensor:
        return roi_align_grid_sample(features, boxes, BINS, spatial_scale=1 / stride)

    theirs = {"torchvision": torchvisions, "grid_sample": grid_samples}[peer]
    if peer == "torchvision" and not _runs(theirs, features, boxes):
        peer, theirs = "torchvision by way of float32", widened
    half = features.dtype in (torch.float16, torch.bfloat16)
    n = sum(map(len, boxes))
    onto = torch.randn(n, CHANNELS, BINS, BINS, device=features.device).to(features.dtype)
    exact = _run(widened, features.float(), boxes, onto.float(), backward) if half else None
    read = _cells_read(features, [each.detach() for each in boxes], stride, sampling_ratio) * CHANNELS
    moved = read + onto.numel() + (onto.numel() + features.numel() if backward else 0)
    return row(
        case,
        device=features.device.type,
        dtype=str(features.dtype).removeprefix("torch."),
        kind="forward+backward" if backward else "forward",
        ours=lambda: _run(ours, features, boxes, onto, backward),
        peer=peer,
        theirs=lambda: _run(theirs, features, boxes, onto, backward),
        exact=exact,
        floor_ms=floor_ms(features.device.type, moved * features.element_size()),
        seconds=SECONDS * min(1, scale),
    )


def _run(form: Form, features: Tensor, boxes: Boxes, onto: Tensor, backward: bool) -> Sequence[Tensor]:
    """The result, and the gradients of the features and of boxes that ask for one."""
    if not backward:
        with torch.no_grad():
            return [form(features, boxes)]
    leaves = [features.detach().requires_grad_(), *(each for each in boxes if each.requires_grad)]
    pooled = form(leaves[0], boxes)
    return [pooled, *torch.autograd.grad(pooled, leaves, onto)]


def _runs(form: Form, features: Tensor, boxes: Boxes) -> bool:
    try:
        form(features, boxes)
    except (RuntimeError, NotImplementedError):  # torchvision's has no bfloat16
        return False
    return True


def _cells_read(features: Tensor, boxes: Boxes, stride: int, sampling_ratio: int) -> int:
    """How many cells of the maps count in some bin: those with a gradient."""
    ones = torch.ones_like(features[:, :1], dtype=torch.float32).requires_grad_()
    boxes = [each.float() for each in boxes]
    torchvision.ops.roi_align(ones, boxes, BINS, 1 / stride, sampling_ratio, aligned=True).sum().backward()
    return int(ones.grad.count_nonzero())
