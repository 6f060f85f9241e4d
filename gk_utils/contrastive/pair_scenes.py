"""Scenes for claims about two things: small ones to train on, the same two things the other way round, and set ones.

Training takes seeds below 2**40; what is measured is drawn from HELD_OUT on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gk_utils.contrastive.pair_claims import Claim, claim_holds
from gk_utils.countertop.scene import COUNTERS, WALLS, Scene, draw_scene
from gk_utils.countertop.things import CATEGORIES, COLOURS, FACINGS, KINDS, Thing
from gk_utils.errors import check_choice

HELD_OUT = 2**41
STACKED = 0.25  # share of scenes that begin with a thing that can carry another, and the other
TRIES = 60
SCALE = 1.4  # of the things that are set in place, as of the few that are drawn
CARRIERS = tuple(name for name, kind in KINDS.items() if kind.carries)
TOPS = tuple(name for name in CARRIERS if KINDS[name].top)
PLACES = {  # of a thing in relation to another: x and depth of both, before a small common shift
    "left of": ((0.29, 0.5), (0.71, 0.5)),
    "right of": ((0.71, 0.5), (0.29, 0.5)),
    "in front of": ((0.5, 0.93), (0.5, 0.12)),
    "behind": ((0.5, 0.12), (0.5, 0.93)),
}


def draw_pair_scene(
    seed: int, things: tuple[int, int] = (2, 3), *, stacked: float = STACKED, wanted: Sequence[Mapping[str, Any]] = ()
) -> Scene:
    """A small scene: `things` is the fewest and the most; a share `stacked` has one thing on or inside another.

    >>> len(draw_pair_scene(0)) in (2, 3)
    True
    """
    rng = np.random.default_rng([seed, 11])
    n = int(rng.integers(things[0], things[1] + 1))
    wanted = list(wanted)
    if rng.random() < stacked:
        below = _one(rng, CARRIERS)
        wanted += [{"category": below, "state": None}, {"category": _one(rng, KINDS[below].carries)}]
    return draw_scene(seed, n=max(n, len(wanted)), wanted=wanted)


def two_worlds(seed: int, true: Claim, false: Claim, things: tuple[int, int] = (2, 3)) -> tuple[Scene, Scene] | None:
    """Two scenes with the same two things, the first with one claim true and the other false, the second the reverse.

    None where TRIES tries found no such scene.

    >>> from gk_utils.countertop.programs import Program
    >>> mug, cat = Program("mug"), Program("cat")
    >>> first, second = two_worlds(0, Claim(mug, "left of", cat), Claim(cat, "left of", mug))
    >>> claim_holds(Claim(mug, "left of", cat), second)
    False
    """
    found = []
    for place, (yes, no) in enumerate(((true, false), (false, true))):
        looks = [{"category": look.category, **dict(look.attributes)} for look in (yes.subject, yes.object)]
        for attempt in range(TRIES):
            scene = draw_pair_scene(seed + 2 * attempt + place, things, stacked=0.0, wanted=looks)
            if claim_holds(yes, scene) and claim_holds(no, scene) is False:
                found.append(scene)
                break
        else:
            return None
    return found[0], found[1]


def arrange(subject: Thing, relation: str, object: Thing, seed: int = 0) -> Scene:
    """A scene of two things in one relation and, of the directions, in no other; `seed` chooses wall and counter.

    Args:
        subject: what it looks like; its place is not looked at.
        relation: one of PLACES, "on" or "under".
        object: the other thing, as `subject`.
        seed: chooses wall, counter and a small shift of both.

    Raises:
        ValueError: another relation, or a thing that cannot carry the other.

    >>> apple, plate = (Thing(name, "red", "small", "plain", None, None, 0.5, 0.5) for name in ("apple", "plate"))
    >>> arrange(apple, "on", plate).on(0), arrange(plate, "under", apple).on(0)
    ((1,), (1,))
    """
    check_choice(relation, (*PLACES, "on", "under"), "relation")
    rng = np.random.default_rng([seed, 12])
    wall, counter = _one(rng, WALLS), _one(rng, COUNTERS)
    shift = (round(float(rng.uniform(-0.05, 0.05)), 4), round(float(rng.uniform(-0.05, 0.05)), 4))
    if relation in PLACES:
        places = [(round(x + shift[0], 4), round(depth + shift[1], 4)) for x, depth in PLACES[relation]]
        pair = [
            replace(thing, x=x, depth=depth, scale=SCALE, support=None, relation=None)
            for thing, (x, depth) in zip((subject, object), places, strict=True)
        ]
        return Scene(tuple(pair), seed, wall, counter)
    above, below = (subject, object) if relation == "on" else (object, subject)
    where = {"x": round(0.5 + 4 * shift[0], 4), "depth": round(0.5 + 4 * shift[1], 4)}
    below = replace(below, **where, scale=SCALE, support=None, relation=None)
    return Scene((below, replace(above, **where, scale=SCALE, support=0, relation="on")), seed, wall, counter)


def draw_thing(rng: np.random.Generator, category: str | None = None, colour: str | None = None) -> Thing:
    """A thing by its looks alone, without a state, of this category and colour or of any.

    >>> draw_thing(np.random.default_rng(0), "mug", "red").colour
    'red'
    """
    category, colour = category or _one(rng, CATEGORIES), colour or _one(rng, COLOURS)
    facing = _one(rng, FACINGS) if KINDS[category].facing else None
    return Thing(category, colour, "large", "plain", facing, None, x=0.5, depth=0.5)


def _one(rng: np.random.Generator, values: Sequence[str]) -> str:
    return values[int(rng.integers(len(values)))]
