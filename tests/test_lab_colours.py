"""The colours that the labs draw with, read from their sources: the contrast that WCAG 2.2, level AA, asks for."""

import re
from pathlib import Path

import pytest
from matplotlib.colors import to_rgb

from gk_utils.drawing import BLUE, INK, ORANGE
from gk_utils.labs.click_masks import RIM

STATIC = Path(__file__).parents[1] / "gk_utils" / "labs" / "static"
SCRIPT, *STYLES = ((STATIC / name).read_text() for name in ("canvas.js", "canvas.css", "panel.css"))
MARKS = re.findall(r'const (\w+) = \{ line: "(#\w{6})", under: "(#\w{6})", text: "(#\w{6})"', SCRIPT)
WHITE, DARKEST = "#ffffff", "#111111"  # the grounds of JupyterLab's two themes


def contrast(one: str, other: str) -> float:
    """The ratio of two colours, 1 to 21."""
    lights = []
    for colour in (one, other):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        lights.append(sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True)))
    dark, light = sorted(lights)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_by_hand():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("name", "line", "under", "text"), MARKS)
def test_a_line_stands_out_from_the_wider_one_under_it_and_words_from_their_plate(name, line, under, text):
    assert contrast(line, under) >= 3, name
    assert contrast(text, line) >= 4.5, name


def test_both_boxes_were_found():
    assert [name for name, *_ in MARKS] == ["LEARNER", "TRUTH"]


def test_a_point_beside_the_object():
    (beside,) = re.findall(r'const BESIDE = "(#\w{6})"', SCRIPT)
    assert contrast(beside, WHITE) >= 3  # the sign on it and the ring around it are white
    assert contrast(WHITE, "#222222") >= 3


@pytest.mark.parametrize("style", STYLES, ids=["canvas", "panel"])
def test_the_mark_of_the_focus_in_both_themes(style):
    marks = re.findall(r"outline: 3px solid (#\w{6})", style)
    assert marks
    for mark in marks:
        assert min(contrast(mark, WHITE), contrast(mark, DARKEST)) >= 3


def test_drawn_lines():
    """Boxes are drawn on white, masks have a white rim outside of the dark one, words stand on plates."""
    rim = "#{:02x}{:02x}{:02x}".format(*RIM)
    assert contrast(BLUE, WHITE) >= 4.5
    assert contrast(rim, WHITE) >= 3
    assert min(contrast(ORANGE, "#222222"), contrast(INK, WHITE)) >= 4.5
    assert contrast("#000000", ORANGE) >= 4.5
