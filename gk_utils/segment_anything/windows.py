"""Attention within windows, and with relative positions split into rows and columns.

Two thrifty ideas make a plain ViT affordable at 1024 px. Most layers attend only within windows of 14 x 14 patches, and
a few to all patches. And what a pair of patches gains by their distance is not learned for each of (2h - 1)(2w - 1)
distances, but for 2h - 1 vertical and 2w - 1 horizontal ones, whose gains add up.

Source: Li et al. 2022, "Exploring plain vision transformer backbones", arXiv:2203.16527, section 3; Li et al. 2022,
"MViTv2", arXiv:2112.01526, equation 4. Notebook: 08.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


def split_windows(cells: Float[Tensor, "b h w d"], window: int) -> Float[Tensor, "n window window d"]:
    """Cut maps into square windows, row by row, with zeros right and below where they do not fill the last ones.

    The zeros take part in attention like any cell, in the published models too.

    >>> split_windows(torch.arange(6.0).view(1, 2, 3, 1), 2)[..., 0].tolist()
    [[[0.0, 1.0], [3.0, 4.0]], [[2.0, 0.0], [5.0, 0.0]]]
    """
    h, w = cells.shape[1:3]
    padded = functional.pad(cells, (0, 0, 0, -w % window, 0, -h % window))
    return padded.unflatten(2, (-1, window)).unflatten(1, (-1, window)).transpose(2, 3).flatten(0, 2)


def join_windows(windows: Float[Tensor, "n window window d"], grid_hw: tuple[int, int]) -> Float[Tensor, "b h w d"]:
    """Put the windows of maps of `grid_hw` back in their places; the inverse of `split_windows`.

    >>> cells = torch.rand(2, 5, 7, 3)
    >>> join_windows(split_windows(cells, 4), (5, 7)).equal(cells)
    True
    """
    (h, w), window = grid_hw, windows.shape[1]
    down, across = -(-h // window), -(-w // window)
    cells = windows.unflatten(0, (-1, down, across)).transpose(2, 3).flatten(3, 4).flatten(1, 2)
    return cells[:, :h, :w]


def relative_bias(
    queries: Float[Tensor, "*n h w c"], rows: Float[Tensor, "_ c"], columns: Float[Tensor, "_ c"]
) -> Float[Tensor, "*n h*w h*w"]:
    """What each pair of cells of an h x w map gains by where they lie to each other.

    The gain of query (y, x) and key (v, u) is its feature q times a vector for how many rows apart they are, plus q
    times one for the columns: q . (rows[y - v + h - 1] + columns[x - u + w - 1]).

    Args:
        queries: features of each cell, not scaled.
        rows: (2h - 1, c) one vector for each vertical distance, from -(h - 1) on.
        columns: (2w - 1, c) one for each horizontal distance.

    Raises:
        ValueError: rows or columns of another length.

    >>> query, none = torch.ones(1, 2, 1), torch.zeros(1, 1)
    >>> relative_bias(query, none, torch.tensor([[10.0], [0.0], [20.0]])).tolist()
    [[0.0, 10.0], [20.0, 0.0]]
    """
    h, w = queries.shape[-3:-1]
    if len(rows) != 2 * h - 1 or len(columns) != 2 * w - 1:
        raise ValueError(
            f"rows: expected {2 * h - 1} vectors, and {2 * w - 1} of columns, for cells of {h} x {w}, "
            f"got {len(rows)} and {len(columns)}. Build the model for pictures of this size."
        )
    y, x = (torch.arange(n, device=queries.device) for n in (h, w))
    down = torch.einsum("...yxc,yvc->...yxv", queries, rows[y[:, None] - y + h - 1])
    across = torch.einsum("...yxc,xuc->...yxu", queries, columns[x[:, None] - x + w - 1])
    return (down[..., :, None] + across[..., None, :]).flatten(-4, -3).flatten(-2)


def relative_bias_loop(
    queries: Float[Tensor, "h w c"], rows: Float[Tensor, "_ c"], columns: Float[Tensor, "_ c"]
) -> Float[Tensor, "h*w h*w"]:
    """The same for one map, pair by pair: slow, and easy to read."""
    h, w = queries.shape[:2]
    bias = queries.new_zeros(h, w, h, w)
    for y in range(h):
        for x in range(w):
            for v in range(h):
                for u in range(w):
                    apart = rows[y - v + h - 1] + columns[x - u + w - 1]
                    bias[y, x, v, u] = (queries[y, x] * apart).sum()
    return bias.view(h * w, h * w)


class WindowAttention(nn.Module):
    """Attention among the cells of a map of `grid_hw`: of a window, or of the whole picture.

    >>> WindowAttention(8, heads=2, grid_hw=(3, 3))(torch.zeros(5, 3, 3, 8)).shape
    torch.Size([5, 3, 3, 8])
    """

    def __init__(self, width: int, heads: int, grid_hw: tuple[int, int], *, bias: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.project = nn.Linear(width, 3 * width, bias=bias), nn.Linear(width, width)
        self.rows, self.columns = (nn.Parameter(torch.zeros(2 * n - 1, width // heads)) for n in grid_hw)

    def forward(self, cells: Float[Tensor, "n h w d"]) -> Float[Tensor, "n h w d"]:
        """What each cell reads from all of its map."""
        grid_hw = cells.shape[1:3]
        query, key, value = self.qkv(cells).unflatten(-1, (3, self.heads, -1)).movedim((3, 4), (0, 2))  # n heads h w c
        bias = relative_bias(query, self.rows, self.columns)
        query, key, value = (part.flatten(2, 3) for part in (query, key, value))
        read = functional.scaled_dot_product_attention(query, key, value, bias.to(query.dtype))
        return self.project(read.transpose(1, 2).flatten(2).unflatten(1, grid_hw))
