import hashlib

import numpy as np
import pytest
import torch

from gk_utils.contrastive.balanced_probes import (
    SHUFFLES,
    attribution_probe,
    order_probe,
    relation_probe,
    shuffle,
    unbalanced_probe,
)
from gk_utils.contrastive.pair_claims import claim_holds, read_claim
from gk_utils.contrastive.pair_scenes import HELD_OUT, draw_pair_scene
from gk_utils.contrastive.probe_items import measure_probe
from gk_utils.countertop.things import KINDS

PROBES = {"relation": relation_probe(24), "attribution": attribution_probe(12), "unbalanced": unbalanced_probe(12)}
PROBES["order"] = order_probe(8)


def words_alone(scenes, texts):
    """A scorer that never looks: any function of the caption will do."""
    return torch.tensor([[int(hashlib.sha256(text.encode()).hexdigest()[:6], 16) for text in row] for row in texts])


def absurd(scenes, texts):
    """Common sense: what carries others does not stand on them."""
    rows = [[read_claim(text) for text in row] for row in texts]
    pairs = [[(c.object, c.subject) if c.relation == "under" else (c.subject, c.object) for c in row] for row in rows]
    return torch.tensor([[float(a.category in KINDS[b.category].carries) for a, b in row] for row in pairs])


@pytest.mark.parametrize("name", sorted(PROBES))
class TestEveryProbe:
    def test_the_first_caption_is_true_and_no_other(self, name):
        for item in PROBES[name].items:
            claims = [read_claim(text) for text in item.texts]
            assert claim_holds(claims[0], item.scene)
            assert not any(claim is not None and claim_holds(claim, item.scene) is not False for claim in claims[1:])

    def test_who_knows_nothing_is_at_chance(self, name):
        probed = measure_probe(PROBES[name], lambda scenes, texts: torch.zeros(len(scenes), len(texts[0])))
        assert probed.accuracy == pytest.approx(PROBES[name].chance)

    def test_on_scenes_that_training_never_draws(self, name):
        assert all(item.scene.seed >= HELD_OUT for item in PROBES[name].items)


class TestRelationProbe:
    def test_words_alone_are_right_exactly_half_of_the_time(self):
        assert measure_probe(PROBES["relation"], words_alone).by_kind == {"swap_nouns": 0.5, "swap_relation": 0.5}

    def test_each_caption_is_as_often_true_as_false(self):
        items = PROBES["relation"].items
        assert sorted(item.texts[0] for item in items) == sorted(item.texts[1] for item in items)

    def test_the_same_again_and_others_from_another_seed(self):
        assert relation_probe(4) == relation_probe(4)
        assert relation_probe(4, seed=100) != relation_probe(4)


class TestAttributionProbe:
    def test_words_alone_are_right_exactly_half_of_the_time(self):
        assert measure_probe(PROBES["attribution"], words_alone).accuracy == 0.5


class TestUnbalancedProbe:
    def test_words_alone_win(self):
        assert measure_probe(PROBES["unbalanced"], absurd).accuracy > 0.8


class TestOrderProbe:
    def test_the_same_words_in_five_orders(self):
        for item in PROBES["order"].items:
            assert len({tuple(sorted(text.split())) for text in item.texts}) == 1
            assert item.texts[0] not in item.texts[1:]


class TestShuffle:
    def test_what_stays_in_place(self):
        scene, rng = draw_pair_scene(0), np.random.default_rng(0)
        text = "a red mug is left of a blue cat"
        moved = shuffle(text, SHUFFLES[0], scene, rng).split()
        assert [moved[place] for place in (0, 3, 4, 5, 6)] == ["a", "is", "left", "of", "a"]
        moved = shuffle(text, SHUFFLES[1], scene, rng).split()
        assert [moved[place] for place in (1, 2, 7, 8)] == ["red", "mug", "blue", "cat"]

    def test_none_where_no_other_order_is_there(self):
        assert shuffle("mug mug mug", SHUFFLES[2], draw_pair_scene(0), np.random.default_rng(0)) is None
