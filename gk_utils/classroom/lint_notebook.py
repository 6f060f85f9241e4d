"""Rules for the built notebooks/NN_topic.ipynb: what a learner sees, and what must not be saved.

Each rule takes a `Built` and yields (cell id or None for the whole file, what is wrong and what to do). `lint` runs
them and says in which line of the lesson the cell stands.
"""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from gk_utils.classroom import colab
from gk_utils.classroom.build import IMAGES, WIDGET, read_measured
from gk_utils.classroom.lint_lesson import MACHINE_PATH, MIN_ALT
from gk_utils.classroom.source import Lesson

Found = Iterator[tuple[str | None, str]]

MAX_FIGURE, MAX_NOTEBOOK, MAX_SECONDS, MAX_PEAK_GB = 100_000, 500_000, 45, 1.5
HEADER_PARTS = ("**Claim.** ", "**Afterwards you can**", "**Before you start:** ", "**Budget:** ")


@dataclass(frozen=True)
class Built:
    """A lesson, the path of its notebook, and what was read from it."""

    lesson: Lesson
    path: Path
    notebook: NotebookNode

    def code(self) -> list[NotebookNode]:
        """Return the code cells, in order."""
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]

    def outputs(self) -> Iterator[tuple[NotebookNode, NotebookNode]]:
        """Yield every output with its cell."""
        for cell in self.code():
            for output in cell.outputs:
                yield cell, output


def valid_format(built: Built) -> Found:
    """The file is a notebook for Python 3, and its cells have ids of their own."""
    ids = [cell.get("id") for cell in built.notebook.cells]
    twice = sorted({str(one) for one in ids if ids.count(one) > 1})
    yield from ((cell_id, "two cells have this id. Run: make notebooks") for cell_id in twice)
    if (kernel := built.notebook.metadata.get("kernelspec", {}).get("name")) != "python3":
        yield None, f"kernelspec: expected python3, got {kernel}. Run: make notebooks"
    if not twice:  # nbformat would repair these, and warn
        try:
            nbformat.validate(built.notebook)
        except nbformat.ValidationError as error:
            yield None, f"not a valid notebook: {error.message}. Run: make notebooks"


def header(built: Built) -> Found:
    """The first cell is the generated one, and holds the only heading of level 1."""
    texts = [(cell.get("id"), cell.source) for cell in built.notebook.cells if cell.cell_type == "markdown"]
    titles = [cell_id for cell_id, text in texts if re.search(r"^# \S", _without_code(text), re.MULTILINE)]
    if titles != [f"{built.lesson.number}-header"] or built.notebook.cells[0].get("id") != titles[0]:
        yield None, f"expected one title, in the generated first cell, got titles in {titles}"
    for part in HEADER_PARTS:
        if not texts or part not in texts[0][1]:
            yield None, f"the first cell lacks {part.strip()}"


def execution_order(built: Built) -> Found:
    """The cells ran from top to bottom, once, in a new kernel."""
    ran = [cell for cell in built.code() if not colab.is_setup(cell)]
    for expected, cell in enumerate(ran, start=1):
        if cell.execution_count != expected:
            yield cell.get("id"), f"execution count {cell.execution_count}, expected {expected}. Run: make notebooks"


def clean_outputs(built: Built) -> Found:
    """Nothing failed, warned, or wrote where this machine keeps its files."""
    own_folders = {str(built.path.resolve().parents[1]), str(Path.home())}
    for cell, output in built.outputs():
        if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", ()):
            yield cell.get("id"), f"the cell failed with {output.ename}: {output.evalue}"
        if output.get("name") == "stderr":
            yield cell.get("id"), f"the cell wrote to stderr: {output.text.strip()[:80]}"
        text = json.dumps({**output, "data": {k: v for k, v in output.get("data", {}).items() if k not in IMAGES}})
        if found := MACHINE_PATH.search(text):
            yield cell.get("id"), f"the output names a path of one machine: {text[found.start() :][:40]}"
        elif any(folder in text for folder in own_folders):
            yield cell.get("id"), "the output names a folder of this machine"
        if found := re.search(r"\bat 0x[0-9a-f]{6,}", text):
            yield cell.get("id"), f"the output holds a memory address ({found[0]}), new in every run. Print a value"


