"""The counting networks: one small convolutional encoder, what is asked, and one head for each kind of counter.

The frozen trunk of the other models sees 16 x 16 patches of 8 pixels: a crowd has several things in each. These
networks are trained from the picture on, at 4 pixels a cell. They are convolutions all through, and normalise each
place by itself in use (batch norm with kept averages), so that pictures of any size may be given: a tile is seen as it
is inside the picture, but for its border.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, softplus

from gk_utils.counting.exemplar_prompts import PromptReader, Prompts
from gk_utils.errors import check_choice

STRIDE = 4  # pixels a cell of the maps
COARSE = 8  # sides are padded to a multiple of it
KINDS_READ = {  # what each kind reads: words, examples
    "pooled": (True, False),
    "pooled_sum": (True, False),
    "set": (True, False),
    "density": (True, False),
    "exemplar": (False, True),
    "text_exemplar": (True, True),
    "text_blind": (False, False),
}
KINDS = tuple(KINDS_READ)


@dataclass(frozen=True, eq=False)
class Answers:
    """What the network says to q questions.

    Attributes:
        count: how many.
        names: how well each of CATEGORIES and none of them fit each cell of the b pictures, logits; while it learns.
        density: things in each cell; it sums to `count`. None for kinds that have none.
        logits: whether a cell owns a thing; sizes: its log width and height, and the offset of its centre. For "set".
    """

    count: Float[Tensor, " q"]
    names: Float[Tensor, "b k rows columns"] | None = None
    density: Float[Tensor, "q rows columns"] | None = None
    logits: Float[Tensor, "q rows columns"] | None = None
    sizes: Float[Tensor, "q 4 rows columns"] | None = None


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, width: int, dilation: int = 1):
        super().__init__()
        self.first = _conv(width, width, 3, padding=dilation, dilation=dilation)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        nn.init.zeros_(self.second[1].weight)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The same shape."""
        return (x + self.second(self.first(x))).relu()


class Encoder(nn.Module):
    """The part that all kinds share: from a picture to features at 4 pixels a cell.

    Args:
        width: channels at 4 pixels a cell; twice as many at 8.
        blocks: pairs of convolutions at 8 pixels a cell.
    """

    def __init__(self, width: int, blocks: int):
        super().__init__()
        wide = 2 * width
        self.stem = nn.Sequential(_conv(3, 24, 4, stride=2, padding=1), _conv(24, width, 3, stride=2, padding=1))
        self.fine = Block(width)
        self.down = _conv(width, wide, 3, stride=2, padding=1)
        self.coarse = nn.Sequential(*(Block(wide, 1 + i % 2) for i in range(blocks)))
        self.up = nn.Sequential(nn.Conv2d(wide, width, 1, bias=False), nn.BatchNorm2d(width))
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c rows columns"]:
        """Features at 4 pixels a cell; h and w are multiples of 8."""
        x = (images - 0.5).mul(4).contiguous(memory_format=torch.channels_last)
        x = self.fine(self.stem(x))
        coarse = self.up(self.coarse(self.down(x)))
        return (x + interpolate(coarse, scale_factor=2.0, mode="nearest")).relu()


class CountingNet(nn.Module):
    """A counter of one kind.

    Args:
        kind: one of KINDS.
        width, blocks: of the encoder.
    """

    def __init__(self, kind: str, width: int = 32, blocks: int = 3):
        super().__init__()
        check_choice(kind, KINDS, "kind")
        self.kind, self.encoder = kind, Encoder(width, blocks)
        words, examples = KINDS_READ[kind]
        self.reader = PromptReader(width, words=words, examples=examples)
        self.gate = nn.Linear(width, 2 * width)
        self.join = nn.Conv2d(width + self.reader.maps, width, 1)
        self.decode = Block(width)
        if kind == "pooled":
            self.head = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, 1))
        else:
            self.head = nn.Conv2d(width, 5 if kind == "set" else 1, 1)
            nn.init.constant_(self.head.bias[:1], -4.0)  # most cells are empty
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Float[Tensor, "b 3 h w"], prompts: Prompts) -> Answers:
        """The answers to questions about these pictures."""
        features = self.encoder(images)
        vector, maps = self.reader(features, prompts, STRIDE)
        scale, shift = self.gate(vector)[..., None, None].chunk(2, 1)
        x = (features[prompts.picture] * (1 + scale) + shift).relu()
        x = self.join(x if maps is None else torch.cat([x, maps], 1))
        x = self.decode(x.contiguous(memory_format=torch.channels_last))
        return self._answers(x, self.reader.names(features).float() if self.training else None)

    def _answers(self, x: Float[Tensor, "q c rows columns"], names: Tensor | None) -> Answers:
        if self.kind == "pooled":
            return Answers(softplus(self.head(x.float().mean((2, 3)))[:, 0]) ** 2, names)
        said = self.head(x).float()
        if self.kind == "set":
            return Answers(said[:, 0].sigmoid().sum((1, 2)), names, None, said[:, 0], said[:, 1:])
        density = softplus(said[:, 0])
        return Answers(density.sum((1, 2)), names, None if self.kind == "pooled_sum" else density)


def build_counter(settings: Mapping[str, Any]) -> CountingNet:
    """A network with random weights for the settings of a recipe.

    >>> build_counter({"kind": "density", "width": 8, "blocks": 1}).head.out_channels
    1
    """
    return CountingNet(settings["kind"], settings.get("width", 32), settings.get("blocks", 3))


def _conv(before: int, after: int, side: int, **options: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, side, bias=False, **options), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )
