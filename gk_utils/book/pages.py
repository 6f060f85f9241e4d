"""The pages of the book before Sphinx: copies of the notebooks and documents, and what is made from the lessons.

    book/*.md, book/_static    written by hand
    notebooks/                 as committed, outputs kept; labs say that they need a kernel
    claims, lessons, map, api  made anew

Links between them keep working; a link to a file of the checkout that is no page becomes its name.
"""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from gk_utils.book.claims_page import claims_page
from gk_utils.book.concept_map import concept_map, nearest_needs, needs
from gk_utils.book.lab_export import LIVE
from gk_utils.book.lesson_table import lesson_table
from gk_utils.classroom import colab
from gk_utils.classroom.source import ROOT, lesson_paths, read

COPIED = ("TEACHING.md", "CONTRIBUTING.md", "data/README.md", "benchmarks/RESULTS.md", "book/CLAIMS.md")
LAB = re.compile(r"^(?:\w+ = )?(\w+_lab)\(", re.MULTILINE)
NOTE = (
    '<p class="lab-note">This lab needs a kernel: what you see is its first frame. To use it, run '
    "<code>make lab</code> in a checkout and open this lesson there.</p>"
)
LIVE_LAB = """<div class="gk-live" data-lab="{name}"><p class="lab-note">The picture above is this lab's first frame.
It comes alive in this page where JavaScript runs and a server hands out the book (<code>python -m http.server</code> in
its folder), or in JupyterLab: <code>make lab</code>.</p></div>
<script type="module" src="{up}_static/labs.js"></script>"""
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
CELL = re.compile(r"(\d\d_\w+)\.ipynb#cell-id=([\w-]+)")
PARTS = {  # packages of the API pages, and the single modules of the ground
    "Ground": (
        "boxes",
        "frames",
        "metrics",
        "average_precision",
        "protocols",
        "checkpoints",
        "viz",
        "charts",
        "photos",
    ),
    "World": ("countertop", "models", "formats", "training"),
    "Techniques": (
        *("heads", "box_tokens", "box_regression", "text_coordinates", "roi_align", "kernels", "grounding_dino"),
        *("segment_anything", "grounded_sam", "spatial_relations", "contrastive", "kosmos2", "shikra", "ferret"),
        *("grounded_conversation", "counting", "assistant"),
    ),
    "Course": ("evaluate", "bench", "hub", "scale"),
}


def write_pages(target: Path, root: Path = ROOT) -> list[Path]:
    """Write the source of the whole book into an empty or new folder and return its pages.

    Raises:
        ValueError: a lesson that has not been built.
    """
    target.mkdir(parents=True, exist_ok=True)
    for path in (root / "book").glob("*.md"):
        if path.name != "CLAIMS.md":
            shutil.copy(path, target)
    shutil.copy(root / "book" / "conf.py", target)
    shutil.copytree(root / "book" / "_static", target / "_static", dirs_exist_ok=True)
    _write_notebooks(target, root)
    for name in COPIED:
        page = target / Path(name).parent / Path(name).name
        page.parent.mkdir(parents=True, exist_ok=True)
        text = (root / name).read_text(encoding="utf-8")
        page.write_text(claims_page(text) if name == "book/CLAIMS.md" else text, encoding="utf-8")
    for picture in (root / "benchmarks").glob("*.png"):
        shutil.copy(picture, target / "benchmarks")
    (target / "lessons.md").write_text(_lessons(root), encoding="utf-8")
    _write_api(target, root)
    glossary = target / "glossary.md"
    if glossary.exists():
        names = [path.stem for path in lesson_paths(root)]
        glossary.write_text(with_lessons(glossary.read_text(encoding="utf-8"), names), encoding="utf-8")
    pages = sorted(path for path in target.rglob("*") if path.suffix in (".md", ".ipynb"))
    for path in pages:
        if path.suffix == ".md":
            path.write_text(linked(path.read_text(encoding="utf-8"), path.parent, target), encoding="utf-8")
    return pages


def linked(text: str, folder: Path, target: Path) -> str:
    """A page's text with links that hold in the book; `folder` is where the page stands.

    A link to a cell becomes one to its place in the built page; a link to what is no page becomes its text.
    """

    def renew(match: re.Match) -> str:
        picture, words, address = match.groups()
        if cell := CELL.search(address):
            up = "../" * len(folder.relative_to(target).parts)
            return f'<a href="{up}notebooks/{cell[1]}.html#{cell[2]}">{words}</a>'
        if picture or "://" in address or address.startswith(("#", "mailto:")):
            return match[0]
        file = (folder / address.partition("#")[0]).resolve()
        return match[0] if file.exists() and file.is_file() else words

    return LINK.sub(renew, text)


