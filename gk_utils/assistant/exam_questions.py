"""Questions of ten kinds about countertop scenes, each with its truth: which things it is about, and the answer.

The truth comes from the scene, never from a picture. What is asked about can be seen (at least VISIBLE of it), and no
decision is a close one. In every kind but describe some questions ask about what is not there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gk_utils.countertop.language import draw_expression
from gk_utils.countertop.naming import facts, name_things, noun, number, with_article
from gk_utils.countertop.programs import SIDES, Program, is_clear, referents
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES, COLOURS
from gk_utils.countertop.wording import RELATION_WORDS, describe

VISIBLE = 0.4  # a thing that is asked about shows at least this much of itself
STRANGERS = ("elephant", "laptop", "shoe", "clock", "lemon", "fork")  # no expression has them, and no scene
SIDE = 999  # of the padded square, in the numbers of a region
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Drawn:
    """A question with its truth.

    Attributes:
        question: its words.
        answer: the value that an answer should have; "none" where what it asks about is not there.
        groups: for each phrase in it the things of the scene that it names, ascending; none: it is not there.
    """

    question: str
    answer: str
    groups: tuple[tuple[int, ...], ...] = ()

    @property
    def absent(self) -> bool:
        """Whether it asks about something that is not there."""
        return any(not group for group in self.groups)


@dataclass(frozen=True)
class Seen:
    """A scene and what of it can be seen: of each thing the visible share, its box and the picture's height, width."""

    scene: Scene
    visible: tuple[float, ...]
    boxes: tuple[Box, ...]
    image_hw: tuple[int, int] = (128, 128)

    def clear(self, *groups: Sequence[int]) -> bool:
        """Whether all these things are well visible."""
        return all(self.visible[thing] >= VISIBLE for group in groups for thing in group)


def draw_for(kind: str, seen: Seen, rng: np.random.Generator, absent: bool = False) -> Drawn | None:
    """A question of this kind about a scene, or None where the scene does not allow one.

    Args:
        kind: one of the ten kinds.
        seen: the scene.
        rng: where chance comes from.
        absent: ask about something that is not there; a description never does.
    """
    found = _DRAW[kind](seen, rng, absent)
    if found is None or (kind != "describe" and found.absent != absent) or not seen.clear(*found.groups):
        return None
    return found


def _expression(seen: Seen, rng: np.random.Generator, types: Sequence[str]) -> tuple[str, tuple[int, ...]] | None:
    found = draw_expression(seen.scene, _one(rng, types), "refcocog", rng)
    return None if found is None else (found.text, found.referents)


def _locate(seen: Seen, rng: np.random.Generator, absent: bool) -> Drawn | None:
    types = ("absent",) if absent else ("attribute", "relation", "nested", "action", "negated", "extreme")
    found = _expression(seen, rng, types)
    return found and Drawn(_one(rng, ("Where is {}?", "Find {}.")).format(found[0]), _here(found[1]), (found[1],))


def _segment(seen: Seen, rng: np.random.Generator, absent: bool) -> Drawn | None:
    found = _expression(seen, rng, ("absent",) if absent else ("attribute", "relation", "action"))
    return found and Drawn(_one(rng, ("Cut out {}.", "Segment {}.")).format(found[0]), _here(found[1]), (found[1],))


def _ordinal(seen: Seen, rng: np.random.Generator, absent: bool) -> Drawn | None:
    if absent:  # one more than there are
        group = Program(_one(rng, seen.scene.things).category)
        n = len(referents(group, seen.scene))
        program = replace(group, side=_one(rng, SIDES[:2]), rank=n + 1)
        if not 2 <= n <= 4 or not seen.clear(referents(group, seen.scene)):
            return None
        text, things = describe(program, "refcocog", rng), ()
    else:
        found = _expression(seen, rng, ("ordinal",))
        if found is None:
            return None
        text, things = found
    if rng.random() < 0.5:
        return Drawn(f"Where is {text}?", _here(things), (things,))
    return Drawn(f"What colour is {text}?", seen.scene.things[things[0]].colour if things else "none", (things,))


