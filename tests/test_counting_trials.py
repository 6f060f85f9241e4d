"""Frozen sets of scenes to count in."""

import pytest
import torch

from gk_utils.countertop.things import CATEGORIES
from gk_utils.counting.counters import Counter
from gk_utils.counting.counting_model import CountingNet
from gk_utils.counting.counting_scenes import UNSEEN
from gk_utils.counting.counting_trials import (
    TRIALS,
    count_in_tiles,
    count_trial,
    second_questions,
    side_by_side,
    trial_of,
    trial_scenes,
    vague_truths,
)


def counter_of(kind: str) -> Counter:
    torch.manual_seed(1)
    net = CountingNet(kind, width=8, blocks=1)
    if kind == "set":
        torch.nn.init.constant_(net.head.bias[:1], 0.0)
    return Counter(net, threshold=0.5)


class TestTrialScenes:
    @pytest.mark.parametrize("name", TRIALS)
    def test_what_each_holds(self, name):
        low, high, _ = TRIALS[name]
        scenes = trial_scenes(name, 4)
        assert all(low <= scene.count() <= high for scene in scenes)
        assert scenes[:2] == trial_scenes(name, 2)

    def test_each_shows_one_thing(self):
        assert {scene.category for scene in trial_scenes("unseen", 8)} <= set(UNSEEN)
        assert {scene.category for scene in trial_scenes("sevens", 3)} == {"apple"}
        for name in ("few", "many", "other_sevens", "cluttered"):
            assert "apple" not in {scene.category for scene in trial_scenes(name, 10)}
        assert all(2 * len(scene) >= 3 * scene.count() - 1 for scene in trial_scenes("cluttered", 4))
        seeds = {scene.seed for name in TRIALS for scene in trial_scenes(name, 3)}
        assert len(seeds) == 3 * len(TRIALS)

    def test_unknown(self):
        with pytest.raises(ValueError, match="name: expected one of 'few'"):
            trial_scenes("hard", 2)


class TestTrialOf:
    def test_examples_are_three_things(self):
        trial = trial_of(trial_scenes("sevens", 3), 64)
        assert [len(boxes) for boxes in trial.exemplars] == [3, 3, 3]
        assert (len(trial), trial.phrases) == (3, ("apple",) * 3)

    def test_examples_at_another_size_are_the_same_things(self):
        small, large = (trial_of(trial_scenes("few", 3), side) for side in (64, 128))
        for a, b in zip(small.exemplars, large.exemplars, strict=True):
            assert torch.allclose(2 * a, b, atol=4)


class TestCountTrial:
    def test_asks_for_the_category(self):
        trial, counter = trial_of(trial_scenes("few", 2), 64), counter_of("density")
        own = count_trial(counter, trial)
        assert torch.equal(own, count_trial(counter, trial, phrases=list(trial.phrases)))
        assert not torch.equal(own, count_trial(counter, trial, phrases=["cat", "dish"]))
        assert torch.allclose(
            own.flip(0), count_trial(counter, trial, phrases=trial.phrases[::-1], images=trial.images.flip(0))
        )


class TestCountInTiles:
    @pytest.mark.parametrize("kind", ["set", "density"])
    def test_one_tile_is_the_picture(self, kind):
        trial, counter = trial_of(trial_scenes("few", 2), 64), counter_of(kind)
        assert torch.allclose(
            count_in_tiles(counter, trial, side=64, overlap=16), count_trial(counter, trial), rtol=1e-4
        )

    def test_density_of_tiles_adds_up_but_for_borders(self):
        trial, counter = trial_of(trial_scenes("few", 2), 128), counter_of("density")
        tiled = count_in_tiles(counter, trial, side=96, overlap=64)
        assert torch.allclose(tiled, count_trial(counter, trial), rtol=0.2)

    def test_other_kinds(self):
        with pytest.raises(ValueError, match="kind: expected one of 'set', 'density'"):
            count_in_tiles(counter_of("pooled"), trial_of(trial_scenes("few", 1), 64))


class TestSideBySide:
    def test_pairs_of_one_category(self):
        trial = trial_of(trial_scenes("few", 12), 64)
        images, phrases, true = side_by_side(trial)
        assert images.shape[1:] == (3, 64, 128)
        assert len(images) == len(phrases) == len(true) > 0
        place = trial.phrases.index(phrases[0])
        assert torch.equal(images[0, ..., :64], trial.images[place])

    def test_no_pair(self):
        images, phrases, true = side_by_side(trial_of(trial_scenes("sevens", 1), 64))
        assert (images.shape, phrases, true.tolist()) == ((0, 3, 64, 128), (), [])


class TestSecondQuestions:
    def test_the_most_numerous_of_the_others(self):
        scenes = trial_scenes("cluttered", 6)
        words, true = second_questions(scenes)
        for scene, word, count in zip(scenes, words, true.tolist(), strict=True):
            assert word != scene.category
            assert scene.count(word) == count == max(scene.count(name) for name in CATEGORIES if name != scene.category)


class TestVagueTruths:
    def test_plates_and_plates_with_bowls(self):
        scenes = trial_scenes("dishes", 3)
        truths = vague_truths(scenes)
        assert truths[:, 0].tolist() == [scene.count("plate") for scene in scenes]
        assert truths[:, 1].tolist() == [scene.count("plate") + scene.count("bowl") for scene in scenes]
        with pytest.raises(ValueError, match="word: expected one of 'dish'"):
            vague_truths(scenes, "mug")
