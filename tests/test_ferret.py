import pytest
import torch

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.evaluate.ferret import evaluate_ferret, measure, most_frequent
from gk_utils.ferret.ferret_recipe import Answered, build

SIZES = {
    **{"trunk": "trunk_small", "width": 16, "heads": 2, "layers": 1, "sampler_width": 8, "points": 8},
    **{"kept": [4, 2], "neighbours": [3, 2]},
}


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Untrained readers in place of those that the course ships."""
    monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path)
    for name, own in {
        "ferret_small": {"reference": "hybrid"},
        "ferret_coordinates_small": {"reference": "coordinates"},
        "ferret_v2_small": {"reference": "hybrid", "tiles": True},
    }.items():
        settings = {**SIZES, **own}
        torch.manual_seed(0)
        checkpoints.save(build(settings).state_dict(), tmp_path / name, Card(name, 0, 1, "CPU", 0.1, {}, settings))


def answered(right: list[bool], truth: list[int] | None = None) -> Answered:
    """Four questions about two pictures."""
    truth = truth or [0, 0, 0, 1]
    said = [a if r else 9 for a, r in zip(truth, right, strict=True)]
    return Answered(
        *(torch.tensor(right), torch.tensor(said), torch.tensor(truth), torch.tensor([0, 0, 1, 1])),
        *(torch.tensor([True, True, True, False]), torch.tensor([False, False, True, True])),
        *(("twin", "twin", "mask", "box"), ("category", "category", "category", "category")),
    )


class TestEvaluateFerret:
    def test_what_is_there_and_what_is_missing(self, shipped):
        result = evaluate_ferret(limit=3)
        assert result["n"] == 24
        wanted = {"accuracy", "accuracy_box_only", "gain_hard_regions", "gain_small_v2", "by_form", "by_ask"}
        assert wanted <= result["metrics"].keys()
        assert result["missing"].keys() == {"ferret_roi", "ferret_pooled", "ferret_sampler"}
        assert "gk_utils train ferret_pooled_small" in result["missing"]["ferret_pooled"]
        assert result["baselines"].keys() == {"most_frequent", "box_only", "other_region"}

    def test_box_only_is_right_on_half_of_the_twins_at_most(self, shipped):
        """Whatever its weights: both twins are one question to it, and their answers differ."""
        found = evaluate_ferret(limit=4)["metrics"]
        assert found["accuracy_box_only_twins"]["value"] <= 0.5

    def test_errors(self):
        with pytest.raises(ValueError, match="limit: expected 1 or more, got 0"):
            evaluate_ferret(limit=0)
        with pytest.raises(ValueError, match="split: expected one of 'regions'"):
            evaluate_ferret(split="val")


class TestMeasure:
    def test_gains_are_paired(self):
        said = {"": answered([True, True, False, True]), "box_only": answered([True, False, False, False])}
        found = measure(said)
        assert found["gain_hard_regions"]["value"] == pytest.approx(1 / 3, abs=1e-3)
        assert found["accuracy_twins"]["value"] == 1
        assert found["accuracy_box_only_hard"]["value"] == pytest.approx(1 / 3, abs=1e-3)
        assert "gain_small_v2" not in found
        assert found["by_form"]["mask"]["accuracy_box_only"]["value"] == 0


class TestMostFrequent:
    def test_the_commonest_answer_wins(self):
        assert most_frequent(answered([False] * 4, [3, 3, 3, 1])).tolist() == [True, True, True, False]
