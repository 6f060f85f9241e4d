import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import tensor

from gk_utils.text_coordinates import parse_boxes, parse_points
from gk_utils.text_coordinates.conventions import FORMATS, format_of, qwen_resized_hw


class TestFormats:
    def test_each_row_names_its_source_and_writes_something(self):
        for row in FORMATS.values():
            assert row.source
            assert row.box or row.point
            assert (row.keys is not None) == (row.spelling == "json")
            assert (row.top is None) == (row.canvas == "resized")

    @pytest.mark.parametrize("name", FORMATS)
    def test_the_examples_of_the_table_are_of_their_format(self, name):
        """The example box is read without a complaint, as one box of a mug; its point likewise."""
        for example, parse in ((FORMATS[name].box, parse_boxes), (FORMATS[name].point, parse_points)):
            if example:
                parsed = parse(example, name)
                assert (parsed.labels, parsed.problems) == (("mug",), ())


class TestFrame:
    def test_shikra_pads_to_a_square(self):
        """400 x 600: 100 px above and below, then divided by 600."""
        frame = FORMATS["shikra"].frame((400, 600))
        got = frame.from_pixels(tensor([0.0, 0.0, 600.0, 400.0]))
        assert got.tolist() == pytest.approx([0, 1 / 6, 1, 5 / 6])

    @given(st.integers(1, 999), st.integers(1, 999))
    def test_shikra_equals_its_own_arithmetic(self, height, width):
        """box_xyxy_expand2square at 1204f10, written out: whole pixels, then divided by the longer side."""
        frame = FORMATS["shikra"].frame((height, width))
        side = max(height, width)
        x, y = ((side - width) // 2) / side, ((side - height) // 2) / side
        assert frame.from_pixels(tensor([0.0, 0.0, 0.0, 0.0])).tolist() == pytest.approx([x, y, x, y], abs=1e-6)

    def test_relative_formats_squash_the_picture(self):
        corner = tensor([0.0, 0.0, 640.0, 480.0])
        for name, top in (("ferret", 1000), ("qwen_vl", 999), ("qwen3_vl", 1000), ("gemini", 1000), ("molmo", 100)):
            assert FORMATS[name].frame((480, 640)).from_pixels(corner).tolist() == pytest.approx([0, 0, top, top])

    def test_qwen2_5_counts_pixels_of_the_resized_picture(self):
        """Of issue 1035: 434 rows become 448, and the model wrote y2 = 476: below the picture."""
        frame = FORMATS["qwen2_5_vl"].frame((434, 368), (448, 364))
        assert frame.hw == (448, 364)
        assert frame.to_pixels(tensor([19.0, 300.0, 154.0, 476.0]))[3] > 434

    def test_error_text(self, unhooked):
        with pytest.raises(
            ValueError, match=r"resized_hw: expected the height and width that Qwen2.5-VL saw, got None"
        ):
            FORMATS["qwen2_5_vl"].frame((480, 640))
        with pytest.raises(ValueError, match=r"image_hw: expected \(height, width\), both above 0"):
            FORMATS["ferret"].frame((0, 640))


class TestErrorBound:
    def test_by_hand(self):
        """Half of 640 / 1000; 0.0005 of the longer side; half of 640 / 999; half a tenth of a hundredth."""
        assert FORMATS["qwen3_vl"].error_bound((480, 640)) == pytest.approx((0.32, 0.24))
        assert FORMATS["shikra"].error_bound((480, 640)) == pytest.approx((0.32, 0.32))
        assert FORMATS["qwen_vl"].error_bound((480, 640)) == pytest.approx((320 / 999, 240 / 999))
        assert FORMATS["molmo"].error_bound((480, 640)) == pytest.approx((0.32, 0.24))
        assert FORMATS["qwen2_5_vl"].error_bound((480, 640), (240, 320)) == pytest.approx((1, 1))


class TestFormatOf:
    def test_error_text(self, unhooked):
        assert format_of("molmo", "points") is FORMATS["molmo"]
        with pytest.raises(ValueError, match=r"format_name: expected one of 'shikra', .*'gemini', got 'molmo'"):
            format_of("molmo", "boxes")
        with pytest.raises(ValueError, match=r"format_name: expected one of 'shikra', .*'molmo', got 'qwen_vl'"):
            format_of("qwen_vl", "points")


class TestQwenResizedHw:
    def test_by_hand(self):
        assert qwen_resized_hw((28, 28)) == (56, 56)  # too small: grown to the least area
        assert qwen_resized_hw((364, 448)) == (364, 448)
        height, width = qwen_resized_hw((4000, 3000))
        assert height * width <= 28 * 28 * 1280

    def test_equals_transformers(self):
        from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

        rng = np.random.default_rng(0)
        for height, width in rng.integers(30, 5000, (500, 2)).tolist() + rng.integers(1, 99, (500, 2)).tolist():
            factor = (28, 32)[width % 2]
            expected = smart_resize(height, width, factor, 56 * 56, 28 * 28 * 1280)
            assert qwen_resized_hw((height, width), factor) == expected

    def test_error_text(self, unhooked):
        with pytest.raises(ValueError, match=r"image_hw: expected sides within a ratio of 200, got \(1, 201\)"):
            qwen_resized_hw((1, 201))
