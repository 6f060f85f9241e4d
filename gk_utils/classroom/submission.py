"""Reads what a learner handed in: a notebook that may have lost its metadata, its ids or its order.

Only cells and their text are taken: outputs are left out, nothing runs, and no field of the file need be there.
"""

import ast
import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gk_utils.classroom.source import ROOT, lesson_paths, read

CELL_CHARACTERS = 200_000
"""A longer cell is cut: nobody writes it by hand."""
CELLS = 2_000
"""A notebook of more cells is refused."""

_OWN_ID = re.compile(r"^(\d\d)-[a-zA-Z0-9]")
_NAMES_LESSON = re.compile(r"\b(?:check|use)\(\s*[\"'](\d\d)\.|^Exercise (\d\d)\.\w+ ·", re.MULTILINE)
_FENCED = re.compile(r"\s*```[\w-]*\n(.*?)\n?```\s*", re.DOTALL)
_DEF = re.compile(r"^(?:async +)?def +(\w+) *\(", re.MULTILINE)


@dataclass(frozen=True)
class SubmittedCell:
    """One cell: "code" or "markdown" (anything else counts as markdown), its text, and what is left of its names."""

    kind: str
    source: str
    grade_id: str = ""
    id: str = ""


@dataclass(frozen=True)
class Submission:
    """A notebook's cells in order, and the lesson's name that its metadata holds ("" if none)."""

    cells: tuple[SubmittedCell, ...]
    lesson: str = ""


def parse(data: bytes) -> Submission:
    """Read the bytes of a file; whatever is missing in it is left empty.

    Raises:
        ValueError: it is no notebook; the message says what it is.

    >>> parse(b'{"cells": [{"cell_type": "code", "source": ["x = 1", "2"], "id": "01-start-01"}]}').cells[0]
    SubmittedCell(kind='code', source='x = 12', grade_id='', id='01-start-01')
    """
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        what = "an empty file" if not data.strip() else "something else"
        raise ValueError(f"file: expected a notebook, got {what}. Save it as .ipynb and hand that in.") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        old = isinstance(notebook, dict) and "worksheets" in notebook
        what = "one of a format from before 2015" if old else "JSON without cells"
        raise ValueError(f"file: expected a notebook, got {what}. Save it from JupyterLab and hand that in.")
    if len(notebook["cells"]) > CELLS:
        raise ValueError(
            f"file: expected at most {CELLS} cells, got {len(notebook['cells'])}. Hand in the lesson's own."
        )
    course = _dict(_dict(notebook.get("metadata")).get("course"))
    cells = tuple(_cell(cell) for cell in notebook["cells"] if isinstance(cell, dict))
    return Submission(cells, _text(course.get("lesson")))


def recognise(submission: Submission, root: Path = ROOT) -> tuple[str, str]:
    """Return the name of the lesson ("01_boxes") and what told it; two empty strings if nothing does.

    The notebook's metadata counts first, then the ids and checks of its cells, then the functions it defines.
    """
    names = [path.stem for path in lesson_paths(root)]
    if submission.lesson in names:
        return submission.lesson, "metadata"
    numbers = Counter[str]()
    for cell in submission.cells:
        own = _OWN_ID.match(cell.id)
        found = [own[1]] if own else []
        found += [first or second for first, second in _NAMES_LESSON.findall(cell.source)]
        numbers.update(set(found))
    for number, _ in numbers.most_common():
        if match := [name for name in names if name.startswith(f"{number}_")]:
            return match[0], "its cells"
    written = {name for cell in submission.cells for name in functions(cell.source)}
    shared = Counter[str]()
    for path in lesson_paths(root):
        with contextlib.suppress(ValueError):  # a lesson that is being edited
            shared[path.stem] = len(written & set(read(path).exercise_cells()))
    best = shared.most_common(1)
    return (best[0][0], "the names of its functions") if best and best[0][1] else ("", "")


def functions(source: str) -> dict[str, bool]:
    r"""Return the functions that a cell defines at its top level, and whether each has a body of its own.

    A cell that is not Python is searched for lines `def name(`.

    >>> functions("def area(box):\n    ...\n\ndef width(box):\n    return box[2] - box[0]")
    {'area': False, 'width': True}
    """
    tree = python_of(source)
    if tree is None:
        return dict.fromkeys(_DEF.findall(source), True)
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {node.name: any(not _says_nothing(line) for line in node.body) for node in found}


def python_of(source: str) -> ast.Module | None:
    """Return a cell's syntax tree, with `%magic` and `!command` lines turned to calls; None if it is no Python."""
    from IPython.core.inputtransformer2 import TransformerManager

    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        try:
            return ast.parse(source)
        except SyntaxError:
            return ast.parse(TransformerManager().transform_cell(source))
    return None


def as_code(cell: SubmittedCell) -> str:
    r"""Return a cell's text as code: out of its fence, if it was turned to Markdown.

    >>> as_code(SubmittedCell("markdown", "```python\nx = 1\n```"))
    'x = 1'
    """
    fenced = _FENCED.fullmatch(cell.source) if cell.kind != "code" else None
    return fenced[1] if fenced else cell.source


def plain(source: str) -> str:
    r"""Return a cell's text without what an editor adds or drops: spaces at the ends of lines, empty lines around.

    >>> plain("\nx = 1  \n")
    'x = 1'
    """
    return "\n".join(line.rstrip() for line in source.strip().split("\n"))


def listed(names: Iterable[str]) -> str:
    """Join names for a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    *most, last = list(names)
    return f"{', '.join(most)} and {last}" if most else last


def _says_nothing(statement: ast.stmt) -> bool:
    """Whether a statement is a docstring, `...` or `pass`."""
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant or isinstance(statement, ast.Pass)


def _cell(cell: dict[str, Any]) -> SubmittedCell:
    metadata = _dict(cell.get("metadata"))
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    source = _text(source).replace("\r\n", "\n")
    if len(source) > CELL_CHARACTERS:
        source = source[:CELL_CHARACTERS] + f"\n# cut by the grader after {CELL_CHARACTERS} characters"
    return SubmittedCell(
        "code" if cell.get("cell_type") == "code" else "markdown",
        source,
        _text(_dict(metadata.get("nbgrader")).get("grade_id")),
        _text(cell.get("id")) or _text(metadata.get("id")),  # Colab keeps a cell's id in its metadata
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode()  # a lone half of a character could not be written again
