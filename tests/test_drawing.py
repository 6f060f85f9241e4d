"""Tests of gk_utils.drawing."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from PIL import Image

from gk_utils.drawing import (
    BLUE,
    COLOURS,
    FONT,
    INK,
    ORANGE,
    Tag,
    add_tags,
    as_pixels,
    axes_at,
    lines_height,
    place,
    sheet,
    text_on,
    text_width,
    wrap,
)

TEXT = st.text("abMW i.,", max_size=60)


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio, written a second time."""
    luminances = []
    for colour in (one, other):
        rgb = np.array(to_rgb(colour))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        luminances.append(linear @ [0.2126, 0.7152, 0.0722])
    return (max(luminances) + 0.05) / (min(luminances) + 0.05)


class TestTextOn:
    def test_known_contrasts(self):
        assert contrast("white", "black") == pytest.approx(21)
        assert contrast("#777777", "white") == pytest.approx(4.48, abs=0.01)

    @given(st.tuples(*[st.integers(0, 255)] * 3))
    def test_every_colour_can_be_read_on(self, rgb: tuple[int, int, int]):
        colour = "#{:02x}{:02x}{:02x}".format(*rgb)
        assert contrast(text_on(colour), colour) >= 4.5

    def test_the_other_choice_would_not_do(self):
        assert contrast("white", ORANGE) < 4.5 < contrast("black", ORANGE)
        assert contrast("black", BLUE) < contrast("white", BLUE)

    def test_ink_on_paper(self):
        assert contrast(INK, "white") >= 7

    def test_the_palette_has_no_doubles(self):
        assert len({*COLOURS, ORANGE, INK}) == len(COLOURS) + 2


class TestWrap:
    @settings(max_examples=30, deadline=None)
    @given(TEXT, st.floats(20, 200))
    def test_no_line_is_wider(self, text: str, width: float):
        assert text_width(wrap(text, width)) <= width

    def test_short_text_stays(self):
        assert wrap("the red mug", 400) == "the red mug"
        assert wrap("", 10) == ""

    def test_a_long_word_is_cut(self):
        assert wrap("m" * 40, 60).replace("\n", "") == "m" * 40

    def test_every_word_survives(self):
        text = "Dashed orange is the truth, solid blue what the model says."
        assert wrap(text, 90).split() == text.split()

    @pytest.mark.parametrize("text", ["cup 0.93", "MMMM mug", "0.143 [0.120, 0.170]", "an object with a long name"])
    def test_the_drawn_text_is_no_wider_than_said(self, text: str):
        figure, _ = sheet(4, 1)
        drawn = figure.text(0, 0, text, size=FONT).get_window_extent().width * 72 / figure.dpi
        assert drawn <= text_width(text) <= drawn * 1.1 + 2


class TestSheet:
    def test_a_long_caption_makes_room_for_itself(self):
        short, long = sheet(4, 3, caption="one"), sheet(4, 3, caption="one word after another " * 10)
        assert long[1] > short[1] > 0
        assert long[0].get_size_inches()[1] == pytest.approx(3 + long[1])

    @pytest.mark.parametrize("caption", ["", "What to see.", "word " * 60])
    def test_title_and_caption_stay_on_the_sheet(self, caption: str):
        figure, _ = sheet(3.5, 2, title="A title that is too long for one line of this sheet", caption=caption)
        for text in figure.texts:
            extent = text.get_window_extent()
            assert extent.x0 >= -1
            assert extent.y0 >= -1
            assert extent.x1 <= figure.bbox.x1
            assert extent.y1 <= figure.bbox.y1

    def test_no_title_takes_no_room(self):
        assert sheet(4, 3)[0].get_size_inches().tolist() == [4, 3]
        assert lines_height("") == 0

    def test_dollars_are_dollars(self):
        figure, _ = sheet(4, 3, title="$5 or $6")
        assert figure.texts[0].get_text() == "$5 or $6"
        figure.canvas.draw()


