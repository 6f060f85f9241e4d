import math

from hypothesis import given
from hypothesis import strategies as st
from some_things import box_pairs

from gk_utils.spatial_relations.extents import before, gap, meet, shared, within, x_of, y_of

lengths = st.integers(0, 12)
intervals = st.tuples(st.integers(0, 12), lengths).map(lambda pair: (float(pair[0]), float(pair[0] + pair[1])))


class TestBefore:
    @given(intervals, intervals)
    def test_at_most_one_comes_before(self, first, second):
        there, back = before(first, second), before(second, first)
        assert not (there > 0 and back > 0)
        assert (there > 0) == (first[0] < second[0] and first[1] < second[1])

    @given(intervals, intervals, st.integers(-5, 5), st.integers(1, 4))
    def test_moving_and_scaling_both_changes_nothing(self, first, second, by, times):
        moved = [(low * times + by, high * times + by) for low, high in (first, second)]
        assert math.isclose(before(*moved), before(first, second), abs_tol=1e-12)

    @given(intervals, intervals)
    def test_one_where_it_ends_before_the_other_begins(self, first, second):
        if first[1] < second[0]:
            assert before(first, second) == 1

    def test_within_is_neither(self):
        assert before((2, 4), (0, 9)) < 0
        assert before((0, 9), (2, 4)) < 0
        assert before((0, 9), (0, 9)) == 0
        assert before((0, 4), (0, 9)) == 0


class TestGap:
    @given(box_pairs)
    def test_equals_the_slow_form(self, pair):
        a, b = pair
        dx = max(b[0] - a[2], a[0] - b[2], 0)
        dy = max(b[1] - a[3], a[1] - b[3], 0)
        assert gap(a, b) == gap(b, a) == math.sqrt(dx * dx + dy * dy)


class TestMeet:
    def test_points_lines_and_edges(self):
        assert meet((2, 2), (2, 2))
        assert meet((2, 2), (0, 4))
        assert not meet((0, 0), (0, 4))
        assert not meet((0, 4), (4, 8))
        assert not meet((1, 1), (2, 2))

    @given(intervals, intervals)
    def test_symmetric_and_follows_shared(self, first, second):
        assert meet(first, second) == meet(second, first)
        if shared(first, second) > 0:
            assert meet(first, second)
        if shared(first, second) < 0:
            assert not meet(first, second)


class TestWithin:
    @given(box_pairs)
    def test_one_just_where_it_is_enclosed(self, pair):
        a, b = pair
        enclosed = b[0] <= a[0] and b[1] <= a[1] and a[2] <= b[2] and a[3] <= b[3]
        assert (within(a, b) == 1) == enclosed
        assert 0 <= within(a, b) <= 1

    def test_by_hand(self):
        assert within((0, 0, 4, 4), (2, 2, 9, 9)) == 0.25
        assert within((0, 0, 4, 0), (2, 0, 9, 9)) == 0.5
        assert (x_of((1, 2, 3, 4)), y_of((1, 2, 3, 4))) == ((1, 3), (2, 4))
