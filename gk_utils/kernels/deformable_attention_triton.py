"""Multi-scale deformable attention as Triton kernels, forward and backward. Import it only where Triton is installed.

A program works for a few queries of one head. Its tile is (queries, places, channels), and each of the four corners of
a place is one such tile: many reads are on their way together, and each is of `d` neighbours in memory. Heads change
last from program to program, so that programs that run at one time read the same small levels, which then stay in the
nearest cache.

Backward, the gradients of places and weights are sums over channels, formed inside of the program. Those of the values
are added up in memory by all programs, in float32 and in no fixed order.
"""

# ruff: noqa: PLR0917, a kernel's arguments are positional

import functools

import torch
import triton
import triton.language as tl
from torch import Tensor

# Queries a program, places at a time, both powers of 2, and warps: the best of those tried on an H100, 32 channels.
FORWARD = (4, 4, 1)
BACKWARD = (2, 4, 1)


@triton.jit
def _places(
    levels, places, weights, query, head, first, q,
    heads: tl.constexpr, points: tl.constexpr, rows: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    """Of `block` places of each query: where they stand in memory, x and y in cells, weight, sides, start of level."""
    row = first + tl.arange(0, block)
    at = (query[:, None] * heads + head) * rows + row[None, :]  # q r
    there = (query[:, None] < q) & (row[None, :] < rows)
    level = 3 * (row // points)
    height = tl.load(levels + level, mask=row < rows, other=1)[None, :]
    width = tl.load(levels + level + 1, mask=row < rows, other=1)[None, :]
    start = tl.load(levels + level + 2, mask=row < rows, other=0)[None, :]
    x = tl.load(places + 2 * at, mask=there, other=0).to(tl.float32) * width - 0.5
    y = tl.load(places + 2 * at + 1, mask=there, other=0).to(tl.float32) * height - 0.5
    weight = tl.load(weights + at, mask=there, other=0).to(tl.float32)
    return at, there, x, y, weight, height, width, start


@triton.jit
def _neighbours(x, side):
    """Along an axis: the first of two neighbours on the map, how far behind it the place is, and the shares of both.

    A share falls from 1 at the neighbour's centre to 0 a cell further. This is also right of a place outside of the
    map, whose neighbours are the last two cells: one of them or none is near enough. One cell has no second one.
    """
    first = tl.minimum(tl.maximum(tl.floor(x), 0), tl.maximum(side - 2, 0))
    behind = x - first
    share = tl.maximum(1 - tl.abs(behind), 0, propagate_nan=tl.PropagateNan.ALL)
    second = tl.maximum(1 - tl.abs(behind - 1), 0, propagate_nan=tl.PropagateNan.ALL)
    return first.to(tl.int32), behind, share, tl.where(side > 1, second, 0)


@triton.jit
def _slope(behind):
    """How a share changes with the place, from how far behind the neighbour it is."""
    return tl.where((behind >= -1) & (behind < 1), tl.where(behind < 0, 1.0, -1.0), 0.0)


@triton.jit
def _corners(column, row, width, height, start, head, heads: tl.constexpr, d: tl.constexpr, block_d: tl.constexpr):
    """Where the channels of the four neighbours stand in memory."""
    at = ((start + row * width + column) * heads + head) * d  # q r
    right = tl.minimum(width - 1, 1) * (heads * d)
    below = tl.minimum(height - 1, 1) * width * (heads * d)
    channel = tl.arange(0, block_d)[None, None, :]
    return (
        at[:, :, None] + channel, (at + right)[:, :, None] + channel,
        (at + below)[:, :, None] + channel, (at + below + right)[:, :, None] + channel,
    )  # fmt: skip


@triton.jit
def _forward(
    values, levels, places, weights, out, s, q,
    heads: tl.constexpr, points: tl.constexpr, rows: tl.constexpr, d: tl.constexpr,
    block_q: tl.constexpr, block_r: tl.constexpr, block_d: tl.constexpr,
):  # fmt: skip
    query = tl.program_id(0) * block_q + tl.arange(0, block_q)
    head = tl.program_id(1)
    picture = tl.program_id(2).to(tl.int64)
    values += picture * s * heads * d
    places += picture * q * heads * rows * 2
    weights += picture * q * heads * rows
    out += picture * q * heads * d
    channel = tl.arange(0, block_d)[None, :]
    there = (channel < d)[None]
    read = tl.zeros((block_q, block_r, block_d), tl.float32)
    for first in range(0, rows, block_r):
        _, _, x, y, weight, height, width, start = _places(
            levels, places, weights, query, head, first, q, heads, points, rows, block_r
        )
        column, _, x0, x1 = _neighbours(x, width)
        row, _, y0, y1 = _neighbours(y, height)
        at00, at01, at10, at11 = _corners(column, row, width, height, start, head, heads, d, block_d)
        y0, y1 = weight * y0, weight * y1
        read += (y0 * x0)[:, :, None] * tl.load(values + at00, mask=there, other=0).to(tl.float32)
        read += (y0 * x1)[:, :, None] * tl.load(values + at01, mask=there, other=0).to(tl.float32)
        read += (y1 * x0)[:, :, None] * tl.load(values + at10, mask=there, other=0).to(tl.float32)
        read += (y1 * x1)[:, :, None] * tl.load(values + at11, mask=there, other=0).to(tl.float32)
    to = (query[:, None] * heads + head) * d + channel
    tl.store(out + to, tl.sum(read, 1), mask=(query[:, None] < q) & (channel < d))


@triton.jit
def _add(grad_values, at, share, g, there):
    tl.atomic_add(grad_values + at, share[:, :, None] * g, mask=(share != 0)[:, :, None] & there, sem="relaxed")


@triton.jit
def _backward(
    values, levels, places, weights, grad, grad_values, grad_places, grad_weights, s, q,
    heads: tl.constexpr, points: tl.constexpr, rows: tl.constexpr, d: tl.constexpr,
    block_q: tl.constexpr, block_r: tl.constexpr, block_d: tl.constexpr,
):  # fmt: skip
    query = tl.program_id(0) * block_q + tl.arange(0, block_q)
    head = tl.program_id(1)
    picture = tl.program_id(2).to(tl.int64)
    values += picture * s * heads * d
    grad_values += picture * s * heads * d
    places += picture * q * heads * rows * 2
    grad_places += picture * q * heads * rows * 2
    weights += picture * q * heads * rows
    grad_weights += picture * q * heads * rows
    grad += picture * q * heads * d
    channel = tl.arange(0, block_d)[None, :]
    there = (channel < d)[None]
    of = (query[:, None] * heads + head) * d + channel
    g = tl.load(grad + of, mask=(query[:, None] < q) & (channel < d), other=0).to(tl.float32)[:, None, :]
    for first in range(0, rows, block_r):
        at, is_place, x, y, weight, height, width, start = _places(
            levels, places, weights, query, head, first, q, heads, points, rows, block_r
        )
        column, behind_x, x0, x1 = _neighbours(x, width)
        row, behind_y, y0, y1 = _neighbours(y, height)
        at00, at01, at10, at11 = _corners(column, row, width, height, start, head, heads, d, block_d)
        # What each neighbour would give if it alone counted
        s00 = tl.sum(g * tl.load(values + at00, mask=there, other=0).to(tl.float32), 2)
        s01 = tl.sum(g * tl.load(values + at01, mask=there, other=0).to(tl.float32), 2)
        s10 = tl.sum(g * tl.load(values + at10, mask=there, other=0).to(tl.float32), 2)
        s11 = tl.sum(g * tl.load(values + at11, mask=there, other=0).to(tl.float32), 2)
        slope_x0, slope_x1 = _slope(behind_x), tl.where(width > 1, _slope(behind_x - 1), 0)
        slope_y0, slope_y1 = _slope(behind_y), tl.where(height > 1, _slope(behind_y - 1), 0)
        upper, lower = x0 * s00 + x1 * s01, x0 * s10 + x1 * s11
        by_x = y0 * (slope_x0 * s00 + slope_x1 * s01) + y1 * (slope_x0 * s10 + slope_x1 * s11)
        by_y = slope_y0 * upper + slope_y1 * lower
        tl.store(grad_weights + at, y0 * upper + y1 * lower, mask=is_place)
        tl.store(grad_places + 2 * at, weight * width * by_x, mask=is_place)
        tl.store(grad_places + 2 * at + 1, weight * height * by_y, mask=is_place)
        y0, y1 = weight * y0, weight * y1
        _add(grad_values, at00, y0 * x0, g, there)
        _add(grad_values, at01, y0 * x1, g, there)
        _add(grad_values, at10, y1 * x0, g, there)
        _add(grad_values, at11, y1 * x1, g, there)


def forward(
    values: Tensor, level_hw: tuple[int, ...], places: Tensor, weights: Tensor, tile: tuple[int, int, int] = FORWARD
) -> Tensor:
    """What each query reads, (b q heads*d); `level_hw` is h, w, h, w ... and `tile` as FORWARD.

    >>> places = torch.zeros(1, 0, 1, 1, 4, 2)  # no query: no program either
    >>> forward(torch.ones(1, 6, 1, 8), (2, 3), places, places[..., 0]).shape
    torch.Size([1, 0, 8])
    """
    b, s, heads, d = values.shape
    q, points = weights.shape[1], weights.shape[4]
    if not weights.numel():
        return values.new_zeros(b, q, heads * d)
    out = values.new_empty(b, q, heads * d)
    values, places, weights = values.contiguous(), places.contiguous(), weights.contiguous()
    with torch.cuda.device_of(values):
        _forward[(triton.cdiv(q, tile[0]), heads, b)](
            values, _level_table(level_hw, values.device), places, weights, out, s, q,
            **_sizes(heads, points, len(level_hw) // 2, d, tile),
        )  # fmt: skip
    return out


def backward(
    grad: Tensor,
    values: Tensor,
    level_hw: tuple[int, ...],
    places: Tensor,
    weights: Tensor,
    tile: tuple[int, int, int] = BACKWARD,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of values, places and weights, of their dtypes, from that of the result.

    >>> places = torch.zeros(1, 0, 1, 1, 4, 2)
    >>> backward(torch.ones(1, 0, 8), torch.ones(1, 6, 1, 8), (2, 3), places, places[..., 0])[0].abs().sum()
    tensor(0.)
    """
    b, s, heads, d = values.shape
    q, points = weights.shape[1], weights.shape[4]
    grad_values = torch.zeros(values.shape, device=values.device)
    values, places, weights, grad = values.contiguous(), places.contiguous(), weights.contiguous(), grad.contiguous()
    grad_places, grad_weights = torch.empty_like(places), torch.empty_like(weights)
    if weights.numel():
        with torch.cuda.device_of(values):
            _backward[(triton.cdiv(q, tile[0]), heads, b)](
                values, _level_table(level_hw, values.device), places, weights, grad, grad_values, grad_places,
                grad_weights, s, q, **_sizes(heads, points, len(level_hw) // 2, d, tile),
            )  # fmt: skip
    return grad_values.to(values.dtype), grad_places, grad_weights


def _sizes(heads: int, points: int, levels: int, d: int, tile: tuple[int, int, int]) -> dict[str, int]:
    block_q, block_r, warps = tile
    rows, block_d = levels * points, triton.next_power_of_2(d)
    fit = max(1, block_r * 32 // block_d)  # fewer places at a time where there are more channels than a tile is for
    return {
        **{"heads": heads, "points": points, "rows": rows, "d": d, "num_warps": warps},
        **{"block_q": block_q, "block_r": min(block_r, fit, triton.next_power_of_2(rows)), "block_d": block_d},
    }


@functools.lru_cache(maxsize=64)
def _level_table(level_hw: tuple[int, ...], device: torch.device) -> Tensor:
    """Rows, columns and number of the first cell of each level."""
    rows, start = [], 0
    for h, w in zip(level_hw[::2], level_hw[1::2], strict=True):
        rows.append((h, w, start))
        start += h * w
    return torch.tensor(rows, dtype=torch.int32).to(device)