def as_page(notebook: NotebookNode, folder: Path, target: Path) -> NotebookNode:
    """A notebook as the book shows it: places to link to, alternative texts, and a note where a lab needs a kernel."""
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = linked(cell.source, folder, target)
        else:
            place = f'<span id="{cell.id}"></span>'
            lab = LAB.search(cell.source) if cell.outputs else None
            note = NOTE if lab and lab[1] not in LIVE else ""
            cells.append(nbformat.v4.new_markdown_cell(place + note, id=f"{cell.id}-at"[:64]))
            alts = [words["alt"] for output in cell.outputs for words in _metadata(output) if "alt" in words]
            if alts:
                cell.metadata["mystnb"] = {"image": {"alt": " ".join(alts[0].split())}}
        cells.append(cell)
        if cell.cell_type == "code" and lab and lab[1] in LIVE:
            up = "../" * len(folder.relative_to(target).parts)
            live = LIVE_LAB.format(up=up, name=lab[1])
            cells.append(nbformat.v4.new_markdown_cell(live, id=f"{cell.id}-live"[:64]))
    notebook.cells = cells
    return notebook


def _metadata(output: NotebookNode) -> list[dict[str, str]]:
    return [words for words in output.get("metadata", {}).values() if isinstance(words, dict)]


def _write_notebooks(target: Path, root: Path) -> None:
    folder = target / "notebooks"
    folder.mkdir(exist_ok=True)
    names = [path.stem for path in lesson_paths(root)]
    for name in names:  # first all files, so that links between them hold
        notebook = root / "notebooks" / f"{name}.ipynb"
        if not notebook.exists():
            raise ValueError(f"{notebook.name}: expected a built notebook, got none. Run: make notebooks")
        shutil.copy(notebook, folder)
    (target / "data").mkdir(exist_ok=True)
    shutil.copy(root / "data" / "README.md", target / "data")
    for name in names:
        path = folder / f"{name}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        colab.take_out(notebook)  # the book asks no other server for a badge
        nbformat.write(as_page(notebook, folder, target), path)


def with_lessons(text: str, names: Sequence[str]) -> str:
    """The glossary with its numbers of lessons, such as (07, 16), as links to these lessons.

    >>> with_lessons("Two boxes compared. (01, 99)", ["01_boxes"])
    'Two boxes compared. ([01](notebooks/01_boxes.ipynb), 99)'
    """
    pages = {name[:2]: f"[{name[:2]}](notebooks/{name}.ipynb)" for name in names}

    def linked_numbers(found: re.Match) -> str:
        return re.sub(r"\d\d", lambda number: pages.get(number[0], number[0]), found[0])

    return re.sub(r"\(\d\d(?:, \d\d)*\)$", linked_numbers, text, flags=re.MULTILINE)


def _lessons(root: Path) -> str:
    lessons = [read(path) for path in lesson_paths(root)]
    titles = {lesson.name: lesson.course["title"].partition(":")[0] for lesson in lessons}
    tree = "\n".join(f"notebooks/{lesson.name}" for lesson in lessons)
    after = {
        name: f": after {' and '.join(', '.join(want[:2] for want in wants).rsplit(', ', 1))}" if wants else ""
        for name, wants in nearest_needs(needs(lessons)).items()
    }
    links = "\n".join(f"- [](notebooks/{lesson.name}.ipynb){after[lesson.name]}" for lesson in lessons)
    return (
        "# Lessons\n\nAn arrow leads from a lesson to those that build on it; the list says the same.\n\n"
        f'<div class="concept-map">{concept_map(titles, needs(lessons))}</div>\n\n'
        f"{links}\n\n```{{toctree}}\n:hidden:\n:maxdepth: 1\n\n{tree}\n```\n\n"
        "## What each lesson costs and holds\n\nMeasured when the lessons were built, on two CPU cores. Mistakes: "
        f"wrong answers that a check of the lesson names.\n\n{lesson_table(root)}"
    )


def _write_api(target: Path, root: Path) -> None:
    """A page for each package or module, and their list."""
    folder = target / "api"
    folder.mkdir(exist_ok=True)
    text = "# The package\n\nThe modules behind the lessons, from their docstrings.\n"
    for part, names in PARTS.items():
        found = [name for name in names if modules_of(name, root)]
        pages = "\n".join(found)
        text += f"\n```{{toctree}}\n:caption: {part}\n:maxdepth: 1\n\n{pages}\n```\n"
        for name in found:
            modules = modules_of(name, root)
            body = "".join(
                ("" if modules == [name] else f"\n## {module}\n")
                + f"\n```{{eval-rst}}\n.. automodule:: gk_utils.{module}\n   :members:\n```\n"
                for module in modules
            )
            (folder / f"{name}.md").write_text(f"# {name}\n{body}", encoding="utf-8")
    (folder / "index.md").write_text(text, encoding="utf-8")


def modules_of(name: str, root: Path = ROOT) -> list[str]:
    """The modules of a package, or the one module of this name, as dotted names behind gk_utils.

    >>> modules_of("boxes"), modules_of("grounded_sam")[:2]
    (['boxes'], ['grounded_sam.box_filler', 'grounded_sam.caption_links'])
    """
    package = root / "gk_utils"
    if (package / f"{name}.py").exists():
        return [name]
    paths = sorted(path for path in (package / name).glob("*.py") if path.name != "__init__.py")
    return [f"{name}.{path.stem}" for path in paths]
