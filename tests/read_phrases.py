"""Reads noun phrases back into the things they fit, for tests: from the words alone."""

import re

import brute_force

from gk_utils.countertop.programs import Program
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES, COLOURS, KINDS, PATTERNS, SIZES

NUMBERS = {"no": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
STATES = {state for kind in KINDS.values() for state in kind.states}
SIDES = {
    "leftmost|on the far left|farthest to the left": "left",
    "rightmost|on the far right|farthest to the right": "right",
    "nearest|frontmost|closest to the viewer": "front",
    "rearmost|farthest from the viewer|farthest": "back",
}


def find(phrase: str, scene: Scene) -> tuple[int, ...]:
    """The things that a noun phrase speaks of; the article must be right, and a number must be the number found."""
    text = phrase.lower()
    article, rest = text.split(" ", 1) if " " in text else ("", text)
    if article in ("a", "an"):
        assert (article == "an") == (rest[0] in "aeiou"), phrase
    elif article not in ("the", *NUMBERS):
        rest = text
    first = rest.split(" ", 1)[0]
    count = NUMBERS.get(article, NUMBERS.get(first))
    rest = rest.removeprefix(f"{first} ") if first in NUMBERS else rest
    side, attributes = None, []
    for pattern, name in SIDES.items():
        rest, times = re.subn(rf"\b({pattern})\b", "", rest)
        side = name if times else side
    for state in STATES:
        if re.search(rf"\b{state}\b", rest):
            attributes.append(("state", state))
            rest = rest.replace(state, "")
    if facing := re.search(r"facing (left|right)", rest):
        attributes.append(("facing", facing[1]))
        rest = rest.replace(facing[0], "")
    rest = rest.replace("with", "").replace("toast up", "")
    category, plural = None, False
    for word in rest.split():
        for name, values in (("colour", COLOURS), ("size", SIZES), ("pattern", PATTERNS)):
            if word in values:
                attributes.append((name, word))
                break
        else:
            assert category is None, phrase
            plural = word.endswith("s")
            category = word.removesuffix("s")
            assert category in (*CATEGORIES, "thing"), phrase
    found = brute_force.find(Program(None if category == "thing" else category, tuple(attributes), side=side), scene)
    if count is not None:
        assert len(found) == count, phrase
    assert plural or len(found) <= 1 or article in ("a", "an"), phrase
    return found
