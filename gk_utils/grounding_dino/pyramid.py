"""From pictures to one long row of cells: feature maps of several sizes at one width, with their places.

Every map of the image backbone is projected to the same width; coarser levels than it offers are made by halving. A
batch of pictures of unlike sizes is padded, so each level knows which of its cells lie in the picture.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from gk_utils.grounding_dino.dino_attention import LevelHw, sine_features
from gk_utils.grounding_dino.dino_settings import GroundingDinoSettings, ImageBackbone

TEMPERATURE = 20  # of the sine features of cells; DETR's is 10,000
GROUPS = 32  # of the group norm behind each projection


@dataclass(frozen=True, eq=False)
class Cells:
    """The s cells of all levels of b pictures, in rows, the finest level first.

    Attributes:
        features: (b s d) what they show.
        places: (b s d) where they are: sine features of x and y plus what is learned of the level.
        seen: (b s) False in padding.
        level_hw: height and width of each of the l levels.
        valid_wh: (b l 2) the share of each level's width and height that is picture.
    """

    features: Float[Tensor, "b s d"]
    places: Float[Tensor, "b s d"]
    seen: Bool[Tensor, "b s"]
    level_hw: LevelHw
    valid_wh: Float[Tensor, "b l 2"]

    def of(self, pictures: Int[Tensor, " e"]) -> "Cells":
        """The cells of these pictures, in this order; a picture may come several times, once for each prompt."""
        parts = (self.features, self.places, self.seen)
        return Cells(*(part[pictures] for part in parts), self.level_hw, self.valid_wh[pictures])

    def centres(self) -> Float[Tensor, "b s 2"]:
        """x, y of each cell's centre, as a fraction of the picture without its padding."""
        rows = []
        for level, (h, w) in enumerate(self.level_hw):
            y, x = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing="ij")
            centre = torch.stack([x, y], -1).flatten(0, 1).to(self.valid_wh)  # h*w 2
            rows.append(centre / (self.valid_wh[:, None, level] * centre.new_tensor([w, h])))
        return torch.cat(rows, 1)

    def in_levels(self, places: Float[Tensor, "b q k"]) -> Float[Tensor, "b q l k"]:
        """Points or boxes as fractions of the picture -> as fractions of each level, padding included."""
        return places[:, :, None] * self.valid_wh[:, None].repeat(1, 1, 1, places.shape[-1] // 2)


class Pyramid(nn.Module):
    """Projections of the backbone's maps, and of coarser ones, to one width."""

    def __init__(self, settings: GroundingDinoSettings, backbone: ImageBackbone) -> None:
        super().__init__()
        d, channels = settings.width, list(backbone.channels)
        if len(channels) > settings.levels:
            raise ValueError(f"levels: expected at least {len(channels)}, the backbone's maps, got {settings.levels}.")
        halvings = [channels[-1], *[d] * settings.levels][: settings.levels - len(channels)]
        self.projections = nn.ModuleList(
            [nn.Sequential(nn.Conv2d(c, d, 1), nn.GroupNorm(GROUPS, d)) for c in channels]
            + [nn.Sequential(nn.Conv2d(c, d, 3, stride=2, padding=1), nn.GroupNorm(GROUPS, d)) for c in halvings]
        )
        self.level_features = nn.Parameter(torch.randn(settings.levels, d))

    def forward(self, backbone: ImageBackbone, images: Float[Tensor, "b 3 h w"], seen: Bool[Tensor, "b h w"]) -> Cells:
        """The cells of b pictures; `seen` is False in the padding, right of and below a picture."""
        maps = list(backbone(images))
        levels = [project(map) for project, map in zip(self.projections, maps, strict=False)]
        coarser = maps[-1]
        for project in self.projections[len(maps) :]:
            coarser = project(coarser)
            levels.append(coarser)
        rows, places, of_picture, valid = [], [], [], []
        for level, map in enumerate(levels):
            h, w = map.shape[-2:]
            inside = functional.interpolate(seen[:, None].float(), (h, w))[:, 0].bool()  # b h w
            sines = sine_features(_places(inside), map.shape[1] // 2, TEMPERATURE).to(map.dtype)
            rows.append(map.flatten(2).transpose(1, 2))
            places.append(sines.flatten(1, 2) + self.level_features[level])
            of_picture.append(inside.flatten(1))
            valid.append(torch.stack([inside[:, 0].sum(1) / w, inside[:, :, 0].sum(1) / h], -1).to(map.dtype))
        level_hw = tuple((map.shape[-2], map.shape[-1]) for map in levels)
        joined = (torch.cat(parts, 1) for parts in (rows, places, of_picture))
        return Cells(*joined, level_hw, torch.stack(valid, 1))


def _places(inside: Bool[Tensor, "b h w"]) -> Float[Tensor, "b h w 2"]:
    """x, y of the far corner of each cell as a fraction of the picture: (1, 1) in the last cell that is picture."""
    x, y = (inside.cumsum(axis, dtype=torch.float32) for axis in (2, 1))
    return torch.stack([x / (x[:, :, -1:] + 1e-6), y / (y[:, -1:] + 1e-6)], -1)
