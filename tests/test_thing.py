import pytest
import torch
from some_things import IMAGE_HW, some_thing

from gk_utils.spatial_relations.thing import Thing


class TestThing:
    def test_measures_by_hand(self):
        mug = some_thing((10, 20, 13, 24))
        assert (mug.centre, mug.wh, mug.diagonal, mug.place) == ((11.5, 22.0), (3.0, 4.0), 5.0, (11.5, 24.0))
        assert some_thing((10, 20, 13, 24), foot=(12.0, 23.0)).place == (12.0, 23.0)

    @pytest.mark.parametrize(
        ("known", "message"),
        [
            ({"name": " "}, "name: expected a noun"),
            ({"box": (0.5, 0.5, 0.1, 0.1)}, r"box: expected x1 <= x2 and y1 <= y2, got \[0.5, 0.5, 0.1, 0.1\]"),
            ({"box": (0.0, 0.0, float("nan"), 1.0)}, "box: expected finite numbers"),
            ({"image_hw": (0, 5)}, "image_hw: expected"),
            ({"depth": 0.0}, "depth: expected a distance above 0"),
            ({"facing": "north"}, "facing: expected one of"),
            ({"mask": torch.zeros(3, 3, dtype=torch.bool)}, r"mask: expected \(120, 200\)"),
        ],
    )
    def test_refuses(self, known, message, unhooked):
        """An inverted box (S15) is one of them."""
        with pytest.raises(ValueError, match=message):
            Thing(**{"name": "mug", "box": (0.0, 0.0, 4.0, 4.0), "image_hw": IMAGE_HW} | known)

    def test_a_point_is_a_box(self):
        assert some_thing((4, 4, 4, 4)).diagonal == 0

    def test_mirroring_twice_changes_nothing(self):
        mask = torch.zeros(IMAGE_HW, dtype=torch.bool)
        mask[3:9, 5:7] = True
        mug = some_thing((5, 3, 7, 9), mask=mask, facing="left", foot=(6.0, 9.0))
        once = mug.mirrored()
        assert (once.box, once.facing, once.foot) == ((193, 3, 195, 9), "right", (194.0, 9.0))
        assert bool(once.mask[3:9, 193:195].all())
        twice = once.mirrored()
        assert (twice.box, twice.facing, twice.foot) == (mug.box, mug.facing, mug.foot)
        assert torch.equal(twice.mask, mug.mask)
        assert some_thing((0, 0, 1, 1), facing="viewer").mirrored().facing == "viewer"

    def test_moved_and_stripped(self):
        mug = some_thing((5, 3, 7, 9), depth=2.0, facing="left", foot=(6.0, 9.0), hollow=True)
        assert (mug.moved(1, -2).box, mug.moved(1, -2).foot) == ((6, 1, 8, 7), (7.0, 7.0))
        bare = mug.boxes_only()
        assert (bare.depth, bare.facing, bare.foot, bare.mask, bare.box) == (None, None, None, None, mug.box)
