"""Statements about a scene, true and false, and questions with their answers.

Where there are two answers, a coin picks one before the words are chosen, and only among questions that a scene allows
both answers to: the words alone do not give the answer away.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gk_utils.countertop.naming import Things, facts, name_thing, name_things, noun, with_article
from gk_utils.countertop.programs import RELATIONS, Program, referents
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES, COLOURS, KINDS
from gk_utils.countertop.wording import RELATION_WORDS
from gk_utils.errors import check_choice

QUESTIONS = ("colour", "yes-no", "count", "what", "where")


@dataclass(frozen=True)
class Statement:
    """A sentence that is true (`holds`) or false: thing `subject` is in `relation` to thing `object`."""

    text: str
    holds: bool
    subject: int
    relation: str
    object: int


@dataclass(frozen=True)
class Question:
    """A question with its answer, which is one word or a number in digits.

    `kind` is one of QUESTIONS. `referents` are the things that the answer is about: those that are named, found or
    counted; what these stand on is not among them.
    """

    text: str
    answer: str
    kind: str
    referents: tuple[int, ...]


def draw_statement(scene: Scene, rng: np.random.Generator) -> Statement | None:
    """Draw a statement, true or false by the toss of a coin; None where no relation has both.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> statement = draw_statement(draw_scene(3), np.random.default_rng(6))
    >>> statement.text, statement.holds
    ('The yellow candle is to the left of the spoon.', True)
    """
    drawn = _relation(scene, rng, RELATIONS)
    if drawn is None:
        return None
    holds, subject, relation, object, names = drawn
    link = _one(rng, RELATION_WORDS[relation][1])
    text = f"The {noun(names[subject,], rng)} is {link} the {noun(names[object,], rng)}."
    return Statement(text, holds, subject, relation, object)


def draw_question(scene: Scene, kind: str, rng: np.random.Generator) -> Question | None:
    """Draw a question of this kind; None where the scene does not allow one.

    "colour": What colour is the mug? "yes-no": Is there a red mug? Is the mug behind the kettle? "count": How many
    mugs are there? How many things are on the plate? "what": What is on the plate? "where": Is the mug to the left or
    to the right of the kettle?

    Raises:
        ValueError: an unknown kind.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> question = draw_question(draw_scene(3), "colour", np.random.default_rng(0))
    >>> question.text, question.answer
    ('What colour is the frontmost apple?', 'green')
    """
    check_choice(kind, QUESTIONS, "kind")
    if not len(scene):
        return None
    if kind == "yes-no":
        return (_whether_there_is if rng.random() < 0.5 else _whether_related)(scene, rng)
    if kind == "count":
        return (_how_many if rng.random() < 0.7 else _how_many_on)(scene, rng)
    return {"colour": _colour, "what": _what, "where": _where}[kind](scene, rng)


def presence(scene: Scene, rng: np.random.Generator) -> Program | None:
    """A program that finds something or nothing, by the toss of a coin; None where the scene allows but one.

    It has a category and perhaps a colour; what finds nothing has one of the two changed.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> print(presence(draw_scene(3), np.random.default_rng(1)))
    all things > banana
    """
    if not len(scene):
        return None
    thing = _one(rng, scene.things)
    coloured = rng.random() < 0.75
    there = Program(thing.category, (("colour", thing.colour),) if coloured else ())
    others = [replace(there, category=category) for category in CATEGORIES]
    if coloured and rng.random() < 0.6:
        others = [replace(there, attributes=(("colour", colour),)) for colour in COLOURS]
    others = [program for program in others if not referents(program, scene)]
    if not others:
        return None
    return there if rng.random() < 0.5 else _one(rng, others)


def _relation(
    scene: Scene, rng: np.random.Generator, relations: tuple[str, ...]
) -> tuple[bool, int, str, int, dict[Things, Program]] | None:
    """Whether it holds, subject, relation, object, and all names."""
    names = _looks(scene, rng)
    for relation in _shuffled(rng, relations):
        found = facts(scene, relation, names, rng)
        if found[True] and found[False]:
            holds = bool(rng.random() < 0.5)
            (subject,), (object,) = _one(rng, found[holds])
            return holds, subject, relation, object, names
    return None


def _looks(scene: Scene, rng: np.random.Generator) -> dict[Things, Program]:
    """Names by looks alone: that "the leftmost mug" is to the left of something needs no look at the picture."""
    return {things: name for things, name in name_things(scene, rng).items() if name.side is None}


def _whether_there_is(scene: Scene, rng: np.random.Generator) -> Question | None:
    program = presence(scene, rng)
    if program is None:
        return None
    found = referents(program, scene)
    text = f"Is there {with_article(noun(program, rng))}?"
    return Question(text, "yes" if found else "no", "yes-no", found)


def _whether_related(scene: Scene, rng: np.random.Generator) -> Question | None:
    drawn = _relation(scene, rng, RELATIONS)
    if drawn is None:
        return None
    holds, subject, relation, object, names = drawn
    link = _one(rng, RELATION_WORDS[relation][1])
    text = f"Is the {noun(names[subject,], rng)} {link} the {noun(names[object,], rng)}?"
    return Question(text, "yes" if holds else "no", "yes-no", tuple(sorted((subject, object))))


def _colour(scene: Scene, rng: np.random.Generator) -> Question | None:
    for index in _shuffled(rng, range(len(scene))):
        name = name_thing(scene, index, rng, without="colour")
        if name is not None:
            return Question(f"What colour is the {noun(name, rng)}?", scene.things[index].colour, "colour", (index,))
    return None


def _how_many(scene: Scene, rng: np.random.Generator) -> Question:
    """First what to count by, then how many there are of it, then what: each number as likely as the next."""
    categories, colours = [[*CATEGORIES], [None], [*CATEGORIES]], [[None], [*COLOURS], [*COLOURS]]
    form = int(rng.integers(3))
    programs: dict[int, list[Program]] = {}
    for category in categories[form]:
        for colour in colours[form]:
            program = Program(category, (("colour", colour),) if colour else ())
            programs.setdefault(len(referents(program, scene)), []).append(program)
    program = _one(rng, programs[_one(rng, sorted(programs))])
    found = referents(program, scene)
    return Question(f"How many {noun(program, rng, 2)} are there?", str(len(found)), "count", found)


def _how_many_on(scene: Scene, rng: np.random.Generator) -> Question | None:
    return _carried(scene, rng, None)


def _what(scene: Scene, rng: np.random.Generator) -> Question | None:
    return _carried(scene, rng, 1)


def _carried(scene: Scene, rng: np.random.Generator, n: int | None) -> Question | None:
    """How many things are on or inside something; or what, where there are n."""
    groups: dict[int, list[tuple[int, Things]]] = {}
    for index, thing in enumerate(scene.things):
        above = tuple(other for other in range(len(scene)) if scene.things[other].support == index)
        stacked = any(scene.things[other].support in above for other in range(len(scene)))
        # What is inside a mug can only be a spoon: "what" is asked where there is more than one answer.
        able = len(KINDS[thing.category].carries) > (0 if n is None else 1)
        if able and not stacked and n in (None, len(above)):
            groups.setdefault(len(above), []).append((index, above))
    if not groups:
        return None
    index, above = _one(rng, groups[_one(rng, sorted(groups))])
    name = name_thing(scene, index, rng)
    if name is None:
        return None
    where = f"{'on' if KINDS[name.category].top else 'inside'} the {noun(name, rng)}?"
    if n == 1:
        return Question(f"What is {where}", scene.things[above[0]].category, "what", above)
    return Question(f"How many things are {where}", str(len(above)), "count", above)


def _where(scene: Scene, rng: np.random.Generator) -> Question | None:
    names = _looks(scene, rng)
    relation = _one(rng, ("left of", "right of"))
    found = facts(scene, relation, names, rng)[True]
    if not found:
        return None
    things, mark = _one(rng, found)
    text = f"Is the {noun(names[things], rng)} to the left or to the right of the {noun(names[mark], rng)}?"
    return Question(text, relation.removesuffix(" of"), "where", things)


def _one(rng: np.random.Generator, values: Any) -> Any:
    return values[int(rng.integers(len(values)))]


def _shuffled(rng: np.random.Generator, values: Any) -> list[Any]:
    return [values[position] for position in rng.permutation(len(values))]
