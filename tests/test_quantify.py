import itertools

import pytest

from gk_utils.spatial_relations.quantify import Itself, Missing, compared, quantified
from gk_utils.spatial_relations.statement import Quantifier
from gk_utils.spatial_relations.verdict import decided, unknown

OF = {True: decided(1.0), False: decided(-1.0), None: unknown("needs masks")}
MEANINGS = {
    "a": lambda fits, both: both >= 1,
    "no": lambda fits, both: both == 0,
    "all": lambda fits, both: both == fits,
    "exactly 2": lambda fits, both: both == 2,
    "at_least 2": lambda fits, both: both >= 2,
    "at_most 1": lambda fits, both: both <= 1,
    "most": lambda fits, both: 2 * both > fits,
}


def ask(said, fitting, has, **options):
    kind, _, number = said.partition(" ")
    quantifier = Quantifier(kind, int(number) if number else None)
    return quantified(quantifier, [OF[truth] for truth in fitting], lambda index: OF[has[index]], **options)


class TestQuantified:
    @pytest.mark.parametrize("said", MEANINGS)
    def test_equals_counting(self, said):
        """All ways in which three things may fit and have the property."""
        for fitting in itertools.product((True, False), repeat=3):
            for has in itertools.product((True, False), repeat=3):
                both = sum(a and b for a, b in zip(fitting, has, strict=True))
                assert ask(said, fitting, has).truth == MEANINGS[said](sum(fitting), both)

    @pytest.mark.parametrize("said", MEANINGS)
    def test_what_is_decided_holds_however_the_rest_falls(self, said):
        truths = (True, False, None)
        for fitting in itertools.product(truths, repeat=2):
            for has in itertools.product(truths, repeat=2):
                found = ask(said, fitting, has).truth
                ways = itertools.product(*[(True, False) if t is None else (t,) for t in (*fitting, *has)])
                answers = {ask(said, way[:2], way[2:]).truth for way in ways}
                assert found is None or answers == {found}

    def test_the_one(self):
        assert ask("the", (True, False), (True, False)).truth
        assert ask("the", (True, True), (True, True)).truth
        assert ask("the", (True, True), (True, False), name="mug").reason.startswith("ambiguous: 2 things fit")
        assert ask("the", (None, False), (True, False)).truth is None
        with pytest.raises(Missing, match="there is no mug"):
            ask("the", (False, False), (True, True), name="mug")

    def test_of_several_that_agree_the_weakest_answers(self):
        found = [decided(0.9), decided(0.3), decided(0.6)]
        assert quantified(Quantifier("the"), [OF[True]] * 3, lambda index: found[index]).score == 0.3

    def test_the_two_and_all(self):
        assert ask("the 2", (True, True), (True, True)).truth
        assert ask("the", (True, True), (True, False), plural=True).truth is False
        with pytest.raises(Missing, match="there are not 2 of"):
            ask("the 2", (True, False), (True, True))
        assert ask("the 2", (True, True, True), (True, True, False)).truth is None

    def test_a_thing_is_not_its_own_landmark(self):
        def near_the_second(index):
            if index == 1:
                raise Itself
            return OF[True]

        yes = [OF[True]] * 3
        assert quantified(Quantifier("all"), yes, near_the_second).truth
        assert quantified(Quantifier("exactly", 2), yes, near_the_second).truth


class TestCompared:
    def test_by_hand(self):
        two, one, perhaps = [OF[True]] * 2, [OF[True], OF[False]], [OF[True], OF[None]]
        assert compared("more", two, one).truth
        assert compared("equal", two, two).truth
        assert compared("fewer", one, two, by=1).truth
        assert not compared("more", two, one, by=2).truth
        assert compared("equal", two, perhaps).truth is None
