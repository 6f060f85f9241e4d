"""The mini Kosmos-2 on pictures of any size: captions with boxes, answers, and phrases found; `load_mini` loads it.

A picture is fitted into the trunk's square and boxes come back through the same frame, as in lesson 01. Notebook: 12.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils import checkpoints
from gk_utils.boxes import clip_boxes
from gk_utils.checkpoints import Card, first_shipped
from gk_utils.errors import check_same_length
from gk_utils.frames import Frame
from gk_utils.kosmos2.grounded_text import GroundedText, link
from gk_utils.kosmos2.kosmos_model import MiniKosmos, build_kosmos, patch_features
from gk_utils.models.trunk import Trunk
from gk_utils.models.trunk_grounder import check_weights, frozen_trunk, letterbox
from gk_utils.protocols import Grounding

CHECKPOINTS = ("kosmos2", "kosmos2_small")  # the better one first


class KosmosPictures:
    """A `Grounder` and a captioner around a mini model and its trunk: pictures of any size."""

    def __init__(self, trunk: Trunk, kosmos: MiniKosmos, name: str = "kosmos2") -> None:
        self.trunk, self.kosmos, self.name = trunk.eval(), kosmos.eval(), name

    def caption(self, image: Float[Tensor, "3 h w"], start: str = "") -> GroundedText:
        """A caption that begins with `start`; its boxes are parts of the picture.

        Raises:
            ValueError: a picture without pixels; a word of `start` that the model does not know.
        """
        features, frame, image_hw = self._look(image)
        return self._on_picture(self.kosmos.captions(features, start)[0].grounded, frame, image_hw)

    def ask(self, image: Float[Tensor, "3 h w"], question: str, *, grounded: bool = False) -> GroundedText:
        """The answer to a question; with boxes if `grounded`.

        Raises:
            ValueError: a picture without pixels; a word that the model does not know.
        """
        return self.ask_all(image[None], [question], grounded=grounded)[0]

    @torch.no_grad()
    def ask_all(
        self, images: Float[Tensor, "n 3 h w"], questions: Sequence[str], *, grounded: bool = False
    ) -> list[GroundedText]:
        """The same for one question a picture, all at once.

        Raises:
            ValueError: as `ask`, or another number of questions than pictures.
        """
        check_same_length(images, questions, ("images", "questions"))
        if not questions:
            return []
        side, image_hw = self.trunk.settings.image_side, tuple(images.shape[2:])
        fitted = [letterbox(image.to(self.trunk.centres_unit.device), side) for image in images]
        features = patch_features(self.trunk, self.trunk.see(torch.stack([square for square, _ in fitted])))
        answers = self.kosmos.answers(features, questions, grounded=grounded)
        return [self._on_picture(said, frame, image_hw) for said, (_, frame) in zip(answers, fitted, strict=True)]

    def ground(self, image: Float[Tensor, "3 h w"], phrase: str) -> Grounding:
        """The boxes of a phrase in the order written; scores are 1, since it does not say how sure it is.

        Nearly always there is a box: the model was never taught to say that there is none.

        Raises:
            ValueError: a picture without pixels; a word that the model does not know, or no words.
        """
        if not phrase.strip():
            raise ValueError("phrase: expected words, got none. Say what to look for.")
        features, frame, image_hw = self._look(image)
        boxes_unit = self.kosmos.boxes_unit(features, [phrase])[0]
        boxes = clip_boxes(frame.to_pixels(boxes_unit * self.trunk.settings.image_side), image_hw)
        return Grounding(boxes, torch.ones(len(boxes)), phrase, not len(boxes), image_hw)

    @torch.no_grad()
    def _look(self, image: Float[Tensor, "3 h w"]) -> tuple[Tensor, Frame, tuple[int, int]]:
        square, frame = letterbox(image.to(self.trunk.centres_unit.device), self.trunk.settings.image_side)
        return patch_features(self.trunk, self.trunk.see(square[None])), frame, tuple(image.shape[1:])

    def _on_picture(self, said: GroundedText, frame: Frame, image_hw: tuple[int, int]) -> GroundedText:
        """Boxes in parts of the trunk's square as parts of the picture."""
        side = self.trunk.settings.image_side
        boxes = [frame.to_pixels(said.boxes(index, (side, side))) for index in range(len(said.spans))]
        return link(said.text, said.spans, boxes, image_hw)


def load_mini(name: str | os.PathLike | None = None, device: str | torch.device = "cpu") -> tuple[KosmosPictures, Card]:
    """The best mini Kosmos-2 that the course ships, or the one in the folder `name`, bound to its trunk; and its card.

    Raises:
        FileNotFoundError: none is shipped; says how to train one.
        ValueError: a checkpoint that is damaged, no mini Kosmos-2, or trained on other weights of its trunk.
    """
    folder = first_shipped(*CHECKPOINTS) if name is None else Path(name)
    card = checkpoints.verify(folder)
    if "captions" not in card.settings or "trunk" not in card.settings:
        raise ValueError(f"checkpoint: expected a mini Kosmos-2, got {card.recipe!r}. Name the folder of one.")
    check_weights(card, card.settings["trunk"])
    kosmos = build_kosmos(card.settings)
    checkpoints.load_into(kosmos, folder)
    return KosmosPictures(frozen_trunk(card.settings["trunk"], device), kosmos.to(device), card.recipe), card
