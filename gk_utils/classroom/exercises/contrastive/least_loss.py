"""The exercise 11.least_loss: cases, and the mistakes that have a name."""

import math
from collections.abc import Callable, Hashable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import on_result, written

NOUNS, LINKS = ("mug", "cat", "act"), ("is left of", "is near", "and")
ONE, OTHER = "a red mug is left of a blue cat", "a blue cat is left of a red mug"


def batches(rng: np.random.Generator) -> list[Case]:
    """Captions of a batch, and whether the order of words is lost: by hand, then random."""
    cases: list[Case] = [
        ([ONE, OTHER], False),
        ([ONE, OTHER], True),
        ([ONE, ONE], False),
        ([ONE], True),
        ([ONE, OTHER, "a mug and a cat"], True),
        ([ONE, OTHER, ONE, "a mug and a cat"], True),
        ([ONE, OTHER, ONE, "a mug and a cat"], False),
        (["a red mug and a mug", "a red mug and a red mug"], True),  # one "red" more
        (["a mug is near a mug", "a mug is near mug a", "mug mug a a is near"], True),
        ([ONE, "a red cat is left of a blue mug", OTHER], True),
        (["a tap and a lamp", "a pat and a palm", "a lamp and a tap"], True),  # the same letters, other words
        ([ONE] * 4 + ["a cat and a mug"] * 2 + ["a mug and a cat"], False),
    ]
    for _ in range(8):
        nouns = rng.integers(0, 3, (int(rng.integers(4, 24)), 2)).tolist()
        links = rng.integers(0, 3, len(nouns)).tolist()
        texts = [f"a {NOUNS[a]} {LINKS[link]} a {NOUNS[b]}" for (a, b), link in zip(nouns, links, strict=True)]
        cases.append((texts, bool(rng.random() < 0.7)))
    return cases


def bag(text: str) -> Hashable:
    """The words with how often each comes."""
    return tuple(sorted(text.split()))


def least_with(
    read: Callable[[str, bool], Hashable] = lambda text, orderless: bag(text) if orderless else text,
    value: Callable[[list[int]], float] = lambda counts: sum(n * math.log(n) for n in counts) / sum(counts),
):
    """The right value, or one of its wrong relatives; `counts` are the sizes of the groups that read alike."""

    def answer(captions: list[str], orderless: bool) -> float:
        seen = [read(text, orderless) for text in captions]
        return value([seen.count(key) for key in dict.fromkeys(seen)])

    return answer


LEAST_LOSS = Exercise(
    "11.least_loss",
    batches,
    mistakes=(
        written(
            "words counted once",
            'A bag knows how often a word comes: "a mug and a red mug" has one "red".',
            least_with(lambda text, orderless: frozenset(text.split()) if orderless else text),
        ),
        written(
            "the order kept", "With orderless=True sort the words first.", least_with(lambda text, orderless: text)
        ),
        written(
            "the order always lost",
            "With orderless=False captions differ as soon as their text does.",
            least_with(lambda text, orderless: bag(text)),
        ),
        written(
            "letters sorted in place of words",
            "Split into words before you sort.",
            least_with(lambda text, orderless: tuple(sorted(text)) if orderless else text),
        ),
        written(
            "the mean over groups",
            "Each caption of the batch is a row: a group of four counts four times.",
            least_with(value=lambda counts: sum(math.log(n) for n in counts) / len(counts)),
        ),
        written(
            "the caption itself not counted",
            "A caption is among those that read like it: one of two has a chance of 1/2.",
            least_with(value=lambda counts: sum(n * math.log(max(n - 1, 1)) for n in counts) / sum(counts)),
        ),
        written(
            "the whole batch as candidates",
            "Captions that read otherwise can get a score as low as you like: they cost nothing.",
            least_with(value=lambda counts: math.log(sum(counts))),
        ),
        written(
            "the sum over rows",
            "Divide by the number of captions.",
            least_with(value=lambda counts: sum(n * math.log(n) for n in counts)),
        ),
        on_result("bits in place of nats", "Use math.log, the natural logarithm.", lambda value: value / math.log(2)),
    ),
)
