"""The table of lessons in README.md, made from the lessons and their built notebooks.

python -m gk_utils.classroom.lesson_map
"""

import sys
from pathlib import Path

import nbformat

from gk_utils.classroom.build import notebook_path
from gk_utils.classroom.source import ROOT, Lesson, lesson_paths, read, write_atomically

BEGIN, END = "<!-- lessons: written by `make notebooks` -->", "<!-- end of lessons -->"
HEADER = "| lesson | what it shows | exercises | study | runs in | memory |\n|---|---|---|---|---|---|\n"


def table(root: Path = ROOT) -> str:
    """Return the table of all lessons, as Markdown.

    Raises:
        ValueError: a lesson that has not been built.
    """
    return HEADER + "".join(_row(read(path)) for path in lesson_paths(root))


def _row(lesson: Lesson) -> str:
    path = notebook_path(lesson)
    if not path.exists():
        raise ValueError(f"lessons/{lesson.path.name}:1: expected notebooks/{path.name}, got none. Run: make notebooks")
    measured = nbformat.read(path, as_version=4).metadata.course.measured
    link = f"[{lesson.number} {lesson.course['title']}](notebooks/{path.name})"
    numbers = f"{len(lesson.exercise_cells())} | {lesson.course['minutes']} min | {measured.seconds} s"
    return f"| {link} | {lesson.course['claim']} | {numbers} | {measured.peak_gb} GB |\n"


def readme(root: Path = ROOT) -> str:
    """Return README.md as it should be: its own text, with the current table between the two markers.

    Raises:
        ValueError: README.md without the markers, or as `table`.
    """
    text = (root / "README.md").read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN + "\n")
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md: expected the lines {BEGIN} and {END}, got neither or one. Put both back.")
    return f"{before}{begin}\n{table(root)}\n{end}{after}"


def main(root: Path = ROOT) -> int:
    """Write the table into README.md; return the exit status."""
    try:
        write_atomically(root / "README.md", readme(root))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
