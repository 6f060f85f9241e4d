import pytest

from gk_utils.spatial_relations.word_lists import is_doing, plural, singular

NOUNS = (
    "mug box berry knife person bus sheep vase toy tomato dish bench glass horse house bookcase watch wolf man fireman "
    "piano photo giraffe fox pie cookie tie shoe leaf tray canvas lens cactus octopus scissors dress tooth bee shelf"
)


@pytest.mark.parametrize("noun", NOUNS.split())
class TestSingularAndPlural:
    def test_back_and_forth(self, noun):
        assert singular(plural(noun)) == noun

    def test_a_singular_stays(self, noun):
        assert singular(noun) == noun


class TestIsDoing:
    def test_known(self):
        assert [is_doing(word) for word in ("barking", "building", "buildings", "thing")] == [True, False, False, False]
