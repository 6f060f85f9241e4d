"""The canvas for scribbles, its Python side: what the page can send, the still and words."""

import numpy as np
import pytest

from gk_utils.figure_image import LIMIT, to_image
from gk_utils.labs.canvas import Answer
from gk_utils.labs.scribble_canvas import ScribbleCanvas, is_closed

HW = (60, 80)
PICTURE = np.full((*HW, 3), 120, np.uint8)
SHAPE = [[10, 10], [30, 10], [30, 40], [10, 10]]
STROKES = [[[5, 6]], [[1, 2], [9.5, 2], [9.5, 7]], SHAPE]


def count(strokes: list[list[list[float]]]) -> str:
    return f"{len(strokes)} strokes, {sum(is_closed(stroke) for stroke in strokes)} closed"


class TestScribbleCanvas:
    def test_answers_what_the_page_sends(self):
        canvas = ScribbleCanvas(PICTURE, [], count)
        for strokes in ([[[5, 6]]], STROKES, [], [SHAPE]):
            canvas.set_state({"strokes": strokes})
            assert canvas.strokes == canvas.note_of == strokes
            assert canvas.note == count(strokes)

    def test_the_picture_can_change(self):
        canvas = ScribbleCanvas(PICTURE, [], lambda strokes: Answer("", PICTURE + len(strokes)))
        before = canvas.picture
        canvas.strokes = STROKES
        assert canvas.picture != before

    @pytest.mark.parametrize(
        ("stroke", "got"),
        [
            ([], "no point"),
            ([[80, 5]], r"\[80.0, 5.0\]"),
            ([[5, 5], [5, 60]], r"\[5.0, 60.0\]"),
            ([[5, 5, 1]], r"\[5.0, 5.0, 1.0\]"),
            ([[float("nan"), 5]], r"\[nan, 5.0\]"),
        ],
    )
    def test_refuses_what_is_no_stroke_in_the_picture(self, stroke, got):
        message = rf"strokes: expected lists of points .* 80 wide and 60 high, got stroke 1 with {got}\. x < 80"
        with pytest.raises(ValueError, match=message):
            ScribbleCanvas(PICTURE, [SHAPE, stroke], count)
        canvas = ScribbleCanvas(PICTURE, STROKES, count)
        with pytest.raises(ValueError, match=message):
            canvas.strokes = [SHAPE, stroke]
        assert canvas.strokes == STROKES

    def test_the_still_and_its_words(self, monkeypatch):
        figures = []
        monkeypatch.setattr("gk_utils.labs.canvas.to_image", lambda figure: figures.append(figure) or to_image(figure))
        canvas = ScribbleCanvas(PICTURE, STROKES, count, truth=[[1, 2, 3, 4]], truth_labels=["mug"], title="Draw")
        data, metadata = canvas._repr_mimebundle_()
        words = data["text/plain"]
        assert words == metadata["image/jpeg"]["alt"]
        assert words.splitlines() == [
            "Draw",
            "stroke 1, a point: x 5, y 6",
            "stroke 2, a line of 3 points: x 1 to 9.5, y 2 to 7",
            "stroke 3, a closed shape of 4 points: x 10 to 30, y 10 to 40",
            "mug: left 1, top 2, right 3, bottom 4",
            "3 strokes, 1 closed",
        ]
        (axes,) = figures[0].axes
        assert [line.get_xydata().tolist() for line in axes.lines if line.get_gid() == "stroke"] == STROKES
        assert [patch.get_gid() for patch in axes.patches].count("shape") == 1
        assert len(canvas.first_frame()[1]) <= LIMIT
        canvas.strokes = []
        assert canvas.in_words().splitlines()[1] == "no strokes yet"


class TestIsClosed:
    def test_three_corners_and_back(self):
        assert is_closed(SHAPE)
        assert not is_closed(SHAPE[:3])
        assert not is_closed([[1, 1], [2, 2], [1, 1]])
        assert not is_closed([[1, 1]])
        assert is_closed([(1, 1), (2, 2), (3, 1), [1, 1]])  # tuples and lists are points alike
