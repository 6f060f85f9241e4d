import pytest

from gk_utils.spatial_relations.statement import Attribute, Claim, NounPhrase, Pick, Quantifier, Related


class TestQuantifier:
    @pytest.mark.parametrize(("kind", "number"), [("the", 2), ("all", 2), ("exactly", 0), ("a", None), ("the", None)])
    def test_takes_what_makes_sense(self, kind, number):
        assert Quantifier(kind, number).number == number

    @pytest.mark.parametrize(("kind", "number"), [("exactly", None), ("no", 2), ("at_least", -1), ("three", None)])
    def test_refuses_the_rest(self, kind, number):
        with pytest.raises(ValueError, match=r"expected"):
            Quantifier(kind, number)


class TestPick:
    def test_refuses_an_unknown_order_and_rank(self):
        with pytest.raises(ValueError, match="leftmost"):
            Pick("reddest")
        with pytest.raises(ValueError, match="rank: expected >= 1, got 0"):
            Pick("leftmost", 0)


class TestRelated:
    def test_refuses_an_unknown_frame(self):
        with pytest.raises(ValueError, match="frame"):
            Related("left_of", (), "mine")


class TestNounPhrase:
    def test_where_it_stands_is_not_what_it_says(self):
        assert NounPhrase("mug", span=(4, 7)) == NounPhrase("mug")

    def test_short_notation(self):
        mug = NounPhrase("mug", Quantifier("at_least", 2), ("red",), plural=True, pick=Pick("leftmost", 2))
        assert str(Claim(mug, Attribute("open"))) == "at_least 2(red mug+, pick leftmost 2): open"
