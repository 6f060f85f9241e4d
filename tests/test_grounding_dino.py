from types import SimpleNamespace

import pytest
import torch

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.countertop.dataset import read_split
from gk_utils.evaluate import as_text, evaluate, evaluation_of, grounding_dino
from gk_utils.evaluate.grounding_dino import evaluate_grounding_dino, grounding_metrics
from gk_utils.evaluate.rec import Answers
from gk_utils.grounding_dino import build_mini
from gk_utils.training import RECIPES

SETTINGS = {
    **RECIPES["grounding_dino_small"].settings,
    **{"width": 32, "heads": 2, "inner": 32, "enhancer_layers": 1, "decoder_layers": 1},
}


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("dino") / "grounding_dino_small"
    card = Card("grounding_dino_small", 0, 1, "CPU", 0.0, {"absent_below": 0.5}, SETTINGS)
    checkpoints.save(dict(build_mini(SETTINGS).state_dict()), folder, card)
    return str(folder)


class TestGroundingMetrics:
    def test_short_and_long_count_the_best_box_even_if_the_answer_is_none(self):
        samples = read_split("val")[:40]
        truth = torch.tensor([sample.box or (0.0, 0, 0, 0) for sample in samples])
        absent = torch.tensor([sample.referent is None for sample in samples])
        knowing = grounding_metrics(samples, truth, Answers(truth, absent))
        assert knowing["acc@0.5"]["value"] == knowing["acc@0.5_short"]["value"] == 1.0
        assert knowing["absent_f1"]["value"] == 1.0
        silent = grounding_metrics(samples, truth, Answers(truth, torch.ones(40, dtype=torch.bool)))
        assert silent["acc@0.5"]["value"] == pytest.approx(absent.float().mean().item(), abs=1e-4)
        assert silent["acc@0.5_long"]["value"] == 1.0

    def test_dialects_are_told_apart(self):
        samples = read_split("val")[:40]
        truth = torch.tensor([sample.box or (0.0, 0, 0, 0) for sample in samples])
        long = torch.tensor([sample.dialect == "refcocog" for sample in samples])
        boxes = torch.where(long[:, None], truth, torch.tensor([0.0, 0, 1, 1]))
        result = grounding_metrics(samples, truth, Answers(boxes, torch.zeros(40, dtype=torch.bool)))
        assert (result["acc@0.5_short"]["value"], result["acc@0.5_long"]["value"]) == (0.0, 1.0)


class TestEvaluateGroundingDino:
    def test_an_untrained_model_is_poor_and_everything_is_there(self, untrained, monkeypatch):
        centre = SimpleNamespace(boxes_unit=lambda texts: torch.tensor([[0.4, 0.4, 0.6, 0.6]]).expand(len(texts), 4))
        monkeypatch.setattr(grounding_dino, "language_only", lambda: centre)  # it takes ten seconds to learn
        result = evaluate("grounding_dino", limit=12, checkpoint=untrained)
        assert {"ap", "ap50", "acc@0.5_short", "acc@0.5_long", "absent_f1", "by_type", "by_size"} <= set(
            result["metrics"]
        )
        assert result["metrics"]["ap50"]["value"] < 0.3
        assert set(result["baselines"]) == {"dense_trunk", "other_picture", "noun_only", "language_only"}
        assert result["baselines"]["dense_trunk"]["ap50"]["value"] > 0.5
        assert result["baselines"]["other_picture"]["ap50"]["value"] < 0.3
        assert (result["n"], result["checkpoint"]) == (12, untrained)
        assert "noun_only" in as_text(result)

    def test_its_name(self):
        assert evaluation_of("grounding_dino") is evaluate_grounding_dino

    def test_a_limit_below_one(self):
        with pytest.raises(ValueError, match=r"limit: expected 1 or more, got 0"):
            evaluate_grounding_dino(limit=0)
