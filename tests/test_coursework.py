"""One nbgrader round trip: make a course from a lesson, hand notebooks in, grade them. Zips: test_grade.py.

Change the two names below to take another lesson: everything else follows from its source and its exercises.
"""

import os
import shutil

import nbformat
import pytest
import synthetic_lesson
from traitlets.config import Config

from gk_utils.classroom import coursework, guide, source
from gk_utils.classroom.exercise import find
from gk_utils.classroom.views import CODE_STUB, TEXT_STUB

NUMBER = "01"
LESSON_ROOT = source.ROOT

CHEAT = "check = lambda *arguments, **options: None"
BY_MISTAKE = """from gk_utils.classroom import exercise
{name} = exercise.find("{id}").mistakes[{index}].wrong(exercise.reference("{id}"))
"""


class Course:
    """A course made from one lesson, and what it takes to hand notebooks in."""

    def __init__(self, folder, root):
        self.folder, self.root = folder, root
        self.lesson = source.read(source.find(NUMBER, root))
        self.exercises = [
            find(self.lesson.exercise_id(name))
            for name, cell in self.lesson.exercise_cells().items()
            if cell.kind == "code"
        ]
        (self.release,) = coursework.make([NUMBER], folder, root)
        self.grades = {}

    def solved(self):
        """What a learner writes who knows all the answers, by nbgrader's id."""
        cells = self.lesson.exercise_cells()
        return {name: source.without_markers(cell.source) for name, cell in cells.items()}

    def hand_in(self, student, answers):
        notebook = nbformat.read(self.release, as_version=4)
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            cell.source = answers.get(name, cell.source)
        path = self.folder / "submitted" / student / self.lesson.name / self.release.name
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
        self.grades[student] = coursework.grade(self.folder, self.lesson.name, student)

    def graded_cells(self, student):
        path = self.folder / "autograded" / student / self.lesson.name / self.release.name
        cells = nbformat.read(path, as_version=4).cells
        return {cell.metadata.get("nbgrader", {}).get("grade_id", cell.id): cell for cell in cells}

    def worth(self, exercise_id):
        return self.lesson.exercise_cells()[exercise_id[3:]].points


def mistakes_of(course):
    """Three mistakes as (student, exercise, number), spread over the exercises; a student makes one an exercise."""
    rounds = [
        (f"mistaken{index}", known, index)
        for index in range(3)
        for known in course.exercises
        if index < len(known.mistakes)
    ]
    return rounds[:3]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("coursework")
    with pytest.MonkeyPatch.context() as patch:
        root = LESSON_ROOT
        if root is None:
            root = tmp_path_factory.mktemp("checkout")
            synthetic_lesson.open_lesson(root, patch)
        made = Course(folder, root)
        made.hand_in("knows", made.solved())
        made.hand_in("untouched", {})
        first = made.exercises[0].id[3:]
        made.hand_in("cheats", {**made.solved(), "setup-1": "raise SystemExit", first: CHEAT})
        for student in sorted({student for student, _, _ in mistakes_of(made)}):
            answers = made.solved()
            for other, known, index in mistakes_of(made):
                if other == student:
                    answers[known.id[3:]] = BY_MISTAKE.format(name=known.id[3:], id=known.id, index=index)
            made.hand_in(student, answers)
        yield made


class TestMake:
    def test_the_release_holds_no_solution_hidden_test_or_answer(self, course):
        notebook = nbformat.read(course.release, as_version=4)
        text = course.release.read_text(encoding="utf-8")
        for leak in ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN", "hidden=True"):
            assert leak not in text
        cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in notebook.cells}
        for name, cell in course.lesson.exercise_cells().items():
            secret = cell.source.split("### BEGIN SOLUTION\n")[1].split("### END SOLUTION")[0]
            assert (CODE_STUB if cell.kind == "code" else TEXT_STUB) in cells[name]
            for line in secret.strip().split("\n"):
                assert line.strip() not in cells[name].split("\n")
                assert len(line) < 40 or line.strip() not in text

    def test_the_source_holds_them(self, course):
        text = (course.folder / "source" / course.lesson.name / course.release.name).read_text(encoding="utf-8")
        assert text.count("### BEGIN SOLUTION") == len(course.lesson.exercise_cells())
        assert text.count("### BEGIN HIDDEN TESTS") == len(course.exercises)

    def test_a_second_call_keeps_the_settings_and_the_grades(self, course):
        settings = course.folder / "nbgrader_config.py"
        settings.write_text(settings.read_text() + "\nc.Execute.timeout = 90\n")
        before = settings.read_text()
        assert coursework.make([NUMBER], course.folder, course.root) == [course.release]
        assert settings.read_text() == before
        assert (course.folder / "roster.csv").read_text(encoding="utf-8") == guide.ROSTER
        assert f"## {course.lesson.number} · " in (course.folder / "marking_guide.md").read_text(encoding="utf-8")
        with coursework._nbgrader(course.folder) as api:
            assert api.config.Execute.timeout == 90
            with api.gradebook as book:
                assert book.find_submission(course.lesson.name, "knows").score > 0

    def test_unknown_lesson(self, tmp_path):
        with pytest.raises(ValueError, match="got '77'"):
            coursework.make(["77"], tmp_path / "course")
        assert not (tmp_path / "course").exists()


