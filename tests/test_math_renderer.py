"""Tests of gk_utils.book.math_renderer."""

import re
import xml.etree.ElementTree as ET

import pytest

from gk_utils.book.math_renderer import mathml
from gk_utils.classroom.source import lesson_paths, read

FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", re.DOTALL)


class TestMathml:
    def test_by_hand(self):
        root = ET.fromstring(mathml("x_1", display=True))
        assert root.get("display") == "block"
        assert "".join(root.itertext()) == "x1"

    def test_error(self):
        with pytest.raises(ValueError, match=r"formula: expected LaTeX, got"):
            mathml(r"\frac{1}{", display=False)

    def test_every_formula_of_the_lessons(self):
        found = [
            first or second
            for path in lesson_paths()
            for cell in read(path).cells
            if cell.kind == "markdown"
            for first, second in FORMULA.findall(cell.source)
        ]
        assert len(found) > 5
        for formula in found:
            words = "".join(ET.fromstring(mathml(formula, display=False)).itertext())
            assert "\\" not in words, f"{formula} leaves {words}"
