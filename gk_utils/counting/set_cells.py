"""Set prediction by cells: each cell of the stride-4 map is one query, which owns the thing whose centre lies in it.

A set of learned queries with Hungarian matching (DETR) needs many thousand steps before the queries share out the
picture, and as many queries as there may be things. A cell's place settles that before training, so that a minute of
training shows something; the price is a ceiling: of two things with their centres in one cell, one is lost. At a higher
resolution they lie in two cells. Boxes found twice are removed by NMS.

Source: the fixed assignment and the loss are those of Zhou et al., "Objects as points", arXiv:1904.07850. Notebook: 16.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import logsigmoid
from torchvision.ops import nms

STRIDE = 4  # pixels a cell
NMS_IOU = 0.5


@dataclass(frozen=True, eq=False)
class CellTargets:
    """What the cells of a picture should say.

    Attributes:
        owned: cells in which the centre of a thing lies.
        near: 1 in these cells, less around them: a cell beside the right one is punished less.
        sizes: width and height of the thing, in pixels; where in its cell the centre lies, 0 to 1: of owned cells.
    """

    owned: Bool[Tensor, "rows columns"]
    near: Float[Tensor, "rows columns"]
    sizes: Float[Tensor, "4 rows columns"]


def cell_targets(boxes: Float[Tensor, "n 4"], image_hw: tuple[int, int]) -> CellTargets:
    """The targets of the cells; where two centres share a cell, the later box wins.

    >>> targets = cell_targets(torch.tensor([[8.0, 8, 16, 20], [9, 9, 17, 17]]), (32, 32))
    >>> int(targets.owned.sum()), targets.sizes[:, 3, 3].tolist()
    (1, [8.0, 8.0, 0.25, 0.25])
    """
    rows, columns = (-(-side // STRIDE) for side in image_hw)
    owned = torch.zeros(rows, columns, dtype=torch.bool, device=boxes.device)
    sizes = boxes.new_zeros(4, rows, columns)
    near = boxes.new_zeros(rows, columns)
    if not len(boxes):
        return CellTargets(owned, near, sizes)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 / STRIDE
    x = centres[:, 0].long().clamp(0, columns - 1)
    y = centres[:, 1].long().clamp(0, rows - 1)
    values = torch.cat([boxes[:, 2:] - boxes[:, :2], centres - torch.stack([x, y], 1)], 1)
    for i in range(len(boxes)):  # one after the other: which of two wins must not be up to chance
        sizes[:, y[i], x[i]] = values[i]
    owned[y, x] = True
    spread = ((boxes[:, 2:] - boxes[:, :2]).amin(1) / STRIDE / 4).clamp(0.35, 2.0)
    across = torch.arange(columns, device=boxes.device) - x[:, None]
    down = torch.arange(rows, device=boxes.device) - y[:, None]
    apart = down[:, :, None] ** 2 + across[:, None] ** 2
    near = torch.exp(-apart / (2 * spread[:, None, None] ** 2)).amax(0)
    return CellTargets(owned, near, sizes)


def cell_loss(
    logits: Float[Tensor, "b rows columns"],
    sizes: Float[Tensor, "b 4 rows columns"],
    owned: Bool[Tensor, "b rows columns"],
    near: Float[Tensor, "b rows columns"],
    true_sizes: Float[Tensor, "b 4 rows columns"],
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """The focal loss of whether a cell owns a thing, and the error of log sizes and offsets in the owned cells.

    Both are means over the things, 1 at least.
    """
    things = owned.sum().clamp(min=1)
    score = logits.sigmoid()
    found = (1 - score) ** 2 * logsigmoid(logits)
    empty = (1 - near) ** 4 * score**2 * logsigmoid(-logits)
    focal = -torch.where(owned, found, empty).sum() / things
    wanted = torch.cat([true_sizes[:, :2].clamp(min=1).log(), true_sizes[:, 2:]], 1)
    apart = (sizes - wanted).abs() * owned[:, None]
    return focal, apart.sum() / things


def boxes_of_cells(
    logits: Float[Tensor, "rows columns"], sizes: Float[Tensor, "4 rows columns"], least: float
) -> tuple[Float[Tensor, "n 4"], Float[Tensor, " n"]]:
    """Boxes in pixels and scores of the cells whose score is `least` or more, without duplicates; the best first.

    >>> logits, sizes = torch.full((4, 4), -9.0), torch.zeros(4, 4, 4)
    >>> logits[1, 2], sizes[:2], sizes[2:] = 3.0, torch.tensor(8.0).log(), 0.5
    >>> boxes_of_cells(logits, sizes, 0.5)[0].round().tolist()
    [[6.0, 2.0, 14.0, 10.0]]
    """
    scores = logits.sigmoid()
    y, x = (scores >= least).nonzero(as_tuple=True)
    centres = (torch.stack([x, y], 1) + sizes[2:, y, x].T.clamp(0, 1)) * STRIDE
    halves = sizes[:2, y, x].T.clamp(max=7).exp() / 2
    boxes = torch.cat([centres - halves, centres + halves], 1)
    kept = nms(boxes, scores[y, x], NMS_IOU)
    return boxes[kept], scores[y, x][kept]


def best_threshold(
    scores: list[Float[Tensor, " _"]], true: Int[Tensor, " n"], grid: Float[Tensor, " k"] | None = None
) -> float:
    """The threshold whose counts are nearest to the truth: the least mean relative error, |counted - true| / true.

    Below the line a count is 1 at least. Choose it on pictures that are not those the result is told of.

    Args:
        scores: of all boxes that were found in each of n pictures.
        true: how many there are.
        grid: thresholds to try; 0.05 to 0.95 if None.

    >>> best_threshold([torch.tensor([0.9, 0.8, 0.3]), torch.tensor([0.7, 0.2])], torch.tensor([2, 1]))
    0.5
    """
    grid = torch.linspace(0.05, 0.95, 19) if grid is None else grid
    counts = torch.stack([(some[:, None] >= grid).sum(0).float() for some in scores])  # n k
    errors = ((counts - true[:, None]).abs() / true[:, None].clamp(min=1)).mean(0)
    best = (errors <= errors.min() + 1e-6).nonzero().flatten()
    return round(grid[best[(len(best) - 1) // 2]].item(), 4)
