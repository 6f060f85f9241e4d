import pytest

from gk_utils.formats.vsr import RELATIONS as OF_VSR
from gk_utils.spatial_relations.lexicon import NEEDS, RELATIONS, opposite_way, relation_of, wordings


class TestRelations:
    def test_inverse_of_the_inverse(self):
        for relation in RELATIONS.values():
            if relation.inverse is not None:
                assert RELATIONS[relation.inverse].inverse == relation.name
                assert not relation.symmetric

    def test_what_boxes_cannot_decide_has_a_reason(self):
        for relation in RELATIONS.values():
            assert relation.needs in NEEDS
            assert bool(relation.reason) == (relation.needs == "more")

    def test_no_wording_stands_for_two(self):
        forms = [form for relation in RELATIONS.values() for form in relation.forms]
        assert len(forms) == len(set(forms))


class TestRelationOf:
    @pytest.mark.parametrize("wording", OF_VSR)
    def test_knows_all_of_vsr(self, wording):
        assert relation_of(wording).name in RELATIONS

    @pytest.mark.parametrize(
        "wording", ["left of", "to the left of", "at the left side of", "on the left of", "on the left-hand side of"]
    )
    def test_many_wordings_for_one(self, wording):
        assert relation_of(wording).name == "left_of"

    def test_names_the_nearest(self):
        with pytest.raises(ValueError, match="Nearest is 'behind'"):
            relation_of("behnd")


class TestOppositeWay:
    def test_known(self):
        assert [opposite_way(name) for name in ("left_of", "near", "between")] == ["right_of", "near", None]


class TestWordings:
    def test_verbs_are_among_them(self):
        assert wordings()["contain"].name == "contains"
