"""my/solutions.py: a learner's own functions, kept from lesson to lesson.

A passed check stores the function here as one block between two marker lines, with the imports and helpers it needs
out of its cell and the lesson's setup. A block is replaced when its check passes again. Whatever else stands in the
file is the learner's and stays. Lesson 17 composes these functions.
"""

import ast
import builtins
import contextlib
import inspect
import linecache
import re
import symtable
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gk_utils.classroom.source import write_atomically

FILE_NAME = "solutions.py"
LOCK_SECONDS = 2.0
HEADER = '"""What I have written so far: one block an exercise, replaced when its check passes again."""\n'

_MARKER = re.compile(r"# (>>>|<<<) (\d\d\.\w+)\s*")


def folder(root: Path) -> Path | None:
    """Return `<root>/my` if that is where Python runs now, or inside it; else None: nothing is stored then."""
    my = (root / "my").resolve()
    return my if Path.cwd().resolve().is_relative_to(my) and my.is_dir() else None


def store(exercise_id: str, function: Callable[..., Any], setup: str, directory: Path) -> str:
    """Write a function's block into `directory`/solutions.py and say in one sentence what happened.

    Nothing in the file is lost: it is replaced whole or not at all, and one that cannot be read (not Python, markers
    that do not pair up) is first renamed to solutions.broken-N.py.

    Args:
        exercise_id: names the block.
        function: defined in a notebook cell or a file, so that its source is at hand.
        setup: the code of the lesson's setup cells, whose imports it may use.
        directory: an existing folder.
    """
    try:
        block, missing = block_of(function, setup)
    except (TypeError, SyntaxError, ValueError):
        return "Not stored: its source is not at hand. Write it in the exercise's cell, as def name(...)."
    if any(_MARKER.fullmatch(line) for line in block.split("\n")):
        return f"Not stored: a line of it looks like a marker of {FILE_NAME}. Indent that line and check again."
    if missing:
        names = ", ".join(missing)
        return f"Not stored: it uses {names} from another cell. Move that into the exercise's cell and check again."
    try:
        with _locked(directory):
            aside = _write_block(directory / FILE_NAME, exercise_id, block)
    except OSError as error:
        reason = error.__cause__.strerror if isinstance(error.__cause__, OSError) else error.strerror
        return f"Not stored: {FILE_NAME} could not be written ({reason})."
    return f"Stored in my/{FILE_NAME}." + (f" The file could not be read: it is kept as {aside}." if aside else "")


