"""Grades a zip of submissions: one row a file in grades.csv, and feedback for each learner.

    python -m gk_utils.classroom.grade 06 submissions.zip [--out coursework]
    make grade LESSON=06 ZIP=submissions.zip

It grades in the course that `coursework` made (and makes it where there is none). What a learner wrote is put into the
lesson's own notebook (`rebuild`), so edited checks and lost metadata do not matter; a file that cannot be graded is a
row with the reason, and never stops the others. Learners' code runs here: do it in a container without a network.
"""

import argparse
import csv
import re
import shutil
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gk_utils.classroom import coursework, inbox
from gk_utils.classroom.coursework import Grade
from gk_utils.classroom.feedback import feedback, refusal
from gk_utils.classroom.guide import read_roster
from gk_utils.classroom.inbox import Handed
from gk_utils.classroom.rebuild import rebuild
from gk_utils.classroom.source import ROOT, Lesson, find, lesson_paths, read
from gk_utils.classroom.submission import Submission, parse, recognise

GRADED, REFUSED, OLDER, MISSING = "graded", "not graded", "replaced", "nothing handed in"


@dataclass(frozen=True)
class Row:
    """What became of one file, or of a learner of the roster without one."""

    student: str
    file: str
    status: str
    grade: Grade | None = None
    repaired: tuple[str, ...] = field(default=())
    problem: str = ""


def grade_zip(number: str, path: Path, course: Path, root: Path = ROOT) -> list[Row]:
    """Grade every submission of a lesson in a zip; write grades.csv and feedback/ into COURSE/results/LESSON.

    Args:
        number: the lesson, such as "06".
        path: the zip.
        course: the folder that `coursework.make` wrote; made if it is not there.
        root: the checkout that holds the lessons.

    Returns:
        A row for each file in the zip, in its order, then one for each learner of the roster without a file.

    Raises:
        ValueError: no such lesson, not a zip, or a roster that cannot be read.
        RuntimeError: the course could not be made.
    """
    import nbformat

    lesson = read(find(number, root))
    release = course / "release" / lesson.name / f"{lesson.name}.ipynb"
    results = course / "results" / lesson.name
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"zip: expected a zip of submissions, got {path} ({error}). Name another.") from None
    rows: list[Row] = []
    with archive:
        roster = read_roster(course / "roster.csv") if (course / "roster.csv").exists() else {}
        if not release.exists():
            coursework.make([number], course, root)
        handed_out = nbformat.read(release, as_version=4)
        shutil.rmtree(results / "feedback", ignore_errors=True)  # of an earlier run
        names = [source.stem for source in lesson_paths(root)]
        files = [
            replace(file, student=roster.get(file.student, file.student)) for file in inbox.contents(archive, names)
        ]
        chosen = _newest(archive, files, lesson, root)
        for file, problem in zip(files, chosen, strict=True):
            row = Row(file.student, file.file, OLDER if problem.startswith("replaced") else REFUSED, problem=problem)
            if not problem:
                row = _graded(parse(inbox.content(archive, file.file)), file, lesson, handed_out, course)
            if file.known and file.student not in roster.values() and roster:
                row = replace(row, repaired=(*row.repaired, "not in roster.csv"))
            rows.append(row)
            _write_feedback(results, row, lesson, course)
            write_table(results / "grades.csv", rows, lesson)  # after each, so that nothing is lost if this is stopped
    seen = {row.student for row in rows}
    rows += [Row(student, "", MISSING) for student in sorted(set(roster.values()) - seen)]
    write_table(results / "grades.csv", rows, lesson)
    return rows


def write_table(path: Path, rows: Sequence[Row], lesson: Lesson) -> None:
    """Write the rows as CSV: learner, file, status, points in all and of each exercise, repairs, problem.

    Text that a spreadsheet would take for a formula is written behind an apostrophe.
    """
    names = list(lesson.exercise_cells())
    head = ["student", "file", "lesson", "status", "score", "max_score", "checks", "max_checks", "to_read"]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*head, *names, "repaired", "problem"])
        for row in rows:
            points: list[Any] = [""] * (5 + len(names))
            if row.grade:
                got = row.grade
                each = [got.parts.get(f"{name}-check", got.parts.get(name, (0.0, 0.0)))[0] for name in names]
                points = [got.score, got.max_score, got.check_score, got.max_check_score, int(got.to_read), *each]
            texts = [row.student, row.file, lesson.name, row.status], ["; ".join(row.repaired), row.problem]
            writer.writerow([*map(_safe, texts[0]), *points, *map(_safe, texts[1])])


