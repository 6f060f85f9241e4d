import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import tensor
from torch.testing import assert_close

from gk_utils.box_tokens.bins import (
    Bins,
    are_boxes,
    check_inside,
    check_range,
    decode_bins,
    encode_bins,
    read_number,
    sides_of,
)

HW = (480, 640)
ARTICLE = [150.0, 100.0, 400.0, 350.0]
ROUND_EDGES, FLOOR_EDGES = Bins(1000), Bins(1000, "floor")
FLOOR_CENTRES, ROUND_CENTRES = Bins(1000, "floor", "centres"), Bins(1000, "round", "centres")
EVERY = [ROUND_EDGES, FLOOR_EDGES, FLOOR_CENTRES, ROUND_CENTRES]

share = st.floats(0, 1)
side = st.integers(1, 5000)
bins = st.builds(Bins, st.integers(2, 3000), st.sampled_from(["round", "floor"]), st.sampled_from(["edges", "centres"]))


def points(values, side):
    """Coordinates of one side as boxes whose four numbers are the same."""
    return (torch.as_tensor(values, dtype=torch.float64) * side)[:, None].expand(-1, 4)


class TestBins:
    def test_errors_by_hand(self):
        """640 px: half of 640 / 999, and all of it where rounding and decoding do not fit."""
        assert [b.worst_error(640.0) for b in EVERY] == pytest.approx([0.32032, 0.64064, 0.32, 0.64], abs=1e-5)
        assert [b.bias(640.0) for b in EVERY] == pytest.approx([0, -0.32032, 0, 0.31968], abs=1e-5)
        assert [b.matched for b in EVERY] == [True, False, True, False]

    def test_one_pixel_ends_at_1998(self):
        """A thousand bins stay below a pixel of bin width, not of error, up to a side of 999; of error up to 1998."""
        assert ROUND_EDGES.worst_error(1998.0) == 1.0
        assert ROUND_EDGES.worst_error(4000.0) > 2.0

    @given(bins, side, st.lists(share, min_size=1, max_size=20))
    def test_no_error_exceeds_the_bound(self, bins, side, shares):
        boxes = points(shares, side)
        back = decode_bins(encode_bins(boxes, (side, side), bins), (side, side), bins).double()
        assert (back - boxes).abs().max() <= bins.worst_error(side) + 2e-7 * side

    @pytest.mark.parametrize("bins", EVERY, ids=str)
    def test_the_bound_is_reached(self, bins):
        boxes = points(torch.linspace(0, 1, 200_001), 640)
        error = (decode_bins(encode_bins(boxes, (640, 640), bins), (640, 640), bins).double() - boxes).abs().max()
        assert 0.99 * bins.worst_error(640.0) <= error <= bins.worst_error(640.0) + 1e-4

    @pytest.mark.parametrize("bins", EVERY, ids=str)
    def test_bias_is_the_measured_mean(self, bins):
        """Midpoints of 2 million equal parts of the side, so that the mean is that of every place on it."""
        boxes = points((torch.arange(2_000_000, dtype=torch.float64) + 0.5) / 2_000_000, 640)[:, :1].expand(-1, 4)
        boxes = boxes[::7]
        error = decode_bins(encode_bins(boxes, (640, 640), bins), (640, 640), bins).double() - boxes
        assert error.mean().item() == pytest.approx(bins.bias(640.0), abs=1e-3)

    @given(st.integers(2, 1500), side, st.booleans())
    def test_matched_bins_are_stable(self, count, side, edges):
        """Every bin decodes to a number that encodes to the same bin."""
        bins = Bins(count) if edges else Bins(count, "floor", "centres")
        every = torch.arange(count)[:, None].expand(-1, 4)
        assert torch.equal(encode_bins(decode_bins(every, (side, side), bins), (side, side), bins), every)

    def test_int_is_not_stable(self):
        """The article's second convention, in plain Python: five bins come back as their lower neighbour."""
        drifting = [k for k in range(1000) if int((k / 999) * 999) != k]
        assert drifting == [63, 126, 252, 504, 509]

    def test_int_and_round_disagree_on_half_of_all_numbers(self):
        boxes = points(torch.rand(20_000, generator=torch.Generator().manual_seed(0)), 640)
        differ = encode_bins(boxes, (640, 640), ROUND_EDGES) != encode_bins(boxes, (640, 640), FLOOR_EDGES)
        assert differ.float().mean().item() == pytest.approx(0.5, abs=0.02)

    def test_bad_settings_are_named(self, unhooked):
        with pytest.raises(ValueError, match="count: expected at least 2 bins, got 1"):
            Bins(1)
        with pytest.raises(ValueError, match="rounding: expected one of 'round', 'floor', got 'int'"):
            Bins(10, "int")
        with pytest.raises(ValueError, match="decode: expected one of 'edges', 'centres'"):
            Bins(10, "floor", "middle")


