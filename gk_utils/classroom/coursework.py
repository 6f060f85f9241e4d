"""Makes a ready nbgrader course out of lessons, and grades what lies in it.

    python -m gk_utils.classroom.coursework 01 02 [--out coursework]     (make coursework LESSONS="01 02")
    python -m gk_utils.classroom.coursework 01 --grade

The folder then holds source/ (with solutions and hidden tests: for the teacher), release/ (what students get),
nbgrader_config.py, gradebook.db, roster.csv to fill in and marking_guide.md (points, minutes, model answers). A zip of
submissions is graded by `grade`; or they go to submitted/STUDENT/01_boxes/01_boxes.ipynb, and every command of nbgrader
works in the folder. Students' code runs when it is graded: do that in a container without a network.
"""

import argparse
import contextlib
import os
import re
import sys
import sysconfig
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gk_utils.classroom.exercise import COHORT_VARIABLE
from gk_utils.classroom.guide import ROSTER, marking_guide
from gk_utils.classroom.source import ROOT, find, lesson_paths, read, write_atomically
from gk_utils.classroom.views import CODE_STUB, TEXT_STUB, graded_view

CELL_SECONDS = 60
"""How long one cell of a submission may run; a check stops a learner's function long before."""

_CONFIG = '''"""nbgrader's settings for this course; run nbgrader in this folder. Add your own settings at the end."""

from pathlib import Path

from gk_utils.classroom.coursework import configure

# The hidden cases that judge this cohort: a whole number of your own, and the same one as long as you grade it.
# None takes the course's own; the environment variable GK_COHORT_SEED goes before both.
COHORT_SEED = None

c = get_config()
configure(c, Path(__file__).parent, COHORT_SEED)
'''


@dataclass(frozen=True)
class Grade:
    """What a submission earned: in all, and from the checks alone; `to_read` while an answer waits to be marked.

    `parts` holds score and points of each graded cell by nbgrader's id, "iou-check" or "explain".
    """

    student: str
    score: float
    max_score: float
    check_score: float
    max_check_score: float
    to_read: bool
    parts: dict[str, tuple[float, float]] = field(default_factory=dict)


def make(numbers: Sequence[str], out: Path, root: Path = ROOT) -> list[Path]:
    """Write source/ and release/ of these lessons; a second call renews them and keeps the gradebook.

    The marking guide is written again, for all lessons that the folder then holds.

    Args:
        numbers: lessons, such as "01".
        out: the course's folder; made if it is not there. An nbgrader_config.py and a roster.csv in it are kept.
        root: the checkout that holds the lessons.

    Returns:
        The notebooks to hand out.

    Raises:
        ValueError: no such lesson, or one without exercises.
        RuntimeError: nbgrader refused a lesson; its last words.
    """
    import nbformat

    lessons = [read(find(number, root)) for number in numbers]
    for lesson in lessons:
        if not lesson.exercise_cells():
            raise ValueError(f"numbers: expected lessons with exercises, got {lesson.name}. Leave it out.")
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "nbgrader_config.py").exists():
        write_atomically(out / "nbgrader_config.py", _CONFIG)
    if not (out / "roster.csv").exists():
        write_atomically(out / "roster.csv", ROSTER)
    for lesson in lessons:
        folder = out / "source" / lesson.name
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(graded_view(lesson), folder / f"{lesson.name}.ipynb")
        with _nbgrader(out) as api:
            _succeed(api.generate_assignment(lesson.name, force=True, create=True), lesson.name)
    held = [read(path) for path in lesson_paths(root) if (out / "source" / path.stem).is_dir()]
    write_atomically(out / "marking_guide.md", marking_guide(held))
    return [out / "release" / lesson.name / f"{lesson.name}.ipynb" for lesson in lessons]


def grade(course: Path, lesson: str, student: str) -> Grade:
    """Run one submission's checks and return what it earned; a second call grades it again.

    Args:
        course: the folder that `make` wrote.
        lesson: the lesson's name, "01_boxes".
        student: the name of the folder under submitted/.

    Raises:
        RuntimeError: nbgrader could not grade it; its last words.
    """
    with _nbgrader(course) as api:
        _succeed(api.autograde(lesson, student, force=True, create=True), f"{student}, {lesson}")
        with api.gradebook as book:
            found = book.find_submission(lesson, student)
            checks = found.code_score, found.max_code_score
            parts = {mark.name: (mark.score, mark.max_score) for sheet in found.notebooks for mark in sheet.grades}
            return Grade(student, found.score, found.max_score, *checks, found.needs_manual_grade, parts)


