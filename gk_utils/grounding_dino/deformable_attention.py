"""Multi-scale deformable attention: each query reads a pyramid of feature maps at a few places of its own choice.

Ordinary attention compares a query with every cell; on the four maps of a photograph these are some 18,000. Here a
query says itself where to look, `points` places on each level for each head, and how much each counts:

    out_q = sum_levels sum_points A_qlp * V_l(p_qlp)                         for each head

where V_l(p) is the bilinear reading of level l at place p, and the weights A of one query and head sum to 1. The linear
layers around it, which make V, p and A from features and queries, belong to the model.

`values` are all cells of all levels, one level after the other, row by row: (b s heads d), s the sum of h * w.
`locations_unit` are x, y of the whole map, 0 to 1, so that one place means the same on every level: the centre of the
first cell is at 0.5 / w, 0.5 / h. Outside of the map are zeros: a reading fades out over one cell at the border.

Source: Zhu et al., "Deformable DETR", ICLR 2021, arXiv:2010.04159, equations 2 and 3; as in transformers 5.23,
models/grounding_dino/modeling_grounding_dino.py, `MultiScaleDeformableAttention`. Notebook: 07.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import embedding_bag, grid_sample

from gk_utils.kernels import use_triton
from gk_utils.kernels.deformable_attention import check_attention, deformable_attention_op

Values = Float[Tensor, "b s heads d"]
LevelHw = Sequence[tuple[int, int]]
Locations = Float[Tensor, "b q heads levels points 2"]
Weights = Float[Tensor, "b q heads levels points"]
Read = Float[Tensor, "b q heads*d"]


def deformable_attention(values: Values, level_hw: LevelHw, locations_unit: Locations, weights: Weights) -> Read:
    """What each query reads, all heads side by side: the fast form, the one to use.

    On a GPU one kernel. On a CPU one gather: all cells that a head of a query reads, four for each place, are rows of
    one bag, and what a row counts is the weight of the place times the share of the corner.

    Args:
        values: (b s heads d), the cells of all levels, one level after the other, finite numbers.
        level_hw: rows and columns of each level.
        locations_unit: x, y in 0 to 1 of the whole map, (b q heads levels points 2). Further out are zeros; NaN gives
            NaN.
        weights: what each place counts. They sum to 1 over levels and points, which is not checked.

    Returns:
        (b q heads*d) of the dtype of `values`; half precision is computed as float32. No queries give none. Values,
        locations and weights get gradients; on a GPU those of the values are summed in no fixed order.

    Raises:
        ValueError: not such tensors, or levels whose cells are not s; the message names the argument.

    >>> values = torch.tensor([0.0, 10, 20, 30]).view(1, 4, 1, 1)  # one level, 2 x 2
    >>> locations_unit = torch.tensor([[0.5, 0.25], [0.75, 0.75]]).view(1, 1, 1, 1, 2, 2)
    >>> deformable_attention(values, [(2, 2)], locations_unit, torch.tensor([0.5, 0.5]).view(1, 1, 1, 1, 2))
    tensor([[[17.5000]]])
    """
    if use_triton(values):
        return deformable_attention_op(values, level_hw, locations_unit, weights)
    if values.device.type == "cpu":
        return _gathered(values, level_hw, locations_unit, weights)
    return deformable_attention_grid_sample(values, level_hw, locations_unit, weights)


def deformable_attention_loop(values: Values, level_hw: LevelHw, locations_unit: Locations, weights: Weights) -> Read:
    """As `deformable_attention`: place by place and corner by corner, to be read.

    >>> values = torch.tensor([0.0, 10, 20, 30]).view(1, 4, 1, 1)
    >>> corner = torch.zeros(1, 1, 1, 1, 1, 2)  # a quarter of the first cell, and three quarters of nothing
    >>> deformable_attention_loop(values + 8, [(2, 2)], corner, torch.ones(1, 1, 1, 1, 1))
    tensor([[[2.]]])
    """
    check_attention(values, level_hw, locations_unit, weights)
    if not weights.numel():
        return _nothing(values, locations_unit, weights)
    b, q, heads, levels, points = weights.shape
    wide, places, counts = _wide(values), _wide(locations_unit), _wide(weights)
    read = wide.new_zeros(b, q, heads, values.shape[3])
    maps = [level.unflatten(1, hw) for level, hw in zip(_levels(wide, level_hw), level_hw, strict=True)]  # b h w k d
    for i, j, head, level, point in torch.cartesian_prod(*map(torch.arange, (b, q, heads, levels, points))).tolist():
        h, w = level_hw[level]
        x, y = places[i, j, head, level, point] * places.new_tensor([w, h]) - 0.5  # in cells
        left, top = x.detach().floor().int().item(), y.detach().floor().int().item()
        for row, share_y in ((top, 1 - (y - top)), (top + 1, y - top)):
            for column, share_x in ((left, 1 - (x - left)), (left + 1, x - left)):
                if 0 <= row < h and 0 <= column < w:
                    share = counts[i, j, head, level, point] * share_y * share_x
                    read[i, j, head] += share * maps[level][i, row, column, head]
    return read.flatten(2).to(values.dtype)


def deformable_attention_grid_sample(
    values: Values, level_hw: LevelHw, locations_unit: Locations, weights: Weights
) -> Read:
    """As `deformable_attention`: each level read by torch's `grid_sample`, then the weighted sum.

    What is read is held at once, (b*heads d q levels*points): some 290 MB for the encoder on one photograph.

    >>> values = torch.tensor([0.0, 10, 20, 30]).view(1, 4, 1, 1)
    >>> centre = torch.full((1, 1, 1, 1, 1, 2), 0.5)
    >>> deformable_attention_grid_sample(values, [(2, 2)], centre, torch.ones(1, 1, 1, 1, 1))
    tensor([[[15.]]])
    """
    check_attention(values, level_hw, locations_unit, weights)
    if not weights.numel():
        return _nothing(values, locations_unit, weights)
    b, q, heads, levels, points = weights.shape
    grid = 2 * _wide(locations_unit).to(_wide(values)) - 1  # grid_sample counts from -1 to 1
    read = []
    for i, (level, hw) in enumerate(zip(_levels(_wide(values), level_hw), level_hw, strict=True)):
        picture = level.permute(0, 2, 3, 1).flatten(0, 1).unflatten(-1, hw)  # b*heads d h w
        places = grid[:, :, :, i].transpose(1, 2).flatten(0, 1)  # b*heads q points 2
        read.append(grid_sample(picture, places, padding_mode="zeros", align_corners=False))  # b*heads d q points
    counts = weights.to(grid).permute(0, 2, 1, 3, 4).reshape(b * heads, 1, q, levels * points)
    summed = (torch.cat(read, -1) * counts).sum(-1)  # b*heads d q
    return summed.view(b, -1, q).transpose(1, 2).to(values.dtype)


def _gathered(values: Values, level_hw: LevelHw, locations_unit: Locations, weights: Weights) -> Read:
    """As the others: a row of the table is one cell of one head."""
    check_attention(values, level_hw, locations_unit, weights)
    if not weights.numel():
        return _nothing(values, locations_unit, weights)
    b, s, heads, d = values.shape
    table = _wide(values).reshape(b * s * heads, d)
    sides = torch.tensor(level_hw, dtype=torch.int32)[:, :, None]  # levels 2 1
    starts = torch.tensor([0, *(h * w for h, w in level_hw[:-1])]).cumsum(0)[:, None]  # levels 1
    pictures = s * torch.arange(b)[:, None, None, None, None]
    origin = ((pictures + starts) * heads + torch.arange(heads)[:, None, None]).int()  # b 1 heads levels 1
    cells, shares = [], []
    x, y = locations_unit.to(table).unbind(-1)
    counts, columns = weights.to(table), _neighbours(x, sides[:, 1], heads)
    for row, share_y in _neighbours(y, sides[:, 0], heads * sides[:, 1]):
        for column, share_x in columns:
            cells.append((origin + row + column).flatten(3).flatten(0, 2))  # b*q*heads levels*points
            shares.append((counts * share_y * share_x).flatten(3).flatten(0, 2))
    read = embedding_bag(torch.cat(cells, 1), table, mode="sum", per_sample_weights=torch.cat(shares, 1))
    return read.view(b, -1, heads * d).to(values.dtype)


def _neighbours(at_unit: Tensor, side: Tensor, step: Tensor | int) -> list[tuple[Tensor, Tensor]]:
    """Along an axis, of the cells before and after each place: how far in the table, and its share of the place."""
    at = at_unit * side - 0.5  # in cells
    before = at.detach().nan_to_num().floor()
    after = at - before
    inside = (before >= 0) & (before < side), (before >= -1) & (before < side - 1)
    cells = before.clamp(0).minimum(side - 1), (before + 1).clamp(0).minimum(side - 1)
    return [(cell.int() * step, share * on) for cell, share, on in zip(cells, (1 - after, after), inside, strict=True)]


def _nothing(values: Values, locations_unit: Locations, weights: Weights) -> Read:
    """No query, place or picture: zeros that hang together with everything, so that gradients are 0 and not None."""
    zero = values[..., :0].sum() + (locations_unit.sum() + weights.sum()).to(values.dtype)
    return zero.expand(len(values), weights.shape[1], values.shape[2] * values.shape[3])


def _levels(values: Tensor, level_hw: LevelHw) -> tuple[Tensor, ...]:
    return values.split([h * w for h, w in level_hw], 1)


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
