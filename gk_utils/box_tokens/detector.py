"""A small Pix2Seq: it looks at the patches of a picture and writes all objects as one row of tokens.

    patches of the trunk, with their places --> projector + causal decoder --> y1 x1 y2 x2 class, y1 x1 y2 x2 class, ...

There are no anchors, no matching of predictions with truths and no suppression of duplicates: only the next token. It
learns from rows in a new random order each time, filled up with noise boxes. It writes as many objects as a row holds,
each token among those that may stand there, and the probability of the class says which objects to believe.

Source: Pix2Seq, Chen et al. 2022, arXiv:2109.10852, section 2; the rows are made and read by `object_sequence`. The
published decoder samples tokens (nucleus 0.4); this one takes the likeliest. Notebook: 03.
"""

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from gk_utils import checkpoints
from gk_utils.box_tokens.object_sequence import (
    PER_OBJECT,
    Pix2SeqObjects,
    Pix2SeqVocabulary,
    decode_pix2seq,
    make_targets,
)
from gk_utils.boxes import clip_boxes
from gk_utils.checkpoints import SHIPPED, Card
from gk_utils.countertop.things import CATEGORIES
from gk_utils.models.places import place_encoding
from gk_utils.models.trunk import Seen, Trunk
from gk_utils.models.trunk_grounder import check_weights, frozen_trunk, letterbox
from gk_utils.models.vlm import Cache, VisionLanguageModel, VLMSettings

SCALE = 0.1  # standard deviation of the fresh embeddings: large enough to be heard beside the first layer


@dataclass(frozen=True)
class DetectorSettings:
    """The sizes of a detector.

    Attributes:
        feature_width: numbers per patch that the trunk gives.
        classes, bins: of the vocabulary.
        objects: how many a row of tokens holds, in training and when it writes.
        width, heads, layers, inner: of the decoder, see `VLMSettings`.
    """

    feature_width: int = 128
    classes: int = len(CATEGORIES)
    bins: int = 128
    objects: int = 16
    width: int = 128
    heads: int = 4
    layers: int = 3
    inner: int = 256


