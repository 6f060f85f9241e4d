"""A zip of hostile submissions of two lessons, graded in one run each; each exercise's points and every file counted.

What rebuild, inbox and careful repair one by one is tested there without torch; here it comes together.
"""

import csv
import io
import json
import os
import shutil
import zipfile

import nbformat
import pytest

from gk_utils.classroom import coursework, grade, source
from gk_utils.classroom.grade import GRADED, MISSING, OLDER, REFUSED, Row, grade_zip, write_table
from gk_utils.classroom.views import student_view

SECONDS = 10
EMPTY = {"cells": [], "metadata": {}}
LOOP = """import time
while True:
    try:
        time.sleep(0.2)
    except KeyboardInterrupt:
        pass
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("coursework")
    coursework.make(["01", "10"], folder)
    settings = folder / "nbgrader_config.py"
    settings.write_text(
        settings.read_text().replace("SEED = None", "SEED = 31337") + f"c.Execute.timeout = {SECONDS}\n"
    )
    (folder / "roster.csv").write_text("id,first_name,last_name,email\nab12,Anna,Berg,\nzz99,No,Body,\n")
    return folder


@pytest.fixture(scope="module")
def solved(course):
    """Make a notebook with all the answers of a lesson."""

    def make(number):
        lesson = source.read(source.find(number))
        notebook = nbformat.read(course / "release" / lesson.name / f"{lesson.name}.ipynb", as_version=4)
        answers = {name: source.without_markers(cell.source) for name, cell in lesson.exercise_cells().items()}
        for cell in notebook.cells:
            cell.source = answers.get(named(cell), cell.source)
        return notebook

    return make


def named(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def change(notebook, name, text):
    for cell in notebook.cells:
        if named(cell) == name:
            cell.source = text(cell.source) if callable(text) else text


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for day, (name, text) in enumerate(files.items(), start=1):
            data = json.dumps(text) if isinstance(text, dict) else text
            archive.writestr(zipfile.ZipInfo(name, (2027, 1, day, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return path


def by_file(rows):
    return {row.file: row for row in rows}


def earned(row):
    return {name.removesuffix("-check"): score for name, (score, _) in row.grade.parts.items()}


@pytest.fixture(scope="module")
def boxes(course, solved, tmp_path_factory):
    """Lesson 01: everything that can be repaired in one notebook, and all ways to be no submission."""
    lost = solved("01")
    change(lost, "coverage", lambda text: text.replace("def coverage", "def covrage"))
    change(lost, "waste", lambda text: f"{text}\n\nwaste = tidy(waste)")
    change(lost, "waste-check", "waste = 1")
    change(lost, "setup-1", lambda text: "import sys\nsys.exit()\n" + text)
    lost.cells = [cell for cell in lost.cells if named(cell) != "which_frame-check"]
    for cell in lost.cells:
        if named(cell) == "read_answer":
            cell.update(cell_type="raw")
        cell.metadata.pop("nbgrader", None)
    lost.metadata.clear()
    lost.cells.insert(0, nbformat.v4.new_code_cell("def tidy(made):\n    return made\nraise SystemExit"))
    newer, older = solved("01"), solved("01")
    for cell in newer.cells:
        if named(cell) in ("read_answer", "explain"):
            cell.source = ""
    change(newer, "coverage", LOOP)
    change(newer, "waste", lambda text: f"{text}\nfor _ in range(2000):\n    print('flood ' * 500)")
    files = {
        "Berg Anna_7_assignsubmission_file_/Copy of 01_boxes.ipynb": lost,
        "Kim_8_assignsubmission_file_/01_boxes.ipynb": older,
        "Kim_8_assignsubmission_file_/01_boxes (1).ipynb": newer,
        "Lee_9_assignsubmission_file_/01_boxes.ipynb": "not JSON",
        "Mo_10_assignsubmission_file_/10.ipynb": {"cells": [{"id": "10-x"}]},
        "Nia_11_assignsubmission_file_/x.ipynb": EMPTY,
        "Oz_12_assignsubmission_file_/bomb.ipynb": b" " * 60_000_000,
        "Pat_13_assignsubmission_file_/notes.pdf": b"%PDF",
        "../../=cmd.ipynb": EMPTY,
    }
    path = zipped(tmp_path_factory.mktemp("zip") / "01.zip", files)
    rows = grade_zip("01", path, course)
    assert [row.file for row in rows] == [*files, ""]
    return by_file(rows)


@pytest.fixture(scope="module")
def relations(course, solved, tmp_path_factory):
    """Lesson 10, as Colab saves it: ids in the metadata, and no name but the file's."""
    notebook = solved("10")
    for cell in notebook.cells:
        cell.metadata["id"] = cell.pop("id")
    change(notebook, "conflicts", lambda text: "")
    change(notebook, "clock-check", 'clock = use("10.clock", clock)')
    change(notebook, "from_to", lambda text: text + "\nimport os\nprint('seed', os.environ['GK_COHORT_SEED'])")
    change(notebook, "refuse", lambda text: text + "\nimport os\nos.kill(os.getpid(), 9)")
    notebook.nbformat_minor = 0
    path = zipped(tmp_path_factory.mktemp("zip") / "10.zip", {"10_spatial_relations--zoe.ipynb": dict(notebook)})
    (row, *_) = grade_zip("10", path, course)
    return row, (course / "results" / "10_spatial_relations" / "feedback" / "zoe.md").read_text(encoding="utf-8")


