import pytest
from some_talk import SETTINGS, tiny_talker
from some_words import words_alone

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.countertop.splits import read_split
from gk_utils.evaluate import evaluation_of, shikra
from gk_utils.evaluate.shikra import evaluate_shikra


class TestEvaluateShikra:
    def test_prints_what_it_should(self, tmp_path, monkeypatch):
        monkeypatch.setattr(shikra, "language_only", words_alone)
        talker = tiny_talker()
        checkpoints.save(talker.model.state_dict(), tmp_path / "tiny", Card("tiny", 0, 1, "CPU", 0.0, {}, SETTINGS))
        found = evaluate_shikra(limit=8, checkpoint=str(tmp_path / "tiny"))
        assert found["n"] == 8
        assert found["checkpoint"] == str(tmp_path / "tiny")
        metrics = found["metrics"]
        for name in ("acc@0.5", "miou", "reg_unique", "point_qa", "region_qa", "truth", "talk"):
            assert metrics[name]["low"] <= metrics[name]["value"] <= metrics[name]["high"]
        assert set(metrics["reading"]) == {"read", "write", "read_minus_write"}
        assert {"by_type", "by_task"} < set(metrics)
        named = {"language_only", "centre_box", "always_none", "no_picture", "other_picture"}
        assert set(found["baselines"]) == named
        absent = [sample.referent is None for sample in read_split("val")[:8]]
        assert found["baselines"]["always_none"]["acc@0.5"]["value"] == sum(absent) / 8

    def test_refuses(self):
        with pytest.raises(ValueError, match="limit: expected 8 or more"):
            evaluate_shikra(limit=3)
        with pytest.raises(FileNotFoundError, match="train shikra_small"):
            evaluate_shikra(limit=8, checkpoint="nowhere")

    def test_is_registered(self):
        assert evaluation_of("shikra") is evaluate_shikra
