"""From pieces to predicates that say where something is: the grammar's callbacks for relations and places."""

from typing import Any

from gk_utils.spatial_relations.diagnosis import Unreadable
from gk_utils.spatial_relations.form_nodes import Node, by_precedence, joined, node
from gk_utils.spatial_relations.lexicon import RELATIONS
from gk_utils.spatial_relations.statement import Attribute, EachOther, Group, Not, Related, Same
from gk_utils.spatial_relations.statement_scanner import Piece


class PlaceBuilder:
    """Callbacks for what says where something is, or that it shares an aspect."""

    def begin_relations(self, children: list[Any]) -> Node:
        """Begin a list of (joining word, relation)."""
        return node([("and", children[0])], children)

    def more_relations(self, children: list[Any]) -> Node:
        """Read one more: "above and to the left of"."""
        children[0].form.append((children[1].value, children[2]))
        return node(children[0].form, children)

    def related(self, children: list[Any]) -> Node:
        """Read "near the plate" and "near each other"."""
        relations, term = children
        other = EachOther() if type(term) is Piece else term.form
        found = [(word, self._related(piece, other)) for word, piece in relations.form]
        return node(by_precedence(found), children)

    def _related(self, piece: Piece, term: Any) -> Related:
        name, frame = piece.value
        landmarks = (term,)
        if name == "between" and type(term) is Group:
            if len(term.members) != 2 or term.joined == "or":
                raise Unreadable((piece.start_pos, piece.end_pos), "two things joined by 'and' after it")
            landmarks = term.members
        return Related(name, landmarks, frame, None, piece.manner)

    def related_alone(self, children: list[Any]) -> Node:
        """Read "touching", without saying what."""
        for _, piece in children[0].form:
            if not RELATIONS[piece.value[0]].symmetric:
                raise Unreadable((piece.end_pos, piece.end_pos), "what it is " + piece.value[0].replace("_", " "))
        found = [(word, self._related(piece, EachOther())) for word, piece in children[0].form]
        built = node(by_precedence(found), children)
        built.alone = children[0].form[0][1]
        return built

    def place(self, children: list[Any]) -> Node:
        """Read "on the left"."""
        piece = children[0]
        return node(Related(piece.value[0], (), piece.value[1], None, piece.manner), children)

    def part(self, children: list[Any]) -> Node:
        """Read "sitting"."""
        return node(Attribute(children[0].value), children)

    def part_related(self, children: list[Any]) -> Node:
        """Read "sitting on the mat"."""
        return self._with_part(children, self.related(children[1:]))

    def part_place(self, children: list[Any]) -> Node:
        """Read "sitting on the left"."""
        return self._with_part(children, self.place(children[1:]))

    def _with_part(self, children: list[Any], where: Node) -> Node:
        return node(joined("and", [Attribute(children[0].value), where.form]), [children[0], where])

    def state(self, children: list[Any]) -> Node:
        """Read "with toast up"."""
        state, holds = children[0].value
        return node(Attribute(state) if holds else Not(Attribute(state)), children)

    def without(self, children: list[Any]) -> Node:
        """Read "without a lid"."""
        return node(Not(Related("with", (children[1].form,))), children)

    def closer(self, children: list[Any]) -> Node:
        """Read "closer to the plate than the bowl"."""
        return node(Related("closer_than", (children[1].form, children[3].form)), children)

    def closer_to(self, children: list[Any]) -> Node:
        """Read "closer to the plate than to the bowl"."""
        return node(Related("closer_than_to", (children[1].form, children[4].form)), children)

    def same_as(self, children: list[Any]) -> Node:
        """Read "the same colour as the plate"."""
        aspect, same = children[0].value
        return node(Same(aspect, children[1].form, same), children)

    def same_alone(self, children: list[Any]) -> Node:
        """Read "the same colour"."""
        aspect, same = children[0].value
        built = node(Same(aspect, EachOther(), same), children)
        built.alone = children[0]
        return built
