"""Builds notebooks/ from lessons/: student view, executed, outputs kept.

    python -m gk_utils.classroom.build [LESSON ...] [--force]

A lesson whose notebook is current is left alone. A cell that fails, warns or writes to stderr stops the build, which
names the lesson's line. A rebuilt notebook differs from the old one only where something changed: a figure with the
same pixels keeps its bytes, and so does a measurement that moved by no more than chance.
"""

import argparse
import base64
import io
import math
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from gk_utils.classroom import colab
from gk_utils.classroom.execute import BuildError, execute
from gk_utils.classroom.source import ROOT, Lesson, choose, read, write_atomically
from gk_utils.classroom.views import cell_ids, graded_view, student_view

__all__ = ["BuildError", "build", "freshness", "graded_view", "notebook_path", "student_view"]

IMAGES = ("image/png", "image/jpeg")
WIDGET = "application/vnd.jupyter.widget-view+json"


def notebook_path(lesson: Lesson) -> Path:
    """Return where the lesson's notebook stands: notebooks/NN_topic.ipynb of the same checkout."""
    return lesson.path.parents[1] / "notebooks" / f"{lesson.name}.ipynb"


def freshness(lesson: Lesson, path: Path | None = None) -> list[str]:
    """List what the committed notebook has that its lesson would not build to now; nothing if it is current.

    Cells (ids, text, metadata) and the notebook's metadata are compared, outputs are not: nbval does that. The badge
    and the set-up cell for Colab are no part of the lesson: the lint holds them to the setting.
    """
    path = path or notebook_path(lesson)
    source, target = f"lessons/{lesson.path.name}", f"notebooks/{path.name}"
    advice = "Run: make notebooks"
    if not path.exists():
        return [f"{source}:1: {target} does not exist. {advice}"]
    try:
        old = nbformat.read(path, as_version=4)
    except Exception as error:  # whatever a damaged file makes nbformat raise, the cure is the same
        return [f"{source}:1: {target} cannot be read ({type(error).__name__}). {advice}"]
    colab.take_out(old)
    new = student_view(lesson, read_measured(old))
    lines = dict(zip(cell_ids(lesson), [1, *(cell.line for cell in lesson.cells)], strict=True))
    old_cells = {cell.get("id"): _comparable(cell) for cell in old.cells}
    problems = []
    for cell in new.cells:
        where = f"{source}:{lines[cell.id]}: cell {cell.id}"
        if cell.id not in old_cells:
            problems.append(f"{where} is missing from {target}. {advice}")
        elif _comparable(cell) != old_cells[cell.id]:
            problems.append(f"{where} differs from {target}. {advice}")
    problems += [f"{source}:1: {target} has a cell {key} of no lesson. {advice}" for key in old_cells.keys() - lines]
    if not problems and [cell.id for cell in old.cells] != list(lines):
        problems.append(f"{source}:1: {target} has its cells in another order. {advice}")
    if new.metadata != old.metadata:
        problems.append(f"{source}:1: the metadata differ from {target}. {advice}")
    return problems


def _comparable(cell: NotebookNode) -> tuple[str, str, NotebookNode]:
    return cell.cell_type, cell.source, cell.metadata


def build(lesson: Lesson, *, force: bool = False) -> dict[str, float] | None:
    """Build a lesson's notebook unless it is current, and return {"seconds", "peak_gb"}, or None if it was current.

    Raises:
        BuildError: a cell raised, warned, wrote to stderr or took too long.
        ValueError: the lesson itself is malformed.
    """
    path = notebook_path(lesson)
    if not force and not freshness(lesson, path):
        return None
    path.parent.mkdir(exist_ok=True)
    notebook = student_view(lesson)
    seconds, peak = execute(notebook, lesson, path.parent)
    old = _read_old(path)
    measured = _measured(seconds, peak, old)
    notebook.metadata["course"]["measured"] = measured
    notebook.cells[0].source = student_view(lesson, measured).cells[0].source
    _tidy_outputs(notebook)
    _keep_old_figures(notebook, old)
    colab.add(notebook, lesson.name, colab.setting(lesson.path.parents[1]))
    nbformat.validate(notebook)
    write_atomically(path, nbformat.writes(notebook) + "\n")
    return measured


