import pytest
from some_things import some_thing

from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.manners import with_manner


def said(manner, relation, first, second):
    arrangement = Arrangement([some_thing(first), some_thing(second)])
    return with_manner(manner, relation, (0, 1), arrangement.relate(relation, 0, 1), arrangement).truth


class TestWithManner:
    def test_by_hand(self):
        assert said("directly", "above", (0, 0, 8, 8), (1, 30, 9, 38))
        assert not said("directly", "above", (0, 0, 8, 8), (60, 30, 68, 38))
        assert said("far", "left_of", (0, 0, 8, 8), (90, 0, 98, 8))
        assert not said("slightly", "left_of", (0, 0, 8, 8), (90, 0, 98, 8))
        assert said("partly", "overlaps", (0, 0, 8, 8), (4, 0, 12, 8))
        assert said("fully", "overlaps", (2, 2, 4, 4), (0, 0, 12, 8))
        assert said("nearly", "touching", (0, 0, 8, 8), (10, 0, 18, 8))
        assert said("nearly", "touching", (0, 0, 8, 8), (8, 0, 16, 8)) is None

    def test_unknown_manner(self, unhooked):
        with pytest.raises(ValueError, match="manner: expected one of"):
            said("sadly", "above", (0, 0, 8, 8), (1, 30, 9, 38))
