import numpy as np
import pytest
import torch

from gk_utils.classroom.containers import each_number, rows, swap_xy


class TestRows:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ([[1.0, 2.0]], [[2.0, 1.0]]),
            ((1, 2), (2, 1)),
            ([(1, 2), (3, 4)], [(2, 1), (4, 3)]),
            (([1, 2], [3, 4]), ([2, 1], [4, 3])),
            ("mug", "mug"),
            ([[1], [2, 3]], [[1], [2, 3]]),
            (["mug"], ["mug"]),
            (None, None),
            ([], []),
            (3.0, 3.0),
        ],
    )
    def test_keeps_the_container(self, value, expected):
        assert repr(rows(value, swap_xy)) == repr(expected)

    def test_tensors_and_arrays_keep_their_kind(self):
        tensor = rows(torch.tensor([[1, 2]], dtype=torch.int32), swap_xy)
        assert (tensor.tolist(), tensor.dtype) == ([[2, 1]], torch.int32)
        array = rows(np.array([1, 2], dtype=np.float32), swap_xy)
        assert (array.tolist(), array.dtype) == ([2, 1], np.float32)

    def test_whole_numbers_stay_whole_only_if_they_can(self):
        assert repr(rows([1, 2], lambda table: table * 2)) == "[2, 4]"
        assert repr(rows([1, 2], lambda table: table / 2)) == "[0.5, 1.0]"


class TestSwapXy:
    def test_points_boxes_and_anything_else(self):
        assert swap_xy(torch.tensor([1, 2])).tolist() == [2, 1]
        assert swap_xy(torch.tensor([[1, 2, 3, 4]])).tolist() == [[2, 1, 4, 3]]
        assert swap_xy(torch.tensor([1, 2, 3])).tolist() == [1, 2, 3]
        assert swap_xy(torch.tensor(7)).tolist() == 7


class TestEachNumber:
    def test_every_kind(self):
        value = {"a": (1, 2.5, True, "x", None), "t": torch.tensor([1.0]), "b": torch.tensor([True])}
        changed = each_number(value, lambda number: number + 1)
        assert changed["a"] == (2, 3.5, True, "x", None)
        assert changed["t"].tolist() == [2.0]
        assert changed["b"].tolist() == [True]

    def test_opposites(self):
        changed = each_number([True, torch.tensor([True]), np.array([False])], lambda number: number, with_bools=True)
        assert [changed[0], changed[1].tolist(), changed[2].tolist()] == [False, [False], [True]]
