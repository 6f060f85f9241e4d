"""The course's own small Grounding DINO: two small backbones trained from scratch, a vocabulary of words, and answers.

The same model as the published one, at 128 px, on the countertop. For training it carries two more heads, which say of
each cell what it shows and which steps of an expression it fits; answers do not need them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gk_utils.boxes import clip_boxes
from gk_utils.countertop.wording import words
from gk_utils.grounding_dino.dino import Found, GroundingDino
from gk_utils.grounding_dino.dino_attention import sine_features
from gk_utils.grounding_dino.dino_settings import GroundingDinoSettings
from gk_utils.grounding_dino.enhancer import TextLayer
from gk_utils.grounding_dino.phrases import Phrased, best_phrases
from gk_utils.grounding_dino.prompts import phrase_tokens, write_prompt
from gk_utils.models.trunk import LABELS, Layer
from gk_utils.models.trunk_grounder import letterbox
from gk_utils.protocols import Detections, Grounding

PADDING, UNKNOWN, START, END, DOT = range(5)  # token numbers; the vocabulary begins after them
SEPARATORS = (START, END, DOT)
PLACES = 32  # sine features of each coordinate
BOX_THRESHOLD = 0.3
ABSENT_BELOW = 0.3  # the best box of a phrase scores less: there is no such thing


class Vocabulary:
    """A vocabulary: prompts to token numbers.

    >>> Vocabulary(["mug", "red"]).encode(["red mug.", "a mug. red."])[0].tolist()
    [[2, 6, 5, 4, 3, 0, 0], [2, 1, 5, 4, 6, 4, 3]]
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.number = {word: number for number, word in enumerate(vocabulary, DOT + 1)}

    def encode(self, prompts: Sequence[str]) -> tuple[Int[Tensor, "b t"], Bool[Tensor, "b t"]]:
        """Token numbers of prompts, padded to the longest, and which are no padding; each prompt ends with a dot."""
        rows = []
        for prompt in prompts:
            row = [START]
            for phrase in prompt.split("."):
                if numbers := [self.number.get(word, UNKNOWN) for word in words(phrase)]:
                    row += [*numbers, DOT]
            rows.append([*row, END])
        ids = torch.full((len(rows), max(map(len, rows), default=1)), PADDING)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = torch.tensor(row)
        return ids, ids != PADDING


