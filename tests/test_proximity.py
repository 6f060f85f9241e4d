import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from some_things import IMAGE_HW, box_pairs, some_thing, two, unit

from gk_utils.spatial_relations.proximity import far_from, near, next_to
from gk_utils.spatial_relations.topological import overlaps


class TestNear:
    @given(box_pairs)
    def test_symmetric_and_the_opposite_of_far(self, pair):
        """S13: of two things one holds, never both, never neither."""
        a, b = two(*pair)
        assert (near(a, b).truth, near(a, b).score) == (near(b, a).truth, near(b, a).score)
        assert near(a, b).truth != far_from(a, b).truth
        assert near(a, b).score == -far_from(a, b).score

    @given(box_pairs)
    def test_what_overlaps_is_near(self, pair):
        a, b = two(*pair)
        if overlaps(a, b).truth:
            assert near(a, b).score == 1

    @given(box_pairs, st.integers(2, 5))
    def test_scale_and_mirror(self, pair, times):
        a, b = two(*pair)
        larger = two(*([value * times for value in box] for box in pair))
        assert near(*larger).score == pytest.approx(near(a, b).score, abs=1e-9)
        assert near(a.mirrored(), b.mirrored()).truth == near(a, b).truth

    def test_the_same_across_and_down_in_a_wide_picture(self):
        """S13: in a picture of 1000 x 250, 100 px counted .10 across and .40 down."""
        across = two((0, 0, 30, 40), (60, 0, 90, 40), image_hw=(250, 1000))
        down = two((0, 0, 30, 40), (0, 70, 30, 110), image_hw=(250, 1000))
        assert near(*across).score == near(*down).score

    def test_a_box_as_large_as_the_picture_is_not_near_everything(self):
        """S13: the mean side as a unit made it so; borders and the smaller thing do not."""
        cup = some_thing((150, 50, 153, 54), "cup")
        wall = some_thing((0, 0, 140, 120), "wall")
        assert not near(cup, wall).truth

    def test_small_boxes_a_few_sizes_apart_are_far(self):
        """S13: boxes of .1 at distances of .2 to .4 were neither near nor far."""
        for distance in (0.2, 0.3, 0.4):
            a, b = unit((0.1, 0.1, 0.2, 0.2)), unit((0.1 + distance, 0.1, 0.2 + distance, 0.2))
            assert {near(a, b).truth, far_from(a, b).truth} == {True, False}

    def test_points(self):
        assert near(*two((3, 3, 3, 3), (3, 3, 3, 3))).truth
        assert not near(*two((3, 3, 3, 3), (4, 3, 4, 3))).truth

    def test_depths_that_differ_are_far(self):
        a, b = some_thing((0, 0, 9, 9), depth=1.0), some_thing((10, 0, 19, 9), depth=1.1)
        assert near(a, b).truth
        assert not near(a, some_thing((10, 0, 19, 9), depth=2.0)).truth


class TestNextTo:
    @given(box_pairs)
    def test_symmetric_and_implies_near(self, pair):
        a, b = two(*pair)
        assert next_to(a, b).truth == next_to(b, a).truth
        if next_to(a, b).truth:
            assert near(a, b).truth

    def test_above_each_other_is_not_side_by_side(self):
        assert next_to(*two((0, 0, 9, 9), (11, 2, 20, 11))).truth
        assert not next_to(*two((0, 0, 9, 9), (0, 10, 9, 19))).truth

    def test_on_a_plate_is_not_next_to_it(self):
        masks = torch.zeros(2, *IMAGE_HW, dtype=torch.bool)
        masks[0, 10:20, 12:22] = True
        masks[1, 20:24, 18:60] = True
        cup, plate = (
            some_thing(box, name, mask=mask, depth=1.0)
            for box, name, mask in zip([(12, 10, 22, 20), (18, 14, 60, 24)], ["cup", "plate"], masks, strict=True)
        )
        assert not next_to(cup, plate).truth
        assert next_to(cup.moved(0, 0), plate).truth  # without its mask nobody knows that it stands on the plate
