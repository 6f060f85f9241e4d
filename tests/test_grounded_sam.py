import pytest
import torch

from gk_utils.countertop.dataset import Sample
from gk_utils.evaluate import as_text as table
from gk_utils.evaluate.grounded_sam import Scores, evaluate_grounded_sam, measure


def sample(type: str, seed: int) -> Sample:
    there = type != "absent"
    box = (0.0, 0.0, 9.0, 9.0) if there else None
    return Sample("val", seed, "0" * 12, "the mug", type, "refcoco", 0 if there else None, box)


class TestMeasure:
    def test_by_hand(self):
        """IoUs of 0.8 and 0.4, one phrase that was missed, and one that means nothing and got no mask."""
        samples = [sample(type, seed) for seed, type in enumerate(("attribute", "attribute", "extreme", "absent"))]
        scores = Scores(torch.tensor([0.8, 0.4, 0.0, 0.0]), torch.tensor([False, False, True, True]))
        found = measure(samples, scores)
        assert found["miou"]["value"] == pytest.approx(0.4, abs=1e-4)
        assert found["acc@0.5"]["value"] == 0.5
        assert found["absent_f1"]["value"] == pytest.approx(2 / 3, abs=1e-4)
        assert found["by_type"]["attribute"]["miou"]["value"] == pytest.approx(0.6, abs=1e-4)
        assert set(found["by_type"]["absent"]) == {"acc@0.5"}


class TestEvaluateGroundedSam:
    def test_what_is_reported(self):
        result = evaluate_grounded_sam(limit=24)
        assert {"split", "n", "checkpoint", "device", "seconds", "metrics", "baselines"} == set(result)
        assert set(result["baselines"]) == {"box_as_mask", "true_box", "true_box_as_mask", "other_phrases"}
        assert " + segment_anything" in result["checkpoint"]
        for metrics in (result["metrics"], *result["baselines"].values()):
            interval = metrics["miou"]
            assert 0 <= interval["low"] <= interval["value"] <= interval["high"] <= 1
        value = {name: metrics["miou"]["value"] for name, metrics in result["baselines"].items()}
        assert value["true_box"] > value["true_box_as_mask"]
        assert result["metrics"]["miou"]["value"] > value["other_phrases"]
        assert "by_type" in table({"name": "grounded_sam", **result})

    def test_errors(self, unhooked):
        with pytest.raises(ValueError, match="limit: expected 1 or more, got 0"):
            evaluate_grounded_sam(limit=0)
        with pytest.raises(ValueError, match="name: expected one of"):
            evaluate_grounded_sam(limit=1, split="train")


class TestBench:
    def test_the_published_pair_in_small(self):
        """The function that runs on a GPU, with tiny models of the same classes: both sides find the same."""
        from gk_utils.bench.running import load

        (row,) = load("grounded_sam").against_transformers("cpu", whole=False, case="tiny")
        assert row["max_error"] < 1e-3  # pixels
        assert row["same_boxes"] == 1
        assert row["mask_iou"] > 0.5  # one side resizes eight bits a channel, the other floats
        assert row["ratio"] > 0

    def test_no_embedding_twice(self):
        from gk_utils.bench.running import load

        rows = load("grounded_sam").mini_rows("cpu", 0.003)
        assert {row["case"]: row["encoder_calls"] for row in rows}["2 pictures x 2 phrases, again"] == 0
        assert all(row["encoder_calls"] <= 2 and row["per_second"] > 0 for row in rows)
