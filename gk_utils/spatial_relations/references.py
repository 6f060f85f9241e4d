"""What noun phrases and pronouns refer to: which things fit, surely or perhaps, and which of them a pick takes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.comparative import in_order
from gk_utils.spatial_relations.qualities import NO, YES, is_called, is_like
from gk_utils.spatial_relations.quantify import Itself, Missing, quantified
from gk_utils.spatial_relations.statement import EachOther, Group, It, NounPhrase, Predicate, Quantifier, Term
from gk_utils.spatial_relations.verdict import Verdict, all_of, any_of, unknown

_ONE = Quantifier("a")


class References:
    """Noun phrases against one arrangement; the verifier adds predicates and statements.

    Attributes:
        references: each noun phrase that was looked up, with the things that surely fit.
        topic: what the statement before was about, for "it" and "the other one".
    """

    def __init__(self, arrangement: Arrangement) -> None:
        self.arrangement = arrangement
        self.references: dict[NounPhrase, tuple[int, ...]] = {}
        self.topic: tuple[int, ...] = ()
        self._names = {thing.name for thing in arrangement.things}

    def has(self, index: int, predicate: Predicate, bound: tuple[int, ...]) -> Verdict:
        """Whether a thing has a property; `bound` are the things spoken of, the outermost first, itself last."""
        raise NotImplementedError

    def over(
        self,
        term: Term,
        has: Callable[[int], Verdict],
        bound: tuple[int, ...],
        without: tuple[int, ...] = (),
    ) -> Verdict:
        """As many of a term's things as it says have the property; those in `without` are not among them."""
        if isinstance(term, Group):
            join = all_of if term.joined == "and" else any_of
            return join([self.over(member, has, bound, without) for member in term.members])
        if isinstance(term, It | EachOther):
            things = self.pronoun(bound, without)
            if not things:
                return unknown("it: nothing was spoken of before")
            return all_of([has(index) for index in things])
        fitting = self.fitting(term, bound)
        if without:
            rows = {index for index, verdict in enumerate(fitting) if verdict.truth is not False}
            if rows and rows <= set(without) and term.quantifier.kind == "the":
                raise Itself
            fitting = [NO if index in without else verdict for index, verdict in enumerate(fitting)]
        return quantified(term.quantifier, fitting, has, name=named(term), plural=term.plural)

    def fitting(self, phrase: NounPhrase, bound: tuple[int, ...]) -> list[Verdict]:
        """For every thing, whether it fits a noun phrase."""
        noun, words = self.noun_of(phrase)
        verdicts = []
        for index, thing in enumerate(self.arrangement.things):
            verdict = YES if is_called(thing, noun) and not (phrase.other and self.is_named(index, bound)) else NO
            if verdict.truth and (words or phrase.clauses):
                try:
                    verdict = all_of(self.conditions(index, words, phrase.clauses, bound))
                except Itself:
                    verdict = NO
            verdicts.append(verdict)
        if phrase.pick is not None:
            verdicts = self.picked(phrase, verdicts, bound)
        if not bound or phrase not in self.references:
            self.references[phrase] = tuple(index for index, verdict in enumerate(verdicts) if verdict.truth)
        return verdicts

    def conditions(
        self, index: int, words: Sequence[str], clauses: Sequence[Predicate], bound: tuple[int, ...]
    ) -> Iterator[Verdict]:
        """What else a thing of the right name has to fulfil; nothing more is looked at once it fails."""
        for word in words:
            verdict = is_like(self.arrangement.things[index], word)
            yield verdict
            if verdict.truth is False:
                return
        for clause in clauses:
            verdict = self.has(index, clause, (*bound, index))
            yield verdict
            if verdict.truth is False:
                return

    def picked(self, phrase: NounPhrase, fitting: list[Verdict], bound: tuple[int, ...]) -> list[Verdict]:
        """Which of those that fit the pick takes: sure if it does so with and without the doubtful ones."""
        pick, result = phrase.pick, [NO] * len(fitting)
        to = None
        if pick.landmark is not None:
            marks = self.things_of(pick.landmark, bound)
            if not marks:
                raise Missing(f"there is no {pick.landmark}")
            to = self.arrangement.things[marks[0]]
            fitting = [NO if index == marks[0] else verdict for index, verdict in enumerate(fitting)]
        number = phrase.quantifier.number or 1
        taken = []
        for least in (True, None):
            rows = [i for i, verdict in enumerate(fitting) if verdict.truth is True or verdict.truth is least]
            order = in_order(pick.by, [self.arrangement.things[row] for row in rows], to)
            if isinstance(order, Verdict):
                return [order if row in rows else NO for row in range(len(fitting))]
            start = (len(order) - number) // 2 if pick.by == "middle" else pick.rank - 1
            taken.append({rows[position] for position in order[max(0, start) : max(0, start) + number]})
        doubt = next((verdict for verdict in fitting if verdict.truth is None), None)
        for row in taken[0] | taken[1]:
            result[row] = YES if row in taken[0] & taken[1] else unknown(doubt.reason if doubt else "which fit?")
        return result

    def noun_of(self, phrase: NounPhrase) -> tuple[str, tuple[str, ...]]:
        """The noun and the adjectives; where nothing has a compound name, its first words are adjectives."""
        noun, words = phrase.noun, phrase.adjectives
        if " " in noun and noun not in self._names and noun.rsplit(" ", 1)[1] in self._names:
            *more, noun = noun.split()
            words = (*words, *more)
        return noun, words

    def things_of(self, term: Term, bound: tuple[int, ...] = ()) -> tuple[int, ...]:
        """The things that surely fit a term."""
        if isinstance(term, Group):
            return tuple(dict.fromkeys(i for member in term.members for i in self.things_of(member, bound)))
        if isinstance(term, It | EachOther):
            return self.pronoun(bound, ())
        return tuple(index for index, verdict in enumerate(self.fitting(term, bound)) if verdict.truth)

    def pronoun(self, bound: tuple[int, ...], without: tuple[int, ...]) -> tuple[int, ...]:
        """What "it" stands for: the nearest enclosing thing but the one itself, else what was spoken of before."""
        others = [index for index in bound if index not in without and index != (bound[-1] if bound else None)]
        return (others[-1],) if others else self.topic

    def is_named(self, index: int, bound: tuple[int, ...]) -> bool:
        """Whether the statement spoke of a thing before."""
        return index in bound or index in self.topic


def named(phrase: NounPhrase) -> str:
    """The phrase without its quantifier, for reasons.

    >>> named(NounPhrase("mug", Quantifier("exactly", 2), ("red",), plural=True))
    'red mug'
    """
    text = str(replace(phrase, quantifier=_ONE, plural=False))
    return text.removeprefix("a(").removesuffix(")")
