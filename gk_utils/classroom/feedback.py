"""What a learner gets back: points, what each check said, and what the grader had to repair."""

import re
from collections.abc import Sequence
from typing import Any

from gk_utils.classroom.coursework import Grade
from gk_utils.classroom.source import Lesson

CHARACTERS = 3_000
"""How much of one message is shown."""

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def feedback(lesson: Lesson, grade: Grade, notebook: Any, repaired: Sequence[str] = ()) -> str:
    """Return one learner's feedback as Markdown.

    Args:
        lesson: what was graded.
        grade: what it earned.
        notebook: the notebook that ran, with its outputs.
        repaired: what was put right before it ran.
    """
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in notebook.cells}
    so_far = " so far" if grade.to_read else ""
    lines = [f"# {lesson.number} · {lesson.course['title']}", ""]
    lines += [f"{grade.student}: {grade.score:g} of {grade.max_score:g} points{so_far}.", ""]
    lines += ["| exercise | points |", "| --- | --- |"]
    sections = []
    for name, source in lesson.exercise_cells().items():
        by_machine = source.kind == "code"
        score, most = grade.parts.get(f"{name}-check" if by_machine else name, (0.0, source.points or 0.0))
        waits = not by_machine and grade.to_read
        lines.append(f"| {name} | {'to be read' if waits else f'{score:g}'} of {most:g} |")
        said = [text for key in (name, f"{name}-check") if key in cells for text in _errors(cells[key])]
        if by_machine and score < most:
            sections += ["", f"## {name}", "", _fenced("\n\n".join(said) or "Its check did not run.")]
    if repaired:
        sections += ["", "## Repaired before grading", "", *(f"- {_plain(note)}" for note in repaired)]
    return "\n".join([*lines, *sections, ""])


def refusal(lesson: Lesson, student: str, file: str, reason: str) -> str:
    """Return the feedback on a file that could not be graded, and why."""
    heading = f"# {lesson.number} · {lesson.course['title']}"
    return "\n\n".join([heading, f"{student}: this file was not graded.", _fenced(file), f"{_plain(reason)}\n"])


def _errors(cell: Any) -> list[str]:
    """What a cell's errors say; a check's own words without the name of the exception."""
    found = [output for output in cell.get("outputs", ()) if output.output_type == "error"]
    texts = [error.evalue if error.ename == "AssertionError" else f"{error.ename}: {error.evalue}" for error in found]
    return [_ANSI.sub("", text)[:CHARACTERS] for text in texts]


def _fenced(text: str) -> str:
    """Put text where nothing in it is Markdown: into a fence longer than any in it."""
    longest = max((len(ticks) for ticks in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.strip()}\n{fence}"


def _plain(text: str) -> str:
    """Escape what Markdown or HTML would read in a line."""
    return re.sub(r"([\\`*\[\]<>|])", r"\\\1", text.replace("\n", " "))
