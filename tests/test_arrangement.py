import pytest
from some_things import some_thing

from gk_utils.spatial_relations.arrangement import GIVEN, Arrangement


class TestArrangement:
    def test_what_is_known_wins_and_is_complete(self):
        mugs = [some_thing((x, 0, x + 4, 4), depth=1.0, facing="viewer") for x in (0, 30)]
        arrangement = Arrangement(mugs, {"left_of": {(1, 0)}, "right_of": {(0, 1)}})
        assert arrangement.relate("left_of", 1, 0).reason == GIVEN
        assert arrangement.relate("left_of", 0, 1).truth is False
        assert arrangement.without_graph().relate("left_of", 0, 1).truth is True
        assert arrangement.boxes_only().things[0].depth is None
        # the own left of what faces the viewer is the viewer's right, which is known
        assert arrangement.relate("left_of", 0, 1, frame="intrinsic").reason == GIVEN

    def test_facing_goes_by_the_sides_that_are_known(self):
        cat, bird = some_thing((30, 0, 34, 4), "cat", facing="left"), some_thing((0, 0, 4, 4), "bird")
        assert Arrangement([cat, bird]).relate("facing", 0, 1).truth is True
        assert Arrangement([cat, bird], {"left_of": set()}).relate("facing", 0, 1).truth is False
        assert Arrangement([cat, bird]).relate("facing", 1, 0).truth is None

    def test_other_things_with_the_same_graph(self):
        mugs = [some_thing((x, 0, x + 4, 4)) for x in (0, 30)]
        arrangement = Arrangement(mugs, {"on": {(0, 1)}})
        assert arrangement.relate("on", 0, 1).truth
        assert arrangement.with_things(mugs[::-1]).relate("on", 0, 1).truth
        assert len(arrangement) == 2

    def test_pictures_of_two_sizes(self, unhooked):
        with pytest.raises(ValueError, match="things: expected all of one picture"):
            Arrangement([some_thing((0, 0, 4, 4)), some_thing((0, 0, 4, 4), image_hw=(9, 9))])
