import json
import os

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output, writes

from gk_utils.classroom import workspace


def course_notebook(root, name="01_boxes", code="1 + 1", text="2"):
    (root / "notebooks").mkdir(exist_ok=True)
    cell = new_code_cell(code, id="a", outputs=[new_output("stream", text=text)])
    path = root / "notebooks" / f"{name}.ipynb"
    path.write_text(writes(new_notebook(cells=[cell])), encoding="utf-8")
    return path


class TestPrepare:
    def test_copies_what_is_not_there(self, tmp_path):
        first = course_notebook(tmp_path)
        my = workspace.prepare(tmp_path)
        assert my == tmp_path / "my"
        assert (my / "01_boxes.ipynb").read_bytes() == first.read_bytes()
        course_notebook(tmp_path, "02_metrics")
        workspace.prepare(tmp_path)
        assert sorted(os.listdir(my)) == [".copied.json", "01_boxes.ipynb", "02_metrics.ipynb"]
        assert os.access(my / "01_boxes.ipynb", os.W_OK)

    def test_a_learners_file_is_never_touched(self, tmp_path, capsys):
        course_notebook(tmp_path)
        mine = workspace.prepare(tmp_path) / "01_boxes.ipynb"
        mine.write_text("my work")
        (tmp_path / "my" / "notes.txt").write_text("kept")
        for code in ("1 + 1", "1 + 2"):
            course_notebook(tmp_path, code=code)
            workspace.prepare(tmp_path)
        assert mine.read_text() == "my work"
        assert (tmp_path / "my" / "notes.txt").read_text() == "kept"

    def test_says_when_the_course_has_a_newer_one(self, tmp_path, capsys):
        course_notebook(tmp_path)
        workspace.prepare(tmp_path)
        workspace.prepare(tmp_path)
        assert capsys.readouterr() == ("", "")
        course_notebook(tmp_path, code="1 + 2")
        workspace.prepare(tmp_path)
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        assert err.startswith("my/01_boxes.ipynb: the course has a newer version. To take it, rename yours")

    def test_renaming_takes_the_newer_one_and_ends_the_notice(self, tmp_path, capsys):
        course_notebook(tmp_path)
        my = workspace.prepare(tmp_path)
        course_notebook(tmp_path, code="1 + 2")
        (my / "01_boxes.ipynb").rename(my / "01_boxes_old.ipynb")
        workspace.prepare(tmp_path)
        assert "1 + 2" in (my / "01_boxes.ipynb").read_text()
        assert "1 + 1" in (my / "01_boxes_old.ipynb").read_text()
        workspace.prepare(tmp_path)
        assert capsys.readouterr().err == ""

    def test_a_new_output_is_no_newer_version(self, tmp_path, capsys):
        course_notebook(tmp_path)
        workspace.prepare(tmp_path)
        course_notebook(tmp_path, text="other")
        workspace.prepare(tmp_path)
        assert capsys.readouterr().err == ""

    @pytest.mark.parametrize("record", ["{", "[]", None])
    def test_a_damaged_record_harms_nothing(self, tmp_path, capsys, record):
        course_notebook(tmp_path)
        my = workspace.prepare(tmp_path)
        (my / ".copied.json").unlink() if record is None else (my / ".copied.json").write_text(record)
        course_notebook(tmp_path, "02_metrics")
        workspace.prepare(tmp_path)
        assert (my / "02_metrics.ipynb").exists()
        assert list(json.loads((my / ".copied.json").read_text())) == ["02_metrics.ipynb"]
        assert capsys.readouterr().err == ""

    def test_killed_while_copying(self, tmp_path, monkeypatch):
        course_notebook(tmp_path)

        def stop(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", stop)
            with pytest.raises(KeyboardInterrupt):
                workspace.prepare(tmp_path)
        assert os.listdir(tmp_path / "my") == []
        workspace.prepare(tmp_path)
        assert (tmp_path / "my" / "01_boxes.ipynb").exists()


class TestFirstLesson:
    def test_lowest_number(self, tmp_path):
        for name in ("02_metrics", "00_start_here", "01_boxes"):
            course_notebook(tmp_path, name)
        assert workspace.first_lesson(tmp_path) == tmp_path / "my" / "00_start_here.ipynb"

    def test_no_lessons(self, tmp_path):
        assert workspace.first_lesson(tmp_path) == tmp_path / "my"