class TestEncodeBins:
    def test_the_articles_box(self):
        """It prints [234, 208, 625, 729]; 0.625 * 999 is 624.375 and 350 / 480 * 999 is 728.44."""
        assert encode_bins(tensor(ARTICLE), HW).tolist() == [234, 208, 624, 728]

    def test_borders(self):
        for each in EVERY:
            assert encode_bins(tensor([0.0, 0.0, 640.0, 480.0]), HW, each).tolist() == [0, 0, 999, 999]

    def test_halves_go_up(self):
        """Two bins: 0.5 is a half. torch and Python round it to the even 0; here it is 1."""
        assert encode_bins(tensor([0.5, 0.5, 0.5, 0.5]), (1, 1), Bins(2)).tolist() == [1] * 4
        assert round(0.5) == 0
        assert tensor(0.5).round() == 0

    def test_equal_numpy_away_from_halves(self):
        rng = np.random.default_rng(0)
        values = np.sort(rng.random((500, 2, 2)), axis=1).reshape(500, 4) * [640, 480, 640, 480]
        expected = np.round(values / [640, 480, 640, 480] * 999)
        assert np.array_equal(encode_bins(torch.from_numpy(values), HW).numpy(), expected)

    @pytest.mark.parametrize("side", [640, 100, 25, 17])
    def test_cell_borders_are_exact(self, side):
        """Left borders of cells, as good as float32 holds them, never fall into the cell before."""
        whole = torch.arange(0, side).float()[:, None].expand(-1, 4)
        expected = torch.arange(0, side) * 1000 // side
        assert torch.equal(encode_bins(whole, (side, side), FLOOR_CENTRES)[:, 0], expected)

    def test_half_precision_is_widened(self):
        box = tensor([100.0, 100.0, 400.0, 300.0])
        assert torch.equal(encode_bins(box.half(), HW), encode_bins(box, HW))

    def test_no_boxes_and_batches(self):
        assert encode_bins(torch.zeros(0, 4), HW).shape == (0, 4)
        assert encode_bins(torch.zeros(2, 3, 4), HW).shape == (2, 3, 4)

    def test_a_point_is_encoded(self):
        assert encode_bins(tensor([64.0, 48.0, 64.0, 48.0]), HW).tolist() == [100, 100, 100, 100]

    @pytest.mark.parametrize("value", [-2.0, 641.2])
    def test_outside_is_an_error(self, unhooked, value):
        """`int()` makes -3 of the one and 1000 of the other, both out of the vocabulary."""
        box = [min(value, 0.0), 0.0, max(value, 10.0), 10.0]
        with pytest.raises(ValueError, match=r"expected inside the picture .* = \(480, 640\), got .*clip_boxes"):
            encode_bins(tensor(box), HW)

    def test_the_message_rounds_to_hundredths(self, unhooked):
        with pytest.raises(ValueError, match=r"got \[-0\.12, 0\.0, 1\.0, 1\.0\]"):
            encode_bins(tensor([-0.1234, 0.0, 1.0, 1.0]), HW)

    def test_rounding_outside_is_forgiven(self):
        assert encode_bins(tensor([-1e-5, 0.0, 640.0001, 480.0]), HW).tolist() == [0, 0, 999, 999]

    def test_nan_and_inverted_are_errors(self, unhooked):
        with pytest.raises(ValueError, match="finite"):
            encode_bins(tensor([float("nan"), 0, 1, 1]), HW)
        with pytest.raises(ValueError, match="x1 <= x2"):
            encode_bins(tensor([5.0, 0, 1, 1]), HW)
        with pytest.raises(ValueError, match="image_hw"):
            encode_bins(tensor([0.0, 0, 1, 1]), (0, 640))


