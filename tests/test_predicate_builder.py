from gk_utils.spatial_relations.parser import parse
from gk_utils.spatial_relations.predicate_builder import PredicateBuilder, Said, predicate_of
from gk_utils.spatial_relations.statement import And, Attribute, Not, Or

A, B, C = (Attribute(word) for word in "abc")


class TestPredicateOf:
    def test_not_reaches_over_or(self):
        said = [Said("and", True, A, True), Said("or", False, B, False), Said("and", False, C, False)]
        assert predicate_of(said) == And((Not(Or((A, B))), C))

    def test_not_ends_at_the_next_verb(self):
        said = [Said("and", True, A, True), Said("or", False, B, True)]
        assert predicate_of(said) == Or((Not(A), B))


class TestPredicateBuilder:
    def test_negated_verb(self):
        assert str(parse("the mug doesn't contain a spoon")) == "the(mug): not contains(a(spoon))"
        assert callable(PredicateBuilder().does)