def _count(seen: Seen, rng: np.random.Generator, absent: bool) -> Drawn | None:
    """First how many, then of what: each number as likely as the next."""
    programs: dict[int, list[Program]] = {}
    for category in CATEGORIES:
        for colour in (None, *COLOURS):
            program = Program(category, (("colour", colour),) if colour else ())
            programs.setdefault(len(referents(program, seen.scene)), []).append(program)
    numbers = [n for n in programs if (n == 0) == absent]
    if not numbers:
        return None
    program = _one(rng, programs[_one(rng, sorted(numbers))])
    things = referents(program, seen.scene)
    return Drawn(f"How many {noun(program, rng, 2)} are there?", str(len(things)), (things,))


def _compare(seen: Seen, rng: np.random.Generator, absent: bool) -> Drawn | None:
    there = sorted({thing.category for thing in seen.scene.things})
    missing = [category for category in CATEGORIES if category not in there]
    if len(there) < 2:
        return None
    first, second = (there[index] for index in rng.permutation(len(there))[:2])
    if absent:
        second = _one(rng, missing)
    if rng.random() < 0.5:
        first, second = second, first
    a, b = (seen.scene.select(category=category) for category in (first, second))
    form = _one(rng, ("more", "fewer", "as many", "which"))
    if form == "which":
        answer = "equal" if len(a) == len(b) else f"{first if len(a) > len(b) else second}s"
        return Drawn(f"Which are there more of, {first}s or {second}s?", answer, (a, b))
    holds = {"more": len(a) > len(b), "fewer": len(a) < len(b), "as many": len(a) == len(b)}[form]
    return Drawn(f"Are there {form} {first}s {'as' if form == 'as many' else 'than'} {second}s?", _yes(holds), (a, b))


def _relate(seen: Seen, rng: np.random.Generator, absent: bool) -> Drawn | None:
    names = _looks(seen, rng)
    relation, form = _one(rng, _RELATE)
    if absent:
        things = [thing for (thing,) in names]
        other = _missing(seen, rng)
        if not things or other is None:
            return None
        there = _one(rng, things)
        texts, groups = [f"the {noun(names[there,], rng)}", f"the {noun(other, rng)}"], [(there,), ()]
        order = (0, 1) if rng.random() < 0.5 else (1, 0)
        first, second = (texts[place] for place in order)
        return Drawn(form.format(first, second), "none", tuple(groups[place] for place in order))
    found = facts(seen.scene, relation, names, rng)[True]
    if not found:
        return None
    (first, second), words = _one(rng, found), _ANSWERS[relation]
    return Drawn(form.format(*(f"the {noun(names[one], rng)}" for one in (first, second))), words, (first, second))


def _absent(seen: Seen, rng: np.random.Generator, absent: bool) -> Drawn | None:
    if absent:
        if rng.random() < 0.2:
            return Drawn(f"Is there {with_article(_one(rng, STRANGERS))}?", "none", ((),))
        program = _missing(seen, rng)
    else:
        thing = _one(rng, seen.scene.things)
        program = Program(thing.category, (("colour", thing.colour),) if rng.random() < 0.75 else ())
    if program is None:
        return None
    things = referents(program, seen.scene)
    return Drawn(f"Is there {with_article(noun(program, rng))}?", "yes" if things else "none", (things,))


def _region(seen: Seen, rng: np.random.Generator, absent: bool) -> Drawn | None:
    (height, width), side = seen.image_hw, max(seen.image_hw)
    if absent:
        w, h = (float(rng.uniform(0.12, 0.25)) * side for _ in range(2))
        x, y = float(rng.uniform(0, width - w)), float(rng.uniform(0, height - h))
        box, things = (x, y, x + w, y + h), ()
        if any(_overlap(box, other) > 0 for other in seen.boxes):
            return None
        answer = "none"
    else:
        thing = int(rng.integers(len(seen.boxes)))
        x1, y1, x2, y2 = seen.boxes[thing]
        shift = rng.uniform(-0.08, 0.08, 4) * [x2 - x1, y2 - y1, x2 - x1, y2 - y1]
        box = tuple(float(value) for value in np.array(seen.boxes[thing]) + shift)
        things, look = (thing,), seen.scene.things[thing]
        if any(_overlap(box, other) > 0.4 for place, other in enumerate(seen.boxes) if place != thing):
            return None
        answer = f"{look.colour} {look.category}"
    x1, y1, x2, y2 = (round(min(max(value, 0), side) / side * SIDE) for value in box)
    return Drawn(f"What is in <box>({x1},{y1}),({x2},{y2})</box>?", answer, (things,))


