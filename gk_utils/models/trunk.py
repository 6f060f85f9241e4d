"""The dense trunk: every patch of a picture says what it shows, where that is, and whether it is what was asked for.

A stack of convolutions turns the picture into patches, transformer layers let the patches see each other, and a head on
each patch predicts the category, the attributes and the box of the thing it belongs to: supervision on every patch, not
on one answer. Then patches and words go through joint layers together. The answer is a softmax over all patches and one
more slot, "none": the share of a patch is how sure the model is that it belongs to the referent, and the box is
the one that the surest patch predicted.

Source: dense prediction by patches after Redmon et al., "You Only Look Once", CVPR 2016, section 2, and Tian et al.,
"FCOS", ICCV 2019, section 3.1; the transformer layer after Dosovitskiy et al., ICLR 2021, equations 2 and 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from gk_utils.countertop.things import CATEGORIES, COLOURS, FACINGS, KINDS, PATTERNS, SIZES

STATES = tuple(state for kind in KINDS.values() for state in kind.states)
# What each patch says of its thing, and the values; index 0 of category is "no thing", of facing and state "none".
LABELS: dict[str, tuple[str | None, ...]] = {
    "category": (None, *CATEGORIES),
    "colour": COLOURS,
    "size": SIZES,
    "pattern": PATTERNS,
    "facing": (None, *FACINGS),
    "state": (None, *STATES),
}
UNKNOWN, PADDING = 1, 0  # word numbers; the vocabulary begins at 2
LONGEST = 64  # words in an expression


@dataclass(frozen=True)
class TrunkSettings:
    """The sizes of a trunk.

    Attributes:
        words: the vocabulary, in the order of its word numbers.
        image_side: the model's pictures are squares with this side, in pixels.
        patch: side of a patch in pixels: a power of two from 4 on.
        width: features per patch and per word; heads: of attention.
        growth: the inner network of a layer is this many times as wide.
        vision_layers, text_layers, joint_layers: how many transformer layers of each sort.
    """

    words: tuple[str, ...]
    image_side: int = 128
    patch: int = 8
    width: int = 192
    heads: int = 6
    growth: int = 4
    vision_layers: int = 2
    text_layers: int = 1
    joint_layers: int = 4


@dataclass(frozen=True, eq=False)
class Seen:
    """What a trunk makes of s pictures, before any words; p patches in rows from the top left.

    Attributes:
        features: (s p d) of the patches.
        boxes_unit: (s p 4) xyxy as fractions of the picture: of the thing that each patch belongs to.
        labels: logits (s p k) for each of LABELS.
    """

    features: Float[Tensor, "s p d"]
    boxes_unit: Float[Tensor, "s p 4"]
    labels: dict[str, Float[Tensor, "s p _"]]


@dataclass(frozen=True, eq=False)
class Asked:
    """What a trunk makes of e expressions, as logits over the p patches of each one's picture.

    Attributes:
        answer: (e p+1) whether the patch belongs to the referent; the last slot is "none". One softmax over all.
        steps: (e p 2) the way there, read half way through: whether the patch belongs to a thing that the noun and its
            adjectives fit, and whether to the landmark. Only training looks at it. Each has a sigmoid of its own.
    """

    answer: Float[Tensor, "e p_and_none"]
    steps: Float[Tensor, "e p 2"]


def number_words(texts: Sequence[str], vocabulary: Sequence[str]) -> Int[Tensor, "e t"]:
    """The numbers of the words of e expressions, PADDING behind the shorter ones, UNKNOWN for a word that is not known.

    Raises:
        ValueError: an expression without words, or with more than LONGEST.

    >>> number_words(["the red mug", "a mug"], ("the", "red", "mug"))
    tensor([[2, 3, 4],
            [1, 4, 0]])
    """
    from gk_utils.countertop.wording import words

    known = {word: number for number, word in enumerate(vocabulary, 2)}
    rows = [[known.get(word, UNKNOWN) for word in words(text)] for text in texts]
    for text, row in zip(texts, rows, strict=True):
        if not 1 <= len(row) <= LONGEST:
            raise ValueError(
                f"phrase: expected 1 to {LONGEST} words, got {len(row)} in {text!r}. Say what to look for."
            )
    t = max(map(len, rows), default=1)
    return torch.tensor([row + [PADDING] * (t - len(row)) for row in rows], dtype=torch.long).view(len(rows), t)


class Layer(nn.Module):
    """A transformer layer: attention among all positions, then a two-layer network on each, both as residuals."""

    def __init__(self, width: int, heads: int, growth: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, growth * width), nn.GELU(), nn.Linear(growth * width, width))

    def forward(self, x: Float[Tensor, "b n d"], seen: Bool[Tensor, "b n"] | None = None) -> Float[Tensor, "b n d"]:
        """Positions whose `seen` is False are not attended to."""
        b, n, d = x.shape
        parts = self.query_key_value(self.norm_attention(x)).view(b, n, 3, self.heads, d // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mask = None if seen is None else seen[:, None, None, :]
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + self.project(mixed.transpose(1, 2).reshape(b, n, d))
        return x + self.mlp(self.norm_mlp(x))


class Trunk(nn.Module):
    """The dense trunk; `see` pictures once, then `ask` as often as there are expressions.

    >>> trunk = Trunk(TrunkSettings(("the", "red", "mug"), image_side=64, patch=16, width=24, heads=2))
    >>> seen = trunk.see(torch.zeros(1, 3, 64, 64))
    >>> seen.features.shape, trunk.ask(seen.features, trunk.number(["the red mug"])).answer.shape
    (torch.Size([1, 16, 24]), torch.Size([1, 17]))
    """

    def __init__(self, settings: TrunkSettings) -> None:
        """Build a trunk with random weights.

        Raises:
            ValueError: sizes that do not go together.
        """
        super().__init__()
        side, patch, d = settings.image_side, settings.patch, settings.width
        if patch < 4 or patch & (patch - 1) or side % patch or d % (4 * settings.heads):
            raise ValueError(
                f"settings: expected a patch of 4, 8, 16 ... that divides image_side and a width that 4 x heads "
                f"divides, got {patch}, {side}, {d} and {settings.heads} heads. Change them."
            )
        self.settings = settings
        self.grid_hw = (side // patch, side // patch)
        halvings = patch.bit_length() - 1
        widths = [3, *(max(24, d >> (halvings - 1 - step)) for step in range(halvings))]
        stem: list[nn.Module] = []
        for before, after in pairwise(widths):
            stem += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GroupNorm(1, after), nn.GELU()]
        self.stem = nn.Sequential(*stem, nn.Conv2d(widths[-1], d, 3, padding=1))
        self.patch_places = nn.Parameter(0.02 * torch.randn(self.grid_hw[0] * self.grid_hw[1], d))
        self.word_places = nn.Parameter(0.02 * torch.randn(LONGEST, d))
        self.word_features = nn.Embedding(2 + len(settings.words), d, padding_idx=PADDING)
        nn.init.normal_(self.word_features.weight, std=0.02)
        self.vision, self.text, self.joint = (
            nn.ModuleList(Layer(d, settings.heads, settings.growth) for _ in range(n))
            for n in (settings.vision_layers, settings.text_layers, settings.joint_layers)
        )
        self.norm_vision, self.norm_joint = nn.LayerNorm(d), nn.LayerNorm(d)
        self.label_heads = nn.ModuleDict({name: nn.Linear(d, len(values)) for name, values in LABELS.items()})
        self.box_head = nn.Sequential(nn.Linear(d, d), nn.GELU(), nn.Linear(d, 4))
        self.step_scores = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 2))
        self.patch_score, self.none_score = nn.Linear(d, 1), nn.Linear(d, 1)
        ys, xs = torch.meshgrid(*((torch.arange(n) + 0.5) / n for n in self.grid_hw), indexing="ij")
        self.register_buffer("centres_unit", torch.stack([xs, ys], -1).flatten(0, 1), persistent=False)

    def forward(
        self, images: Float[Tensor, "s 3 h w"], numbers: Int[Tensor, "e t"], scene: Int[Tensor, " e"]
    ) -> tuple[Seen, Asked]:
        """See s pictures and ask e expressions; `scene` says which picture each is about."""
        seen = self.see(images)
        return seen, self.ask(seen.features.index_select(0, scene), numbers)

    def see(self, images: Float[Tensor, "s 3 h w"]) -> Seen:
        """Features, labels and boxes of every patch; the pictures are RGB in [0, 1] with the model's side.

        Raises:
            ValueError: pictures of another size.
        """
        side = self.settings.image_side
        if images.shape[2:] != (side, side):
            raise ValueError(
                f"images: expected {side} x {side}, got {tuple(images.shape[2:])}. Resize or letterbox them."
            )
        x = self.stem((images - 0.5) / 0.25).flatten(2).transpose(1, 2) + self.patch_places
        for layer in self.vision:
            x = layer(x)
        features = self.norm_vision(x)
        # Distances from the patch's centre to the four sides, in eighths of the picture.
        left, top, right, bottom = (self.box_head(features).float() / 8 + 0.06).unbind(-1)
        centre_x, centre_y = self.centres_unit.unbind(-1)
        first = torch.stack([centre_x - left, centre_y - top], -1)
        second = torch.stack([centre_x + right, centre_y + bottom], -1)
        boxes = torch.cat([torch.minimum(first, second), torch.maximum(first, second)], -1)
        return Seen(features, boxes, {name: head(features) for name, head in self.label_heads.items()})

    def read(self, numbers: Int[Tensor, "e t"]) -> tuple[Float[Tensor, "e t d"], Bool[Tensor, "e t"]]:
        """Features of the words, and which are no padding."""
        seen = numbers != PADDING
        x = self.word_features(numbers) + self.word_places[: numbers.shape[1]]
        for layer in self.text:
            x = layer(x, seen)
        return x, seen

    def join(
        self, features: Float[Tensor, "e p d"], numbers: Int[Tensor, "e t"]
    ) -> tuple[Float[Tensor, "e n d"], Float[Tensor, "e n d"]]:
        """Patches and words of e pairs after the joint layers, and half way; n = p + t, the patches first.

        The first word's features stand for the whole expression.
        """
        text, seen = self.read(numbers)
        x = half_way = torch.cat([features, text], 1)
        seen = torch.cat([seen.new_ones(features.shape[:2]), seen], 1)
        for index, layer in enumerate(self.joint):
            if index == len(self.joint) // 2:
                half_way = x
            x = layer(x, seen)
        return self.norm_joint(x), half_way

    def ask(self, features: Float[Tensor, "e p d"], numbers: Int[Tensor, "e t"]) -> Asked:
        """Ask e expressions, each of the features of its own picture."""
        p = features.shape[1]
        joint, half_way = self.join(features, numbers)
        return Asked(self.score(joint, p), self.step_scores(half_way[:, :p]).float())

    def score(self, joint: Float[Tensor, "e n d"], p: int) -> Float[Tensor, "e p_and_none"]:
        """Logits of the answer from what `join` made of p patches and of the words behind them."""
        return torch.cat([self.patch_score(joint[:, :p]).squeeze(-1), self.none_score(joint[:, p])], 1).float()

    def number(self, texts: Sequence[str]) -> Int[Tensor, "e t"]:
        """The word numbers of expressions, padded to the longest, on the trunk's device.

        Raises:
            ValueError: an expression without words, or with more than 64.
        """
        return number_words(texts, self.settings.words).to(self.centres_unit.device)

    def answers(
        self, images: Float[Tensor, "s 3 h w"], texts: Sequence[str], scene: Int[Tensor, " e"]
    ) -> tuple[Float[Tensor, "e 4"], Float[Tensor, " e"]]:
        """The box of the surest patch, in pixels of these pictures, and the share of "none", for e expressions."""
        seen = self.see(images)
        shares = self.ask(seen.features[scene], self.number(texts)).answer.softmax(1)
        best = shares[:, :-1].argmax(1)
        return self.settings.image_side * seen.boxes_unit[scene, best], shares[:, -1]
