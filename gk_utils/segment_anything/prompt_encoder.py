"""The prompt encoder: points, boxes and masks as features of the kind that the embedding has.

A point is a token: its place, as random Fourier features, plus a learned vector for "on the object" or "beside it". A
box is two such tokens, for its corners. A mask is no token but a map, which is added to the embedding.

Places count pixels by their index: (0, 0) is the centre of the first pixel, so half a pixel is added to every one.

Source: Kirillov et al. 2023, arXiv:2304.02643, appendix A; Tancik et al. 2020, "Fourier features", arXiv:2006.10739,
equation 5; code facebookresearch/segment-anything at dca509f, modeling/prompt_encoder.py. Notebook: 08.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gk_utils.segment_anything.image_encoder import ChannelNorm
from gk_utils.segment_anything.sam_settings import SegmentAnythingSettings

# What a point of a prompt is; the last two are the corners of a box.
NOTHING, PADDING, BESIDE, ON, UPPER_LEFT, LOWER_RIGHT = -10, -1, 0, 1, 2, 3


class FourierPlaces(nn.Module):
    """Places in the unit square as sines and cosines of `width / 2` random waves across it.

    The waves are drawn once and kept. Near places have similar features, far ones have not, in any direction.
    """

    def __init__(self, width: int, scale: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("waves", scale * torch.randn(2, width // 2))

    def forward(self, places_unit: Float[Tensor, "*n 2"]) -> Float[Tensor, "*n d"]:
        """Features of x, y as fractions of the picture."""
        x, y = (2 * places_unit.to(self.waves.dtype) - 1).split(1, -1)
        turns = x * self.waves[0] + y * self.waves[1]  # no matrix product: under autocast that would round to bf16
        return torch.cat([(2 * math.pi * turns).sin(), (2 * math.pi * turns).cos()], -1)

    def of_grid(self, grid: int) -> Float[Tensor, "d grid grid"]:
        """Features of the centres of a grid's cells."""
        centres = (torch.arange(grid, device=self.waves.device, dtype=self.waves.dtype) + 0.5) / grid
        y, x = torch.meshgrid(centres, centres, indexing="ij")
        return self(torch.stack([x, y], -1)).movedim(-1, 0)


def with_corners(
    points: Float[Tensor, "n p 2"] | None, labels: Int[Tensor, "n p"] | None, boxes: Float[Tensor, "n 4"] | None
) -> tuple[Float[Tensor, "n t 2"], Int[Tensor, "n t"]]:
    """Points and boxes as points alone: after the points come the two corners of the box, or one point of padding.

    The padding is there because the model was trained with it: a prompt without a box has a token that says so.

    Raises:
        ValueError: neither points nor boxes.

    >>> with_corners(torch.tensor([[[5.0, 6.0]]]), torch.tensor([[1]]), None)[1].tolist()
    [[1, -1]]
    >>> with_corners(None, None, torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
    (tensor([[[1., 2.],
             [3., 4.]]]), tensor([[2, 3]]))
    """
    if points is None and boxes is None:
        raise ValueError("points: expected points or boxes, got neither. For a mask alone, pass a point of padding.")
    if boxes is not None:
        more, kinds = boxes.unflatten(-1, (2, 2)), [UPPER_LEFT, LOWER_RIGHT]
    else:
        more, kinds = points.new_zeros(len(points), 1, 2), [PADDING]
    more_labels = torch.tensor(kinds, device=more.device).expand(len(more), -1)
    if points is None:
        return more, more_labels
    if labels is None:
        labels = torch.full(points.shape[:2], ON, device=points.device)
    return torch.cat([points, more.to(points.dtype)], 1), torch.cat([labels.long(), more_labels], 1)


class PromptEncoder(nn.Module):
    """Prompts to tokens and maps.

    >>> encoder = PromptEncoder(SegmentAnythingSettings(image_side=64, out_width=32, decoder_heads=2))
    >>> tokens, maps = encoder(torch.tensor([[[8.0, 9.0], [0.0, 0.0]]]), torch.tensor([[ON, PADDING]]))
    >>> tokens.shape, maps.shape
    (torch.Size([1, 2, 32]), torch.Size([1, 32, 4, 4]))
    """

    def __init__(self, settings: SegmentAnythingSettings) -> None:
        super().__init__()
        self.settings, width = settings, settings.out_width
        self.places = FourierPlaces(width, settings.place_scale)
        self.kinds, self.padding = nn.Embedding(4, width), nn.Embedding(1, width)
        self.no_mask = nn.Embedding(1, width)
        half = settings.mask_width // 4
        self.shrink_mask = nn.Sequential(
            *(nn.Conv2d(1, half, 2, stride=2), ChannelNorm(half), nn.GELU()),
            *(nn.Conv2d(half, 4 * half, 2, stride=2), ChannelNorm(4 * half), nn.GELU()),
            nn.Conv2d(4 * half, width, 1),
        )

    def forward(
        self,
        points: Float[Tensor, "n t 2"],
        labels: Int[Tensor, "n t"],
        masks: Float[Tensor, "n 1 side side"] | None = None,
    ) -> tuple[Float[Tensor, "n t d"], Float[Tensor, "n d grid grid"]]:
        """The tokens of n prompts, and the maps of their masks.

        Args:
            points: x, y in pixels of the model's picture, counted by index.
            labels: what each is: ON or BESIDE the object, a corner of a box, PADDING, or NOTHING, whose token is zero.
            masks: logits of earlier masks, of `settings.mask_side`; None for prompts without.
        """
        places = self.places((points + 0.5) / self.settings.image_side)
        kinds = self.kinds(labels.clamp(min=0))
        tokens = torch.where((labels >= 0)[..., None], places + kinds, self.padding.weight)
        tokens = tokens.masked_fill((labels == NOTHING)[..., None], 0)
        if masks is None:
            grid = self.settings.grid
            return tokens, self.no_mask.weight[..., None, None].expand(len(tokens), -1, grid, grid)
        return tokens, self.shrink_mask(masks)
