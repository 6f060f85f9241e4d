import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils.counting.tiling import (
    Tile,
    cut_tiles,
    find_in_tiles,
    join_boxes,
    join_by_nms,
    join_densities,
    join_points,
    take_tiles,
)

sizes = st.tuples(st.integers(1, 70), st.integers(1, 70), st.integers(14, 40), st.integers(0, 6))


def seen(boxes, tile):
    """What a perfect counter finds in a tile: the part of every thing that is inside, in pixels of the tile."""
    x1, y1, x2, y2 = tile.window
    low, high = torch.tensor([x1, y1] * 2).double(), torch.tensor([x2, y2] * 2).double()
    cut = boxes.maximum(low).minimum(high)
    kept = (cut[:, 2] > cut[:, 0]) & (cut[:, 3] > cut[:, 1])
    return cut[kept] - low


def in_order(boxes):
    return sorted(map(tuple, boxes.tolist()))


class TestCutTiles:
    def test_by_hand(self):
        tiles = cut_tiles((10, 26), side=10, overlap=2)
        assert [tile.window for tile in tiles] == [(0, 0, 10, 10), (8, 0, 18, 10), (16, 0, 26, 10)]
        assert [tile.core for tile in tiles] == [(0, 0, 9, 10), (9, 0, 17, 10), (17, 0, 26, 10)]
        assert [tile.last for tile in tiles] == [(False, True), (False, True), (True, True)]

    def test_a_small_picture_is_one_tile(self):
        assert cut_tiles((5, 7), side=10, overlap=2) == (Tile((0, 0, 7, 5), (0, 0, 7, 5)),)

    def test_two_rows(self):
        assert [tile.window[1] for tile in cut_tiles((18, 18), side=10, overlap=2)] == [0, 0, 8, 8]

    @given(size=sizes)
    @settings(max_examples=80, deadline=None)
    def test_cores_share_the_picture_out(self, size):
        height, width, side, half = size
        overlap = min(2 * half, 2 * ((side - 1) // 2))
        owners = torch.zeros(height, width)
        tiles = cut_tiles((height, width), side, overlap)
        for tile in tiles:
            (x1, y1, x2, y2), window = tile.core, tile.window
            owners[y1:y2, x1:x2] += 1
            assert window[0] <= x1 < x2 <= window[2] <= width
            assert window[1] <= y1 < y2 <= window[3] <= height
            for low, high, start, end, length in (
                (x1, x2, window[0], window[2], width),
                (y1, y2, window[1], window[3], height),
            ):
                assert low in (0, start) if start == 0 else low - start >= overlap // 2
                assert high == length if end == length else end - high >= overlap // 2
        assert (owners == 1).all()
        assert len({(t.window[2] - t.window[0], t.window[3] - t.window[1]) for t in tiles}) == 1

    @pytest.mark.parametrize(("side", "overlap"), [(10, 3), (10, 10), (10, -2), (10, 12)])
    def test_error_text(self, side, overlap):
        with pytest.raises(ValueError, match=r"^overlap: expected an even number from 0 to below 10, got"):
            cut_tiles((50, 50), side, overlap)

    def test_error_text_of_a_size(self, unhooked):
        with pytest.raises(ValueError, match=r"^image_hw: expected"):
            cut_tiles((0, 50), 10, 2)


class TestTile:
    @given(size=sizes, data=st.data())
    @settings(max_examples=30, deadline=None)
    def test_every_point_has_one_owner(self, size, data):
        height, width, side, half = size
        tiles = cut_tiles((height, width), side, min(2 * half, 2 * ((side - 1) // 2)))
        x, y = data.draw(st.integers(0, 2 * width)) / 2, data.draw(st.integers(0, 2 * height)) / 2
        assert sum(bool(tile.owns(torch.tensor([[x, y]]))) for tile in tiles) == 1


class TestTakeTiles:
    def test_pixels_of_the_picture(self):
        image = torch.rand(3, 30, 45, generator=torch.Generator().manual_seed(0))
        tiles = cut_tiles((30, 45), 20, 6)
        batch = take_tiles(image, tiles)
        assert batch.shape == (len(tiles), 3, 20, 20)
        x1, y1, _, _ = tiles[-1].window
        assert torch.equal(batch[-1, :, 3, 5], image[:, y1 + 3, x1 + 5])


class TestJoinBoxes:
    @given(size=sizes, data=st.data())
    @settings(max_examples=80, deadline=None)
    def test_a_perfect_counter_counts_the_same_in_tiles(self, size, data):
        """Things no longer than the overlap, whole pixels and halves, touching and covering each other as they like."""
        height, width, side, half = size
        overlap = min(2 * half, 2 * ((side - 1) // 2))
        boxes = []
        for _ in range(data.draw(st.integers(0, 6))):
            w, h = (data.draw(st.integers(1, max(1, 2 * min(overlap, length)))) / 2 for length in (width, height))
            if max(w, h) > overlap:
                continue
            x, y = (data.draw(st.integers(0, int(2 * (length - one)))) / 2 for length, one in ((width, w), (height, h)))
            boxes.append([x, y, x + w, y + h])
        boxes = torch.tensor(boxes).reshape(-1, 4).double()
        tiles = cut_tiles((height, width), side, overlap)
        assert in_order(join_boxes([seen(boxes, tile) for tile in tiles], tiles)) == in_order(boxes)

    def test_a_thing_longer_than_the_overlap_may_be_counted_twice(self):
        """The bound is sharp: each tile sees one end of it, and calls the middle of that end its own."""
        tiles = cut_tiles((10, 100), side=60, overlap=20)
        assert [tile.core[0] for tile in tiles] == [0, 50]
        long = torch.tensor([[2.0, 2, 98, 8]]).double()
        assert len(join_boxes([seen(long, tile) for tile in tiles], tiles)) == 2

    def test_no_tile_finds_anything(self):
        tiles = cut_tiles((10, 100), side=60, overlap=20)
        assert join_boxes([torch.zeros(0, 4)] * 2, tiles).shape == (0, 4)

    def test_error_text(self, unhooked):
        tiles = cut_tiles((10, 100), side=60, overlap=20)
        with pytest.raises(ValueError, match=r"^tiles: expected as many rows as found \(1\), got 2"):
            join_boxes([torch.zeros(0, 4)], tiles)
        with pytest.raises(ValueError, match=r"^found: expected x1 <= x2"):
            join_boxes([torch.zeros(0, 4), torch.tensor([[5.0, 5, 1, 9]])], tiles)


class TestJoinPoints:
    def test_equals_the_boxes_without_size(self):
        points = torch.rand(40, 2, generator=torch.Generator().manual_seed(0)).double() * torch.tensor([90, 50])
        tiles = cut_tiles((50, 90), 30, 8)
        found = []
        for tile in tiles:
            low = torch.tensor(tile.window[:2]).double()
            inside = ((points >= low) & (points <= torch.tensor(tile.window[2:]))).all(1)
            found.append(points[inside] - low)
        assert sum(map(len, found)) > len(points)
        joined = join_points(found, tiles)
        assert in_order((joined * 1e6).round()) == in_order((points * 1e6).round())
        boxes = join_boxes([torch.cat([one, one], 1) for one in found], tiles)
        assert torch.equal(boxes[:, :2], joined)


class TestJoinDensities:
    def test_the_picture_s_own_density_comes_back(self):
        density = torch.rand(50, 90, generator=torch.Generator().manual_seed(0))
        tiles = cut_tiles((50, 90), 32, 10)
        joined = join_densities(take_tiles(density[None], tiles)[:, 0], tiles, (50, 90))
        assert torch.equal(joined, density)

    def test_the_sum_of_all_tiles_would_count_the_overlaps_twice(self):
        density = torch.full((40, 40), 1 / 1600)
        tiles = cut_tiles((40, 40), 24, 8)
        planes = take_tiles(density[None], tiles)[:, 0]
        assert planes.sum() == pytest.approx(1.44)
        assert join_densities(planes, tiles, (40, 40)).sum() == pytest.approx(1)


class TestJoinByNms:
    def test_whole_things_seen_twice_are_one(self):
        tiles = cut_tiles((10, 100), side=60, overlap=20)
        found = [torch.tensor([[45.0, 2, 55, 8]]), torch.tensor([[5.0, 2, 15, 8]])]
        joined = join_by_nms(found, [torch.tensor([0.8]), torch.tensor([0.9])], tiles)
        assert joined.tolist() == [[45, 2, 55, 8]]

    def test_things_that_hide_each_other_are_lost(self):
        """Two boxes of IoU 0.6 within one tile: ownership keeps both, suppression one."""
        tiles = cut_tiles((10, 40), side=60, overlap=20)
        found = [torch.tensor([[0.0, 0, 8, 8], [2.0, 0, 10, 8]])]
        assert len(join_by_nms(found, [torch.tensor([0.9, 0.8])], tiles)) == 1
        assert len(join_boxes(found, tiles)) == 2


class TestFindInTiles:
    def test_pixels_as_things(self):
        """A finder that boxes every lit pixel of a tile: as many in tiles as in the whole picture."""
        image = (torch.rand(1, 41, 57, generator=torch.Generator().manual_seed(0)) > 0.9).float()

        def find(tiles):
            places = [one[0].nonzero().flip(1).double() for one in tiles]
            return [torch.cat([place, place + 1], 1) for place in places]

        whole = find(image[None])[0]
        found = find_in_tiles(image, find, side=16, overlap=2)
        assert in_order(found) == in_order(whole)
        assert len(whole) == int(image.sum())
