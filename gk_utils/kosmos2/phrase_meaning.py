"""What a phrase of a caption means in a scene: its words as a program, which finds the things that fit.

Reads the noun phrases of the countertop (`countertop.naming`): "a red mug", "two striped plates", "the leftmost cat
facing right", "the bottle farthest from the viewer". Notebook: 12.
"""

import re
from dataclasses import dataclass

from gk_utils.countertop.naming import Things, number
from gk_utils.countertop.programs import Program, referents
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES, COLOURS, KINDS, PATTERNS, SIZES
from gk_utils.countertop.wording import words

_NUMBERS = {number(n): n for n in range(1, 13)}
_SIDES = (  # in the words of long expressions
    (r"on the far (left|right)|farthest to the (left|right)|(left|right)most|far (left|right)", None),
    (r"closest to the viewer|nearest|frontmost|closest|at front", "front"),
    (r"farthest from the viewer|farthest|rearmost|at back", "back"),
)
_FACING = r"facing (left|right)|with (?:its )?(?:\w+ )(?:on the )?(left|right)"
_STATES = tuple(state for kind in KINDS.values() for state in kind.states)
_FILLING = {"that", "is", "and", "with"}


@dataclass(frozen=True)
class Meaning:
    """What a phrase says: `program` finds what fits, and `count` is how many things it names."""

    program: Program
    count: int

    def fits(self, scene: Scene) -> Things:
        """The things of a scene that fit."""
        return referents(self.program, scene)

    def holds(self, scene: Scene) -> bool:
        """Whether as many things fit as are named, or more; a phrase of which this is not so is hallucinated."""
        return len(self.fits(scene)) >= self.count


def read_phrase(phrase: str) -> Meaning | None:
    """The meaning of a noun phrase; None where it has words that the countertop does not use, or that contradict.

    >>> meaning = read_phrase("Two small red mugs with handle left")
    >>> print(meaning.program, meaning.count)
    all things > mug > size is small > colour is red > facing is left 2
    >>> read_phrase("a unicorn") is None
    True
    """
    text = " ".join(words(phrase))
    first, _, rest = text.partition(" ")
    count = _NUMBERS.get(first, 1)
    if first in ("a", "an", "the", *_NUMBERS):
        text = rest
        first, _, rest = text.partition(" ")
        if first in _NUMBERS:  # the two mugs
            count, text = _NUMBERS[first], rest
    found: list[tuple[str, str]] = []
    text = _take(text, _FACING, "facing", found)
    for pattern, side in _SIDES:
        text = _take(text, pattern, "side", found, side)
    for state in sorted(_STATES, key=len, reverse=True):
        text = _take(text, state, "state", found, state)
    nouns = {"thing": None, "things": None}
    nouns |= {f"{category}{end}": category for category in CATEGORIES for end in ("", "s")}
    category: list[str | None] = []
    for word in text.split():
        if word in nouns:
            category.append(nouns[word])
            continue
        if word in _FILLING:
            continue
        names = [name for name, values in _VALUES.items() if word in values]
        if not names:
            return None
        found.append((names[0], word))
    if len(category) != 1 or len({name for name, _ in found}) != len(found):
        return None
    side = dict(found).get("side")
    attributes = tuple((name, value) for name, value in found if name != "side")
    order = ("size", "colour", "pattern", "state", "facing")
    return Meaning(
        Program(category[0], tuple(sorted(attributes, key=lambda one: order.index(one[0]))), side=side), count
    )


_VALUES = {"size": SIZES, "colour": COLOURS, "pattern": PATTERNS}


def _take(text: str, pattern: str, name: str, found: list[tuple[str, str]], value: str | None = None) -> str:
    """The text without what matches the pattern; its value, or the first group, is added to what was found."""

    def keep(match: re.Match[str]) -> str:
        found.append((name, value or next(group for group in match.groups() if group)))
        return " "

    return " ".join(re.sub(rf"\b(?:{pattern})\b", keep, text).split())
