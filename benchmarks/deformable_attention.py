"""How fast multi-scale deformable attention is, against transformers'.

The four maps of a picture at strides 8 to 64, 8 heads of 32 channels, 4 places a level: of an encoder, whose queries
are all cells of the maps and look around themselves, and of a decoder, whose 900 queries look anywhere. On CUDA an
encoder that looks anywhere too: then no query reads what its neighbour has just read. A CPU gets a smaller picture for
its encoder.

No place lies within a tenth of a cell of where the gradient of a bilinear reading jumps, since there rounding decides
which of two gradients is returned. In half precision the difference is to transformers' result in float32, of the same
numbers. The floor counts values, places, weights and results once, and for the backward pass the gradient of each. What
an encoder reads is 64 times its values, four neighbours of 16 places for each query and head: it comes from caches at
best, and they are the limit rather than the memory.
"""

import importlib.util
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gk_utils.bench.timing import SECONDS, floor_ms, not_run, row
from gk_utils.grounding_dino import deformable_attention

IMAGE_HW, SMALL_HW, STRIDES = (800, 1066), (256, 256), (8, 16, 32, 64)
HEADS, CHANNELS, POINTS, QUERIES = 8, 32, 4, 900
FAR = 2.0  # cells, how far an encoder looks: the standard deviation, on every level
LevelHw = list[tuple[int, int]]
Form = Callable[[Tensor, LevelHw, Tensor, Tensor], Tensor]


def rows(device: str, scale: float = 1.0) -> list[dict[str, Any]]:
    """Encoder and decoder, with and without gradients; `scale` makes pictures and queries smaller for a quick look."""
    cuda = torch.device(device).type == "cuda"
    whole, small = levels_of(IMAGE_HW, scale), levels_of(SMALL_HW, scale)
    queries = max(2, int(scale * QUERIES))
    cases = [("decoder", whole, queries, 1, torch.float32)]
    if not cuda:
        cases.insert(0, ("encoder", small, None, 1, torch.float32))
    else:
        kinds = [(1, torch.float32), (4, torch.float32), (1, torch.float16), (1, torch.bfloat16)]
        cases = [("encoder", whole, None, b, dtype) for b, dtype in kinds] + cases
        cases.insert(2, ("encoder that looks anywhere", whole, None, 1, torch.float32))
    found = []
    for name, level_hw, q, b, dtype in cases:
        leaves = inputs(name, level_hw, q, b, device)
        case = f"{name}, {leaves[1].shape[1]:,} queries" + (f", {b} pictures" if b > 1 else "")
        if importlib.util.find_spec("transformers") is None:
            found.append(not_run(case, device, "transformers is not installed", peer="transformers"))
            continue
        for backward in (False, True):
            found.append(_row(case, level_hw, [each.to(dtype) for each in leaves], backward, scale))
    return found


def levels_of(image_hw: tuple[int, int], scale: float = 1.0) -> LevelHw:
    """Rows and columns of the maps of a picture, made smaller to `scale` of its area."""
    sides = [side * math.sqrt(scale) for side in image_hw]
    return [tuple(max(1, math.ceil(side / stride)) for side in sides) for stride in STRIDES]


def inputs(name: str, level_hw: LevelHw, queries: int | None, b: int, device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Values, locations and weights; without `queries` each cell of the maps asks."""
    generator = torch.Generator().manual_seed(0)
    s = sum(h * w for h, w in level_hw)
    sides = torch.tensor([(w, h) for h, w in level_hw])[:, None]  # levels 1 2
    shape = (b, queries or s, HEADS, len(level_hw), POINTS)
    cells = torch.rand(*shape, 2, generator=generator) * sides
    if name == "encoder":
        grids = [torch.cartesian_prod(torch.arange(h), torch.arange(w)).flip(1) for h, w in level_hw]
        own = torch.cat([(grid + 0.5) / grid.amax(0).add(1) for grid in grids])  # s 2
        cells = own[:, None, None, None] * sides + FAR * torch.randn(*shape, 2, generator=generator)
    kink = (cells - 0.5).floor() + 0.5  # the centre before
    cells = kink + (cells - kink).clamp(0.1, 0.9)
    weights = torch.rand(*shape[:3], len(level_hw) * POINTS, generator=generator).softmax(-1).view(shape)
    values = torch.randn(b, s, HEADS, CHANNELS, generator=generator)
    return tuple(each.to(device) for each in (values, cells / sides, weights))


def _row(case: str, level_hw: LevelHw, leaves: list[Tensor], backward: bool, scale: float) -> dict[str, Any]:
    values, locations, weights = leaves
    dtype, device = values.dtype, values.device
    onto = torch.randn(*locations.shape[:2], HEADS * CHANNELS, generator=torch.Generator().manual_seed(1)).to(values)

    def results_of(form: Form, leaves: list[Tensor], onto: Tensor) -> list[Tensor]:
        if not backward:
            return [form(leaves[0], level_hw, *leaves[1:])]
        leaves = [each.detach().requires_grad_() for each in leaves]
        read = form(leaves[0], level_hw, *leaves[1:])
        return [read.detach(), *torch.autograd.grad(read, leaves, onto)]

    theirs = _transformers()
    exact = None
    if dtype != torch.float32:
        exact = results_of(theirs, [each.float() for each in leaves], onto.float())
    moved = values.itemsize * (sum(each.numel() for each in leaves) + onto.numel())
    operations = 8 * CHANNELS * weights.numel()  # four multiplications and additions a channel
    times = 3 if backward else 1  # backward reads all once more, writes as much, and does twice the operations
    return row(
        case,
        device=str(device),
        dtype=str(dtype).removeprefix("torch."),
        kind="forward+backward" if backward else "forward",
        ours=lambda: results_of(deformable_attention, leaves, onto),
        peer="transformers",
        theirs=lambda: results_of(theirs, leaves, onto),
        floor_ms=floor_ms(str(device), times * moved, times * operations),
        seconds=SECONDS * min(1, scale),
        exact=exact,
    )


def _transformers() -> Form:
    from transformers.models.grounding_dino.modeling_grounding_dino import MultiScaleDeformableAttention

    module = MultiScaleDeformableAttention()
    return lambda values, level_hw, locations, weights: module(values, None, level_hw, None, locations, weights, 64)
