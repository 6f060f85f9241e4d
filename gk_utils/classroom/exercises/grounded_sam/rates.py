"""The exercise 09.rates: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import on_result, written

YES, NO, OPEN = "supported", "contradicted", "cannot be checked"


def verdicts(rng: np.random.Generator) -> list[Case]:
    """Verdicts on sentences, and which of these are true: by hand, then random."""
    cases: list[Case] = [
        ([YES, YES, NO, NO], [True, True, False, False]),
        ([NO, YES, NO, OPEN], [True, True, False, False]),
        ([OPEN, OPEN, OPEN, NO], [True, True, False, False]),
        ([NO, NO, NO], [True, True, False]),
        ([YES, OPEN, OPEN], [False, False, True]),
        ([YES, NO], [True, True]),  # no false sentence
        ([YES, NO, OPEN, OPEN], [False, False, False, False]),  # no true one
        ([], []),
        ([OPEN] * 4, [True, True, False, False]),
        ([YES, NO, NO, OPEN, YES, NO, OPEN, YES], [True, True, False, True, False, False, False, True]),
    ]
    for _ in range(8):
        n = int(rng.integers(6, 30))
        words = [str(word) for word in rng.choice([YES, NO, OPEN], n, p=[0.4, 0.35, 0.25])]
        cases.append((words, [bool(value) for value in rng.integers(0, 2, n)]))
    return cases


def share(some: list[bool]) -> float:
    """The mean of yes and no; 0 of none."""
    return sum(some) / len(some) if some else 0.0


def rates_with(
    *,
    counts: Callable[[str], bool] = lambda verdict: verdict == NO,
    of: Callable[[str], bool] = lambda verdict: True,
    checked: Callable[[str], bool] = lambda verdict: verdict != OPEN,
) -> Callable[[list[str], list[bool]], list[float]]:
    """The right shares, or their wrong relatives."""

    def answer(found: list[str], true: list[bool]) -> list[float]:
        pairs = [(verdict, is_true) for verdict, is_true in zip(found, true, strict=True) if of(verdict)]
        both = [share([counts(verdict) for verdict, is_true in pairs if is_true == which]) for which in (True, False)]
        return [*both, share([checked(verdict) for verdict in found])]

    return answer


def of_those_contradicted(found: list[str], true: list[bool]) -> list[float]:
    """Shares of the contradicted sentences in place of shares of the true and of the false ones."""
    blamed = [is_true for verdict, is_true in zip(found, true, strict=True) if verdict == NO]
    return [share(blamed), share([not one for one in blamed]), rates_with()(found, true)[2]]


def of_all(found: list[str], true: list[bool]) -> list[float]:
    """All sentences in the denominator."""
    pairs = list(zip(found, true, strict=True))
    both = [share([verdict == NO and is_true == which for verdict, is_true in pairs]) for which in (True, False)]
    return [*both, rates_with()(found, true)[2]]


RATES = Exercise(
    "09.rates",
    verdicts,
    mistakes=(
        written(
            "only those that could be checked counted",
            "A false sentence that could not be checked was not caught: it stays in the denominator.",
            rates_with(of=lambda verdict: verdict != OPEN),
        ),
        written(
            "what cannot be checked taken for contradicted",
            "No verdict is no accusation: count `contradicted` alone.",
            rates_with(counts=lambda verdict: verdict != YES),
        ),
        written(
            "shares of the contradicted sentences",
            "Asked is: of the true sentences, how many are contradicted; and of the false ones, how many.",
            of_those_contradicted,
        ),
        written(
            "shares of all sentences",
            "Divide by the number of true sentences, and by that of false ones.",
            of_all,
        ),
        written(
            "the share that could not be checked",
            "The third number is of those that could be checked.",
            rates_with(checked=lambda verdict: verdict == OPEN),
        ),
        on_result(
            "accused and caught exchanged",
            "First the true sentences that are contradicted, then the false ones.",
            lambda value: [value[1], value[0], value[2]],
        ),
    ),
)
