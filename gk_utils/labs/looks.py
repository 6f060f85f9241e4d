"""Where the queries of a Grounding DINO look: the places that the decoder reads, caught while it runs, and drawn.

Notebook: 07.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils import viz
from gk_utils.boxes import cxcywh_to_xyxy
from gk_utils.charts import LINE_COLOURS
from gk_utils.grounding_dino import Found, MiniGroundingDino
from gk_utils.grounding_dino.dino_attention import DeformableAttention

MARKS = "oDs^"  # of the levels, the finest first
LARGEST = 260  # square points of a mark with the whole weight of a head


@dataclass(frozen=True, eq=False)
class Look:
    """What each of q queries reads in one decoder layer; all as fractions of the picture.

    Attributes:
        boxes_cxcywh: the box that the layer starts from.
        places: x, y of each point; they may lie outside.
        weights: what each counts; those of a head sum to 1.
    """

    boxes_cxcywh: Float[Tensor, "q 4"]
    places: Float[Tensor, "q heads levels points 2"]
    weights: Float[Tensor, "q heads levels points"]

    def inside(self, query: int) -> float:
        """Which share of what a query reads lies inside its box."""
        x1, y1, x2, y2 = cxcywh_to_xyxy(self.boxes_cxcywh[query]).tolist()
        x, y = self.places[query].unbind(-1)
        within = (x > x1) & (x < x2) & (y > y1) & (y < y2)
        return (self.weights[query] * within).sum().item() / self.weights.shape[1]


@torch.no_grad()
def catch_looks(mini: MiniGroundingDino, image: Float[Tensor, "3 side side"], prompt: str) -> tuple[Found, list[Look]]:
    """Ask one prompt of one picture of the model's own size; what is found, and where each decoder layer looked.

    >>> from gk_utils.grounding_dino import build_mini
    >>> sizes = {"words": ["mug"], "image_side": 128, "width": 32, "heads": 2, "inner": 64, "queries": 5}
    >>> mini = build_mini({**sizes, "enhancer_layers": 1, "decoder_layers": 2})
    >>> found, looks = catch_looks(mini, torch.rand(3, 128, 128), "mug.")
    >>> len(looks), looks[0].places.shape
    (2, torch.Size([5, 2, 4, 4, 2]))
    """
    looks: list[Look] = []

    def catch(attention: DeformableAttention, given: tuple[Any, ...]) -> None:
        asking, references = given[0][0], given[4][0]  # q d; q levels 4
        heads, levels, points = attention.shape
        offsets = attention.offsets(asking).view(-1, heads, levels, points, 2)
        weights = attention.weights(asking).view(-1, heads, levels * points).softmax(-1)
        boxes = references[:, None, :, None]  # q 1 levels 1 4
        places = boxes[..., :2] + offsets / points * boxes[..., 2:] / 2
        looks.append(Look(references[:, 0], places, weights.view(-1, heads, levels, points)))

    hooks = [layer.on_cells.register_forward_pre_hook(catch) for layer in mini.model.decoder.layers]
    try:
        found, _ = mini(image[None].to(mini.device), [prompt])
    finally:
        for hook in hooks:
            hook.remove()
    return found, looks


def draw_looks(image: Float[Tensor, "3 h w"], looks: Sequence[Look], query: int, names: Sequence[str]) -> Figure:
    """One query in some layers: its box, and a mark for each place, the larger the more it counts.

    Circles, diamonds, squares and triangles are the levels, the finest first. All panels show the same part of the
    picture: the box of the last layer and as much again on each side.
    """
    h, w = image.shape[1:]
    size = torch.tensor([w, h, w, h])
    boxes = [size * cxcywh_to_xyxy(look.boxes_cxcywh[query]) for look in looks]
    left, top, right, bottom = _around(boxes[-1].tolist(), (h, w))
    cut = image[:, top:bottom, left:right].permute(1, 2, 0)
    moved = torch.tensor([left, top] * 2)
    cuts = ((cut, (box - moved)[None], ["its box"]) for box in boxes)
    panels = [viz.Picture(*parts, title=name) for parts, name in zip(cuts, names, strict=True)]
    figure = viz.show_grid(panels, columns=3)
    for axes, look in zip(figure.axes, looks, strict=True):
        for level in range(look.places.shape[2]):
            x, y = (size[:2] * look.places[query, :, level].flatten(0, 1) - moved[:2]).T
            sizes = LARGEST * look.weights[query, :, level].flatten()
            style = {"marker": MARKS[level], "color": LINE_COLOURS[1 + level], "edgecolor": "white", "linewidth": 0.6}
            axes.scatter(x, y, sizes, zorder=4, **style)
        axes.set(xlim=(0, right - left), ylim=(bottom - top, 0))
    return figure


def _around(box: Sequence[float], image_hw: tuple[int, int]) -> tuple[int, int, int, int]:
    """A square three times as long as the box, inside the picture: left, top, right, bottom."""
    x1, y1, x2, y2 = box
    side = min(max(32, round(3 * max(x2 - x1, y2 - y1))), *image_hw)
    left, top = (
        min(max(0, round((low + high - side) / 2)), whole - side)
        for low, high, whole in ((x1, x2, image_hw[1]), (y1, y2, image_hw[0]))
    )
    return left, top, left + side, top + side
