import pytest
from some_things import some_thing

from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.statement import (
    And,
    Attribute,
    Claim,
    CompareCounts,
    EachOther,
    Exists,
    Group,
    Is,
    It,
    Not,
    NounPhrase,
    Or,
    Pick,
    Quantifier,
    Related,
    Same,
)
from gk_utils.spatial_relations.verifier import verify


def the(noun, *adjectives, **known):
    return NounPhrase(noun, adjectives=adjectives, **known)


def some(kind, noun, number=None, **known):
    return NounPhrase(noun, Quantifier(kind, number), plural=True, **known)


def left(landmark, **known):
    return Related("left_of", (landmark,), **known)


def row(*names, **known):
    """Things from left to right, 10 px wide and 10 px apart."""
    return Arrangement([some_thing((20 * i, 0, 20 * i + 10, 10), name, **known) for i, name in enumerate(names)])


TABLE = row("cup", "plate", "lamp")
CUPS = row("cup", "plate", "cup")


def truth(statement, arrangement=TABLE):
    return verify(statement, arrangement).truth


class TestClaims:
    def test_true_false_and_denied(self):
        """S7: negation was not seen."""
        claim = Claim(the("cup"), left(the("plate")))
        assert truth(claim) is True
        assert truth(Not(claim)) is False
        assert truth(Claim(the("cup"), Not(left(the("plate"))))) is False
        assert truth(Claim(the("plate"), left(the("cup")))) is False

    def test_what_is_not_there(self):
        """A definite phrase without a thing: false, and so is the denial; "no cup" and "there is" are about that."""
        claim = Claim(the("cup"), left(the("fork")))
        assert verify(claim, TABLE).verdict.reason == "there is no fork"
        assert truth(Not(claim)) is False
        assert truth(Exists(some("a", "fork"))) is False
        assert truth(Exists(some("no", "fork"))) is True
        assert truth(Or((claim, Claim(the("cup"), left(the("plate")))))) is True

    def test_two_cups(self):
        """S17: a dictionary of names cannot hold them."""
        assert truth(Claim(the("plate"), left(the("cup"))), CUPS) is None
        assert "ambiguous: 2 things fit" in str(verify(Claim(the("cup"), left(the("plate"))), CUPS))
        assert truth(Claim(the("cup"), Related("near", (the("plate"),))), CUPS) is False  # both agree
        assert truth(Claim(the("cup", pick=Pick("leftmost")), left(the("plate"))), CUPS) is True
        assert truth(Exists(some("exactly", "cup", 2)), CUPS) is True

    def test_the_landmark_comes_after_the_relation(self):
        """S5: what stood before the relation decided, in the order of the dictionary."""
        near = Related("near", (the("plate"),))
        claim = Claim(NounPhrase("cup", clauses=(near,)), left(the("lamp")))
        things = [some_thing((0, 0, 10, 10), "cup"), some_thing((12, 0, 22, 10), "plate")]
        things.append(some_thing((90, 0, 99, 10), "lamp"))
        for order in (things, things[::-1]):
            assert truth(claim, Arrangement(order)) is True

    def test_never_its_own_landmark(self):
        assert truth(Claim(some("all", "object"), Related("far_from", (the("lamp"),)))) is True
        assert truth(Claim(the("lamp"), Related("near", (some("a", "lamp"),)))) is False


class TestQuantifiersAndCounts:
    def test_counts(self):
        for kind, number, found in (("exactly", 2, True), ("at_least", 3, False), ("at_most", 1, False)):
            assert truth(Exists(some(kind, "cup", number)), CUPS) is found
        assert truth(CompareCounts("more", some("bare", "cup"), some("bare", "plate")), CUPS) is True
        assert truth(CompareCounts("more", some("bare", "cup"), some("bare", "plate"), 2), CUPS) is False

    def test_scope(self):
        assert truth(Claim(some("all", "cup"), left(some("a", "plate"))), CUPS) is False
        assert truth(Claim(some("a", "cup"), left(the("plate"))), CUPS) is True
        assert truth(Claim(the("plate"), left(some("all", "cup"))), CUPS) is False

    def test_is_and_attributes(self):
        assert truth(Claim(the("object", pick=Pick("rightmost")), Is(some("a", "lamp")))) is True
        assert truth(Claim(the("cup"), Attribute("red"))) is None
        red = row("cup", "plate", attributes={"colour": "red"})
        assert truth(Claim(the("cup"), Attribute("red")), red) is True
        assert truth(Claim(the("cup", "blue"), left(the("plate"))), red) is False


