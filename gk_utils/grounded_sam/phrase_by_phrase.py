"""A grounder as a detector: every phrase is asked alone, so that "the left mug" means one mug."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gk_utils.protocols import Detections, Grounder, Grounding

AS_SURE = 0.5  # a second box of a phrase scores at least this share of the best one


@runtime_checkable
class GroundsAll(Protocol):
    """What a grounder may offer beside `ground`: several pictures at once, each seen once for all its phrases."""

    def ground_all(self, images: Sequence[Tensor], phrases: Sequence[Sequence[str]]) -> list[list[Grounding]]:
        """One result for each phrase of each picture."""


class PhraseByPhrase:
    """A `Detector` made of a `Grounder`.

    A detector asked for "left mug" may return every mug; a grounder was trained to choose. Boxes of a phrase that score
    at least half as much as its best one are returned too: it could not tell them apart.

    >>> from gk_utils.models.trunk_grounder import load_grounder
    >>> PhraseByPhrase(load_grounder()[0]).detect(torch.rand(3, 48, 64), ["mug"]).image_hw
    (48, 64)
    """

    def __init__(self, grounder: Grounder) -> None:
        self.grounder = grounder

    def detect(self, image: Float[Tensor, "3 h w"], phrases: Sequence[str]) -> Detections:
        """The boxes of each phrase in turn, best first in each."""
        return self.detect_batch([image], [phrases])[0]

    def detect_batch(self, images: Sequence[Tensor], phrases: Sequence[Sequence[str]]) -> list[Detections]:
        """The same for several pictures, each with phrases of its own."""
        if isinstance(self.grounder, GroundsAll):
            answers = self.grounder.ground_all(images, phrases)
        else:
            pairs = zip(images, phrases, strict=True)
            answers = [[self.grounder.ground(image, phrase) for phrase in each] for image, each in pairs]
        return [_join(each, tuple(image.shape[1:])) for image, each in zip(images, answers, strict=True)]


def as_sure(scores: Float[Tensor, " n"]) -> Bool[Tensor, " n"]:
    """Which boxes of one phrase, best first, score at least AS_SURE times as much as the best.

    >>> as_sure(torch.tensor([0.8, 0.4, 0.3])).tolist()
    [True, True, False]
    """
    return scores >= AS_SURE * scores[:1]


def _join(answers: Sequence[Grounding], image_hw: tuple[int, int]) -> Detections:
    """The boxes that are nearly as sure as the best of their phrase."""
    boxes, scores, named = [torch.zeros(0, 4)], [torch.zeros(0)], []
    for answer in answers:
        kept = answer[as_sure(answer.scores)]
        boxes.append(kept.boxes.cpu())
        scores.append(kept.scores.cpu())
        named += [answer.phrase] * len(kept)
    return Detections(torch.cat(boxes), torch.cat(scores), tuple(named), image_hw)
