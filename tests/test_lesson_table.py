"""Tests of gk_utils.book.lesson_table."""

from pathlib import Path

import pytest

from gk_utils.book.lesson_table import HEADER, lesson_table
from gk_utils.classroom.source import ROOT, lesson_paths


class TestLessonTable:
    def test_a_row_a_lesson_and_their_sum(self):
        rows = lesson_table()[len(HEADER) :].splitlines()
        assert len(rows) == len(lesson_paths()) + 1
        cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
        for column in (5, 6, 7):
            assert int(cells[-1][column]) == sum(int(row[column]) for row in cells[:-1])
        assert all(int(row[5]) >= 3 and int(row[6]) >= 3 for row in cells[:-1])

    def test_not_built(self, tmp_path: Path):
        (tmp_path / "lessons").mkdir()
        (tmp_path / "lessons" / "01_boxes.py").symlink_to(ROOT / "lessons" / "01_boxes.py")
        with pytest.raises(ValueError, match=r"01_boxes.ipynb: expected a built notebook, got none"):
            lesson_table(tmp_path)
