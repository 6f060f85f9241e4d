"""A small CLIP: two towers, one for pictures and one for captions, that meet only in a dot product.

The picture tower is a stack of convolutions down to patches, transformer layers, and three means of the patches:
plain, weighted by x, and weighted by y, so that a sum over patches can say where something is. The text tower is
transformer layers over word numbers and the mean of the words. A linear map takes both into one space, where every
vector has length 1. CLIP's text layers are causal and read out at the end-of-text word; here every word sees every
other and all are read, so that not knowing the order of words cannot be the architecture's fault.

Source: Radford et al. 2021, arXiv:2103.00020, section 2.4; the stack of convolutions after Xiao et al., "Early
Convolutions Help Transformers See Better", NeurIPS 2021.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.contrastive.clip_loss import LogitScale, unit
from gk_utils.contrastive.layout_loss import Where
from gk_utils.countertop.wording import words
from gk_utils.errors import check_choice
from gk_utils.models.places import place_encoding
from gk_utils.models.trunk import Layer
from gk_utils.models.trunk_grounder import check_weights, frozen_trunk

PADDING, UNKNOWN, END = range(3)  # word numbers; the vocabulary begins after them
LONGEST = 24  # words in a caption, the end included
WORD_STD = 0.4  # of words and their places at first; at 0.02 what the first layer adds drowns them
SHIPPED = Path(__file__).parents[2] / "data" / "checkpoints"
CHECKPOINTS = ("clip", "clip_wide", "negclip", "clip_layout", "clip_text_only")  # each also as NAME_small


@dataclass(frozen=True)
class ClipSettings:
    """The sizes of a small CLIP.

    Attributes:
        words: the vocabulary, in the order of its word numbers.
        image_side: its pictures are squares with this side, in pixels.
        patch: side of a patch in pixels, a power of two from 4 on.
        width: features per patch and per word; heads: of attention; growth: how much wider a layer's inner network is.
        vision_layers, text_layers: transformer layers of the towers.
        space: length of the vectors that are compared.
        blind: every picture is a grey one before the tower sees it: what is left is a model of captions alone.
        layout: carry the head of `layout_loss`.
        trunk: name of a shipped trunk whose frozen patches the picture tower begins with, in place of the stack of
            convolutions ("locked" image tuning); "" to learn from pixels.
        merge: so many by so many of the trunk's patches become one position of the tower, features one after the other.
    """

    words: tuple[str, ...]
    image_side: int = 64
    patch: int = 8
    width: int = 128
    heads: int = 4
    growth: int = 2
    vision_layers: int = 2
    text_layers: int = 2
    space: int = 128
    blind: bool = False
    layout: bool = False
    trunk: str = ""
    merge: int = 1


class MiniClip(nn.Module):
    """A small CLIP; `see` pictures, `read` captions, compare.

    >>> clip = MiniClip(ClipSettings(("a", "red", "mug"), image_side=32, width=32, heads=2, space=16))
    >>> (clip.see(torch.zeros(2, 3, 32, 32)) @ clip.read(clip.number(["a red mug", "a mug", "a"])).T).shape
    torch.Size([2, 3])
    """

    def __init__(self, settings: ClipSettings) -> None:
        """Build it with random weights.

        Raises:
            ValueError: sizes that do not go together.
        """
        super().__init__()
        self.settings, d = settings, settings.width
        side, patch = settings.image_side, settings.patch
        if patch < 4 or patch & (patch - 1) or side % patch or d % settings.heads:
            raise ValueError(
                f"settings: expected a patch that is a power of two from 4 on and divides the side, and heads that "
                f"divide the width, got patch {patch}, side {side}, width {d}, heads {settings.heads}. Change one."
            )
        n = side // patch // settings.merge
        places = (torch.arange(n) + 0.5) / n
        centres = torch.stack(torch.meshgrid(places, places, indexing="xy"), -1)
        weights = torch.cat([torch.ones(n * n, 1), 2 * centres.flatten(0, 1) - 1], 1)  # p 3: 1, x, y from -1 to 1
        self.register_buffer("weights", weights, persistent=False)
        self.register_buffer("sines", place_encoding(centres.flatten(0, 1), d), persistent=False)
        if settings.trunk:
            self.stem = nn.Linear(settings.merge**2 * frozen_trunk(settings.trunk).settings.width + d, d)
        else:
            self.stem = _stack(patch.bit_length() - 1, d)
        self.patch_places = nn.Parameter(0.02 * torch.randn(n * n, d))
        self.word_places = nn.Parameter(WORD_STD * torch.randn(LONGEST, d))
        self.word_features = nn.Embedding(END + 1 + len(settings.words), d, padding_idx=PADDING)
        nn.init.normal_(self.word_features.weight, std=WORD_STD)
        self.vision, self.text = (
            nn.ModuleList(Layer(d, settings.heads, settings.growth) for _ in range(n))
            for n in (settings.vision_layers, settings.text_layers)
        )
        self.norm_vision, self.norm_text = nn.LayerNorm(d), nn.LayerNorm(d)
        self.project_image = nn.Linear(3 * d, settings.space, bias=False)
        self.project_text = nn.Linear(d, settings.space, bias=False)
        self.scale = LogitScale()
        self.where = Where(settings.space) if settings.layout else None

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.patch_places.device

    def patches(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "_ p c"]:
        """What the convolutions or the frozen trunk make of the patches, in rows from the top left, before any layer.

        The pictures are RGB in [0, 1] with the model's side. A blind model sees one grey picture, however many come.

        Raises:
            ValueError: pictures of another size.
        """
        side = self.settings.image_side
        if images.shape[2:] != (side, side):
            raise ValueError(
                f"images: expected {side} x {side}, got {tuple(images.shape[2:])}. Render or resize them to that."
            )
        if self.settings.blind:
            images = torch.full_like(images[:1], 0.5)
        if self.settings.trunk:
            with torch.no_grad():
                return frozen_trunk(self.settings.trunk, str(self.device)).see(images).features
        return self.stem((images - 0.5) / 0.25).flatten(2).transpose(1, 2)

    def see(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """The vector of each picture, of length 1."""
        return self.pool(self.patches(images)).expand(len(images), -1)

    def pool(self, patches: Float[Tensor, "b p c"]) -> Float[Tensor, "b d"]:
        """The vectors of pictures from what `patches` made of them."""
        if self.settings.trunk:
            places = self.sines.expand(len(patches), -1, -1)
            patches = _merged(patches, self.settings.merge)
            patches = self.stem(torch.cat([patches, places], -1))
        x = patches + self.patch_places
        for layer in self.vision:
            x = layer(x)
        means = (self.weights.T @ self.norm_vision(x)).flatten(1) / len(self.weights)  # b 3d
        return unit(self.project_image(means).float())

    def read(self, numbers: Int[Tensor, "b t"]) -> Float[Tensor, "b d"]:
        """The vector of each caption, of length 1: the mean of its words, the end-of-text word among them."""
        seen = numbers != PADDING
        x = self.word_features(numbers) + self.word_places[: numbers.shape[1]]
        for layer in self.text:
            x = layer(x, seen)
        mean = (self.norm_text(x) * seen[..., None]).sum(1) / seen.sum(1, keepdim=True)
        return unit(self.project_text(mean).float())

    def number(self, texts: Sequence[str]) -> Int[Tensor, "b t"]:
        """Word numbers of captions, each with the end-of-text word behind it, padded to the longest; on its device.

        Raises:
            ValueError: a caption with more than LONGEST - 1 words.
        """
        known = {word: number for number, word in enumerate(self.settings.words, END + 1)}
        rows = [[*(known.get(word, UNKNOWN) for word in words(text)), END] for text in texts]
        for text, row in zip(texts, rows, strict=True):
            if len(row) > LONGEST:
                raise ValueError(
                    f"caption: expected up to {LONGEST - 1} words, got {len(row) - 1} in {text!r}. Cut it."
                )
        longest = max(map(len, rows), default=1)
        padded = [row + [PADDING] * (longest - len(row)) for row in rows]
        return torch.tensor(padded, dtype=torch.long, device=self.device).view(len(rows), longest)

    @torch.no_grad()
    def similarities(self, images: Float[Tensor, "b 3 h w"], texts: Sequence[str]) -> Float[Tensor, "b t"]:
        """The cosine of every picture with every caption."""
        return self.see(images) @ self.read(self.number(texts)).T


def _merged(patches: Float[Tensor, "b p c"], merge: int) -> Float[Tensor, "b q d"]:
    """Squares of merge by merge patches, each as one row of features."""
    n = round(patches.shape[1] ** 0.5) // merge
    rows = patches.unflatten(1, (n, merge, n, merge)).transpose(2, 3)  # b n n merge merge c
    return rows.flatten(3).flatten(1, 2)


def _stack(halvings: int, width: int) -> nn.Sequential:
    """Convolutions that halve the picture so many times."""
    widths = [3, *(max(24, width >> (halvings - 1 - step)) for step in range(halvings - 1)), width]
    stem: list[nn.Module] = []
    for before, after in pairwise(widths):
        stem += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GroupNorm(1, after), nn.GELU()]
    return nn.Sequential(*stem)


def build_clip(settings: Mapping[str, Any]) -> MiniClip:
    """A small CLIP of these sizes, with random weights; what is no size is left out.

    >>> build_clip({"words": ["mug"], "image_side": 32, "width": 32, "batch": 64}).settings.words
    ('mug',)
    """
    names = {field.name for field in fields(ClipSettings)}
    known = {name: value for name, value in settings.items() if name in names}
    return MiniClip(ClipSettings(**{**known, "words": tuple(settings["words"])}))


def load_mini(name: str = "negclip", device: str | torch.device = "cpu") -> tuple[MiniClip, Card]:
    """A small CLIP that the course ships, or the one in the folder `name`, in eval mode; and its card.

    NAME is the one trained on a GPU, or NAME_small where that is not there.

    Raises:
        ValueError: neither one of CHECKPOINTS nor a folder, or a damaged checkpoint.
        FileNotFoundError: the course does not ship it yet; says how to train it.
    """
    folder = Path(name)
    if not folder.is_dir():
        known = [f"{each}{size}" for each in CHECKPOINTS for size in ("", "_small")]
        check_choice(name, known, "name")
        tried = [name, f"{name}_small"]
        folder = next((SHIPPED / each for each in tried if (SHIPPED / each).is_dir()), None)
        if folder is None:
            small = f"{name.removesuffix('_small')}_small"
            raise FileNotFoundError(
                f"name: expected a checkpoint {name} in {SHIPPED}, got none. Train it: python -m gk_utils train {small}"
            )
    card = checkpoints.verify(folder)
    if "space" not in card.settings:
        raise ValueError(f"checkpoint: expected a small CLIP, got {card.recipe!r}. Name the folder of one.")
    if card.settings.get("trunk"):
        check_weights(card, card.settings["trunk"])
    clip = build_clip(card.settings)
    checkpoints.load_into(clip, folder)
    return clip.to(device).eval(), card
