import pytest
import torch
from torch.nn.functional import grid_sample
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from gk_utils.ferret.point_sets import points_inside
from gk_utils.ferret.region_sampler import (
    Grouped,
    SamplerBlock,
    SamplerSettings,
    SpatialAwareVisualSampler,
    group,
    read_at,
)
from gk_utils.ferret.slow_sampler import sampler_loop

SMALL = SamplerSettings(width=6, out_width=5, points=20, kept=(8, 4), neighbours=(4, 3))


def small_sampler() -> SpatialAwareVisualSampler:
    torch.manual_seed(0)
    return SpatialAwareVisualSampler(SMALL).double()


def maps_and_points(n: int = 3, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(2, 6, 5, 7, generator=generator, dtype=torch.double)
    return features, torch.rand(n, 20, 2, generator=generator, dtype=torch.double), torch.arange(n) % 2


class TestSamplerSettings:
    def test_the_defaults_are_the_published_ones(self):
        settings = SamplerSettings(width=8, out_width=8)
        assert (settings.points, settings.kept, settings.neighbours) == (512, (128, 32), (24, 24))

    @pytest.mark.parametrize("sizes", [{"kept": (600, 32)}, {"neighbours": (24, 200)}, {"kept": (128,)}, {"kept": ()}])
    def test_errors(self, sizes):
        with pytest.raises(ValueError, match="settings: expected blocks that keep no more points"):
            SamplerSettings(width=8, out_width=8, **sizes)


class TestReadAt:
    def test_equals_grid_sample(self):
        features, points, picture = maps_and_points()
        wanted = grid_sample(features[picture], 2 * points[:, :, None] - 1, padding_mode="border", align_corners=False)
        assert_close(read_at(features, points, picture), wanted[..., 0].transpose(1, 2))

    def test_reading_and_a_linear_layer_change_places(self):
        """Both are linear: what the sampler reads may be multiplied before or after."""
        features, points, picture = maps_and_points()
        layer = torch.nn.Linear(6, 4).double()
        before = read_at(layer(features.movedim(1, -1)).movedim(-1, 1), points, picture)
        assert_close(before, layer(read_at(features, points, picture)))

    def test_gradients(self):
        features, points, picture = maps_and_points()
        features, points = features[:, :2, :3, :3].clone().requires_grad_(), points[:, :4]
        assert torch.autograd.gradcheck(lambda x: read_at(x, points, picture), features)


class TestSamplerBlock:
    def test_one_product_for_two_layers_is_the_same(self):
        torch.manual_seed(0)
        block, points, features = SamplerBlock(6).double(), torch.rand(2, 9, 2).double(), torch.randn(2, 9, 6).double()
        grouped = Grouped(torch.tensor([[0, 3], [8, 1]]), torch.randint(9, (2, 2, 4)))
        whole = torch.cat([features, points], -1)
        for row in range(2):
            here = whole[row, grouped.anchors[row]][:, None]  # m 1 d+2
            there = whole[row, grouped.neighbours[row]]  # m k d+2
            difference = block.difference(there - here)
            told = block.norm(block.aggregate(torch.cat([difference, here.expand_as(there)], -1)).relu())
            assert_close(block(points, features, grouped)[row], told.amax(1))


class TestSpatialAwareVisualSampler:
    def test_equals_the_loop(self):
        sampler, (features, points, picture) = small_sampler(), maps_and_points()
        wanted = [sampler_loop(sampler, features[at], one) for at, one in zip(picture, points, strict=True)]
        assert_close(sampler(features, points, picture), torch.stack(wanted), rtol=0, atol=1e-10)

    def test_the_published_sizes_equal_the_loop(self):
        torch.manual_seed(0)
        sampler = SpatialAwareVisualSampler(SamplerSettings(width=2, out_width=3)).double()
        points, _ = points_inside([torch.ones(40, 40, dtype=torch.bool)], 512, torch.Generator().manual_seed(0))
        points = (points + 1e-4 * torch.rand(points.shape)).double()  # no two neighbours equally far
        features = torch.randn(1, 2, 4, 4).double()
        wanted = sampler_loop(sampler, features[0], points[0])
        assert_close(sampler(features, points, torch.tensor([0]))[0], wanted, rtol=0, atol=1e-10)

    def test_regions_do_not_see_each_other(self):
        sampler, (features, points, picture) = small_sampler(), maps_and_points()
        assert_close(sampler(features, points, picture)[1:2], sampler(features, points[1:2], picture[1:2]))

    def test_no_regions(self):
        sampler, (features, points, picture) = small_sampler(), maps_and_points()
        assert sampler(features, points[:0], picture[:0]).shape == (0, 5)

    def test_gradients(self):
        sampler, (features, points, picture) = small_sampler(), maps_and_points(1)
        features = features[:1, :, :2, :2].clone().requires_grad_()
        assert torch.autograd.gradcheck(lambda x: sampler(x, points, picture), features, atol=1e-4)

    def test_every_weight_learns(self):
        sampler, (features, points, picture) = small_sampler(), maps_and_points()
        sampler(features, points, picture).square().sum().backward()
        assert all(value.grad.any() for value in sampler.parameters())

    def test_a_generator_decides(self):
        sampler, (features, points, picture) = small_sampler(), maps_and_points()
        said = [sampler(features, points, picture, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
        assert said[0].equal(said[1])
        assert not said[0].equal(said[2])

    def test_a_region_of_one_pixel_is_finite(self):
        sampler, (features, points, picture) = small_sampler(), maps_and_points()
        points = points[:, :1].expand(-1, 20, -1)
        features.requires_grad_()
        sampler(features, points, picture).sum().backward()
        assert features.grad.isfinite().all()

    def test_cost(self):
        """The products of the published sizes at width 64, counted by torch: each point once, not once a neighbour."""
        sampler = SpatialAwareVisualSampler(SamplerSettings(width=64, out_width=64))
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            sampler.fuse(torch.rand(1, 512, 2), torch.zeros(1, 512, 64))
        neighbours = 128 * 24 + 32 * 24
        as_written = 2 * neighbours * (66 * 66 + 132 * 64) + 2 * (32 * 64 * 64 + 64 * 64)
        assert counter.get_total_flops() < as_written / 10

    def test_errors(self, unhooked):
        sampler, (features, points, picture) = small_sampler(), maps_and_points()
        with pytest.raises(ValueError, match="points: expected 20 of each region, got 7"):
            sampler(features, points[:, :7], picture)


class TestGroup:
    def test_anchors_are_among_their_neighbours(self):
        grouped = group(torch.rand(3, 30, 2), 10, 4)
        assert (grouped.neighbours == grouped.anchors[..., None]).any(-1).all()
