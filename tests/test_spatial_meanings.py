import numpy as np
import pytest

from gk_utils.evaluate.spatial_meanings import MEANINGS
from gk_utils.evaluate.spatial_statements import scene_of
from gk_utils.evaluate.spatial_world import World

OPPOSITES = [("relation", "not relation"), ("exists", "no"), ("same colour", "different colour")]


def meant(means, seed):
    return [(tuple(sorted(fields.items())), is_so) for fields, is_so in MEANINGS[means](World(scene_of(seed), rng()))]


def rng():
    return np.random.default_rng(0)


class TestMeanings:
    @pytest.mark.parametrize("means", [name for name in MEANINGS if name != "parallel"])
    def test_true_and_false_ones_are_found(self, means):
        truths = set()
        for seed in range(2**41, 2**41 + 60):
            truths |= {is_so for _, is_so in meant(means, seed)}
            if len(truths) == 2:
                break
        assert truths == {True, False}

    @pytest.mark.parametrize(("first", "second"), OPPOSITES)
    def test_opposites(self, first, second):
        seed = 2**41 + 2
        assert meant(first, seed) == [(fields, not is_so) for fields, is_so in meant(second, seed)]
