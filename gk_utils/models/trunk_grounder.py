"""The trunk as a grounder: pictures of any size and shape, one phrase, boxes in the picture's own pixels.

A picture is fitted into the trunk's square, grey where it is too short, and boxes come back through the same frame
(lesson 01).
"""

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from gk_utils import checkpoints
from gk_utils.boxes import clip_boxes, pairwise_iou
from gk_utils.checkpoints import SHIPPED, Card
from gk_utils.errors import check_same_length
from gk_utils.frames import Frame
from gk_utils.models.trunk import Trunk
from gk_utils.models.trunk_recipe import build
from gk_utils.protocols import Grounding

NAMES = ("trunk", "trunk_small")  # the better one first
AT_ONCE = 32  # phrases
LEAST = 0.02  # share of the answer that a box must have to be listed


@dataclass(frozen=True, eq=False)
class ScoreMap:
    """Where a trunk looks for a phrase.

    Attributes:
        shares: (rows columns) of the trunk's patches; how sure it is that the referent is there. They and `none` sum
            to 1.
        none: share of "there is no such thing".
        frame: the patches' grid over the picture, to convert boxes or draw the map where it belongs.
    """

    shares: Float[Tensor, "rows columns"]
    none: float
    frame: Frame


class TrunkGrounder:
    """A `Grounder` around a trunk.

    >>> from gk_utils.countertop.wording import vocabulary
    >>> trunk = build({"words": vocabulary(), "image_side": 64, "patch": 16, "width": 24, "heads": 2})
    >>> TrunkGrounder(trunk).ground(torch.rand(3, 48, 64), "the red mug").phrase
    'the red mug'
    """

    def __init__(self, trunk: Trunk, name: str = "trunk") -> None:
        self.trunk, self.name = trunk.eval(), name

    def look(self, image: Float[Tensor, "3 h w"], phrase: str) -> tuple[ScoreMap, Grounding]:
        """The answer and the map behind it.

        Raises:
            ValueError: a picture without pixels, a phrase without words or with more than 64.
        """
        return self.look_all([image], [[phrase]])[0][0]

    @torch.no_grad()
    def look_all(
        self, images: Sequence[Float[Tensor, "3 _ _"]], phrases: Sequence[Sequence[str]]
    ) -> list[list[tuple[ScoreMap, Grounding]]]:
        """The same for several pictures, each with phrases of its own; a picture is seen once for all of them.

        Raises:
            ValueError: as in `look`, or another number of lists than pictures.
        """
        check_same_length(images, phrases, ("images", "phrases"))
        found: list[list[tuple[ScoreMap, Grounding]]] = [[] for _ in images]
        asked = [(row, phrase) for row, each in enumerate(phrases) for phrase in each]
        numbers = [self.trunk.number([phrase for _, phrase in asked[start:][:AT_ONCE]]) for start in _starts(asked)]
        if not asked:
            return found
        fitted = [
            letterbox(image.to(self.trunk.centres_unit.device), self.trunk.settings.image_side) for image in images
        ]
        seen = self.trunk.see(torch.stack([square for square, _ in fitted]))
        for start, words in zip(_starts(asked), numbers, strict=True):
            some = asked[start:][:AT_ONCE]
            rows = torch.tensor([row for row, _ in some], device=seen.features.device)
            answers = self.trunk.ask(seen.features.index_select(0, rows), words).answer.softmax(1)
            for (row, phrase), shares in zip(some, answers, strict=True):
                hw = tuple(images[row].shape[1:])
                found[row].append(self._answer(shares, seen.boxes_unit[row], fitted[row][1], phrase, hw))
        return found

    def _answer(
        self, shares: Tensor, boxes_unit: Tensor, frame: Frame, phrase: str, image_hw: tuple[int, int]
    ) -> tuple[ScoreMap, Grounding]:
        boxes = clip_boxes(frame.to_pixels(boxes_unit * self.trunk.settings.image_side), image_hw).cpu()
        shares, grid_hw = shares.cpu(), self.trunk.grid_hw
        scores = ScoreMap(shares[:-1].view(grid_hw), float(shares[-1]), frame.grid(grid_hw))
        if scores.none > 0.5:
            return scores, Grounding(boxes[:0], shares[:0], phrase, True, image_hw)
        return scores, Grounding(*_distinct(boxes, shares[:-1]), phrase, False, image_hw)

    def ground(self, image: Float[Tensor, "3 h w"], phrase: str) -> Grounding:
        """The boxes of what the phrase refers to, best first; see `protocols.Grounder`."""
        return self.look(image, phrase)[1]

    def ground_all(
        self, images: Sequence[Float[Tensor, "3 _ _"]], phrases: Sequence[Sequence[str]]
    ) -> list[list[Grounding]]:
        """The same for several pictures, each with phrases of its own."""
        return [[grounding for _, grounding in each] for each in self.look_all(images, phrases)]


