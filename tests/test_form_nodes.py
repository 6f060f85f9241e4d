import pytest

from gk_utils.spatial_relations.diagnosis import Unreadable
from gk_utils.spatial_relations.form_nodes import MAX_DEPTH, Node, by_precedence, joined, node
from gk_utils.spatial_relations.statement import And, Attribute, Or

A, B, C = (Attribute(word) for word in "abc")


class TestJoined:
    def test_is_flat(self):
        assert joined("and", [And((A, B)), C]) == And((A, B, C))
        assert joined("or", [A]) == A


class TestByPrecedence:
    def test_and_binds_closer(self):
        assert by_precedence([("and", A), ("or", B), ("and", C)]) == Or((A, And((B, C))))


class TestNode:
    def test_refuses_to_go_deeper_than_it_may(self):
        with pytest.raises(Unreadable):
            node(None, [Node(None, MAX_DEPTH, 0, 1)], 1)
