"""Turns a lesson into notebooks that have not run yet: the student's, with stubs, and the graded one, with solutions.

What an author need not write is generated here: the header cell, the exercise cards, nbgrader's metadata, cell ids.
`build` executes the student view; `coursework` hands the graded view to nbgrader.
"""

import ast
import re
import unicodedata
from collections import Counter
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from gk_utils.classroom import colab
from gk_utils.classroom.source import Cell, Lesson, lesson_paths, read

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
CODE_STUB = "...  # your code here"
TEXT_STUB = "*Write your answer here.*"

CARD_PART = re.compile(r"^(Hint|Expected):[ \t]*", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def student_view(lesson: Lesson, measured: dict[str, float] | None = None) -> NotebookNode:
    """Return the notebook a learner opens: solutions and answers cleared, nothing executed.

    Args:
        lesson: what `source.read` returned.
        measured: {"seconds": run time, "peak_gb": memory} for the header; None says "not measured yet".

    Raises:
        ValueError: names the lesson's line: two cells with one id, a check without its exercise, a missing marker.
    """
    from nbgrader.preprocessors import ClearHiddenTests, ClearOutput, ClearSolutions
    from traitlets.config import Config

    config = Config()
    config.ClearSolutions.code_stub = {"python": CODE_STUB}
    config.ClearSolutions.text_stub = TEXT_STUB
    notebook = _assemble(lesson, measured, graded=False)
    for step in (ClearSolutions, ClearHiddenTests, ClearOutput):
        notebook, _ = step(config=config).preprocess(notebook, {})
    return notebook


def graded_view(lesson: Lesson, measured: dict[str, float] | None = None) -> NotebookNode:
    """Return the notebook nbgrader starts from: solutions between their markers, hidden tests after each check.

    Where the course is published, the set-up cell for Colab is the second; the grader leaves it out.

    Raises:
        ValueError: as `student_view`.
    """
    notebook = _assemble(lesson, measured, graded=True)
    colab.add(notebook, lesson.name, colab.setting(lesson.path.parents[1]), badge=False)
    return notebook


def cell_ids(lesson: Lesson) -> list[str]:
    """Return the id of every cell of the notebook: the header's, then one for each cell of the lesson, in order.

    `01-threshold` for a labelled cell, else `01-<section>-<index in the section>`: an edit elsewhere changes no id.

    Raises:
        ValueError: two cells share an id, which happens when a label is used twice.
    """
    ids, section, index = [f"{lesson.number}-header"], "start", Counter[str]()
    for cell in lesson.cells:
        heading = re.search(r"^## (.+)$", prose(cell), re.MULTILINE)
        section = slug(heading[1]) if heading else section
        index[section] += 1
        made = f"{lesson.number}-{cell.label or f'{section}-{index[section]:02d}'}"
        if made in ids:
            raise ValueError(
                f"{lesson.path.name}:{cell.line}: expected an id of its own, got {made} again. Use each label once."
            )
        ids.append(made)
    return ids


def slug(title: str) -> str:
    """Return a heading as part of a cell id: at most 30 lower-case letters, digits and dashes.

    >>> slug("Boxes by hand: what is an IoU, and why?")
    'boxes-by-hand-what-is-an-iou-a'
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:30].strip("-") or "section"


def prose(cell: Cell) -> str:
    """Return what a markdown cell says outside its code blocks; nothing for a code cell."""
    return _FENCE.sub("", cell.source) if cell.kind == "markdown" else ""


def _assemble(lesson: Lesson, measured: dict[str, float] | None, *, graded: bool) -> NotebookNode:
    ids = cell_ids(lesson)
    cells = [new_markdown_cell(_header(lesson, measured), id=ids[0])]
    points = {name: cell.points for name, cell in lesson.exercise_cells().items()}
    for cell, cell_id in zip(lesson.cells, ids[1:], strict=True):
        _check_markers(cell, lesson)
        text = cell.source
        if cell.card:
            text = _card(cell, lesson, points.get(cell.card))
        elif cell.check and graded:
            text = _with_hidden_tests(cell, lesson)
        make = new_code_cell if cell.kind == "code" else new_markdown_cell
        cells.append(make(text, id=cell_id, metadata=_metadata(cell, lesson, points)))
    course: dict[str, Any] = {"lesson": lesson.name}
    if measured is not None:
        course["measured"] = measured
    return new_notebook(
        cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}, "course": course}
    )


def _header(lesson: Lesson, measured: dict[str, float] | None) -> str:
    facts = lesson.course
    runs = "Not measured yet."
    if measured is not None:
        runs = f"The whole notebook runs in {measured['seconds']:g} s on two CPU cores, in {measured['peak_gb']:g} GB."
    objectives = "\n".join(f"- {objective}" for objective in facts.get("objectives", ()))
    before = "; ".join(_prerequisite(text, lesson) for text in facts.get("prerequisites", ())) or "nothing"
    return "\n\n".join(
        [
            f"# {lesson.number} · {facts['title']}",
            f"**Claim.** {facts.get('claim', '')}",
            f"**Afterwards you can**\n\n{objectives}",
            f"**Before you start:** {before}.",
            f"**Budget:** {facts.get('minutes', '?')} minutes of work. {runs}",
        ]
    )


def _prerequisite(text: str, lesson: Lesson) -> str:
    """Return a link when the text is the stem of a lesson, else the text."""
    for path in lesson_paths(lesson.path.parents[1]):
        if path.stem == text:
            return f"[{path.stem[:2]} · {read(path).course['title']}]({path.stem}.ipynb)"
    return text.rstrip(".")


def _card(cell: Cell, lesson: Lesson, points: float | None) -> str:
    """Put the card's facts under its heading ###, and fold hints, expected output and solution."""
    task, *parts = CARD_PART.split(cell.source)
    exercise_id = lesson.exercise_id(cell.card or "")
    facts = [
        f"Exercise {exercise_id}",
        f"difficulty {_dots(cell.difficulty)}",
        f"importance {_dots(cell.importance)}",
        _count(cell.minutes, "minute"),
        _count(points, "point"),
    ]
    before, heading, body = re.split(r"^(### .*|\Z)", task, maxsplit=1, flags=re.MULTILINE)
    blocks = [before.strip(), heading, " · ".join(facts), body.strip()]
    hints = 0
    for kind, text in zip(parts[::2], parts[1::2], strict=True):
        hints += kind == "Hint"
        blocks.append(_folded(f"Hint {hints}" if kind == "Hint" else "Expected output", text.strip()))
    blocks.append(_folded("Solution", f'Run `solution("{exercise_id}")` in a new cell.'))
    return "\n\n".join(block for block in blocks if block)


def _folded(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"


def _dots(value: int | None) -> str:
    return "?" if value is None else "●" * value + "○" * (5 - value)


def _count(value: float | None, unit: str) -> str:
    return f"? {unit}s" if value is None else f"{value:g} {unit}{'' if value == 1 else 's'}"


def _metadata(cell: Cell, lesson: Lesson, points: dict[str, float | None]) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if tags := [*cell.tags, *(["demo"] if cell.is_demo and "demo" not in cell.tags else [])]:
        metadata["tags"] = tags
    if cell.alt:
        metadata["alt"] = cell.alt
    if cell.exercise:
        metadata["nbgrader"] = _nbgrader(cell.exercise, solution=True)
    elif cell.answer:
        metadata["nbgrader"] = _nbgrader(cell.answer, solution=True, points=_points(cell.points, cell, lesson))
    elif cell.check:
        worth = _points(points.get(cell.check), cell, lesson)
        metadata["nbgrader"] = _nbgrader(f"{cell.check}-check", solution=False, points=worth)
    elif cell.is_setup and cell.kind == "code":  # locked: the grader restores it, whatever a learner did to it
        number = [other.line for other in lesson.cells if other.is_setup].index(cell.line) + 1
        metadata["nbgrader"] = _nbgrader(f"setup-{number}", solution=False)
    return metadata


def _nbgrader(grade_id: str, *, solution: bool, points: float | None = None) -> dict[str, Any]:
    grade = points is not None
    flags = {"grade": grade, "solution": solution, "locked": not solution, "task": False}
    return {"schema_version": 3, "grade_id": grade_id, **flags, **({"points": points} if grade else {})}


def _points(points: float | None, cell: Cell, lesson: Lesson) -> float:
    if points is None:
        name = cell.check or cell.answer
        raise ValueError(
            f"{lesson.path.name}:{cell.line}: expected points for {name!r}, got none. "
            f'Write points= on the line of the cell exercise="{name}" or answer="{name}".'
        )
    return points


def _check_markers(cell: Cell, lesson: Lesson) -> None:
    marks = re.findall(r"^\s*### (BEGIN|END) SOLUTION\s*$", cell.source, re.MULTILINE)
    pairs = len(marks) // 2
    wanted = bool(cell.exercise or cell.answer)
    if marks != ["BEGIN", "END"] * pairs or bool(pairs) != wanted:
        raise ValueError(
            f"{lesson.path.name}:{cell.line}: expected {'pairs' if wanted else 'no pair'} of ### BEGIN SOLUTION and "
            f"### END SOLUTION, got {', '.join(marks) or 'none'}. Only exercise and answer cells hold solutions."
        )


def _with_hidden_tests(cell: Cell, lesson: Lesson) -> str:
    """Repeat the cell's `check(...)` with hidden=True between nbgrader's markers, right after it."""
    for statement in ast.parse(cell.source).body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "check":
            call.keywords.append(ast.keyword("hidden", ast.Constant(True)))
            lines = cell.source.split("\n")
            # imported again, so that a cell that defines another `check` changes nothing
            again = ["from gk_utils.classroom import check", ast.unparse(call)]
            hidden = ["### BEGIN HIDDEN TESTS", *again, "### END HIDDEN TESTS"]
            return "\n".join([*lines[: statement.end_lineno], *hidden, *lines[statement.end_lineno :]])
    raise ValueError(
        f"{lesson.path.name}:{cell.line}: expected a line check(...), got none. "
        f'Write check("{lesson.exercise_id(cell.check or "")}", {cell.check}).'
    )
