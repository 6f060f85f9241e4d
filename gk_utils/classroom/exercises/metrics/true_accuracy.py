"""The exercise 02.true_accuracy: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import Mistake, arguments_swapped, written


def score_on(accuracy: float, share: float, still: float, luck: float) -> float:
    """What a model scores whose labels are wrong in a share."""
    return (1 - share) * accuracy + share * (accuracy * still + (1 - accuracy) * luck)


def cut(accuracy: float) -> float:
    """An accuracy between 0 and 1."""
    return min(max(accuracy, 0.0), 1.0)


def seen_scores(rng: np.random.Generator) -> list[Case]:
    """Scores with what is known of the labels: by hand, two that must be cut, then random ones."""
    cases: list[Case] = [
        (score_on(0.9, 0.14, 0.0, 0.25), 0.14, 0.0, 0.25),
        (0.86, 0.14, 0.0, 0.0),
        (0.8, 0.0, 0.3, 0.2),
        (0.95, 0.14, 0.0, 0.1),  # more than a perfect model can score
        (0.03, 0.3, 0.1, 0.2),  # less than luck
        (score_on(0.5, 0.24, 0.1, 0.3), 0.24, 0.1, 0.3),
        (0.5, 0.25, 0.0, 0.0),
        (score_on(0.7, 0.4, 0.2, 0.0), 0.4, 0.2, 0.0),
    ]
    for _ in range(6):
        accuracy, share = float(rng.uniform(0.3, 0.95)), float(rng.uniform(0.05, 0.4))
        still, luck = float(rng.uniform(0.02, 0.3)), float(rng.uniform(0.02, 0.3))
        cases.append((score_on(accuracy, share, still, luck), share, still, luck))
    return cases


def solved(seen: float, share: float, still: float, luck: float) -> float:
    """The accuracy on right labels, not cut."""
    return (seen - share * luck) / (1 - share + share * (still - luck))


def both(name: str, advice: str, formula: Callable[..., float]) -> tuple[Mistake, Mistake]:
    """A wrong formula, with its result cut and not."""
    return (
        written(name, advice, lambda *given: cut(formula(*given))),
        written(f"{name}, and the result not cut", f"{advice} Then cut it to 0 ... 1.", formula),
    )


TRUE_ACCURACY = Exercise(
    "02.true_accuracy",
    seen_scores,
    mistakes=(
        written("the result not cut", "An accuracy lies between 0 and 1: min(max(a, 0.0), 1.0).", solved),
        written(
            "the equation used forwards",
            "You compute what a model with this accuracy would score. Solve for a: the score is given.",
            score_on,
        ),
        *both(
            "the score divided by the share of right labels",
            "That holds if every answer to a wrong label misses. Add s * (a * still + (1 - a) * luck).",
            lambda seen, share, still, luck: seen / (1 - share),
        ),
        *both(
            "the share of wrong labels added",
            "A wrong label costs a point only where the answer was right: solve the equation for a.",
            lambda seen, share, still, luck: seen + share,
        ),
        *both(
            "luck given to all answers",
            "Only wrong answers, a share 1 - a, have that luck: it stands in the denominator too, s * (still - luck).",
            lambda seen, share, still, luck: (seen - share * luck) / (1 - share + share * still),
        ),
        *both(
            "luck left out",
            "A wrong answer can meet a wrong label: both name the same wrong thing. Add s * (1 - a) * luck.",
            lambda seen, share, still, luck: seen / (1 - share + share * still),
        ),
        *both(
            "still left out",
            "A right answer can meet a wrong label, if the two boxes overlap: add s * a * still.",
            lambda seen, share, still, luck: (seen - share * luck) / (1 - share - share * luck),
        ),
        *both(
            "plus for minus in the denominator",
            "Collect what stands beside a: s * still - s * luck.",
            lambda seen, share, still, luck: (seen - share * luck) / (1 - share + share * (still + luck)),
        ),
        written(
            "the score returned as it is",
            "The labels are wrong in a share s: correct for that.",
            lambda seen, share, still, luck: seen,
        ),
        arguments_swapped(2, 3),
    ),
)
