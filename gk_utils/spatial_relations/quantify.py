"""Quantifiers over three truth values: how many of the things that fit also have the property.

For every thing there are two verdicts: does it fit the noun phrase, and has it the property. What would come out the
same whichever way the undecided ones fall is decided.

Source: Barwise and Cooper 1981 (generalised quantifiers); van Fraassen 1966 (supervaluation: an ambiguous name decides
a statement where every reading agrees).
"""

from collections.abc import Callable, Sequence

from gk_utils.spatial_relations.statement import Quantifier
from gk_utils.spatial_relations.verdict import (
    Verdict,
    all_of,
    any_of,
    at_least,
    decided,
    exactly,
    opposite,
    unknown,
)

Property = Callable[[int], Verdict]


class Missing(Exception):
    """The statement speaks of "the mug" and there is none: it is false, and so is its denial."""


class Itself(Exception):
    """A thing was to be its own landmark: "all things near the kettle" leaves the kettle out of "all"."""


def quantified(
    quantifier: Quantifier, fitting: Sequence[Verdict], has: Property, *, name: str = "thing", plural: bool = False
) -> Verdict:
    """Whether as many of the things that fit have the property as the quantifier says.

    "the": they must exist. One name for several things ("the mug", and there are two) is decided if all of them agree,
    and undecided otherwise; "the two mugs" with three of them likewise. "all" is true of nothing.

    Args:
        quantifier: of the noun phrase.
        fitting: for every thing, whether it fits the noun phrase.
        has: for the index of a thing, whether it has the property; asked only where it fits or may fit.
        name: the noun phrase in words, for reasons.
        plural: whether the noun was plural.

    Raises:
        Missing: "the" without such a thing.

    >>> yes, no = decided(1.0), decided(-1.0)
    >>> quantified(Quantifier("exactly", 1), [yes, yes, no], lambda index: [yes, no, yes][index]).truth
    True
    >>> print(quantified(Quantifier("the"), [yes, yes], lambda index: [yes, no][index], name="mug"))
    unknown: ambiguous: 2 things fit "the mug", and they differ
    """
    kind, number = quantifier.kind, quantifier.number
    found = {index: _asked(has, index) for index, verdict in enumerate(fitting) if verdict.truth is not False}
    if kind in ("the", "all", "most") and (plural or kind != "the"):
        found = {index: verdict for index, verdict in found.items() if verdict is not None} or found
    rows, has = list(found), lambda index: found[index] or Verdict(False, -1.0, "nothing is its own landmark")
    if kind == "the" or (kind == "all" and number is not None):
        return _definite(number or (None if plural or kind == "all" else 1), fitting, rows, has, name)
    if kind == "all":
        return all_of(any_of([has(index), opposite(fitting[index])]) for index in rows)
    if kind == "most":
        return _most(fitting, rows, has)
    both = [all_of([fitting[index], has(index)]) for index in rows]
    if kind in ("count", "exactly"):
        return exactly(number, both)
    if kind in ("no", "at_most"):
        return opposite(at_least((number or 0) + 1, both))
    return at_least(number if kind == "at_least" else 1, both)


def _asked(has: Property, index: int) -> Verdict | None:
    try:
        return has(index)
    except Itself:
        return None


def compared(order: str, first: Sequence[Verdict], second: Sequence[Verdict], by: int | None = None) -> Verdict:
    """Whether there are more, fewer or as many ("equal") that fit one noun phrase as fit another.

    Args:
        order: "more", "fewer" or "equal".
        first: for every thing, whether it fits the first phrase.
        second: the same for the second phrase.
        by: the exact difference, if it was said.

    >>> yes, no, perhaps = decided(1.0), decided(-1.0), unknown("needs masks")
    >>> [compared("more", [yes, yes], some).truth for some in ([yes, no], [yes, yes], [yes, perhaps])]
    [True, False, None]
    """
    least, most = (
        [sum(verdict.truth in truths for verdict in side) for side in (first, second)]
        for truths in ((True,), (True, None))
    )
    sign = {"more": 1, "fewer": -1, "equal": 0}[order]
    answers = {
        (a - b) * sign == by if by is not None and sign else (a > b) - (a < b) == sign
        for a in range(least[0], most[0] + 1)
        for b in range(least[1], most[1] + 1)
    }
    if len(answers) > 1:
        return unknown("needs to know which things fit")
    return decided(1.0 if answers.pop() else -1.0, f"{least[0]} against {least[1]}")


def _definite(number: int | None, fitting: Sequence[Verdict], rows: list[int], has: Property, name: str) -> Verdict:
    """The one, the n, or all of them (None)."""
    sure = [index for index in rows if fitting[index].truth]
    wanted = number or 1
    if len(rows) < wanted:
        raise Missing(f"there is no {name}" if not rows else f"there are not {wanted} of: {name}")
    found = [has(index) for index in rows]
    if len(sure) == len(rows) and (number is None or number == len(rows)):
        return all_of(found)
    if len({verdict.truth for verdict in found}) == 1 and found[0].truth is not None and len(sure) >= wanted:
        weakest = min(found, key=lambda verdict: abs(verdict.score))
        return Verdict(weakest.truth, weakest.score, f'every one of the {len(rows)} that fit "the {name}"')
    doubtful = [fitting[index] for index in rows if fitting[index].truth is None]
    if doubtful:
        return unknown(doubtful[0].reason)
    if all(verdict.truth is None for verdict in found):
        return found[0]
    return unknown(f'ambiguous: {len(rows)} things fit "the {name}", and they differ')


def _most(fitting: Sequence[Verdict], rows: list[int], has: Property) -> Verdict:
    """More than half of those that fit, with the doubtful ones at their worst and at their best."""
    found = {index: has(index).truth for index in rows}
    answers = set()
    for best in (False, True):
        counts = {index: truth or (best and truth is None) for index, truth in found.items()}
        some = [index for index in rows if fitting[index].truth or bool(counts[index]) == best]
        answers.add(2 * sum(bool(counts[index]) for index in some) > len(some))
    return decided(1.0 if answers.pop() else -1.0) if len(answers) == 1 else unknown("needs to know which things fit")
