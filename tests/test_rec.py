import json
from collections import Counter

import pytest
import torch
from some_words import words_alone

from gk_utils import checkpoints
from gk_utils.__main__ import main
from gk_utils.checkpoints import Card
from gk_utils.countertop.dataset import Sample, read_split
from gk_utils.countertop.wording import vocabulary
from gk_utils.evaluate import as_text, evaluate, evaluation_of, rec
from gk_utils.evaluate.rec import Answers, evaluate_rec, measure
from gk_utils.models.trunk_recipe import build


def sample(type: str, box: tuple[float, float, float, float] | None, seed: int = 0) -> Sample:
    return Sample("val", seed, "0" * 12, "the mug", type, "refcoco", None if box is None else 0, box)


SAMPLES = [
    sample("attribute", (0.0, 0.0, 10.0, 10.0), 1),
    sample("attribute", (0.0, 0.0, 40.0, 40.0), 2),
    sample("extreme", (0.0, 0.0, 20.0, 20.0), 3),
    sample("absent", None, 4),
]
TRUTH = torch.tensor([sample.box or (0, 0, 0, 0) for sample in SAMPLES])


def values(metrics: dict) -> dict:
    """The values alone."""
    return {name: part["value"] if "low" in part else values(part) for name, part in metrics.items()}


class TestMeasure:
    def test_by_hand(self):
        """IoUs of 1, 0.6 and 0, and a box where there is nothing."""
        boxes = torch.tensor([[0.0, 0, 10, 10], [0.0, 0, 24, 40], [50.0, 50, 60, 60], [0.0, 0, 5, 5]])
        found = values(measure(SAMPLES, TRUTH, Answers(boxes, torch.zeros(4, dtype=torch.bool))))
        assert found["acc@0.5"] == 0.5
        assert found["acc@0.75"] == 0.25
        assert found["miou"] == pytest.approx(1.6 / 3, abs=1e-4)
        assert found["absent_f1"] == 0.0
        assert found["by_type"]["attribute"] == {"acc@0.5": 1.0, "acc@0.75": 0.5, "miou": 0.8}
        assert found["by_type"]["absent"] == {"acc@0.5": 0.0, "acc@0.75": 0.0}
        assert {name: part["acc@0.5"] for name, part in found["by_size"].items()} == {
            **{"small": 1.0, "medium": 0.0, "large": 1.0}
        }

    def test_none_where_something_is(self):
        """To say "none" is wrong for three and right for one, however good the box beside it."""
        found = values(measure(SAMPLES, TRUTH, Answers(TRUTH.clone(), torch.ones(4, dtype=torch.bool))))
        assert found["acc@0.5"] == 0.25
        assert found["miou"] == 0.0
        assert found["absent_f1"] == pytest.approx(2 / 5, abs=1e-4)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """A checkpoint with random weights."""
    torch.manual_seed(0)
    settings = {"words": vocabulary(), "image_side": 64, "patch": 16, "width": 24, "heads": 2, "joint_layers": 1}
    folder = tmp_path_factory.mktemp("untrained")
    checkpoints.save(build(settings).state_dict(), folder, Card("trunk_small", 0, 0, "CPU", 0.0, {}, settings))
    return folder


@pytest.fixture(autouse=True)
def words(monkeypatch):
    """A baseline that reads words alone and is fitted at once."""
    monkeypatch.setattr(rec, "language_only", words_alone)


class TestEvaluateRec:
    def test_what_is_reported(self, untrained):
        result = evaluate("rec", limit=40, checkpoint=str(untrained))
        assert {"name", "split", "n", "checkpoint", "device", "seconds", "metrics", "baselines"} == set(result)
        assert (result["name"], result["split"], result["n"]) == ("rec", "val", 40)
        assert set(result["baselines"]) == {"centre_box", "largest_object", "language_only", "other_picture"}
        for metrics in (result["metrics"], *result["baselines"].values()):
            assert {"acc@0.5", "acc@0.75", "miou", "absent_f1", "by_type", "by_dialect", "by_size"} == set(metrics)
            interval = metrics["acc@0.5"]
            assert 0 <= interval["low"] <= interval["value"] <= interval["high"] <= 1
        types = Counter(sample.type for sample in read_split("val")[:40])
        assert set(result["metrics"]["by_type"]) == set(types)
        assert result["metrics"]["acc@0.5"]["value"] < 0.3
        assert as_text(result).count("\n") > 20

    def test_the_shipped_trunk_beats_every_baseline(self):
        result = evaluate("rec", limit=32)
        others = [metrics["acc@0.5"]["high"] for metrics in result["baselines"].values()]
        assert result["metrics"]["acc@0.5"]["low"] > max(others)

    def test_errors(self):
        with pytest.raises(ValueError, match="name: expected one of 'rec'"):
            evaluate("rek")
        with pytest.raises(ValueError, match="limit: expected 1 or more, got 0"):
            evaluate("rec", limit=0)
        with pytest.raises(ValueError, match="name: expected one of 'val'"):
            evaluate("rec", split="train")
        assert evaluation_of("rec") is evaluate_rec


class TestCommand:
    def test_prints_one_json_object(self, untrained, capsys):
        assert main(["evaluate", "rec", "--limit", "16", "--checkpoint", str(untrained), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["n"] == 16

    @pytest.mark.parametrize("arguments", [["rek"], ["rec", "--split", "train"], ["rec", "--limit", "0"]])
    def test_bad_arguments(self, arguments, capsys):
        with pytest.raises(SystemExit) as stopped:
            main(["evaluate", *arguments])
        assert stopped.value.code == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
