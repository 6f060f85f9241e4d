"""A head with its trunk as a grounder: pictures of any size, one phrase, one box in the picture's own pixels.

Whether there is such a thing at all is the trunk's answer: more than half for "none".
"""

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gk_utils import checkpoints
from gk_utils.boxes import clip_boxes
from gk_utils.checkpoints import SHIPPED, Card
from gk_utils.heads.lookups import Answered, Lookups, look
from gk_utils.heads.recipe import TunedHead, build, module_parts
from gk_utils.models.trunk import Trunk
from gk_utils.models.trunk_grounder import check_weights, letterbox
from gk_utils.protocols import Grounding

NAMES = ("box_tokens", "box_regression", "box_regression_pooled", "text_coordinates")


class HeadGrounder:
    """A `Grounder` around a trunk and a head.

    >>> from gk_utils.heads.recipe import build_head
    >>> from gk_utils.models.trunk_grounder import frozen_trunk
    >>> grounder = HeadGrounder(frozen_trunk(), build_head({"head": "pooled"}, 128), "pooled")
    >>> grounder.ground(torch.rand(3, 48, 64), "the red mug").phrase
    'the red mug'
    """

    def __init__(self, trunk: Trunk, head: nn.Module, name: str) -> None:
        self.trunk, self.head, self.name = trunk.eval(), head.eval(), name

    @torch.no_grad()
    def answers(
        self, images: Float[Tensor, "s 3 side side"], texts: Sequence[str], scene: Int[Tensor, " e"]
    ) -> tuple[Answered, Lookups]:
        """The answers to e expressions, in pixels of these pictures, and what the head was given.

        The pictures have the trunk's side; `scene` says which one each expression is about.
        """
        lookups = look(self.trunk, images, texts, scene)
        side = self.trunk.settings.image_side
        return self.head.answer(lookups, (side, side)), lookups

    @torch.no_grad()
    def ground(self, image: Float[Tensor, "3 h w"], phrase: str) -> Grounding:
        """The box of what the phrase refers to; its score is the share that the trunk does not give to "none".

        No box where the trunk says "none" (`absent`), or where what the head wrote cannot be read.

        Raises:
            ValueError: a picture without pixels, a phrase without words or with more than 64.
        """
        height, width = image.shape[1:]
        square, frame = letterbox(image.to(self.trunk.centres_unit.device), self.trunk.settings.image_side)
        answered, lookups = self.answers(square[None], [phrase], torch.zeros(1, dtype=torch.long))
        absent = lookups.none > 0.5
        rows = answered.readable & ~absent
        boxes = clip_boxes(frame.to_pixels(answered.boxes[rows]), (height, width)).cpu()
        return Grounding(boxes, (1 - lookups.none[rows]).cpu(), phrase, bool(absent[0]), (height, width))


def load_head(name: str | os.PathLike, device: str = "cpu") -> tuple[HeadGrounder, Card]:
    """A head that the course ships, by its name in NAMES, or the one in a folder; with its trunk, and its card.

    Raises:
        FileNotFoundError, ValueError: no checkpoint there, one that is damaged or is no head, or one that was trained
            on other weights of its trunk.

    >>> load_head("trunk_small")
    Traceback (most recent call last):
    ...
    ValueError: name: expected a head, got 'trunk_small'. Name one of ('box_tokens', 'box_regression', ...
    """
    folder = SHIPPED / name if (SHIPPED / name).is_dir() else Path(name)
    card = checkpoints.load(folder)[1]
    if "head" not in card.settings:
        raise ValueError(f"name: expected a head, got {card.recipe!r}. Name one of {NAMES}, or the folder of a head.")
    module = build(card.settings)
    if not isinstance(module, TunedHead):
        check_weights(card, card.settings["trunk"])
    checkpoints.load_into(module, folder)
    trunk, head = module_parts(module.to(device), card.settings)
    return HeadGrounder(trunk, head, card.recipe), card
