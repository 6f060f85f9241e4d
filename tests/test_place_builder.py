from gk_utils.spatial_relations.parser import parse
from gk_utils.spatial_relations.place_builder import PlaceBuilder


class TestPlaceBuilder:
    def test_relations_share_a_landmark(self):
        assert str(parse("it is above or left of the mug")) == "it: (above(the(mug)) or left_of(the(mug)))"

    def test_between_takes_two(self):
        assert str(parse("it is between the mug and a cat")) == "it: between(the(mug), a(cat))"
        assert callable(PlaceBuilder().closer)
