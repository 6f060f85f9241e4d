"""Ferret's spatial-aware visual sampler: the features of a region of any shape as one vector.

512 random points inside the region read the feature map between its cells. Two blocks thin them out: each keeps the
points that are spread most (128, then 32), gives each its 24 nearest neighbours, sees how neighbours differ from it in
features and in place, and keeps the largest value of each feature. What is left is flattened, and two linear layers
make one vector of it.

In a block, what goes into the ReLU is linear in the neighbour and in the anchor: with W and b of the first layer and
A = [A1 A2] and a of the second, A1 (W (neighbour - anchor) + b) + A2 anchor + a = (A1 W) neighbour + (A2 - A1 W) anchor
+ (A1 b + a). So each point is multiplied once, not once for every anchor that has it as a neighbour: the same numbers
for a fraction of the work. `slow_sampler` computes it as it is written.

Source: You et al. 2023, "Ferret: Refer and Ground Anything Anywhere at Any Granularity", arXiv:2310.07704, section 3.2;
apple/ml-ferret, ferret/model/ferret_arch.py, GeoRegionSampler. Notebook: 14.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from gk_utils.ferret.point_sets import farthest_points, nearest_points


@dataclass(frozen=True)
class SamplerSettings:
    """The sizes of a sampler; the defaults are the published ones, but for the widths.

    Attributes:
        width: numbers per point; out_width: of the region's vector.
        points: drawn in each region.
        kept: how many points each block keeps.
        neighbours: of each kept point, in each block.
    """

    width: int
    out_width: int
    points: int = 512
    kept: tuple[int, ...] = (128, 32)
    neighbours: tuple[int, ...] = (24, 24)

    def __post_init__(self) -> None:
        before = (self.points, *self.kept)
        fits = len(self.kept) == len(self.neighbours) and all(
            1 <= kept <= there and 1 <= near <= there
            for there, kept, near in zip(before, self.kept, self.neighbours, strict=False)
        )
        if not (fits and self.kept and min(self.width, self.out_width) >= 1):
            raise ValueError(
                f"settings: expected blocks that keep no more points than there are, each with its number of "
                f"neighbours, got {self.points}, {self.kept} and {self.neighbours}. "
                "Ferret has 512, (128, 32) and (24, 24)."
            )


@dataclass(frozen=True, eq=False)
class Grouped:
    """Which points a block keeps, and which neighbours each has: rows of the n regions' points before the block."""

    anchors: Int[Tensor, "n m"]
    neighbours: Int[Tensor, "n m k"]