def configure(config: Any, root: Path, cohort_seed: int | None = None) -> None:
    """Set what nbgrader needs to know: stubs, time limit, the cells that grading leaves out, how it runs the others.

    Args:
        config: traitlets' Config object, what `get_config()` returns in nbgrader_config.py.
        root: the course's folder.
        cohort_seed: gives this cohort hidden cases of its own, unless GK_COHORT_SEED is set already and not empty.

    Raises:
        ValueError: the cohort's seed, from here or from the environment, is not a whole number of 0 or more.
    """
    from nbconvert.preprocessors import ClearMetadataPreprocessor
    from nbgrader import preprocessors

    from gk_utils.classroom.careful import CarefulExecute

    if cohort_seed is not None and not os.environ.get(COHORT_VARIABLE):
        os.environ[COHORT_VARIABLE] = str(cohort_seed)
    seed = os.environ.get(COHORT_VARIABLE) or "0"
    if not seed.isdecimal():  # or every check would fail, and nobody know why
        raise ValueError(f"{COHORT_VARIABLE}: expected a whole number, got {seed!r}. Set it to digits, or to None.")
    root = root.resolve()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.db_url = f"sqlite:///{(root / 'gradebook.db').as_posix()}"
    config.ClearSolutions.code_stub = {"python": CODE_STUB}
    config.ClearSolutions.text_stub = TEXT_STUB
    config.Execute.timeout = CELL_SECONDS
    config.Execute.extra_arguments = ["--log-level=40"]  # a kernel's warnings would stand between the grades
    config.Autograde.sanitize_preprocessors.insert(0, leave_out_demos)
    names = ("IgnorePattern", "LimitOutput", "SaveAutoGrades", "AssignLatePenalties", "CheckCellMetadata")
    ignore, *later = [getattr(preprocessors, name) for name in names]
    config.Autograde.autograde_preprocessors = [CarefulExecute, ignore, ClearMetadataPreprocessor, *later]


def leave_out_demos(notebook: Any, resources: Any) -> tuple[Any, Any]:
    """Remove the cells tagged `demo` from a submission: no exercise depends on them, and running them takes long."""
    notebook.cells = [
        cell for cell in notebook.cells if "nbgrader" in cell.metadata or "demo" not in cell.metadata.get("tags", ())
    ]
    return notebook, resources


@contextlib.contextmanager
def _nbgrader(course: Path) -> Iterator[Any]:
    """Yield nbgrader with a course's settings; it looks for the command `alembic`, so this environment's go on PATH."""
    old = {name: os.environ.get(name) for name in ("PATH", COHORT_VARIABLE)}
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), old["PATH"] or ""])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nbgrader's use of its database makes SQLAlchemy warn, 18 times a grade
            from nbgrader.apps import NbGraderAPI
            from traitlets.config.loader import PyFileConfigLoader

            yield NbGraderAPI(config=PyFileConfigLoader("nbgrader_config.py", str(course.resolve())).load_config())
    finally:
        for name, value in old.items():
            os.environ.pop(name, None)
            os.environ.update({name: value} if value is not None else {})
        os.environ.pop("NBGRADER_EXECUTION", None)  # nbgrader leaves it behind when a submission cannot be run


def _succeed(result: dict[str, Any], what: str) -> None:
    if not result["success"]:
        log = (result.get("log") or result.get("error") or "no reason given").strip()
        reasons = re.findall(r"^ *([\w.]+Error: .*)", log, re.MULTILINE) or log.split("\n")
        raise RuntimeError(f"{what}: nbgrader failed: {reasons[-1]}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 when it ran, 1 when a submission could not be graded, 2 on bad arguments."""
    parser = argparse.ArgumentParser(prog="python -m gk_utils.classroom.coursework", description=__doc__.split("\n")[0])
    parser.add_argument("lessons", nargs="+", help="numbers of lessons, such as 01")
    parser.add_argument("--out", type=Path, default=Path("coursework"), help="the course's folder")
    parser.add_argument("--grade", action="store_true", help="grade what lies in submitted/")
    options = parser.parse_args(arguments)
    try:
        if not options.grade:
            for path in make(options.lessons, options.out):
                print(f"{path}: hand this out")
            return 0
        names = [find(number).stem for number in options.lessons]
    except (ValueError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2
    handed_in = [folder for name in names for folder in sorted(options.out.glob(f"submitted/*/{name}"))]
    return max([_grade_one(options.out, folder) for folder in handed_in], default=0)


def _grade_one(course: Path, submitted: Path) -> int:
    """Grade one submission and print it; 1 if it cannot be graded, which must not keep the others from it."""
    name, student = submitted.name, submitted.parent.name
    try:
        got = grade(course, name, student)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    rest = ", an answer to read" if got.to_read else ""
    checks = f"{got.check_score:g} of {got.max_check_score:g} for the checks"
    print(f"{name} {student}: {got.score:g} of {got.max_score:g} ({checks}{rest})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
