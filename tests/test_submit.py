"""The score card, and the file to hand in: from Colab, VS Code and Jupyter, faked."""

import json
import sys
import types

import nbformat
import pytest
import synthetic_lesson

from gk_utils.classroom import check, exercise, inbox, source, submission, submit
from gk_utils.classroom.check import results
from gk_utils.classroom.views import student_view

AREAS, WIDTH = "90.areas", "90.visible_width"
FILE = "90_synthetic--anna-berg.ipynb"


@pytest.fixture(autouse=True)
def opened(tmp_path, monkeypatch):
    synthetic_lesson.open_lesson(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    return tmp_path


@pytest.fixture
def notebook(tmp_path):
    """The learner's notebook on disk, answered and with outputs."""
    made = student_view(source.read(source.find("90", tmp_path)))
    for cell in made.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "explain":
            cell.source = "Because."
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("stream", text="flood " * 1000)]
    path = tmp_path / "Copy of it.ipynb"
    nbformat.write(made, path)
    return path


def colab(monkeypatch, answer):
    """Pretend to be Colab; return the list of what was downloaded."""
    downloaded = []

    def ask(kind, request, timeout_sec):
        assert (kind, request) == ("get_ipynb", "")
        if isinstance(answer, Exception):
            raise answer
        return answer

    package = types.ModuleType("google.colab")
    package._message = types.SimpleNamespace(blocking_request=ask)
    package.files = types.SimpleNamespace(download=downloaded.append)
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", package)
    return downloaded


class TestSubmit:
    def test_in_jupyter(self, notebook, monkeypatch, capsys, tmp_path):
        monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
        check(AREAS, exercise.reference(AREAS))
        check(WIDTH, lambda box, image_hw: 0.0)
        capsys.readouterr()
        assert submit("Anna Berg") is None
        lines = capsys.readouterr().out.strip().split("\n")
        assert lines[0] == "90 · A synthetic lesson"
        assert [line.split("  ")[-1] for line in lines[1:4]] == [
            "passed",
            "not passed",
            "answered, read by your teacher",
        ]
        assert lines[4].startswith("2 of 6 points by the checks you ran")
        assert lines[5] == f"{tmp_path / FILE}: hand this in."
        handed = nbformat.read(FILE, as_version=4)
        assert not any(cell.get("outputs") for cell in handed.cells)
        assert "flood" not in (tmp_path / FILE).read_text()
        assert "Because." in (tmp_path / FILE).read_text()
        back = submission.parse((tmp_path / FILE).read_bytes())
        assert submission.recognise(back, tmp_path) == ("90_synthetic", "metadata")
        assert inbox.person(FILE, ["90_synthetic"]) == ("anna-berg", "")

    def test_on_colab(self, notebook, monkeypatch, capsys):
        downloaded = colab(monkeypatch, {"ipynb": json.loads(notebook.read_text())})
        submit("Anna Berg")
        assert downloaded == [FILE]
        out = capsys.readouterr().out
        assert out.endswith(f"{FILE} is being downloaded: hand it in.\n")
        assert "not checked in this session" in out

    def test_the_open_notebook_has_that_name_already(self, notebook, monkeypatch, capsys, tmp_path):
        opened = notebook.rename(tmp_path / FILE)
        before = opened.read_bytes()
        monkeypatch.setenv("JPY_SESSION_NAME", str(opened))
        submit("Anna Berg")
        assert opened.read_bytes() == before
        assert capsys.readouterr().out.endswith(f"{tmp_path / FILE}: hand this in.\n")

    @pytest.mark.parametrize("answer", [None, {}, TimeoutError()])
    def test_colab_that_does_not_answer(self, answer, monkeypatch, capsys, tmp_path):
        downloaded = colab(monkeypatch, answer)
        check(AREAS, exercise.reference(AREAS))
        submit("Anna Berg")
        assert "file could not be found. Hand in the notebook itself" in capsys.readouterr().out
        assert not downloaded
        assert not list(tmp_path.glob("*.ipynb"))

    def test_in_vs_code(self, notebook, monkeypatch, capsys, tmp_path):
        shell = types.SimpleNamespace(user_ns={"__vsc_ipynb_file__": str(notebook)})
        monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
        # recognise() needs no IPython here: every cell of the course is plain Python
        monkeypatch.setattr("gk_utils.classroom.submission.python_of", lambda source: None)
        submit("Anna Berg")
        assert (tmp_path / FILE).is_file()

    def test_a_damaged_file(self, notebook, monkeypatch, capsys, tmp_path):
        notebook.write_text("{")
        monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
        submit("Anna Berg")
        assert capsys.readouterr().out.startswith("Which lesson this is could not be told")
        assert not (tmp_path / FILE).exists()

    @pytest.mark.parametrize("name", ["", " ", "../.."])
    def test_no_name(self, name):
        with pytest.raises(ValueError, match="name: expected your name"):
            submit(name)


class TestScoreCard:
    def test_nothing_done(self, tmp_path):
        from gk_utils.classroom.submit import score_card

        lesson = source.read(source.find("90", tmp_path))
        text = score_card(lesson, submission.Submission(()))
        assert text.count("not checked in this session") == 2
        assert "no answer found" in text
        assert "0 of 6 points" in text


class TestResults:
    def test_the_last_check_counts(self, capsys):
        assert results() == {}
        check(AREAS, exercise.reference(AREAS))
        assert results() == {AREAS: True}
        check(AREAS, lambda boxes: None)
        assert results() == {AREAS: False}

    def test_the_last_one_is_last(self, capsys):
        for exercise_id in (AREAS, WIDTH, AREAS):
            check(exercise_id, exercise.reference(exercise_id))
        assert list(results()) == [WIDTH, AREAS]
