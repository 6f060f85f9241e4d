import pytest

from gk_utils.spatial_relations.joins import resolve
from gk_utils.spatial_relations.statement_scanner import scan


class TestResolve:
    @pytest.mark.parametrize(
        ("text", "joins"),
        [
            ("the mug is near the plate and the bowl and the cat is red", ["N_JOIN", "S_JOIN"]),
            ("the mug is red and the plate and the bowl are blue", ["S_JOIN", "SUBJECT_JOIN"]),
            ("the mug on the plate and the bowl are red", ["SUBJECT_JOIN"]),
            ("the mug is above and left of the plate", ["R_JOIN"]),
            ("the mug is on the plate and near the bowl", ["P_JOIN"]),
            ("the mug is red and is on the plate", ["V_JOIN"]),
            ("the mug is red; it is small.", ["S_JOIN"]),
        ],
    )
    def test_what_is_joined(self, text, joins):
        pieces = resolve(scan(text, {}))
        assert [piece.type for piece in pieces if "JOIN" in piece.type] == joins

    def test_a_comma_says_what_the_next_join_says(self):
        pieces = resolve(scan("the mug, the plate or the bowl is red", {}))
        assert [piece.value for piece in pieces if piece.type == "N_JOIN"] == ["or", "or"]
