import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.ferret.point_sets import (
    chosen_rows,
    farthest_points,
    farthest_points_loop,
    nearest_points,
    points_inside,
)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class TestPointsInside:
    def test_every_pixel_of_a_region_of_just_as_many(self):
        mask = torch.tensor([[True, False, True, False], [False, True, False, False]])
        points, there = points_inside([mask], 3, seeded(0))
        assert there.all()
        assert sorted(points[0].tolist()) == [[0.125, 0.25], [0.375, 0.75], [0.625, 0.25]]

    def test_a_large_region_gives_no_pixel_twice(self):
        points, _ = points_inside([torch.ones(30, 30, dtype=torch.bool)], 512, seeded(0))
        assert len(points[0].unique(dim=0)) == 512

    def test_a_small_one_gives_all_it_has(self):
        mask = torch.zeros(9, 9, dtype=torch.bool)
        mask[4, 2:5] = True
        points, _ = points_inside([mask], 512, seeded(0))
        places, counts = points[0].unique(dim=0, return_counts=True)
        assert len(places) == 3
        assert counts.min() > 100

    def test_an_empty_one_is_said_to_be_empty(self):
        masks = [torch.ones(2, 2, dtype=torch.bool), torch.zeros(3, 4, dtype=torch.bool)]
        points, there = points_inside(masks, 5, seeded(0))
        assert there.tolist() == [True, False]
        assert (points[1] == 0.5).all()
        assert points_inside([], 5)[0].shape == (0, 5, 2)

    def test_the_same_seed_gives_the_same_points(self):
        masks = [torch.ones(20, 20, dtype=torch.bool)]
        assert points_inside(masks, 30, seeded(3))[0].equal(points_inside(masks, 30, seeded(3))[0])
        assert not points_inside(masks, 30, seeded(3))[0].equal(points_inside(masks, 30, seeded(4))[0])

    def test_errors(self, unhooked):
        with pytest.raises(ValueError, match="count: expected at least 1 point, got 0"):
            points_inside([], 0)


class TestChosenRows:
    @settings(max_examples=30, deadline=None)
    @given(st.integers(1, 40), st.integers(1, 40))
    def test_all_of_few_and_different_ones_of_many(self, pixels, count):
        rows = chosen_rows(pixels, count, seeded(pixels))
        assert len(rows) == count
        assert len(rows.unique()) == min(pixels, count)


class TestFarthestPoints:
    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 10_000), st.integers(1, 20))
    def test_equals_the_loop(self, seed, count):
        points = torch.rand(3, 20, 2, generator=seeded(seed), dtype=torch.double)
        chosen = farthest_points(points, count)
        assert chosen.tolist() == [farthest_points_loop(one, count) for one in points]

    def test_copies_come_last(self):
        points = torch.tensor([[[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]])
        chosen = farthest_points(points, 5)
        assert len(points[0, chosen[0, :3]].unique(dim=0)) == 3

    def test_a_generator_draws_the_first_and_decides_all(self):
        points = torch.rand(4, 30, 2, generator=seeded(0))
        first, again = (farthest_points(points, 8, seeded(5)) for _ in range(2))
        assert first.equal(again)
        assert not first.equal(farthest_points(points, 8, seeded(6)))
        for one, rows in zip(points, first, strict=True):
            assert rows.tolist() == farthest_points_loop(one, 8, first=int(rows[0]))

    def test_spreads_more_than_chance(self):
        points = torch.rand(1, 512, 2, generator=seeded(0))

        def closest(rows: torch.Tensor) -> float:
            return torch.cdist(points[0, rows], points[0, rows]).fill_diagonal_(9).min().item()

        assert closest(farthest_points(points, 32)[0]) > 4 * closest(torch.arange(32))

    def test_errors(self, unhooked):
        with pytest.raises(ValueError, match="count: expected 1 to 3, the points there are, got 4"):
            farthest_points(torch.zeros(1, 3, 2), 4)


class TestNearestPoints:
    def test_equals_sorting(self):
        points, anchors = torch.rand(2, 30, 2, generator=seeded(1)), torch.rand(2, 4, 2, generator=seeded(2))
        found = nearest_points(points, anchors, 5).sort(-1).values
        wanted = torch.cdist(anchors, points).argsort(-1)[..., :5].sort(-1).values
        assert found.equal(wanted)

    def test_errors(self, unhooked):
        with pytest.raises(ValueError, match="count: expected 1 to 2"):
            nearest_points(torch.zeros(1, 2, 2), torch.zeros(1, 1, 2), 3)
