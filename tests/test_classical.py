import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.filters import threshold_otsu

from gk_utils.boxes import pairwise_iou
from gk_utils.counting.classical import count_components, flatten_background, otsu_threshold, split_touching
from gk_utils.photos import load


@pytest.fixture(scope="module")
def coins():
    """The photograph in grey, and its 24 boxes."""
    photo = load("coins")
    return photo.image[..., 0], photo.boxes


def found_of(boxes, truth):
    """How many of the true boxes have a found one with IoU 0.5 or more."""
    return int((pairwise_iou(boxes, truth).amax(0) >= 0.5).sum())


class TestOtsuThreshold:
    def test_by_hand(self):
        """Of the three cuts of 0, 2, 8, 10 the middle one parts most: 2 * 2 * 8² = 256 against 3 * (20 / 3)²."""
        assert otsu_threshold(np.array([0, 2, 8, 10])) == 2

    def test_equals_the_loop(self):
        values = np.random.default_rng(0).integers(0, 40, 60)
        spreads = []
        for cut in range(values.min(), values.max()):
            groups = values[values <= cut], values[values > cut]
            spreads.append(sum(len(group) * group.var() for group in groups))
        assert otsu_threshold(values) == values.min() + int(np.argmin(spreads))

    @given(values=hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))))
    @settings(max_examples=60, deadline=None)
    def test_equals_the_library_on_bytes(self, values):
        assert otsu_threshold(values) == threshold_otsu(values)

    def test_equals_the_library_on_floats_and_photographs(self, coins):
        assert otsu_threshold(coins[0]) == threshold_otsu(coins[0])
        flat = flatten_background(coins[0])
        assert otsu_threshold(flat) == pytest.approx(threshold_otsu(flat))

    def test_equal_values(self):
        assert otsu_threshold(np.full((3, 3), 7)) == 7

    @pytest.mark.parametrize("values", [np.zeros((0, 4)), np.array([1.0, np.nan])])
    def test_error_text(self, values):
        with pytest.raises(ValueError, match=r"^values: expected finite numbers, at least one"):
            otsu_threshold(values)


class TestFlattenBackground:
    def test_takes_a_slow_slope_away_and_leaves_a_spot(self):
        picture = np.tile(np.linspace(0, 100, 300), (60, 1))
        picture[28:32, 148:152] += 50
        flat = flatten_background(picture, 20)
        assert flat[30, 150] > 40
        assert np.abs(flat[:10, 60:-60]).max() < 1


class TestCountComponents:
    def test_by_hand(self):
        mask = np.array([[1, 0, 0, 0, 0], [0, 1, 0, 1, 1], [0, 0, 0, 1, 1]], bool)
        regions = count_components(mask)
        assert regions.count == 3  # corners do not connect
        assert regions.boxes.tolist() == [[0, 0, 1, 1], [1, 1, 2, 2], [3, 1, 5, 3]]
        assert count_components(mask, least_area=4).labels.tolist() == [
            [0, 0, 0, 0, 0],
            [0, 0, 0, 1, 1],
            [0, 0, 0, 1, 1],
        ]

    def test_a_hole_is_filled_before_it_is_measured(self):
        ring = np.pad(np.ones((5, 5), bool), 2)
        ring[4, 4] = False
        assert count_components(ring, least_area=25).count == 1

    @pytest.mark.parametrize("mask", [np.zeros((4, 5), bool), np.zeros((0, 5), bool)])
    def test_nothing(self, mask):
        assert count_components(mask).count == 0
        assert count_components(mask).boxes.shape == (0, 4)

    @given(mask=hnp.arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7))))
    @settings(max_examples=50, deadline=None)
    def test_boxes_and_labels_agree(self, mask):
        regions = count_components(mask)
        assert set(np.unique(regions.labels)) - {0} == set(range(1, regions.count + 1))
        for number, (x1, y1, x2, y2) in enumerate(regions.boxes.int().tolist(), start=1):
            assert (regions.labels[y1:y2, x1:x2] == number).sum() == (regions.labels == number).sum() > 0

    def test_on_the_coins_the_number_is_right_and_a_region_is_not(self, coins):
        grey, truth = coins
        bright = grey > otsu_threshold(grey)
        assert count_components(bright).count > 100  # noise
        regions = count_components(bright, least_area=50)
        assert regions.count == 24
        assert found_of(regions.boxes, truth) == 23

    def test_with_a_flat_background_all_is_right(self, coins):
        flat = flatten_background(coins[0])
        regions = count_components(flat > otsu_threshold(flat), least_area=50)
        assert (regions.count, found_of(regions.boxes, coins[1])) == (24, 24)


class TestSplitTouching:
    def test_a_row_of_discs(self):
        y, x = np.mgrid[0:40, 0:130]
        discs = np.any([np.hypot(x - at, y - 20) < 14 for at in (20, 45, 70, 95)], 0)
        assert count_components(discs).count == 1
        regions = split_touching(discs)
        assert regions.count == 4
        assert (regions.boxes[:, 2] - regions.boxes[:, 0] - 26).abs().max() <= 2
        assert ((regions.labels > 0) == discs).all()

    def test_a_thing_with_a_waist_is_two(self):
        y, x = np.mgrid[0:40, 0:80]
        bone = (
            (np.hypot(x - 20, y - 20) < 12) | (np.hypot(x - 60, y - 20) < 12) | ((abs(y - 20) < 3) & (abs(x - 40) < 20))
        )
        assert count_components(bone).count == 1
        assert split_touching(bone).count == 2

    def test_nothing(self):
        assert split_touching(np.zeros((20, 20), bool)).count == 0

    def test_on_the_coins_when_they_touch(self, coins):
        """Each coin grown by 8 pixels: regions melt together, and most come apart again."""
        from scipy import ndimage

        flat = flatten_background(coins[0])
        grown = ndimage.binary_dilation(flat > otsu_threshold(flat), iterations=8)
        melted, parted = count_components(grown, 50), split_touching(grown)
        assert melted.count < 16
        assert 23 <= parted.count <= 26
        assert found_of(parted.boxes, coins[1]) > found_of(melted.boxes, coins[1])

    def test_on_the_wall_it_finds_coins_that_are_none(self, coins):
        grey, _ = coins
        assert split_touching(grey > otsu_threshold(grey)).count > 26
        assert torch.isfinite(coins[1]).all()
