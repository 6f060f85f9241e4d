"""The words for a program, in the manner of three datasets.

"refcoco" is short and free to say where, "refcoco+" is short and speaks of looks alone, "refcocog" is long. Several
wordings stand for one program; no two programs share a wording of one dialect.

Source: the three datasets' habits as described by Yu et al., "Modeling Context in Referring Expressions", ECCV 2016,
section 3, and Mao et al., "Generation and Comprehension of Unambiguous Object Descriptions", CVPR 2016, section 4.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from gk_utils.countertop.programs import Program
from gk_utils.countertop.things import CATEGORIES, COLOURS, KINDS, PATTERNS, SIZES
from gk_utils.errors import check_choice

DIALECTS = ("refcoco", "refcoco+", "refcocog")
NO_LOCATION = ("attribute", "action", "negated", "absent")  # the expression types that need no word for a place

_BEHIND_THE_NOUN = {"toast up": ("with toast up", "without toast"), "with flowers": ("with flowers", "without flowers")}
_LOOKS_AT = {"cat": "face", "bird": "beak"}  # "facing left" instead of "with its handle on the left"
RELATION_WORDS = {  # short ones, and long ones
    "left of": (("left of",), ("to the left of", "on the left side of")),
    "right of": (("right of",), ("to the right of", "on the right side of")),
    "in front of": (("in front of", "before"), ("in front of",)),
    "behind": (("behind", "in back of"), ("behind",)),
    "near": (("near", "by"), ("near", "close to", "next to")),
    "on": (("on",), ("on", "on top of")),
    "inside": (("in", "inside"), ("inside", "in")),
}
_FIRST = {  # before the noun, and behind it
    "left": (("left", "leftmost"), ("far left",), ("leftmost",), ("on the far left", "farthest to the left")),
    "right": (("right", "rightmost"), ("far right",), ("rightmost",), ("on the far right", "farthest to the right")),
    "front": (("front", "closest"), ("at front",), ("nearest", "frontmost"), ("closest to the viewer",)),
    "back": (("back", "rearmost"), ("at back",), ("farthest", "rearmost"), ("farthest from the viewer",)),
}
_RANKS = {2: ("second", "2nd"), 3: ("third", "3rd"), 4: ("fourth", "4th"), 5: ("fifth", "5th")}


def describe(program: Program, dialect: str, rng: np.random.Generator) -> str:
    """Put a program into words, lower case; chance picks among the wordings.

    Raises:
        ValueError: an unknown dialect, or a rank above 5.

    >>> mug = Program("mug", (("colour", "red"),), relation="right of", landmark=Program("toaster"))
    >>> describe(mug, "refcoco", np.random.default_rng(0)), describe(mug, "refcocog", np.random.default_rng(0))
    ('red mug right of toaster', 'the red mug that is on the right side of the toaster')
    """
    check_choice(dialect, DIALECTS, "dialect")
    long = dialect == "refcocog"
    before, noun, behind = _noun(program, long, rng)
    if program.side is not None and program.rank > 1:
        check_choice(program.rank, tuple(_RANKS), "rank")
        before.insert(0, _one(rng, _RANKS[program.rank][: 1 if long else 2]))
        behind.insert(0, f"from the {program.side}" if long else f"from {program.side}")  # next to its noun
    elif program.side is not None:
        front, back = _FIRST[program.side][2:] if long else _FIRST[program.side][:2]
        # Behind the noun it could be taken to belong to what else stands there.
        if behind or program.landmark is not None or program.unlike is not None or rng.random() < 0.6:
            before.insert(0, _one(rng, front))
        else:
            behind.append(_one(rng, back))
    if program.unlike is not None:
        behind.append(_unlike(program, long))
    if program.landmark is not None:
        relation = _one(rng, RELATION_WORDS[program.relation][long])
        linked = "that is " if long and (not program.holds or rng.random() < 0.4) else ""
        behind += [f"{linked}{'' if program.holds else 'not '}{relation}", describe(program.landmark, dialect, rng)]
    return " ".join([*(["the"] if long else []), *before, noun, *behind])


def words(text: str) -> list[str]:
    """The words of a text, lower case; what is neither letter nor digit separates them.

    >>> words("The 2nd mug, left of it!")
    ['the', '2nd', 'mug', 'left', 'of', 'it']
    """
    return re.findall(r"[a-z0-9]+", text.lower())


def vocabulary() -> tuple[str, ...]:
    """Every word that `describe` may use, in alphabetical order.

    >>> len(vocabulary()) > 80, "mug" in vocabulary()
    (True, True)
    """
    fixed = "the thing that is not and from with without its on the facing"
    states = [state for kind in KINDS.values() for state in kind.states]
    parts = [kind.facing for kind in KINDS.values()]
    tables = [_BEHIND_THE_NOUN, RELATION_WORDS, _FIRST, _RANKS]
    texts = [fixed, *CATEGORIES, *COLOURS, *SIZES, *PATTERNS, *states, *parts, *_texts(tables)]
    return tuple(sorted({word for text in texts for word in words(text)}))


def _texts(table: object) -> Iterable[str]:
    """All texts in nested tables."""
    if isinstance(table, str):
        yield table
    elif isinstance(table, dict):
        yield from _texts([*table.keys(), *table.values()])
    elif isinstance(table, list | tuple):
        for entry in table:
            yield from _texts(entry)


def _noun(program: Program, long: bool, rng: np.random.Generator) -> tuple[list[str], str, list[str]]:
    """What stands before the noun, the noun, and what stands behind it."""
    attributes = dict(program.attributes)
    before = [attributes[name] for name in ("size", "colour", "pattern") if name in attributes]
    behind = []
    if state := attributes.get("state"):
        if state in _BEHIND_THE_NOUN:
            behind.append(_BEHIND_THE_NOUN[state][0])
        elif long and program.landmark is None and program.side is None and rng.random() < 0.5:
            behind.append(f"that is {state}")
        else:
            before.insert(0, state)
    if facing := attributes.get("facing"):
        link = "and" if behind and behind[-1].startswith("that") else ""
        behind.append(f"{link} {_facing(program.category, facing, long)}".strip())
    return before, program.category or "thing", behind


def _facing(category: str | None, side: str, long: bool) -> str:
    part = KINDS[category].facing if category else ""
    if not part or category in _LOOKS_AT:
        return f"facing {side}"
    return f"with its {part} on the {side}" if long else f"with {part} {side}"


def _unlike(program: Program, long: bool) -> str:
    name, value = program.unlike
    if value in _BEHIND_THE_NOUN:
        return _BEHIND_THE_NOUN[value][1]
    if name == "facing":
        if program.category in _LOOKS_AT or not program.category:
            return f"not facing {value}"
        part = KINDS[program.category].facing
        return f"without its {part} on the {value}" if long else f"without {part} {value}"
    return f"that is not {value}" if long else f"not {value}"


def _one(rng: np.random.Generator, values: Sequence[str]) -> str:
    return values[int(rng.integers(len(values)))]
