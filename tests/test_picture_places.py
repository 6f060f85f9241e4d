import pytest
from some_things import some_thing

from gk_utils.spatial_relations.picture_places import in_depth, in_picture

HW = (90, 90)
MIRROR = {"at_left": "at_right", "at_top_left": "at_top_right", "at_bottom_left": "at_bottom_right"}


class TestInPicture:
    def test_nine_places(self):
        expected = {
            (10, 10): {"at_left", "at_top", "at_top_left", "in_corner"},
            (45, 45): {"in_centre"},
            (80, 45): {"at_right"},
            (45, 80): {"at_bottom"},
        }
        places = ["at_left", "at_right", "at_top", "at_bottom", "in_centre", "in_corner", "at_top_left"]
        for (x, y), names in expected.items():
            thing = some_thing((x - 4, y - 4, x + 4, y + 4), image_hw=HW)
            assert {place for place in places if in_picture(place, thing).truth} == names

    def test_the_mirror(self):
        for x in range(5, 86, 8):
            thing = some_thing((x - 4, 3, x + 4, 9), image_hw=HW)
            for place, other in MIRROR.items():
                assert in_picture(place, thing).truth == in_picture(other, thing.mirrored()).truth

    def test_depth_is_needed(self, unhooked):
        assert in_picture("in_foreground", some_thing((0, 0, 4, 4))).truth is None
        with pytest.raises(ValueError, match="place: expected one of"):
            in_picture("nowhere", some_thing((0, 0, 4, 4)))


class TestInDepth:
    def test_among_the_things(self):
        things = [some_thing((0, 0, 4, 4), depth=depth) for depth in (1.0, 3.0)]
        assert [in_depth("in_foreground", thing, things).score for thing in things] == [1, -1]
        assert [in_depth("in_background", thing, things).score for thing in things] == [-1, 1]
        assert in_depth("in_background", things[0], [*things, some_thing((0, 0, 4, 4))]).truth is None
