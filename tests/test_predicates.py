import pytest
from hypothesis import given, settings
from some_things import box_numbers, box_pairs, some_thing, two

from gk_utils.spatial_relations.lexicon import RELATIONS, opposite_way
from gk_utils.spatial_relations.predicates import (
    at_corner_of,
    at_edge_of,
    holds,
    in_middle_of,
    occluding,
    surrounded_by,
)

ONE = [name for name, relation in RELATIONS.items() if relation.landmarks == 1]


class TestHolds:
    @settings(max_examples=25)
    @given(box_pairs)
    def test_every_relation_answers_and_agrees_with_its_inverse(self, pair):
        """S16: outside, touching, next to and between were promised and not there."""
        a, b = (some_thing(box, depth=depth, facing="left") for box, depth in zip(pair, (1.0, 2.0), strict=True))
        for name in ONE:
            verdict, other = holds(name, [a, b]), opposite_way(name)
            assert verdict.known or verdict.reason
            if other in ONE and verdict.known and holds(other, [b, a]).known:
                assert holds(other, [b, a]).truth == verdict.truth, (name, other)

    @settings(max_examples=25)
    @given(box_pairs)
    def test_bare_boxes_never_raise(self, pair):
        a, b = two(*pair)
        for name, relation in RELATIONS.items():
            holds(name, [a, b, a][: relation.landmarks + 1])

    def test_one_answer_a_bool_and_a_margin(self):
        """S2: a truth and a confidence were promised, and a bare (numpy) bool came."""
        verdict = holds("near", list(two((0, 0, 4, 4), (5, 0, 9, 4))))
        assert isinstance(verdict.truth, bool)
        assert isinstance(verdict.score, float)

    def test_contact_is_needed_by_what_boxes_do_not_decide(self):
        assert holds("holding", list(two((0, 0, 4, 4), (90, 0, 94, 4)))).truth is False
        assert holds("holding", list(two((0, 0, 4, 4), (2, 0, 9, 4)))).truth is None

    def test_refuses(self, unhooked):
        a, b = two((0, 0, 4, 4), (5, 0, 9, 4))
        with pytest.raises(ValueError, match="relation: expected one of"):
            holds("atop of", [a, b])
        with pytest.raises(ValueError, match="things: expected 3 for between, got 2"):
            holds("between", [a, b])


class TestPlacesOfAThing:
    def test_middle_edge_and_corner(self):
        table = some_thing((0, 0, 90, 90), "table")
        for x, y, found in ((45, 45, (True, False, False)), (5, 45, (False, True, False)), (5, 5, (False, True, True))):
            cup = some_thing((x - 2, y - 2, x + 2, y + 2))
            assert tuple(f(cup, table).truth for f in (in_middle_of, at_edge_of, at_corner_of)) == found
        outside = some_thing((95, 45, 99, 49))
        assert not any(f(outside, table).truth for f in (in_middle_of, at_edge_of, at_corner_of))

    @given(box_numbers())
    def test_nothing_surrounds_itself(self, box):
        assert not surrounded_by(some_thing(box), some_thing(box)).truth

    def test_occluding_needs_depth_and_masks(self):
        near, far = some_thing((0, 0, 9, 9), depth=1.0), some_thing((5, 0, 19, 9), depth=2.0)
        assert occluding(far, near).truth is False
        assert occluding(near, far).reason.startswith("needs masks")
        assert occluding(near, some_thing((90, 0, 99, 9), depth=2.0)).truth is False
