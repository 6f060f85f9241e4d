"""Every lesson, and the notebook that learners read. nbval runs the notebooks themselves: see `make test`."""

import importlib
import re
import shutil

import pytest

from gk_utils.classroom import build, claims, lint, source

LESSONS = source.lesson_paths()
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


@each_lesson
def test_source_keeps_the_rules(path):
    assert lint.lint_source(path) == []


@each_lesson
def test_notebook_is_what_the_lesson_builds_to(path):
    assert build.freshness(source.read(path)) == []


@each_lesson
def test_notebook_keeps_the_rules(path):
    assert lint.lint_notebook_of(source.read(path)) == []


@each_lesson
def test_every_exercise_in_code_has_a_judge(path):
    lesson = source.read(path)
    in_lesson = [lesson.exercise_id(name) for name, cell in lesson.exercise_cells().items() if cell.exercise]
    judges = importlib.import_module(f"gk_utils.classroom.exercises.{lesson.stem}")
    assert sorted(exercise.id for exercise in judges.EXERCISES) == sorted(in_lesson)


@each_lesson
def test_a_change_is_named_with_its_line(path, tmp_path):
    for folder in ("lessons", "notebooks"):
        shutil.copytree(source.ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    lesson = source.read(tmp_path / "lessons" / path.name)
    changed = next(cell for cell in lesson.cells if cell.is_demo)
    lines = lesson.path.read_text(encoding="utf-8").split("\n")
    lines[changed.line] += "  # changed"
    lesson.path.write_text("\n".join(lines), encoding="utf-8")
    where = rf"lessons/{path.name}:{changed.line}: cell \S+ differs from notebooks/{path.stem}\.ipynb"
    problems = build.freshness(source.read(lesson.path))
    assert [problem for problem in problems if re.fullmatch(rf"{where}\. Run: make notebooks", problem)]


def test_there_are_lessons():
    assert LESSONS


def test_every_notebook_has_a_lesson():
    assert lint.orphans() == []


def test_claims_ledger_is_current():
    assert claims.is_current(), "Run: make notebooks"
