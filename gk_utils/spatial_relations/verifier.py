"""Holds a statement against an arrangement: true, false or undecided, with what every phrase referred to and why.

The readings are those of `statement.py`. Beside them:

- Left, right, in front and behind are the viewer's unless the statement says otherwise.
- A thing is never its own landmark: "the mug near a mug" needs two.
- What a definite phrase names has to exist: "the mug" without a mug makes the statement false, its denial too.
- "The mug" where there are two is decided if both readings agree, and undecided ("ambiguous") otherwise.
- The arrangement is all there is: what was not found is not there.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.finding import Check, Finding
from gk_utils.spatial_relations.lexicon import RELATIONS
from gk_utils.spatial_relations.manners import with_manner
from gk_utils.spatial_relations.picture_places import in_depth
from gk_utils.spatial_relations.predicates import FRAMED
from gk_utils.spatial_relations.projective import viewers_side
from gk_utils.spatial_relations.qualities import YES, is_like, same
from gk_utils.spatial_relations.quantify import Itself, Missing, compared
from gk_utils.spatial_relations.references import References, named
from gk_utils.spatial_relations.statement import (
    And,
    Attribute,
    Claim,
    CompareCounts,
    EachOther,
    Exists,
    Group,
    Is,
    It,
    Not,
    NounPhrase,
    Or,
    Predicate,
    Quantifier,
    Related,
    Same,
    Statement,
    Term,
)
from gk_utils.spatial_relations.verdict import Verdict, all_of, any_of, opposite, unknown

_BACK = {"in_front_of": "behind", "behind": "in_front_of"}
_ONE = Quantifier("a")


def verify(statement: Statement, arrangement: Arrangement) -> Finding:
    """Whether a statement is true of an arrangement.

    >>> from gk_utils.spatial_relations.thing import Thing
    >>> mug, plate = (Thing(name, box, (9, 9)) for name, box in (("mug", (0, 0, 4, 4)), ("plate", (5, 0, 9, 4))))
    >>> claim = Claim(NounPhrase("mug"), Related("left_of", (NounPhrase("plate"),)))
    >>> print(verify(claim, Arrangement([mug, plate])))
    true (+1.00): by left and right edges
    >>> print(verify(claim, Arrangement([mug])))
    false (-1.00): there is no plate
    """
    reading = _Reading(arrangement)
    verdict = reading.whole(statement)
    checks = tuple(Check(name, things, found) for (name, things), found in reading.checks.items())
    return Finding(verdict, statement, reading.references, checks)


class _Reading(References):
    """One statement being held against one arrangement."""

    def __init__(self, arrangement: Arrangement) -> None:
        super().__init__(arrangement)
        self.checks: dict[tuple[str, tuple[int, ...]], Verdict] = {}

    # statements

    def whole(self, statement: Statement) -> Verdict:
        """A statement, or a part of "and" and "or": false where something that it takes for granted is missing."""
        try:
            return self.statement(statement)
        except Missing as missing:
            return Verdict(False, -1.0, str(missing))
        except Itself:
            return Verdict(False, -1.0, "nothing is its own landmark")

    def statement(self, statement: Statement) -> Verdict:
        """Dispatch on the form."""
        match statement:
            case Claim(subject, predicate):
                return self.claim(subject, predicate)
            case Exists(what):
                return self.exists(what)
            case CompareCounts(order, first, second, by):
                return compared(order, self.fitting(first, ()), self.fitting(second, ()), by)
            case Not(part):
                return opposite(self.statement(part))
            case And(parts) | Or(parts):
                join = all_of if isinstance(statement, And) else any_of
                return join([self.whole(part) for part in parts])
        raise TypeError(f"statement: expected a form of statement.py, got {type(statement).__name__}. Parse it first.")

    def claim(self, subject: Term, predicate: Predicate) -> Verdict:
        """Of the things that the subject names, as many as it says have the property."""
        match predicate:
            case Not(part) if _is_mutual(part):
                return opposite(self.claim(subject, part))
            case And(parts) if any(map(_is_mutual, parts)):
                return all_of([self.claim(subject, part) for part in parts])
        if _is_mutual(predicate):
            return self.mutual(subject, predicate)
        verdict = self.over(subject, lambda index: self.has(index, predicate, (index,)), ())
        self.topic = self.things_of(subject)
        return verdict

    def exists(self, what: NounPhrase | Group) -> Verdict:
        """There are as many as the quantifier says."""
        if isinstance(what, Group):
            join = all_of if what.joined == "and" else any_of
            return join([self.exists(member) for member in what.members])
        clauses = [clause for clause in what.clauses if _is_mutual(clause)]
        if clauses:
            plain = replace(what, clauses=tuple(clause for clause in what.clauses if clause not in clauses))
            return all_of([self.mutual(plain, clause) for clause in clauses])
        verdict = self.over(what, lambda index: YES, ())
        self.topic = self.things_of(what)
        return verdict

    def mutual(self, subject: Term, predicate: Related | Same) -> Verdict:
        """A relation of things to each other: every two of them, both ways."""
        if isinstance(subject, Group):
            groups = [self.things_of(member) for member in subject.members]
            if not all(groups):
                raise Missing("one of the things is not there")
            if any(len(group) > 1 for group in groups):
                verdicts = [self.every_two(chosen, predicate) for chosen in itertools.product(*groups)]
                agreed = len({verdict.truth for verdict in verdicts}) == 1
                return verdicts[0] if agreed else unknown("ambiguous: several things fit a name, and they differ")
            return self.every_two([group[0] for group in groups], predicate)
        if not isinstance(subject, NounPhrase):
            return self.every_two(self.things_of(subject), predicate)
        things, (kind, number) = self.things_of(subject), (subject.quantifier.kind, subject.quantifier.number)
        if kind in ("the", "all"):
            if len(things) < (number or 2):
                raise Missing(f"there are not {number or 2} of: {named(subject)}")
            return self.every_two(things, predicate)
        if kind == "most":
            return unknown("most of them, each with each other: it does not say which")
        size = max(2, number or 2)
        found = any_of([self.every_two(chosen, predicate) for chosen in itertools.combinations(things, size)])
        return opposite(found) if kind == "no" else found

    def every_two(self, things: Sequence[int], predicate: Related | Same) -> Verdict:
        """The relation between every two of these things, both ways."""
        pairs = itertools.permutations(things, 2)
        if isinstance(predicate, Same):
            found = [self.shares(a, b, predicate) for a, b in pairs]
            return all_of(found)
        return all_of([self.related(predicate, (a, b)) for a, b in pairs])

    # predicates

    def has(self, index: int, predicate: Predicate, bound: tuple[int, ...]) -> Verdict:
        """Whether a thing has a property; `bound` ends with the thing itself."""
        match predicate:
            case Related(landmarks=landmarks):
                return self.to_landmarks(predicate, (index,), landmarks, bound)
            case Attribute(word):
                return is_like(self.arrangement.things[index], word)
            case Is(what):
                return self.fitting(what, bound[:-1])[index]
            case Same(other=other):
                return self.over(other, lambda j: self.shares(index, j, predicate), bound, without=(index,))
            case Not(part):
                return opposite(self.has(index, part, bound))
            case And(parts) | Or(parts):
                join = all_of if isinstance(predicate, And) else any_of
                return join([self.has(index, part, bound) for part in parts])
        raise TypeError(f"predicate: expected a form of statement.py, got {type(predicate).__name__}. Parse it first.")

    def to_landmarks(
        self, predicate: Related, things: tuple[int, ...], landmarks: Sequence[Term], bound: tuple[int, ...]
    ) -> Verdict:
        """The relation of things[0] to the landmarks, which are looked up one after the other."""
        wanted = RELATIONS[predicate.relation].landmarks
        if predicate.relation in ("has", "with") and len(things) == 1 and _is_placed(landmarks[0]):
            # "has a mug on its left": there is one there
            one = replace(landmarks[0], quantifier=_ONE) if landmarks[0].quantifier.kind == "the" else landmarks[0]
            return self.over(one, lambda j: YES, bound, without=things)
        if not landmarks:
            if predicate.relation in ("in_foreground", "in_background"):
                return in_depth(predicate.relation, self.arrangement.things[things[0]], self.arrangement.things)
            return self.related(predicate, things)
        if wanted == 2 and len(landmarks) == 1 and len(things) == 1:
            pairs = itertools.combinations([j for j in self.things_of(landmarks[0], bound) if j != things[0]], 2)
            return any_of([self.related(predicate, (*things, *pair)) for pair in pairs])
        return self.over(
            landmarks[0],
            lambda j: self.to_landmarks(predicate, (*things, j), landmarks[1:], (*bound, j)),
            bound,
            without=things,
        )

    def related(self, predicate: Related, things: tuple[int, ...]) -> Verdict:
        """A relation between things, in its frame and manner."""
        relation, frame = predicate.relation, "viewer"
        if predicate.frame == "intrinsic" and relation in FRAMED:
            if predicate.viewpoint is None:
                frame = "intrinsic"
            else:
                return self.seen_by(predicate, things)
        verdict = self.arrangement.relate(relation, *things, frame=frame)
        if predicate.manner:
            verdict = with_manner(predicate.manner, relation, things, verdict, self.arrangement)
        self.checks[relation if frame == "viewer" else f"{relation} ({frame})", things] = verdict
        return verdict

    def seen_by(self, predicate: Related, things: tuple[int, ...]) -> Verdict:
        """Left and right, in front and behind as somebody in the picture sees them."""
        seers = self.things_of(predicate.viewpoint)
        if len(seers) != 1:
            return unknown("ambiguous: from whose point of view?")
        seer = self.arrangement.things[seers[0]]
        if seer.facing is None:
            return unknown(f"needs facing: which way does the {seer.name} face?")
        # What is in front of something, for a seer, is between the two: the seer's own back side, so to say.
        relation = viewers_side(_BACK.get(predicate.relation, predicate.relation), seer.facing)
        return self.related(Related(relation, predicate.landmarks, manner=predicate.manner), things)

    def shares(self, a: int, b: int, predicate: Same) -> Verdict:
        """Whether two things share an aspect, or differ in it."""
        found = same(self.arrangement.things[a], self.arrangement.things[b], predicate.aspect)
        return found if predicate.same else opposite(found)


def _is_placed(term: Term) -> bool:
    """Whether a noun phrase says where its things are, as seen from what was spoken of: "a mug on its left"."""
    return isinstance(term, NounPhrase) and any(
        isinstance(clause, Related) and It() in clause.landmarks for clause in term.clauses
    )


def _is_mutual(predicate: Predicate) -> bool:
    """Whether a predicate is about several things and each other."""
    if isinstance(predicate, Related):
        return any(isinstance(landmark, EachOther) for landmark in predicate.landmarks)
    return isinstance(predicate, Same) and isinstance(predicate.other, EachOther)
