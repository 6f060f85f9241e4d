"""A small reader that answers questions about regions: words, coordinates and a region's features in one sentence.

The sentence goes through a few transformer layers that look at the patches of the whole picture, too; the answer is
read at the question mark. What stands in the sentence for a region is the setting `reference`:

- "coordinates": [x1, y1, x2, y2] alone, as a language model without Ferret's sampler is told.
- "roi": coordinates, and the features that RoI Align reads in the box (lesson 06).
- "pooled": coordinates, and the mean of the features at the points inside the region.
- "sampler": <region_fea> alone, the vector of the spatial-aware visual sampler.
- "hybrid": coordinates and that vector: Ferret.

The trunk under it is frozen and stays outside.

Source: You et al. 2023, arXiv:2310.07704, section 3. Notebook: 14.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from gk_utils.errors import check_choice
from gk_utils.ferret.hybrid_reference import NUMBERS, HybridReference, ReferenceTokens
from gk_utils.ferret.region_questions import ANSWERS, ASKS, WORDS, question_texts
from gk_utils.ferret.region_sampler import SamplerSettings, SpatialAwareVisualSampler, read_at
from gk_utils.ferret.two_resolutions import SeenPictures
from gk_utils.models.places import place_encoding
from gk_utils.models.trunk import Layer
from gk_utils.roi_align import roi_align

REFERENCES = ("coordinates", "roi", "pooled", "sampler", "hybrid")
ROI = 3  # bins of RoI Align along each side


@dataclass(frozen=True)
class ReaderSettings:
    """The sizes of a reader.

    Attributes:
        feature_width: numbers per patch that the trunk gives; grid: patches along each side of the picture.
        reference: one of REFERENCES.
        tiles: the region's features come from two resolutions.
        width, heads, layers: of the reader.
        sampler_width, points, kept, neighbours: of the sampler, see `SamplerSettings`.
    """

    feature_width: int
    grid: int
    reference: str = "hybrid"
    tiles: bool = False
    width: int = 96
    heads: int = 4
    layers: int = 2
    sampler_width: int = 64
    points: int = 512
    kept: tuple[int, ...] = (128, 32)
    neighbours: tuple[int, ...] = (24, 24)

    def __post_init__(self) -> None:
        check_choice(self.reference, REFERENCES, "reference")


@dataclass(frozen=True, eq=False)
class RegionsAsked:
    """n questions about regions of s pictures.

    Attributes:
        tokens: (n t) the sentences, ReferenceTokens of WORDS.
        picture: (n) which picture each is about.
        boxes_unit: (n 4) xyxy of the regions' boxes, as fractions of the picture: for RoI Align.
        points: (n p 2) inside each region, as fractions; None for a reader that needs none.
        there: (n) whether the region has any pixels.
    """

    tokens: Int[Tensor, "n t"]
    picture: Int[Tensor, " n"]
    boxes_unit: Float[Tensor, "n 4"]
    points: Float[Tensor, "n p 2"] | None
    there: Bool[Tensor, " n"]


class RegionReader(nn.Module):
    """The reader.

    >>> sizes = {"width": 16, "heads": 2, "layers": 1, "sampler_width": 8, "points": 8, "kept": (4, 2)}
    >>> reader = RegionReader(ReaderSettings(feature_width=12, grid=4, neighbours=(3, 2), **sizes))
    >>> asked = RegionsAsked(
    ...     torch.tensor([reader.tokens.encode("What is [0, 0, 500, 500] <region_fea>?")]), torch.tensor([0]),
    ...     torch.tensor([[0.0, 0.0, 0.5, 0.5]]), torch.rand(1, 8, 2) / 2, torch.tensor([True]))
    >>> reader(SeenPictures(torch.zeros(1, 12, 4, 4)), asked).shape == (1, len(ANSWERS))
    True
    """

    def __init__(self, settings: ReaderSettings) -> None:
        super().__init__()
        self.settings, d = settings, settings.width
        self.tokens = ReferenceTokens(WORDS)
        self.embedding = nn.Embedding(len(self.tokens), d, padding_idx=ReferenceTokens.padding)
        nn.init.normal_(self.embedding.weight, std=0.5)
        numbers = (torch.arange(NUMBERS) + 0.5) / NUMBERS
        with torch.no_grad():  # near numbers look alike from the start, and as places do
            self.embedding.weight[-NUMBERS:] = place_encoding(numbers[:, None].expand(-1, 2), d)
            self.embedding.weight[ReferenceTokens.padding] = 0
        self.positions = nn.Parameter(0.3 * torch.randn(32, d))
        steps = (torch.arange(settings.grid) + 0.5) / settings.grid
        centres = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1).flatten(0, 1)
        self.register_buffer("places", place_encoding(centres, d), persistent=False)
        self.patch, self.place = nn.Linear(settings.feature_width, d), nn.Linear(d, d)
        self.looks = nn.ModuleList(Look(d, settings.heads) for _ in range(settings.layers))
        self.layers = nn.ModuleList(Layer(d, settings.heads, 2) for _ in range(settings.layers))
        self.norm, self.answer = nn.LayerNorm(d), nn.Linear(d, len(ANSWERS))
        if settings.reference != "coordinates":
            c = settings.sampler_width
            self.reduce = nn.Linear(settings.feature_width, c)
            self.reduce_tiles = nn.Linear(settings.feature_width, c) if settings.tiles else None
            self.region = _region_module(settings)

    @property
    def needs_points(self) -> bool:
        """Whether questions must come with points."""
        return self.settings.reference in ("pooled", "sampler", "hybrid")

    def forward(
        self, seen: SeenPictures, asked: RegionsAsked, generator: torch.Generator | None = None
    ) -> Float[Tensor, "n a"]:
        """Logits of ANSWERS; `generator` is for farthest-point sampling."""
        x = self.embedding(asked.tokens) + self.positions[: asked.tokens.shape[1]]
        if self.settings.reference != "coordinates":
            vector = self.region_vector(seen, asked, generator)
            at = (asked.tokens == ReferenceTokens.feature)[..., None]
            x = x + at * vector[:, None].to(x)
        known = asked.tokens != ReferenceTokens.padding
        patches = self.patch(seen.whole.flatten(2).transpose(1, 2)) + self.place(self.places)
        for look, layer in zip(self.looks, self.layers, strict=True):
            x = layer(look(x, patches, asked.picture), known)
        end = known.sum(1) - 1
        return self.answer(self.norm(x[torch.arange(len(x), device=x.device), end])).float()

    def region_vector(
        self, seen: SeenPictures, asked: RegionsAsked, generator: torch.Generator | None = None
    ) -> Float[Tensor, "n d"]:
        """What stands at <region_fea>: the region's features in one vector; zeros where the region is empty."""
        whole = _linear(self.reduce, seen.whole)
        if self.settings.reference == "roi":
            rois = torch.cat([asked.picture[:, None].to(whole), asked.boxes_unit.to(whole)], 1)
            pooled = roi_align(whole, rois, ROI, spatial_scale=float(self.settings.grid))
            vector = self.region(pooled.flatten(1))
        else:
            features = read_at(whole, asked.points, asked.picture)
            if self.reduce_tiles is not None:
                features = features + read_at(_linear(self.reduce_tiles, seen.tiles), asked.points, asked.picture)
            if self.settings.reference == "pooled":
                vector = self.region(features.mean(1))
            else:
                vector = self.region.fuse(asked.points, features, generator)
        return vector * asked.there[:, None]

    def sentences(self, names: Sequence[str], references: Sequence[HybridReference]) -> Int[Tensor, "n t"]:
        """The tokens of questions as this reader is asked them: with a feature only where it reads one, and so on."""
        kind = self.settings.reference
        if kind == "sampler":
            return self.tokens.encode_all(question_texts(names, ["<region_fea>"] * len(names)))
        written = [str(replace(one, feature=kind != "coordinates")) for one in references]
        return self.tokens.encode_all(question_texts(names, written))


