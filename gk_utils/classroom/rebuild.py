"""Puts what a learner wrote into the course's own notebook, so that nothing else about a submission can matter.

Checks that were edited or deleted, lost metadata, doubled ids, moved cells: the grader never runs them. It runs the
lesson's release with the learner's exercise cells in it, and says what it had to repair. Names that an exercise takes
from other cells of the learner's (an import, a helper) are brought along.
"""

import ast
import contextlib
import copy
from collections.abc import Iterable

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from gk_utils.classroom.names import free_names, set_names
from gk_utils.classroom.source import Lesson, setup_text
from gk_utils.classroom.submission import Submission, SubmittedCell, as_code, functions, listed, plain, python_of

_KEPT = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)  # `def f(x, x)`, a sum of 400 terms
_FOUND_BY = {1: "found by its cell's id", 2: "found by its function's name"}


def rebuild(release: NotebookNode, lesson: Lesson, submission: Submission) -> tuple[NotebookNode, list[str]]:
    """Return the notebook to grade and, in words, what was repaired.

    Args:
        release: the notebook that was handed out; it is not changed.
        lesson: its source.
        submission: what came back.
    """
    notebook = copy.deepcopy(release)
    notebook.cells = [cell for cell in notebook.cells if "demo" not in cell.metadata.get("tags", ())]
    own = {name: cell for cell in notebook.cells if (name := cell.metadata.get("nbgrader", {}).get("grade_id"))}
    given = {plain(cell.source) for cell in release.cells}
    notes = _lost(submission) + _edited(own, submission)
    taken: dict[str, int] = {}  # exercise -> which of the learner's cells it was taken from
    for name, source in lesson.exercise_cells().items():
        stub = own[name]
        if source.kind == "code":
            place, words = _find_code(name, stub, submission, given)
        else:
            place, words = _find_answer(name, lesson, stub, submission, given)
        notes += words
        if place is not None:
            taken[name] = place
        elif source.kind != "code" and _wrote_elsewhere(lesson, submission, given):
            notes.append(f"{name}: no answer in its cell; text elsewhere, look")
    known = set_names(setup_text(lesson)) | set(lesson.exercise_cells())
    for name, place in taken.items():
        cell = submission.cells[place]
        if own[name].cell_type != "code":
            own[name].source = _answer_from(place, submission, given)
            continue
        code = as_code(cell)
        stub = own[name].source
        own[name].source, words = _renamed(name, code, stub)
        others = [number for number in range(len(submission.cells)) if number not in taken.values()]
        helpers = _helpers(code, known, place, [(number, submission.cells[number]) for number in others])
        if helpers:
            text = "\n".join(helpers.values())
            made = new_code_cell(text, id=f"{lesson.number}-taken-along-{name}"[:64].replace("_", "-"))
            notebook.cells.insert(notebook.cells.index(own[name]), made)
            words.append(f"{name}: {listed(sorted(helpers))} taken along from another cell")
        notes += words
    return notebook, notes


def _lost(submission: Submission) -> list[str]:
    grade_ids = any(cell.grade_id for cell in submission.cells)
    return [] if submission.lesson and grade_ids else ["metadata was lost"]


def _edited(own: dict[str, NotebookNode], submission: Submission) -> list[str]:
    """Say which of the course's own cells came back changed, or not at all."""
    changed, gone = [], []
    texts = {plain(cell.source) for cell in submission.cells if cell.kind == "code"}
    for name, cell in own.items():
        if cell.metadata["nbgrader"]["solution"] or plain(cell.source) in texts:
            continue
        found = any(name == theirs.grade_id or cell.id == theirs.id for theirs in submission.cells)
        (changed if found else gone).append("the set-up" if name.startswith("setup-") else name)
    return [
        f"{listed(names)}: {what}, put back"
        for names, what in ((changed, "changed by the learner"), (gone, "missing"))
        if names
    ]


def _find_code(name: str, stub: NotebookNode, submission: Submission, given: set[str]) -> tuple[int | None, list[str]]:
    """Return the number of the cell that holds the function: one that defines it, by grade_id, cell id or name."""
    found: list[tuple[bool, bool, int, int]] = []
    carry_id, untouched = 0, False
    for number, cell in enumerate(submission.cells):
        code = as_code(cell)
        made = functions(code)
        tier = 0 if cell.grade_id == name else 1 if cell.id == stub.id else 2
        if tier == 2 and name not in made:
            continue
        carry_id += tier == 0
        if plain(code) in given or not code.strip():
            untouched = True
            continue
        found.append((name in made, made.get(name, any(made.values())), -tier, number))
    notes = [f"{name}: {carry_id} cells with its id"] if carry_id > 1 else []
    if not found:
        return None, notes + ([] if untouched else [f"{name}: no cell of it, counts as not attempted"])
    *_, tier, number = max(found)
    if -tier in _FOUND_BY:
        notes.append(f"{name}: {_FOUND_BY[-tier]}")
    if submission.cells[number].kind != "code":
        notes.append(f"{name}: Markdown, turned back to code")
    return number, notes


