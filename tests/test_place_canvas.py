"""The canvas for placing, its Python side: what the page can send, the still and words."""

import numpy as np
import pytest

from gk_utils.figure_image import LIMIT, to_image
from gk_utils.labs.canvas import Answer
from gk_utils.labs.place_canvas import PlaceCanvas

HW = (60, 80)
BOXES, LABELS = [[0, 0, 8, 8], [20, 10, 40, 30]], ["mug", "cat"]
PICTURE = np.full((*HW, 3), 120, np.uint8)


def side(boxes: list[list[float]]) -> str:
    return "left" if boxes[0][0] < boxes[1][0] else "not left"


class TestPlaceCanvas:
    def test_answers_what_the_page_sends(self):
        canvas = PlaceCanvas(PICTURE, BOXES, LABELS, side)
        assert (canvas.boxes, canvas.note, canvas.labels) == (BOXES, "left", LABELS)
        moved = [[72, 52, 80, 60], [20, 10, 40, 30]]
        canvas.set_state({"boxes": moved})
        assert canvas.boxes == canvas.note_of == moved
        assert canvas.note == "not left"

    def test_the_scene_can_be_drawn_anew(self):
        canvas = PlaceCanvas(PICTURE, BOXES, LABELS, lambda boxes: Answer(side(boxes), PICTURE + int(boxes[0][0])))
        before = canvas.picture
        canvas.boxes = [[72, 52, 80, 60], [20, 10, 40, 30]]
        assert canvas.picture != before
        canvas.boxes = BOXES
        assert canvas.picture == before

    @pytest.mark.parametrize("box", [[75, 0, 83, 8], [-1, 0, 7, 8], [8, 0, 0, 8], [0, 0, float("nan"), 8], [0, 0, 8]])
    def test_refuses_a_box_that_is_not_in_the_picture(self, box):
        message = r"boxes, row 1: expected x1 <= x2 and y1 <= y2 inside a picture 80 wide and 60 high, got \["
        with pytest.raises(ValueError, match=message):
            PlaceCanvas(PICTURE, [BOXES[0], box], LABELS, side)
        canvas = PlaceCanvas(PICTURE, BOXES, LABELS, side)
        with pytest.raises(ValueError, match=message):
            canvas.boxes = [BOXES[0], box]
        assert canvas.boxes == BOXES

    def test_refuses_boxes_without_names_and_another_number_of_boxes(self):
        with pytest.raises(ValueError, match=r"labels: expected 2 texts, one per box, got \['mug'\]"):
            PlaceCanvas(PICTURE, BOXES, ["mug"], side)
        with pytest.raises(ValueError, match="boxes: expected at least one, got none"):
            PlaceCanvas(PICTURE, [], [], side)
        canvas = PlaceCanvas(PICTURE, BOXES, LABELS, side)
        with pytest.raises(ValueError, match="boxes: expected 2, one per label, got 1. Set all of them"):
            canvas.boxes = BOXES[:1]

    def test_the_still_and_its_words(self, monkeypatch):
        figures = []
        monkeypatch.setattr("gk_utils.labs.canvas.to_image", lambda figure: figures.append(figure) or to_image(figure))
        canvas = PlaceCanvas(PICTURE, BOXES, LABELS, side, title="Move them")
        data, metadata = canvas._repr_mimebundle_()
        words = data["text/plain"]
        assert words == metadata["image/jpeg"]["alt"]
        assert words.splitlines() == [
            "Move them",
            "mug: left 0, top 0, right 8, bottom 8",
            "cat: left 20, top 10, right 40, bottom 30",
            "left",
        ]
        (axes,) = figures[0].axes
        drawn = [patch.get_bbox().extents.tolist() for patch in axes.patches if patch.get_gid() == "boxes"]
        assert drawn == BOXES
        assert {text.get_text() for text in axes.texts} == {"mug", "cat"}
        assert len(canvas.first_frame()[1]) <= LIMIT
