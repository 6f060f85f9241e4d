"""From pieces to predicates: the grammar's callbacks for what verbs say.

"Not" takes the predicate that follows and the ones joined to it by "or" ("is not red or blue" is neither); "and" binds
closer than "or".
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gk_utils.spatial_relations.diagnosis import Unreadable
from gk_utils.spatial_relations.form_nodes import Node, by_precedence, joined, node
from gk_utils.spatial_relations.noun_builder import ranked_form
from gk_utils.spatial_relations.noun_chunks import Chunk, join_adjectives
from gk_utils.spatial_relations.statement import And, Attribute, EachOther, Group, Is, It, Not, Predicate, Related
from gk_utils.spatial_relations.statement_scanner import Piece
from gk_utils.spatial_relations.statement_words import SIDES


class Said(NamedTuple):
    """One predicate of several: the word before it, whether "not" is before it, whether a verb is."""

    word: str
    negated: bool
    predicate: Any
    own: bool


class PredicateBuilder:
    """Callbacks for predicates with their verbs."""

    def be_how(self, children: list[Any]) -> Node:
        """Read "is red"."""
        return _said(_attributes(children[-1].value), children)

    def be_not_how(self, children: list[Any]) -> Node:
        """Read "is not red"."""
        return _said(_attributes(children[-1].value), children, negated=True)

    how, not_how = be_how, be_not_how

    def be_what(self, children: list[Any]) -> Node:
        """Read "is a cat"."""
        return _said(_is(children[-1]), children)

    def be_not_what(self, children: list[Any]) -> Node:
        """Read "is not a cat"."""
        return _said(_is(children[-1]), children, negated=True)

    what = be_what

    def be(self, children: list[Any]) -> Node:
        """Read "is on the plate"."""
        return _said(children[-1].form, children)

    def be_not(self, children: list[Any]) -> Node:
        """Read "is not on the plate"."""
        return _said(children[-1].form, children, negated=True)

    positive, negative = be, be_not

    def be_rank(self, children: list[Any]) -> Node:
        """Read "is leftmost"."""
        return _said(ranked_form(children[-1].form), children)

    def be_not_rank(self, children: list[Any]) -> Node:
        """Read "is not leftmost"."""
        return _said(ranked_form(children[-1].form), children, negated=True)

    def be_from_side(self, children: list[Any]) -> Node:
        """Refuse "is from the left"."""
        piece = children[1]
        raise Unreadable((piece.start_pos, piece.end_pos), "'first', 'second' ... before it")

    def does(self, children: list[Any]) -> Node:
        """Read "contains a spoon"."""
        return _said(self._verb(children[0], children[1]), children)

    def does_not(self, children: list[Any]) -> Node:
        """Read "does not contain a spoon"."""
        return _said(self._verb(children[1], children[2]), children, negated=True)

    def _verb(self, verb: Piece, term: Any) -> Related:
        other = EachOther() if type(term) is Piece else term.form
        return Related(verb.value[0], (other,), "unstated", None, verb.manner)

    def has_same(self, children: list[Any]) -> Node:
        """Read "has the same colour as the plate"."""
        _only_has(children[-2])
        return _said(children[-1].form, children)

    def has_not_same(self, children: list[Any]) -> Node:
        """Read "does not have the same colour"."""
        _only_has(children[-2])
        return _said(children[-1].form, children, negated=True)

    def has_part(self, children: list[Any]) -> Node:
        """Read "has the lid as a part"."""
        _only_has(children[0])
        return _said(Related("has_part", (children[1].form,)), children)

    def does_alone(self, children: list[Any]) -> Node:
        """Read "faces left"."""
        return _said(Related(children[-1].value[0]), children)

    def does_not_alone(self, children: list[Any]) -> Node:
        """Read "does not face left"."""
        return _said(Related(children[-1].value[0]), children, negated=True)

    def posture(self, children: list[Any]) -> Node:
        """Read "stands on the plate"."""
        return _said(self._posture(children), children)

    def not_posture(self, children: list[Any]) -> Node:
        """Read "does not stand on the plate"."""
        return _said(self._posture(children[1:]), children, negated=True)

    def _posture(self, children: list[Any]) -> Any:
        where = [child.form for child in children[1:]]
        return joined("and", [Attribute(children[0].value[0]), *where])

    def begin_verbs(self, children: list[Any]) -> Node:
        """Begin a list of predicates."""
        return node([children[0].form], children)

    def more_verbs(self, children: list[Any]) -> Node:
        """Read one more: "is red and on the plate"."""
        children[0].form.append(children[2].form._replace(word=children[1].value))
        return node(children[0].form, children)

    def relative(self, children: list[Any]) -> Node:
        """Read "that is on the plate"."""
        return node(predicate_of(children[1].form), children)


def _attributes(chunk: Chunk) -> Predicate:
    """What adjectives say of a thing: "red", "small and red"."""
    if chunk.noun in SIDES and not chunk.adjectives:
        raise Unreadable((chunk.span[1],) * 2, "'of' and a thing", f"Or say 'on the {chunk.noun}'.")
    words = [Attribute(word) for word in join_adjectives((*chunk.adjectives, chunk.noun))]
    return words[0] if len(words) == 1 else And(tuple(words))


def _said(predicate: Any, children: list[Any], negated: bool = False) -> Node:
    first = children[0]
    own = type(first) is Piece and first.type in ("BE", "VERB", "VERB0", "PVERB", "DONT")
    return node(Said("and", negated, predicate, own), children)


def _only_has(verb: Piece) -> None:
    if verb.value[0] != "has":
        raise Unreadable((verb.start_pos, verb.end_pos), "'has' or 'have'")


def _is(term: Node) -> Any:
    """What "is a cat" says; "is a cat or a dog" is an Or."""
    form = term.form
    parts = form.members if type(form) is Group else (form,)
    if any(type(part) is It for part in parts):
        raise Unreadable((term.start, term.end), "a noun, an adjective or a relation")
    return joined(form.joined if type(form) is Group else "and", [Is(part) for part in parts])


def predicate_of(said: Sequence[Said]) -> Any:
    """Predicates in a row as one: "not" reaches over "or", then "and" goes before "or"."""
    parts: list[tuple[str, Any]] = []
    place = 0
    while place < len(said):
        one = said[place]
        place += 1
        if not one.negated:
            parts.append((one.word, one.predicate))
            continue
        under = [one.predicate]
        while place < len(said) and said[place].word == "or" and not said[place].negated and not said[place].own:
            under.append(said[place].predicate)
            place += 1
        parts.append((one.word, Not(joined("or", under))))
    return by_precedence(parts)
