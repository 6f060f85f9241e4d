"""The exercise 15.tempting: cases, and the mistakes that have a name."""

from collections import Counter
from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written
from gk_utils.countertop.things import CATEGORIES

Pictures = list[list[str]]


def seen(rng: np.random.Generator) -> list[Case]:
    """Pictures with their things, one picture's number, one thing of it: by hand, then random."""
    kitchen = [["cat", "mug"], ["mug", "spoon"], ["mug", "plate", "spoon"], ["apple"], ["apple", "plate"], ["apple"]]
    cases: list[Case] = [
        (kitchen, 0, "mug"),
        (kitchen, 0, "cat"),
        (kitchen, 4, "plate"),
        ([["cat", "mug"], ["mug", "plate", "bowl"], ["bird"]], 0, "mug"),  # a tie: bowl before plate
        ([["mug"], ["mug", "vase"], ["cat"], ["cat"], ["cat"]], 0, "mug"),
        ([["mug", "vase"], ["mug", "vase", "cat"], ["mug", "vase"], ["cat", "bird"]], 0, "mug"),
        ([["bird", "cat"], ["cat", "mug"], ["bird", "spoon"], ["bird", "spoon"]], 0, "cat"),
        ([["mug", "cat", "bird"], ["mug", "bowl"], ["cat", "vase"], ["bird", "vase"], ["vase", "apple"]], 0, "mug"),
    ]
    while len(cases) < 16:
        names = [str(name) for name in rng.choice(CATEGORIES, 7, replace=False)]
        chances = rng.random(7) * 0.6 + 0.15
        pictures = [
            [name for name, chance in zip(names, chances, strict=True) if rng.random() < chance] for _ in range(9)
        ]
        full = [number for number, things in enumerate(pictures) if things]
        if not full:
            continue
        number = int(rng.choice(full))
        thing = str(rng.choice(pictures[number]))
        if any(thing in things and set(things) - set(pictures[number]) for things in pictures):
            cases.append((pictures, number, thing))
    return cases


def chosen(
    *,
    with_thing: bool = True,
    beside: Callable[[list[str], str, list[str]], bool] | None = None,
    absent: bool = True,
    order: Callable[[Counter[str]], list[str]] | None = None,
) -> Callable[[Pictures, int, str], str]:
    """The most tempting thing, or a wrong relative."""

    def answer(pictures: Pictures, number: int, thing: str) -> str:
        counts: Counter[str] = Counter()
        for things in pictures:
            together = thing in things if beside is None else beside(things, thing, pictures[number])
            if together or not with_thing:
                counts.update(name for name in things if name != thing)
        ranked = order(counts) if order else sorted(counts, key=lambda name: (-counts[name], name))
        left = [name for name in ranked if not absent or name not in pictures[number]]
        return left[0] if left else ""

    return answer


TEMPTING = Exercise(
    "15.tempting",
    seen,
    mistakes=(
        written(
            "the most popular thing",
            "That is POPE's second kind. For the third count only the pictures in which the thing stands, too.",
            chosen(with_thing=False),
        ),
        written(
            "a thing that is in the picture",
            "The answer must be no: leave out what is in this picture.",
            chosen(absent=False),
        ),
        written(
            "beside anything in the picture",
            "Count the pictures with this one thing, not with any thing of the picture.",
            chosen(beside=lambda things, thing, there: bool(set(things) & set(there))),
        ),
        written(
            "the rarest companion",
            "Tempting is what is often seen together: the largest count.",
            chosen(order=lambda counts: sorted(counts, key=lambda name: (counts[name], name))),
        ),
        written(
            "the last of equals",
            "Of equals take the first in the alphabet.",
            chosen(order=lambda counts: sorted(counts, key=lambda name: (counts[name], name), reverse=True)),
        ),
        written(
            "equals in the order seen",
            "Of equals take the first in the alphabet, not the one seen first.",
            chosen(order=lambda counts: [name for name, _ in counts.most_common()]),
        ),
    ),
)