class Look(nn.Module):
    """Attention of the words of each question to the patches of its picture, as a residual."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.norm_patches = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.project = nn.Linear(width, width)

    def forward(
        self, x: Float[Tensor, "n t d"], patches: Float[Tensor, "s p d"], picture: Int[Tensor, " n"]
    ) -> Float[Tensor, "n t d"]:
        """The words afterwards; `picture` says whose patches each question looks at."""
        n, t, d = x.shape
        s, p, _ = patches.shape
        key, value = self.key_value(self.norm_patches(patches)).view(s, p, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        query = self.query(self.norm(x)).view(n, t, self.heads, -1).transpose(1, 2)
        mixed = functional.scaled_dot_product_attention(query, key[picture], value[picture])
        return x + self.project(mixed.transpose(1, 2).reshape(n, t, d))


def allowed_answers(names: Sequence[str]) -> Bool[Tensor, "n a"]:
    """Which of ANSWERS can answer each question: colours to "colour".

    >>> allowed_answers(["facing"]).sum().item()
    2
    """
    owner = [name for name, (_, answers) in ASKS.items() for _ in answers]
    return torch.tensor([[name == one for one in owner] for name in names])


def _region_module(settings: ReaderSettings) -> nn.Module:
    c, d = settings.sampler_width, settings.width
    if settings.reference in ("sampler", "hybrid"):
        sizes = settings.points, tuple(settings.kept), tuple(settings.neighbours)
        return SpatialAwareVisualSampler(SamplerSettings(c, d, *sizes))
    wide = c * ROI**2 if settings.reference == "roi" else c
    return nn.Sequential(nn.Linear(wide, 2 * d), nn.GELU(), nn.Linear(2 * d, d))


def _linear(layer: nn.Linear, maps: Float[Tensor, "s c h w"]) -> Float[Tensor, "s d h w"]:
    """A linear layer on every cell of maps; the result keeps the channels last in memory."""
    return layer(maps.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
