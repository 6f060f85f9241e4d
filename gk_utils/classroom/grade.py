"""Grades a zip of submissions: one row a file in grades.csv, and feedback for each learner.

    python -m gk_utils.classroom.grade 06 submissions.zip [--out coursework]
    make grade LESSON=06 ZIP=submissions.zip

It grades in the course that `coursework` made (and makes it where there is none). What a learner wrote is put into the
lesson's own notebook (`rebuild`), so edited checks and lost metadata do not matter; a file that cannot be graded is a
row with the reason, and never stops the others. A second zip adds to what is there. Learners' code runs here: do it
in a container without a network.
"""

import argparse
import csv
import io
import re
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gk_utils.classroom import coursework, inbox
from gk_utils.classroom.coursework import Grade
from gk_utils.classroom.feedback import feedback, refusal
from gk_utils.classroom.guide import folder_names, read_roster
from gk_utils.classroom.inbox import Handed, slug
from gk_utils.classroom.rebuild import rebuild
from gk_utils.classroom.source import ROOT, Lesson, find, lesson_paths, read, write_atomically
from gk_utils.classroom.submission import Submission, parse, recognise

GRADED, REFUSED, OLDER, MISSING = "graded", "not graded", "replaced", "nothing handed in"
FILES_REFUSED = 3
"""The command's exit status when a file was not graded; Python itself ends with 1 when a program breaks."""


@dataclass(frozen=True)
class Row:
    """What became of one file, or of a learner of the roster without one.

    `student` is fit for a folder; `id` is what the roster calls them, "" if it does not.
    """

    student: str
    file: str
    status: str
    grade: Grade | None = None
    repaired: tuple[str, ...] = field(default=())
    problem: str = ""
    id: str = ""


def grade_zip(number: str, path: Path, course: Path, root: Path = ROOT) -> list[Row]:
    """Grade every submission of a lesson in a zip; write grades.csv and feedback/ into COURSE/results/LESSON.

    What an earlier run wrote about other learners stays, and so does a grade that this zip brings no newer one for.

    Args:
        number: the lesson, such as "06".
        path: the zip.
        course: the folder that `coursework.make` wrote; made if it is not there.
        root: the checkout that holds the lessons.

    Returns:
        A row for each file in the zip, in its order, then one for each learner of the roster without a file,
        in this zip or an earlier one.

    Raises:
        ValueError: no such lesson, not a zip, or a roster or an earlier grades.csv that cannot be read.
        RuntimeError: the course could not be made.
    """
    import nbformat

    lesson = read(find(number, root))
    release = course / "release" / lesson.name / f"{lesson.name}.ipynb"
    results = course / "results" / lesson.name
    rows: list[Row] = []
    with inbox.open_zip(path) as archive:
        roster = read_roster(course / "roster.csv") if (course / "roster.csv").exists() else {}
        folders = folder_names(roster.values())
        students = {name: folders[student] for name, student in roster.items()}
        earlier = _read_table(results / "grades.csv")
        names = [source.stem for source in lesson_paths(root)]
        files = inbox.contents(archive, names)
        owners = [roster.get(file.student, "") for file in files]
        files = [replace(file, student=students.get(file.student, file.student)) for file in files]
        if not release.exists():
            coursework.make([number], course, root)
        handed_out = nbformat.read(release, as_version=4)
        chosen = _newest(archive, files, lesson, root)
        told: set[str] = set()  # whose feedback is of this run
        for file, owner, problem in zip(files, owners, chosen, strict=True):
            row = Row(file.student, file.file, OLDER if problem.startswith("replaced") else REFUSED, problem=problem)
            if not problem:
                row = _graded(parse(inbox.content(archive, file.entry)), file, lesson, handed_out, course)
            if file.known and roster and not owner:
                row = replace(row, repaired=(*row.repaired, "not in roster.csv"))
            row = replace(row, id=owner)
            kept = _kept(earlier, [*rows, row], students)
            if row.grade or (row.status == REFUSED and row.student not in told | {line["student"] for line in kept}):
                told.add(row.student)  # a refusal takes the place of no grade, of this run or an earlier one
                row = _with_feedback(results, row, lesson, course)
            rows.append(row)
            write_table(results / "grades.csv", rows, lesson, kept)  # after each: nothing is lost if this is stopped
    kept = _kept(earlier, rows, students)
    seen = {row.student for row in rows} | {_owner(line, students) for line in kept}
    rows += [Row(folders[id_], "", MISSING, id=id_) for id_ in sorted(folders) if folders[id_] not in seen]
    write_table(results / "grades.csv", rows, lesson, kept)
    named = {row.student for row in rows} | {line["student"] for line in kept}
    for old in (results / "feedback").glob("*.md"):
        if old.stem not in named:  # someone has another name now
            old.unlink()
    return rows


