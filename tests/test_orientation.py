import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_things import box_numbers, box_pairs, some_thing, two

from gk_utils.spatial_relations.orientation import (
    aligned_with,
    between,
    facing,
    facing_away_from,
    parallel_to,
    perpendicular_to,
)

facings = st.sampled_from([None, "left", "right", "viewer", "away"])


class TestFacing:
    @given(box_pairs, facings)
    def test_never_both_and_undecided_without(self, pair, way):
        a, b = some_thing(pair[0], facing=way, depth=1.0), some_thing(pair[1], depth=2.0)
        assert not (facing(a, b).truth and facing_away_from(a, b).truth)
        assert (facing(a, b).truth is None) == (way is None)

    def test_by_hand(self):
        bird = some_thing((0, 0, 4, 4), "bird", depth=1.0)
        for way, truth in (("left", True), ("right", False), ("viewer", True), ("away", False)):
            cat = some_thing((20, 0, 24, 4), "cat", facing=way, depth=2.0)
            assert facing(cat, bird).truth is truth
            assert facing_away_from(cat, bird).truth is (not truth)

    def test_parallel_and_perpendicular(self):
        def cat(way):
            return some_thing((0, 0, 4, 4), "cat", facing=way)

        assert parallel_to(cat("left"), cat("right")).score == 1
        assert perpendicular_to(cat("left"), cat("viewer")).truth
        assert parallel_to(cat("left"), cat(None)).reason == "needs facing: which way does the cat face?"


class TestAlignedWith:
    @given(box_pairs)
    def test_symmetric(self, pair):
        a, b = two(*pair)
        assert aligned_with(a, b).truth == aligned_with(b, a).truth

    def test_rows_and_columns(self):
        assert aligned_with(*two((0, 0, 8, 8), (50, 1, 58, 9))).truth
        assert aligned_with(*two((0, 0, 8, 8), (1, 50, 9, 58))).truth
        assert not aligned_with(*two((0, 0, 8, 8), (50, 50, 58, 58))).truth


class TestBetween:
    @given(box_numbers(), box_numbers(), box_numbers(), st.integers(1, 4))
    def test_the_order_of_the_two_and_the_scale_do_not_matter(self, first, second, third, times):
        a, b, c = (some_thing(box) for box in (first, second, third))
        assert between(a, b, c).score == pytest.approx(between(a, c, b).score, abs=1e-9)
        larger = [some_thing([value * times for value in box]) for box in (first, second, third)]
        assert between(*larger).score == pytest.approx(between(a, b, c).score, abs=1e-9)
        verdicts = [between(a, b, c), between(b, a, c), between(c, a, b)]
        assert sum(verdict.truth for verdict in verdicts) <= 1

    def test_by_hand(self):
        b, c = two((0, 0, 4, 4), (40, 0, 44, 4))
        assert between(some_thing((20, 0, 24, 4)), b, c).score == 1
        assert not between(some_thing((60, 0, 64, 4)), b, c).truth
        assert between(some_thing((20, 12, 24, 16)), b, c).truth
        assert not between(some_thing((20, 30, 24, 34)), b, c).truth
        assert between(b, b, c).reason == "it is where one of them is"
