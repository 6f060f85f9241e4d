"""The operation of RoI Align without a GPU: shapes, refusals, who is asked. Its numbers: test_roi_align_triton.py."""

import pytest
import torch
from some_rois import SCALE, as_list, some_boxes, some_features
from torch._subclasses import FakeTensorMode

from gk_utils.kernels.roi_align import ask_if_good, channels_last, roi_align_op
from gk_utils.roi_align import align, roi_align

LAST, FIRST = torch.channels_last, torch.contiguous_format


class TestRoiAlignOp:
    @pytest.mark.parametrize("form", [LAST, FIRST])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    def test_shapes_without_numbers(self, form, dtype):
        with FakeTensorMode():
            features = torch.zeros(2, 8, 50, 68, dtype=dtype).contiguous(memory_format=form)
            leaves = features.requires_grad_(), torch.zeros(3, 5, requires_grad=True)
            pooled = roi_align_op(*leaves, 5, 7, SCALE, 2, True)
            gradients = torch.autograd.grad(pooled.sum(), leaves)
        assert (pooled.shape, pooled.dtype) == ((3, 8, 5, 7), dtype)
        assert pooled.is_contiguous(memory_format=form)
        for gradient, leaf in zip(gradients, leaves, strict=True):
            assert (gradient.shape, gradient.stride(), gradient.dtype) == (leaf.shape, leaf.stride(), leaf.dtype)

    def test_no_numbers_on_a_cpu(self, monkeypatch):
        monkeypatch.delenv("TRITON_INTERPRET", raising=False)
        with pytest.raises(RuntimeError, match="features: expected a tensor on a GPU, got one on cpu"):
            roi_align_op(torch.zeros(1, 1, 2, 2), torch.zeros(1, 5), 1, 1, 1.0, 2, True)


class TestAskIfGood:
    def test_no_boxes(self):
        assert ask_if_good(torch.zeros(0, 5), 0)()


class TestChannelsLast:
    def test_one_channel_or_one_cell_is_both_and_counts_as_first(self):
        for shape in ((2, 1, 3, 4), (2, 3, 1, 1)):
            assert not channels_last(torch.zeros(shape).contiguous(memory_format=LAST))


class TestRouting:
    """roi_align hands over what the kernel takes, and nothing else."""

    @pytest.fixture
    def asked(self, monkeypatch):
        calls = []
        monkeypatch.setattr(align, "use_triton", lambda features: True)
        monkeypatch.setattr(align, "ask_if_good", lambda rois, pictures: lambda: calls.append(pictures) or True)
        monkeypatch.setattr(
            align, "roi_align_op", lambda *arguments: calls.append(arguments) or torch.zeros(8, 3, 2, 3)
        )
        return calls

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
    def test_rows_and_lists(self, asked, dtype):
        features, boxes = some_features(dtype=torch.float32), some_boxes(8, dtype=torch.float32)
        boxes = boxes[boxes[:, 0].argsort(stable=True)].to(dtype)
        for form in (boxes, as_list(boxes)):
            asked.clear()
            roi_align(features, form, (2, 3), spatial_scale=1, sampling_ratio=-1, aligned=False)
            (_, rois, *others), pictures = asked
            assert torch.equal(rois, boxes.float())
            assert (rois.dtype, others, pictures) == (torch.float32, [2, 3, 1.0, -1, False], 2)

    def test_boxes_keep_their_gradient(self, asked):
        boxes = [torch.ones(4, 4, requires_grad=True) for _ in range(2)]
        roi_align(some_features(dtype=torch.float32), boxes, (2, 3))
        asked[0][1][:, 3].sum().backward()
        assert boxes[1].grad.tolist() == [[0, 0, 1, 0]] * 4

    @pytest.mark.parametrize("boxes", [some_boxes(8), as_list(some_boxes(8)), [torch.zeros(0, 4).double()] * 2])
    def test_float64_boxes_stay_with_torch(self, asked, boxes):
        features = some_features(dtype=torch.float32)
        assert roi_align(features, boxes, 2, spatial_scale=SCALE).shape[1:] == (3, 2, 2)
        assert not asked

    def test_error_text(self, asked, unhooked):
        features, boxes = some_features(dtype=torch.float32), some_boxes(8, dtype=torch.float32)
        for wrong, text in (
            (boxes[:, 1:], "boxes: expected a list"),
            (as_list(boxes)[:1], "boxes: expected one tensor for each of 2 pictures"),
            ([boxes[:0, 1:], [1, 2, 3, 4]], r"boxes\[1\]: expected a float tensor"),
        ):
            with pytest.raises((ValueError, TypeError), match=text):
                roi_align(features, wrong, 2)
        with pytest.raises(ValueError, match="spatial_scale: expected a number above 0"):
            roi_align(features, boxes, 2, spatial_scale=0)
        with pytest.raises(ValueError, match="output_hw: expected whole rows and columns above 0"):
            roi_align(features, boxes, 0)
        assert not asked

    def test_fallback_is_another_form_of_the_same(self, monkeypatch):
        """A GPU below 8.0: the kernels are not asked, and torch code answers."""
        features, boxes = some_features(dtype=torch.float32), some_boxes(8, dtype=torch.float32)
        expected = roi_align(features, boxes, 2, spatial_scale=SCALE)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
        monkeypatch.setattr(align, "roi_align_op", None)
        assert torch.equal(roi_align(features, boxes, 2, spatial_scale=SCALE), expected)
