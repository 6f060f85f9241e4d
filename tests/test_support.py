import torch
from hypothesis import given
from some_things import IMAGE_HW, box_pairs, some_thing, two, unit

from gk_utils.spatial_relations.support import on, under


def masked(box, name, rows=None, **known):
    mask = torch.zeros(IMAGE_HW, dtype=torch.bool)
    x1, y1, x2, y2 = rows or box
    mask[y1:y2, x1:x2] = True
    return some_thing(box, name, mask=mask, **known)


class TestOn:
    def test_a_cup_that_ends_where_the_table_begins(self):
        """S10: the boxes of the well-known example only touch, and "on" was false."""
        cup, table = unit((0.1, 0.3, 0.25, 0.5)), unit((0.05, 0.5, 0.9, 0.8), "table")
        assert on(cup, table).truth is None
        assert on(table, cup).truth is False
        cup, table = masked((20, 30, 50, 60), "cup"), masked((10, 60, 180, 96), "table")
        assert on(cup, table).truth is True

    def test_a_hat_and_a_picture(self):
        """S10: a hat above a head is on it; so is a picture on a wall, which lies within the wall's box."""
        hat = masked((80, 12, 100, 24), "hat")
        person = masked((70, 14, 110, 108), "person", rows=(70, 24, 110, 108))
        assert on(hat, person).truth is True
        wall = torch.ones(IMAGE_HW, dtype=torch.bool)
        picture = masked((80, 40, 100, 60), "picture")
        wall &= ~picture.mask
        assert on(picture, some_thing((0, 0, 200, 120), "wall", mask=wall)).truth is True

    def test_boxes_alone_never_say_yes(self):
        assert on(*two((0, 0, 9, 9), (100, 0, 110, 9))).reason == "the boxes are apart"
        assert on(*two((0, 0, 9, 9), (0, 8, 9, 20))).reason == "needs masks: does the cup rest on the plate?"

    def test_beside_is_not_on(self):
        """Near enough to touch, and no column in common."""
        assert on(*two((0, 0, 40, 40), (40.5, 40, 90, 60))).reason == "no part of the cup is over the plate"
        assert on(*two((5, 5, 5, 5), (5, 5, 5, 5))).truth is None

    @given(box_pairs)
    def test_never_true_from_boxes_and_false_where_apart(self, pair):
        assert on(*two(*pair)).truth is not True

    def test_depth_and_hollowness_rule_out(self):
        cup, plate = masked((20, 30, 50, 60), "cup", depth=1.0), masked((10, 60, 90, 70), "plate", depth=1.0)
        assert on(cup, plate).truth is True
        assert on(cup, masked((10, 60, 90, 70), "plate", depth=2.0)).reason == "the depths differ"
        assert on(cup, masked((10, 60, 90, 70), "bowl", hollow=True)).truth is False
        assert on(cup, masked((10, 70, 90, 80), "plate", depth=1.0)).truth is False


class TestUnder:
    @given(box_pairs)
    def test_never_both_ways(self, pair):
        a, b = two(*pair)
        assert not (under(a, b).truth and under(b, a).truth)

    def test_needs_a_common_width_and_one_depth(self):
        plate, apple = two((0, 20, 40, 30), (10, 5, 20, 22))
        assert under(plate, apple).truth
        assert not under(plate, apple.moved(60, 0)).truth
        assert under(plate, some_thing((39.25, 5, 40.25, 15))).truth
        assert not under(plate, some_thing((39.75, 5, 40.75, 15))).truth
        far = some_thing((10, 5, 20, 22), depth=3.0)
        assert not under(some_thing((0, 20, 40, 30), depth=1.0), far).truth
