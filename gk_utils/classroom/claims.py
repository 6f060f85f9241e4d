"""The claims ledger, book/CLAIMS.md: what is claimed about visual grounding, what holds, and the cell that shows it.

    python -m gk_utils.classroom.claims [--check]

Each lesson declares its claims; the measured values are read from the outputs of its built notebook.
"""

import argparse
import sys
from pathlib import Path

import nbformat

from gk_utils.classroom.build import notebook_path
from gk_utils.classroom.lint_lesson import VERDICTS
from gk_utils.classroom.lint_notebook import shown_value
from gk_utils.classroom.source import ROOT, Lesson, lesson_paths, read, write_atomically

_INTRODUCTION = """# Claims ledger

Written by `make notebooks` from the lessons; do not edit. Each claim is checked by a cell of a lesson, whose output the
tests compare. Verdicts: right; imprecise (true once said with more care); wrong; dated (no longer true); unsourced
(nothing found that supports it).

| Claim | Verdict | What holds | Shown in | Measured |
|---|---|---|---|---|
"""


def ledger(root: Path = ROOT) -> str:
    """Return the ledger of all lessons, as Markdown.

    Raises:
        ValueError: names the lesson: a verdict the course does not know, or a value that its notebook does not show.
    """
    return _INTRODUCTION + "".join(row for path in lesson_paths(root) for row in _rows(read(path)))


def _rows(lesson: Lesson) -> list[str]:
    claims = lesson.course.get("claims") or []
    path = notebook_path(lesson)
    if not claims:
        return []
    if not path.exists():
        raise ValueError(f"lessons/{lesson.path.name}:1: expected notebooks/{path.name}, got none. Run: make notebooks")
    notebook = nbformat.read(path, as_version=4)
    rows = []
    for claim in claims:
        where = f"lessons/{lesson.path.name}:1: claim {claim['claim']!r}"
        if claim["verdict"] not in VERDICTS:
            raise ValueError(f"{where}: expected a verdict out of {', '.join(VERDICTS)}, got {claim['verdict']!r}.")
        cell_id = f"{lesson.number}-{claim['cell']}"
        value = shown_value(notebook, cell_id, claim["shows"])
        if value is None:
            raise ValueError(
                f"{where}: expected cell {cell_id} to print '{claim['shows']}: ...', got nothing of the kind."
            )
        link = (
            f"[{lesson.number} {lesson.course['title']}, {claim['cell']}](../notebooks/{path.name}#cell-id={cell_id})"
        )
        row = (claim["claim"], claim["verdict"], claim["says"], link, f"{claim['shows']}: {value}")
        rows.append("| " + " | ".join(_one_line(text) for text in row) + " |\n")
    return rows


def _one_line(text: object) -> str:
    r"""Return a text as the content of a table cell.

    >>> _one_line("IoU is |A and B| / |A or B|")
    'IoU is \\|A and B\\| / \\|A or B\\|'
    >>> _one_line("<box> is a tag")
    '&lt;box> is a tag'
    """
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")


def write(root: Path = ROOT) -> Path:
    """Write the ledger where it belongs and return its path.

    Raises:
        ValueError: as `ledger`.
    """
    path = root / "book" / "CLAIMS.md"
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, ledger(root))
    return path


def is_current(root: Path = ROOT) -> bool:
    """Whether book/CLAIMS.md is what the lessons and their notebooks make it.

    Raises:
        ValueError: as `ledger`.
    """
    path = root / "book" / "CLAIMS.md"
    return path.exists() and path.read_text(encoding="utf-8") == ledger(root)


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Write the ledger, or with --check only compare it; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gk_utils.classroom.claims", description="Write book/CLAIMS.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 unless it is current")
    options = parser.parse_args(arguments)
    try:
        if not options.check:
            print(write(root).relative_to(root))
        elif not is_current(root):
            print("book/CLAIMS.md is not what the lessons make it. Run: python -m gk_utils.classroom.claims")
            return 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