def load_grounder(
    checkpoint: str | os.PathLike | None = None, device: str | torch.device = "cpu"
) -> tuple[TrunkGrounder, Card]:
    """The best trunk that the course ships, or the one in the folder `checkpoint`, with its card.

    Raises:
        FileNotFoundError, ValueError: no checkpoint there, or one that is damaged or is no trunk.

    >>> grounder, card = load_grounder()
    >>> card.recipe == grounder.name
    True
    """
    checkpoint = checkpoints.first_shipped(*NAMES) if checkpoint is None else checkpoint
    card = checkpoints.load(checkpoint)[1]
    if "words" not in card.settings or "joint_layers" not in card.settings:
        raise ValueError(f"checkpoint: expected a trunk, got {card.recipe!r}. Name the folder of a trunk.")
    trunk = build(card.settings)
    checkpoints.load_into(trunk, checkpoint)
    return TrunkGrounder(trunk.to(device), card.recipe), card


def frozen_trunk(name: str = "trunk_small", device: str | torch.device = "cpu") -> Trunk:
    """A trunk that the course ships, for a head to sit on: in eval mode, without gradients, loaded once a device.

    Raises:
        FileNotFoundError, ValueError: the course ships no such trunk, or a damaged one.

    >>> frozen_trunk().grid_hw
    (8, 8)
    """
    return _frozen_trunk(name, str(device))[0]


def weights_of(name: str) -> str:
    """The first 12 digits of the sha256 of a shipped trunk's weights: what a head on it writes on its card.

    >>> len(weights_of("trunk_small"))
    12
    """
    return _frozen_trunk(name, "cpu")[1]


def check_weights(card: Card, name: str) -> None:
    """Refuse a head that was trained on other weights of the trunk `name` than those here.

    Raises:
        ValueError: its card says so. A card that says nothing is believed.

    >>> check_weights(Card("box_tokens", 0, 1, "CPU", 0.0, {}, {}), "trunk_small")
    """
    found = card.metrics.get("trunk", weights_of(name))
    if found != weights_of(name):
        raise ValueError(
            f"checkpoint: expected one trained on the weights {weights_of(name)} of {name}, got one for {found}. "
            f"Train it again: python -m gk_utils train {card.recipe}"
        )


def letterbox(image: Float[Tensor, "3 h w"], side: int) -> tuple[Float[Tensor, "3 side side"], Frame]:
    """Resize a picture by one factor until it fits a square, put grey below it or to its right; and the square's frame.

    >>> square, frame = letterbox(torch.zeros(3, 10, 20), 8)
    >>> square[0, :, 0].tolist(), frame.to_pixels(torch.tensor([0.0, 0.0, 8.0, 4.0])).tolist()
    ([0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.5], [0.0, 0.0, 20.0, 10.0])

    Raises:
        ValueError: a picture without pixels.
    """
    height, width = image.shape[1:]
    if not height or not width:
        raise ValueError(f"image: expected pixels, got {height} x {width}. Check how it was cut.")
    factor = side / max(height, width)
    hw = (max(1, round(height * factor)), max(1, round(width * factor)))
    square = image.new_full((3, side, side), 0.5)
    resized = functional.interpolate(image[None], hw, mode="bilinear", align_corners=False, antialias=True)[0]
    square[:, : hw[0], : hw[1]] = resized.clamp(0, 1)
    return square, Frame.of_image((height, width)).resize(hw).pad((side, side), "corner")


@functools.cache
def _frozen_trunk(name: str, device: str) -> tuple[Trunk, str]:
    grounder, card = load_grounder(SHIPPED / name, device)
    return grounder.trunk.requires_grad_(False), card.sha256[:12]


def _starts(asked: Sequence[object]) -> range:
    return range(0, len(asked), AT_ONCE)


def _distinct(boxes: Float[Tensor, "p 4"], shares: Float[Tensor, " p"]) -> tuple[Tensor, Tensor]:
    """The boxes of the surest patches, one per thing: patches whose boxes overlap by half speak of one thing.

    Its score is the sum of their shares; the box is that of the surest.
    """
    best, sums, left = [], [], shares.clone()
    while not best or left.max() > LEAST:
        patch = int(left.argmax())
        same = (pairwise_iou(boxes[patch][None], boxes)[0] >= 0.5) & (left >= 0)
        same[patch] = True
        best.append(boxes[patch])
        sums.append(shares[same].sum())
        left[same] = -1
    order = torch.stack(sums).argsort(descending=True, stable=True)
    return torch.stack(best)[order], torch.stack(sums)[order].clamp(max=1)
