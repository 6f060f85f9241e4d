import pytest
import torch

from gk_utils.contrastive.pair_claims import DIRECTIONS, claim_holds, read_claim
from gk_utils.contrastive.probe_items import measure_probe
from gk_utils.contrastive.whats_up import SURFACES, directions_probe, surfaces_probe


def always(relation):
    def score(scenes, texts):
        return torch.tensor([[float(read_claim(text).relation == relation) for text in row] for row in texts])

    return score


@pytest.mark.parametrize("probe", [directions_probe(16), surfaces_probe(18)], ids=["directions", "surfaces"])
def test_one_of_four_is_true(probe):
    assert probe.chance == 0.25
    for item in probe.items:
        assert [claim_holds(read_claim(text), item.scene) for text in item.texts] == [True, False, False, False]


class TestDirectionsProbe:
    def test_each_word_alone_is_right_one_time_in_four(self):
        probe = directions_probe(16)
        assert [measure_probe(probe, always(relation)).accuracy for relation in DIRECTIONS] == [0.25] * 4


class TestSurfacesProbe:
    def test_words_alone_reach_a_third(self):
        probe = surfaces_probe(18)
        found = [measure_probe(probe, always(relation)).accuracy for relation in SURFACES]
        assert found == pytest.approx([1 / 3, 1 / 3, 1 / 6, 1 / 6])
