import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import tensor

from gk_utils.errors import check_boxes, check_choice, check_hw, check_same_length, check_unit

pytestmark = pytest.mark.usefixtures("unhooked")


class TestCheckBoxes:
    @pytest.mark.parametrize(
        "boxes",
        [
            torch.zeros(0, 4),
            torch.zeros(4),
            torch.zeros(2, 3, 4),
            tensor([[-5.0, -5, -5, 3]]),
            tensor([[1.0, 2, 3, 4]], dtype=torch.float16),
            tensor([[-3e38, -3e38, 3e38, 3e38]]),  # x2 - x1 is more than a float32 holds
        ],
    )
    def test_lets_boxes_pass(self, boxes):
        check_boxes(boxes)

    @pytest.mark.parametrize(
        ("boxes", "error", "message"),
        [
            ([[0, 0, 1, 1]], TypeError, r"boxes: expected a float tensor \(..., 4\), got list. Wrap it: torch.tensor"),
            (np.zeros((1, 4)), TypeError, "got ndarray. Wrap it"),
            (torch.zeros(1, 4, dtype=torch.int64), TypeError, r"got int64. Call boxes.float\(\) first"),
            (torch.zeros(4, 5), ValueError, r"expected shape \(..., 4\), got \(4, 5\)"),
            (tensor(1.0), ValueError, r"expected shape \(..., 4\), got \(\)"),
            (tensor([5.0, 0, 1, 1]), ValueError, r"got the box = \[5, 0, 1, 1\]. Is it xywh\?"),
            (tensor([[0.0, 0, 1, 1], [0, 9, 1, 1]]), ValueError, r"got row 1 = \[0, 9, 1, 1\]. Is it xywh\?"),
            (tensor([[[0.0, 0, 1, 1]], [[0, 9, 1, 1]]]), ValueError, r"got row \(1, 0\) = \[0, 9, 1, 1\]"),
            (tensor([[0.0, 0, 1, math.nan]]), ValueError, r"expected finite numbers, got row 0 = \[0, 0, 1, nan\]"),
            (tensor([[0.0, 0, 1, math.inf]]), ValueError, r"expected finite numbers, got row 0 = \[0, 0, 1, inf\]"),
            (tensor([[-math.inf, 0, 1, 1]]), ValueError, r"expected finite numbers, got row 0 = \[-inf, 0, 1, 1\]"),
        ],
    )
    def test_names_what_is_wrong(self, boxes, error, message):
        with pytest.raises(error, match=message):
            check_boxes(boxes)

    def test_names_the_argument(self):
        with pytest.raises(ValueError, match="^truth: expected"):
            check_boxes(torch.zeros(2, 3), "truth")

    @given(st.integers(0, 63), st.lists(st.floats(allow_nan=True), min_size=4, max_size=4))
    def test_finds_any_bad_row_and_no_good_one(self, row, numbers):
        boxes = torch.zeros(64, 4, dtype=torch.float64)
        boxes[row] = tensor(numbers, dtype=torch.float64)
        if all(map(math.isfinite, numbers)) and numbers[0] <= numbers[2] and numbers[1] <= numbers[3]:
            check_boxes(boxes)
        else:
            with pytest.raises(ValueError, match=f"got row {row} = "):
                check_boxes(boxes)


class TestCheckUnit:
    def test_lets_rounding_pass(self):
        check_unit(tensor([[0.0, 1.0, 1.0000005, -0.0000005]]), "boxes_unit", 4)
        check_unit(torch.zeros(0, 4), "boxes_unit", 4)
        check_unit(tensor(0.5), "score")

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            (tensor([[0.1, 0.2], [0.3, 20.0]]), r"points_unit: expected numbers in \[0, 1\], got row 1 = \[0.3, 20\]"),
            (tensor([[0.1, math.nan]]), r"got row 0 = \[0.1, nan\]"),
            (tensor([[0.1, 0.2, 0.3]]), r"expected shape \(..., 2\), got \(1, 3\)"),
        ],
    )
    def test_names_what_is_wrong(self, values, message):
        with pytest.raises(ValueError, match=message):
            check_unit(values, "points_unit", 2)

    def test_a_single_number(self):
        with pytest.raises(ValueError, match=r"score: expected numbers in \[0, 1\], got the values = 1.5"):
            check_unit(tensor(1.5), "score")


class TestCheckChoice:
    def test_lists_the_choices(self):
        check_choice("val", ("val", "testA"), "split")
        with pytest.raises(ValueError, match="split: expected one of 'val', 'testA', got 'test'. Choose one of these."):
            check_choice("test", ("val", "testA"), "split")


class TestCheckHw:
    def test_lets_sizes_pass(self):
        check_hw((480, 640))
        check_hw((0.5, 1.0))

    @pytest.mark.parametrize("image_hw", [(0, 5), (5, -1), (5,), (5, 6, 3), (5, math.nan), (math.inf, 5)])
    def test_names_what_is_wrong(self, image_hw):
        with pytest.raises(ValueError, match=r"canvas_hw: expected \(height, width\), both above 0, got \("):
            check_hw(image_hw, "canvas_hw")


class TestCheckSameLength:
    def test_names_both(self):
        check_same_length([1, 2], torch.zeros(2, 4), ("boxes", "scores"))
        with pytest.raises(ValueError, match=r"scores: expected as many rows as boxes \(2\), got 3"):
            check_same_length([1, 2], torch.zeros(3), ("boxes", "scores"))
