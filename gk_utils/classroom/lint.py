"""Holds lessons and their notebooks to the rules of the course.

    python -m gk_utils.classroom.lint [LESSON ...]

Prints each problem with the lesson's line and the rule's name, and exits with 1 if there is any.
"""

import argparse
import sys
from pathlib import Path

import nbformat

from gk_utils.classroom import lint_exercises, lint_lesson, lint_notebook
from gk_utils.classroom.build import freshness, notebook_path
from gk_utils.classroom.source import ROOT, Lesson, choose, lesson_paths, read
from gk_utils.classroom.views import cell_ids


def lint_source(path: Path) -> list[str]:
    """List what is wrong with a lesson's source, in the order of the rules.

    A source that cannot be read is one problem.
    """
    try:
        lesson = read(path)
    except ValueError as error:
        return [f"lessons/{error} [readable]"]
    rules = (*lint_lesson.RULES, *lint_exercises.RULES)
    return [f"lessons/{path.name}:{line}: {text} [{rule.__name__}]" for rule in rules for line, text in rule(lesson)]


def lint_notebook_of(lesson: Lesson) -> list[str]:
    """List what is wrong with a lesson's notebook as it stands on disk: not current, or against a rule.

    A notebook that is not current is not looked at further: building it may cure the rest.
    """
    if stale := freshness(lesson):
        return [f"{problem} [freshness]" for problem in stale]
    path = notebook_path(lesson)
    built = lint_notebook.Built(lesson, path, nbformat.read(path, as_version=4))
    lines = dict(zip(cell_ids(lesson), [1, *(cell.line for cell in lesson.cells)], strict=True))
    problems = []
    for rule in lint_notebook.RULES:
        for cell_id, text in rule(built):
            where = f"cell {cell_id}: " if cell_id else f"notebooks/{path.name}: "
            problems.append(f"lessons/{lesson.path.name}:{lines.get(cell_id, 1)}: {where}{text} [{rule.__name__}]")
    return problems


def lint(path: Path) -> list[str]:
    """List what is wrong with a lesson: its source, and once that is clean, its notebook."""
    return lint_source(path) or lint_notebook_of(read(path))


def orphans(root: Path = ROOT) -> list[str]:
    """List the notebooks that no lesson builds."""
    stems = {path.stem for path in lesson_paths(root)}
    found = [path.name for path in sorted((root / "notebooks").glob("*.ipynb")) if path.stem not in stems]
    return [f"notebooks/{name}: no lesson builds it. Remove it, or restore lessons/ [orphans]" for name in found]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Lint the lessons named (01_boxes, 01 or a path), or all; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gk_utils.classroom.lint", description="Check the lessons.")
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="such as 01_boxes; all without one")
    options = parser.parse_args(arguments)
    try:
        paths = choose(options.lessons, root)
    except ValueError as error:
        parser.error(str(error))
    problems = [problem for path in paths for problem in lint(path)]
    problems += [] if options.lessons else orphans(root)
    print("\n".join(problems) or "lessons and notebooks: nothing to report")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
