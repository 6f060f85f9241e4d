"""The course's own small Grounding DINO: two small backbones trained from scratch, a vocabulary of words, and answers.

The same model as the published one, at 128 px, on the countertop. For training it carries two more heads, which say of
each cell what it shows and which steps of an expression it fits; answers do not need them.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gk_utils import checkpoints
from gk_utils.boxes import clip_boxes
from gk_utils.checkpoints import Card
from gk_utils.countertop.wording import words
from gk_utils.errors import check_same_length
from gk_utils.grounding_dino.dino import Found, GroundingDino
from gk_utils.grounding_dino.dino_attention import sine_features
from gk_utils.grounding_dino.dino_settings import GroundingDinoSettings
from gk_utils.grounding_dino.enhancer import TextLayer
from gk_utils.grounding_dino.phrases import Phrased, best_phrases
from gk_utils.grounding_dino.prompts import phrase_tokens, write_prompt
from gk_utils.models.trunk import LABELS, Layer
from gk_utils.models.trunk_grounder import check_weights, frozen_trunk, letterbox
from gk_utils.protocols import Detections, Grounding

PADDING, UNKNOWN, START, END, DOT = range(5)  # token numbers; the vocabulary begins after them
SEPARATORS = (START, END, DOT)
PLACES = 32  # sine features of each coordinate
BOX_THRESHOLD = 0.3
ABSENT_BELOW = 0.3  # the best box of a phrase scores less: there is no such thing; a checkpoint's card knows better
NAMES = ("grounding_dino", "grounding_dino_small")  # checkpoints, the better one first


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


class TrunkImages(nn.Module):
    """What a frozen trunk (lesson 04) sees in each patch before any words, and two halvings of that.

    The trunk's weights stay outside: they are neither trained nor stored with the model.
    """

    def __init__(self, trunk: str, width: int, finest: int) -> None:
        super().__init__()
        self.trunk = trunk
        seen = frozen_trunk(trunk).settings
        halvings = (finest // seen.patch).bit_length() - 1
        if halvings < 0 or seen.patch << halvings != finest:
            raise ValueError(f"finest: expected {seen.patch} or twice, four times that, got {finest}. Change it.")
        self.channels = (width, width, width)
        self.finest = nn.Sequential(
            nn.Conv2d(seen.width, width, 1), nn.GroupNorm(8, width), *(_halve(width, width) for _ in range(halvings))
        )
        self.coarser = nn.ModuleList(_halve(width, width) for _ in range(2))

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b c _ _"]]:
        """The three maps of RGB pictures in [0, 1] with the trunk's side."""
        trunk = frozen_trunk(self.trunk, images.device)
        with torch.no_grad():
            features = trunk.see(images).features
        maps = [self.finest(features.transpose(1, 2).unflatten(2, trunk.grid_hw))]
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
        self.absent_below = ABSENT_BELOW
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
        return self.detect_batch([image], [phrases])[0]

    def detect_batch(
        self, images: Sequence[Float[Tensor, "3 _ _"]], phrases: Sequence[Sequence[str]]
    ) -> list[Detections]:
        """`detect` for several pictures at once, of any sizes, each with phrases of its own."""
        check_same_length(images, phrases, ("images", "phrases"))
        answers = self._answer(images, phrases, BOX_THRESHOLD)
        sizes = [tuple(image.shape[1:]) for image in images]
        return [Detections(one.boxes, one.scores, one.phrases, hw) for one, hw in zip(answers, sizes, strict=True)]

    def ground(self, image: Float[Tensor, "3 h w"], phrase: str) -> Grounding:
        """The boxes of one phrase, best first, or that it is absent: no box scores `absent_below`."""
        found = self._answer([image], [[phrase]], self.absent_below)[0]
        return Grounding(found.boxes, found.scores, phrase, not len(found.boxes), tuple(image.shape[1:]))

    @torch.no_grad()
    def _answer(
        self, images: Sequence[Float[Tensor, "3 _ _"]], phrases: Sequence[Sequence[str]], threshold: float
    ) -> list[Phrased]:
        if not images:
            return []
        squares, frames = zip(*(letterbox(image.to(self.device), self.image_side) for image in images), strict=True)
        found, ids = self(torch.stack(squares), [write_prompt(list(names)) for names in phrases])
        logits, boxes, results = found.logits.cpu(), found.boxes_cxcywh.cpu(), []
        for row, (image, names, frame) in enumerate(zip(images, phrases, frames, strict=True)):
            tokens = phrase_tokens(ids[row], SEPARATORS).cpu()
            if len(tokens) != len(names):
                raise ValueError(
                    f"phrases: expected at least one word in each, got {list(names)}. Say what to look for."
                )
            square_hw = (self.image_side, self.image_side)
            answer = best_phrases(logits[row], boxes[row], tokens, list(names), square_hw, box_threshold=threshold)
            kept = clip_boxes(frame.to_pixels(answer.boxes), tuple(image.shape[1:]))
            results.append(replace(answer, boxes=kept))
        return results


def build_mini(settings: Mapping[str, Any]) -> MiniGroundingDino:
    """A mini model of these sizes, with random weights; what is no size is left out."""
    known = {name: value for name, value in settings.items() if name in GroundingDinoSettings.__dataclass_fields__}
    sizes = GroundingDinoSettings(**{"max_tokens": 64, "scaled_logits": True, **known, "separators": SEPARATORS})
    texts = SmallWords(
        len(settings["words"]), sizes.width, sizes.heads, settings.get("text_layers", 1), sizes.max_tokens
    )
    if "trunk" in settings:
        images = TrunkImages(settings["trunk"], sizes.width, settings["finest"])
    else:
        images = SmallImages(sizes.width, sizes.heads, settings.get("vision_layers", 2))
    return MiniGroundingDino(GroundingDino(sizes, images, texts), settings["words"], settings["image_side"])


def load_mini(
    checkpoint: str | os.PathLike | None = None, device: str | torch.device = "cpu"
) -> tuple[MiniGroundingDino, Card]:
    """The best mini model that the course ships, or the one in the folder `checkpoint`, in eval mode, with its card.

    Raises:
        FileNotFoundError, ValueError: no checkpoint there, one that is damaged or is no Grounding DINO, or one that was
            trained on other weights of its trunk.

    >>> mini, card = load_mini()
    >>> card.recipe in NAMES
    True
    """
    checkpoint = checkpoints.first_shipped(*NAMES) if checkpoint is None else checkpoint
    card = checkpoints.load(checkpoint)[1]
    if "enhancer_layers" not in card.settings:
        raise ValueError(
            f"checkpoint: expected a Grounding DINO, got {card.recipe!r}. Name the folder of a grounding_dino run."
        )
    if "trunk" in card.settings:
        check_weights(card, card.settings["trunk"])
    mini = build_mini(card.settings)
    checkpoints.load_into(mini, checkpoint)
    mini.absent_below = card.metrics.get("absent_below", ABSENT_BELOW)
    return mini.to(device).eval(), card
