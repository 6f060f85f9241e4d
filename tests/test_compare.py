from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.classroom.compare import difference, unchanged

NAN, INF = float("nan"), float("inf")
Pair = namedtuple("Pair", "x y")
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@dataclass
class Result:
    boxes: torch.Tensor
    phrase: str


class TestDifference:
    @pytest.mark.parametrize(
        ("expected", "got"),
        [
            (0.25, 0.25 + 9e-6),
            (1e6, 1e6 + 9),
            (2.0, 2),
            (400, 400.0),
            (400, 400.0001),
            (0.5, np.float32(0.5)),
            (0.5, torch.tensor(0.5)),
            (np.float64(0.5), 0.5),
            (3, np.int64(3)),
            (3, torch.tensor(3)),
            (True, np.bool_(True)),
            (True, torch.tensor(True)),
            ([1.0, 2.0], (1.0, 2.0)),
            ((1, "mug"), Pair(1, "mug")),
            ({"a": 1, "b": None}, {"b": None, "a": 1}),
            ({1, 2}, {2, 1}),
            (INF, INF),
            (torch.tensor([1.0, INF]), torch.tensor([1.0, INF], dtype=torch.float64)),
            (torch.tensor([1, 2]), torch.tensor([1, 2], dtype=torch.int32)),
            (torch.tensor([1.0]), torch.tensor([1.0], requires_grad=True)),
            (torch.zeros(0, 4), torch.zeros(0, 4)),
            (torch.tensor([1j]), torch.tensor([1j])),
            (np.arange(4)[::-1], np.arange(4, dtype=np.int32)[::-1]),
            (np.array(["a", None], dtype=object), np.array(["a", None], dtype=object)),
            (Result(torch.ones(2), "mug"), Result(torch.ones(2), "mug")),
            (torch.float32, torch.float32),
        ],
    )
    def test_equal(self, expected, got):
        assert difference(expected, got) is None

    @pytest.mark.parametrize(
        ("expected", "got", "kind", "text"),
        [
            (0.25, 0.2501, "value", "expected 0.25, got 0.2501"),
            (0.1, 0.1 + 2e-5, "value", "expected 0.1, got 0.10002"),
            (0.25, NAN, "nan", "expected 0.25, got nan"),
            (0.25, -INF, "infinite", "expected 0.25, got -inf"),
            (INF, 3.0, "value", "expected inf, got 3"),
            (0.25, None, "type", "expected a number (float), got None"),
            (1.0, True, "type", "expected a number (float), got True or False"),
            (1.0, "1.0", "type", "expected a number (float), got text (str)"),
            (1.0, torch.tensor([1.0]), "type", "expected a number (float), got a tensor of shape (1,)"),
            (1, True, "type", "expected a whole number (int), got True or False"),
            (1, 1.5, "value", "expected 1, got 1.5"),
            (1, "1", "type", "expected a whole number (int), got text (str)"),
            (True, 1, "type", "expected True or False, got a whole number (int)"),
            (None, 0, "type", "expected None, got a whole number (int)"),
            (3, 4, "value", "expected 3, got 4"),
            (2**60, 2**60 + 1, "value", f"expected {2**60}, got {2**60 + 1}"),
            ("mug", "cup", "value", "expected 'mug', got 'cup'"),
            ({1}, {2}, "value", "expected {1}, got {2}"),
            ([1, 2], [1], "length", "expected 2 items, got 1"),
            ([1, [2, 3]], [1, [2, 4]], "value", "in result[1][1]: expected 3, got 4"),
            ([1], torch.tensor([1]), "type", "expected a list, got a tensor of shape (1,)"),
            ({"a": 1}, {}, "keys", "got a dict without the key 'a'"),
            ({}, {"b": 1}, "keys", "got a dict with a key 'b' that is not expected"),
            ({"a": [1.0]}, {"a": [2.0]}, "value", "in result['a'][0]: expected 1, got 2"),
            ({}, [], "type", "expected a dict, got a list"),
            (torch.ones(2), [1.0, 1.0], "type", "expected a tensor of shape (2,), got a list"),
            (torch.ones(2), np.ones(2), "type", "expected a tensor of shape (2,), got a numpy array of shape (2,)"),
            (torch.tensor(1.0), 1.0, "type", "expected a tensor of shape (), got a number (float)"),
            (torch.ones(2, 3), torch.ones(3, 2), "shape", "expected shape (2, 3), got (3, 2)"),
            (
                torch.ones(2),
                torch.ones(2).int(),
                "numbers",
                "expected floating-point numbers, got whole numbers (int32)",
            ),
            (
                torch.ones(2).bool(),
                torch.ones(2),
                "numbers",
                "expected True and False, got floating-point numbers (float32)",
            ),
            (
                torch.ones(1),
                torch.tensor([1j]),
                "numbers",
                "expected floating-point numbers, got complex numbers (complex64)",
            ),
            (
                torch.tensor([1, 2]),
                torch.tensor([1, 3]),
                "value",
                "1 of 2 values differ, the first at [1]: expected 2, got 3",
            ),
            (torch.zeros(2, 2), torch.eye(2), "value", "2 of 4 values differ, the first at [0, 0]: expected 0, got 1"),
            (torch.tensor(1.0), torch.tensor(2.0), "value", "expected 1, got 2"),
            (torch.tensor([1.0]), torch.tensor([NAN]), "nan", "at [0]: expected 1, got nan"),
            (torch.tensor([1.0]), torch.tensor([INF]), "infinite", "at [0]: expected 1, got inf"),
            (torch.tensor([INF]), torch.tensor([1.0]), "value", "at [0]: expected inf, got 1"),
            (torch.tensor([NAN]), torch.tensor([NAN]), "nan", "at [0]: expected nan, got nan"),
            (torch.tensor([1j]), torch.tensor([2j]), "value", "at [0]: expected 1j, got 2j"),
            (
                {"t": torch.ones(2)},
                {"t": torch.zeros(2)},
                "value",
                "in result['t']: 2 of 2 values differ, the first at [0]: expected 1, got 0",
            ),
            (
                Result(torch.ones(1), "mug"),
                Result(torch.ones(1), "cup"),
                "value",
                "in result.phrase: expected 'mug', got 'cup'",
            ),
            (Result(torch.ones(1), "mug"), "mug", "type", "expected a Result, got text (str)"),
            (torch.float32, torch.float64, "value", "expected torch.float32, got torch.float64"),
            (
                np.array(["a"], dtype=object),
                np.array(["b"], dtype=object),
                "value",
                "in result[0]: expected 'a', got 'b'",
            ),
        ],
    )
    def test_different(self, expected, got, kind, text):
        found = difference(expected, got)
        assert (found.kind, found.text) == (kind, text)

    def test_nan_never_passes(self):
        for one in (NAN, [NAN], {"a": NAN}, np.array([NAN]), np.float32(NAN), torch.tensor(NAN)):
            assert difference(one, one).kind == "nan"

    def test_tolerance(self):
        assert difference(1.0, 1.01, tolerance=0.02) is None
        assert difference(torch.ones(1), torch.ones(1) * 1.01, tolerance=0.02) is None
        assert difference(1.0, 1.0 + 1e-9, tolerance=1e-12).text == "expected 1, got 1.0000000010000001"

    def test_read_only_array(self):
        array = np.ones(3)
        array.setflags(write=False)
        assert difference(array, array) is None

    @settings(max_examples=25, deadline=None)
    @given(PLAIN)
    def test_everything_plain_equals_itself(self, value):
        assert difference(value, value) is None
        assert unchanged(value, value)


class TestUnchanged:
    @pytest.mark.parametrize(
        "value", [1, NAN, "a", None, [1, {"a": (2.0, NAN)}], torch.tensor([1.0, NAN]), np.array([NAN]), {1}, print]
    )
    def test_same(self, value):
        assert unchanged(value, value)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (torch.ones(2), torch.zeros(2)),
            (torch.ones(2), torch.ones(1, 2)),
            (torch.ones(2), torch.ones(2).double()),
            (np.ones(2), np.zeros(2)),
            ([1, 2], [1]),
            ([1, [2]], [1, [3]]),
            ({"a": 1}, {"a": 2}),
            ({"a": 1}, {"b": 1}),
            ({1}, {2}),
            (1.0, NAN),
        ],
    )
    def test_changed(self, before, after):
        assert not unchanged(before, after)