def write_table(path: Path, rows: Sequence[Row], lesson: Lesson, earlier: Sequence[Mapping[str, str]] = ()) -> None:
    """Write the rows as CSV: learner, file, status, points in all and of each exercise, repairs, problem.

    Lines of an earlier table come first. Text that a spreadsheet would take for a formula is written behind an
    apostrophe; the file begins with a byte order mark, or Excel would garble names.
    """
    names = list(lesson.exercise_cells())
    head = ["student", "id", "file", "lesson", "status", "score", "max_score", "checks", "max_checks", "to_read"]
    head += [*names, "repaired", "problem"]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([_safe(line.get(name) or "") for name in head] for line in earlier)
    for row in rows:
        points: list[Any] = [""] * (5 + len(names))
        if row.grade:
            got = row.grade
            each = [got.parts.get(f"{name}-check", got.parts.get(name, (0.0, 0.0)))[0] for name in names]
            points = [got.score, got.max_score, got.check_score, got.max_check_score, int(got.to_read), *each]
        texts = [row.student, row.id, row.file, lesson.name, row.status], ["; ".join(row.repaired), row.problem]
        writer.writerow([*map(_safe, texts[0]), *points, *map(_safe, texts[1])])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, "\ufeff" + text.getvalue())


def _read_table(path: Path) -> list[dict[str, str]]:
    """Return the lines of an earlier run's grades.csv; none if there is none."""
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            lines = [{key: value or "" for key, value in line.items() if key} for line in table]
            columns = table.fieldnames or ()
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"grades.csv: expected the one of an earlier run, got {error}. Move it away.") from None
    if not {"student", "file", "status"} <= set(columns):
        raise ValueError(
            f"grades.csv: expected the columns of an earlier run, with commas, got {', '.join(columns)}. Move it away."
        )
    return lines


def _kept(earlier: Sequence[dict[str, str]], rows: Sequence[Row], students: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the lines of an earlier run that still hold: of other learners, and grades without a newer grade."""
    here, files = {row.student for row in rows}, {_safe(row.file) for row in rows}
    graded = {row.student for row in rows if row.grade}
    kept = []
    for line in earlier:
        renamed = line["student"] not in here and line["file"] in files
        taken = _owner(line, students) in (graded if line["status"] == GRADED else here)
        if line["status"] != MISSING and not renamed and not taken:
            kept.append(line)
    return kept


def _owner(line: Mapping[str, str], students: Mapping[str, str]) -> str:
    """Whose an earlier line is, by today's roster: they may have been entered since."""
    return students.get(slug(line["student"]), line["student"])


def _newest(archive: zipfile.ZipFile, files: Sequence[Handed], lesson: Lesson, root: Path) -> list[str]:
    """Say for each file why it is not graded; nothing for the newest one of each learner that can be."""
    problems: list[str] = []
    best: dict[str, int] = {}
    for number, file in enumerate(files):
        problem = file.problem
        if not problem:
            try:
                name, told_by = recognise(parse(inbox.content(archive, file.entry)), root)
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


def _with_feedback(results: Path, row: Row, lesson: Lesson, course: Path) -> Row:
    """Write feedback/STUDENT.md; return the row, with a word on it if that went wrong."""
    import nbformat

    path = results / "feedback" / f"{row.student}.md"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        text = refusal(lesson, row.student, row.file, row.problem)
        if row.grade:
            ran = course / "autograded" / row.student / lesson.name / f"{lesson.name}.ipynb"
            text = feedback(lesson, row.grade, nbformat.read(ran, as_version=4), row.repaired)
        write_atomically(path, text)
    except Exception as error:  # what a submission put out may be odd; its grade stands
        problems = [row.problem] * bool(row.problem) + [f"no feedback: {_words(error)}"]
        return replace(row, problem="; ".join(problems))
    return row


def _words(error: Exception) -> str:
    text = re.sub(r"^file: ", "", str(error).strip().split("\n")[0])[:300]
    return text or type(error).__name__


def _safe(text: str) -> str:
    text = re.sub(r"[\x00-\x1f]", " ", text)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 when every file was graded or replaced, 3 when one was not, 2 on bad arguments."""
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
    return FILES_REFUSED if any(row.status == REFUSED for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