def _find_answer(
    name: str, lesson: Lesson, stub: NotebookNode, submission: Submission, given: set[str]
) -> tuple[int | None, list[str]]:
    """Return the number of the cell that holds an answer in words, or of the first cell written below its card."""
    anchor, found = None, None
    for number, cell in enumerate(submission.cells):
        by_id = name == cell.grade_id or cell.id == stub.id
        if by_id and _is_text(cell, given):
            found = number
        if by_id or f"Exercise {lesson.exercise_id(name)} ·" in cell.source:
            anchor = number
    if found is not None:
        return found, []
    if anchor is None:
        return None, [f"{name}: no cell of it, counts as not answered"]
    for number, cell in enumerate(submission.cells[anchor + 1 : anchor + 3], start=anchor + 1):
        if _is_text(cell, given) and (cell.kind != "code" or python_of(cell.source) is None):
            return number, [f"{name}: found below its card"]
        if plain(cell.source) != plain(stub.source):  # the stub itself may have lost its names: look once more
            break
    return None, []


def _wrote_elsewhere(lesson: Lesson, submission: Submission, given: set[str]) -> bool:
    """Whether there is Markdown of the learner's: neither the course's, nor its header, nor code turned to Markdown."""
    header = f"# {lesson.number} · "  # holds the run time, which is measured anew
    texts = [cell for cell in submission.cells if cell.kind != "code" and _is_text(cell, given)]
    return any(not cell.source.startswith(header) and not functions(as_code(cell)) for cell in texts)


def _answer_from(place: int, submission: Submission, given: set[str]) -> str:
    """Join the answer's cell with the Markdown cells that the learner put right below it."""
    texts = [submission.cells[place].source]
    for cell in submission.cells[place + 1 :]:
        if cell.kind == "code" or not _is_text(cell, given):
            break
        texts.append(cell.source)
    return "\n\n".join(texts)


def _is_text(cell: SubmittedCell, given: set[str]) -> bool:
    """Whether a learner wrote this cell: it is neither empty nor one of the course's."""
    return bool(cell.source.strip()) and plain(cell.source) not in given


def _renamed(name: str, code: str, stub: str) -> tuple[str, list[str]]:
    """Give a function its name back, if the cell defines one other function of as many arguments."""
    tree = python_of(code)
    if tree is None or name in _sets(tree.body):
        return code, []
    wanted = [_arguments(node) for node in ast.parse(stub).body if isinstance(node, ast.FunctionDef)]
    others = [node for node in tree.body if isinstance(node, ast.FunctionDef) and _arguments(node) in wanted]
    if len(others) != 1:
        return code, [f"{name}: its cell defines no function of this name"]
    return f"{code}\n\n{name} = {others[0].name}", [f"{name}: was renamed {others[0].name}"]


def _arguments(node: ast.FunctionDef) -> int:
    return len(node.args.posonlyargs) + len(node.args.args)


def _sets(statements: Iterable[ast.stmt]) -> set[str]:
    """The names that statements set; of a function or class that cannot be compiled, its own."""
    found: set[str] = set()
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(statement.name)
        with contextlib.suppress(*_UNREADABLE):
            found |= set_names(ast.unparse(statement))
    return found


def _helpers(code: str, known: set[str], place: int, others: list[tuple[int, SubmittedCell]]) -> dict[str, str]:
    """Return the statements of other cells that set the names which `code` needs, in their order, by name."""
    pool: dict[str, list[tuple[int, int, str]]] = {}
    for number, cell in others:
        tree = python_of(cell.source) if cell.kind == "code" else None
        for order, statement in enumerate(tree.body if tree else ()):
            if isinstance(statement, _KEPT):
                with contextlib.suppress(*_UNREADABLE):
                    text = ast.unparse(statement)
                    for name in set_names(text):
                        pool.setdefault(name, []).append((number, order, text))
    chosen: dict[str, tuple[int, int, str]] = {}
    waiting = _needs(code, known)
    while waiting:
        name = waiting.pop()
        if name in chosen or name not in pool:
            continue
        before = [item for item in pool[name] if item[0] < place]
        chosen[name] = (before or pool[name])[-1]
        waiting += _needs(chosen[name][2], known)
    in_order = sorted(chosen.items(), key=lambda item: item[1])
    texts: dict[str, str] = {}
    for name, (_, _, text) in in_order:
        if text not in texts.values():
            texts[name] = text
    return texts


def _needs(code: str, known: set[str]) -> list[str]:
    tree = python_of(code)
    with contextlib.suppress(*_UNREADABLE):
        return free_names(ast.unparse(tree), known) if tree else []
    return []
