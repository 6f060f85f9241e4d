"""The logical form of a spatial statement: what a sentence says, before anyone looks at a picture.

A *statement* is true or false of a picture: `Claim` (subject, predicate), `Exists`, `CompareCounts`, and `Not`, `And`,
`Or` over statements. A *predicate* is true or false of a thing: `Related`, `Attribute`, `Is`, `Same`, and `Not`, `And`,
`Or` over predicates. A *term* names things: `NounPhrase`, `Group` (the mug and the plate), `It` and `EachOther`.

`repr` is Python that builds the form again, without the defaults; `str` is a short notation for people:

>>> from gk_utils.spatial_relations.statement import *
>>> mug = NounPhrase("mug", adjectives=("red",))
>>> print(Claim(mug, Not(Related("left_of", (NounPhrase("plate", Quantifier("exactly", 2)),)))))
the(red mug): not left_of(exactly 2(plate))

Source: the forms follow generalised quantifiers (Barwise and Cooper 1981): a quantifier compares the number of things
that are N and P with the number that are N.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from gk_utils.errors import check_choice
from gk_utils.spatial_relations.logical_form import Form

QUANTIFIERS = ("the", "a", "some", "any", "bare", "no", "all", "most", "count", "exactly", "at_least", "at_most")
NUMBERED = ("count", "exactly", "at_least", "at_most")  # they need a number; "the" and "all" may have one
FRAMES = ("unstated", "viewer", "intrinsic")
MANNERS = ("", "directly", "slightly", "far", "fully", "partly", "nearly")
RANKINGS = (
    *("leftmost", "rightmost", "topmost", "bottommost", "frontmost", "rearmost", "middle"),
    *("largest", "smallest", "tallest", "shortest", "widest", "narrowest", "nearest", "farthest"),
)


@dataclass(frozen=True, repr=False)
class Quantifier(Form):
    """How many things a noun phrase is about.

    Attributes:
        kind: "the" (they exist; singular: exactly one fits) · "a", "some", "any" (at least one; "any" stands under a
            negation) · "bare" (a plural without a word before it: at least one) · "no" · "all" (every, each; true of
            none) · "most" (more than half) · "count" (a bare number, "two mugs": read as exactly) · "exactly" ·
            "at_least" · "at_most". "More than 2" is at_least 3, "fewer than 2" is at_most 1, "both" is all with 2.
        number: >= 0; needed by the last four; with "the" and "all" it is how many there are ("the two mugs").

    Raises:
        ValueError: another kind, a number that is missing, negative, or where none belongs.
    """

    kind: str = "the"
    number: int | None = None

    def __post_init__(self) -> None:
        check_choice(self.kind, QUANTIFIERS, "kind")
        may = self.kind in (*NUMBERED, "the", "all")
        if (self.number is None and self.kind in NUMBERED) or (self.number is not None and not may):
            wanted = "a number" if self.kind in NUMBERED else "None"
            raise ValueError(
                f"number: expected {wanted} with kind {self.kind!r}, got {self.number}. Change one of them."
            )
        if self.number is not None and self.number < 0:
            raise ValueError(f"number: expected >= 0, got {self.number}. Nothing can be counted below zero.")

    def __str__(self) -> str:
        return self.kind if self.number is None else f"{self.kind} {self.number}"


@dataclass(frozen=True, repr=False)
class Pick(Form):
    """Which of the things that fit: an ordinal or a superlative.

    Attributes:
        by: the order, one of `RANKINGS`; "middle" is the median from left to right.
        rank: 1 is the first in that order: ("leftmost", 2) is the second from the left, ("largest", 3) the third
            largest. The quantifier's number says how many are picked from there on: "the two leftmost mugs".
        landmark: for nearest and farthest, to or from what; None: the viewer.
    """

    by: str
    rank: int = 1
    landmark: "Term | None" = None

    def __post_init__(self) -> None:
        check_choice(self.by, RANKINGS, "by")
        if self.rank < 1:
            raise ValueError(f"rank: expected >= 1, got {self.rank}. The first is 1.")

    def __str__(self) -> str:
        return self.by + (f" {self.rank}" if self.rank > 1 else "") + (f" {self.landmark}" if self.landmark else "")


@dataclass(frozen=True, repr=False)
class NounPhrase(Form):
    """Things by what they are: "the second red mug from the left that is on a plate".

    Attributes:
        noun: singular, lower case, any noun; words of a compound are joined by blanks ("fire hydrant"). The words in
            `word_lists.ANYTHING` (object, thing, one ...) fit everything.
        quantifier: how many of them.
        adjectives: as said, in order ("small", "red").
        plural: whether the noun was plural. "the mugs": all of them, at least one (the same as "all" if there are any).
        clauses: predicates that hold of each of them: the phrases and relative clauses after the noun.
        pick: which ones in some order, chosen among those that fit noun, adjectives and clauses.
        other: "another mug", "the other mug": not one of the things the statement spoke of before.
        span: where the phrase stands in the text, (start, end) in characters; not part of what it says (not compared).
    """

    noun: str
    quantifier: Quantifier = Quantifier()
    adjectives: tuple[str, ...] = ()
    plural: bool = False
    clauses: "tuple[Predicate, ...]" = ()
    pick: Pick | None = None
    other: bool = False
    span: tuple[int, int] | None = field(default=None, compare=False)

    def __str__(self) -> str:
        words = " ".join((*(("other",) if self.other else ()), *self.adjectives, self.noun)) + "+" * self.plural
        parts = [words, *(str(clause) for clause in self.clauses), *([f"pick {self.pick}"] if self.pick else ())]
        return f"{self.quantifier}({', '.join(parts)})"


@dataclass(frozen=True, repr=False)
class Group(Form):
    """Several terms joined. A predicate holds of a group if it holds of each ("and") or of one or more ("or").

    With `EachOther` among its landmarks, or with `Same`, it is about the members of an "and" group together.
    """

    members: "tuple[NounPhrase | It, ...]"
    joined: Literal["and", "or"] = "and"

    def __str__(self) -> str:
        return "{" + f" {self.joined} ".join(map(str, self.members)) + "}"


@dataclass(frozen=True, repr=False)
class It(Form):
    """A pronoun: it, its, them, their, him, her.

    It stands for the nearest enclosing thing other than the one that the phrase restricts ("the toaster has a mug on
    its left": the toaster), else for the subject of the statement before.
    """

    def __str__(self) -> str:
        return "it"


@dataclass(frozen=True, repr=False)
class EachOther(Form):
    """Every two of the things stand in the relation, both ways: those of the subject, or of the nearest plural."""

    def __str__(self) -> str:
        return "each other"


@dataclass(frozen=True, repr=False)
class Related(Form):
    """A thing stands in a relation to landmarks.

    Attributes:
        relation: a canonical name of `lexicon.RELATIONS`.
        landmarks: none for a place in the picture ("on the left": at_left); one for most; for "between" two, or one
            plural (or a group is not used: "between the mug and the plate" has two); for closer_than and
            closer_than_to the reference and the rival.
        frame: whose left and right, front and behind: "unstated", "viewer" ("in the picture") or "intrinsic".
        viewpoint: with "intrinsic", from whose point of view; None: the landmark's own sides ("on the mug's left").
        manner: an adverb, one of `MANNERS`: "directly above", "far left of", "fully inside", "nearly touching".
    """

    relation: str
    landmarks: "tuple[Term, ...]" = ()
    frame: str = "unstated"
    viewpoint: "Term | None" = None
    manner: str = ""

    def __post_init__(self) -> None:
        check_choice(self.frame, FRAMES, "frame")
        check_choice(self.manner, MANNERS, "manner")

    def __str__(self) -> str:
        frame = "" if self.frame == "unstated" else f"[{self.viewpoint or self.frame}]"
        name = f"{self.manner} {self.relation}" if self.manner else self.relation
        return name + frame + (f"({', '.join(map(str, self.landmarks))})" if self.landmarks else "")


@dataclass(frozen=True, repr=False)
class Attribute(Form):
    """A thing has an attribute, as said: a colour, a size, a state ("red", "small", "sitting")."""

    word: str

    def __str__(self) -> str:
        return self.word


@dataclass(frozen=True, repr=False)
class Is(Form):
    """A thing is one of those that a noun phrase names: "is a cat", "is the largest object"."""

    what: NounPhrase

    def __str__(self) -> str:
        return f"is {self.what}"


@dataclass(frozen=True, repr=False)
class Same(Form):
    """A thing shares an aspect ("colour", "size", "shape" ...) with another; the subject's members with `EachOther`.

    Attributes:
        same: False for "different": no two of the things share it.
    """

    aspect: str
    other: "Term" = EachOther()
    same: bool = True

    def __str__(self) -> str:
        return f"{'same' if self.same else 'different'} {self.aspect}({self.other})"


@dataclass(frozen=True, repr=False)
class Not(Form):
    """The opposite of a statement or of a predicate."""

    part: "Statement | Predicate"

    def __str__(self) -> str:
        return f"not {self.part}"


class _Joined(Form):
    word = ""
    parts: "tuple[Any, ...]"

    def __str__(self) -> str:
        return "(" + f" {self.word} ".join(map(str, self.parts)) + ")"


@dataclass(frozen=True, repr=False)
class And(_Joined):
    """All of two or more statements, or of two or more predicates; flat: no part is an And."""

    parts: "tuple[Statement | Predicate, ...]"
    word = "and"


@dataclass(frozen=True, repr=False)
class Or(_Joined):
    """At least one of two or more statements, or predicates; flat: no part is an Or."""

    parts: "tuple[Statement | Predicate, ...]"
    word = "or"


@dataclass(frozen=True, repr=False)
class Claim(Form):
    """The predicate holds of the subject, as many of it as its quantifier says.

    "No mug is red" is Claim(no mug, red); "not all mugs are red" is Not(Claim(all mugs, red)).
    """

    subject: "Term"
    predicate: "Predicate"

    def __str__(self) -> str:
        return f"{self.subject}: {self.predicate}"


@dataclass(frozen=True, repr=False)
class Exists(Form):
    """There are as many such things as the quantifier says: "there are exactly two mugs on the tray"."""

    what: "NounPhrase | Group"

    def __str__(self) -> str:
        return f"exists {self.what}"


@dataclass(frozen=True, repr=False)
class CompareCounts(Form):
    """There are more, fewer or as many ("equal") of the first as of the second.

    Attributes:
        first, second: their quantifiers are "bare" and are not looked at.
        by: the exact difference ("two more mugs than plates"), None if only the sign was said.
    """

    order: Literal["more", "fewer", "equal"]
    first: NounPhrase
    second: NounPhrase
    by: int | None = None

    def __str__(self) -> str:
        return f"{self.order}{f' by {self.by}' if self.by is not None else ''}({self.first}, {self.second})"


Term = NounPhrase | Group | It | EachOther
Predicate = Related | Attribute | Is | Same | Not | And | Or
Statement = Claim | Exists | CompareCounts | Not | And | Or
