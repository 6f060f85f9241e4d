import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import tensor
from torch.testing import assert_close

from gk_utils import boxes as gk
from gk_utils.frames import Frame, convert_frame

coordinate = st.floats(-1000, 1000, width=32)


@st.composite
def one_box(draw):
    x, y = sorted([draw(coordinate), draw(coordinate)]), sorted([draw(coordinate), draw(coordinate)])
    return [x[0], y[0], x[1], y[1]]


side = st.integers(1, 4000)
preprocessing = st.lists(
    st.tuples(
        st.sampled_from(["resize", "pad", "fit", "unit", "grid"]),
        st.tuples(side, side),
        st.sampled_from(["centre", "corner"]),
    ),
    max_size=4,
)


def frame_after(image_hw, steps):
    """The frame of a picture after everything a preprocessor may do to it, in any order."""
    frame = Frame.of_image(image_hw)
    for step, to_hw, placement in steps:
        if step == "resize":
            frame = frame.resize(to_hw)
        elif step == "pad":
            frame = frame.pad((frame.hw[0] + to_hw[0], frame.hw[1] + to_hw[1]), placement)
        elif step == "fit":
            frame = frame.fit(to_hw, placement)
        else:
            frame = frame.unit() if step == "unit" else frame.grid(to_hw)
    return frame


class TestFrame:
    def test_letterbox_by_hand(self):
        """600 x 400 into a 300 square: factor 1/2, 300 x 200, 50 px of border above and below."""
        canvas = Frame.of_image((400, 600)).fit((300, 300))
        assert canvas.from_pixels(tensor([100.0, 40.0, 200.0, 80.0])).tolist() == [50, 70, 100, 90]
        corner = Frame.of_image((400, 600)).fit((300, 300), "corner")
        assert corner.from_pixels(tensor([100.0, 40.0, 200.0, 80.0])).tolist() == [50, 20, 100, 40]

    def test_grid_by_hand(self):
        grid = Frame.of_image((224, 448)).grid((14, 28))
        assert grid.from_pixels(tensor([16.0, 32.0, 448.0, 224.0])).tolist() == [1, 2, 28, 14]

    def test_equal_the_pixels_that_move(self):
        """The frame says where a rectangle painted into a real picture is found after torchvision moved the picture."""
        image = torch.zeros(1, 40, 60)
        image[:, 8:24, 12:48] = 1
        moved = torch.nn.functional.pad(
            torch.nn.functional.interpolate(image[None], (20, 30), mode="area")[0], (3, 7, 5, 2)
        )
        frame = Frame.of_image((40, 60)).resize((20, 30))
        frame = Frame((29, 38), frame.scale_xy, (frame.shift_xy[0] + 3, frame.shift_xy[1] + 5))
        expected = frame.from_pixels(tensor([12.0, 8.0, 48.0, 24.0]))
        # pad's order is left, right, top, bottom: 3, 7, 5, 2
        assert_close(gk.boxes_from_masks(moved > 0.5)[0], expected)

    @pytest.mark.parametrize(
        ("image_hw", "expected"), [((400, 200), [30.0, 10.0, 70.0, 90.0]), ((200, 400), [10.0, 30.0, 90.0, 70.0])]
    )
    def test_fits_what_is_tall_and_what_is_wide(self, image_hw, expected):
        frame = Frame.of_image(image_hw).fit((100, 100))
        height, width = image_hw
        inner = tensor([0.1 * width, 0.1 * height, 0.9 * width, 0.9 * height])
        assert_close(frame.from_pixels(inner), tensor(expected))

    def test_borders_add_up(self):
        assert Frame.of_image((10, 10)).pad((20, 14)).pad((30, 20)).shift_xy == (5, 10)

    @given(st.tuples(side, side), preprocessing, one_box())
    def test_round_trip(self, image_hw, steps, box):
        frame = frame_after(image_hw, steps)
        boxes = tensor([box], dtype=torch.float64)
        back = frame.to_pixels(frame.from_pixels(boxes))
        assert_close(back, boxes, rtol=0, atol=1e-6)

    @given(st.tuples(side, side), preprocessing, one_box())
    def test_round_trip_through_another_frame(self, image_hw, steps, box):
        frame = frame_after(image_hw, steps)
        other = Frame.of_image(image_hw).fit((336, 336)).unit()
        boxes = tensor([box], dtype=torch.float64)
        inside = other.from_pixels(boxes)
        assert_close(convert_frame(convert_frame(inside, other, frame), frame, other), inside, rtol=0, atol=1e-6)

    @given(side, side, preprocessing)
    def test_the_picture_lies_inside_its_frame(self, height, width, steps):
        frame = frame_after((height, width), steps)
        x1, y1, x2, y2 = frame.from_pixels(tensor([0.0, 0.0, width, height], dtype=torch.float64)).tolist()
        assert x1 >= -1e-6
        assert y1 >= -1e-6
        assert x2 <= frame.hw[1] * (1 + 1e-9) + 1e-6
        assert y2 <= frame.hw[0] * (1 + 1e-9) + 1e-6

    @given(side, side, one_box(), one_box())
    def test_iou_does_not_see_a_stretch(self, height, width, first, second):
        """Scaling each axis multiplies every area by one factor, so IoU is the same in the unit frame."""
        unit = Frame.of_image((height, width)).unit()
        first, second = tensor([first], dtype=torch.float64), tensor([second], dtype=torch.float64)
        in_unit = gk.paired_iou(unit.from_pixels(first), unit.from_pixels(second))
        assert_close(in_unit, gk.paired_iou(first, second), rtol=0, atol=1e-6)

    def test_error_text(self, unhooked):
        with pytest.raises(ValueError, match=r"to_hw: expected at least this frame's \(400, 600\), got \(300, 700\)"):
            Frame.of_image((400, 600)).pad((300, 700))
        with pytest.raises(ValueError, match=r"to_hw: expected \(height, width\), both above 0, got \(0, 8\)"):
            Frame.of_image((4, 6)).fit((0, 8))
        with pytest.raises(ValueError, match="placement: expected one of 'centre', 'corner', got 'center'"):
            Frame.of_image((4, 6)).fit((8, 8), "center")
        with pytest.raises(ValueError, match=r"image_hw: expected \(height, width\), both above 0, got \(0, 6\)"):
            Frame.of_image((0, 6))
        with pytest.raises(ValueError, match=r"boxes_in_frame: .* got row 1 = \[3, 0, 1, 1\]"):
            Frame.of_image((4, 6)).to_pixels(tensor([[0.0, 0, 1, 1], [3.0, 0, 1, 1]]))