class SmallImages(nn.Module):
    """Convolutions that halve the picture three times, a few transformer layers, and two more halvings.

    The maps at an 8th, a 16th and a 32nd of the picture come out, all of one width. The transformer layers see a
    picture once, however many prompts are asked of it.
    """

    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.channels = (width, width, width)
        self.stem = nn.Sequential(
            *(_halve(a, b) for a, b in pairwise((3, width // 4, width // 2, width))),
            *(nn.Conv2d(width, width, 3, padding=1), nn.GroupNorm(8, width), nn.GELU()),
        )
        self.places = nn.Linear(2 * PLACES, width)
        self.layers = nn.ModuleList(Layer(width, heads, growth=2) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.coarser = nn.ModuleList(_halve(width, width) for _ in range(2))

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b c _ _"]]:
        """The three maps of RGB pictures in [0, 1]."""
        x = self.stem((images - 0.5) / 0.25)
        h, w = x.shape[-2:]
        y, across = torch.meshgrid(*((torch.arange(n, device=x.device) + 0.5) / n for n in (h, w)), indexing="ij")
        cells = x.flatten(2).transpose(1, 2) + self.places(sine_features(torch.stack([across, y], -1), PLACES)).flatten(
            0, 1
        )
        for layer in self.layers:
            cells = layer(cells)
        maps = [self.norm(cells).transpose(1, 2).unflatten(2, (h, w))]
        for halve in self.coarser:
            maps.append(halve(maps[-1]))
        return maps


def _halve(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GroupNorm(8, after), nn.GELU())


class SmallWords(nn.Module):
    """Learned features of words and of their places in the sub-sentence, and a few transformer layers."""

    def __init__(self, vocabulary: int, width: int, heads: int, layers: int, max_tokens: int) -> None:
        super().__init__()
        self.width = width
        self.words, self.places = nn.Embedding(DOT + 1 + vocabulary, width), nn.Embedding(max_tokens, width)
        self.norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList(TextLayer(width, 2 * width, heads) for _ in range(layers))

    def forward(
        self, input_ids: Int[Tensor, "b t"], attends: Bool[Tensor, "b t t"], positions: Int[Tensor, "b t"]
    ) -> Float[Tensor, "b t d"]:
        """Features of the tokens."""
        x, places = self.words(input_ids), self.places(positions)
        x = self.norm(x + places)
        for layer in self.layers:
            x = layer(x, places, attends)
        return x


class MiniGroundingDino(nn.Module):
    """The small model with its vocabulary; a `Detector` and a `Grounder`.

    >>> sizes = {"words": ["mug"], "image_side": 128, "width": 32, "heads": 2, "inner": 64, "queries": 5}
    >>> mini = build_mini({**sizes, "enhancer_layers": 1, "decoder_layers": 1})
    >>> mini.ground(torch.zeros(3, 96, 128), "mug").phrase
    'mug'
    """

    def __init__(self, model: GroundingDino, vocabulary: Sequence[str], image_side: int) -> None:
        super().__init__()
        self.model, self.words, self.image_side = model, Vocabulary(vocabulary), image_side
        width = model.settings.width
        self.label_heads = nn.ModuleDict({name: nn.Linear(width, len(values)) for name, values in LABELS.items()})
        self.step_head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.step_head[1].weight.device

    def forward(self, images: Float[Tensor, "b 3 h w"], prompts: Sequence[str]) -> tuple[Found, Int[Tensor, "b t"]]:
        """What the model finds for one prompt a picture, and the prompts' tokens; pictures of the model's own size."""
        ids, seen = (value.to(self.device) for value in self.words.encode(prompts))
        return self.model(images, ids, seen), ids

    def detect(self, image: Float[Tensor, "3 h w"], phrases: Sequence[str]) -> Detections:
        """All boxes of all phrases, best first; a box has the one phrase that fits it best."""
        found = self._answer(image, list(phrases), BOX_THRESHOLD)
        return Detections(found.boxes, found.scores, found.phrases, tuple(image.shape[1:]))

    def ground(self, image: Float[Tensor, "3 h w"], phrase: str) -> Grounding:
        """The boxes of one phrase, best first, or that it is absent: no box scores ABSENT_BELOW."""
        found = self._answer(image, [phrase], ABSENT_BELOW)
        return Grounding(found.boxes, found.scores, phrase, not len(found.boxes), tuple(image.shape[1:]))

    @torch.no_grad()
    def _answer(self, image: Float[Tensor, "3 h w"], phrases: list[str], threshold: float) -> Phrased:
        square, frame = letterbox(image.to(self.device), self.image_side)
        found, ids = self(square[None], [write_prompt(phrases)])
        tokens, answer = phrase_tokens(ids[0], SEPARATORS).cpu(), (found.logits[0].cpu(), found.boxes_cxcywh[0].cpu())
        if len(tokens) != len(phrases):
            raise ValueError(f"phrases: expected at least one word in each, got {phrases}. Say what to look for.")
        in_square = best_phrases(*answer, tokens, phrases, square.shape[1:], box_threshold=threshold)
        return replace(in_square, boxes=clip_boxes(frame.to_pixels(in_square.boxes), tuple(image.shape[1:])))


def build_mini(settings: Mapping[str, Any]) -> MiniGroundingDino:
    """A mini model of these sizes, with random weights; what is no size is left out."""
    known = {name: value for name, value in settings.items() if name in GroundingDinoSettings.__dataclass_fields__}
    sizes = GroundingDinoSettings(**{"max_tokens": 64, "scaled_logits": True, **known, "separators": SEPARATORS})
    texts = SmallWords(
        len(settings["words"]), sizes.width, sizes.heads, settings.get("text_layers", 1), sizes.max_tokens
    )
    images = SmallImages(sizes.width, sizes.heads, settings.get("vision_layers", 2))
    return MiniGroundingDino(GroundingDino(sizes, images, texts), settings["words"], settings["image_side"])
