import numpy as np
import pytest
import torch

from gk_utils.classroom import report


class TestReport:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (1 / 7, "0.143"),
            (3, "3"),
            (True, "True"),
            ("mug", "mug"),
            (-0.0001, "0.000"),
            (-0.0006, "-0.001"),
            (float("nan"), "nan"),
            (float("inf"), "inf"),
            (np.float32(0.5), "0.500"),
            (np.int64(4), "4"),
            (torch.tensor(0.5), "0.500"),
            (torch.tensor([[0.5]]), "0.500"),
            (torch.tensor(7), "7"),
            (torch.tensor([1.0, 2.0]), "[1.000, 2.000]"),
            (torch.tensor([[1, 2], [3, 4]]), "[[1, 2], [3, 4]]"),
            (np.array([0.1234]), "0.123"),
            ([1, 0.5, torch.tensor(0.25)], "[1, 0.500, 0.250]"),
            ((10.0, 20.0), "[10.000, 20.000]"),
            ([], "[]"),
            (torch.tensor([1.0, 2.0], requires_grad=True), "[1.000, 2.000]"),
        ],
    )
    def test_rounds_the_same_way_everywhere(self, value, text, capsys):
        assert report("value", value) is None
        assert capsys.readouterr().out == f"value: {text}\n"

    def test_interval_and_unit(self, capsys):
        report("error", 2.5, low=1, high=4.25, unit="px")
        report("error", 2.5, unit="px")
        assert capsys.readouterr().out == "error: 2.500 [1.000, 4.250] px\nerror: 2.500 px\n"

    @pytest.mark.parametrize(("low", "high"), [(1.0, None), (None, 1.0), (2.0, 1.0)])
    def test_bad_interval(self, low, high):
        with pytest.raises(ValueError, match="low: expected low <= high, both or neither"):
            report("x", 1.5, low=low, high=high)

    @pytest.mark.parametrize("value", [None, {"a": 1}, object, [None]])
    def test_bad_value(self, value):
        with pytest.raises(TypeError, match="value: expected a number, text, or a tensor"):
            report("x", value)
