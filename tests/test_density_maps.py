"""Density maps."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.counting.density_maps import density_map


class TestDensityMap:
    @given(st.lists(st.tuples(st.floats(-20, 90), st.floats(-20, 70)), max_size=12), st.sampled_from([1, 3, 4, 8]))
    @settings(max_examples=30, deadline=None)
    def test_sums_to_the_number_of_points(self, points, stride):
        density = density_map(torch.tensor(points).view(-1, 2), (48, 64), stride=stride, sigma=3.0)
        assert density.shape == (math.ceil(48 / stride), math.ceil(64 / stride))
        assert density.sum().item() == pytest.approx(len(points), abs=1e-3)

    def test_the_border_costs_mass_unless_it_is_kept(self):
        points = torch.tensor([[0.0, 32.0], [0.0, 0.0], [32.0, 32.0]])
        lost = [density_map(point[None], (64, 64), keep_border=False).sum().item() for point in points]
        assert lost == pytest.approx([0.5, 0.25, 1.0], abs=1e-4)

    def test_equals_a_fine_sum(self):
        """The integral over a cell, against many samples of the Gaussian in it."""
        x, y, sigma = 13.0, 9.5, 2.5
        density = density_map(torch.tensor([[x, y]]), (24, 24), sigma=sigma, keep_border=False)
        fine = (np.arange(24 * 20) + 0.5) / 20
        across, down = (np.exp(-0.5 * ((fine - at) / sigma) ** 2) for at in (x, y))
        sampled = np.outer(down, across).reshape(6, 80, 6, 80).sum((1, 3)) / (20**2 * 2 * math.pi * sigma**2)
        assert density.numpy() == pytest.approx(sampled, abs=1e-4)

    def test_a_narrow_kernel_keeps_its_mass(self):
        assert density_map(torch.tensor([[8.0, 6.0]]), (16, 16), sigma=1e-3)[1, 1:3].tolist() == [0.5, 0.5]

    def test_turned_left_to_right(self):
        points = torch.tensor([[3.0, 5.0], [20.0, 11.0]])
        turned = torch.stack([32 - points[:, 0], points[:, 1]], 1)
        first, second = (density_map(some, (32, 32)) for some in (points, turned))
        assert torch.allclose(first.flip(1), second, atol=1e-6)

    def test_no_points(self):
        assert density_map(torch.zeros(0, 2), (16, 8)).tolist() == [[0.0, 0.0]] * 4

    @pytest.mark.parametrize("name", ["sigma", "stride"])
    def test_errors(self, name):
        with pytest.raises(ValueError, match=f"{name}: expected a number above 0, got 0"):
            density_map(torch.zeros(1, 2), (16, 16), **{name: 0})
        with pytest.raises(ValueError, match="image_hw"):
            density_map(torch.zeros(1, 2), (0, 16))