def _newest(archive: zipfile.ZipFile, files: Sequence[Handed], lesson: Lesson, root: Path) -> list[str]:
    """Say for each file why it is not graded; nothing for the newest one of each learner that can be."""
    problems: list[str] = []
    best: dict[str, int] = {}
    for number, file in enumerate(files):
        problem = file.problem
        if not problem:
            try:
                name, told_by = recognise(parse(inbox.content(archive, file.file)), root)
                if not name:
                    problem = "no lesson of this course: neither its metadata nor a cell nor a function says so"
                elif name != lesson.name:
                    problem = f"{name}, by {told_by}: grade it with LESSON={name[:2]}"
            except Exception as error:  # whatever is wrong with a file, the others are graded
                problem = _words(error)
        problems.append(problem)
        other = best.get(file.student)
        if not problem and (other is None or file.when >= files[other].when):
            best[file.student] = number
    return [
        problem
        or ("" if best[file.student] == number else f"replaced by a newer one: {files[best[file.student]].file}")
        for number, (file, problem) in enumerate(zip(files, problems, strict=True))
    ]


def _graded(submission: Submission, file: Handed, lesson: Lesson, release: Any, course: Path) -> Row:
    """Rebuild one submission and run its checks."""
    import nbformat

    try:
        notebook, repaired = rebuild(release, lesson, submission)
        if not file.known:
            repaired = ["no name in its file or folder name", *repaired]
        path = course / "submitted" / file.student / lesson.name / f"{lesson.name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        grade = coursework.grade(course, lesson.name, file.student)
    except Exception as error:  # a submission never stops the others
        return Row(file.student, file.file, REFUSED, problem=_words(error))
    return Row(file.student, file.file, GRADED, grade, tuple(repaired))


def _write_feedback(results: Path, row: Row, lesson: Lesson, course: Path) -> None:
    """Write feedback/STUDENT.md; a refusal never takes the place of a grade."""
    import nbformat

    path = results / "feedback" / f"{row.student}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    if row.grade:
        ran = course / "autograded" / row.student / lesson.name / f"{lesson.name}.ipynb"
        text = feedback(lesson, row.grade, nbformat.read(ran, as_version=4), row.repaired)
        path.write_text(text, encoding="utf-8")
    elif row.status == REFUSED and not path.exists():
        path.write_text(refusal(lesson, row.student, row.file, row.problem), encoding="utf-8")


def _words(error: Exception) -> str:
    text = re.sub(r"^file: ", "", str(error).strip().split("\n")[0])[:300]
    return text or type(error).__name__


def _safe(text: str) -> str:
    text = re.sub(r"[\x00-\x1f]", " ", text)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 when every file was graded or replaced, 1 when one was not, 2 on bad arguments."""
    parser = argparse.ArgumentParser(prog="python -m gk_utils.classroom.grade", description=__doc__.split("\n")[0])
    parser.add_argument("lesson", help="the number of the lesson, such as 06")
    parser.add_argument("zip", type=Path, help="a zip of notebooks, as a learning platform makes it")
    parser.add_argument("--out", type=Path, default=Path("coursework"), help="the course's folder")
    options = parser.parse_args(arguments)
    try:
        rows = grade_zip(options.lesson, options.zip, options.out)
    except (ValueError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2
    for row in rows:
        got = row.grade
        says = f"{got.score:g} of {got.max_score:g}{', an answer to read' * got.to_read}" if got else row.problem
        print(_safe(f"{row.student}: {row.status}{f': {says}' if says else ''}"))
    print(f"{options.out / 'results' / find(options.lesson).stem}: grades.csv and feedback/")
    return int(any(row.status == REFUSED for row in rows))


if __name__ == "__main__":
    sys.exit(main())
