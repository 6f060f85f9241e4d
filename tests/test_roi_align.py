"""All forms of RoI Align against torchvision and against each other; and the exercises of lesson 06."""

import math

import pytest
import torch
import torchvision.ops
from exercise_tests import exercise_tests
from hypothesis import given, settings
from hypothesis import strategies as st
from some_rois import SCALE, as_list, some_boxes, some_features
from torch import tensor
from torch.testing import assert_close

from gk_utils import roi_align as gk
from gk_utils.classroom.exercises.roi_align import EXERCISES

FORMS = [gk.roi_align, gk.roi_align_loop, gk.roi_align_separable, gk.roi_align_grid_sample]
VECTORISED = [form for form in FORMS if form is not gk.roi_align_loop]
RATIOS = [2, 1, 3, 0, -1]


def torchvisions(features, boxes, output_hw, *, spatial_scale=1.0, sampling_ratio=2, aligned=True):
    return torchvision.ops.roi_align(features, boxes, output_hw, spatial_scale, sampling_ratio, aligned)


def with_gradient(form, features, boxes, *arguments, **options):
    """The result, and the gradient of the features for a fixed random gradient of the result."""
    leaf = features.detach().clone().requires_grad_()
    pooled = form(leaf, boxes, *arguments, **options)
    generator = torch.Generator().manual_seed(9)
    onto = torch.randn(pooled.shape, generator=generator, dtype=torch.float64).to(pooled)
    return pooled.detach(), *torch.autograd.grad(pooled, leaf, onto)


