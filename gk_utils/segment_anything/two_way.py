"""The two-way transformer: tokens read from the picture, and the picture reads from the tokens.

Each layer has four steps: the tokens attend to each other, then to the picture, go through a network, and then each
cell of the picture attends to the tokens. So the picture's features change with the prompt too.

Source: Kirillov et al. 2023, arXiv:2304.02643, appendix A, "lightweight mask decoder", figure 14; code
facebookresearch/segment-anything at dca509f, modeling/transformer.py. Notebook: 08.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from gk_utils.segment_anything.image_encoder import EPSILON
from gk_utils.segment_anything.sam_settings import SegmentAnythingSettings


class NarrowAttention(nn.Module):
    """Attention of several heads at width / shrink, projected back to the width.

    >>> from torch import zeros
    >>> NarrowAttention(8, heads=2, shrink=2)(zeros(1, 3, 8), zeros(1, 5, 8), zeros(1, 5, 8)).shape
    torch.Size([1, 3, 8])
    """

    def __init__(self, width: int, heads: int, shrink: int = 1) -> None:
        super().__init__()
        self.heads, narrow = heads, width // shrink
        self.query, self.key, self.value = (nn.Linear(width, narrow) for _ in range(3))
        self.project = nn.Linear(narrow, width)

    def forward(
        self, asking: Float[Tensor, "n q d"], keys: Float[Tensor, "n k d"], values: Float[Tensor, "n k d"]
    ) -> Float[Tensor, "n q d"]:
        """What was read."""
        query, key, value = (
            linear(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for linear, x in ((self.query, asking), (self.key, keys), (self.value, values))
        )
        read = functional.scaled_dot_product_attention(query, key, value)
        return self.project(read.transpose(1, 2).flatten(2))


class TwoWayLayer(nn.Module):
    """One layer. `first`: the tokens have nothing yet but what they started with, so it is not added to them again."""

    def __init__(self, settings: SegmentAnythingSettings, first: bool) -> None:
        super().__init__()
        width, heads, self.first = settings.out_width, settings.decoder_heads, first
        self.among_tokens = NarrowAttention(width, heads)
        self.from_picture = NarrowAttention(width, heads, settings.shrink)
        self.from_tokens = NarrowAttention(width, heads, settings.shrink)
        self.network = nn.Sequential(
            nn.Linear(width, settings.decoder_inner), nn.ReLU(), nn.Linear(settings.decoder_inner, width)
        )
        self.norm_among, self.norm_picture, self.norm_network, self.norm_cells = (
            nn.LayerNorm(width, EPSILON) for _ in range(4)
        )

    def forward(
        self,
        tokens: Float[Tensor, "n t d"],
        cells: Float[Tensor, "n p d"],
        token_places: Float[Tensor, "n t d"],
        cell_places: Float[Tensor, "p d"],
    ) -> tuple[Float[Tensor, "n t d"], Float[Tensor, "n p d"]]:
        """Tokens and cells afterwards; to what asks and what is asked, its place is added each time."""
        if self.first:
            tokens = self.among_tokens(tokens, tokens, tokens)
        else:
            placed = tokens + token_places
            tokens = tokens + self.among_tokens(placed, placed, tokens)
        tokens = self.norm_among(tokens)
        keys = cells + cell_places
        tokens = self.norm_picture(tokens + self.from_picture(tokens + token_places, keys, cells))
        tokens = self.norm_network(tokens + self.network(tokens))
        cells = self.norm_cells(cells + self.from_tokens(keys, tokens + token_places, tokens))
        return tokens, cells


class TwoWayTransformer(nn.Module):
    """The layers, and one more look of the tokens at the picture."""

    def __init__(self, settings: SegmentAnythingSettings) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TwoWayLayer(settings, first=n == 0) for n in range(settings.decoder_layers))
        self.last_look = NarrowAttention(settings.out_width, settings.decoder_heads, settings.shrink)
        self.norm = nn.LayerNorm(settings.out_width)

    def forward(
        self, tokens: Float[Tensor, "n t d"], cells: Float[Tensor, "n p d"], cell_places: Float[Tensor, "p d"]
    ) -> tuple[Float[Tensor, "n t d"], Float[Tensor, "n p d"]]:
        """Tokens and cells afterwards. What the tokens start with is their place in every layer."""
        token_places = tokens
        for layer in self.layers:
            tokens, cells = layer(tokens, cells, token_places, cell_places)
        tokens = tokens + self.last_look(tokens + token_places, cells + cell_places, cells)
        return self.norm(tokens), cells
