import pytest
from hypothesis import given
from some_things import box_pairs, some_thing, two

from gk_utils.spatial_relations.comparative import COMPARATIVES, closer_than, closer_to, compare, in_order

OPPOSITES = [
    ("larger_than", "smaller_than"),
    ("taller_than", "shorter_than"),
    ("wider_than", "narrower_than"),
    ("higher_than", "lower_than"),
]


class TestCompare:
    @given(box_pairs)
    def test_the_opposite_is_the_other_way_round(self, pair):
        a, b = two(*pair)
        for more, less in OPPOSITES:
            assert compare(more, a, b).score == pytest.approx(compare(less, b, a).score)
            assert not (compare(more, a, b).truth and compare(less, a, b).truth)

    def test_by_hand(self):
        a, b = two((0, 0, 10, 10), (0, 0, 10, 20))
        assert compare("smaller_than", a, b).score == pytest.approx((0.5 - 0.1) / 0.9)
        assert compare("higher_than", a, b).score == pytest.approx((0.5 - 0.1) / 0.9)
        assert {name for name in COMPARATIVES if compare(name, a, b).truth} == {
            "smaller_than",
            "shorter_than",
            "higher_than",
        }


class TestCloser:
    def test_by_hand(self):
        near, far, mark = (some_thing((x, 0, x + 4, 4)) for x in (10, 90, 0))
        assert closer_than(near, far, mark).truth
        assert not closer_than(far, near, mark).truth
        assert closer_to(near, mark, far).truth


class TestInOrder:
    def test_sides_sizes_depth_and_distance(self):
        things = [some_thing((x, y, x + w, y + 4), depth=d) for x, y, w, d in ((50, 0, 4, 3.0), (0, 9, 9, 1.0))]
        assert [in_order(by, things)[0] for by in ("leftmost", "rightmost", "topmost", "bottommost")] == [1, 0, 0, 1]
        assert [in_order(by, things)[0] for by in ("largest", "smallest", "nearest", "farthest")] == [1, 0, 1, 0]
        assert in_order("nearest", things, some_thing((60, 0, 64, 4))) == (0, 1)
        assert in_order("leftmost", []) == ()
        row = [some_thing((x, y, x + 4, y + 4)) for x, y in ((50, 0), (0, 9), (20, 4))]
        assert in_order("middle", row) == (1, 2, 0)

    def test_without_depth_or_with_an_unknown_order(self, unhooked):
        bare = [some_thing((0, 0, 4, 4)), some_thing((9, 0, 14, 4))]
        assert in_order("frontmost", bare).truth is None
        with pytest.raises(ValueError, match="by: expected one of 'leftmost'"):
            in_order("best", bare)
