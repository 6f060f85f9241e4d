"""The exercise 11.best_blind: cases, and the mistakes that have a name."""

from collections import Counter
from collections.abc import Callable, Hashable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

SIDES = ("left", "right", "on", "under", "behind")


def keys(rng: np.random.Generator) -> list[Case]:
    """Questions as (true caption, false caption): by hand, then random."""
    cases: list[Case] = [
        ([("left", "right"), ("right", "left")],),  # balanced
        ([("left", "right"), ("left", "right")],),
        ([("on", "under")] * 3 + [("under", "on")],),
        ([("on", "under")] * 3 + [("under", "on")] + [("left", "right"), ("right", "left")],),
        ([("on", "under"), ("left", "right"), ("behind", "on")],),  # each once: all known by heart
        ([("on", "under")],),
        ([("left", "right")] * 2 + [("right", "left")] * 2 + [("on", "left")] * 4 + [("left", "on")],),
        ([("on", "under")] * 5 + [("left", "right"), ("right", "left"), ("right", "left")],),
    ]
    for _ in range(8):
        pairs = [rng.choice(len(SIDES), 2, replace=False).tolist() for _ in range(int(rng.integers(6, 30)))]
        cases.append(([(SIDES[a], SIDES[b]) for a, b in pairs],))
    return cases


def blind_with(
    group: Callable[[str, str], Hashable] = lambda true, false: frozenset((true, false)),
    value: Callable[[list[Counter]], float] = lambda found: (
        sum(max(counts.values()) for counts in found) / sum(counts.total() for counts in found)
    ),
):
    """The right accuracy, or one of its wrong relatives; a counter of the true captions for each group."""

    def answer(questions: list[tuple[str, str]]) -> float:
        found: dict[Hashable, Counter] = {}
        for true, false in questions:
            found.setdefault(group(true, false), Counter())[true] += 1
        return value(list(found.values()))

    return answer


def mean_of_shares(found: list[Counter]) -> float:
    """Each pair of captions counted alike."""
    return sum(max(counts.values()) / counts.total() for counts in found) / len(found)


def by_word(questions: list[tuple[str, str]]) -> float:
    """The caption that is true more often over all questions."""
    true = Counter(one for one, _ in questions)
    return sum((true[one] > true[two]) + 0.5 * (true[one] == true[two]) for one, two in questions) / len(questions)


BEST_BLIND = Exercise(
    "11.best_blind",
    keys,
    mistakes=(
        written(
            "the true caption taken for the first that is shown",
            "The reader does not know which is true: (a, b) and (b, a) are the same question to it.",
            blind_with(group=lambda true, false: (true, false)),
        ),
        written(
            "each pair of captions counted once",
            "A pair that is asked five times counts five times: the share of questions is asked for.",
            blind_with(value=mean_of_shares),
        ),
        written(
            "the worse answer",
            "The best reader takes the caption that is true more often.",
            blind_with(
                value=lambda found: (
                    sum(counts.total() - max(counts.values()) for counts in found)
                    / sum(counts.total() for counts in found)
                )
            ),
        ),
        written(
            "a tie counted as wrong",
            "Where both are true equally often the reader takes one of them, and is right half of the time.",
            blind_with(
                value=lambda found: (
                    sum(max(counts.values()) for counts in found if 2 * max(counts.values()) > counts.total())
                    / sum(counts.total() for counts in found)
                )
            ),
        ),
        written(
            "the captions one by one",
            "Compare the two captions of this question: what is true elsewhere does not matter.",
            by_word,
        ),
        written(
            "the coin",
            "A reader that knows the answer key does better than one half where the key is lopsided.",
            lambda questions: 0.5,
        ),
        written(
            "how many questions in place of their share",
            "Divide by the number of questions.",
            blind_with(value=lambda found: float(sum(max(counts.values()) for counts in found))),
        ),
    ),
)
