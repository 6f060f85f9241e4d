import numpy as np

from gk_utils.countertop.programs import relation_holds
from gk_utils.evaluate.spatial_statements import scene_of
from gk_utils.evaluate.spatial_world import World


class TestWorld:
    def test_clear_relations_are_the_scene_s(self):
        world = World(scene_of(2**41 + 1), np.random.default_rng(0))
        found = list(world.related())
        assert {is_so for *_, is_so in found} == {True, False}
        for a, relation, b, is_so in found:
            assert relation_holds(world.scene, a, relation, b) == is_so

    def test_groups_and_colours_count(self):
        world = World(scene_of(2**41 + 1), np.random.default_rng(0))
        assert sum(len(things) for _, things in world.groups()) == len(world.scene)
        for category, things in world.groups():
            assert sum(count for _, count in world.colours(category)) == len(things)
