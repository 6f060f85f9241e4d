"""Referring expressions for scenes: eight types, in the manner of three datasets, each with the program it stands for.

The words are only ever made from a program, so the referents are known to be right. An expression is drawn with what
makes it worth asking: other things of its category, the relation or the rank that is needed to tell them apart, and
no decision that is a close one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gk_utils.countertop.programs import RELATIONS, SIDES, Program, is_clear, referents, relation_holds
from gk_utils.countertop.scene import Scene, draw_scene
from gk_utils.countertop.things import CATEGORIES, COLOURS, KINDS, PATTERNS, SIZES, Thing
from gk_utils.countertop.wording import DIALECTS, NO_LOCATION, describe
from gk_utils.errors import check_choice

TYPES = ("attribute", "extreme", "ordinal", "relation", "nested", "action", "negated", "absent")
TRIES = 24  # programs tried for one expression


@dataclass(frozen=True)
class Expression:
    """One expression about a scene.

    Attributes:
        text: its words, lower case.
        type: one of TYPES.
        dialect: one of DIALECTS.
        program: what it stands for.
        referents: the indices of the things it refers to: one, or none for the type "absent".
    """

    text: str
    type: str
    dialect: str
    program: Program
    referents: tuple[int, ...]


def draw_scene_for(seed: int) -> Scene:
    """A scene with much to tell apart: several things of one category, two of another, one in a state of its own.

    >>> scene = draw_scene_for(0)
    >>> max(len(scene.select(category=thing.category)) for thing in scene.things) >= 2
    True
    """
    rng = np.random.default_rng([seed, 1])
    first, second = (CATEGORIES[index] for index in rng.choice(len(CATEGORIES), 2, replace=False))
    wanted: list[dict[str, str | None]] = [{"category": first}] * int(rng.integers(2, 5))
    wanted += [{"category": second}] * int(rng.integers(1, 3))
    if KINDS[first].states:
        wanted[0] = {"category": first, "state": str(rng.choice(KINDS[first].states))}
        wanted[1] = {"category": first, "state": None}
    return draw_scene(seed, n=max(len(wanted), int(rng.integers(3, 10))), wanted=wanted)


def draw_expression(scene: Scene, type: str, dialect: str, rng: np.random.Generator) -> Expression | None:
    """Draw an expression of this type; None when TRIES tries found none that this scene allows.

    Args:
        scene: what it is about.
        type: one of TYPES.
        dialect: one of DIALECTS. "refcoco+" speaks of looks alone: it has no extreme, ordinal, relation or nested.
        rng: where chance comes from.

    Raises:
        ValueError: an unknown type or dialect, or a type that the dialect does not have.

    >>> scene = draw_scene_for(3)
    >>> expression = draw_expression(scene, "extreme", "refcocog", np.random.default_rng(0))
    >>> expression.text, expression.referents == referents(expression.program, scene)
    ('the nearest black thing', True)
    """
    check_choice(type, TYPES, "type")
    check_choice(dialect, DIALECTS, "dialect")
    if dialect == "refcoco+" and type not in NO_LOCATION:
        raise ValueError(f"type: expected one of {', '.join(NO_LOCATION)} in refcoco+, got {type!r}. Looks alone.")
    if not len(scene):
        return None
    for _ in range(TRIES):
        program = _DRAW[type](scene, rng, dialect)
        if program is None or not is_clear(program, scene):
            continue
        found = referents(program, scene)
        if len(found) == (0 if type == "absent" else 1):
            return Expression(describe(program, dialect, rng), type, dialect, program, found)
    return None


def draw_expressions(scene: Scene, n: int, rng: np.random.Generator) -> Iterator[Expression]:
    """Draw n expressions, each type as likely as the other; where the scene does not allow one, another is drawn.

    >>> expressions = list(draw_expressions(draw_scene_for(0), 5, np.random.default_rng(0)))
    >>> len(expressions), {expression.type for expression in expressions} <= set(TYPES)
    (5, True)

    Raises:
        ValueError: a scene without things.
    """
    if not len(scene):
        raise ValueError("scene: expected things to speak of, got none. Draw it with n=1 or more.")
    made = 0
    while made < n:
        type = _one(rng, TYPES)
        dialect = _one(rng, DIALECTS if type in NO_LOCATION else ("refcoco", "refcocog"))
        expression = draw_expression(scene, type, dialect, rng)
        if expression is not None:
            made += 1
            yield expression


def _one(rng: np.random.Generator, values: Any) -> Any:
    return values[int(rng.integers(len(values)))]


def _look(thing: Thing, rng: np.random.Generator, least: int, most: int) -> tuple[tuple[str, str], ...]:
    """Some of what the thing looks like, colour more often than the rest; what it does is not among it."""
    names = ["size", "pattern", *(["facing"] if thing.facing else [])]
    names = [names[index] for index in rng.permutation(len(names))]
    names.insert(0 if rng.random() < 0.6 else int(rng.integers(len(names) + 1)), "colour")
    chosen = names[: int(rng.integers(least, most + 1))]
    return tuple((name, getattr(thing, name)) for name in chosen)


def _attribute(scene: Scene, rng: np.random.Generator, dialect: str) -> Program | None:
    thing = _one(rng, scene.things)
    if len(scene.select(category=thing.category)) < 2 and rng.random() < 0.7:
        return None
    category = None if rng.random() < 0.05 else thing.category
    return Program(category, _look(thing, rng, 1, 3))


def _group(scene: Scene, rng: np.random.Generator, least: int) -> Program | None:
    """Things of one category, perhaps with one attribute; or of one colour. At least so many."""
    thing = _one(rng, scene.things)
    program = Program(thing.category, _look(thing, rng, 1, 1) if rng.random() < 0.25 else ())
    if rng.random() < 0.12:
        program = Program(None, (("colour", thing.colour),))
    return program if len(referents(program, scene)) >= least else None


def _extreme(scene: Scene, rng: np.random.Generator, dialect: str) -> Program | None:
    group = _group(scene, rng, 2)
    return group and replace(group, side=_one(rng, SIDES))


def _ordinal(scene: Scene, rng: np.random.Generator, dialect: str) -> Program | None:
    group = _group(scene, rng, 3)
    return group and replace(
        group, side=_one(rng, SIDES), rank=int(rng.integers(2, min(4, len(referents(group, scene)) + 1)))
    )


def _relate(scene: Scene, rng: np.random.Generator, target: Program, landmark: Program) -> Program | None:
    """The target in a relation that holds for one of its things and is needed to tell it apart."""
    things, marks = referents(target, scene), referents(landmark, scene)
    if len(things) < 2 or len(marks) != 1:
        return None
    thing = _one(rng, things)
    holding = [name for name in RELATIONS if relation_holds(scene, thing, name, marks[0])]
    if not holding:
        return None
    # What lies on or inside something is spoken of as that, more often than not.
    relation = holding[-1] if {"on", "inside"} & set(holding) and rng.random() < 0.6 else _one(rng, holding)
    return replace(target, relation=relation, landmark=landmark)


def _possible(category: str | None, landmark: str | None) -> list[str]:
    """The relations that a thing of one category can have to one of another."""
    kind = KINDS[landmark] if landmark else None
    carries = kind is not None and (category in kind.carries)
    impossible = {"on": not (carries and kind.top), "inside": not (carries and kind.opening)}
    return [name for name in RELATIONS if not impossible.get(name)]


def _target(scene: Scene, rng: np.random.Generator) -> Program:
    thing = _one(rng, scene.things)
    return Program(thing.category, _look(thing, rng, 1, 1) if rng.random() < 0.2 else ())


def _relation(scene: Scene, rng: np.random.Generator, dialect: str) -> Program | None:
    thing = _one(rng, scene.things)
    landmark = Program(thing.category, _look(thing, rng, 1, 2) if rng.random() < 0.5 else ())
    return _relate(scene, rng, _target(scene, rng), landmark)


def _nested(scene: Scene, rng: np.random.Generator, dialect: str) -> Program | None:
    """A landmark that must itself be picked out by its place, or a pick among things in a relation."""
    if rng.random() < 0.3:
        thing = _one(rng, scene.things)
        target = _relate(scene, rng, _target(scene, rng), Program(thing.category, _look(thing, rng, 0, 1)))
        group = target and replace(target, side=_one(rng, SIDES))
        return group if group and len(referents(replace(group, side=None), scene)) >= 2 else None
    landmark = (_extreme if rng.random() < 0.5 else _relation)(scene, rng, dialect)
    return landmark and _relate(scene, rng, _target(scene, rng), landmark)


def _action(scene: Scene, rng: np.random.Generator, dialect: str) -> Program | None:
    doing = [thing for thing in scene.things if thing.state]
    if not doing:
        return None
    thing = _one(rng, doing)
    if len(scene.select(category=thing.category)) < 2 and rng.random() < 0.7:
        return None
    more = _look(thing, rng, 1, 1) if rng.random() < 0.25 else ()
    return Program(thing.category, (("state", thing.state), *more))


def _negated(scene: Scene, rng: np.random.Generator, dialect: str) -> Program | None:
    target = _target(scene, rng)
    things = referents(target, scene)
    if len(things) < 2:
        return None
    if dialect != "refcoco+" and rng.random() < 0.35:
        mark = _one(rng, scene.things)
        landmark = Program(mark.category, _look(mark, rng, 0, 1))
        if len(referents(landmark, scene)) != 1 or landmark.category == target.category:
            return None
        relation = _one(rng, _possible(target.category, landmark.category))
        return replace(target, relation=relation, landmark=landmark, holds=False)
    thing = scene.things[_one(rng, things)]
    names = ["colour", "size", "pattern", *(["facing"] if thing.facing else []), *(["state"] if thing.state else [])]
    name = _one(rng, [name for name in names if name not in dict(target.attributes)])
    return replace(target, unlike=(name, getattr(thing, name)))


def _absent(scene: Scene, rng: np.random.Generator, dialect: str) -> Program | None:
    """An expression of another type with one thing changed in it, so that nothing fits."""
    types = NO_LOCATION if dialect == "refcoco+" else TYPES
    program = _DRAW[_one(rng, [name for name in types if name not in ("absent", "negated")])](scene, rng, dialect)
    if program is None:
        return None
    choices = ["category", *(["attribute"] * 2 if program.attributes else [])]
    choices += ["relation"] * 2 if program.landmark else []
    choice = _one(rng, choices)
    if choice == "category":
        states = {value for name, value in program.attributes if name == "state"}
        facing = any(name == "facing" for name, _ in program.attributes)
        fits = [name for name, kind in KINDS.items() if states <= set(kind.states) and (kind.facing or not facing)]
        return replace(program, category=_one(rng, fits))
    if choice == "relation":
        return replace(program, relation=_one(rng, _possible(program.category, program.landmark.category)))
    position = int(rng.integers(len(program.attributes)))
    name, value = program.attributes[position]
    states = KINDS[program.category].states if program.category else ()
    values = {"colour": COLOURS, "size": SIZES, "pattern": PATTERNS, "facing": ("left", "right"), "state": states}[name]
    others = [other for other in values if other != value]
    if not others:
        return None
    attributes = list(program.attributes)
    attributes[position] = (name, _one(rng, others))
    return replace(program, attributes=tuple(attributes))


_DRAW: dict[str, Callable[[Scene, np.random.Generator, str], Program | None]] = {
    "attribute": _attribute,
    "extreme": _extreme,
    "ordinal": _ordinal,
    "relation": _relation,
    "nested": _nested,
    "action": _action,
    "negated": _negated,
    "absent": _absent,
}
