import numpy as np
import pytest
import torch

from gk_utils.classroom.describe import describe, without_addresses


class TestDescribe:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (1 / 3, "0.333333"),
            ((1,), "(1,)"),
            ({"a": [1.0, None]}, "{'a': [1, None]}"),
            (set(), "set()"),
            ({"b", "a"}, "{'a', 'b'}"),
            (np.array([1.5]), "array([1.5])"),
            (np.zeros((5, 6)), "an array of shape (5, 6)"),
            (torch.zeros(0, 4), "an empty tensor of shape (0, 4)"),
            (torch.tensor(True), "tensor(True)"),
            (len, "len"),
        ],
    )
    def test_known(self, value, text):
        assert describe(value) == text

    def test_long_values_are_cut(self):
        assert len(describe("a" * 1000)) == 160
        assert describe("a" * 1000).endswith("...")

    def test_no_addresses(self):
        assert describe(object()) == "<object object>"
        assert without_addresses("<A at 0x7f00> and <B at 0xABC>") == "<A> and <B>"
