"""The exercise 13.tell_apart: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

Things = list[dict[str, str]]
VALUES = {
    "category": ("mug", "cat", "plate"),
    "colour": ("red", "blue", "green"),
    "size": ("small", "large"),
    "pattern": ("plain", "striped"),
}
ORDER = list(VALUES)


def counters(rng: np.random.Generator) -> list[Case]:
    """Things, which one is meant, and the order of attributes: alone, alike in all, a word too many; then any."""
    cases: list[Case] = [
        (_things("mug red", "mug blue", "cat red"), 0, ["category", "colour"]),
        (_things("mug red", "cat red"), 0, ["category", "colour"]),
        (_things("mug red", "mug red"), 0, ["category", "colour"]),
        (_things("mug red"), 0, ["category", "colour"]),
        (_things("mug red small", "mug red large", "mug red large"), 0, ["category", "colour", "size"]),
        (
            _things("mug red small", "cat red small", "mug blue small", "mug red large"),
            0,
            ["colour", "category", "size"],
        ),
        (_things("mug red small", "cat blue small", "cat red large"), 0, ["category", "colour", "size"]),
        (_things("mug red small", "mug blue large", "cat red small"), 2, ["size", "colour", "category"]),
        (_things("mug red small", "mug blue small", "mug green large"), 1, ["category", "size", "colour"]),
        (_things("mug red small plain", "mug red small striped", "mug red large plain"), 0, ORDER),
        (_things("mug red small", "cat blue large"), 0, []),
    ]
    for _ in range(14):
        n = int(rng.integers(2, 7))
        things = [{name: str(rng.choice(values)) for name, values in VALUES.items()} for _ in range(n)]
        order = [str(name) for name in rng.permutation(ORDER)]
        cases.append((things, int(rng.integers(n)), order))
    return cases


def told_apart(
    *, useless: bool = False, all_others: bool = False, itself: bool = False, hopeless: bool = False, best: bool = False
) -> Callable[[Things, int, list[str]], list[str] | None]:
    """The attributes to say: the algorithm, or relatives."""

    def answer(things: Things, index: int, order: list[str]) -> list[str] | None:
        meant, said = things[index], []
        others = [thing for k, thing in enumerate(things) if k != index or itself]
        everyone, waiting = list(others), list(order)
        while waiting and others:
            if best:  # the attribute that rules out most, in place of the next one
                waiting.sort(key=lambda name: -_ruled_out(others, meant, name))
            name = waiting.pop(0)
            if useless or _ruled_out(everyone if all_others else others, meant, name):
                said.append(name)
                others = [thing for thing in others if thing[name] == meant[name]]
        return said if hopeless or not others else None

    return answer


def first_alone(things: Things, index: int, order: list[str]) -> list[str] | None:
    """One attribute that does it alone, or none."""
    for name in order:
        if not any(thing[name] == things[index][name] for k, thing in enumerate(things) if k != index):
            return [name]
    return None


def backwards(things: Things, index: int, order: list[str]) -> list[str] | None:
    """The algorithm in the wrong order."""
    return told_apart()(things, index, order[::-1])


def _ruled_out(others: Things, meant: dict[str, str], name: str) -> int:
    return sum(thing[name] != meant[name] for thing in others)


def _things(*looks: str) -> Things:
    return [dict(zip(ORDER, look.split(), strict=False)) for look in looks]


TELL_APART = Exercise(
    "13.tell_apart",
    counters,
    mistakes=(
        written(
            "words that rule nothing out",
            "Say an attribute only if one of those that are left has another value.",
            told_apart(useless=True),
        ),
        written(
            "held against all the others",
            "Whoever was ruled out before is gone: hold an attribute against those that are left.",
            told_apart(all_others=True),
        ),
        written("held against itself", "The thing that is meant is none of the others.", told_apart(itself=True)),
        written(
            "said although others are left",
            "If somebody else fits all that was said, return None.",
            told_apart(hopeless=True),
        ),
        written("one attribute alone", "Several attributes together may do it.", first_alone),
        written(
            "the best attribute first", "Go through the attributes in the order that is given.", told_apart(best=True)
        ),
        written("the order reversed", "Begin with the first attribute of the order.", backwards),
    ),
)
