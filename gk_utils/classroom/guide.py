"""What a teacher has beside the notebooks: a marking guide with points and minutes, and the class's roster."""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from gk_utils.classroom.inbox import UNNAMED, slug
from gk_utils.classroom.source import Cell, Lesson, without_markers
from gk_utils.classroom.views import CARD_PART

ROSTER = "id,first_name,last_name,email\n"
"""An empty roster; `nbgrader db student import roster.csv` takes the same columns."""

_FOLDER = re.compile(r"\w([\w@.+-]{0,58}\w)?")  # what a folder may be called, for nbgrader's patterns too
_INTRODUCTION = """# Marking guide

For teachers: it holds the model answers. Checks are marked by the machine, answers in words by you, in nbgrader's form
grader or in a spreadsheet beside grades.csv. The minutes are those of the learner's work on an exercise.
"""


def marking_guide(lessons: Sequence[Lesson]) -> str:
    """Return the guide as Markdown: what each exercise is worth and takes, and what a good answer in words says."""
    rows = ["| lesson | minutes | points | by the machine | by you |", "| --- | --- | --- | --- | --- |"]
    for lesson in lessons:
        machine, by_hand = (_points(lesson, kind) for kind in ("code", "markdown"))
        minutes = lesson.course.get("minutes", "?")
        rows.append(f"| {_title(lesson)} | {minutes} | {machine + by_hand:g} | {machine:g} | {by_hand:g} |")
    return "\n".join([_INTRODUCTION, *rows, "", *(_section(lesson) for lesson in lessons)])


def read_roster(path: Path) -> dict[str, str]:
    """Return the students of a roster: every name they may go by, as `inbox.slug` writes it -> their id.

    Someone goes by their id, "first last" and "last first"; a name that two share stands for neither. The ids are as
    the roster has them.

    Raises:
        ValueError: the file has no column `id`, or is not text.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
            columns = [name.strip() for name in _first_line(path)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path.name}: expected CSV in UTF-8, got {error}. Save it as that.") from None
    if "id" not in columns:
        raise ValueError(f"{path.name}: expected a column id, got {', '.join(columns) or 'none'}. Add it.")
    known: dict[str, set[str]] = {}
    for row in rows:
        values = {(key or "").strip(): value.strip() for key, value in row.items() if isinstance(value, str)}
        if student := values.get("id"):
            first, last = values.get("first_name", ""), values.get("last_name", "")
            for name in (student, f"{first} {last}", f"{last} {first}"):
                known.setdefault(slug(name), set()).add(student)
    return {name: students.pop() for name, students in known.items() if name and len(students) == 1}


def folder_names(ids: Iterable[str]) -> dict[str, str]:
    """Return a name fit for a folder for each id of a roster: the id itself, if it is.

    Raises:
        ValueError: two ids come to one name.

    >>> folder_names(["AB12", "a.berg@uni.edu", "4711/b"])
    {'AB12': 'AB12', 'a.berg@uni.edu': 'a.berg@uni.edu', '4711/b': '4711-b'}
    """
    made: dict[str, str] = {}
    for student in ids:
        folder = student if _FOLDER.fullmatch(student) else slug(student) or UNNAMED
        if twins := [other for other, taken in made.items() if taken == folder and other != student]:
            told = f"got {twins[0]!r} and {student!r}"
            raise ValueError(f"roster.csv: expected ids that differ in a letter or digit, {told}. Change one.")
        made[student] = folder
    return made


def _first_line(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file), [])


def _section(lesson: Lesson) -> str:
    cards = {cell.card: cell for cell in lesson.cells if cell.card}
    rows = ["| exercise | points | minutes | difficulty of 5 | marked by |", "| --- | --- | --- | --- | --- |"]
    answers = []
    for name, cell in lesson.exercise_cells().items():
        card = cards.get(name)
        facts = [f"{_worth(cell):g}", str(card.minutes) if card else "?", str(card.difficulty) if card else "?"]
        rows.append(f"| {name} | {' | '.join(facts)} | {'the machine' if cell.kind == 'code' else 'you'} |")
        if cell.kind != "code":
            task = CARD_PART.split(card.source)[0].strip() if card else ""
            lines = task.replace("### Exercise: ", f"### {lesson.number}, {_worth(cell):g} points: ", 1)
            answers += ["", lines, "", "A good answer says:", "", _quoted(without_markers(cell.source))]
    return "\n".join(["", f"## {_title(lesson)}", "", *rows, *answers, ""])


def _title(lesson: Lesson) -> str:
    return f"{lesson.number} · {lesson.course['title']}"


def _points(lesson: Lesson, kind: str) -> float:
    return sum(_worth(cell) for cell in lesson.exercise_cells().values() if cell.kind == kind)


def _worth(cell: Cell) -> float:
    return cell.points or 0


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.strip().split("\n"))