def _describe(seen: Seen, rng: np.random.Generator, absent: bool) -> Drawn | None:
    return Drawn(_one(rng, ("Describe the picture.", "What do you see?")), "described")


def _verify(seen: Seen, rng: np.random.Generator, absent: bool) -> Drawn | None:
    names, form = _looks(seen, rng), _one(rng, ("Is it true that {}?", "{}."))
    if not absent and rng.random() < 0.25:
        category = _one(rng, seen.scene.things).category
        things = seen.scene.select(category=category)
        n = len(things) if rng.random() < 0.5 else len(things) + int(_one(rng, (-1, 1)))
        if n < 2:
            return None
        text = form.format(f"there are exactly {number(n)} {category}s")
        return Drawn(text[0].upper() + text[1:], _yes(n == len(things)), (things,))
    relation = _one(rng, tuple(RELATION_WORDS))
    found = facts(seen.scene, relation, names, rng)
    holds = bool(rng.random() < 0.5)
    if not found[holds]:
        return None
    first, second = _one(rng, found[holds])
    texts, groups = [f"the {noun(names[one], rng)}" for one in (first, second)], [first, second]
    if absent:
        other = _missing(seen, rng)
        if other is None or relation in ("on", "inside"):
            return None
        place = int(rng.integers(2))
        texts[place], groups[place], holds = f"the {noun(other, rng)}", (), False
    text = form.format(f"{texts[0]} is {_one(rng, RELATION_WORDS[relation][1])} {texts[1]}")
    return Drawn(text[0].upper() + text[1:], _yes(holds), tuple(groups))


def _looks(seen: Seen, rng: np.random.Generator) -> dict[tuple[int, ...], Program]:
    """Names by looks alone, of the things that are well visible."""
    names = name_things(seen.scene, rng)
    return {things: name for things, name in names.items() if name.side is None and seen.clear(things)}


def _missing(seen: Seen, rng: np.random.Generator) -> Program | None:
    """What is not there but nearly: a thing of the scene with another colour, more often than another category."""
    thing = _one(rng, seen.scene.things)
    program = Program(thing.category, (("colour", thing.colour),))
    others = [replace(program, attributes=(("colour", colour),)) for colour in COLOURS]
    if rng.random() < 0.35:
        others = [Program(category) for category in CATEGORIES]
    others = [other for other in others if not referents(other, seen.scene) and is_clear(other, seen.scene)]
    return _one(rng, others) if others else None


def _overlap(one: Box, other: Box) -> float:
    """Shared area, as a part of the smaller box."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return max(across, 0) * max(down, 0) / smaller if smaller > 0 else 0.0


def _here(things: Sequence[int]) -> str:
    return "here" if things else "none"


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _one(rng: np.random.Generator, values: Any) -> Any:
    return values[int(rng.integers(len(values)))]


_SIDES_FORM, _DEPTH_FORM = "Is {} to the left or to the right of {}?", "Is {} in front of or behind {}?"
_RELATE = (
    *(("left of", _SIDES_FORM), ("right of", _SIDES_FORM)),
    *(("in front of", _DEPTH_FORM), ("behind", _DEPTH_FORM)),
)
_ANSWERS = {"left of": "left", "right of": "right", "in front of": "in front", "behind": "behind"}
_DRAW: dict[str, Callable[[Seen, np.random.Generator, bool], Drawn | None]] = {
    **{"locate": _locate, "segment": _segment, "count": _count, "compare": _compare, "relate": _relate},
    **{"absent": _absent, "region": _region, "describe": _describe, "verify": _verify, "ordinal": _ordinal},
}


def draw_many(
    kind: str, scenes: Iterator[Seen], rng: np.random.Generator, there: int, missing: int
) -> Iterator[tuple[Seen, Drawn]]:
    """So many questions of one kind about what is there, and about what is not, each about a scene of its own.

    Raises:
        ValueError: the scenes ran out.
    """
    wanted = [False] * there + [True] * missing
    order = [wanted[place] for place in rng.permutation(len(wanted))]
    for absent in order:
        for seen in scenes:
            found = draw_for(kind, seen, rng, absent)
            if found is not None:
                yield seen, found
                break
        else:
            raise ValueError(f"scenes: expected enough for {len(wanted)} questions of kind {kind}, got too few.")
