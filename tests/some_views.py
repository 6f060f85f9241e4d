"""Pictures as told: what both witnesses say is handed in, so that no model is needed."""

from collections.abc import Mapping, Sequence

import torch

from gk_utils.countertop.things import COLOURS
from gk_utils.frames import Frame
from gk_utils.grounded_conversation.witnesses import View
from gk_utils.models.trunk_grounder import ScoreMap, TrunkGrounder
from gk_utils.protocols import Grounding
from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.thing import Thing

HW = (100, 100)
Box = tuple[float, float, float, float]


class Told(TrunkGrounder):
    """Answers phrases from a table: a box, or None for "there is none"; other phrases are a KeyError."""

    def __init__(self, answers: Mapping[str, Box | None]) -> None:
        self.answers, self.asked = dict(answers), []

    def look_all(self, images, phrases):
        return [[self._answer(phrase) for phrase in each] for each in phrases]

    def _answer(self, phrase: str) -> tuple[ScoreMap, Grounding]:
        self.asked.append(phrase)
        box = self.answers[phrase]
        boxes = torch.zeros(0, 4) if box is None else torch.tensor([box], dtype=torch.float32)
        none = 1.0 if box is None else 0.0
        scores = ScoreMap(torch.zeros(1, 1), none, Frame.of_image(HW))
        return scores, Grounding(boxes, torch.ones(len(boxes)), phrase, box is None, HW)


def told_view(things: Sequence[tuple[str, str, Box]], answers: Mapping[str, Box | None] | None = None) -> View:
    """A picture of 100 x 100 pixels in which the first witness sees these things: name, colour, box."""
    seen = [Thing(name, box, HW, {"colour": colour}) for name, colour, box in things]
    shares = torch.zeros(len(seen), len(COLOURS))
    for row, (_, colour, _) in enumerate(things):
        shares[row, COLOURS.index(colour)] = 1
    return View(torch.zeros(3, *HW), Arrangement(seen), tuple(seen), shares, Told(answers or {}))
