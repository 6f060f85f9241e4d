"""What `evaluate kosmos2` measures."""

import pytest
import torch

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.countertop.questions import Question
from gk_utils.evaluate import kosmos2
from gk_utils.evaluate.kosmos2 import evaluate_kosmos2, true_caption, usual_answer, with_intervals, words_alone
from gk_utils.evaluate.language_only import LanguageOnly
from gk_utils.kosmos2.caption_scores import pictures_of, tally
from gk_utils.kosmos2.kosmos_model import build_kosmos

SETTINGS = {"trunk": "trunk_small", "width": 16, "heads": 2, "layers": 1, "inner": 16, "captions": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.manual_seed(0)
    made = tmp_path_factory.mktemp("kosmos2")
    checkpoints.save(build_kosmos(SETTINGS).state_dict(), made, Card("kosmos2_small", 0, 1, "CPU", 0.1, {}, SETTINGS))
    return made


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Baselines that have learned little."""
    few = LanguageOnly(["a red mug", "two cats"], torch.tensor([[0.1, 0.1, 0.4, 0.5], [0.5, 0.2, 0.9, 0.8]]))
    monkeypatch.setattr(kosmos2, "language_only", lambda: few)
    monkeypatch.setattr(kosmos2, "LEARNED_FROM", 20)


@pytest.fixture(scope="module")
def pictures():
    return pictures_of("val", 6, "trunk_small")


class TestEvaluateKosmos2:
    def test_what_it_prints(self, folder):
        found = evaluate_kosmos2(limit=4, checkpoint=str(folder))
        assert {"split", "n", "checkpoint", "device", "metrics", "baselines", "seconds"} == found.keys()
        assert {"phrase_box_f1", "hallucinated_phrases", "things_named", "vqa_accuracy", "by_kind"} == found[
            "metrics"
        ].keys()
        assert {"language_only", "other_picture", "patch_grid"} == found["baselines"].keys()
        assert found["metrics"]["vqa_accuracy"].keys() == {"value", "low", "high"}
        assert found["baselines"]["patch_grid"]["phrase_box_f1"]["value"] > 0.9

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match="split: expected one of"):
            evaluate_kosmos2(split="train")
        with pytest.raises(ValueError, match="limit: expected 2"):
            evaluate_kosmos2(limit=1)


class TestBaselines:
    def test_the_truth_is_right(self, pictures):
        scores = tally([true_caption(one, place) for place, one in enumerate(pictures)], pictures)
        assert scores.f1 > 0.9
        assert scores.hallucinated == 0

    def test_words_alone_are_not(self, pictures):
        scores = tally([words_alone(place) for place in range(len(pictures))], pictures)
        assert scores.f1 < 0.4
        assert words_alone(0) == words_alone(0)

    def test_usual_answers(self):
        assert usual_answer(Question("Is there a mug?", "no", "yes-no", ())) in ("yes", "no")
        unseen = Question("How many unicorns are there?", "7", "count", ())
        assert usual_answer(unseen).isdecimal()


class TestWithIntervals:
    def test_without_answers(self, pictures):
        found = with_intervals(tally([true_caption(one, place) for place, one in enumerate(pictures)], pictures))
        assert found.keys() == {"phrase_box_f1", "hallucinated_phrases", "things_named"}
        assert found["phrase_box_f1"]["low"] <= found["phrase_box_f1"]["value"] <= found["phrase_box_f1"]["high"]
