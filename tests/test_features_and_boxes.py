import pytest
import torch
from torch import tensor
from torch.testing import assert_close

from gk_utils.roi_align.features_and_boxes import (
    check_scale,
    corners_and_pictures,
    finished,
    no_boxes,
    of_pictures,
    pair,
    wide,
)

FEATURES = torch.zeros(2, 3, 4, 5)
BOX = tensor([[1.0, 2, 3, 4]])


class TestCornersAndPictures:
    def test_a_list(self):
        corners, pictures = corners_and_pictures(FEATURES, [BOX, BOX.repeat(2, 1) + 1])
        assert corners.tolist() == [[1, 2, 3, 4], [2, 3, 4, 5], [2, 3, 4, 5]]
        assert pictures.tolist() == [0, 1, 1]

    def test_rows(self):
        corners, pictures = corners_and_pictures(FEATURES, tensor([[1.0, 1, 2, 3, 4], [0, 5, 6, 7, 8]]))
        assert corners.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
        assert pictures.tolist() == [1, 0]

    @pytest.mark.parametrize(
        ("of_features", "of_boxes", "expected"),
        [
            (torch.float32, torch.float16, torch.float32),
            (torch.bfloat16, torch.bfloat16, torch.float32),
            (torch.float16, torch.float64, torch.float64),
            (torch.float64, torch.float32, torch.float64),
        ],
    )
    def test_corners_are_exact(self, of_features, of_boxes, expected):
        for boxes in ([BOX.to(of_boxes), BOX.to(of_boxes)], torch.zeros(1, 5, dtype=of_boxes)):
            assert corners_and_pictures(FEATURES.to(of_features), boxes)[0].dtype == expected

    def test_none(self):
        for features, boxes in ((FEATURES, torch.zeros(0, 5)), (FEATURES, [BOX[:0]] * 2), (FEATURES[:0], [])):
            corners, pictures = corners_and_pictures(features, boxes)
            assert (corners.shape, pictures.shape, pictures.dtype) == ((0, 4), (0,), torch.long)

    @pytest.mark.parametrize(
        ("features", "boxes", "kind", "text"),
        [
            (FEATURES[0], [BOX], ValueError, r"features: expected floats \(b c h w\).*got torch.float32 \(3, 4, 5\)"),
            (FEATURES.int(), [BOX], ValueError, r"features: expected floats .*got torch.int32"),
            (FEATURES[..., :0], [BOX] * 2, ValueError, r"features: .* above 0, got torch.float32 \(2, 3, 4, 0\)"),
            (FEATURES, BOX, ValueError, r"boxes: expected a list .* got a tensor \(1, 4\).* \[boxes\]"),
            (FEATURES, [BOX], ValueError, "boxes: expected one tensor for each of 2 pictures, got 1"),
            (FEATURES, [BOX, [1, 2, 3, 4]], TypeError, r"boxes\[1\]: expected a float tensor"),
            (FEATURES, [BOX, BOX.flip(1)], ValueError, r"boxes\[1\]: expected x1 <= x2 .* row 0 = \[4, 3, 2, 1\]"),
            (FEATURES, [BOX, BOX / 0], ValueError, r"boxes\[1\]: expected finite numbers"),
            (FEATURES, tensor([[0.0, 3, 0, 1, 1]]), ValueError, r"boxes: expected x1 <= x2 .* row 0"),
            (FEATURES, tensor([[0.0, 0, 0, 1, 1], [2, 0, 0, 1, 1]]), ValueError, "picture, 0 to 1, .* row 1 with 2"),
            (FEATURES, tensor([[-1.0, 0, 0, 1, 1]]), ValueError, "row 0 with -1"),
            (FEATURES, tensor([[0.5, 0, 0, 1, 1]]), ValueError, "row 0 with 0.5"),
            (FEATURES, tensor([[float("nan"), 0, 0, 1, 1]]), ValueError, "row 0 with nan"),
        ],
    )
    def test_error_texts(self, features, boxes, kind, text, unhooked):
        with pytest.raises(kind, match=text):
            corners_and_pictures(features, boxes)


class TestOfPictures:
    def test_keeps_the_order_of_the_boxes(self):
        pictures, asked = tensor([1, 0, 1, 1]), []

        def form(picture, which):
            asked.append((picture, which.tolist()))
            return which.view(-1, 1, 1, 1).expand(-1, 3, 1, 1).float() + 10 * picture

        found = of_pictures(FEATURES, pictures, 1, 2, form)
        assert found[:, 0].flatten().tolist() == [10, 1, 12, 13]
        assert [each for each in asked if each[1]] == [(0, [1]), (1, [0, 2]), (1, [3])]

    def test_autocast_is_off(self):
        def form(picture, which):
            assert not torch.is_autocast_enabled("cpu")
            return torch.zeros(len(which), 3, 1, 1)

        with torch.autocast("cpu", torch.bfloat16):
            assert of_pictures(FEATURES, tensor([0]), 1, 2, form).shape == (1, 3, 1, 1)


class TestNoBoxes:
    def test_gives_a_gradient_of_zeros(self):
        features = FEATURES.clone().requires_grad_()
        nothing = no_boxes(features, (2, 7))
        assert nothing.shape == (0, 3, 2, 7)
        nothing.sum().backward()
        assert_close(features.grad, FEATURES)


class TestFinished:
    def test_dtype_and_memory_format(self):
        pooled = torch.randn(2, 4, 5, 3).permute(0, 3, 1, 2)[..., 1:]
        for features in (FEATURES.half(), FEATURES.double().contiguous(memory_format=torch.channels_last)):
            found = finished(pooled, features)
            assert found.dtype == features.dtype
            assert found.stride(1) == (1 if features.stride(1) == 1 else 16)
            assert_close(found, pooled.to(features.dtype), rtol=0, atol=0)


class TestWide:
    def test_half_precision_only(self):
        assert wide(BOX.bfloat16()).dtype == wide(BOX.half()).dtype == torch.float32
        assert wide(BOX) is BOX
        assert wide(BOX.double()).dtype == torch.float64


class TestPair:
    def test_one_number_is_for_both(self):
        assert pair(7) == (7, 7)
        assert pair((2, 3)) == (2, 3)

    @pytest.mark.parametrize("output_hw", [0, (3, -1), (1, 2, 3), 7.0, (1.5, 2)])
    def test_error_text(self, output_hw, unhooked):
        with pytest.raises(ValueError, match="output_hw: expected whole rows and columns above 0, got"):
            pair(output_hw)


class TestCheckScale:
    @pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
    def test_error_text(self, scale):
        check_scale(1 / 16)
        with pytest.raises(ValueError, match="spatial_scale: expected a number above 0, got .* 1 / stride"):
            check_scale(scale)
