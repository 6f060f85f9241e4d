"""Boxes that are wrong on purpose are clearly wrong, and inside the picture."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.grounded_conversation.wrong_boxes import CLEAR, moved_box, new_box, overlap

corner = st.floats(0, 0.6)
side = st.floats(0.05, 0.4)
box = st.tuples(corner, corner, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))


def is_inside(found):
    x1, y1, x2, y2 = found
    return 0 <= x1 <= x2 <= 1 and 0 <= y1 <= y2 <= 1


class TestMovedBox:
    @settings(max_examples=60, deadline=None)
    @given(true=box, others=st.lists(box, max_size=3), seed=st.integers(0, 99))
    def test_holds_nothing_that_fits(self, true, others, seed):
        moved = moved_box(np.random.default_rng(seed), true, [true], others)
        assert overlap(moved, [true]) < CLEAR
        assert is_inside(moved)

    def test_the_box_of_another_thing_half_of_the_time(self):
        true, other = (0.1, 0.1, 0.2, 0.2), (0.6, 0.6, 0.7, 0.7)
        rng = np.random.default_rng(0)
        taken = sum(moved_box(rng, true, [true], [true, other]) == other for _ in range(200))
        assert 70 < taken < 130

    def test_a_thing_that_fits_is_no_wrong_box(self):
        true, twin = (0.1, 0.1, 0.2, 0.2), (0.6, 0.6, 0.7, 0.7)
        rng = np.random.default_rng(0)
        assert all(overlap(moved_box(rng, true, [true, twin], [true, twin]), [twin]) < CLEAR for _ in range(30))


class TestNewBox:
    @settings(max_examples=40, deadline=None)
    @given(others=st.lists(box, max_size=3), seed=st.integers(0, 99))
    def test_inside(self, others, seed):
        assert is_inside(new_box(np.random.default_rng(seed), others))

    def test_on_no_thing(self):
        others = [(0.0, 0.5, 0.4, 1.0)]
        rng = np.random.default_rng(1)
        assert all(overlap(new_box(rng, others), others) < CLEAR for _ in range(30))


class TestOverlap:
    def test_by_hand(self):
        assert overlap((0, 0, 1, 1), []) == 0
        assert overlap((0, 0, 1, 1), [(0, 0, 0.5, 1), (2, 2, 3, 3)]) == 0.5