def figures(built: Built) -> Found:
    """Every figure has alt text and is small."""
    for cell, output in built.outputs():
        for mime in IMAGES:
            if mime not in output.get("data", {}):
                continue
            alt = output.metadata.get(mime, {}).get("alt", "")
            if len(alt.strip()) < MIN_ALT:
                yield cell.get("id"), f'a figure with alt text {alt!r}. Write alt="..." on the line of its cell'
            if (size := len(base64.b64decode(output.data[mime]))) > MAX_FIGURE:
                yield cell.get("id"), f"a figure of {size // 1000} kB, {MAX_FIGURE // 1000} allowed. Make it smaller"


def widgets(built: Built) -> Found:
    """A widget leaves a picture or HTML where there is no kernel, and no state."""
    for cell, output in built.outputs():
        if WIDGET in output.get("data", {}):
            yield (
                cell.get("id"),
                "a widget without a static picture or HTML beside it. Give it one in _repr_mimebundle_",
            )
    if "widgets" in built.notebook.metadata:
        yield None, "saved widget state. Run: make notebooks"
    for cell in built.notebook.cells:
        if "execution" in cell.metadata:
            yield cell.get("id"), "saved execution times, new in every run. Run: make notebooks"


def budget(built: Built) -> Found:
    """The notebook is small, and ran in the time and memory of a laptop."""
    if (size := built.path.stat().st_size) > MAX_NOTEBOOK:
        yield None, f"{size // 1000} kB, {MAX_NOTEBOOK // 1000} allowed. Show fewer or smaller figures"
    measured = read_measured(built.notebook)
    if measured is None:
        yield None, "no measured run time and memory. Run: make notebooks"
        return
    if measured["seconds"] > MAX_SECONDS:
        yield None, f"it ran {measured['seconds']:g} s, {MAX_SECONDS} allowed. Compute less"
    if measured["peak_gb"] > MAX_PEAK_GB:
        yield None, f"it took {measured['peak_gb']:g} GB of memory, {MAX_PEAK_GB} allowed. Keep less"


def links(built: Built) -> Found:
    """Relative links lead somewhere, from notebooks/ and from a learner's copy in my/ beside it."""
    for cell in built.notebook.cells:
        text = _without_code(cell.source) if cell.cell_type == "markdown" else ""
        for target in re.findall(r"\]\(<?([^)\s>]+)", text) + re.findall(r'\b(?:src|href)="([^"]+)"', text):
            file = target.partition("#")[0]
            if re.match(r"[a-z][a-z0-9+.-]*:", target) or not file:
                continue
            if not (built.path.parent / file).exists():
                yield cell.get("id"), f"the link {target} leads nowhere"
            elif not file.startswith("../") and not re.fullmatch(r"\d\d_\w+\.ipynb", file):
                yield cell.get("id"), f"the link {target} breaks in a copy in my/. Start it with ../"


def published(built: Built) -> Found:
    """Colab's badge and set-up cell lead to the repository in pyproject.toml; without one there is neither."""
    yield from ((None, text) for text in colab.faults(built.notebook, built.lesson.name, built.lesson.path.parents[1]))


def claims(built: Built) -> Found:
    """The cell that a claim rests on prints the number it names."""
    for claim in built.lesson.course.get("claims") or ():
        cell_id = f"{built.lesson.number}-{claim['cell']}"
        if shown_value(built.notebook, cell_id, claim["shows"]) is None:
            yield cell_id, f"the claim needs a printed line '{claim['shows']}: ...'. Print it with report"


def shown_value(notebook: NotebookNode, cell_id: str, name: str) -> str | None:
    """Return what a cell printed after `name: `, or None if it printed no such line."""
    for cell in notebook.cells:
        if cell.get("id") == cell_id and cell.cell_type == "code":
            for output in cell.outputs:
                if found := re.search(rf"^{re.escape(name)}: (.+)$", output.get("text", ""), re.MULTILINE):
                    return found[1].strip()
    return None


def _without_code(text: str) -> str:
    return re.sub(r"^```.*?^```|`[^`\n]+`", "", text, flags=re.MULTILINE | re.DOTALL)


RULES = (valid_format, header, execution_order, clean_outputs, figures, widgets, budget, links, published, claims)
