import pytest
import torch
import torchvision.ops
from hypothesis import given, settings
from hypothesis import strategies as st
from some_rois import SCALE, as_list, some_boxes, some_features
from torch import tensor
from torch.testing import assert_close

from gk_utils.roi_align import pooling_cells, roi_pool


class TestPoolingCells:
    def test_the_two_roundings_by_hand(self):
        """23 to 71 px at stride 16 is 1.44 to 4.44: cells 1 to 4. Four cells in three bins: borders 0, 1.3, 2.7, 4."""
        cells = pooling_cells(tensor([23.0, 0, 71, 15]), (8, 8), (1, 3), spatial_scale=1 / 16)
        assert cells[0, :, 0::2].tolist() == [[1, 3], [2, 4], [3, 5]]

    def test_halves_go_away_from_zero(self):
        cells = pooling_cells(tensor([0.5, 1.5, 2.5, 3.5]), (9, 9), 1)
        assert cells.flatten().tolist() == [1, 2, 4, 5]
        assert pooling_cells(tensor([-2.5, -0.4, 1, 1]), (9, 9), (1, 5))[0, :, 0::2].tolist() == [
            *([0, 0], [0, 0], [0, 0], [0, 1], [1, 2])
        ]

    def test_less_than_a_cell_is_one_cell(self):
        assert pooling_cells(tensor([20.0, 20, 20, 20]), (8, 8), 1, spatial_scale=1 / 16).tolist() == [[[1, 1, 2, 2]]]

    def test_outside_there_are_none(self):
        cells = pooling_cells(tensor([300.0, 0, 400, 15]), (8, 8), 2, spatial_scale=1 / 16)
        assert cells[..., 0].tolist() == cells[..., 2].tolist() == [[8, 8], [8, 8]]

    def test_error_texts(self, unhooked):
        with pytest.raises(ValueError, match="box: expected x1 <= x2"):
            pooling_cells(tensor([3.0, 0, 1, 1]), (8, 8), 2)
        with pytest.raises(ValueError, match="spatial_scale: expected a number above 0"):
            pooling_cells(tensor([0.0, 0, 1, 1]), (8, 8), 2, spatial_scale=0)


class TestRoiPool:
    def test_by_hand(self):
        """Cells 1 and 2 in two bins; the largest of each is in its last row."""
        features = torch.arange(16.0).view(1, 1, 4, 4)
        assert roi_pool(features, [tensor([[1.0, 0, 2, 3]])], (1, 2)).tolist() == [[[[13, 14]]]]

    @pytest.mark.parametrize("output_hw", [1, 7, (2, 3)])
    @pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
    def test_equals_torchvision_forward_and_backward(self, output_hw, dtype, tolerance):
        features, boxes = some_features(dtype=dtype), some_boxes(15, dtype=dtype)
        found = []
        for form in (roi_pool, torchvision.ops.roi_pool):
            leaf = features.clone().requires_grad_()
            pooled = form(leaf, boxes, output_hw, spatial_scale=SCALE)
            onto = torch.linspace(-1, 1, pooled.numel(), dtype=dtype).view(pooled.shape)
            found.append((pooled.detach(), torch.autograd.grad(pooled, leaf, onto)[0]))
        for ours, theirs in zip(*found, strict=True):
            assert_close(ours, theirs, rtol=tolerance, atol=tolerance)

    @given(st.lists(st.tuples(*[st.integers(-20, 60)] * 4), min_size=1, max_size=4), st.sampled_from([1, 3, 7]))
    @settings(max_examples=40, deadline=None)
    def test_equals_torchvision_on_quarters_of_a_cell(self, corners, bins):
        rows = [[min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)] for x1, y1, x2, y2 in corners]
        boxes, features = [tensor(rows).float() / 4], some_features(b=1, c=1, dtype=torch.float32)
        assert torch.equal(roi_pool(features, boxes, bins), torchvision.ops.roi_pool(features, boxes, bins))

    def test_every_size_and_number_of_bins(self):
        """Borders of bins are rounded after a division: in float32 it goes wrong where torchvision's does."""
        features = torch.arange(120.0).view(1, 1, 1, 120)
        boxes = [torch.stack([tensor([0.0, 0, x, 0]) for x in range(0, 120, 7)])]
        for bins in (3, 7, 11):
            assert torch.equal(
                roi_pool(features, boxes, (1, bins)), torchvision.ops.roi_pool(features, boxes, (1, bins))
            )

    def test_a_list_is_the_same_as_rows(self):
        features, boxes = some_features(), some_boxes(10)
        boxes = boxes[boxes[:, 0].argsort(stable=True)]
        assert torch.equal(roi_pool(features, boxes, 2), roi_pool(features, as_list(boxes), 2))

    def test_no_boxes(self):
        features = some_features().requires_grad_()
        pooled = roi_pool(features, torch.zeros(0, 5), (2, 3))
        assert pooled.shape == (0, 3, 2, 3)
        pooled.sum().backward()
        assert not features.grad.any()

    def test_empty_bins_are_zero_without_a_gradient(self):
        features = some_features(b=1).requires_grad_()
        pooled = roi_pool(features, [tensor([[-90.0, -90, -80, -80]])], 2)
        assert not pooled.any()
        pooled.sum().backward()
        assert not features.grad.any()

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_precision_against_float32(self, dtype):
        features, boxes = some_features(dtype=dtype), some_boxes(10, dtype=torch.float32)
        pooled = roi_pool(features, boxes, 3, spatial_scale=SCALE)
        assert pooled.dtype == dtype
        assert torch.equal(pooled.float(), roi_pool(features.float(), boxes, 3, spatial_scale=SCALE))

    def test_no_gradient_of_the_boxes(self):
        boxes = some_boxes(5).requires_grad_()
        assert not roi_pool(some_features(), boxes, 2).requires_grad
