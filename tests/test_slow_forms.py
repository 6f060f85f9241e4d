"""The reading between cells, and the memory of grid_sample. That all forms are equal is in test_roi_align.py."""

import torch
from some_rois import SCALE, some_boxes, some_features
from torch import tensor
from torch.nn.functional import grid_sample
from torch.testing import assert_close

from gk_utils.roi_align import bilinear, roi_align_grid_sample, slow_forms


class TestBilinear:
    def test_by_hand(self):
        feature = tensor([[[0.0, 10], [20, 30]]])
        for x, y, value in ((0.5, 0.5, 0), (1.5, 0.5, 10), (1.0, 1.0, 15), (0.75, 1.5, 22.5)):
            assert bilinear(feature, tensor(x), tensor(y)).tolist() == [value]

    def test_the_border(self):
        """Half a cell outside the border goes on; further out there is nothing."""
        feature = tensor([[[1.0, 2], [3, 4]]])
        for x, y, value in ((-0.5, 0.5, 1), (2.5, 2.5, 4), (-0.51, 0.5, 0), (0.5, 2.51, 0), (0.0, 0.0, 1)):
            assert bilinear(feature, tensor(x), tensor(y)).tolist() == [value]

    def test_equals_grid_sample_inside(self):
        feature = some_features()[0]
        points = torch.rand(30, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        expected = grid_sample(feature[None], points[None, None] * 2 - 1, padding_mode="border", align_corners=False)
        h, w = feature.shape[1:]
        ours = torch.stack([bilinear(feature, x * w, y * h) for x, y in points], 1)
        assert_close(ours, expected[0, :, 0], rtol=1e-10, atol=1e-10)

    def test_gradcheck(self):
        feature = some_features()[0].requires_grad_()
        point = tensor([3.21, 4.87], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda f, p: bilinear(f, *p), (feature, point))


class TestRoiAlignGridSample:
    def test_more_boxes_than_go_at_once(self, monkeypatch):
        features, boxes = some_features(), some_boxes(50)
        expected = roi_align_grid_sample(features, boxes, 2, spatial_scale=SCALE)
        monkeypatch.setattr(slow_forms, "AT_ONCE", 3)
        assert torch.equal(roi_align_grid_sample(features, boxes, 2, spatial_scale=SCALE), expected)
