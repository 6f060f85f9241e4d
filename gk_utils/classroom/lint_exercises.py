"""Rules for the exercises of a lesson: complete for the learner, and gradable alone. Same form as `lint_lesson`."""

import ast
import re

from gk_utils.classroom.lint_lesson import Found
from gk_utils.classroom.names import free_names, set_names
from gk_utils.classroom.source import Cell, Lesson
from gk_utils.classroom.views import CARD_PART

LEAST, MOST, MAX_MINUTES = 4, 6, 30


def number_of_exercises(lesson: Lesson) -> Found:
    """Four to six, of which one or more are answered in words and marked by hand."""
    cells = lesson.exercise_cells().values()
    if not LEAST <= len(cells) <= MOST:
        yield 1, f"{len(cells)} exercises, expected {LEAST} to {MOST}"
    minutes = sum(cell.minutes or 0 for cell in lesson.cells if cell.card)
    if minutes > (lesson.course.get("minutes") or 0):
        yield 1, f"the exercises take {minutes} minutes, more than the lesson. Correct minutes: in the header"
    if not any(cell.answer for cell in cells):
        yield 1, 'no exercise is answered in words. Add a cell [markdown] answer="..." points=...'


def cards(lesson: Lesson) -> Found:
    """Each exercise has a card with heading, ratings, minutes, three hints and the expected output."""
    cells = lesson.exercise_cells()
    known = {cell.card for cell in lesson.cells}
    for name, cell in cells.items():
        if name not in known:
            yield cell.line, f'exercise {name!r} has no card. Put [markdown] card="{name}" right above'
    for card in (cell for cell in lesson.cells if cell.card):
        who = f"card {card.card!r}"
        if card.card not in cells:
            yield card.line, f"{who} has no exercise. Put the exercise right below"
        if not re.search(r"^### \S", CARD_PART.split(card.source)[0], re.MULTILINE):
            yield card.line, f"{who} has no heading '### Exercise: ...'"
        for key in ("difficulty", "importance"):
            if getattr(card, key) not in range(1, 6):
                yield card.line, f"{who}: expected {key} from 1 to 5, got {getattr(card, key)}"
        if card.minutes not in range(1, MAX_MINUTES + 1):
            yield card.line, f"{who}: expected minutes from 1 to {MAX_MINUTES}, got {card.minutes}"
        parts = CARD_PART.split(card.source)[1:]
        full = [kind for kind, text in zip(parts[::2], parts[1::2], strict=True) if text.strip()]
        in_words = card.card in cells and cells[card.card].answer
        if full.count("Hint") != 3 and not (in_words and "Hint" not in full):
            yield card.line, f"{who}: expected three paragraphs 'Hint: ...', got {full.count('Hint')}"
        if full.count("Expected") != 1:
            yield card.line, f"{who}: expected one paragraph 'Expected: ...', got {full.count('Expected')}"


def stubs(lesson: Lesson) -> Found:
    """Each exercise has points and a solution between markers; in code, a function of its name with a docstring."""
    for name, cell in lesson.exercise_cells().items():
        if not cell.points or cell.points < 0:
            yield cell.line, f"exercise {name!r} has no points. Write points= on its line"
        if not re.search(r"### BEGIN SOLUTION\n.*### END SOLUTION", cell.source, re.DOTALL):
            yield cell.line, f"exercise {name!r} has no lines ### BEGIN SOLUTION and ### END SOLUTION"
        if cell.exercise and (body := _body(cell)):
            made = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
            if name not in made:
                yield cell.line, f"exercise {name!r} defines no function of that name"
            elif not ast.get_docstring(made[name]):
                yield cell.line, f"exercise {name!r} has a stub without a docstring. Say what it takes and returns"


def checks(lesson: Lesson) -> Found:
    """Right below each exercise in code stands the cell that checks it and goes on with a function that works."""
    cells = lesson.exercise_cells()
    found = {cell.check: cell for cell in lesson.cells if cell.check}
    for name in (name for name, cell in cells.items() if cell.exercise and name not in found):
        yield cells[name].line, f'exercise {name!r} has no check. Put a cell check="{name}" right below'
    for name, cell in found.items():
        if name not in cells:
            yield cell.line, f"check {name!r} has no exercise"
        for function in ("check", "use"):
            call = f'{function}("{lesson.exercise_id(name or "")}"'
            if call not in cell.source.replace("'", '"'):
                yield cell.line, f"check {name!r}: expected a call {call}, {name}). Write it"


def isolation(lesson: Lesson) -> Found:
    """Set-up, exercise and check cells rely on set-up cells and themselves alone: a grader runs only them."""
    setup: set[str] = set()
    own: dict[str | None, set[str]] = {}
    set_in: dict[str, int] = {}
    for cell in (cell for cell in lesson.cells if cell.kind == "code" and _body(cell)):
        names = set_names(cell.source)
        if not cell.is_demo:
            for name in free_names(cell.source, setup | own.get(cell.check, set())):
                where = f"which only line {set_in[name]} sets" if name in set_in else "which no cell above sets"
                yield cell.line, f"uses {name!r}, {where}. Set it in a setup cell or in this one"
        if cell.is_setup:
            setup |= names
        elif cell.exercise:
            own[cell.exercise] = names
        set_in = dict.fromkeys(names, cell.line) | set_in


def _body(cell: Cell) -> list[ast.stmt]:
    """The cell's statements; none if it is not plain Python, which the rule `code` reports."""
    try:
        return ast.parse(cell.source).body
    except SyntaxError:
        return []


RULES = (number_of_exercises, cards, stubs, checks, isolation)
