"""Three truth values with a margin: true, false, and cannot be decided; what and, or, not and counting make of them.

False < unknown < true, and among equal truths the lower score is the lesser. So "and" is the least of its parts, "or"
the greatest, and "at least three" the third greatest: Kleene's strong logic, with margins.

Source: Kleene 1952, Introduction to Metamathematics, section 64 (strong three-valued logic); Zadeh 1965 (min and max).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is found out about one claim.

    Attributes:
        truth: True, False, or None: cannot be decided from what is known.
        score: the margin, in [-1, 1]: >= 0 where true, <= 0 where false, 0 where undecided. How much would have to
            change before the answer changes, not a probability.
        reason: why, in words; always there where truth is None ("needs depth").

    Raises:
        ValueError: a score that is out of range or has the wrong sign; no reason where nothing was decided.

    >>> print(Verdict(True, 0.4, "both ends lie further left"))
    true (+0.40): both ends lie further left
    """

    truth: bool | None
    score: float = 0.0
    reason: str = ""

    def __post_init__(self) -> None:
        low, high = {True: (0.0, 1.0), False: (-1.0, 0.0), None: (0.0, 0.0)}[self.truth]
        if not low <= self.score <= high:
            raise ValueError(
                f"score: expected {low:g} to {high:g} where truth is {self.truth}, got {self.score}. "
                "The sign of the score is the truth."
            )
        if self.truth is None and not self.reason:
            raise ValueError("reason: expected one where nothing was decided, got none. Say what is missing.")

    def __str__(self) -> str:
        word = {True: "true", False: "false", None: "unknown"}[self.truth]
        margin = "" if self.truth is None else f" ({self.score:+.2f})"
        return f"{word}{margin}" + (f": {self.reason}" if self.reason else "")

    @property
    def known(self) -> bool:
        """Whether it was decided."""
        return self.truth is not None


def decided(score: float, reason: str = "") -> Verdict:
    """True where the score is above 0, false elsewhere; scores beyond [-1, 1] are cut.

    >>> decided(0.0).truth, decided(7.0).score
    (False, 1.0)
    """
    score = max(-1.0, min(1.0, score))
    return Verdict(score > 0, score, reason)


def unknown(reason: str) -> Verdict:
    """Not decided, and why.

    >>> print(unknown("needs depth"))
    unknown: needs depth
    """
    return Verdict(None, 0.0, reason)


def graded(ratio: float, least: float) -> float:
    """A ratio in [-1, 1] (beyond is cut) as a score that is 0 at `least` and still ends at -1 and 1.

    >>> graded(0.2, 0.2), graded(1.0, 0.2), graded(-3.0, 0.2), round(graded(0.6, 0.2), 3)
    (0.0, 1.0, -1.0, 0.5)
    """
    ratio = max(-1.0, min(1.0, ratio))
    return (ratio - least) / (1 - least if ratio > least else 1 + least)


def opposite(verdict: Verdict) -> Verdict:
    """Not: true and false change places, undecided stays.

    >>> opposite(decided(0.5)).score, opposite(unknown("needs masks")).truth
    (-0.5, None)
    """
    if verdict.truth is None:
        return verdict
    return Verdict(not verdict.truth, -verdict.score + 0.0, verdict.reason)


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """And: the least of all; true of nothing.

    >>> all_of([decided(0.5), unknown("needs depth"), decided(-0.2)]).truth
    False
    """
    return min(verdicts, key=_rank, default=Verdict(True, 1.0, "nothing to hold"))


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Or: the greatest of all; false of nothing.

    >>> any_of([decided(-0.5), unknown("needs depth")]).truth is None
    True
    """
    return max(verdicts, key=_rank, default=Verdict(False, -1.0, "nothing that could hold"))


def at_least(number: int, verdicts: Iterable[Verdict]) -> Verdict:
    """Whether that many of them are true: the `number`-th greatest; true of 0, false of more than there are.

    >>> three = [decided(0.5), unknown("needs depth"), decided(-0.2)]
    >>> [at_least(number, three).truth for number in range(5)]
    [True, True, None, False, False]
    """
    if number <= 0:
        return Verdict(True, 1.0, "none are needed")
    ranked = sorted(verdicts, key=_rank, reverse=True)
    if len(ranked) < number:
        return Verdict(False, -1.0, f"{len(ranked)} of {number}")
    return ranked[number - 1]


def exactly(number: int, verdicts: Iterable[Verdict]) -> Verdict:
    """Whether that many of them are true and no more.

    >>> exactly(1, [decided(0.5), decided(-0.2)]).truth, exactly(1, [decided(0.5), unknown("needs masks")]).truth
    (True, None)
    """
    verdicts = list(verdicts)
    return all_of([at_least(number, verdicts), opposite(at_least(number + 1, verdicts))])


def _rank(verdict: Verdict) -> tuple[int, float]:
    order = 0 if verdict.truth is None else (1 if verdict.truth else -1)
    return order, verdict.score if math.isfinite(verdict.score) else 0.0
