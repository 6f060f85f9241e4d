"""The fast forms: what they do with many boxes. That they equal torchvision is in test_roi_align.py."""

import pytest
import torch
import torchvision.ops
from some_rois import SCALE, as_list, some_boxes, some_features
from torch import tensor
from torch.testing import assert_close

from gk_utils.roi_align import align, roi_align, roi_align_separable


class TestRoiAlign:
    @pytest.mark.parametrize("most", [(), (1,), (2, 4, 8, 16), (100,)])
    def test_gathered_or_multiplied_is_the_same(self, most, monkeypatch):
        """Adaptive boxes of all sizes: whichever go which way, order, values and gradients stay."""
        features, boxes = some_features(), some_boxes(60)
        found = []
        for limits in ((2, 4, 8, 16), most):
            monkeypatch.setattr(align, "MOST_SAMPLES", limits)
            leaves = features.clone().requires_grad_(), boxes.clone().requires_grad_()
            pooled = roi_align(*leaves, (3, 2), spatial_scale=SCALE, sampling_ratio=0)
            found.append((pooled, *torch.autograd.grad(pooled.square().sum(), leaves)))
        for ours, other in zip(*found, strict=True):
            assert_close(ours, other, rtol=1e-10, atol=1e-10)

    def test_both_ways_are_taken(self, monkeypatch):
        asked = []
        for name in ("_gathered", "_multiplied"):
            form = getattr(align, name)
            monkeypatch.setattr(align, name, lambda *a, form=form, name=name: asked.append(name) or form(*a))
        roi_align(some_features(), some_boxes(60), 2, spatial_scale=SCALE, sampling_ratio=0)
        assert asked == ["_gathered"] * 4 + ["_multiplied"]
        roi_align(some_features(), some_boxes(60), 2, spatial_scale=SCALE)
        assert asked[5:] == ["_gathered"]

    def test_a_square_batch_of_thin_boxes_stays_small(self):
        """Slots are for the longest box of a group: a wide and a high one together do not need wide times high."""
        boxes = [tensor([[0.0, 0, 600, 1], [0, 0, 1, 600]])]
        pooled = roi_align(torch.ones(1, 1, 600, 600), boxes, 1, sampling_ratio=0)
        assert_close(pooled.flatten(), torch.ones(2))

    @pytest.mark.parametrize("rows", [True, False])
    def test_what_a_kernel_is_given(self, rows, monkeypatch):
        """As on a GPU, with torchvision's operation for the kernel: every box with the number of its picture."""
        asked = []

        def kernel(features, rois, height, width, *options):
            asked.append(rois.shape)
            return torchvision.ops.roi_align(features, rois, (height, width), *options)

        features, boxes = some_features(dtype=torch.float32), some_boxes(dtype=torch.float32)
        boxes = boxes[boxes[:, 0].argsort(stable=True)]
        expected = roi_align(features, boxes, (3, 2), spatial_scale=SCALE)
        monkeypatch.setattr(align, "use_triton", torch.is_tensor)
        monkeypatch.setattr(align, "ask_if_good", lambda rois, pictures: lambda: True)
        monkeypatch.setattr(align, "roi_align_op", kernel)
        given = boxes if rows else as_list(boxes)
        assert_close(roi_align(features, given, (3, 2), spatial_scale=SCALE), expected, rtol=1e-4, atol=1e-4)
        assert asked == [boxes.shape]

    def test_options_are_named(self):
        with pytest.raises(TypeError, match="positional"):
            roi_align(some_features(), some_boxes(), 2, SCALE)

    def test_error_text(self, unhooked):
        with pytest.raises(ValueError, match="boxes: expected one tensor for each of 2 pictures, got 1"):
            roi_align(some_features(), [some_boxes()[:, 1:]], 2)


class TestRoiAlignSeparable:
    def test_more_boxes_than_go_at_once(self, monkeypatch):
        features, boxes = some_features(), some_boxes(50)
        expected = roi_align_separable(features, boxes, 2, spatial_scale=SCALE)
        monkeypatch.setattr(align, "AT_ONCE", 3)
        assert_close(roi_align_separable(features, boxes, 2, spatial_scale=SCALE), expected, rtol=1e-12, atol=1e-12)
