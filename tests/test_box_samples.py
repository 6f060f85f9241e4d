import pytest
import torch
from some_rois import SCALE, some_boxes
from torch import tensor
from torch.testing import assert_close

from gk_utils.roi_align.box_samples import Samples, samples_of, sampling_points


class TestSamplingPoints:
    def test_by_hand(self):
        """A box of 2 x 1 cells, two bins of one cell: samples at a quarter and three quarters of each."""
        points = sampling_points(tensor([16.0, 32, 48, 48]), (1, 2), spatial_scale=1 / 16)
        assert points.shape == (1, 2, 4, 2)
        assert points[0, 0].tolist() == [[1.25, 2.25], [1.75, 2.25], [1.25, 2.75], [1.75, 2.75]]
        assert points[0, 1].tolist() == [[2.25, 2.25], [2.75, 2.25], [2.25, 2.75], [2.75, 2.75]]

    def test_not_aligned_is_half_a_cell_off(self):
        box = tensor([16.0, 32, 64, 96])
        aligned, older = (sampling_points(box, 2, spatial_scale=1 / 16, aligned=each) for each in (True, False))
        assert_close(older, aligned + 0.5)

    def test_not_aligned_makes_small_boxes_one_cell(self):
        points = sampling_points(tensor([4.0, 4, 4, 4]), 1, aligned=False)
        assert points[0, 0].tolist() == [[4.75, 4.75], [5.25, 4.75], [4.75, 5.25], [5.25, 5.25]]

    @pytest.mark.parametrize(("size", "along"), [(6, 3), (5.9, 3), (6.1, 4), (1, 1)])
    def test_adaptive(self, size, along):
        """Two bins: a sample for each cell that a bin is long, rounded up."""
        points = sampling_points(tensor([0.0, 0, size, 2]), 2, sampling_ratio=0)
        assert points.shape == (2, 2, along, 2)

    def test_adaptive_takes_none_where_there_is_nothing(self):
        assert sampling_points(tensor([3.0, 3, 3, 9]), 2, sampling_ratio=-1).shape == (2, 2, 0, 2)

    def test_they_are_spread_evenly_over_the_box(self):
        """Their mean is the centre of the box, and none lies outside of it."""
        for box in some_boxes(20)[:, 1:]:
            points = sampling_points(box, (3, 5), spatial_scale=SCALE, sampling_ratio=3).flatten(0, 2) / SCALE
            assert_close(points.mean(0), (box[:2] + box[2:]) / 2)
            assert ((points >= box[:2] - 1e-9) & (points <= box[2:] + 1e-9)).all()

    def test_error_texts(self, unhooked):
        with pytest.raises(ValueError, match="box: expected x1 <= x2"):
            sampling_points(tensor([3.0, 0, 1, 1]), 2)
        with pytest.raises(ValueError, match="spatial_scale: expected a number above 0"):
            sampling_points(tensor([0.0, 0, 1, 1]), 2, spatial_scale=-1)
        with pytest.raises(ValueError, match="output_hw: expected whole rows"):
            sampling_points(tensor([0.0, 0, 1, 1]), 0)


class TestSamples:
    def test_taps_by_hand(self):
        """At 1.25 from the first centre cell 1 counts three quarters; behind the last centre only the last one."""
        cells, weights = Samples(tensor([[[1.25, 3.5]]]), tensor([2.0])).taps(4)
        assert cells.tolist() == [[[1, 3, 2, 3]]]
        assert weights.tolist() == [[[0.375, 0.5, 0.125, 0]]]

    def test_runs_take_cells_together_that_several_samples_read(self):
        """At 1.25, 1.5 and 1.75 only cells 1 and 2 are read: two numbers instead of six."""
        cells, weights = Samples(tensor([[[1.25, 1.5, 1.75]]]), tensor([3.0])).runs(4)
        assert cells.tolist() == [[[1, 2]]]
        assert_close(weights, tensor([[[0.5, 0.5]]]))

    def test_runs_are_no_longer_than_taps(self):
        samples = Samples(tensor([[[0.25, 9.25]]]), tensor([2.0]))
        for run, tap in zip(samples.runs(12), samples.taps(12), strict=True):
            assert torch.equal(run, tap)

    @pytest.mark.parametrize("ratio", [1, 2, 5, 0])
    def test_runs_say_the_same_as_the_matrix(self, ratio):
        for samples, length in zip(samples_of(some_boxes()[:, 1:], (3, 4), SCALE, ratio, True), (9, 12), strict=True):
            cells, weights = samples.runs(length)
            assert cells.shape[-1] <= 2 * samples.at.shape[-1]
            found = torch.zeros_like(samples.matrix(length)).scatter_add(2, cells, weights)
            assert_close(found, samples.matrix(length), rtol=1e-12, atol=1e-12)

    def test_empty_slots_and_samples_too_far_out_count_nothing(self):
        samples = Samples(tensor([[[0.0, 1, 2]], [[-1, -1.01, 4.01]]]), tensor([2.0, 3]))
        assert_close(samples.shares(4), tensor([[[1 / 2, 1 / 2, 0]], [[1 / 3, 0, 0]]]))

    def test_a_row_of_the_matrix_sums_to_one_inside(self):
        corners = some_boxes(60)[:, 1:].clamp(0, 140) * SCALE
        for samples, length in zip(samples_of(corners, (3, 4), 1.0, 2, True), (9, 12), strict=True):
            matrix = samples.matrix(length)
            assert_close(matrix.sum(-1), torch.ones_like(matrix[..., 0]))
            assert (matrix >= 0).all()

    def test_of_some_boxes_needs_fewer_slots(self):
        samples = Samples(torch.rand(3, 2, 5), tensor([5.0, 2, 0]))
        few = samples.of(tensor([2, 1]))
        assert torch.equal(few.at, samples.at[[2, 1], :, :2])
        assert few.count.tolist() == [0, 2]
        assert samples.of(tensor([2])).at.shape == (1, 2, 1)


class TestSamplesOf:
    def test_empty_slots_repeat_the_last_sample(self):
        y = samples_of(tensor([[0.0, 0, 1, 1], [0, 0, 3, 3]]), 1, 1.0, 0, True)[0]
        assert y.count.tolist() == [1, 3]
        assert y.at.tolist() == [[[0.0, 0, 0]], [[0, 1, 2]]]

    def test_axes(self):
        """Y comes first, with the rows."""
        y, x = samples_of(tensor([[0.0, 0, 4, 6]]), (3, 2), 1.0, 1, True)
        assert y.at.tolist() == [[[0.5], [2.5], [4.5]]]
        assert x.at.tolist() == [[[0.5], [2.5]]]

    def test_no_boxes(self):
        for ratio in (2, 0):
            y, x = samples_of(torch.zeros(0, 4), (3, 2), 1.0, ratio, True)
            assert y.at.shape[:2] == (0, 3)
            assert x.count.shape == (0,)
