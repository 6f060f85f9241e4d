"""An assistant for tests: the shipped trunk and segmenter, parts written another way than in the lessons, a scene."""

import functools
import re

import torch

from gk_utils.assistant.assistant import Assistant
from gk_utils.assistant.parts import USED, Parts
from gk_utils.assistant.view import Models, View
from gk_utils.countertop.render import Rendered, render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import Thing
from gk_utils.grounded_sam.box_filler import BoxFiller
from gk_utils.grounded_sam.phrase_by_phrase import PhraseByPhrase
from gk_utils.grounded_sam.pipeline import GroundedSam
from gk_utils.kosmos2.grounded_text import GroundedText
from gk_utils.models.trunk_grounder import load_grounder


def thing(category, colour, x, depth, **more):
    """A large plain thing."""
    return Thing(category, colour, "large", "plain", more.pop("facing", None), None, x=x, depth=depth, **more)


KITCHEN = Scene(
    (
        thing("mug", "red", 0.15, 0.8, facing="left"),
        thing("mug", "blue", 0.5, 0.85, facing="right"),
        thing("plate", "white", 0.85, 0.8),
        thing("bottle", "green", 0.3, 0.1),
        thing("kettle", "yellow", 0.7, 0.15, facing="left"),
    ),
    seed=1,
)


def shares_in(shares, boxes, image_hw):
    """00.thing_shares, cell by cell."""
    (rows, columns), (height, width) = shares.shape, image_hw
    sums = torch.zeros(len(boxes))
    for row in range(rows):
        for column in range(columns):
            x, y = (column + 0.5) * width / columns, (row + 0.5) * height / rows
            for k, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
                sums[k] += float(shares[row, column]) * (x1 <= x <= x2 and y1 <= y <= y2)
    return sums


def in_pixels(answer, image_hw):
    """01.read_answer."""
    y1, x1, y2, x2 = (number / 999 * max(image_hw) for number in answer)
    height, width = image_hw
    return [min(x1, width), min(y1, height), min(x2, width), min(y2, height)]


def covered(boxes, truth):
    """01.coverage."""
    sides = torch.minimum(boxes[:, 2:], truth[:, 2:]) - torch.maximum(boxes[:, :2], truth[:, :2])
    return sides.clamp(min=0).prod(1) / (truth[:, 2:] - truth[:, :2]).prod(1).clamp(min=1e-9)


def last_box(text):
    """05.read_box."""
    if "<box>" not in text:
        return "none"
    if "</box>" not in text.split("<box>")[-1]:
        return "truncated"
    numbers = list(map(int, re.findall(r"\d+", text.split("<box>")[-1].split("</box>")[0])))
    if len(numbers) != 4 or max(numbers) > 999:
        return "count" if len(numbers) != 4 else "outside"
    x1, y1, x2, y2 = numbers
    return [min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)]


def mask_overlap(first, second):
    """09.overlap, with the pixels."""
    lines = []
    for counts in (first, second):
        lines.append([on for place, count in enumerate(counts) for on in [place % 2] * count])
    both = sum(a and b for a, b in zip(*lines, strict=True))
    either = sum(a or b for a, b in zip(*lines, strict=True))
    return both / either if either else 0.0


def clashes(answers):
    """10.conflicts, of equal facts alone."""
    pairs = [(i, j) for i in range(len(answers)) for j in range(i + 1, len(answers))]
    return [(i, j) for i, j in pairs if answers[i][:3] == answers[j][:3] and answers[i][3] != answers[j][3]]


def between(truths, low, high):
    """10.from_to."""
    least, most = truths.count(True), truths.count(True) + truths.count(None)
    return "true" if low <= least and most <= high else "false" if most < low or least > high else "unknown"


FUNCTIONS = dict(zip(USED, (shares_in, in_pixels, covered, last_box, mask_overlap, clashes, between), strict=True))
PARTS = Parts(FUNCTIONS, FUNCTIONS)


class Teller:
    """A captioner that says what it was told to."""

    def __init__(self, said: GroundedText):
        self.said = said

    def caption(self, image, start=""):
        return self.said


@functools.cache
def models() -> Models:
    grounder, _ = load_grounder()
    return Models(grounder, GroundedSam(PhraseByPhrase(grounder), BoxFiller()), None, "trunk + boxes")


@functools.cache
def painted() -> Rendered:
    return render([KITCHEN], (128, 128))


@functools.cache
def kitchen_view() -> View:
    """The kitchen, seen once for all tests."""
    return some_assistant().look(painted().images[0])


def some_assistant(parts: Parts = PARTS, said: GroundedText | None = None) -> Assistant:
    """The assistant; with `said`, a captioner that says that."""
    known = models()
    teller = None if said is None else Teller(said)
    return Assistant(Models(known.grounder, known.pipeline, teller, known.name), parts)


def ask(question: str, parts: Parts = PARTS):
    """What is answered about the kitchen."""
    return some_assistant(parts).ask(kitchen_view(), question)
