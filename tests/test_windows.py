import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_sam import perturbed
from torch.testing import assert_close

from gk_utils.segment_anything.windows import (
    WindowAttention,
    join_windows,
    relative_bias,
    relative_bias_loop,
    split_windows,
)


class TestSplitWindows:
    def test_by_hand(self):
        windows = split_windows(torch.arange(16.0).view(1, 4, 4, 1), 2)
        assert windows[..., 0].flatten(1).tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]

    def test_zeros_fill_the_last_windows(self):
        windows = split_windows(torch.ones(1, 3, 3, 1), 2)
        assert windows.sum((1, 2, 3)).tolist() == [4, 2, 2, 1]

    def test_a_window_larger_than_the_map(self):
        assert split_windows(torch.ones(2, 3, 2, 5), 4).shape == (2, 4, 4, 5)


class TestJoinWindows:
    @settings(max_examples=25, deadline=None)
    @given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 5))
    def test_is_the_inverse(self, h, w, window):
        cells = torch.arange(2.0 * h * w * 3).view(2, h, w, 3)
        assert join_windows(split_windows(cells, window), (h, w)).equal(cells)


class TestRelativeBias:
    def test_by_hand(self):
        # One row of two cells with features 1 and 10: the second looks one to the left, columns[2].
        query = torch.tensor([[[1.0], [10.0]]])
        bias = relative_bias(query, torch.tensor([[0.5]]), torch.tensor([[1.0], [2.0], [3.0]]))
        assert bias.tolist() == [[2.5, 1.5], [35.0, 25.0]]

    def test_is_the_loop(self):
        torch.manual_seed(0)
        query, rows, columns = torch.randn(2, 3, 4, 5), torch.randn(5, 5), torch.randn(7, 5)
        found = relative_bias(query, rows, columns)
        for one, each in zip(found, query, strict=True):
            assert_close(one, relative_bias_loop(each, rows, columns))

    def test_gradient(self):
        torch.manual_seed(0)
        leaves = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in ((2, 3, 2), (3, 2), (5, 2))]
        assert torch.autograd.gradcheck(relative_bias, leaves)

    def test_another_number_of_distances(self):
        with pytest.raises(ValueError, match=r"rows: expected 3 vectors, and 5 of columns, for cells of 2 x 3, got 4"):
            relative_bias(torch.zeros(2, 3, 1), torch.zeros(4, 1), torch.zeros(5, 1))


class TestWindowAttention:
    def test_is_attention_cell_by_cell(self):
        layer = perturbed(WindowAttention(6, heads=2, grid_hw=(2, 3)))
        cells = torch.randn(1, 2, 3, 6, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            query, key, value = layer.qkv(cells).view(6, 3, 2, 3).unbind(1)  # cells 3 heads c
            read = torch.zeros(6, 2, 3)
            for head in range(2):
                bias = relative_bias_loop(query[:, head].view(2, 3, 3), layer.rows, layer.columns)
                for cell in range(6):
                    scores = key[:, head] @ query[cell, head] / 3**0.5 + bias[cell]
                    read[cell, head] = scores.softmax(0) @ value[:, head]
            assert_close(layer(cells), layer.project(read.flatten(1)).view(1, 2, 3, 6))

    def test_windows_do_not_see_each_other(self):
        layer = perturbed(WindowAttention(4, heads=1, grid_hw=(2, 2)))
        cells = torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(0))
        changed = cells.clone()
        changed[:, :, 2:] += 1
        with torch.no_grad():
            before, after = (join_windows(layer(split_windows(x, 2)), (2, 4)) for x in (cells, changed))
        assert_close(before[:, :, :2], after[:, :, :2])
        assert not torch.allclose(before[:, :, 2:], after[:, :, 2:])
