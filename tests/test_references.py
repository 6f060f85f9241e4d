from some_things import some_thing

from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.references import References, named
from gk_utils.spatial_relations.statement import NounPhrase, Pick, Quantifier

CUPS = Arrangement(
    [some_thing((x, 0, x + 8, 8), "cup", attributes={"colour": colour}) for x, colour in ((0, "red"), (50, "blue"))]
    + [some_thing((90, 0, 98, 8), "cup")]
)


def fitting(phrase):
    return [verdict.truth for verdict in References(CUPS).fitting(phrase, ())]


class TestFitting:
    def test_adjectives_may_leave_it_open(self):
        assert fitting(NounPhrase("cup", adjectives=("red",))) == [True, False, None]
        assert fitting(NounPhrase("red cup")) == [True, False, None]
        assert fitting(NounPhrase("plate")) == [False] * 3

    def test_picks(self):
        assert fitting(NounPhrase("cup", pick=Pick("leftmost", 2))) == [False, True, False]
        assert fitting(NounPhrase("cup", pick=Pick("middle"))) == [False, True, False]
        two = NounPhrase("cup", Quantifier("the", 2), pick=Pick("rightmost"))
        assert fitting(two) == [False, True, True]
        assert fitting(NounPhrase("cup", pick=Pick("frontmost"))) == [None] * 3
        # the last one may be red: then it is the rightmost red one
        assert fitting(NounPhrase("cup", adjectives=("red",), pick=Pick("rightmost"))) == [None, False, None]


class TestNamed:
    def test_without_quantifier(self):
        assert named(NounPhrase("cup", Quantifier("all"), ("red",), plural=True)) == "red cup"