class TestGrade:
    def test_the_solution_gets_all_points_of_the_checks(self, course):
        grade = course.grades["knows"]
        assert grade.check_score == grade.max_check_score == sum(course.worth(known.id) for known in course.exercises)
        assert grade.max_score == sum(cell.points for cell in course.lesson.exercise_cells().values())
        assert grade.to_read == (grade.max_score > grade.max_check_score)

    def test_an_untouched_release_gets_nothing(self, course):
        grade = course.grades["untouched"]
        assert (grade.score, grade.to_read) == (0, False)
        for known in course.exercises:
            (output,) = course.graded_cells("untouched")[f"{known.id[3:]}-check"].outputs
            assert output.evalue.startswith(f"{known.id} not attempted yet")

    @pytest.mark.parametrize("number", range(3))
    def test_a_mistake_loses_its_points_and_is_named(self, course, number):
        student, known, index = mistakes_of(course)[number]
        lost = sum(course.worth(other.id) for name, other, _ in mistakes_of(course) if name == student)
        grade = course.grades[student]
        assert grade.check_score == grade.max_check_score - lost
        outputs = course.graded_cells(student)[f"{known.id[3:]}-check"].outputs
        errors = [output.evalue for output in outputs if output.output_type == "error"]
        assert len(errors) == 1
        assert f"This looks like: {known.mistakes[index].name}." in errors[0]

    def test_another_check_earns_nothing_and_a_broken_setup_is_restored(self, course):
        grade = course.grades["cheats"]
        assert grade.check_score == grade.max_check_score - course.worth(course.exercises[0].id)

    def test_demonstrations_are_left_out(self, course):
        release = nbformat.read(course.release, as_version=4)
        demos = {cell.id for cell in release.cells if "demo" in cell.metadata.get("tags", ())}
        graded = course.graded_cells("knows")
        assert demos
        assert len(graded) == len(release.cells) - len(demos)
        assert not demos & set(graded)

    def test_a_right_submission_runs_without_a_word_on_stderr(self, course):
        for cell in course.graded_cells("knows").values():
            for output in cell.get("outputs", []):
                assert output.output_type != "error"
                assert output.get("name") != "stderr"

    def test_nothing_to_grade(self, course):
        with pytest.raises(RuntimeError, match="nobody, .*: nbgrader failed"):
            coursework.grade(course.folder, course.lesson.name, "nobody")


class TestMain:
    def test_grades_everybody(self, course, capsys, monkeypatch):
        shutil.rmtree(course.folder / "submitted" / "untouched")
        handed_in = sorted(path.name for path in (course.folder / "submitted").iterdir())
        monkeypatch.setattr(coursework, "grade", lambda folder, lesson, student: course.grades[student])
        monkeypatch.setattr(coursework, "find", lambda number: course.lesson.path)
        assert coursework.main([NUMBER, "--grade", "--out", str(course.folder)]) == 0
        lines = capsys.readouterr().out.strip().split("\n")
        assert [line.split()[1].rstrip(":") for line in lines] == handed_in
        grade = course.grades["knows"]
        assert (
            f"knows: {grade.score:g} of {grade.max_score:g} ({grade.check_score:g} of"
            in lines[handed_in.index("knows")]
        )
        assert lines[handed_in.index("knows")].endswith(", an answer to read)") == grade.to_read

    def test_one_that_cannot_be_graded_does_not_stop_the_others(self, tmp_path, capsys, monkeypatch):
        def grade(folder, lesson, student):
            if student == "anna":
                raise RuntimeError("anna, 01_boxes: nbgrader failed: no notebook")
            return coursework.Grade(student, 3, 4, 2, 2, to_read=True)

        for student in ("anna", "bea"):
            (tmp_path / "submitted" / student / "01_boxes").mkdir(parents=True)
        monkeypatch.setattr(coursework, "grade", grade)
        assert coursework.main(["01", "--grade", "--out", str(tmp_path)]) == 1
        captured = capsys.readouterr()
        assert captured.out == "01_boxes bea: 3 of 4 (2 of 2 for the checks, an answer to read)\n"
        assert captured.err == "anna, 01_boxes: nbgrader failed: no notebook\n"

    def test_bad_arguments(self, tmp_path, capsys):
        assert coursework.main(["77", "--out", str(tmp_path)]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert "got '77'" in captured.err


class TestConfigure:
    @pytest.mark.parametrize("empty", [True, False])
    def test_the_seed_of_the_environment_goes_before_the_courses(self, tmp_path, monkeypatch, empty):
        monkeypatch.setenv("GK_COHORT_SEED", "")
        if not empty:
            monkeypatch.delenv("GK_COHORT_SEED")
        coursework.configure(Config(), tmp_path, 7)
        assert os.environ["GK_COHORT_SEED"] == "7"
        coursework.configure(Config(), tmp_path, 8)
        assert os.environ["GK_COHORT_SEED"] == "7"

    @pytest.mark.parametrize("seed", [-1, 1.5, "autumn"])
    @pytest.mark.usefixtures("unhooked")
    def test_a_seed_that_would_fail_every_check_is_refused(self, tmp_path, monkeypatch, seed):
        monkeypatch.setenv("GK_COHORT_SEED", "")
        monkeypatch.delenv("GK_COHORT_SEED")
        with pytest.raises(ValueError, match="GK_COHORT_SEED: expected a whole number"):
            coursework.configure(Config(), tmp_path, seed)


class TestLeaveOutDemos:
    def test_graded_cells_stay_whatever_their_tags(self):
        cells = [
            nbformat.v4.new_code_cell("1", metadata={"tags": ["demo"]}),
            nbformat.v4.new_code_cell("2", metadata={"tags": ["demo"], "nbgrader": {}}),
            nbformat.v4.new_code_cell("3", metadata={"tags": ["setup"]}),
            nbformat.v4.new_code_cell("4"),
            nbformat.v4.new_markdown_cell("5"),
        ]
        notebook, resources = coursework.leave_out_demos(nbformat.v4.new_notebook(cells=cells), {"a": 1})
        assert [cell.source for cell in notebook.cells] == ["2", "3", "4", "5"]
        assert resources == {"a": 1}
