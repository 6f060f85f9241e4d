"""The image encoder: a ViT whose layers mostly attend within windows, and a neck that narrows its features.

It runs once a picture, and is where nearly all the time goes; prompts only ever meet what it gives, the embedding.

Source: Kirillov et al. 2023, "Segment Anything", arXiv:2304.02643, section 3 and appendix A; code
facebookresearch/segment-anything at dca509f, modeling/image_encoder.py. Notebook: 08.
"""

from jaxtyping import Float
from torch import Tensor, nn, zeros

from gk_utils.segment_anything.sam_settings import SegmentAnythingSettings
from gk_utils.segment_anything.windows import WindowAttention, join_windows, split_windows

EPSILON = 1e-6  # of the layer norms


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each cell of a map (b c h w).

    >>> from torch import tensor
    >>> ChannelNorm(2)(tensor([[[[1.0]], [[3.0]]]])).flatten().round(decimals=3).tolist()
    [-1.0, 1.0]
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=EPSILON)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Each cell with mean 0 and variance 1, then scaled and shifted."""
        return super().forward(maps.movedim(1, -1)).movedim(-1, 1)


class EncoderLayer(nn.Module):
    """Attention within windows, or in the whole picture where `window` is 0, then a network on each cell."""

    def __init__(self, settings: SegmentAnythingSettings, window: int) -> None:
        super().__init__()
        self.window, width = window, settings.width
        side = window or settings.grid
        self.norm_attention, self.norm_network = nn.LayerNorm(width, EPSILON), nn.LayerNorm(width, EPSILON)
        self.attention = WindowAttention(width, settings.heads, (side, side), bias=settings.qkv_bias)
        self.network = nn.Sequential(nn.Linear(width, settings.inner), nn.GELU(), nn.Linear(settings.inner, width))

    def forward(self, cells: Float[Tensor, "b h w d"]) -> Float[Tensor, "b h w d"]:
        """The cells afterwards."""
        x = self.norm_attention(cells)
        if self.window:
            x = join_windows(self.attention(split_windows(x, self.window)), tuple(x.shape[1:3]))
        else:
            x = self.attention(x)
        cells = cells + x
        return cells + self.network(self.norm_network(cells))


class ImageEncoder(nn.Module):
    """Pictures to embeddings: one feature vector for each patch.

    >>> from torch import zeros
    >>> sizes = {"image_side": 64, "width": 16, "layers": 2, "heads": 2, "inner": 32, "window": 3, "out_width": 32}
    >>> ImageEncoder(SegmentAnythingSettings(**sizes, global_layers=(1,)))(zeros(1, 3, 64, 64)).shape
    torch.Size([1, 32, 4, 4])
    """

    def __init__(self, settings: SegmentAnythingSettings) -> None:
        super().__init__()
        self.settings, out = settings, settings.out_width
        self.patches = nn.Conv2d(3, settings.width, settings.patch, stride=settings.patch)
        self.places = nn.Parameter(zeros(1, settings.grid, settings.grid, settings.width))
        self.layers = nn.ModuleList(
            EncoderLayer(settings, 0 if number in settings.global_layers else settings.window)
            for number in range(settings.layers)
        )
        self.neck = nn.Sequential(
            nn.Conv2d(settings.width, out, 1, bias=False),
            ChannelNorm(out),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            ChannelNorm(out),
        )

    def forward(self, images: Float[Tensor, "b 3 side side"]) -> Float[Tensor, "b d grid grid"]:
        """The embeddings of pictures that are normalised and of the model's size.

        Raises:
            ValueError: another size.
        """
        side = self.settings.image_side
        if tuple(images.shape[2:]) != (side, side):
            raise ValueError(
                f"images: expected {side} x {side} pixels, got {' x '.join(map(str, images.shape[2:]))}. "
                "Letterbox them first."
            )
        cells = self.patches(images).movedim(1, -1) + self.places
        for layer in self.layers:
            cells = layer(cells)
        return self.neck(cells.movedim(-1, 1))
