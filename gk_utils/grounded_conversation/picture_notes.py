"""What a language model is told of a picture that it does not see: captions, things with boxes, relations, all as text.

So the talks of LLaVA were made: a model that reads text alone was given the captions and boxes that people had made
of COCO's pictures. GranD added attributes and relations that other models had found. What a reply says of the picture
comes from these lines, or it is made up.

Source: Liu et al. 2023, "Visual Instruction Tuning", arXiv:2304.08485, section 3 (captions and boxes as text); Rasheed
et al. 2024, GLaMM, arXiv:2311.03356, section 4 (objects, attributes, relations). Notebook: 15.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gk_utils.countertop.captions import draw_caption
from gk_utils.countertop.programs import Program, is_clear, relation_holds
from gk_utils.countertop.render import Rendered
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import KINDS

RELATIONS = ("left of", "right of", "in front of", "behind", "on", "inside")
HIDDEN = 0.5  # a thing that shows less of itself than this is partly hidden
UnitBox = tuple[float, float, float, float]
RULES = (
    "Write a talk between a user, who asks about a picture, and an assistant, who sees it. Say only what follows from "
    "the lines below, one sentence an answer. Begin lines with 'User: ' or 'Assistant: '. Link each thing that the "
    "assistant names to its box: [the red mug](0.120,0.305,0.250,0.550), or [two mugs](box;box) for several. Do not "
    "speak of what is partly hidden, and do not count it."
)
_THING = re.compile(r"(\d+)\. (\w+) (\w+)(, partly hidden)?: \[([\d., ]+)\]")
_RELATION = re.compile(rf"(\d+) is ({'|'.join(RELATIONS)}) (\d+)")


@dataclass(frozen=True)
class NotedThing:
    """A thing: what it is, its colour, its box in parts of the picture (three decimals), whether it is half hidden."""

    category: str
    colour: str
    box_unit: UnitBox
    hidden: bool = False


@dataclass(frozen=True)
class PictureNotes:
    """What is noted of a picture; `relations` are (thing, relation, thing) by number, clear ones alone.

    >>> notes = PictureNotes((), (NotedThing("mug", "red", (0.1, 0.2, 0.3, 0.4)),))
    >>> notes.named(0), notes.of("mug")
    ('mug', (0,))
    """

    captions: tuple[str, ...]
    things: tuple[NotedThing, ...]
    relations: tuple[tuple[int, str, int], ...] = ()

    def of(self, category: str, colour: str | None = None) -> tuple[int, ...]:
        """The numbers of the things of a category, and of a colour."""
        return tuple(
            number
            for number, thing in enumerate(self.things)
            if thing.category == category and colour in (None, thing.colour)
        )

    def named(self, number: int) -> str | None:
        """Words that fit this thing alone: its category, or with its colour; None where these fit others, too."""
        thing = self.things[number]
        if len(self.of(thing.category)) == 1:
            return thing.category
        return f"{thing.colour} {thing.category}" if len(self.of(thing.category, thing.colour)) == 1 else None

    def countable(self, category: str) -> bool:
        """Whether none of this category is partly hidden."""
        return not any(self.things[number].hidden for number in self.of(category))


def note_scene(scene: Scene, rendered: Rendered, row: int, captions: int = 2) -> PictureNotes:
    """What an annotator who knows a scene would write of its picture, row `row` of `rendered`.

    Things without a visible pixel are left out.

    >>> from gk_utils.countertop.render import render
    >>> from gk_utils.countertop.scene import draw_scene
    >>> scene = draw_scene(3, n=4)
    >>> notes = note_scene(scene, render([scene]), 0)
    >>> notes.things[0].category, notes.relations[0]
    ('bottle', (0, 'right of', 1))
    """
    height, width = rendered.images.shape[-2:]
    pixels, full = (planes[row].sum((1, 2)).tolist() for planes in (rendered.masks, rendered.masks_full))
    seen = [index for index in range(len(scene)) if pixels[index]]
    things = []
    for index in seen:
        x1, y1, x2, y2 = rendered.boxes[row, index].tolist()
        box = tuple(round(side, 3) for side in (x1 / width, y1 / height, x2 / width, y2 / height))
        thing = scene.things[index]
        things.append(NotedThing(thing.category, thing.colour, box, pixels[index] < HIDDEN * full[index]))
    rng = np.random.default_rng([scene.seed, 15])
    drawn = [caption.text for _ in range(captions) if (caption := draw_caption(scene, rng))]
    return PictureNotes(tuple(drawn), tuple(things), _clear_relations(scene, seen))


def write_prompt(notes: PictureNotes) -> list[dict[str, str]]:
    """The messages for a `LanguageModel`: the rules, and the notes line by line.

    >>> notes = PictureNotes(("A mug.",), (NotedThing("mug", "red", (0.1, 0.2, 0.3, 0.4)),))
    >>> print(write_prompt(notes)[1]["content"])
    Captions:
    A mug.
    Objects:
    1. red mug: [0.100, 0.200, 0.300, 0.400]
    Relations:
    """
    lines = ["Captions:", *notes.captions, "Objects:"]
    for number, thing in enumerate(notes.things, start=1):
        box = ", ".join(f"{side:.3f}" for side in thing.box_unit)
        lines.append(f"{number}. {thing.colour} {thing.category}{', partly hidden' * thing.hidden}: [{box}]")
    lines += ["Relations:", *(f"{a + 1} is {relation} {b + 1}" for a, relation, b in notes.relations)]
    return [{"role": "system", "content": RULES}, {"role": "user", "content": "\n".join(lines)}]


def read_prompt(text: str) -> PictureNotes:
    """The notes in the text of a prompt.

    Raises:
        ValueError: a line that is none of a prompt, named by its number.

    >>> notes = PictureNotes(("A mug.",), (NotedThing("mug", "red", (0.1, 0.2, 0.3, 0.4), True),))
    >>> read_prompt(write_prompt(notes)[1]["content"]) == notes
    True
    """
    part, captions, things, relations = "", [], [], []
    for place, line in enumerate(text.split("\n"), start=1):
        thing, relation = _THING.fullmatch(line), _RELATION.fullmatch(line)
        if line in ("Captions:", "Objects:", "Relations:"):
            part = line
        elif part == "Captions:":
            captions.append(line)
        elif part == "Objects:" and thing:
            sides = [float(side) for side in thing.group(5).split(",")]
            things.append(NotedThing(thing.group(3), thing.group(2), tuple(sides), bool(thing.group(4))))
        elif part == "Relations:" and relation:
            relations.append((int(relation.group(1)) - 1, relation.group(2), int(relation.group(3)) - 1))
        else:
            raise ValueError(f"text: expected a line of write_prompt, got {line!r:.60} in line {place}. Mend the line.")
    return PictureNotes(tuple(captions), tuple(things), tuple(relations))


def _clear_relations(scene: Scene, seen: Sequence[int]) -> tuple[tuple[int, str, int], ...]:
    """Between the things that have a name of their own: what nobody would argue about."""
    programs = {index: _program(scene, index) for index in seen}
    found = []
    for place, a in enumerate(seen):
        for other, b in enumerate(seen):
            if a == b or programs[a] is None or programs[b] is None:
                continue
            for relation in RELATIONS:
                stands = relation in ("on", "inside")
                if not relation_holds(scene, a, relation, b) or (not stands and scene.root(a) == scene.root(b)):
                    continue
                asked = Program(programs[a].category, programs[a].attributes, relation=relation, landmark=programs[b])
                if stands or is_clear(asked, scene):
                    found.append((place, relation, other))
    return tuple(found)


def _program(scene: Scene, index: int) -> Program | None:
    thing = scene.things[index]
    same = Counter((other.category, other.colour) for other in scene.things)
    alike = sum(count for (category, _), count in same.items() if category == thing.category)
    if alike == 1:
        return Program(thing.category)
    alone = same[thing.category, thing.colour] == 1
    return Program(thing.category, (("colour", thing.colour),)) if alone else None


def could_carry(below: str, above: str, relation: str) -> bool:
    """Whether a thing of category `above` could stand "on" or be "inside" one of category `below`.

    >>> could_carry("plate", "apple", "on"), could_carry("cat", "apple", "on")
    (True, False)
    """
    kind = KINDS[below]
    return above in kind.carries and (kind.top if relation == "on" else kind.opening) is not None
