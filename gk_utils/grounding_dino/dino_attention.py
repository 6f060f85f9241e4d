"""Two kinds of attention, and the sine features that tell it where things are.

Plain attention compares a query with every position. Deformable attention asks the query itself where to look: a few
points around a place that it is given, in each level of a pyramid, with a weight for each point. Its cost does not grow
with the picture.

Source: Zhu et al. 2021, arXiv:2010.04159, equation 3; code fundamentalvision/Deformable-DETR at 1212c97,
models/ops/modules/ms_deform_attn.py. Sine features: Liu et al. 2022, arXiv:2201.12329, section 4.1.
"""

import math
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from gk_utils.grounding_dino.deformable_attention import deformable_attention

LevelHw = tuple[tuple[int, int], ...]  # height and width of each level of a pyramid, the finest first


def sine_features(places: Float[Tensor, "*n k"], width: int, temperature: float = 10_000) -> Float[Tensor, "*n _"]:
    """Sines and cosines of coordinates, `width` for each of k: (*n, k * width).

    Coordinates x, y (and w, h) of a picture run from 0 to 1 and come out in the order y, x, w, h, as in DETR; a single
    coordinate may be anything.

    >>> sine_features(torch.tensor([[0.125, 0.0]]), 2)
    tensor([[0.0000, 1.0000, 0.7071, 0.7071]])
    """
    pair = torch.arange(width, dtype=torch.float32, device=places.device).div(2, rounding_mode="floor")
    if places.shape[-1] > 1:
        places = torch.cat([places[..., :2].flip(-1), places[..., 2:]], -1)
    angles = (places * 2 * math.pi)[..., None] / temperature ** (2 * pair / width)  # *n k width
    waves = torch.stack([angles[..., 0::2].sin(), angles[..., 1::2].cos()], -1)
    return waves.flatten(-3).to(places.dtype)


class Attention(nn.Module):
    """Attention of several heads; keys and values may come from elsewhere.

    >>> reads = Attention(8, heads=2)
    >>> reads(torch.zeros(1, 3, 8), torch.zeros(1, 5, 8), torch.zeros(1, 5, 8)).shape
    torch.Size([1, 3, 8])
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.project = (nn.Linear(width, width) for _ in range(4))

    def forward(
        self,
        asking: Float[Tensor, "b q d"],
        keys: Float[Tensor, "b n d"],
        values: Float[Tensor, "b n d"],
        attends: Bool[Tensor, "b _ n"] | None = None,
    ) -> Float[Tensor, "b q d"]:
        """What was read; a position is looked at where `attends` is True. Each row must have one that is."""
        query, key, value = (
            split_heads(linear(x), self.heads)
            for linear, x in ((self.query, asking), (self.key, keys), (self.value, values))
        )
        mask = None if attends is None else attends[:, None]
        return self.project(join_heads(functional.scaled_dot_product_attention(query, key, value, mask)))


class DeformableAttention(nn.Module):
    """Attention that looks at `points` places per head and level of a pyramid, around a reference."""

    def __init__(self, width: int, heads: int, levels: int, points: int) -> None:
        super().__init__()
        self.shape = (heads, levels, points)
        self.offsets = nn.Linear(width, math.prod(self.shape) * 2)
        self.weights = nn.Linear(width, math.prod(self.shape))
        self.value, self.project = nn.Linear(width, width), nn.Linear(width, width)
        # At first each head looks in a direction of its own, one cell further with every point.
        angle = torch.arange(heads) * 2 * math.pi / heads
        direction = torch.stack([angle.cos(), angle.sin()], -1)
        direction = direction / direction.abs().amax(-1, keepdim=True)
        steps = direction[:, None, None] * torch.arange(1.0, points + 1)[:, None]  # heads 1 points 2
        nn.init.zeros_(self.offsets.weight)
        self.offsets.bias.data = steps.expand(*self.shape, 2).flatten().clone()
        for linear in (self.weights, self.value, self.project):
            nn.init.zeros_(linear.bias)
        nn.init.zeros_(self.weights.weight)

    def forward(
        self,
        asking: Float[Tensor, "b q d"],
        features: Float[Tensor, "b s d"],
        seen: Bool[Tensor, "b s"],
        level_hw: LevelHw,
        references: Float[Tensor, "b q l k"],
    ) -> Float[Tensor, "b q d"]:
        """What was read from the s cells of all levels.

        `references` are points (k = 2) or cxcywh boxes (k = 4) as fractions of each level. Around a point an offset
        counts cells; in a box it counts half sides, shared among the points. Cells that are not `seen` count as zeros.
        """
        heads, levels, points = self.shape
        values = self.value(features).masked_fill(~seen[..., None], 0)
        offsets = self.offsets(asking).unflatten(-1, (heads, levels, points, 2))
        weights = self.weights(asking).unflatten(-1, (heads, levels * points)).softmax(-1)
        around = references[:, :, None, :, None]  # b q 1 l 1 k
        if references.shape[-1] == 2:
            level_wh = offsets.new_tensor([(w, h) for h, w in level_hw])
            locations = around + offsets / level_wh[:, None]
        else:
            locations = around[..., :2] + offsets / points * around[..., 2:] * 0.5
        read = deformable_attention(
            values.unflatten(-1, (heads, -1)), level_hw, locations, weights.unflatten(-1, (levels, points))
        )
        return self.project(read)


class Mlp(nn.Module):
    """Linear layers with ReLU between them: `widths` from the input to the output."""

    def __init__(self, *widths: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(widths))

    def forward(self, x: Float[Tensor, "*n _"]) -> Float[Tensor, "*n _"]:
        """The last layer's output, without ReLU."""
        for layer in self.layers[:-1]:
            x = layer(x).relu()
        return self.layers[-1](x)


def box_head(width: int) -> Mlp:
    """Three layers that say by how much to move a box, before the sigmoid; at first by nothing."""
    head = Mlp(width, width, width, 4)
    nn.init.zeros_(head.layers[-1].weight)
    nn.init.zeros_(head.layers[-1].bias)
    return head


class InnerNetwork(nn.Module):
    """Two linear layers on each position, as a residual, and a norm behind it."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.widen, self.narrow, self.norm = nn.Linear(width, inner), nn.Linear(inner, width), nn.LayerNorm(width)

    def forward(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        """The positions afterwards."""
        return self.norm(x + self.narrow(self.widen(x).relu()))


def split_heads(x: Float[Tensor, "b n d"], heads: int) -> Float[Tensor, "b h n _"]:
    """The features of each head on its own."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def join_heads(x: Float[Tensor, "b h n c"]) -> Float[Tensor, "b n _"]:
    """The features of all heads side by side again."""
    return x.transpose(1, 2).flatten(2)
