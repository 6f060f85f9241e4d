"""What `evaluate box_tokens`, `box_regression` and `text_coordinates` measure, on heads with random weights."""

import json

import pytest
import torch
from some_words import words_alone

from gk_utils import checkpoints
from gk_utils.__main__ import main
from gk_utils.checkpoints import SHIPPED, Card
from gk_utils.evaluate import EVALUATIONS, as_text, evaluate, heads, measure, rec
from gk_utils.evaluate.heads import evaluate_head, milliseconds
from gk_utils.evaluate.rec import evaluate_rec
from gk_utils.heads.grounder import load_head
from gk_utils.heads.recipe import build

N = 80


@pytest.fixture(scope="module", autouse=True)
def few_resamples():
    """Intervals from a tenth of the resamples: what is tested here is not their last digit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "RESAMPLES", 200)
        yield


@pytest.fixture(scope="module", autouse=True)
def words():
    """A baseline that reads words alone and is fitted at once."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (heads, rec):
            patch.setattr(module, "language_only", words_alone)
        yield


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """Checkpoints with random weights, a folder for each kind of head."""
    folders = {}
    for head in ("tokens", "query", "text"):
        folders[head] = tmp_path_factory.mktemp(head)
        settings = {"trunk": "trunk_small", "head": head, "bins": 32, "layers": 1}
        torch.manual_seed(0)
        checkpoints.save(build(settings).state_dict(), folders[head], Card(head, 0, 1, "cpu", 0.1, {}, settings))
    return folders


@pytest.fixture(scope="module")
def results(untrained):
    names = {"tokens": "box_tokens", "query": "box_regression", "text": "text_coordinates"}
    return {head: evaluate_head(names[head], limit=N, checkpoint=str(folder)) for head, folder in untrained.items()}


class TestEvaluateHead:
    def test_its_fields(self, results):
        for result in results.values():
            assert {"split", "n", "checkpoint", "device", "seconds", "metrics", "baselines"} == result.keys()
            assert {"acc@0.5", "acc@0.75", "miou", "by_type", "by_size"} < result["metrics"].keys()
            assert {"ms_per_box", "tokens_per_box", "readable"} < result["metrics"].keys()
            assert {"trunk", "language_only", "centre_box", "other_picture"} <= result["baselines"].keys()
            assert result["n"] == N
        assert "pooled" in results["query"]["baselines"]

    def test_tokens_are_counted(self, results):
        tokens = {head: result["metrics"]["tokens_per_box"]["value"] for head, result in results.items()}
        assert tokens["tokens"] == 4
        assert tokens["query"] == 0
        assert 1 <= tokens["text"] <= 20

    def test_what_cannot_be_read_is_wrong_and_not_a_none(self, results):
        metrics = results["text"]["metrics"]
        assert metrics["readable"]["value"] == 0
        assert metrics["miou"]["value"] == 0
        assert metrics["by_type"]["absent"]["acc@0.5"]["value"] > 0.5

    def test_the_trunk_and_the_blind_ones_score_as_in_rec(self, results):
        trunk = evaluate_rec(limit=N, checkpoint=str(SHIPPED / "trunk_small"))
        for result in results.values():
            assert result["baselines"]["trunk"] == trunk["metrics"]
            for name in ("language_only", "centre_box"):
                assert result["baselines"][name] == trunk["baselines"][name]

    def test_random_weights_lose_to_the_trunk(self, results):
        for result in results.values():
            assert result["metrics"]["miou"]["high"] < result["baselines"]["trunk"]["miou"]["low"]
            assert result["metrics"]["absent_f1"] == result["baselines"]["trunk"]["absent_f1"]

    def test_arguments(self):
        with pytest.raises(ValueError, match="limit: expected 1 or more, got 0"):
            evaluate_head("box_tokens", limit=0)
        with pytest.raises(ValueError, match="name: expected"):
            evaluate_head("box_slots")

    @pytest.mark.parametrize("name", ["box_tokens", "box_regression", "text_coordinates"])
    def test_the_shipped_heads_come_near_the_trunk_and_the_control_does_not(self, name: str):
        """On 240 expressions; the whole split is measured by `evaluate`."""
        result = evaluate(name, limit=240)
        metrics, others = result["metrics"], result["baselines"]
        assert metrics["acc@0.5"]["value"] > 0.7 * others["trunk"]["acc@0.5"]["value"]
        for blind in ("language_only", "centre_box", "other_picture"):
            assert metrics["acc@0.5"]["low"] > others[blind]["acc@0.5"]["high"]
        assert metrics["readable"]["value"] > 0.95


class TestMilliseconds:
    def test_it_times_the_head(self, untrained):
        times = milliseconds(load_head(untrained["tokens"])[0], "the red mug")
        assert times.shape == (20,)
        assert (times > 0).all()


class TestCommand:
    def test_as_json_and_for_people(self, untrained, capsys):
        assert "text_coordinates" in EVALUATIONS
        arguments = ["evaluate", "box_tokens", "--limit", "20", "--checkpoint", str(untrained["tokens"])]
        assert main([*arguments, "--json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        assert printed["name"] == "box_tokens"
        assert "tokens_per_box" in as_text(printed)

    def test_a_trunk_is_no_head(self, capsys):
        with pytest.raises(SystemExit) as stopped:
            main(["evaluate", "box_tokens", "--checkpoint", "data/checkpoints/trunk_small"])
        assert stopped.value.code == 2
        assert "expected a head, got 'trunk_small'" in capsys.readouterr().err