class TestGradeZip:
    def test_what_can_be_repaired_costs_nothing(self, boxes):
        row = boxes["Berg Anna_7_assignsubmission_file_/Copy of 01_boxes.ipynb"]
        assert (row.student, row.status) == ("ab12", GRADED)
        assert row.grade.check_score == row.grade.max_check_score > 0
        assert row.grade.to_read
        for words in (
            "metadata was lost",
            "waste-check: changed by the learner, put back",
            "read_answer: Markdown, turned back to code",
            "coverage: was renamed covrage",
            "waste: tidy taken along from another cell",
        ):
            assert any(words in note for note in row.repaired), row.repaired

    def test_a_loop_and_a_flood_cost_their_own_points(self, boxes):
        row = boxes["Kim_8_assignsubmission_file_/01_boxes (1).ipynb"]
        assert row.status == GRADED
        points = earned(row)
        assert [points[name] for name in ("read_answer", "coverage", "explain")] == [0, 0, 0]
        assert min(points["waste"], points["which_frame"]) > 0
        assert boxes["Kim_8_assignsubmission_file_/01_boxes.ipynb"].status == OLDER

    def test_a_crash_in_another_lesson(self, relations):
        row, told = relations
        points = earned(row)
        assert row.student == "zoe"
        assert [points[name] > 0 for name in ("conflicts", "clock", "from_to", "refuse")] == [False, True, True, False]
        assert "clock-check: changed by the learner, put back" in row.repaired
        assert "not in roster.csv" in row.repaired
        assert "this cell ended the kernel" in told

    @pytest.mark.parametrize(
        ("file", "problem"),
        [
            ("Lee_9_assignsubmission_file_/01_boxes.ipynb", "expected a notebook, got something else"),
            ("Mo_10_assignsubmission_file_/10.ipynb", "10_spatial_relations, by its cells: grade it with LESSON=10"),
            ("Nia_11_assignsubmission_file_/x.ipynb", "no lesson of this course"),
            ("Oz_12_assignsubmission_file_/bomb.ipynb", "too large: 60 MB unpacked"),
            ("Pat_13_assignsubmission_file_/notes.pdf", "not a notebook"),
            ("../../=cmd.ipynb", "its name in the zip leads out of the folder"),
        ],
    )
    def test_what_cannot_be_graded_says_why(self, boxes, file, problem):
        assert boxes[file].status == REFUSED
        assert problem in boxes[file].problem

    def test_who_handed_in_nothing(self, boxes):
        assert (boxes[""].student, boxes[""].status) == ("zz99", MISSING)

    def test_the_table_and_the_feedback(self, boxes, course):
        with (course / "results" / "01_boxes" / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
            table = list(csv.DictReader(file))
        assert [row["file"] for row in table] == list(boxes)
        assert (table[0]["student"], table[0]["id"], table[1]["id"]) == ("ab12", "ab12", "")
        assert (
            float(table[0]["checks"])
            == float(table[0]["max_checks"])
            == sum(float(table[0][name]) for name in ("read_answer", "coverage", "waste", "which_frame"))
        )
        told = course / "results" / "01_boxes" / "feedback"
        assert {path.stem for path in told.iterdir()} == {row.student for row in boxes.values()} - {"zz99"}
        text = (told / "kim.md").read_text(encoding="utf-8")
        assert f"this cell did not end within {SECONDS} s" in text
        assert "flood" not in text
        assert len(text) < 10_000
        assert "too large" in (told / "oz.md").read_text(encoding="utf-8")

    def test_the_hidden_cases_are_the_cohorts(self, relations, course):
        ran = course / "autograded" / "zoe" / "10_spatial_relations" / "10_spatial_relations.ipynb"
        assert "seed 31337" in ran.read_text(encoding="utf-8")

    def test_nothing_was_written_outside(self, boxes, course):
        assert not list(course.parent.glob("*cmd*"))
        assert "GK_COHORT_SEED" not in os.environ

    def test_not_a_zip(self, course, tmp_path):
        (tmp_path / "x.zip").write_text("x")
        with pytest.raises(ValueError, match="expected a zip of submissions"):
            grade_zip("01", tmp_path / "x.zip", course)

    def test_one_that_nbgrader_refuses_does_not_stop_the_others(self, course, solved, tmp_path, monkeypatch):
        def fail(folder, lesson, student):
            raise RuntimeError(f"{student}, {lesson}: nbgrader failed: =x")

        monkeypatch.setattr(coursework, "grade", fail)
        path = zipped(tmp_path / "x.zip", {"a/1.ipynb": solved("10"), "b/1.ipynb": solved("10")})
        rows = grade_zip("10", path, course)
        assert [(row.student, row.status) for row in rows[:2]] == [("a", REFUSED), ("b", REFUSED)]
        assert "nbgrader failed" in rows[1].problem


class TestSeveralZips:
    @pytest.fixture
    def run(self, course, solved, tmp_path, monkeypatch):
        """Grade zips of lesson 10 without running a check: of solved notebooks, and of files that are not JSON."""
        folder = tmp_path / "course"
        shutil.copytree(course / "release", folder / "release")
        (folder / "roster.csv").write_text("id,first_name,last_name,email\nAB.12,Anna,Berg,\nzz 99,No,Body,\n")
        points = iter(range(1, 99))

        def mark(folder, lesson, student):
            ran = folder / "autograded" / student / lesson
            shutil.copytree(folder / "submitted" / student / lesson, ran, dirs_exist_ok=True)
            return coursework.Grade(student, next(points), 99, 1, 2, to_read=False)

        monkeypatch.setattr(coursework, "grade", mark)

        def grade_files(*names, broken=()):
            files = {name: dict(solved("10")) for name in names} | dict.fromkeys(broken, "not JSON")
            rows = grade_zip("10", zipped(tmp_path / "x.zip", files), folder)
            results = folder / "results" / "10_spatial_relations"
            with (results / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
                table = list(csv.DictReader(file))
            feedback = {path.stem: path.read_text(encoding="utf-8") for path in (results / "feedback").iterdir()}
            return rows, [(line["student"], line["status"], line["score"]) for line in table], feedback, results

        return grade_files

    def test_a_later_zip_adds(self, run):
        rows, table, told, _ = run("anna-berg/x.ipynb", "kim/x.ipynb")
        assert [(row.student, row.id) for row in rows] == [("AB.12", "AB.12"), ("kim", ""), ("zz-99", "zz 99")]
        assert table == [("AB.12", GRADED, "1"), ("kim", GRADED, "2"), ("zz-99", MISSING, "")]
        rows, table, told, _ = run("no body/late.ipynb", "kim/newer.ipynb")
        assert [row.student for row in rows] == ["zz-99", "kim"]
        assert table == [("AB.12", GRADED, "1"), ("zz-99", GRADED, "3"), ("kim", GRADED, "4")]
        assert set(told) == {"AB.12", "zz-99", "kim"}
        assert "AB.12: 1 of 99 points" in told["AB.12"]
        assert "kim: 4 of 99 points" in told["kim"]

    def test_the_same_zip_twice(self, run):
        first = run("anna-berg/x.ipynb", "kim/x.ipynb", broken=["lee/x.ipynb"])[1]
        second = run("anna-berg/x.ipynb", "kim/x.ipynb", broken=["lee/x.ipynb"])[1]
        assert [line[:2] for line in first] == [line[:2] for line in second]

    def test_a_grade_stands_when_the_newer_file_is_refused(self, run):
        run("kim/x.ipynb")
        _, table, told, _ = run(broken=["kim/y.ipynb", "lee/x.ipynb"])
        assert table[:3] == [("kim", GRADED, "1"), ("kim", REFUSED, ""), ("lee", REFUSED, "")]
        assert "kim: 1 of 99 points" in told["kim"]
        assert "this file was not graded" in told["lee"]
        _, table, told, _ = run("lee/x.ipynb")
        assert ("lee", GRADED, "2") in table
        assert ("lee", REFUSED, "") not in table
        assert "lee: 2 of 99 points" in told["lee"]

    def test_someone_entered_into_the_roster_since(self, run, tmp_path):
        run("kim/x.ipynb", "lee/x.ipynb")
        (tmp_path / "course" / "roster.csv").write_text("id,first_name,last_name\n7,Kim,\n8,Lee,\n")
        _, table, told, _ = run("kim/x.ipynb")
        assert table == [("lee", GRADED, "2"), ("7", GRADED, "3")]
        assert set(told) == {"7", "lee"}

    def test_what_cannot_be_read_stops_it_before_anything_is_lost(self, run, tmp_path, monkeypatch):
        _, _, told, results = run("kim/x.ipynb")
        before = (results / "grades.csv").read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr("gk_utils.classroom.inbox.FILES", 0)
            with pytest.raises(ValueError, match="at most 0 files"):
                run("kim/x.ipynb")
        assert (results / "grades.csv").read_bytes() == before
        assert [path.stem for path in (results / "feedback").iterdir()] == list(told)
        for other in (b"student;file;status\r\n", b"student,file,status\r\n\xff,,\r\n"):
            (results / "grades.csv").write_bytes(other)
            with pytest.raises(ValueError, match="Move it away"):
                run("kim/x.ipynb")
            assert (results / "grades.csv").read_bytes() == other

    def test_feedback_that_cannot_be_written_stops_nothing(self, run, monkeypatch):
        def fail(*arguments):
            raise KeyError("outputs")

        monkeypatch.setattr(grade, "feedback", fail)
        rows, table, told, _ = run("kim/x.ipynb", "lee/x.ipynb")
        assert table[:2] == [("kim", GRADED, "1"), ("lee", GRADED, "2")]
        assert rows[0].problem == "no feedback: 'outputs'"
        assert told == {}

    @pytest.mark.usefixtures("run")
    def test_two_files_of_one_name(self, solved, tmp_path):
        path = tmp_path / "twice.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("kim/x.ipynb", "not JSON")
            with pytest.warns(UserWarning, match="Duplicate name"):
                archive.writestr("kim/x.ipynb", json.dumps(solved("10")))
        rows = grade_zip("10", path, tmp_path / "course")
        assert [row.status for row in rows[:2]] == [REFUSED, GRADED]


class TestStudentBundle:
    def test_holds_neither_solutions_nor_hidden_tests_nor_model_answers(self, course):
        text = "".join(path.read_text(encoding="utf-8") for path in (course / "release").rglob("*") if path.is_file())
        secrets = ["BEGIN SOLUTION", "HIDDEN", "hidden=True", "31337"]
        for number in ("01", "10"):
            for cell in source.read(source.find(number)).exercise_cells().values():
                part = cell.source.split("### BEGIN SOLUTION\n")[1].split("### END SOLUTION")[0]
                lines = [json.dumps(line.strip())[1:-1] for line in part.split("\n")]
                secrets += [line for line in lines if len(line) >= 40]
        assert len(secrets) > 20
        assert [secret for secret in secrets if secret in text] == []
        assert (course / "marking_guide.md").read_text(encoding="utf-8").count("A good answer says:") == 2

    @pytest.mark.parametrize("path", source.lesson_paths(), ids=lambda path: path.stem)
    def test_no_lesson_shows_a_whole_solution(self, path):
        lesson = source.read(path)
        text = "\n".join(cell.source for cell in student_view(lesson).cells)
        shown = {line.strip() for line in text.split("\n")}
        assert not [mark for mark in ("### BEGIN", "### END", "hidden=True") if mark in text]
        for name, cell in lesson.exercise_cells().items():
            part = cell.source.split("### BEGIN SOLUTION\n")[1].split("### END SOLUTION")[0]
            lines = {line.strip() for line in part.split("\n") if line.strip()}
            assert len(lines & shown) <= len(lines) / 2, name  # a line of it may stand in a demonstration


@pytest.mark.skipif(os.environ.get("GK_DEEP") != "1", reason="16 s a lesson: make deep")
class TestEveryLesson:
    @pytest.mark.parametrize("path", source.lesson_paths(), ids=lambda path: path.stem)
    def test_all_the_answers_earn_all_points_and_none_earn_none(self, path, tmp_path):
        number, lesson = path.stem[:2], source.read(path)
        (release,) = coursework.make([number], tmp_path / "course")
        notebook = nbformat.read(release, as_version=4)
        files = {"untouched/a.ipynb": json.dumps(notebook)}
        for cell in notebook.cells:
            if named(cell) in lesson.exercise_cells():
                cell.source = source.without_markers(lesson.exercise_cells()[named(cell)].source)
        archive = zipped(tmp_path / "all.zip", files | {"knows/a.ipynb": notebook})
        untouched, knows = grade_zip(number, archive, tmp_path / "course")[:2]
        assert (untouched.status, untouched.grade.score, untouched.repaired) == (GRADED, 0, ())
        assert (knows.status, knows.repaired) == (GRADED, ())
        assert knows.grade.check_score == knows.grade.max_check_score > 0


class TestWriteTable:
    def test_nothing_a_spreadsheet_would_run(self, tmp_path):
        lesson = source.read(source.find("01"))
        rows = [Row("=cmd()", "+a\nb", REFUSED, problem="@x"), Row("anna", 'a,b"c', GRADED)]
        write_table(tmp_path / "deep" / "grades.csv", rows, lesson)
        data = (tmp_path / "deep" / "grades.csv").read_bytes()
        assert data.startswith(b"\xef\xbb\xbfstudent,")
        assert data.count(b"\r\n") == data.count(b"\n") == 3
        first, second = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
        assert (first["student"], first["file"], first["problem"]) == ("'=cmd()", "'+a b", "'@x")
        assert (second["file"], second["score"]) == ('a,b"c', "")


class TestMain:
    def test_prints_a_line_a_file(self, tmp_path, capsys, monkeypatch):
        got = coursework.Grade("anna", 3, 4, 2, 2, to_read=True)
        rows = [Row("anna", "a", GRADED, got), Row("bea", "b", REFUSED, problem="no"), Row("carl", "", MISSING)]
        monkeypatch.setattr(grade, "grade_zip", lambda *arguments: rows)
        assert grade.main(["01", "x.zip", "--out", str(tmp_path)]) == 3
        assert capsys.readouterr().out.split("\n")[:-2] == [
            "anna: graded: 3 of 4, an answer to read",
            "bea: not graded: no",
            "carl: nothing handed in",
        ]

    def test_bad_arguments(self, tmp_path, capsys):
        assert grade.main(["77", str(tmp_path / "x.zip"), "--out", str(tmp_path)]) == 2
        assert grade.main(["01", str(tmp_path / "x.zip"), "--out", str(tmp_path / "c")]) == 2
        assert "expected a zip" in capsys.readouterr().err
