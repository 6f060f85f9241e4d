"""Points of regions: drawn at random, thinned out so that they stay spread, and gathered with their neighbours.

Points are x, y as fractions of the picture. n regions are handled together, each with its own set of points.

Source: You et al. 2023, arXiv:2310.07704, section 3.2; farthest-point sampling, Qi et al. 2017, "PointNet++",
arXiv:1706.02413, section 3.2. Notebook: 14.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def points_inside(
    masks: Sequence[Bool[Tensor, "_ _"]], count: int, generator: torch.Generator | None = None
) -> tuple[Float[Tensor, "n p 2"], Bool[Tensor, " n"]]:
    """`count` random pixels of each mask, as the x, y of their centres; and which masks have any.

    From `count` pixels on, no pixel comes twice. A smaller region gives all its pixels, in random order, and then
    some of them again. An empty one gives `count` times the middle of the picture, and False.

    Ferret's code divides the number of a pixel by the size of the picture, (0, 0) for the first one, and then reads
    the map so that 0 and 1 are the centres of its outermost cells. Here pixels and cells both cover the picture.

    Raises:
        ValueError: fewer than 1 point.

    >>> points, there = points_inside([torch.tensor([[False, True]]), torch.tensor([[False]])], 2)
    >>> points.tolist(), there.tolist()
    ([[[0.75, 0.5], [0.75, 0.5]], [[0.5, 0.5], [0.5, 0.5]]], [True, False])
    """
    if count < 1:
        raise ValueError(f"count: expected at least 1 point, got {count}. Ferret takes 512.")
    points = torch.full((len(masks), count, 2), 0.5)
    there = torch.zeros(len(masks), dtype=torch.bool)
    for row, mask in enumerate(masks):
        pixels = mask.cpu().flatten().nonzero().flatten()
        if len(pixels):
            there[row], (height, width) = True, mask.shape
            chosen = pixels[chosen_rows(len(pixels), count, generator)]
            points[row, :, 0] = (chosen % width + 0.5) / width
            points[row, :, 1] = (chosen // width + 0.5) / height
    return points, there


def chosen_rows(pixels: int, count: int, generator: torch.Generator | None = None) -> Int[Tensor, " count"]:
    """Which of `pixels` pixels are taken: every one at most once, or where there are too few, each at least once.

    >>> sorted(chosen_rows(2, 2).tolist()), len(chosen_rows(3, 512))
    ([0, 1], 512)
    """
    order = torch.randperm(pixels, generator=generator)
    if pixels >= count:
        return order[:count]
    return torch.cat([order, torch.randint(pixels, (count - pixels,), generator=generator)])


def farthest_points(
    points: Float[Tensor, "n p 2"], count: int, generator: torch.Generator | None = None
) -> Int[Tensor, "n count"]:
    """Which `count` points of each set are spread most: each is the one farthest from all that were chosen before.

    The first is drawn by the generator; without one it is the first of the set. Of points equally far, the first
    counts. Where fewer points differ than are wanted, the rest are copies of points that were chosen already.

    Raises:
        ValueError: more points wanted than there are, or fewer than 1.

    >>> farthest_points(torch.tensor([[[0.0, 0], [0.1, 0], [1, 0], [0.5, 0]]]), 3).tolist()
    [[0, 2, 3]]
    """
    n, p, _ = points.shape
    if not 1 <= count <= p:
        raise ValueError(f"count: expected 1 to {p}, the points there are, got {count}. Draw more points first.")
    rows = torch.arange(n, device=points.device)
    chosen = torch.zeros(n, count, dtype=torch.long, device=points.device)
    if generator is not None:
        chosen[:, 0] = torch.randint(p, (n,), generator=generator).to(points.device)
    x, y = (axis.contiguous() for axis in points.detach().unbind(-1))
    nearest = torch.full((n, p), torch.inf, device=points.device, dtype=points.dtype)
    for k in range(1, count):
        last = chosen[:, k - 1]
        away = (x - x[rows, last, None]).square() + (y - y[rows, last, None]).square()
        nearest = torch.minimum(nearest, away)
        chosen[:, k] = nearest.argmax(1)
    return chosen


def farthest_points_loop(points: Float[Tensor, "p 2"], count: int, first: int = 0) -> list[int]:
    """As `farthest_points` for one set, point by point: slow, and to be read.

    >>> farthest_points_loop(torch.tensor([[0.0, 0], [0.1, 0], [1, 0], [0.5, 0]]), 3)
    [0, 2, 3]
    """
    places, chosen = points.tolist(), [first]
    nearest = [float("inf")] * len(places)  # squared distance of each point to the nearest that was chosen
    while len(chosen) < count:
        last_x, last_y = places[chosen[-1]]
        nearest = [
            min(before, (x - last_x) ** 2 + (y - last_y) ** 2) for before, (x, y) in zip(nearest, places, strict=True)
        ]
        chosen.append(nearest.index(max(nearest)))
    return chosen


def nearest_points(
    points: Float[Tensor, "n p 2"], anchors: Float[Tensor, "n m 2"], count: int
) -> Int[Tensor, "n m count"]:
    """Which `count` points lie nearest to each anchor, in no particular order; an anchor is its own neighbour.

    Raises:
        ValueError: more neighbours wanted than there are points.

    >>> near = nearest_points(torch.tensor([[[0.0, 0], [0.1, 0], [1, 0]]]), torch.tensor([[[0.0, 0]]]), 2)
    >>> sorted(near.flatten().tolist())
    [0, 1]
    """
    if not 1 <= count <= points.shape[1]:
        raise ValueError(f"count: expected 1 to {points.shape[1]}, the points there are, got {count}. Draw more.")
    across = anchors[..., 0, None] - points[:, None, :, 0]
    down = anchors[..., 1, None] - points[:, None, :, 1]
    away = across.square_().add_(down.square_()) if not points.requires_grad else across**2 + down**2
    return away.topk(count, dim=-1, largest=False, sorted=False).indices