class TestPlace:
    def test_by_hand(self):
        assert place(30, 10, (20, 40, 60, 80), [], (100, 100)) == (20, 30)  # above
        assert place(30, 10, (20, 40, 60, 80), [(0, 30, 100, 40)], (100, 100)) == (20, 80)  # that is taken: below
        assert place(30, 10, (80, 40, 99, 80), [], (100, 100)) == (70, 30)  # pushed in from the right

    def test_far_when_everything_near_is_taken(self):
        x, y = place(30, 10, (0, 0, 10, 10), [(0, 0, 100, 50)], (100, 100))
        assert y >= 50
        assert x == 0

    def test_no_room_at_all_covers_the_least(self):
        assert place(30, 10, (20, 40, 60, 80), [(0, 0, 100, 100)], (100, 100)) == (20, 30)
        assert place(300, 10, (20, 40, 60, 80), [], (100, 100))[0] == 0

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.tuples(*[st.floats(-50, 150)] * 4), min_size=1, max_size=8))
    def test_inside_and_apart(self, boxes: list[tuple[float, float, float, float]]):
        taken: list[tuple[float, float, float, float]] = []
        for a, b, c, d in boxes:
            x, y = place(20, 8, (min(a, c), min(b, d), max(a, c), max(b, d)), taken, (100, 100))
            assert 0 <= x <= 80
            assert 0 <= y <= 92
            near = 1e-9  # touching, up to rounding
            for left, top, right, bottom in taken:  # eight small tags always find room
                assert x > right - near or y > bottom - near or x + 20 < left + near or y + 8 < top + near
            taken.append((x, y, x + 20, y + 8))


class TestAddTags:
    def axes(self):
        figure, _ = sheet(4, 3)
        axes = axes_at(figure, 0, 0, 4, 3)
        axes.set(xlim=(0, 80), ylim=(60, 0))
        return axes

    @pytest.mark.parametrize("box", [(10, 20, 30, 50), (70, 1, 79, 9), (-30, -30, 200, 200), (85, 65, 90, 70)])
    @pytest.mark.parametrize("text", ["mug", "the red mug to the left of the toaster, " * 3])
    def test_text_on_its_plate_inside_the_axes(self, box: tuple[float, ...], text: str):
        axes = self.axes()
        add_tags(axes, [Tag(text, box, BLUE)], (60, 80), 4)
        frame = axes.get_window_extent()
        plate = next(patch for patch in axes.patches if patch.get_gid() == "tag").get_window_extent()
        drawn = axes.texts[0].get_window_extent()
        assert frame.x0 - 1 <= plate.x0 <= drawn.x0
        assert frame.y0 - 1 <= plate.y0 <= drawn.y0 + 1
        assert drawn.x1 <= plate.x1 <= frame.x1 + 1
        assert drawn.y1 <= plate.y1 <= frame.y1 + 1

    def test_only_a_far_tag_gets_a_line(self):
        axes = self.axes()
        add_tags(axes, [Tag("near", (10, 20, 30, 50), BLUE)], (60, 80), 4)
        assert len(axes.lines) == 0
        add_tags(axes, [Tag("the same place " * 2, (10, 20, 12, 22), BLUE)] * 12, (60, 80), 4)
        assert len(axes.lines) > 0


class TestAsPixels:
    def test_every_kind_of_image(self):
        expected = [[[0, 128, 255]]]
        for image in (
            np.array(expected, np.uint8),
            torch.tensor(expected, dtype=torch.uint8),
            torch.tensor(expected) / 255,
            np.array(expected) / 255,
            Image.fromarray(np.array(expected, np.uint8)),
        ):
            assert as_pixels(image).tolist() == expected
            assert as_pixels(image).dtype == np.uint8

    def test_grey(self):
        assert as_pixels(torch.tensor([[0.5]])).tolist() == [[128]]

    def test_a_palette_is_looked_up(self):
        red = Image.new("RGB", (1, 1), (255, 0, 0)).convert("P", palette=Image.Palette.ADAPTIVE)
        assert as_pixels(red).tolist() == [[[255, 0, 0]]]

    def test_gradients_are_no_obstacle(self):
        assert as_pixels(torch.zeros(2, 2, 3, requires_grad=True)).shape == (2, 2, 3)

    @pytest.mark.parametrize(
        ("image", "error", "message"),
        [
            (torch.zeros(3, 8, 9), ValueError, r"got \(3, 8, 9\)\. Channels come last here: image\.permute"),
            (torch.zeros(1, 3, 8, 9), ValueError, r"got \(1, 3, 8, 9\)"),
            (np.zeros((8, 9, 4), np.uint8), ValueError, r"expected shape \(h, w, 3\) or \(h, w\), got \(8, 9, 4\)"),
            (np.zeros((0, 9, 3), np.uint8), ValueError, r"got \(0, 9, 3\)"),
            (np.zeros((8, 9, 3), np.int64), TypeError, "expected uint8 or float in .0, 1., got int64"),
            (np.full((8, 9, 3), 200.0), ValueError, "got 200 to 200. Divide by 255"),
            (np.full((8, 9, 3), np.nan), ValueError, "got nan to nan"),
            (np.full((8, 9, 3), -1.5), ValueError, "undo the normalisation"),
        ],
    )
    def test_refused(self, image: object, error: type[Exception], message: str):
        with pytest.raises(error, match=message):
            as_pixels(image)
