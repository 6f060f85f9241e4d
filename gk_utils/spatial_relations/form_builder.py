"""From pieces to statements: the grammar's callbacks for whole sentences, together with all others.

What is said of a picture's contents ("the picture shows a mug") is that it exists. A point of view is that of the
predicate, not of the relations inside its noun phrases.
"""

from dataclasses import replace
from typing import Any

from gk_utils.spatial_relations.diagnosis import Unreadable
from gk_utils.spatial_relations.form_nodes import Node, alone_error, by_precedence, joined, node
from gk_utils.spatial_relations.noun_builder import NounBuilder
from gk_utils.spatial_relations.place_builder import PlaceBuilder
from gk_utils.spatial_relations.predicate_builder import PredicateBuilder, predicate_of
from gk_utils.spatial_relations.statement import (
    And,
    Claim,
    CompareCounts,
    Exists,
    Group,
    It,
    Not,
    NounPhrase,
    Or,
    Quantifier,
    Related,
)

_PICTURES = ("image", "picture", "photo", "photograph", "scene", "frame")
_SHOWS = ("contains", "showing", "has")
# Relations that a point of view changes.
_SEEN_FROM = frozenset(
    [
        "left_of",
        "right_of",
        "in_front_of",
        "behind",
        "ahead_of",
        "at_back_of",
        "beyond",
        "at_left",
        "at_right",
        "in_foreground",
        "in_background",
        "above",
        "below",
        "over",
        "under",
        "nearer_than",
        "farther_than",
        "at_top",
        "at_bottom",
        "facing_left",
        "facing_right",
    ]
)


class FormBuilder(NounBuilder, PlaceBuilder, PredicateBuilder):
    """All callbacks of the grammar."""

    def claim(self, children: list[Any]) -> Node:
        """Read "the mug is red"."""
        subject, verbs = children
        alone = subject.alone or (None if _is_many(subject.form) else verbs.alone)
        if alone is not None:
            raise alone_error(alone)
        return node(_claim(subject.form, predicate_of(verbs.form)), children)

    def not_claim(self, children: list[Any]) -> Node:
        """Read "not all mugs are red"."""
        return node(Not(self.claim(children[1:]).form), children)

    def neither(self, children: list[Any]) -> Node:
        """Read "neither the mug nor the plate is red"."""
        _, subject, verbs = children
        if type(subject.form) is not Group:
            raise Unreadable((subject.end, subject.end), "'nor' and another thing")
        return node(Claim(replace(subject.form, joined="and"), Not(predicate_of(verbs.form))), children)

    def seen(self, children: list[Any]) -> Node:
        """Read "a mug can be seen"."""
        return node(Exists(_existing(children[0])), children)

    def not_seen(self, children: list[Any]) -> Node:
        """Read "a mug is not in the picture"."""
        return node(Not(Exists(_existing(children[0]))), children)

    def seen_where(self, children: list[Any]) -> Node:
        """Read "a mug can be seen on the plate"."""
        return node(Claim(children[0].form, children[2].form), children)

    def exists(self, children: list[Any]) -> Node:
        """Read "there is a mug"."""
        return node(Exists(_existing(children[2])), children)

    def exists_not(self, children: list[Any]) -> Node:
        """Read "there is not a mug"."""
        return node(Not(Exists(_existing(children[3]))), children)

    def where_exists(self, children: list[Any]) -> Node:
        """Read "on the plate there is a mug"."""
        where, thing = by_precedence(children[0].form), children[3]
        form = _existing(thing)
        if type(form) is not NounPhrase:
            return node(
                joined("and", [Exists(replace(one, clauses=(*one.clauses, where))) for one in form.members]),
                children,
            )
        return node(Exists(replace(form, clauses=(*form.clauses, where))), children, 1)

    def inverted(self, children: list[Any]) -> Node:
        """Read "on the plate is a mug"."""
        return node(Claim(children[2].form, by_precedence(children[0].form)), children)

    def compare(self, children: list[Any]) -> Node:
        """Read "there are more mugs than plates"."""
        more, first, between, second = children[2:6]
        order, by = more.value if type(more.value) is tuple else (more.value, None)
        if (order == "equal") == (between.type == "THAN"):
            wanted = "'as'" if order == "equal" else "'than'"
            raise Unreadable((between.start_pos, between.end_pos), wanted)
        pair = [replace(one.form, quantifier=Quantifier("bare"), plural=True) for one in (first, second)]
        return node(CompareCounts(order, pair[0], pair[1], by), children)

    def number_is(self, children: list[Any]) -> Node:
        """Read "the number of mugs is three"."""
        thing, number = children[1], children[3]
        if number.chunk is None or not number.chunk.headless or number.chunk.number is None:
            raise Unreadable((number.start, number.end), "a number")
        quantifier = number.form.quantifier
        kind = "exactly" if quantifier.kind == "count" else quantifier.kind
        many = quantifier.number != 1
        return node(Exists(replace(thing.form, quantifier=Quantifier(kind, quantifier.number), plural=many)), children)

    def is_false(self, children: list[Any]) -> Node:
        """Read "it is not true that ..."."""
        return node(Not(children[1].form), children, 1)

    def viewer(self, children: list[Any]) -> Node:
        """Read "in the picture"."""
        return node(None, children)

    def viewpoint(self, children: list[Any]) -> Node:
        """Read "from the mug's point of view"."""
        return node(children[1].form, children)

    def frame_first(self, children: list[Any]) -> Node:
        """Read a statement behind a point of view."""
        return node(_seen_from(children[0], children[1].form), children)

    def frame_last(self, children: list[Any]) -> Node:
        """Read a statement before a point of view."""
        return node(_seen_from(children[1], children[0].form), children)

    def begin_statements(self, children: list[Any]) -> Node:
        """Begin a list of (joining word, statement)."""
        return node([("and", children[0].form)], children)

    def more_statements(self, children: list[Any]) -> Node:
        """Read one more statement."""
        children[0].form.append((children[1].value, children[2].form))
        return node(children[0].form, children)


