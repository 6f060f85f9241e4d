"""The canvas for clicks, its Python side: what the page can send, the picture that comes back, the still and words."""

import io

import numpy as np
import pytest
from PIL import Image

from gk_utils.drawing import BLUE, VERMILION
from gk_utils.figure_image import LIMIT, to_image
from gk_utils.labs.canvas import LONGEST_SIDE, Answer
from gk_utils.labs.click_canvas import ClickCanvas, in_picture

HW = (60, 80)
POINTS = [[10.5, 20.5, 1], [79.5, 59.5, 0]]


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def pixels(canvas: ClickCanvas) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(canvas.picture)))


def marked(points: list[list[float]]) -> Answer:
    """The picture goes white where the points are."""
    image = noise(*HW)
    for x, y, _ in points:
        image[int(y), int(x)] = 255
    return Answer(f"{len(points)} points", image if points else None)


class TestClickCanvas:
    def test_answers_what_the_page_sends(self):
        asked = []
        canvas = ClickCanvas(noise(*HW), [], lambda points: asked.append(points) or f"{len(points)}")
        for points in ([[10, 20.5, 1]], [[10, 20.5, 1], [0, 0, 0]], []):  # integers where they are whole
            canvas.set_state({"points": points})
            assert asked[-1] == canvas.points == canvas.note_of == points
            assert canvas.note == str(len(points))
        canvas.points = POINTS
        assert [type(number) for number in canvas.points[0]] == [float, float, int]

    def test_a_describe_that_changes_its_argument_changes_nothing(self):
        canvas = ClickCanvas(noise(*HW), POINTS, lambda points: str(points.pop().pop()))
        canvas.points = [POINTS[1]]
        assert canvas.points == canvas.note_of == [POINTS[1]]

    def test_the_answers_picture_is_shown_and_goes_again(self):
        canvas = ClickCanvas(noise(*HW), [], marked)
        np.testing.assert_array_equal(pixels(canvas), noise(*HW))
        canvas.points = POINTS
        np.testing.assert_array_equal(pixels(canvas), marked(POINTS).picture)
        canvas.points = []
        np.testing.assert_array_equal(pixels(canvas), noise(*HW))
        np.testing.assert_array_equal(pixels(ClickCanvas(noise(*HW), POINTS, marked)), marked(POINTS).picture)

    def test_the_page_gets_note_and_picture_in_one_message(self):
        canvas = ClickCanvas(noise(*HW), [], marked)
        sent = []
        canvas._send = lambda message, buffers=None: sent.append(message)
        canvas.points = POINTS
        names = [{*message["state"], *(path[0] for path in message["buffer_paths"])} for message in sent]
        assert [one for one in names if "note" in one] == [{"note", "note_of", "picture"}]

    def test_renew_asks_again_when_something_else_changed(self):
        words = ["before"]
        canvas = ClickCanvas(noise(*HW), POINTS, lambda points: words[0])
        words[0] = "after"
        canvas.renew()
        assert (canvas.note, canvas.note_of) == ("after", POINTS)

    @pytest.mark.parametrize(
        "row",
        [[80, 20, 1], [10, 60, 1], [-0.1, 0, 1], [10, 20, 2], [10, 20], [float("nan"), 1, 1], [1, 1, float("nan")]],
    )
    def test_refuses_what_is_no_point_of_the_picture(self, row):
        message = r"points: expected rows \[x, y, 1 or 0\] inside a picture 80 wide and 60 high, got row 1 = "
        with pytest.raises(ValueError, match=message):
            ClickCanvas(noise(*HW), [POINTS[0], row], marked)
        canvas = ClickCanvas(noise(*HW), POINTS, marked)
        with pytest.raises(ValueError, match=message):
            canvas.points = [POINTS[0], row]
        assert (canvas.points, canvas.note) == (POINTS, "2 points")

    def test_refuses_an_answer_of_another_size(self):
        message = r"picture: expected .* 80 wide and 60 high, got 60 wide and 80 high\. Answer"
        with pytest.raises(ValueError, match=message):
            ClickCanvas(noise(*HW), [], lambda points: Answer("", noise(80, 60)))

    def test_in_words(self):
        canvas = ClickCanvas(noise(*HW), POINTS, marked, truth=[[1, 2, 3, 4]], truth_labels=["mug"], title="Show it")
        assert canvas.in_words().splitlines() == [
            "Show it",
            "point 1, on the object: x 10.5, y 20.5",
            "point 2, beside it: x 79.5, y 59.5",
            "mug: left 1, top 2, right 3, bottom 4",
            "2 points",
        ]
        canvas.points = []
        assert canvas.in_words().splitlines()[1] == "no points yet"

    def test_the_still_tells_points_apart_by_colour_and_sign(self, monkeypatch):
        figures = []
        monkeypatch.setattr("gk_utils.labs.canvas.to_image", lambda figure: figures.append(figure) or to_image(figure))
        image = Image.new("RGB", (4 * LONGEST_SIDE, 3 * LONGEST_SIDE))
        canvas = ClickCanvas(image, [[400, 800, 1], [1200, 2000, 0]], lambda points: "Two.")
        data, metadata = canvas._repr_mimebundle_()
        assert data["text/plain"] == canvas.in_words() == metadata["image/jpeg"]["alt"]
        lines = figures[0].axes[0].lines
        drawn = [(line.get_gid(), line.get_color(), line.get_marker(), *line.get_xydata()[0] * 4) for line in lines]
        assert drawn == [
            ("point", BLUE, "o", 400, 800),
            ("sign", "white", "+", 400, 800),
            ("point", VERMILION, "o", 1200, 2000),
            ("sign", "white", "_", 1200, 2000),
        ]
        assert len(canvas.first_frame()[1]) <= LIMIT


class TestInPicture:
    def test_every_point_in_it_has_a_pixel(self):
        assert in_picture([0, 0], HW)
        assert in_picture([79.999, 59.999], HW)
        for point in ([80, 0], [0, 60], [-1e-9, 0], [float("nan"), 0]):
            assert not in_picture(point, HW)
