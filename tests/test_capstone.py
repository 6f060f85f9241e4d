"""The evaluation of the assistant."""

import pytest
import torch
from scipy.stats import beta
from some_assistant import some_assistant

from gk_utils.assistant.exam import ASKED, read_exam
from gk_utils.assistant.sitting import lay_out
from gk_utils.evaluate import as_text, evaluate
from gk_utils.evaluate.capstone import invented_in, rare_interval


class TestEvaluateCapstone:
    def test_the_first_ten(self):
        result = evaluate("capstone", limit=10)
        assert set(result) >= {"name", "split", "n", "checkpoint", "device", "seconds", "metrics", "baselines"}
        assert set(result["metrics"]) == {  # "fresh" only where all questions are asked
            *("right", "right_in_words", "invented", "invented_absent", "missed", "by_kind")
        }
        assert result["baselines"]["always_none"]["missed"]["value"] == 1
        assert set(result["metrics"]["by_kind"]) == set(ASKED)
        assert set(result["baselines"]) == {
            *("always_yes", "always_none", "usual_answer", "language_only", "other_picture")
        }
        assert result["metrics"]["right"]["value"] >= 0.8
        for name, metrics in result["baselines"].items():
            assert metrics["right"]["value"] < result["metrics"]["right"]["value"], name
        assert "capstone on 10 of val" in as_text(result)

    @pytest.mark.parametrize("options", [{"split": "testA"}, {"limit": 1}])
    def test_bad_arguments(self, options):
        with pytest.raises(ValueError, match="expected"):
            evaluate("capstone", **options)


class TestInventedIn:
    def test_absent_things_and_descriptions_apart(self):
        some = [one for one in read_exam()[:20] if one.kind in ("describe", "region")]
        found = invented_in(some_assistant(), lay_out(some))
        assert set(found) == {"invented_absent", "invented_described"}
        assert all(0 <= one["low"] <= one["value"] <= one["high"] <= 1 for one in found.values())


class TestRareInterval:
    @pytest.mark.parametrize(("k", "n"), [(0, 41), (1, 41), (3, 410), (5, 5)])
    def test_equals_the_quantiles_of_beta(self, k, n):
        found = rare_interval(torch.arange(n) < k)
        assert found["value"] == round(k / n, 4)
        assert found["low"] == (pytest.approx(beta.ppf(0.025, k, n - k + 1), abs=1e-4) if k else 0)
        assert found["high"] == (pytest.approx(beta.ppf(0.975, k + 1, n - k), abs=1e-4) if k < n else 1)

    def test_of_nothing(self):
        assert rare_interval(torch.zeros(0, dtype=torch.bool)) == {"value": 0, "low": 0, "high": 0}