def _existing(term: Node) -> NounPhrase | Group:
    """What there is: a bare singular is read as "a" ("there is red mug on tray")."""
    form = term.form
    if term.alone is not None:
        raise alone_error(term.alone)
    if type(form) is It:
        raise Unreadable((term.start, term.end), "a noun")
    if type(form) is NounPhrase and term.chunk is not None and term.chunk.kind is None and not form.plural:
        return replace(form, quantifier=Quantifier("the" if form.pick else "a"))
    return form


def _claim(subject: Any, predicate: Any) -> Any:
    """A claim; of the picture, that what it shows exists."""
    picture = type(subject) is NounPhrase and subject.noun in _PICTURES and not subject.plural
    plain = (
        picture
        and subject.quantifier == Quantifier("the")
        and not subject.adjectives
        and not subject.clauses
        and subject.pick is None
    )
    inner = predicate.part if type(predicate) is Not else predicate
    if (
        plain
        and type(inner) is Related
        and inner.relation in _SHOWS
        and type(inner.landmarks[0]) in (NounPhrase, Group)
    ):
        shown = Exists(inner.landmarks[0])
        return Not(shown) if type(predicate) is Not else shown
    return Claim(subject, predicate)


def _is_many(subject: Any) -> bool:
    """Whether a subject names several things."""
    return type(subject) in (Group, It) or subject.plural


def _seen_from(frame: Node, form: Any) -> Any:
    """The statement with its relations seen from somewhere; those inside noun phrases stay as they are."""
    changed: list[bool] = []

    def turn(part: Any) -> Any:  # noqa: PLR0911 - one for each form
        if type(part) is Claim:
            return replace(part, predicate=turn(part.predicate))
        if type(part) is Not:
            return Not(turn(part.part))
        if type(part) in (And, Or):
            return type(part)(tuple(turn(one) for one in part.parts))
        if type(part) is Exists and type(part.what) is NounPhrase and frame.form is not None:
            return Exists(replace(part.what, clauses=tuple(turn(one) for one in part.what.clauses)))
        if type(part) is Related and part.relation in _SEEN_FROM and part.frame == "unstated":
            changed.append(True)
            if frame.form is None:
                return replace(part, frame="viewer")
            return replace(part, frame="intrinsic", viewpoint=frame.form)
        return part

    turned = turn(form)
    if frame.form is not None and not changed:
        raise Unreadable((frame.start, frame.end), "a relation that is seen from there, such as 'left of'")
    return turned
