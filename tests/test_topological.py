import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from some_things import IMAGE_HW, box_numbers, box_pairs, some_thing, two, unit

from gk_utils.spatial_relations.topological import contains, inside, outside, overlaps, share_a_height, touching

depths = st.sampled_from([None, 1.0, 1.01, 2.0])
hollows = st.sampled_from([None, True, False])


def masked(box, name="apple", **known):
    """A thing that fills its box."""
    mask = torch.zeros(IMAGE_HW, dtype=torch.bool)
    x1, y1, x2, y2 = (int(value) for value in box)
    mask[y1:y2, x1:x2] = True
    return some_thing(box, name, mask=mask, **known)


class TestOverlaps:
    @given(box_pairs)
    def test_symmetric_and_by_area(self, pair):
        a, b = two(*pair)
        assert (overlaps(a, b).truth, overlaps(a, b).score) == (overlaps(b, a).truth, overlaps(b, a).score)
        width = min(pair[0][2], pair[1][2]) - max(pair[0][0], pair[1][0])
        height = min(pair[0][3], pair[1][3]) - max(pair[0][1], pair[1][1])
        if width > 0 and height > 0:
            assert overlaps(a, b).truth
        if width < 0 or height < 0:
            assert not overlaps(a, b).truth

    def test_edges_points_and_equal_boxes(self):
        """S14: a point inside a box overlaps it; boxes that share an edge do not overlap."""
        assert not overlaps(*two((0, 0, 4, 4), (4, 0, 8, 4))).truth
        assert overlaps(*two((2, 2, 2, 2), (0, 0, 4, 4))).truth
        assert not overlaps(*two((0, 2, 0, 2), (0, 0, 4, 4))).truth
        assert overlaps(*two((0, 0, 4, 4), (0, 0, 4, 4))).truth
        assert overlaps(*two((3, 3, 3, 3), (3, 3, 3, 3))).truth
        assert not overlaps(*two((3, 3, 3, 3), (4, 3, 4, 3))).truth


class TestInside:
    @given(box_pairs, depths, depths, hollows)
    def test_implies_overlaps_and_excludes_the_inverse(self, pair, first, second, hollow):
        a = some_thing(pair[0], depth=first)
        b = some_thing(pair[1], "bowl", depth=second, hollow=hollow)
        there = inside(a, b)
        assert (there.truth, there.score) == (contains(b, a).truth, contains(b, a).score)
        assert outside(a, b).truth is (None if there.truth is None else not there.truth)
        if there.truth:
            assert overlaps(a, b).truth
            assert not inside(b, a).truth

    @given(box_pairs)
    def test_from_boxes_alone_no_or_undecided(self, pair):
        a, b = two(*pair)
        assert inside(a, b).truth is not True
        if not overlaps(a, b).truth:
            assert inside(a, b).truth is False

    @given(box_numbers())
    def test_equal_boxes_are_not_inside_each_other(self, box):
        """S14: each contained the other."""
        a, b = two(box, box, depth=1.0)
        assert inside(a, b).truth is False
        assert inside(b, a).truth is False

    def test_depth_decides_what_boxes_leave_open(self):
        bowl = some_thing((0, 0, 30, 30), "bowl", depth=2.0)
        apple = {"box": (10, 10, 15, 15), "name": "apple"}
        assert inside(some_thing(**apple), bowl).reason.startswith("needs depth")
        assert inside(some_thing(**apple, depth=2.0), bowl).truth is True
        assert inside(some_thing(**apple, depth=1.0), bowl).truth is False
        plate = some_thing((0, 0, 30, 30), "plate", depth=2.0, hollow=False)
        assert inside(some_thing(**apple, depth=2.0), plate).reason == "a plate has no inside"

    def test_what_sticks_out_of_a_bowl_is_held_by_it(self):
        apple = masked((10, 4, 16, 12), depth=1.0)
        for hollow, truth in ((True, True), (False, False), (None, None)):
            mask = masked((6, 12, 24, 24)).mask  # the front of the bowl; its back rim is two pixels higher
            bowl = some_thing((6, 10, 24, 24), "bowl", mask=mask, depth=1.0, hollow=hollow)
            assert inside(apple, bowl).truth is truth
        floating = masked((10, 4, 16, 11), depth=1.0)
        low = some_thing((6, 10, 24, 34), "bowl", mask=masked((6, 20, 24, 34)).mask, depth=1.0, hollow=True)
        assert inside(floating, low).truth is False

    def test_an_unknown_relation_is_not_false(self):
        """S9: the cup in the middle of the plate was simply "not inside"."""
        cup, plate = unit((0.4, 0.4, 0.5, 0.5)), unit((0.3, 0.3, 0.6, 0.6), "plate")
        assert inside(cup, plate).truth is None


class TestTouching:
    def test_boxes_rule_out_and_masks_decide(self):
        assert touching(*two((0, 0, 4, 4), (40, 0, 44, 4))).truth is False
        assert touching(*two((0, 0, 4, 4), (4, 0, 8, 4))).truth is None
        a, b = masked((0, 0, 4, 4)), masked((4, 0, 8, 4), "bowl")
        assert touching(a, b).truth is True
        apart = masked((0, 0, 4, 4)), some_thing((2, 0, 30, 30), "bowl", mask=masked((20, 0, 30, 30)).mask)
        assert touching(*apart).truth is False

    @given(box_pairs)
    def test_symmetric(self, pair):
        a, b = two(*pair)
        assert touching(a, b).truth == touching(b, a).truth
        if overlaps(a, b).truth:
            assert touching(a, b).truth is None

    def test_other_depths_do_not_touch(self):
        a, b = masked((0, 0, 4, 4), depth=1.0), masked((4, 0, 8, 4), depth=2.0)
        assert touching(a, b).reason == "the depths differ"


class TestShareAHeight:
    def test_by_hand(self):
        for y, share in ((0, 1.0), (2, 0.5), (4, 0.0), (40, -1.0)):
            assert share_a_height(*two((0, 0, 4, 4), (0, y, 4, y + 4))) == pytest.approx(share)
        assert share_a_height(*two((0, 2, 4, 2), (0, 0, 4, 4))) == 1
