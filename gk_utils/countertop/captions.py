"""Captions of a scene: a few sentences, and a link from every phrase that names something to what it names."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gk_utils.countertop.naming import Link, Parts, Things, facts, name_things, noun, number, with_article, write
from gk_utils.countertop.programs import RELATIONS, Program, referents
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.wording import RELATION_WORDS


@dataclass(frozen=True)
class Caption:
    """One to three sentences, with a link for every phrase that names something."""

    text: str
    links: tuple[Link, ...]


def draw_caption(scene: Scene, rng: np.random.Generator, *, max_things: int = 6) -> Caption | None:
    """Draw a caption that names at most `max_things` things; None where the scene has nothing that can be named.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> caption = draw_caption(draw_scene(3), np.random.default_rng(1))
    >>> caption.text
    'A banana is on the left side of the rearmost apple.'
    >>> [caption.text[link.start : link.end] for link in caption.links]
    ['A banana', 'the rearmost apple']
    """
    names = name_things(scene, rng)
    for thing in scene.things:
        for attributes in ((), (("colour", thing.colour),)):
            group = Program(thing.category, attributes)
            names.setdefault(referents(group, scene), group)
    names = {things: program for things, program in names.items() if len(things) <= max_things}
    nouns = {things: noun(program, rng, len(things)) for things, program in names.items()}
    said: set[int] = set()
    sentences: list[Parts] = []

    def mention(things: Things) -> tuple[str, Things]:
        text = f"{number(len(things))} {nouns[things]}" if len(things) > 1 else nouns[things]
        if said.issuperset(things) or names[things].side is not None:
            text = f"the {text}"
        elif len(things) == 1:
            text = with_article(text)
        said.update(things)
        return text, things

    length = int(rng.integers(1, 4))
    listed = _apart([things for things in names if names[things].side is None], rng, max_things)
    if listed and rng.random() < 0.5:
        sentences.append(_list([mention(things) for things in listed], rng))
    pairs: set[frozenset[Things]] = set()
    while len(sentences) < length:
        found = _fact(scene, names, said, pairs, rng, most=max_things)
        if found is None:
            break
        things, relation, mark = found
        pairs.add(frozenset((things, mark)))
        link = f" {'are' if len(things) > 1 else 'is'} {_one(rng, RELATION_WORDS[relation][1])} "
        sentences.append([mention(things), link, mention(mark), "."])
    if not sentences and listed:
        sentences.append(_list([mention(things) for things in listed], rng))
    return Caption(*write(sentences)) if sentences else None


def _apart(groups: list[Things], rng: np.random.Generator, most: int) -> list[Things]:
    """One to three groups without a thing in common, of at most so many things."""
    chosen: list[Things] = []
    length = int(rng.integers(1, 4))
    for position in rng.permutation(len(groups)):
        taken = {thing for group in chosen for thing in group}
        group = groups[position]
        if len(chosen) < length and not taken & set(group) and len(taken) + len(group) <= most:
            chosen.append(group)
    return chosen


def _list(phrases: list[tuple[str, Things]], rng: np.random.Generator) -> Parts:
    """The picture shows one, another and a third."""
    parts: list[str | tuple[str, Things]] = [_one(rng, ("The picture shows ", "This is a picture of ", "We see "))]
    for position, phrase in enumerate(phrases):
        if position:
            parts.append(" and " if position == len(phrases) - 1 else ", ")
        parts.append(phrase)
    return [*parts, "."]


def _fact(
    scene: Scene,
    names: Mapping[Things, Program],
    said: set[int],
    pairs: Collection[frozenset[Things]],
    rng: np.random.Generator,
    *,
    most: int,
) -> tuple[Things, str, Things] | None:
    """Something true that was not said yet; about what was spoken of before, if anything was."""
    # Several things are either all new or all known.
    whole = {things: name for things, name in names.items() if len({thing in said for thing in things}) == 1}
    for position in rng.permutation(len(RELATIONS)):
        relation = RELATIONS[position]
        found = [pair for pair in facts(scene, relation, whole, rng)[True] if frozenset(pair) not in pairs]
        found = [pair for pair in found if len(said.union(*pair)) <= most]
        found = [pair for pair in found if not said or any(things[0] in said for things in pair)]
        if found:
            things, mark = _one(rng, found)
            return things, relation, mark
    return None


def _one(rng: np.random.Generator, values: Any) -> Any:
    return values[int(rng.integers(len(values)))]