class TestGroupsAndPronouns:
    def test_each_other(self):
        pair = Group((the("cup"), the("plate")))
        assert truth(Claim(pair, Related("far_from", (EachOther(),)))) is True
        assert truth(Claim(pair, left(EachOther()))) is False
        assert truth(Claim(some("count", "cup", 2), Related("near", (EachOther(),))), CUPS) is False
        assert truth(Claim(pair, Same("colour"))) is None
        assert truth(Claim(pair, Not(Same("type")))) is True
        far = Arrangement(
            [some_thing((x, 0, x + 10, 10), name) for x, name in ((0, "cup"), (12, "plate"), (180, "cup"))]
        )
        claim = Claim(Group((the("cup"), the("plate"))), Related("near", (EachOther(),)))
        assert truth(claim, far) is None

    def test_in_depth_among_all_things(self):
        things = [some_thing((0, 0, 9, 9), name, depth=depth) for name, depth in (("cup", 1.0), ("plate", 2.0))]
        assert truth(Claim(the("cup"), Related("in_foreground", ())), Arrangement(things)) is True
        assert truth(Claim(the("cup"), Related("in_background", ())), Arrangement(things)) is False

    def test_both_and_either(self):
        assert truth(Claim(Group((the("cup"), the("plate"))), left(the("lamp")))) is True
        assert truth(Claim(Group((the("lamp"), the("cup")), "or"), left(the("plate")))) is True

    def test_it_is_what_was_spoken_of(self):
        first = Claim(the("cup"), left(the("plate")))
        assert truth(And((first, Claim(It(), left(the("lamp")))))) is True
        assert truth(Claim(It(), left(the("lamp")))) is None
        its = NounPhrase("cup", Quantifier("a"), clauses=(left(It()),))
        assert truth(Claim(the("plate"), Related("far_from", (its,)))) is True


class TestRelations:
    def test_between(self):
        assert truth(Claim(the("plate"), Related("between", (the("cup"), the("lamp"))))) is True
        assert truth(Claim(the("plate"), Related("between", (some("the", "cup", 2),))), CUPS) is True
        assert truth(Claim(the("cup"), Related("between", (the("plate"), the("lamp"))))) is False

    def test_frames_and_points_of_view(self):
        cat = [some_thing((20, 0, 30, 10), "cat", facing="viewer"), some_thing((0, 0, 10, 10), "cup")]
        for predicate, found in (
            (left(the("cat")), True),
            (left(the("cat"), frame="intrinsic"), False),
            (Related("right_of", (the("cat"),), "intrinsic"), True),
        ):
            assert truth(Claim(the("cup"), predicate), Arrangement(cat)) is found
        seen = left(the("cup"), frame="intrinsic", viewpoint=the("cat"))
        lamp = some_thing((40, 0, 50, 10), "lamp")
        assert truth(Claim(the("lamp"), seen), Arrangement([*cat, lamp])) is True
        assert truth(Claim(the("lamp"), left(the("cup"), frame="intrinsic")), Arrangement([*cat, lamp])) is None

    def test_has_something_on_its_left(self):
        cat, cup = some_thing((20, 0, 30, 10), "cat", facing="viewer"), some_thing((0, 0, 10, 10), "cup")
        for side, found in (("left_of", False), ("right_of", True)):
            its = the("cup", clauses=(Related(side, (It(),), "intrinsic"),))
            claim = Claim(the("cat"), Related("has", (its,)))
            assert truth(claim, Arrangement([cat, cup])) is found
            assert truth(Not(claim), Arrangement([cat, cup])) is not found
        assert truth(claim, Arrangement([some_thing((20, 0, 30, 10), "cat"), cup])) is None

    def test_undecided_has_a_reason(self):
        finding = verify(Claim(the("cup"), Related("behind", (the("plate"),))), TABLE)
        assert (finding.truth, finding.verdict.reason) == (None, "needs depth: of the plate and the cup")

    def test_evidence(self):
        finding = verify(Claim(the("cup"), left(the("plate"))), TABLE)
        assert list(finding.references.values()) == [(0,), (1,)]
        assert [(check.relation, check.things) for check in finding.checks] == [("left_of", (0, 1))]

    def test_not_a_statement(self, unhooked):
        with pytest.raises(TypeError, match="statement: expected a form of statement.py"):
            verify("the cup is left of the plate", TABLE)