def assert_same(ours, theirs, tolerance=1e-10):
    for a, b in zip(ours, theirs, strict=True):
        assert_close(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("form", FORMS)
class TestEveryForm:
    def test_by_hand(self, form):
        """Cell (i, j) holds 10 i + j: a plane, of which every bin has the value at its own centre."""
        features = (10 * torch.arange(4.0)[:, None] + torch.arange(5.0))[None, None]
        boxes = [tensor([[1.0, 1.0, 3.0, 3.0], [2.25, 1, 4.25, 3]])]
        pooled = form(features, boxes, 2)
        assert pooled[0, 0].tolist() == [[11, 12], [21, 22]]
        assert pooled[1, 0].tolist() == [[12.25, 13.25], [22.25, 23.25]]
        assert form(features, boxes, 2, aligned=False)[0, 0].tolist() == [[16.5, 17.5], [26.5, 27.5]]
        assert form(features, [boxes[0] * 16], 2, spatial_scale=1 / 16)[1, 0].tolist() == pooled[1, 0].tolist()

    def test_the_border(self, form):
        """Half a cell outside reads the border, more than that nothing: here one of two samples."""
        features = torch.full((1, 1, 3, 3), 6.0)
        boxes = [tensor([[-0.5, 0, 0.5, 1], [-2, 0, 2, 1], [-9, 0, -8, 1]])]
        assert form(features, boxes, 1).flatten().tolist() == [6, 3, 0]

    @pytest.mark.parametrize("aligned", [True, False])
    @pytest.mark.parametrize("ratio", RATIOS)
    def test_equals_torchvision_forward_and_backward(self, form, ratio, aligned):
        features, boxes = some_features(), some_boxes(10 if form is gk.roi_align_loop else 40)
        options = {"spatial_scale": SCALE, "sampling_ratio": ratio, "aligned": aligned}
        theirs = with_gradient(torchvisions, features, boxes, (2, 3), **options)
        assert_same(with_gradient(form, features, boxes, (2, 3), **options), theirs)

    def test_equals_torchvision_in_float32(self, form):
        n = 10 if form is gk.roi_align_loop else 200
        features, boxes = some_features(dtype=torch.float32), some_boxes(n, dtype=torch.float32)
        theirs = with_gradient(torchvisions, features, boxes, 3, spatial_scale=SCALE)
        assert_same(with_gradient(form, features, boxes, 3, spatial_scale=SCALE), theirs, 1e-4)

    def test_a_list_is_the_same_as_rows(self, form):
        features, boxes = some_features(), some_boxes(10)
        boxes = boxes[boxes[:, 0].argsort(stable=True)]
        assert torch.equal(form(features, boxes, 2), form(features, as_list(boxes), 2))

    @pytest.mark.parametrize("boxes", [torch.zeros(0, 5), [torch.zeros(0, 4)] * 2])
    def test_no_boxes(self, form, boxes):
        pooled, gradient = with_gradient(form, some_features(), boxes, (2, 3))
        assert pooled.shape == (0, 3, 2, 3)
        assert torch.equal(gradient, torch.zeros_like(gradient))

    def test_no_pictures(self, form):
        assert form(some_features()[:0], [], 2).shape == (0, 3, 2, 2)

    def test_a_picture_without_boxes(self, form):
        features, boxes = some_features(), some_boxes(5)[:, 1:]
        pooled, gradient = with_gradient(form, features, [boxes[:0], boxes], 2, spatial_scale=SCALE)
        assert_close(pooled, torchvisions(features[1:], [boxes], 2, spatial_scale=SCALE), rtol=0, atol=1e-10)
        assert not gradient[0].any()
        assert gradient[1].any()

    def test_a_box_without_area(self, form):
        """A fixed number of samples all read its place; an adaptive one takes none."""
        features, box = some_features(b=1), tensor([[50.0, 50, 50, 50]], dtype=torch.float64)
        (x, y), feature = box[0, :2] * SCALE, features[0]
        expected = gk.bilinear(feature, x, y).view(1, 3, 1, 1).expand(1, 3, 2, 2)
        assert_close(form(features, [box], 2, spatial_scale=SCALE), expected, rtol=0, atol=1e-12)
        assert not form(features, [box], 2, spatial_scale=SCALE, sampling_ratio=0).any()

    def test_a_map_of_one_cell(self, form):
        features = tensor([[[[5.0]]]])
        assert form(features, [tensor([[0.0, 0, 1, 1]])], 2).tolist() == [[[[5, 5], [5, 5]]]]

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_precision_against_float32(self, form, dtype):
        """The same up to rounding of the result; the boxes stay as exact as they are."""
        features, boxes = some_features(dtype=dtype), some_boxes(10, dtype=torch.float32)
        pooled, gradient = with_gradient(form, features, boxes, 2, spatial_scale=SCALE)
        assert pooled.dtype == gradient.dtype == dtype
        assert torch.equal(pooled, form(features.float(), boxes, 2, spatial_scale=SCALE).to(dtype))
        expected = with_gradient(form, features.float(), boxes, 2, spatial_scale=SCALE)[1]
        assert_close(gradient.float(), expected, rtol=0, atol=3 * torch.finfo(dtype).eps * expected.abs().max().item())

    def test_autocast_changes_nothing(self, form):
        features, boxes = some_features(dtype=torch.float32), some_boxes(5, dtype=torch.float32)
        with torch.autocast("cpu", torch.bfloat16):
            pooled = form(features, boxes, 2, spatial_scale=SCALE)
        assert torch.equal(pooled, form(features, boxes, 2, spatial_scale=SCALE))

    def test_keeps_the_memory_format(self, form):
        features, boxes = some_features(dtype=torch.float32), some_boxes(5)
        last = features.contiguous(memory_format=torch.channels_last)
        pooled = form(last, boxes, 2)
        assert pooled.is_contiguous(memory_format=torch.channels_last)
        assert form(features, boxes, 2).is_contiguous()
        assert torch.equal(pooled, form(features, boxes, 2))

    def test_boxes_get_the_gradient_that_torchvision_does_not_give(self, form):
        """A plane 10 y + x: moving a box right by one cell adds 1 to each bin, moving it down adds 10."""
        features = (10 * torch.arange(6.0)[:, None] + torch.arange(6.0))[None, None]
        box = tensor([[1.25, 1.25, 4.25, 4.25]], requires_grad=True)
        form(features, [box], 1).sum().backward()
        assert_close(box.grad, tensor([[0.5, 5, 0.5, 5]]))
        theirs = box.detach().clone().requires_grad_()
        torchvisions(features.requires_grad_(), [theirs], 1).sum().backward()
        assert theirs.grad is None

    def test_boxes_outside_have_a_gradient_of_zero(self, form):
        box = tensor([[-9.0, -9, -8, -8], [0, 0, 0, 0]], requires_grad=True)
        form(torch.randn(1, 2, 4, 4), [box], 2).sum().backward()
        assert box.grad.isfinite().all()
        assert not box.grad[0].any()


class TestGradients:
    @pytest.mark.parametrize("form", VECTORISED)
    @pytest.mark.parametrize("ratio", [2, 0])
    def test_gradcheck_of_features_and_boxes(self, form, ratio):
        """Away from the kinks: bilinear reading is not differentiable where a sample is at a cell's centre."""
        generator = torch.Generator().manual_seed(1)
        features = torch.randn(1, 2, 5, 6, generator=generator, dtype=torch.float64, requires_grad=True)
        boxes = tensor([[0.31, 0.22, 3.87, 2.93], [-2.1, 1.3, 2.2, 7.4]], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda f, b: form(f, [b], 2, sampling_ratio=ratio), (features, boxes))

    @pytest.mark.parametrize("form", VECTORISED)
    @pytest.mark.parametrize("aligned", [True, False])
    def test_of_boxes_equal_in_all_forms(self, form, aligned):
        features = some_features()
        found = []
        for each in (gk.roi_align_loop, form):
            boxes = some_boxes(12).requires_grad_()
            pooled = each(features, boxes, 2, spatial_scale=SCALE, aligned=aligned)
            pooled.square().sum().backward()
            found.append(boxes.grad)
        assert found[0].abs().max() > 1e-3
        assert_close(*found, rtol=1e-10, atol=1e-10)

    def test_of_features_when_the_boxes_want_one_too(self):
        features, boxes = some_features(), some_boxes()
        expected = with_gradient(gk.roi_align, features, boxes, 3, spatial_scale=SCALE)
        assert_same(with_gradient(gk.roi_align, features, boxes.requires_grad_(), 3, spatial_scale=SCALE), expected)


class TestDifferencesFromTorchvision:
    """What the package says of them; that boxes get a gradient is shown above."""

    def test_no_bfloat16_on_a_cpu(self):
        with pytest.raises(RuntimeError, match="not implemented for 'BFloat16'"):
            torchvisions(some_features().bfloat16(), some_boxes().bfloat16(), 2)

    def test_corners_in_the_wrong_order(self, unhooked):
        boxes = [tensor([[3.0, 3, 1, 1]])]
        assert torchvisions(torch.ones(1, 1, 4, 4), boxes, 1).item() == 1
        with pytest.raises(ValueError, match=r"boxes\[0\]: expected x1 <= x2 and y1 <= y2"):
            gk.roi_align(torch.ones(1, 1, 4, 4), boxes, 1)

    def test_aligned_by_default(self):
        features, boxes = some_features(), some_boxes()
        theirs = torchvision.ops.roi_align(features, boxes, 2, SCALE, 2)
        assert_close(gk.roi_align(features, boxes, 2, spatial_scale=SCALE, aligned=False), theirs)
        assert (gk.roi_align(features, boxes, 2, spatial_scale=SCALE) - theirs).abs().max() > 0.1


class TestAnyBox:
    @given(
        st.lists(st.tuples(*[st.integers(-40, 120)] * 4), min_size=1, max_size=6),
        st.sampled_from([(1, 1), (2, 3), (7, 7)]),
        st.sampled_from(RATIOS),
        st.booleans(),
    )
    @settings(max_examples=40, deadline=None)
    def test_on_quarters_of_a_cell(self, corners, output_hw, ratio, aligned):
        """Samples fall on cells' centres and on the very border, where a rounding error changes what counts."""
        rows = [[min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)] for x1, y1, x2, y2 in corners]
        boxes = [tensor(rows, dtype=torch.float64) / 4]
        features = some_features(b=1)
        options = {"sampling_ratio": ratio, "aligned": aligned}
        expected = torchvisions(features, boxes, output_hw, **options)
        for form in VECTORISED:
            assert_close(form(features, boxes, output_hw, **options), expected, rtol=0, atol=1e-10)