class Pix2SeqDetector(nn.Module):
    """The detector without its trunk: features of patches in, objects out.

    >>> detector = Pix2SeqDetector(DetectorSettings(feature_width=24, objects=3, width=32, heads=2, layers=1))
    >>> found = detector.detect(torch.zeros(2, 16, 24), (128, 128))
    >>> len(found), found[0].boxes.shape, found[0].problems
    (2, torch.Size([3, 4]), ())
    """

    def __init__(self, settings: DetectorSettings) -> None:
        """A detector with random weights.

        Raises:
            ValueError: sizes that do not go together, or no room for an object.
        """
        super().__init__()
        if settings.objects < 1:
            raise ValueError(f"objects: expected 1 or more, got {settings.objects}. A row of tokens holds objects.")
        self.settings = settings
        self.vocabulary = Pix2SeqVocabulary.compact(settings.classes, settings.bins)
        sizes = (settings.width, settings.heads, settings.layers, settings.inner)
        self.model = VisionLanguageModel(VLMSettings(self.vocabulary.size, settings.feature_width, *sizes))
        with torch.no_grad():
            self.model.embedding.weight.normal_(std=SCALE)
            coordinates = self.model.embedding.weight[self.vocabulary.first_coordinate :]
            coordinates.copy_(SCALE * smooth_noise(settings.bins, settings.width))

    def loss(
        self,
        features: Float[Tensor, "b n d"],
        boxes: Sequence[Float[Tensor, "_ 4"]],
        labels: Sequence[Int[Tensor, " _"]],
        image_hw: tuple[float, float],
        *,
        generator: torch.Generator,
        orders: int = 1,
    ) -> dict[str, Tensor]:
        """The cross-entropy of the next token, weighted as `make_targets` says, and its parts.

        `loss` is the mean over all tokens with a weight; `coordinates` and `classes` are the means over those tokens
        alone, and `class_hit` is the share of classes (noise is one) that are the likeliest.

        Args:
            features: of the patches of b pictures.
            boxes: of each picture's objects, xyxy in pixels, inside the picture; on the CPU.
            labels: their classes, from 0.
            image_hw: height and width of all pictures.
            generator: on the CPU; draws order and noise.
            orders: how many rows to draw of each picture; its patches are decoded once for all of them.
        """
        room = {"objects": self.settings.objects, "generator": generator}
        rows = [
            make_targets(some, of, image_hw, self.vocabulary, **room)
            for some, of in zip(boxes, labels, strict=True)
            for _ in range(orders)
        ]
        inputs, targets, weights = (
            torch.stack([getattr(row, name) for row in rows]).to(features.device)
            for name in ("inputs", "targets", "weights")
        )
        logits = self._logits(features, inputs)
        lost = functional.cross_entropy(logits.transpose(1, 2), targets, reduction="none") * weights
        is_class = torch.arange(targets.shape[1], device=targets.device) % PER_OBJECT == PER_OBJECT - 1
        hit = (logits.detach()[:, is_class].argmax(-1) == targets[:, is_class]).float().mean()
        return {
            "loss": lost.sum() / weights.sum(),
            "coordinates": _mean(lost[:, ~is_class], weights[:, ~is_class]),
            "classes": _mean(lost[:, is_class], weights[:, is_class]),
            "class_hit": hit,
        }

    def _logits(self, features: Float[Tensor, "b n d"], inputs: Int[Tensor, "r t"]) -> Float[Tensor, "r t v"]:
        """Logits of the next tokens of r rows, the same number for each picture, one picture's after the other's."""
        model, cache = self.model, Cache()
        model.decode(model.projector(features), features.new_ones(features.shape[:2], dtype=torch.bool), cache)
        pictures = torch.arange(len(features), device=features.device)
        cache.take(pictures.repeat_interleave(len(inputs) // max(len(features), 1)))
        return model.score(model.decode(model.embedding(inputs), inputs >= 0, cache))

    @torch.no_grad()
    def detect(self, features: Float[Tensor, "b n d"], image_hw: tuple[float, float]) -> list[Pix2SeqObjects]:
        """Write `settings.objects` objects for each picture and read them: boxes in pixels of the picture, on the CPU.

        Each has the likeliest class and its probability as the score, also where "noise" was likelier: that is what a
        low score says.
        """
        start = torch.full((len(features), 1), self.vocabulary.start, device=features.device)
        steps = PER_OBJECT * self.settings.objects
        written = self.model.write(
            features, start, steps, allowed=functools.partial(next_tokens, vocabulary=self.vocabulary)
        )
        rows = zip(written.tokens.cpu(), written.logits.cpu(), strict=True)
        return [decode_pix2seq(tokens, image_hw, self.vocabulary, logits) for tokens, logits in rows]


def next_tokens(written: Int[Tensor, "b k"], vocabulary: Pix2SeqVocabulary) -> Bool[Tensor, "b v"]:
    """Which tokens may follow: a coordinate where one belongs, y2 not before y1 nor x2 before x1, then class or noise.

    There is no end: every place of the row is written.

    >>> vocabulary = Pix2SeqVocabulary.compact(classes=2, bins=4)  # noise 2, classes 3 and 4, coordinates 5 to 8
    >>> next_tokens(torch.tensor([[7, 5], [5, 5]]), vocabulary).long()
    tensor([[0, 0, 0, 0, 0, 0, 0, 1, 1],
            [0, 0, 0, 0, 0, 1, 1, 1, 1]])
    """
    ids, place = torch.arange(vocabulary.size, device=written.device), written.shape[1] % PER_OBJECT
    if place == PER_OBJECT - 1:
        is_class = (ids >= vocabulary.first_class) & (ids < vocabulary.first_class + vocabulary.classes)
        return (is_class | (ids == vocabulary.noise)).expand(len(written), -1)
    first = ids.new_full((len(written), 1), vocabulary.first_coordinate)
    if place >= 2:
        first = written[:, -2:-1]  # the same coordinate of the first corner
    return (ids >= first) & (ids < vocabulary.first_coordinate + vocabulary.bins)


def smooth_noise(bins: int, width: int) -> Float[Tensor, "bins width"]:
    """Normal noise in which neighbouring bins are alike: fresh embeddings that know which bins are close.

    Cross-entropy does not know it and needs many examples to find out. Column by column the noise is smoothed over more
    bins, from one to a quarter of them; every number has mean 0 and variance 1.

    >>> noise = smooth_noise(128, 64)
    >>> near, far = (functional.cosine_similarity(noise[:-k], noise[k:]).mean().item() for k in (1, 64))
    >>> near > 0.8, abs(far) < 0.3
    (True, True)
    """
    distance = torch.arange(-bins, bins + 1.0)
    scale = torch.logspace(0, 1, width) ** torch.tensor(max(bins / 4, 1.0)).log10()
    kernels = (-(distance**2) / (2 * scale[:, None] ** 2)).exp()
    kernels = kernels / kernels.square().sum(1, keepdim=True).sqrt()
    return functional.conv1d(torch.randn(width, 3 * bins), kernels[:, None], groups=width).T


class PictureDetector:
    """A detector bound to its trunk: pictures in, objects out; `load_detector` makes one."""

    def __init__(self, trunk: Trunk, detector: Pix2SeqDetector, name: str = "pix2seq") -> None:
        self.trunk, self.detector, self.name = trunk.eval(), detector.eval(), name

    @torch.no_grad()
    def detect(self, images: Float[Tensor, "b 3 h w"]) -> list[Pix2SeqObjects]:
        """All objects that the detector writes for each picture, in the order written; keep those with a good score.

        The pictures are RGB in [0, 1], of any size. Boxes are in pixels of the pictures, inside them, on the CPU.

        Raises:
            ValueError: pictures without pixels.
        """
        side, device = self.trunk.settings.image_side, self.trunk.centres_unit.device
        height, width = images.shape[2:]
        images, frame = images.to(device), None
        if (height, width) != (side, side):
            fitted = [letterbox(image, side) for image in images]
            if not fitted:
                return []
            images, frame = torch.stack([square for square, _ in fitted]), fitted[0][1]
        found = self.detector.detect(patch_features(self.trunk, self.trunk.see(images)), (side, side))
        if frame is None:
            return found
        return [replace(one, boxes=clip_boxes(frame.to_pixels(one.boxes), (height, width))) for one in found]


def patch_features(trunk: Trunk, seen: Seen) -> Float[Tensor, "b p d"]:
    """What a detector is told of b pictures: the trunk's features of the patches and, added, where each patch lies.

    >>> trunk = frozen_trunk()
    >>> patch_features(trunk, trunk.see(torch.zeros(1, 3, 128, 128))).shape
    torch.Size([1, 64, 128])
    """
    return seen.features + place_encoding(trunk.centres_unit, trunk.settings.width)


def build_detector(settings: Mapping[str, Any]) -> Pix2SeqDetector:
    """A detector of these sizes with random weights; what is no size of a detector is left out."""
    known = {name: value for name, value in settings.items() if name in DetectorSettings.__dataclass_fields__}
    return Pix2SeqDetector(DetectorSettings(**known))


def load_detector(
    checkpoint: str | os.PathLike | None = None, device: str | torch.device = "cpu"
) -> tuple[PictureDetector, Card]:
    """The detector that the course ships, or the one in the folder `checkpoint`, bound to its trunk, and its card.

    Raises:
        FileNotFoundError, ValueError: no checkpoint there, one that is damaged or is no detector, or one that was
            trained on other weights of its trunk.
    """
    folder = SHIPPED / "pix2seq" if checkpoint is None else checkpoint
    card = checkpoints.load(folder)[1]
    if "objects" not in card.settings or "trunk" not in card.settings:
        raise ValueError(f"checkpoint: expected a detector, got {card.recipe!r}. Name the folder of a pix2seq run.")
    check_weights(card, card.settings["trunk"])
    trunk = frozen_trunk(card.settings["trunk"], device)
    detector = build_detector(card.settings)
    checkpoints.load_into(detector, folder)
    return PictureDetector(trunk, detector.to(device), card.recipe), card


def _mean(lost: Tensor, weights: Tensor) -> Tensor:
    return lost.detach().sum() / weights.sum().clamp(min=1)