def load(exercise_id: str, directory: Path) -> Callable[..., Any] | None:
    """Return a stored function, from a namespace of its own, or None if there is none that can be read.

    Helpers of the same name in two blocks therefore never get in each other's way.

    Raises:
        Exception: whatever the block raises when it runs, such as an import of something not installed.
    """
    path = directory / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors put a byte order mark in front
        blocks = _blocks(text)
    except (OSError, ValueError, SyntaxError):
        return None
    if exercise_id not in blocks:
        return None
    start, end = blocks[exercise_id]
    code = "\n".join(text.split("\n")[start + 1 : end])
    namespace: dict[str, Any] = {"__name__": "my_solutions"}
    exec(compile("\n" * (start + 1) + code, str(path), "exec", dont_inherit=True), namespace)
    made = [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return namespace[made[-1]] if made else None  # the function itself stands last


def block_of(function: Callable[..., Any], setup: str) -> tuple[str, list[str]]:
    """Return the source that a function needs, the function last, and the names it takes from somewhere else.

    Its own cell (or file) and the setup are searched: imports, definitions and assignments, as far as it needs them.

    Raises:
        TypeError: not a function written in Python.
        SyntaxError: its cell or the setup cannot be read.
        ValueError: it is not defined there under its own name, as a lambda is not.
    """
    function = inspect.unwrap(function)
    if not inspect.isfunction(function):
        raise TypeError(f"function: expected a function, got {type(function).__name__}. Write it as def name(...).")
    cell = "".join(linecache.getlines(function.__code__.co_filename))
    known: dict[str, list[tuple[int, str]]] = {}  # name -> order and source of the statements that make its value
    for order, text in enumerate(_statements(setup) + _statements(cell)):
        for name in _names(text, bound=True):
            if not _goes_on(text, name):
                known[name] = [(order, text)]
            elif name in known:  # if not, its first value comes from another cell: it is missing
                known[name].append((order, text))
    wanted = function.__name__
    own = known.get(wanted, [(0, "")])[-1]
    if not own[1].startswith(("def ", "@")):
        raise ValueError(f"function: expected one defined by def, got {wanted}. Write it as def name(...).")
    needed: set[tuple[int, str]] = set()
    missing: set[str] = set()
    to_do = [wanted]
    while to_do:
        name = to_do.pop()
        if name in known and not needed.issuperset(known[name]):
            needed.update(known[name])
            to_do += [inner for _, text in known[name] for inner in _names(text, bound=False)]
        elif name not in known and name in function.__globals__ and not hasattr(builtins, name):
            missing.add(name)
    helpers = [text for _, text in sorted(needed - {own})]
    imports = [text for text in helpers if text.startswith(("import ", "from "))]
    others = [text for text in helpers if text not in imports]
    return "\n\n\n".join(["\n".join(imports)] * bool(imports) + others + [own[1]]), sorted(missing)


def _statements(code: str) -> list[str]:
    """The source of each top-level import, definition and assignment, decorators included."""
    kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign | ast.AugAssign
    nodes = [node for node in ast.parse(code).body if isinstance(node, kinds)]
    first = [min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", []))]) for node in nodes]
    lines = code.split("\n")
    return ["\n".join(lines[start - 1 : node.end_lineno]) for start, node in zip(first, nodes, strict=True)]


def _goes_on(statement: str, name: str) -> bool:
    """Whether a statement makes a value out of the one that the name had before: `n += 1`, `n = 2 * n`."""
    kind = type(ast.parse(statement).body[0])
    reads = symtable.symtable(statement, "cell", "exec").lookup(name).is_referenced()
    return kind is ast.AugAssign or (kind in (ast.Assign, ast.AnnAssign) and reads)


def _names(statement: str, *, bound: bool) -> list[str]:
    """The module-level names that a statement binds, or those that it and the functions in it look up."""
    table = symtable.symtable(statement, "cell", "exec")
    if bound:
        return [name.get_name() for name in table.get_symbols() if name.is_assigned() or name.is_imported()]
    names = [name.get_name() for name in table.get_symbols() if name.is_referenced()]
    inner = table.get_children()
    while inner:
        scope = inner.pop()
        names += [name.get_name() for name in scope.get_symbols() if name.is_global()]
        inner += scope.get_children()
    return names


def _write_block(path: Path, exercise_id: str, block: str) -> str:
    """Put a block into the file; return the name under which an unreadable file was kept, or nothing."""
    text, aside = HEADER, None
    blocks: dict[str, tuple[int, int]] = {}
    if path.exists():
        try:
            text = path.read_text(encoding="utf-8-sig")
            blocks = _blocks(text)
        except (ValueError, SyntaxError):  # not UTF-8, not Python, or markers that do not pair up
            number = next(n for n in range(1, 10**6) if not path.with_name(f"solutions.broken-{n}.py").exists())
            aside, text = path.rename(path.with_name(f"solutions.broken-{number}.py")), HEADER
    lines = text.rstrip("\n").split("\n")
    new = [f"# >>> {exercise_id}", *block.split("\n"), f"# <<< {exercise_id}"]
    if exercise_id in blocks:
        start, end = blocks[exercise_id]
        lines[start : end + 1] = new
    else:
        lines += ["", "", *new]
    write_atomically(path, "\n".join(lines) + "\n")
    return aside.name if aside else ""


def _blocks(text: str) -> dict[str, tuple[int, int]]:
    """The lines (from 0) of each block's two markers.

    Raises:
        SyntaxError: not Python.
        ValueError: markers that do not pair up, or one block twice.
    """
    ast.parse(text)
    blocks: dict[str, tuple[int, int]] = {}
    opened: tuple[str, int] | None = None
    for number, line in enumerate(text.split("\n")):
        if match := _MARKER.fullmatch(line):
            kind, exercise_id = match.groups()
            if kind == ">>>" and opened is None and exercise_id not in blocks:
                opened = (exercise_id, number)
            elif kind == "<<<" and opened is not None and opened[0] == exercise_id:
                blocks[exercise_id], opened = (opened[1], number), None
            else:
                raise ValueError(f"line {number + 1}: expected markers in pairs, got {line}. Put it back.")
    if opened:
        raise ValueError(f"line {opened[1] + 1}: expected markers in pairs, got no end of {opened[0]}. Put it back.")
    return blocks


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keep a second notebook from writing at the same time; a lock left by a killed one is waited for, then taken."""
    lock, deadline = directory / ".solutions.lock", time.monotonic() + LOCK_SECONDS
    while True:
        try:
            lock.mkdir()
            break
        except FileExistsError:
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.rmdir()
