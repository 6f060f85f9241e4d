import json

import pytest
import torch
from torch import tensor

from gk_utils.text_coordinates.conventions import FORMATS
from gk_utils.text_coordinates.rendering import render_boxes, render_points

BOX = tensor([[64.0, 120.0, 320.0, 480.0]])
TWO = tensor([[64.0, 120.0, 320.0, 480.0], [0.0, 0.0, 640.0, 48.0]])


def strip_fence(text):
    return text.removeprefix("```json").removesuffix("```")


class TestRenderBoxes:
    def test_each_format_by_hand(self):
        """640 x 480: x / 640, y / 480; Shikra pads 80 px above, so y = (120 + 80) / 640 = 0.3125, half a step: up."""
        expected = {
            "shikra": "[0.100,0.313,0.500,0.875]",
            "ferret": "[100, 250, 500, 1000]",
            "qwen_vl": "<box>(100,250),(500,999)</box>",
        }
        for name, text in expected.items():
            assert render_boxes(BOX, name, (480, 640)) == text
        assert json.loads(strip_fence(render_boxes(BOX, "gemini", (480, 640)))) == [{"box_2d": [250, 100, 1000, 500]}]
        qwen = render_boxes(BOX, "qwen2_5_vl", (480, 640), ["mug"], (476, 644))
        assert json.loads(strip_fence(qwen)) == [{"bbox_2d": [64, 119, 322, 476], "label": "mug"}]

    def test_neighbours_of_one_label_share_what_the_format_shares(self):
        said = render_boxes(TWO, "shikra", (480, 640), ["mug", "mug"])
        assert said == "mug[0.100,0.313,0.500,0.875;0.000,0.125,1.000,0.200]"
        said = render_boxes(TWO, "qwen_vl", (480, 640), ["mug", "mug"])
        assert said == "<ref>mug</ref><box>(100,250),(500,999)</box><box>(0,0),(999,100)</box>"
        assert render_boxes(TWO, "ferret", (480, 640), ["mug", "mug"]).count("mug") == 2

    def test_halves_go_up(self):
        """0.5 and 2.5 thousandths: Python's round() would write 0 and 2."""
        boxes = tensor([[0.5, 2.5, 10.0, 10.0]])
        assert render_boxes(boxes, "ferret", (1000, 1000)) == "[1, 3, 10, 10]"

    def test_what_rounding_puts_outside_is_written_at_the_border(self):
        """A ten-thousandth of the longer side is forgiven."""
        assert render_boxes(tensor([[-0.08, 0, 1000.08, 480]]), "ferret", (480, 1000)) == "[0, 0, 1000, 1000]"

    def test_labels_are_escaped_in_json(self):
        said = render_boxes(BOX, "qwen3_vl", (480, 640), ['the "red" mug \\ [1, 2]\n'])
        assert json.loads(strip_fence(said))[0]["label"] == 'the "red" mug \\ [1, 2]\n'

    def test_no_boxes(self):
        none = torch.zeros(0, 4)
        assert {render_boxes(none, name, (9, 9), [], (9, 9)) for name in ("qwen2_5_vl", "gemini")} == {"[]"}
        assert {render_boxes(none, name, (9, 9)) for name in ("shikra", "ferret", "qwen_vl")} == {""}

    def test_error_text(self, unhooked):
        with pytest.raises(
            ValueError, match=r"boxes: expected numbers inside the picture \(480, 600\), got row 1 = \[0"
        ):
            render_boxes(TWO, "ferret", (480, 600))
        with pytest.raises(ValueError, match=r"labels: expected none of '\[\]' for Ferret, got row 0 = 'a\]'"):
            render_boxes(BOX, "ferret", (480, 640), ["a]"])
        with pytest.raises(ValueError, match=r"labels: expected as many rows as boxes \(1\), got 2"):
            render_boxes(BOX, "ferret", (480, 640), ["a", "b"])
        with pytest.raises(ValueError, match=r"format_name: expected one of .*, got 'kosmos2'"):
            render_boxes(BOX, "kosmos2", (480, 640))
        with pytest.raises(ValueError, match=r"boxes: expected x1 <= x2"):
            render_boxes(BOX[:, [2, 1, 0, 3]], "ferret", (480, 640))


class TestRenderPoints:
    def test_each_format_by_hand(self):
        point = tensor([[320.0, 120.0]])
        expected = {
            "shikra": "mug[0.500,0.313]",
            "ferret": "mug [500, 250]",
            "molmo": '<point x="50.0" y="25.0" alt="mug">mug</point>',
        }
        for name, text in expected.items():
            assert render_points(point, name, (480, 640), ["mug"]) == text
        assert json.loads(strip_fence(render_points(point, "gemini", (480, 640)))) == [{"point": [250, 500]}]
        assert json.loads(strip_fence(render_points(point, "qwen3_vl", (480, 640)))) == [{"point_2d": [500, 250]}]

    def test_molmo_numbers_the_points_of_one_label(self):
        points = tensor([[0.0, 0.0], [50.0, 100.0], [100.0, 100.0]])
        assert render_points(points, "molmo", (100, 100), ["a", "a", "b"]) == (
            '<points x1="0.0" y1="0.0" x2="50.0" y2="100.0" alt="a">a</points> '
            '<point x="100.0" y="100.0" alt="b">b</point>'
        )

    def test_no_points(self):
        assert render_points(torch.zeros(0, 2), "molmo", (9, 9)) == "There are none."

    def test_error_text(self, unhooked):
        with pytest.raises(
            ValueError, match=r"points: expected numbers inside the picture \(9, 9\), got row 0 = \[10.0"
        ):
            render_points(tensor([[10.0, 1.0]]), "molmo", (9, 9))
        with pytest.raises(ValueError, match=r"Molmo, got row 0 = 'a\"'"):
            render_points(tensor([[1.0, 1.0]]), "molmo", (9, 9), ['a"'])
        assert FORMATS["molmo"].box is None