class TestDecodeBins:
    def test_the_articles_box(self):
        """It prints 0.6256 and 0.7297 for the last two; 624 / 999 is 0.6246 and 728 / 999 is 0.7287."""
        unit = decode_bins(tensor([234, 208, 624, 728]), (1, 1))
        assert_close(unit, tensor([0.2342, 0.2082, 0.6246, 0.7287]), atol=5e-5, rtol=0)
        error = (decode_bins(tensor([234, 208, 624, 728]), HW) - tensor(ARTICLE)).abs()
        assert_close(error, tensor([0.090, 0.060, 0.240, 0.210]), atol=5e-4, rtol=0)

    def test_centres_by_hand(self):
        bins = Bins(4, "floor", "centres")
        assert decode_bins(tensor([0, 1, 2, 3]), (8, 8), bins).tolist() == [1, 3, 5, 7]

    @pytest.mark.parametrize(("row", "token"), [([-1, 0, 5, 5], -1), ([0, 0, 999, 1000], 1000)])
    def test_no_such_bin(self, unhooked, row, token):
        with pytest.raises(ValueError, match=f"tokens: expected numbers from 0 to 999, got {token}"):
            decode_bins(tensor([[0, 0, 5, 5], row]), HW)

    def test_inverted_is_an_error(self, unhooked):
        with pytest.raises(ValueError, match=r"x1 <= x2 and y1 <= y2, got \[3, 2, 1, 4\].*are_boxes"):
            decode_bins(tensor([[0, 0, 1, 1], [3, 2, 1, 4]]), HW)

    def test_none(self):
        assert decode_bins(torch.zeros(0, 4, dtype=torch.long), HW).shape == (0, 4)


class TestAreBoxes:
    def test_by_hand(self):
        assert are_boxes(tensor([[1, 2, 3, 4], [3, 2, 1, 4], [1, 4, 3, 2], [5, 5, 5, 5]])).tolist() == [1, 0, 0, 1]


class TestChecks:
    def test_pass_in_silence(self):
        check_inside(tensor([[0.0, 0.0, 640.0, 480.0]]), HW)
        check_range(tensor([0, 9]), 10)

    def test_the_name_is_said(self, unhooked):
        with pytest.raises(ValueError, match="cells: expected numbers from 0 to 9, got 10"):
            check_range(tensor([3, 10]), 10, "cells")


class TestSidesOf:
    def test_width_first(self):
        assert sides_of(torch.zeros(1), (3, 5)).tolist() == [5, 3, 5, 3]


class TestReadNumber:
    @pytest.mark.parametrize(
        ("digits", "number"),
        [
            ("0", 0),
            ("0042", 42),
            (300 * "0" + "7", 7),
            (300 * "0", 0),
            ("999999999", 999_999_999),
            ("1000000000", 10**9),
            ("1000000001", 10**9),
            ("9999999999", 10**9),
            ("10000000000", 10**9),
            (5000 * "9", 10**9),  # Python itself refuses to read this one
        ],
    )
    def test_by_hand(self, digits, number):
        assert read_number(digits) == number

    @given(st.integers(0, 10**9 - 1), st.integers(0, 20))
    def test_as_int_reads_it(self, number, zeros):
        assert read_number("0" * zeros + str(number)) == number
