"""Evaluation of the counters."""

import pytest
import torch

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.countertop.things import CATEGORIES
from gk_utils.counting.counters import Counter, load_counter
from gk_utils.counting.counting_model import CountingNet, build_counter
from gk_utils.counting.counting_trials import count_trial, second_questions, trial_of, trial_scenes
from gk_utils.evaluate import as_text, evaluate
from gk_utils.evaluate.counting import (
    GUESSES,
    evaluate_counting,
    load_all,
    measure_shown,
    measure_worded,
    off,
    other_word,
    two_questions,
)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Untrained counters in place of those that the course ships."""
    monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path)
    for kind in ("density", "pooled", "text_blind"):
        settings = {"kind": kind, "width": 8, "blocks": 1}
        torch.manual_seed(0)
        name = f"counting_{kind}_small"
        checkpoints.save(
            build_counter(settings).state_dict(), tmp_path / name, Card(name, 0, 1, "CPU", 0.1, {}, settings)
        )
    return tmp_path


class TestEvaluateCounting:
    def test_what_is_there_and_what_is_missing(self, shipped):
        result = evaluate("counting", limit=8)
        metrics = result["metrics"]
        wanted = {
            "density_mae_1_20",
            "pooled_rel_20_100",
            "text_blind_mae",
            "by_bin",
            "by_resolution",
            "priors",
            "vague",
        }
        assert wanted <= metrics.keys()
        assert result["missing"].keys() == {"pooled_sum", "set", "exemplar", "text_exemplar"}
        assert "gk_utils train counting_set_small" in result["missing"]["set"]
        assert result["baselines"].keys() == {"mean_count", "other_picture", "other_word"}
        sizes = {"64_px", "64_px_enlarged", "128_px", "256_px"}
        assert metrics["by_resolution"]["pooled"].keys() == sizes
        assert metrics["by_resolution"]["density"].keys() == {*sizes, "256_px_tiled"}
        assert metrics["priors"]["density"]["sevens_counted"]["value"] >= 0
        least = metrics["vague"]["density"]["dish_least_mae"]["value"]
        assert 0 < least <= 10
        assert "density_mae_1_20" in as_text(result)

    def test_one_checkpoint(self, shipped):
        found = evaluate_counting(limit=4, checkpoint=str(shipped / "counting_density_small"))
        assert found["checkpoint"].endswith("counting_density_small")
        assert "density_mae_1_20" in found["metrics"]
        assert "pooled_mae_1_20" not in found["metrics"]

    def test_errors(self, tmp_path, monkeypatch):
        with pytest.raises(ValueError, match="limit: expected 4 pictures or more, got 2"):
            evaluate_counting(limit=2)
        with pytest.raises(ValueError, match="split: expected one of 'scenes'"):
            evaluate_counting(split="val")
        monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path)
        with pytest.raises(FileNotFoundError, match="gk_utils train counting_pooled_small"):
            evaluate_counting(limit=4)


class TestLoadAll:
    def test_one_or_all(self, shipped):
        counters, missing = load_all(None, "cpu")
        assert counters.keys() == {"pooled", "density", "text_blind"}
        assert len(missing) == 4
        counters, missing = load_all(str(shipped / "counting_pooled_small"), "cpu")
        assert (list(counters), missing) == (["pooled"], {})


class TestMeasureWorded:
    def test_truth_and_controls(self, shipped):
        counter, trial = load_counter("density")[0], trial_of(trial_scenes("few", 4))
        metrics, controls = {}, {"mean_count": {}, "other_picture": {}, "other_word": {}}
        said = {("density", "few"): trial.true.float() + 2}
        measure_worded({"density": counter}, "few", trial, said, (metrics, controls))
        assert metrics["density_mae_1_20"]["value"] == 2
        assert controls["mean_count"]["density_mae_1_20"] == off(torch.full((4,), 10.5), trial.true)
        turned = count_trial(counter, trial, images=trial.images.roll(2, 0))
        assert controls["other_picture"]["density_mae_1_20"] == off(turned, trial.true)


class TestMeasureShown:
    def test_told_shown_or_neither(self):
        torch.manual_seed(0)
        counters = {kind: Counter(CountingNet(kind, 8, 1)) for kind in ("exemplar", "text_exemplar")}
        metrics, controls = {}, {"mean_count": {}, "other_picture": {}}
        for name in ("unseen", "cluttered"):
            measure_shown(counters, name, 2, (metrics, controls))
        unseen = {"exemplar_unseen_mae", "text_exemplar_unseen_mae"}
        cluttered = {"exemplar_cluttered_mae", "text_exemplar_mae", "text_alone_mae", "examples_alone_mae"}
        assert metrics.keys() == controls["other_picture"].keys() == unseen | cluttered
        assert controls["mean_count"].keys() == metrics.keys()


class TestTwoQuestions:
    def test_one_number_for_both(self):
        """Whatever it says: who does not hear the question is off by half the difference at least."""
        torch.manual_seed(0)
        counters = {kind: Counter(CountingNet(kind, 8, 1)) for kind in ("text_exemplar", "text_blind")}
        found = two_questions(counters, 4)
        scenes = trial_scenes("cluttered", 4)
        apart = [
            abs(scene.count() - int(other)) / 2
            for scene, other in zip(scenes, second_questions(scenes)[1], strict=True)
        ]
        assert found["text_blind"]["two_questions_mae"]["value"] >= sum(apart) / 4 - 1e-3
        assert found.keys() == counters.keys()
        assert two_questions({}, 4) == {}


class TestGuesses:
    @pytest.mark.parametrize(("name", "low", "high", "relative"), [("few", 1, 20, False), ("many", 20, 100, True)])
    def test_no_whole_number_does_better(self, name, low, high, relative):
        true = torch.arange(low, high + 1)
        costs = [off(torch.full((len(true),), float(one)), true, relative)["value"] for one in range(low, high + 1)]
        mine = off(torch.full((len(true),), GUESSES[name]), true, relative)["value"]
        assert mine <= min(costs) + 1e-3
        assert mine < costs[0] - 0.05
        assert not relative or mine < costs[60 - low] - 0.03


class TestOff:
    def test_by_hand(self):
        counted, true = torch.tensor([3.0, 10.0]), torch.tensor([4, 5])
        assert off(counted, true)["value"] == 3.0
        assert off(counted, true, relative=True)["value"] == pytest.approx((0.25 + 1) / 2)


class TestOtherWord:
    def test_always_another(self):
        assert all(other_word(name) not in (name, "dish") for name in CATEGORIES)
