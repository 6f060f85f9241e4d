import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.contrastive.pair_claims import (
    CLAIM_RELATIONS,
    CLAIM_WORDS,
    Claim,
    claim_holds,
    claim_vocabulary,
    draw_claim,
    look_of,
    read_claim,
    worth_saying,
)
from gk_utils.contrastive.pair_scenes import draw_pair_scene
from gk_utils.countertop.programs import Program
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import Thing
from gk_utils.countertop.wording import vocabulary, words


def thing(category, x, depth=0.5, colour="red", **more):
    return Thing(category, colour, "large", "plain", None, None, x=x, depth=depth, **more)


APPLE_LEFT_OF_VASE = Scene((thing("apple", 0.2), thing("vase", 0.8, colour="blue")))
APPLE, VASE = Program("apple"), Program("vase")


class TestClaim:
    def test_in_words(self):
        red = Program("apple", (("size", "large"), ("colour", "red")))
        assert Claim(red, "left of", VASE).text(1) == "a large red apple is to the left of a vase"
        assert Claim(APPLE, "and", VASE).text() == "an apple and a vase"

    def test_refuses_a_place_and_an_unknown_relation(self, unhooked):
        with pytest.raises(ValueError, match="Leave its place out"):
            Claim(Program("apple", side="left"), "and", VASE)
        with pytest.raises(ValueError, match="relation: expected one of"):
            Claim(APPLE, "above", VASE)


class TestClaimHolds:
    def test_by_hand(self):
        truth = {name: claim_holds(Claim(APPLE, name, VASE), APPLE_LEFT_OF_VASE) for name in CLAIM_RELATIONS}
        assert [name for name, holds in truth.items() if holds] == ["left of", "and"]
        assert claim_holds(Claim(Program("apple", (("colour", "blue"),)), "left of", VASE), APPLE_LEFT_OF_VASE) is False

    def test_too_close_to_call(self):
        scene = Scene((thing("apple", 0.50), thing("vase", 0.54)))
        assert claim_holds(Claim(APPLE, "left of", VASE), scene) is None

    def test_on_and_under(self):
        scene = Scene((thing("plate", 0.5), thing("apple", 0.5, relation="on", support=0)))
        plate = Program("plate")
        assert claim_holds(Claim(APPLE, "on", plate), scene)
        assert claim_holds(Claim(plate, "under", APPLE), scene)
        assert claim_holds(Claim(plate, "on", APPLE), scene) is False

    def test_two_of_a_kind_need_two_things(self):
        assert claim_holds(Claim(APPLE, "and", APPLE), APPLE_LEFT_OF_VASE) is False


class TestLookOf:
    def test_in_the_order_they_are_said(self):
        assert look_of(thing("apple", 0.5), ["colour", "size"]).attributes == (("size", "large"), ("colour", "red"))


class TestDrawClaim:
    @given(st.integers(0, 2**40 - 1))
    @settings(max_examples=60, deadline=None)
    def test_what_is_drawn_is_true_and_reads_back(self, seed):
        scene = draw_pair_scene(seed)
        claim = draw_claim(scene, np.random.default_rng(seed), detailed=0.3)
        if claim is not None:
            assert claim_holds(claim, scene)
            assert all(read_claim(claim.text(way)) == claim for way in range(len(CLAIM_WORDS[claim.relation])))

    def test_none_without_two_things(self):
        assert draw_claim(Scene((thing("apple", 0.5),)), np.random.default_rng(0)) is None


class TestWorthSaying:
    def test_what_stands_on_another_is_on_it_alone(self):
        scene = Scene((thing("plate", 0.5), thing("apple", 0.5, relation="on", support=0)))
        assert [name for name in CLAIM_RELATIONS if worth_saying(scene, 1, name, 0)] == ["on", "inside", "under", "and"]


class TestReadClaim:
    @pytest.mark.parametrize("text", ["a mug", "mug is left of a cat", "a red red mug and a cat", "a mug is a cat", ""])
    def test_no_sentence(self, text):
        assert read_claim(text) is None


class TestClaimVocabulary:
    def test_every_word_is_there_and_known_to_the_recipes(self):
        assert set(words(Claim(APPLE, "under", VASE).text(1))) <= set(claim_vocabulary())
        assert set(claim_vocabulary()) <= {*vocabulary(), "a", "an", "below", "under"}
