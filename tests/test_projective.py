import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_things import box_numbers, box_pairs, some_thing, two, unit

from gk_utils.spatial_relations.projective import above, behind, below, in_front_of, left_of, right_of, viewers_side
from gk_utils.spatial_relations.topological import inside

depths = st.floats(0.5, 9)
TURNS = {"away": "viewer", "viewer": "away", "left": "right", "right": "left"}


def same(first, second):
    return (first.truth, first.score) == (second.truth, second.score)


class TestLeftOf:
    @given(box_pairs)
    def test_says_the_same_as_right_of_the_other_way_round(self, pair):
        a, b = two(*pair)
        assert same(left_of(a, b), right_of(b, a))
        assert same(above(a, b), below(b, a))

    @given(box_pairs)
    def test_never_both(self, pair):
        a, b = two(*pair)
        assert not (left_of(a, b).truth and right_of(a, b).truth)
        assert not (above(a, b).truth and below(a, b).truth)

    @given(box_pairs)
    def test_the_mirror_exchanges_left_and_right(self, pair):
        a, b = two(*pair)
        assert same(left_of(a, b), right_of(a.mirrored(), b.mirrored()))
        assert same(above(a, b), above(a.mirrored(), b.mirrored()))

    @given(box_pairs, st.integers(-9, 9), st.integers(1, 5))
    def test_moving_and_scaling_the_picture_changes_nothing(self, pair, by, times):
        a, b = two(*pair)
        moved = two(*([value * times + by for value in box] for box in pair))
        for relation in (left_of, above):
            assert relation(*moved).truth == relation(a, b).truth
            assert relation(*moved).score == pytest.approx(relation(a, b).score, abs=1e-9)

    @given(box_pairs, st.sampled_from([(50, 400), (400, 50)]))
    def test_the_shape_of_the_picture_does_not_matter(self, pair, image_hw):
        a, b = two(*pair)
        assert same(left_of(a, b), left_of(*two(*pair, image_hw=image_hw)))

    @given(box_numbers())
    def test_identical_boxes_and_a_point_in_a_box_are_neither(self, box):
        a, b = two(box, box)
        assert [relation(a, b).truth for relation in (left_of, right_of, above, below)] == [False] * 4
        middle = some_thing((*a.centre, *a.centre))
        assert not left_of(middle, a).truth
        assert not right_of(middle, a).truth

    def test_two_points(self):
        a, b = two((3, 3, 3, 3), (5, 3, 5, 3))
        assert left_of(a, b).score == 1
        assert not above(a, b).truth

    def test_what_lies_within_the_other_is_not_left_of_it(self):
        """S12: by centres, a cup in or on a table was left of it."""
        cup, table = unit((0.1, 0.55, 0.2, 0.6)), unit((0.05, 0.5, 0.9, 0.8), "table")
        assert [relation(cup, table).truth for relation in (left_of, right_of)] == [False, False]
        standing = unit((0.1, 0.4, 0.2, 0.5))
        assert not left_of(standing, table).truth

    def test_one_definition_of_above(self):
        """S11: a hundredth higher was above for the verifier and not for the predicates. Here: a tenth of a height."""
        a, b = unit((0.1, 0.30, 0.2, 0.40)), unit((0.4, 0.31, 0.5, 0.41))
        assert not above(a, b).truth
        assert above(a, unit((0.4, 0.32, 0.5, 0.42))).truth

    def test_the_margin_grows_with_the_distance(self):
        scores = [left_of(*two((0, 0, 10, 10), (x, 0, x + 10, 10))).score for x in (0, 1, 3, 6, 10, 30)]
        assert scores == sorted(scores)
        assert (scores[0] < 0, scores[-2], scores[-1]) == (True, 1, 1)


class TestInFrontOf:
    @given(depths, depths)
    def test_nearer_is_in_front(self, first, second):
        a, b = (some_thing((0, 0, 4, 4), depth=depth) for depth in (first, second))
        assert same(in_front_of(a, b), behind(b, a))
        assert not (in_front_of(a, b).truth and behind(a, b).truth)
        assert in_front_of(a, b).truth == (1 - first / second > 0.05)

    def test_the_unit_of_depth_does_not_matter(self):
        for unit_of_depth in (1.0, 100.0):
            a, b = (some_thing((0, 0, 4, 4), depth=depth * unit_of_depth) for depth in (1.0, 1.2))
            assert in_front_of(a, b).score == pytest.approx((1 / 6 - 0.05) / 0.95)

    def test_boxes_cannot_tell(self):
        a, b = two((0, 0, 4, 4), (3, 3, 9, 9))
        assert in_front_of(a, b).reason == "needs depth: of the cup and the plate"
        half = some_thing((0, 0, 4, 4), depth=1.0)
        assert behind(half, b).reason == "needs depth: of the plate"


class TestFrames:
    @pytest.mark.parametrize(
        ("facing", "left", "front"),
        [
            ("away", "left_of", "behind"),
            ("viewer", "right_of", "in_front_of"),
            ("left", "in_front_of", "left_of"),
            ("right", "behind", "right_of"),
        ],
    )
    def test_own_left_and_own_front(self, facing, left, front):
        """A cat that faces us has its left on our right; one that faces left has it towards us."""
        assert viewers_side("left_of", facing) == left
        assert viewers_side("in_front_of", facing) == front

    @given(box_pairs, depths, depths, st.sampled_from(list(TURNS)))
    def test_turning_round_exchanges_all_own_sides(self, pair, first, second, facing):
        a, cat = some_thing(pair[0], depth=first), some_thing(pair[1], "cat", depth=second, facing=facing)
        turned = some_thing(pair[1], "cat", depth=second, facing=TURNS[facing])
        assert same(left_of(a, cat, "intrinsic"), right_of(a, turned, "intrinsic"))
        assert same(in_front_of(a, cat, "intrinsic"), behind(a, turned, "intrinsic"))

    @given(box_pairs, st.sampled_from(list(TURNS)))
    def test_the_mirror_turns_a_cat_over(self, pair, facing):
        a, cat = some_thing(pair[0], depth=1.0), some_thing(pair[1], "cat", depth=2.0, facing=facing)
        there, back = left_of(a, cat, "intrinsic"), right_of(a.mirrored(), cat.mirrored(), "intrinsic")
        assert same(there, back)

    def test_cannot_be_decided_without_facing_or_depth(self):
        a, cat = some_thing((0, 0, 4, 4)), some_thing((9, 0, 14, 4), "cat")
        assert left_of(a, cat, "intrinsic").reason == "needs facing: which way does the cat face?"
        left = some_thing((9, 0, 14, 4), "cat", facing="left")
        assert left_of(a, left, "intrinsic").reason.startswith("needs depth")
        assert in_front_of(a, left, "intrinsic").truth

    def test_unknown_frame(self, unhooked):
        a, b = two((0, 0, 4, 4), (9, 0, 14, 4))
        with pytest.raises(ValueError, match="frame: expected one of 'viewer', 'intrinsic'"):
            left_of(a, b, "mine")
        with pytest.raises(ValueError, match="relation: expected one of"):
            viewers_side("above", "left")

    def test_inside_is_not_left(self):
        cup, table = unit((0.1, 0.55, 0.2, 0.6), depth=1.0), unit((0.05, 0.5, 0.9, 0.8), "box", depth=1.0)
        assert inside(cup, table).truth
        assert not left_of(cup, table).truth
