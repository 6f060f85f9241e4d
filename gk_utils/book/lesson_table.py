"""What each lesson costs and holds, as a table: run time, memory, size, exercises, mistakes it can name, claims."""

from pathlib import Path

import nbformat

from gk_utils.classroom.build import notebook_path, read_measured
from gk_utils.classroom.exercise import find
from gk_utils.classroom.source import ROOT, Lesson, lesson_paths, read

HEADER = (
    "| lesson | study | runs in | memory | size | exercises | mistakes it names | claims checked |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|\n"
)


def lesson_table(root: Path = ROOT) -> str:
    """The table as Markdown, with sums in the last row.

    Raises:
        ValueError: a lesson that has not been built.
    """
    lessons = [read(path) for path in lesson_paths(root)]
    rows = [_row(lesson) for lesson in lessons]
    lines = [
        f"| [{lesson.number} {lesson.course['title']}](notebooks/{lesson.name}.ipynb) | {minutes}\u00a0min | "
        f"{seconds}\u00a0s | {memory}\u00a0GB | {size}\u00a0kB | {exercises} | {mistakes} | {claims} |\n"
        for lesson, (minutes, seconds, memory, size, exercises, mistakes, claims) in zip(lessons, rows, strict=True)
    ]
    minutes, seconds, memory, size, *counts = zip(*rows, strict=True)
    whole = f"{sum(minutes) / 60:.0f}\u00a0h | {sum(seconds)}\u00a0s | {max(memory)}\u00a0GB"
    whole += f" | {sum(size) / 1000:.1f}\u00a0MB"
    return HEADER + "".join(lines) + f"| all | {whole} | {' | '.join(str(sum(each)) for each in counts)} |\n"


def _row(lesson: Lesson) -> tuple[float, ...]:
    path = notebook_path(lesson)
    measured = read_measured(nbformat.read(path, as_version=4)) if path.exists() else None
    if measured is None:
        raise ValueError(f"{path.name}: expected a built notebook, got none. Run: make notebooks")
    coded = [name for name, cell in lesson.exercise_cells().items() if cell.exercise]
    return (
        lesson.course["minutes"],
        int(measured["seconds"]),
        measured["peak_gb"],
        round(path.stat().st_size / 1000),
        len(lesson.exercise_cells()),
        sum(len(find(lesson.exercise_id(name)).mistakes) for name in coded),
        len(lesson.course.get("claims", ())),
    )
