"""A grounder as a detector: every phrase is asked alone, so that "the left mug" means one mug."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gk_utils.protocols import Detections, Grounder

AS_SURE = 0.5  # a second box of a phrase scores at least this share of the best one


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
        boxes, scores, named = [image.new_zeros(0, 4).cpu()], [image.new_zeros(0).cpu()], []
        for phrase in phrases:
            found = self.grounder.ground(image, phrase)
            found = found[as_sure(found.scores)]
            boxes.append(found.boxes.cpu())
            scores.append(found.scores.cpu())
            named += [phrase] * len(found)
        return Detections(torch.cat(boxes), torch.cat(scores), tuple(named), tuple(image.shape[1:]))


def as_sure(scores: Float[Tensor, " n"]) -> Bool[Tensor, " n"]:
    """Which boxes of one phrase, best first, score at least AS_SURE times as much as the best.

    >>> as_sure(torch.tensor([0.8, 0.4, 0.3])).tolist()
    [True, True, False]
    """
    return scores >= AS_SURE * scores[:1]
