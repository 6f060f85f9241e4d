"""The evaluation of the assistant."""

import pytest

from gk_utils.assistant.exam import ASKED
from gk_utils.evaluate import as_text, evaluate


class TestEvaluateCapstone:
    def test_the_first_ten(self):
        result = evaluate("capstone", limit=10)
        assert set(result) >= {"name", "split", "n", "checkpoint", "device", "seconds", "metrics", "baselines"}
        assert set(result["metrics"]) == {"right", "right_in_words", "invented", "by_kind"}
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