def overreach_by_cells(box, stride):
    region = stride * gk.pooling_cells(tensor(box), (999, 999), 1, spatial_scale=1 / stride)[0, 0]
    return (tensor(box) - region) * tensor([1, 1, -1, -1])


def overreach_by_hand(box, stride):
    nearest = [math.floor(side / stride + 0.5) for side in box]
    sides = [
        box[0] - nearest[0] * stride,
        box[1] - nearest[1] * stride,
        nearest[2] * stride + stride - box[2],
        nearest[3] * stride + stride - box[3],
    ]
    return tuple(sides)


def worst_bin_by_loop(box, pooled):
    (x1, y1, x2, y2), (_, rows, columns) = box.tolist(), pooled.shape
    distances = []
    for p in range(rows):
        for q in range(columns):
            centre = x1 + (2 * q + 1) * (x2 - x1) / (2 * columns), y1 + (2 * p + 1) * (y2 - y1) / (2 * rows)
            distances.append(math.dist(centre, pooled[:, p, q].tolist()))
    return max(distances)


def worst_bin_by_samples(box, pooled):
    centres = gk.sampling_points(box, tuple(pooled.shape[1:])).mean(2)
    return (pooled.permute(1, 2, 0) - centres).norm(dim=-1).max()


def kinks_by_samples(x1, x2, n):
    points = gk.sampling_points(tensor([x1, 0, x2, 1], dtype=torch.float64), (1, n))[..., 0]
    return (1.5 - points.flatten() % 1).remainder(1).mul(1e6).round().unique().remainder(1e6).unique() / 1e6


def kinks_by_sweep(x1, x2, n):
    found = set()
    for k in range(1, 4 * n, 2):
        place = x1 + k * (x2 - x1) / (4 * n)
        found.add(abs(round(math.ceil(place - 0.5 - 1e-9) + 0.5 - place, 6)))
    return tuple(sorted(found))


RIGHT_ANSWERS = {
    "06.overreach": (overreach_by_hand, lambda box, stride: overreach_by_cells(box, stride).tolist()),
    "06.worst_bin": (worst_bin_by_loop, worst_bin_by_samples),
    "06.kinks": (kinks_by_sweep, lambda *box_and_bins: kinks_by_samples(*box_and_bins).tolist()),
}


TestExercises = exercise_tests(EXERCISES, RIGHT_ANSWERS)