class SamplerBlock(nn.Module):
    """One block: fuse each kept point with its neighbours.

    `difference` is the linear layer on [feature, x, y] of the neighbour minus those of the anchor; `aggregate` on that
    together with [feature, x, y] of the anchor. Then ReLU, a layer norm, and the largest of the neighbours' values.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.difference = nn.Linear(width + 2, width + 2)
        self.aggregate = nn.Linear(2 * (width + 2), width)
        self.norm = nn.LayerNorm(width)

    def forward(
        self, points: Float[Tensor, "n p 2"], features: Float[Tensor, "n p d"], grouped: Grouped
    ) -> Float[Tensor, "n m d"]:
        """The features of the kept points, both linear layers taken as one (see the module's text)."""
        n, p, d = features.shape
        m, k = grouped.neighbours.shape[1:]
        of_difference, of_anchor = self.aggregate.weight.split(d + 2, 1)
        local = of_difference @ self.difference.weight  # A1 W
        constant = of_difference @ self.difference.bias + self.aggregate.bias
        whole = torch.cat([features, points.to(features)], -1)
        first = torch.arange(n, device=features.device) * p
        anchors = whole.flatten(0, 1)[(grouped.anchors + first[:, None]).flatten()] @ (of_anchor - local).T + constant
        table = (whole @ local.T).flatten(0, 1)
        gathered = table.index_select(0, (grouped.neighbours + first[:, None, None]).flatten())
        fused = (gathered.view(n, m, k, d) + anchors.view(n, m, 1, d)).relu_()
        return self.norm(fused).max(2).values


class SpatialAwareVisualSampler(nn.Module):
    """The sampler: `forward` takes a map and points, and gives one vector a region.

    >>> settings = SamplerSettings(width=8, out_width=6, points=16, kept=(8, 4), neighbours=(4, 2))
    >>> sampler = SpatialAwareVisualSampler(settings)
    >>> sampler(torch.zeros(1, 8, 5, 5), torch.rand(3, 16, 2), torch.zeros(3, dtype=torch.long)).shape
    torch.Size([3, 6])
    """

    def __init__(self, settings: SamplerSettings) -> None:
        super().__init__()
        self.settings = settings
        self.blocks = nn.ModuleList(SamplerBlock(settings.width) for _ in settings.kept)
        self.flatten = nn.Linear(settings.width * settings.kept[-1], settings.width)
        self.project = nn.Linear(settings.width, settings.out_width)

    def forward(
        self,
        features: Float[Tensor, "s d h w"],
        points: Float[Tensor, "n p 2"],
        picture: Int[Tensor, " n"],
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "n out"]:
        """The vectors of n regions.

        Args:
            features: maps of s pictures.
            points: of each region, x, y as fractions of its picture: `points_inside`.
            picture: whose region it is.
            generator: draws the point that farthest-point sampling begins with; the first one of each if None.
        """
        return self.fuse(points, read_at(features, points, picture), generator)

    def fuse(
        self, points: Float[Tensor, "n p 2"], features: Float[Tensor, "n p d"], generator: torch.Generator | None = None
    ) -> Float[Tensor, "n out"]:
        """As `forward`, once the points have read their features.

        Raises:
            ValueError: another number of points than the settings say.
        """
        if points.shape[1] != self.settings.points:
            raise ValueError(
                f"points: expected {self.settings.points} of each region, got {points.shape[1]}. See points_inside."
            )
        for block, kept, near in zip(self.blocks, self.settings.kept, self.settings.neighbours, strict=True):
            grouped = group(points, kept, near, generator)
            features = block(points, features, grouped)
            points = points.gather(1, grouped.anchors[..., None].expand(-1, -1, 2))
        return self.project(self.flatten(features.flatten(1)))


@torch.no_grad()
def group(
    points: Float[Tensor, "n p 2"], kept: int, neighbours: int, generator: torch.Generator | None = None
) -> Grouped:
    """The first half of a block: which points stay, and which surround each of them. No gradient goes through it.

    >>> group(torch.tensor([[[0.0, 0], [0.1, 0], [1, 0]]]), kept=2, neighbours=1).neighbours.tolist()
    [[[0], [2]]]
    """
    anchors = farthest_points(points, kept, generator)
    places = points.gather(1, anchors[..., None].expand(-1, -1, 2))
    return Grouped(anchors, nearest_points(points, places, neighbours))


def read_at(
    features: Float[Tensor, "s d h w"], points: Float[Tensor, "n p 2"], picture: Int[Tensor, " n"]
) -> Float[Tensor, "n p d"]:
    """The map of each region's picture at its points, by bilinear interpolation between the centres of cells.

    Points are fractions of the picture; beyond the outermost centres the border goes on, as in RoI Align (lesson 06).

    >>> row = torch.tensor([[[[0.0, 10.0]]]])
    >>> read_at(row, torch.tensor([[[0.25, 0.5], [0.5, 0.5], [1.0, 0.5]]]), torch.tensor([0])).flatten().tolist()
    [0.0, 5.0, 10.0]
    """
    s, d, h, w = features.shape
    n, p, _ = points.shape
    table = features.permute(0, 2, 3, 1).reshape(s * h * w, d)
    x = (points[..., 0] * w - 0.5).clamp(0, w - 1)
    y = (points[..., 1] * h - 0.5).clamp(0, h - 1)
    left, top = x.detach().floor(), y.detach().floor()
    to_right, to_below = x - left, y - top
    left, top, first = left.long(), top.long(), picture[:, None] * (h * w)
    right, below = (left + 1).clamp(max=w - 1), (top + 1).clamp(max=h - 1)
    cells = torch.stack([top * w + left, top * w + right, below * w + left, below * w + right], -1) + first[..., None]
    upper, lower = 1 - to_below, to_below
    weights = torch.stack([upper * (1 - to_right), upper * to_right, lower * (1 - to_right), lower * to_right], -1).to(
        features
    )
    read = embedding_bag(cells.view(n * p, 4), table, mode="sum", per_sample_weights=weights.view(n * p, 4))
    return read.view(n, p, d)
