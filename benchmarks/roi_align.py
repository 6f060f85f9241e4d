"""How fast RoI Align is, against torchvision's, and against `grid_sample` where the boxes need a gradient.

One picture of 800 x 1088 pixels at stride 16, 256 channels, 7 x 7 bins, boxes of 16 to 500 pixels a side wherever they
fall. Both sides get the same features, boxes and gradient, in the memory format that torchvision gives. The floor
is what must be moved at least, at the rate at which this machine copies a result: features in and results out, and for
the backward pass the gradient of the results in and that of the features out.

Measure on a machine that does nothing else: with more busy programs than cores, threads wait for each other at the end
of every operation, and the side that uses more of them loses.
"""

import time
from collections.abc import Callable
from typing import Any

import torch
import torchvision.ops
from torch import Tensor

from gk_utils.roi_align import roi_align, roi_align_grid_sample

ROUNDS = 7
IMAGE_HW, STRIDE, CHANNELS, BINS = (800, 1088), 16, 256, 7
Form = Callable[[Tensor, Tensor], Tensor]


def rows(device: str, scale: float = 1.0) -> list[dict[str, Any]]:
    """100 and 1000 boxes, adaptive sampling, gradients of the boxes; `scale` makes them fewer for a quick look."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, CHANNELS, *(side // STRIDE for side in IMAGE_HW), generator=generator).to(device)
    few, many = (_boxes(max(2, int(scale * n)), generator).to(device) for n in (100, 1000))
    found = []
    for boxes in (few, many):
        for backward in (False, True):
            case = f"{len(boxes)} boxes"
            found.append(_row(case, features, boxes, _ours(2), _torchvisions(2), backward=backward))
    case = f"{len(many)} boxes, adaptive sampling"
    found.append(_row(case, features, many, _ours(0), _torchvisions(0), backward=True))
    case = f"{len(few)} boxes that get gradients too"
    few.requires_grad_()
    return [*found, _row(case, features, few, _ours(2), _grid_samples, peer="grid_sample", backward=True)]


def _boxes(n: int, generator: torch.Generator) -> Tensor:
    sides = torch.tensor([16.0, 500.0]).log()
    sizes_wh = (sides[0] + torch.rand(n, 2, generator=generator) * (sides[1] - sides[0])).exp()
    centres = torch.rand(n, 2, generator=generator) * torch.tensor(IMAGE_HW[::-1])
    corners = torch.stack([centres - sizes_wh / 2, centres + sizes_wh / 2], 1)  # n 2 2
    return corners.clamp(min=0).minimum(torch.tensor(IMAGE_HW[::-1], dtype=torch.float32)).flatten(1)


def _ours(sampling_ratio: int) -> Form:
    return lambda features, boxes: roi_align(
        features, [boxes], BINS, spatial_scale=1 / STRIDE, sampling_ratio=sampling_ratio
    )


def _torchvisions(sampling_ratio: int) -> Form:
    return lambda features, boxes: torchvision.ops.roi_align(
        features, [boxes], BINS, 1 / STRIDE, sampling_ratio, aligned=True
    )


def _grid_samples(features: Tensor, boxes: Tensor) -> Tensor:
    return roi_align_grid_sample(features, [boxes], BINS, spatial_scale=1 / STRIDE)


def _row(
    case: str, features: Tensor, boxes: Tensor, ours: Form, theirs: Form, *, peer: str = "torchvision", backward: bool
) -> dict[str, Any]:
    """Ours and theirs by turns; the error is the largest difference of results and gradients."""
    leaves = [features.detach().requires_grad_(backward), boxes.detach().requires_grad_(boxes.requires_grad)]
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    onto = torch.randn(len(boxes), CHANNELS, BINS, BINS, device=features.device)

    def run(form: Form) -> list[Tensor]:
        pooled = form(*leaves)
        return [pooled, *torch.autograd.grad(pooled, wanted, onto)] if backward else [pooled]

    error = max((a - b).abs().max().item() for a, b in zip(run(ours), run(theirs), strict=True))
    times = [(_seconds(lambda: run(ours), features), _seconds(lambda: run(theirs), features)) for _ in range(ROUNDS)]
    ratios = sorted(mine / other for mine, other in times)
    best, best_other = (min(column) for column in zip(*times, strict=True))
    copied = min(_seconds(onto.clone, features) for _ in range(ROUNDS))
    floor = copied * (onto.numel() + features.numel()) / (2 * onto.numel()) * (2 if backward else 1)
    return {
        **{"case": case, "device": features.device.type, "dtype": "float32"},
        **{"pass": "forward+backward" if backward else "forward"},
        **{"ours_ms": 1e3 * best, "peer": peer, "peer_ms": 1e3 * best_other},
        **{"ratio": ratios[len(ratios) // 2], "low": ratios[0], "high": ratios[-1]},
        **{"max_error": error, "floor_ms": 1e3 * floor},
    }


def _seconds(action: Callable[[], Any], features: Tensor) -> float:
    wait = torch.cuda.synchronize if features.is_cuda else lambda: None
    wait()
    began = time.perf_counter()
    action()
    wait()
    return time.perf_counter() - began
