import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.ferret.region_forms import (
    BoxRegion,
    FreeFormRegion,
    PointRegion,
    PolygonRegion,
    ScribbleRegion,
    mask_box,
    reference_numbers,
    region_mask,
)

numbers = st.floats(-4, 14, allow_nan=False).map(lambda x: round(x, 2))


def rows(mask: torch.Tensor) -> list[str]:
    return ["".join("#" if on else "." for on in row) for row in mask.tolist()]


class TestRegionMask:
    def test_a_disc_by_hand(self):
        assert rows(region_mask(PointRegion(1.5, 1.5, radius=1), (3, 4))) == [".#..", "###.", ".#.."]

    def test_a_box_takes_the_centres_it_holds(self):
        assert rows(region_mask(BoxRegion(0.5, 0.6, 2.5, 2.0), (3, 4))) == ["....", "##..", "...."]

    def test_boxes_side_by_side_share_no_pixel_and_leave_none_out(self):
        left, right = (region_mask(BoxRegion(*box), (4, 9)) for box in ((0, 0, 4.5, 4), (4.5, 0, 9, 4)))
        assert not (left & right).any()
        assert (left | right).all()

    def test_a_scribble_with_a_corner(self):
        stroke = ScribbleRegion((((0.5, 0.5), (0.5, 2.5), (2.5, 2.5)),), width=1)
        assert rows(region_mask(stroke, (3, 4))) == ["#...", "#...", "###."]

    def test_several_strokes_are_taken_together(self):
        first, second = ((0.5, 0.5), (0.5, 2.5)), ((3.5, 0.5),)
        both = region_mask(ScribbleRegion((first, second), width=1), (3, 4))
        alone = [region_mask(ScribbleRegion((one,), width=1), (3, 4)) for one in (first, second)]
        assert (both == (alone[0] | alone[1])).all()

    def test_a_concave_polygon(self):
        around = PolygonRegion(((0, 0), (1, 0), (1, 2), (3, 2), (3, 0), (4, 0), (4, 3), (0, 3)))
        assert rows(region_mask(around, (3, 4))) == ["#..#", "#..#", "####"]

    def test_a_polygon_that_crosses_itself_leaves_out_what_it_goes_round_twice(self):
        twice = PolygonRegion(((0, 0), (4, 0), (4, 4), (0, 4)) * 2)
        assert not region_mask(PolygonRegion(twice.corners[:4] + twice.corners[:4]), (4, 4))[1:3, 1:3].any()

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=7))
    def test_polygons_equal_matplotlib_s_away_from_their_lines(self, corners):
        from matplotlib.path import Path

        mask = region_mask(PolygonRegion(tuple(corners)), (9, 11))
        path = Path([*corners, corners[0]], closed=True)
        places = [(x + 0.5, y + 0.5) for y in range(9) for x in range(11)]
        near = near_line(places, corners)
        winding = torch.tensor([odd(place, corners) for place in places])
        assert (mask.flatten() == winding)[~near].all() or not (winding & ~near).any()
        inside = torch.from_numpy(path.contains_points(places))
        assert not (mask.flatten() & ~inside & ~near).any() or int(mask.sum()) <= len(corners)

    def test_what_is_too_thin_for_a_centre_has_the_pixels_of_its_points(self):
        assert rows(region_mask(PointRegion(2.9, 0.1, radius=0), (2, 4))) == ["..#.", "...."]
        assert rows(region_mask(BoxRegion(1.6, 1.6, 1.7, 1.9), (2, 4))) == ["....", ".#.."]
        assert rows(region_mask(PolygonRegion(((0.1, 0.1), (2.1, 1.1))), (2, 4))) == ["#...", "..#."]
        assert rows(region_mask(ScribbleRegion((((1.9, 0.9),),), width=0), (2, 4))) == [".#..", "...."]

    def test_outside_of_the_picture_and_nothing_at_all(self):
        for region in (
            *(PointRegion(-9, 3), BoxRegion(20, 0, 30, 5), ScribbleRegion(()), ScribbleRegion(((),))),
            *(PolygonRegion(()), FreeFormRegion(torch.zeros(6, 6, dtype=torch.bool))),
        ):
            assert not region_mask(region, (6, 6)).any()

    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 8), st.integers(0, 8), st.floats(0, 4))
    def test_a_disc_grows_with_its_radius(self, x, y, radius):
        smaller, larger = (region_mask(PointRegion(x, y, radius=r), (8, 8)) for r in (radius, radius + 0.5))
        assert int((smaller & ~larger).sum()) <= 1  # the one pixel of a disc too small for a centre

    def test_errors(self, unhooked):
        with pytest.raises(ValueError, match="expected x1 <= x2 and y1 <= y2"):
            region_mask(BoxRegion(5, 0, 2, 4), (6, 6))
        with pytest.raises(ValueError, match="expected finite numbers"):
            region_mask(PointRegion(float("nan"), 0), (6, 6))
        with pytest.raises(ValueError, match="radius or width of at least 0, got -1"):
            region_mask(PointRegion(1, 1, radius=-1), (6, 6))
        with pytest.raises(ValueError, match=r"expected the pixels of a picture of 6 x 6, got \(5, 6\)"):
            region_mask(FreeFormRegion(torch.zeros(5, 6, dtype=torch.bool)), (6, 6))
        with pytest.raises(TypeError, match="expected a region, got tuple"):
            region_mask((0, 0, 1, 1), (6, 6))


class TestReferenceNumbers:
    def test_a_point_keeps_its_place_and_the_others_give_the_box_of_their_pixels(self):
        assert reference_numbers(PointRegion(2.2, 3.3), (6, 6)) == (2.2, 3.3)
        assert reference_numbers(PolygonRegion(((1, 1), (4, 1), (4, 3), (1, 3))), (6, 6)) == (1, 1, 4, 3)
        assert reference_numbers(ScribbleRegion(()), (6, 6)) == (0, 0, 0, 0)


class TestMaskBox:
    def test_is_that_of_boxes_from_masks(self):
        from gk_utils.boxes import boxes_from_masks

        masks = torch.rand(6, 5, 7, generator=torch.Generator().manual_seed(0)) > 0.9
        masks[0] = False
        assert [list(mask_box(mask)) for mask in masks] == boxes_from_masks(masks).tolist()


def odd(place: tuple[float, float], corners: list[tuple[float, float]]) -> bool:
    """The even-odd rule, edge by edge, along a ray to the right."""
    inside, (x, y) = False, place
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            inside = not inside
    return inside


def near_line(places, corners) -> torch.Tensor:
    """Whether a place is within a thousandth of the line: rounding decides there."""
    near = []
    for x, y in places:
        distances = []
        for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
            length = (x2 - x1) ** 2 + (y2 - y1) ** 2
            share = min(max(((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length, 0), 1) if length else 0
            distances.append(((x - x1 - share * (x2 - x1)) ** 2 + (y - y1 - share * (y2 - y1)) ** 2) ** 0.5)
        near.append(min(distances) < 1e-3)
    return torch.tensor(near)
