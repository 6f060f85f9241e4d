"""Reads lessons/NN_topic.py: its cells, its facts, and the solutions that only this file holds.

A lesson is a py:percent file: cells start with `# %%`, and short markers on that line say what a cell is
(`exercise="iou" points=2`). Everything else in the classroom is derived from what `read` returns: the notebook that a
learner opens, the graded assignment, the reference that a check compares with, the solution that a learner asks for.

jupytext, which reads the format, is imported inside the function that needs it: it takes a second.
"""

import contextlib
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from gk_utils.formats.files import cannot_write

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

_FILE_NAME = re.compile(r"(\d\d)_([a-z][a-z0-9_]*)\.py")
_CELL_MARKER = re.compile(r"# %%( |$)")
_SOLUTION_MARKER = re.compile(r"^\s*### (BEGIN|END) SOLUTION\s*$")
_NOT_A_MARKER = {"lines_to_next_cell"}  # jupytext's own note about blank lines


@dataclass(frozen=True)
class Cell:
    """One cell of a lesson, as its author wrote it.

    `line` is the line of its `# %%` in the file, from 1, so line `n` of `source` (from 1) stands at `line + n`.
    `card`, `exercise`, `check` and `answer` hold the exercise's name without the lesson's number.
    """

    kind: Literal["code", "markdown"]
    source: str
    line: int
    tags: tuple[str, ...] = ()
    label: str | None = None
    alt: str | None = None
    card: str | None = None
    exercise: str | None = None
    check: str | None = None
    answer: str | None = None
    points: float | None = None
    difficulty: int | None = None
    importance: int | None = None
    minutes: int | None = None

    @property
    def is_setup(self) -> bool:
        """Whether exercises may rely on what this cell defines."""
        return "setup" in self.tags

    @property
    def is_demo(self) -> bool:
        """Whether this is a code cell that shows something: neither set-up, nor exercise, nor check."""
        return self.kind == "code" and not (self.is_setup or self.exercise or self.check)


@dataclass(frozen=True)
class Lesson:
    """One lesson: `number` "01", `stem` "boxes", the facts of its header under `course`, and its cells in order."""

    path: Path
    number: str
    stem: str
    course: dict[str, Any]
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        """The file's name without its ending: "01_boxes"."""
        return f"{self.number}_{self.stem}"

    def exercise_id(self, name: str) -> str:
        """Return the name under which the whole course knows an exercise: "01.iou"."""
        return f"{self.number}.{name}"

    def exercise_cells(self) -> dict[str, Cell]:
        """Return the cell that holds the solution of each exercise, by name: code to write, or an answer in words."""
        return {name: cell for cell in self.cells if (name := cell.exercise or cell.answer)}


def lesson_paths(root: Path = ROOT) -> list[Path]:
    """List the lesson sources of a checkout, by number."""
    return sorted(path for path in (root / "lessons").glob("*.py") if _FILE_NAME.fullmatch(path.name))


def choose(names: Sequence[str], root: Path = ROOT) -> list[Path]:
    """Return the sources of the lessons named, each as 01_boxes, 01 or a path; of all lessons if none is named.

    Raises:
        ValueError: a name that no lesson has.
    """
    known = lesson_paths(root)
    found = []
    for name in (Path(text).stem for text in names):
        matches = [path for path in known if name in (path.stem, path.stem[:2])]
        if not matches:
            listed = ", ".join(path.stem for path in known) or "none"
            raise ValueError(f"lesson: expected one of {listed}, got {name!r}. Correct the name.")
        found += [path for path in matches if path not in found]
    return found if names else known


def find(number: str, root: Path = ROOT) -> Path:
    """Return the source of the lesson with this number, such as "01".

    Raises:
        ValueError: there is no such lesson.
    """
    return choose([number], root)[0]


def read(path: Path) -> Lesson:
    """Read one lesson.

    Raises:
        ValueError: names file and line: a file name, a header or a cell marker that the course does not know.
    """
    stat = path.stat()
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=64)
def _read(path: Path, _mtime_ns: int, _size: int) -> Lesson:
    # jupytext brings jsonschema, which compiles a grammar of addresses at import: two seconds of every first check.
    # While it is imported, that optional part is said not to be installed.
    spared = sys.modules.setdefault("rfc3987_syntax", None)
    import jupytext

    if spared is None:
        del sys.modules["rfc3987_syntax"]

    match = _FILE_NAME.fullmatch(path.name)
    if match is None:
        raise ValueError(f"{path.name}: expected a name like 01_boxes.py, got {path.name}. Rename the lesson.")
    text = path.read_text(encoding="utf-8")
    notebook = jupytext.reads(text, fmt="py:percent")
    course = notebook.metadata.get("course")
    if not isinstance(course, dict) or not course.get("title"):
        raise ValueError(
            f"{path.name}:1: expected a header with jupyter: course: title:, got "
            f"{'none' if not course else 'no title'}. Copy the header of another lesson."
        )
    lines = [number for number, line in enumerate(text.split("\n"), start=1) if _CELL_MARKER.match(line)]
    if len(lines) != len(notebook.cells):
        raise ValueError(
            f"{path.name}: expected every cell to start with a line '# %%', got {len(lines)} such lines for "
            f"{len(notebook.cells)} cells. Look for text above the first cell, '#%%', or '# %%' inside a string."
        )
    cells = tuple(_cell(node, line, path.name) for node, line in zip(notebook.cells, lines, strict=True))
    return Lesson(path, match[1], match[2], json.loads(json.dumps(course, default=str)), cells)