def _measured(seconds: float, peak: int, old: NotebookNode | None) -> dict[str, float]:
    """Round up to 5 s and 0.1 GB; keep the old numbers when the new ones are within one step of them."""
    new = {"seconds": max(5, 5 * math.ceil(seconds / 5)), "peak_gb": math.ceil(peak / 1e8) / 10}
    before = (read_measured(old) if old else None) or {}
    step = {"seconds": 5, "peak_gb": 0.1}
    return before if before and all(abs(before[key] - new[key]) <= step[key] + 1e-9 for key in new) else new


def read_measured(notebook: NotebookNode) -> dict[str, float] | None:
    """Return what a built notebook says it took, {"seconds", "peak_gb"}, or None if it does not say."""
    measured = notebook.metadata.get("course", {}).get("measured", {})
    numbers = {key: measured.get(key) for key in ("seconds", "peak_gb")}
    return numbers if all(isinstance(number, int | float) for number in numbers.values()) else None


def _tidy_outputs(notebook: NotebookNode) -> None:
    """Give each figure its alt text; drop what has a better twin: widget views, second encodings, long tracebacks."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if len(encodings := sorted(data.keys() & {*IMAGES}, key=lambda mime: len(data[mime]))) > 1:
                del data[encodings[1]]
            for mime in (mime for mime in IMAGES if mime in data and cell.metadata.get("alt")):
                output.metadata.setdefault(mime, {})["alt"] = cell.metadata["alt"]
            if {*IMAGES, "text/html"} & data.keys():
                data.pop(WIDGET, None)
            if output.output_type == "error":
                output.traceback = [f"{output.ename}: {output.evalue}"]


def _keep_old_figures(notebook: NotebookNode, old: NotebookNode | None) -> None:
    """Put back the old bytes of every figure whose pixels did not change."""
    old_cells = {cell.get("id"): cell for cell in old.cells} if old else {}
    for cell in notebook.cells:
        before = old_cells.get(cell.id, {}).get("outputs", ())
        for output, old_output in zip(cell.get("outputs", ()), before, strict=False):
            for mime in IMAGES:
                new_data, old_data = (out.get("data", {}).get(mime) for out in (output, old_output))
                if new_data and old_data and _same_pixels(new_data, old_data):
                    output.data[mime] = old_data


def _same_pixels(first: str, second: str) -> bool:
    from PIL import Image

    try:
        pictures = [Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA") for data in (first, second)]
    except (OSError, ValueError):  # a damaged old figure is replaced
        return False
    return pictures[0].size == pictures[1].size and pictures[0].tobytes() == pictures[1].tobytes()


def _read_old(path: Path) -> NotebookNode | None:
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, KeyError, AttributeError, nbformat.ValidationError):  # there is nothing to keep
        return None


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Build the lessons named (01_boxes, 01 or a path), or all; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gk_utils.classroom.build", description="Build the notebooks.")
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="such as 01_boxes; all without one")
    parser.add_argument("--force", action="store_true", help="also build what is current")
    options = parser.parse_args(arguments)
    try:
        paths = choose(options.lessons, root)
    except ValueError as error:
        parser.error(str(error))
    status = 0
    for path in paths:
        try:
            measured: Any = build(read(path), force=options.force)
        except (BuildError, ValueError) as error:
            print(error, file=sys.stderr)
            status = 1
        else:
            facts = f"{measured['seconds']:g} s, {measured['peak_gb']:g} GB" if measured else "current"
            print(f"notebooks/{path.stem}.ipynb: {facts}", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
