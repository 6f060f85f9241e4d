import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.contrastive.hard_negatives import (
    KINDS_OF_NEGATIVE,
    SWAPS,
    any_negative,
    draw_negative,
    several_negatives,
    swap_attributes,
    swap_nouns,
    swap_relation,
)
from gk_utils.contrastive.pair_claims import Claim, claim_holds, draw_claim
from gk_utils.contrastive.pair_scenes import draw_pair_scene
from gk_utils.countertop.programs import Program
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import Thing

RED_MUG, BLUE_CAT = Program("mug", (("colour", "red"),)), Program("cat", (("colour", "blue"),))
CLAIM = Claim(RED_MUG, "left of", BLUE_CAT)
RNG = np.random.default_rng(0)


def mug_and_cat(apart):
    return Scene(
        (
            Thing("mug", "red", "large", "plain", "left", None, x=0.5 - apart / 2, depth=0.5),
            Thing("cat", "blue", "large", "plain", "left", None, x=0.5 + apart / 2, depth=0.5),
        )
    )


class TestSwaps:
    def test_in_words(self):
        swapped = [next(swap(CLAIM, RNG)).text() for swap in (swap_nouns, swap_relation, swap_attributes)]
        assert swapped == [
            "a blue cat is left of a red mug",
            "a red mug is right of a blue cat",
            "a blue mug is left of a red cat",
        ]

    def test_nothing_to_swap(self):
        assert not list(swap_relation(Claim(RED_MUG, "near", BLUE_CAT), RNG))
        assert not list(swap_attributes(Claim(RED_MUG, "left of", Program("cat")), RNG))


class TestDrawNegative:
    def test_a_swap_that_stays_true_is_no_negative(self):
        near = Claim(RED_MUG, "near", BLUE_CAT)
        assert claim_holds(near, mug_and_cat(0.2))
        assert draw_negative(near, mug_and_cat(0.2), "swap_nouns", RNG) is None

    def test_what_is_too_close_to_call_is_no_negative(self):
        assert draw_negative(CLAIM, mug_and_cat(0.05), "swap_relation", RNG) is not None
        assert draw_negative(Claim(BLUE_CAT, "left of", RED_MUG), mug_and_cat(0.05), "swap_nouns", RNG) is None

    @given(st.integers(0, 2**40 - 1), st.sampled_from(sorted(KINDS_OF_NEGATIVE)))
    @settings(max_examples=150, deadline=None)
    def test_never_true(self, seed, kind):
        scene, rng = draw_pair_scene(seed), np.random.default_rng(seed)
        claim = draw_claim(scene, rng, detailed=0.3)
        negative = claim and draw_negative(claim, scene, kind, rng)
        if negative is not None:
            assert negative != claim
            assert claim_holds(negative, scene) is False

    def test_unknown_kind(self):
        with pytest.raises(ValueError, match="kind: expected one of"):
            draw_negative(CLAIM, mug_and_cat(0.4), "negate", RNG)


class TestSeveralNegatives:
    @pytest.mark.parametrize("seed", range(20))
    def test_false_and_unlike_where_the_scene_allows(self, seed):
        scene, rng = draw_pair_scene(seed), np.random.default_rng(seed)
        claim = draw_claim(scene, rng, detailed=1.0)
        if claim is None:  # two things of one look
            return
        found = several_negatives(claim, scene, rng, 3)
        assert len(found) == len(set(found)) == 3
        assert all(claim_holds(negative, scene) is False for negative in found)
        swaps = sum(draw_negative(claim, scene, kind, rng) is not None for kind in SWAPS)
        assert sum(negative in {*_swapped(claim, rng)} for negative in found) >= min(swaps, 3)

    def test_as_many_as_asked(self):
        scene, rng = draw_pair_scene(0), np.random.default_rng(0)
        assert [len(several_negatives(draw_claim(scene, rng), scene, rng, k)) for k in (1, 2, 9)] == [1, 2, 9]


def _swapped(claim, rng):
    return [changed for kind in SWAPS for changed in KINDS_OF_NEGATIVE[kind](claim, rng)]


class TestAnyNegative:
    @given(st.integers(0, 2**40 - 1))
    @settings(max_examples=60, deadline=None)
    def test_there_is_always_one(self, seed):
        scene, rng = draw_pair_scene(seed), np.random.default_rng(seed)
        claim = draw_claim(scene, rng)
        if claim is not None:
            assert claim_holds(any_negative(claim, scene, rng), scene) is False

    def test_each_kind_has_its_turn(self):
        texts = {any_negative(CLAIM, mug_and_cat(0.4), np.random.default_rng(seed)).text() for seed in range(20)}
        assert len(texts) == 3