def _cell(node: Any, line: int, name: str) -> Cell:
    known = {field.name for field in fields(Cell)} - {"kind", "source", "line"}
    markers = {key: value for key, value in node.metadata.items() if key not in _NOT_A_MARKER}
    if unknown := sorted(markers.keys() - known):
        got = f"{unknown[0]}={markers[unknown[0]]!r}"
        raise ValueError(
            f'{name}:{line}: expected markers key="value" out of {", ".join(sorted(known))}, got {got}. '
            "Correct the line that starts the cell."
        )
    if node.cell_type not in ("code", "markdown"):
        raise ValueError(f"{name}:{line}: expected a code or markdown cell, got {node.cell_type}. Make it [markdown].")
    markers["tags"] = tuple(markers.get("tags", ()))
    return Cell(kind=node.cell_type, source=node.source, line=line, **markers)


def setup_text(lesson: Lesson) -> str:
    """Return the code of the lesson's setup cells, which every exercise may rely on."""
    return "\n\n".join(cell.source for cell in lesson.cells if cell.kind == "code" and cell.is_setup)


def solution_text(exercise_id: str, root: Path = ROOT) -> str:
    """Return an exercise's solution without its marker lines: code, or the model answer to a question in words.

    Raises:
        ValueError: no lesson, or no exercise, has this id.
    """
    return without_markers(_find_exercise(exercise_id, root)[1].source)


def without_markers(source: str) -> str:
    r"""Return a cell's text without its `### BEGIN SOLUTION` and `### END SOLUTION` lines.

    >>> without_markers("def one():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION")
    'def one():\n    return 1'
    """
    return "\n".join(line for line in source.split("\n") if not _SOLUTION_MARKER.match(line))


def reference(exercise_id: str, root: Path = ROOT) -> Callable[..., Any]:
    """Return the function that solves an exercise: run the lesson's setup cells and the exercise cell, nothing else.

    Each call runs them in a new namespace, without their printed output. Tracebacks and `inspect.getsource` lead to
    the lesson's own lines.

    Raises:
        ValueError: no exercise in code has this id, or its cell defines no function.
    """
    lesson, wanted = _find_exercise(exercise_id, root)
    if wanted.kind != "code":
        raise ValueError(f"exercise_id: expected an exercise in code, got {exercise_id!r}. It is answered in words.")
    name = exercise_id.partition(".")[2]
    setup = [cell for cell in lesson.cells if cell.kind == "code" and cell.is_setup and cell.line < wanted.line]
    namespace: dict[str, Any] = {"__name__": f"lesson_{lesson.name}"}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in setup:
            _run(cell, lesson, namespace)
        known = set(namespace)
        _run(wanted, lesson, namespace)
    made = [value for key, value in namespace.items() if callable(value) and (key == name or key not in known)]
    if not made:
        raise ValueError(
            f"{lesson.path.name}:{wanted.line}: expected a function {name}, got none. Define it in the exercise cell."
        )
    return namespace.get(name, made[-1])


def _run(cell: Cell, lesson: Lesson, namespace: dict[str, Any]) -> None:
    """Run a cell below as many empty lines as stand above it in the file: a traceback then names the right line."""
    exec(compile("\n" * cell.line + cell.source, str(lesson.path), "exec", dont_inherit=True), namespace)


def _find_exercise(exercise_id: str, root: Path) -> tuple[Lesson, Cell]:
    number, _, name = exercise_id.partition(".")
    lesson = read(find(number, root))
    cells = lesson.exercise_cells()
    if name not in cells:
        known = ", ".join(lesson.exercise_id(key) for key in cells) or "none"
        raise ValueError(f"exercise_id: expected one of {known}, got {exercise_id!r}. Correct the id.")
    return lesson, cells[name]


def write_atomically(path: Path, text: str) -> None:
    """Write a text file, whole or not at all: a run killed at any moment leaves the old file or the new one.

    Raises:
        OSError: a full disk, a folder that cannot be written; the old file stands.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise cannot_write(path, len(text.encode()), error) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)  # an interrupt may come right after the replacement
        if isinstance(error, OSError):
            raise cannot_write(path, len(text.encode()), error) from error
        raise
