"""The formats as a whole: what is written is read back, as near as the frame allows."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gk_utils import text_coordinates as gk
from gk_utils.boxes import clip_boxes

BOXES = [name for name, row in gk.FORMATS.items() if row.box]
POINTS = [name for name, row in gk.FORMATS.items() if row.point]

share = st.floats(0, 1, width=32)
side = st.integers(1, 4000)
# Letters, blanks, digits and other scripts: what a label may be made of in every format.
label = st.text(st.characters(categories=["L", "N"]) | st.just(" "), min_size=1, max_size=20).filter(str.strip)


def within(got, expected, bound_xy):
    """Whether each coordinate moved by half a step at most, up to the rounding of float32."""
    bound = got.new_tensor(bound_xy).repeat(got.shape[1] // 2) * (1 + 1e-4) + 2e-3
    return bool(((got - expected).abs() <= bound).all())


class TestRoundTrip:
    @settings(max_examples=200, deadline=None)
    @given(
        st.sampled_from(BOXES),
        st.tuples(side, side),
        st.tuples(side, side),
        st.lists(st.tuples(*[share] * 4), max_size=4),
    )
    def test_boxes_move_by_half_a_step_at_most(self, name, image_hw, resized_hw, shares):
        height, width = image_hw
        corners = torch.tensor(shares).reshape(-1, 2, 2).sort(1).values.flatten(1)
        boxes = clip_boxes(corners * torch.tensor([width, height] * 2), image_hw)
        parsed = gk.parse_boxes(gk.render_boxes(boxes, name, image_hw, None, resized_hw), name)
        assert not parsed.problems or (not shares and [problem.kind for problem in parsed.problems] == ["none"])
        bound_xy = gk.FORMATS[name].error_bound(image_hw, resized_hw)
        assert within(parsed.to_pixels(image_hw, resized_hw), boxes, bound_xy)

    @settings(max_examples=200, deadline=None)
    @given(
        st.sampled_from(POINTS),
        st.tuples(side, side),
        st.tuples(side, side),
        st.lists(st.tuples(share, share), max_size=4),
    )
    def test_points_move_by_half_a_step_at_most(self, name, image_hw, resized_hw, shares):
        height, width = image_hw
        points = (torch.tensor(shares).reshape(-1, 2) * torch.tensor([width, height])).clamp(min=0)
        parsed = gk.parse_points(gk.render_points(points, name, image_hw, None, resized_hw), name)
        assert not parsed.problems or (not shares and [problem.kind for problem in parsed.problems] == ["none"])
        bound_xy = gk.FORMATS[name].error_bound(image_hw, resized_hw)
        assert within(parsed.to_pixels(image_hw, resized_hw), points, bound_xy)

    @pytest.mark.parametrize("name", BOXES)
    def test_the_bound_is_reached(self, name):
        """Numbers 0.49 of a step above a step move by just that on every axis: no smaller bound holds."""
        image_hw, resized_hw = (600, 1200), (300, 600)
        row = gk.FORMATS[name]
        frame, step = row.frame(image_hw, resized_hw), 10**-row.decimals
        canvas = torch.tensor([frame.hw[1], frame.hw[0]], dtype=torch.float64)
        numbers = torch.cat([canvas * 0.3, canvas * 0.6])
        boxes = frame.to_pixels(((numbers / step).floor() * step + 0.49 * step)[None])
        said = gk.render_boxes(boxes, name, image_hw, None, resized_hw)
        moved = (gk.parse_boxes(said, name).to_pixels(image_hw, resized_hw) - boxes).abs()
        bound = torch.tensor(row.error_bound(image_hw, resized_hw) * 2, dtype=torch.float64)
        assert torch.allclose(moved, 0.98 * bound, rtol=0, atol=1e-3)

    @given(st.sampled_from(BOXES), st.lists(label, min_size=1, max_size=4))
    def test_labels(self, name, labels):
        boxes = torch.tensor([[1.0, 2, 30, 40]]).repeat(len(labels), 1)
        parsed = gk.parse_boxes(gk.render_boxes(boxes, name, (48, 64), labels, (48, 64)), name)
        assert parsed.labels == tuple(said.strip() for said in labels)
        assert parsed.problems == ()

    @given(st.sampled_from(POINTS), st.lists(label, min_size=1, max_size=4))
    def test_labels_of_points(self, name, labels):
        points = torch.tensor([[1.0, 2]]).repeat(len(labels), 1)
        parsed = gk.parse_points(gk.render_points(points, name, (48, 64), labels, (48, 64)), name)
        assert parsed.labels == tuple(said.strip() for said in labels)

    def test_reading_in_another_frame_goes_wrong_without_a_problem(self):
        """Why a frame belongs to a format: pixels read as thousandths are good JSON and a wrong box."""
        boxes = torch.tensor([[64.0, 120.0, 320.0, 480.0]])
        said = gk.render_boxes(boxes, "qwen2_5_vl", (480, 640), None, (480, 640))
        wrong = gk.parse_boxes(said, "qwen3_vl")
        assert wrong.problems == ()
        assert not within(wrong.to_pixels((480, 640)), boxes, (10, 10))
