import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.contrastive.pair_claims import DIRECTIONS, Claim, claim_holds, look_of
from gk_utils.contrastive.pair_scenes import arrange, draw_pair_scene, draw_thing, two_worlds
from gk_utils.countertop.programs import Program
from gk_utils.countertop.render import render

MUG, CAT = Program("mug", (("colour", "red"),)), Program("cat")


class TestDrawPairScene:
    def test_as_many_things_as_asked_and_the_same_again(self):
        assert {len(draw_pair_scene(seed, (2, 4), stacked=0.0)) for seed in range(40)} == {2, 3, 4}
        assert draw_pair_scene(5) == draw_pair_scene(5)

    def test_stacked_scenes_often_have_one_thing_on_another(self):
        stacked = [draw_pair_scene(seed, stacked=1.0) for seed in range(40)]
        assert sum(any(thing.support is not None for thing in scene.things) for scene in stacked) >= 12


class TestTwoWorlds:
    @pytest.mark.parametrize("relation", DIRECTIONS)
    def test_each_claim_is_true_once(self, relation):
        claims = Claim(MUG, relation, CAT), Claim(CAT, relation, MUG)
        worlds = two_worlds(0, *claims)
        assert [[claim_holds(claim, world) for claim in claims] for world in worlds] == [[True, False], [False, True]]

    def test_none_where_it_cannot_be(self):
        near = Claim(MUG, "near", CAT)
        assert two_worlds(0, near, Claim(CAT, "near", MUG)) is None


class TestArrange:
    @given(st.integers(0, 2**40 - 1), st.sampled_from(DIRECTIONS))
    @settings(max_examples=60, deadline=None)
    def test_one_direction_holds_and_no_other(self, seed, relation):
        rng = np.random.default_rng(seed)
        subject, object = draw_thing(rng, "mug"), draw_thing(rng, "vase")
        scene = arrange(subject, relation, object, seed)
        looks = look_of(subject, []), look_of(object, [])
        truth = [claim_holds(Claim(looks[0], other, looks[1]), scene) for other in DIRECTIONS]
        assert truth == [other == relation for other in DIRECTIONS]

    def test_both_things_can_be_seen(self):
        rng = np.random.default_rng(0)
        scenes = [
            arrange(draw_thing(rng), relation, draw_thing(rng), seed) for seed in range(8) for relation in DIRECTIONS
        ]
        rendered = render(scenes, (64, 64))
        visible = rendered.masks.flatten(2).sum(-1) / rendered.masks_full.flatten(2).sum(-1)
        assert visible.min() > 0.5

    def test_unknown_relation(self):
        thing = draw_thing(np.random.default_rng(0))
        with pytest.raises(ValueError, match="relation: expected one of"):
            arrange(thing, "near", thing)


class TestDrawThing:
    def test_as_wanted(self):
        thing = draw_thing(np.random.default_rng(0), "cat", "pink")
        assert (thing.category, thing.colour, thing.state) == ("cat", "pink", None)
