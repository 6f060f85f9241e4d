"""What the things of a scene are called in sentences: noun phrases that fit nothing else, with their place in the text.

A thing gets a name that no other thing of the scene can have, or none: "a red mug" is the one red mug, "two apples" are
all the apples there are. Names are programs; `noun` puts them into words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gk_utils.countertop.programs import SIDES, Program, is_clear, referents, relation_holds
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import KINDS
from gk_utils.countertop.wording import describe

Things = tuple[int, ...]  # indices, ascending
Parts = Sequence[str | tuple[str, Things]]  # a text in parts: plain, or with the things that it names

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_PAIRS = 60  # pairs of things looked at for one relation: scenes may be large


@dataclass(frozen=True)
class Link:
    """Characters [start, end) of a text name the things with these indices."""

    start: int
    end: int
    referents: tuple[int, ...]


def name_thing(scene: Scene, index: int, rng: np.random.Generator, without: str = "") -> Program | None:
    """A program that leaves just this thing, by as few attributes as chance needs, else by being the first from a side.

    Args:
        scene: where the thing is.
        index: which thing.
        rng: where chance comes from.
        without: an attribute that must not be in it, such as "colour" for a question about the colour.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> print(name_thing(draw_scene(3, n=4), 0, np.random.default_rng(1)))
    all things > bottle > colour is orange
    """
    thing = scene.things[index]
    attributes = ["colour", "size", "pattern", "state", *(["facing"] if KINDS[thing.category].animal else [])]
    attributes = [name for name in attributes if name != without and getattr(thing, name)]
    order = [attributes[position] for position in rng.permutation(len(attributes))]
    if "colour" in order and rng.random() < 0.6:
        order.insert(0, order.pop(order.index("colour")))
    for length in range(int(rng.integers(2)), len(order) + 1):
        program = Program(thing.category, tuple((name, getattr(thing, name)) for name in order[:length]))
        if referents(program, scene) == (index,):
            return program
    for side in (SIDES[position] for position in rng.permutation(len(SIDES))):
        program = Program(thing.category, side=side)
        if referents(program, scene) == (index,) and is_clear(program, scene):
            return program
    return None


def name_things(scene: Scene, rng: np.random.Generator) -> dict[Things, Program]:
    """A name for each thing that can have one, as {(index,): program}.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> sorted(name_things(draw_scene(3, n=4), np.random.default_rng(0)))
    [(0,), (1,), (2,), (3,)]
    """
    names = {(index,): name_thing(scene, index, rng) for index in range(len(scene))}
    return {things: program for things, program in names.items() if program}


def noun(program: Program, rng: np.random.Generator, n: int = 1) -> str:
    """The words for a name, without article; for n other than 1 in the plural.

    >>> noun(Program("vase", (("state", "with flowers"), ("colour", "red"))), np.random.default_rng(0), n=2)
    'red vases with flowers'
    """
    text = describe(program, "refcocog" if program.side else "refcoco", rng).removeprefix("the ")
    name = program.category or "thing"
    return text if n == 1 else text.replace(name, f"{name}s", 1)


def with_article(text: str) -> str:
    """Put "a" or "an" before a noun.

    >>> with_article("orange mug"), with_article("mug")
    ('an orange mug', 'a mug')
    """
    return f"{'an' if text[0] in 'aeiou' else 'a'} {text}"


def number(n: int) -> str:
    """A number as a word up to twelve, in digits above; 0 is "no".

    >>> number(0), number(3), number(40)
    ('no', 'three', '40')
    """
    return _NUMBERS[n] if n < len(_NUMBERS) else str(n)


def write(sentences: Iterable[Parts]) -> tuple[str, tuple[Link, ...]]:
    """Put sentences together, each with a capital letter, and say where the phrases that name things stand.

    >>> write([[("the mug", (2,)), " is red."]])
    ('The mug is red.', (Link(start=0, end=7, referents=(2,)),))
    """
    text, links = "", []
    for parts in sentences:
        start = len(text) + bool(text)
        text += " " * bool(text)
        for part in parts:
            words, things = (part, ()) if isinstance(part, str) else part
            if things:
                links.append(Link(len(text), len(text) + len(words), things))
            text += words
        text = text[:start] + text[start].upper() + text[start + 1 :]
    return text, tuple(links)


def facts(
    scene: Scene, relation: str, names: Mapping[Things, Program], rng: np.random.Generator
) -> dict[bool, list[tuple[Things, Things]]]:
    """What is clearly so (True) and clearly not so (False): which things are in this relation to which one thing.

    Several things are so where each of them is, and not so where none is. Things that stand on one another are spoken
    of as "on" or "inside" alone, and only of what the one could carry of the other. Chance picks 60 pairs of many.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> rng, scene = np.random.default_rng(0), draw_scene(3, n=4)
    >>> found = facts(scene, "left of", name_things(scene, rng), rng)
    >>> all(scene.things[a].x < scene.things[b].x for (a,), (b,) in found[True])
    True
    """
    pairs = [(things, mark) for things in names for mark in names if len(mark) == 1 and mark[0] not in things]
    pairs = [pair for pair in pairs if _worth_saying(scene, relation, *pair)]
    found: dict[bool, list[tuple[Things, Things]]] = {True: [], False: []}
    for position in rng.permutation(len(pairs))[:_PAIRS]:
        things, mark = pairs[position]
        target = replace(names[things], side=None, relation=relation, landmark=names[mark])
        holding = {relation_holds(scene, thing, relation, mark[0]) for thing in things}
        if len(holding) == 1 and is_clear(target, scene):
            found[holding.pop()].append((things, mark))
    return found


def _worth_saying(scene: Scene, relation: str, things: Things, mark: Things) -> bool:
    (below,) = mark
    if relation not in ("on", "inside"):
        return not any(_levels(scene, thing, below) or _levels(scene, below, thing) for thing in things)
    kind = KINDS[scene.things[below].category]
    able = (kind.top if relation == "on" else kind.opening) is not None
    return able and all(
        scene.things[thing].category in kind.carries and _levels(scene, thing, below) < 2 for thing in things
    )


def _levels(scene: Scene, thing: int, below: int) -> int:
    """How many levels above thing `below` thing `thing` stands: 1 directly on or inside it, 0 not over it at all."""
    level = 1
    while (support := scene.things[thing].support) is not None and support != below:
        thing, level = support, level + 1
    return 0 if support is None else level
