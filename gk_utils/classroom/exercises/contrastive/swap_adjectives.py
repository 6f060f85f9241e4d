"""The exercise 11.swap_adjectives: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

NOUNS = ("mug", "apple", "cat", "orange")
WORDS = ("red", "orange", "large", "striped", "blue", "")
LINKS = ("is left of", "is in front of", "is near", "and", "is on")
SAME_BOTH_WAYS = ("is near", "and")


def captions(rng: np.random.Generator) -> list[Case]:
    """A caption and its link: by hand, then random."""
    cases: list[Case] = [
        ("a red mug is left of a blue toaster", "is left of"),
        ("a red mug and an orange cat", "and"),
        ("an apple is on a red plate", "is on"),
        ("a large red mug is in front of an orange cat", "is in front of"),
        ("a mug is left of a cat", "is left of"),  # nothing to swap
        ("a red mug is near a red cat", "is near"),  # the same
        ("a red mug is near a blue mug", "is near"),  # stays true
        ("a red mug and a blue mug", "and"),
        ("a red mug is left of a blue mug", "is left of"),  # now this one is false
        ("an orange striped apple and a cat", "and"),
        ("a mug is near an orange mug", "is near"),
    ]
    for _ in range(10):
        sides = []
        for _ in range(2):
            words = [word for word in rng.choice(WORDS, 2, replace=False).tolist() if word]
            sides.append(written_out([*words, str(rng.choice(NOUNS[:3]))]))
        link = str(rng.choice(LINKS))
        cases.append((f"{sides[0]} {link} {sides[1]}", link))
    return cases


def written_out(words: list[str]) -> str:
    """The words with their article before them."""
    return " ".join(["an" if words[0][0] in "aeiou" else "a", *words])


def swap_with(
    swap: Callable[[list[str], list[str]], tuple[list[str], list[str]]] = lambda one, two: (
        [*two[1:-1], one[-1]],
        [*one[1:-1], two[-1]],
    ),
    stays: Callable[[list[str], list[str], str], bool] = lambda one, two, link: (
        one[1:-1] == two[1:-1] or (one[-1] == two[-1] and link in SAME_BOTH_WAYS)
    ),
    article: Callable[[list[str], list[str]], str] = lambda old, new: written_out(new),
):
    """The right caption, or one of its wrong relatives; both sides as words, the article first."""

    def answer(caption: str, link: str) -> str | None:
        one, two = (part.split() for part in caption.split(f" {link} "))
        if stays(one, two, link):
            return None
        first, second = swap(one, two)
        return f"{article(one, first)} {link} {article(two, second)}"

    return answer


SWAP_ADJECTIVES = Exercise(
    "11.swap_adjectives",
    captions,
    mistakes=(
        written(
            "the old articles",
            'The article belongs to the word behind it: "an orange mug".',
            swap_with(article=lambda old, new: " ".join([old[0], *new])),
        ),
        written(
            'always "a"',
            'Before a, e, i, o, u the article is "an".',
            swap_with(article=lambda old, new: " ".join(["a", *new])),
        ),
        written(
            "the nouns swapped too",
            "The nouns stay where they are; what describes them moves.",
            swap_with(swap=lambda one, two: (two[1:], one[1:])),
        ),
        written(
            "the nouns swapped alone",
            "Leave the nouns, and move what stands between article and noun.",
            swap_with(swap=lambda one, two: ([*one[1:-1], two[-1]], [*two[1:-1], one[-1]])),
        ),
        written(
            "one adjective a side",
            "Move all adjectives of a side, whether there are two or none.",
            swap_with(
                swap=lambda one, two: (
                    [*one[1:-2], *two[1:-1][-1:], one[-1]],
                    [*two[1:-2], *one[1:-1][-1:], two[-1]],
                )
            ),
        ),
        written(
            "a caption that says the same",
            "Where both sides have the same adjectives nothing changes: None.",
            swap_with(stays=lambda one, two, link: one[-1] == two[-1] and link in SAME_BOTH_WAYS),
        ),
        written(
            "a caption that stays true",
            '"A red mug and a blue mug" is as true the other way round: None.',
            swap_with(stays=lambda one, two, link: one[1:-1] == two[1:-1]),
        ),
        written(
            "None for every pair of equal nouns",
            '"A red mug is left of a blue mug" does become false.',
            swap_with(stays=lambda one, two, link: one[1:-1] == two[1:-1] or one[-1] == two[-1]),
        ),
        written(
            'None for every "near" and "and"',
            '"A red mug and a blue cat" does become false.',
            swap_with(stays=lambda one, two, link: one[1:-1] == two[1:-1] or link in SAME_BOTH_WAYS),
        ),
    ),
)
