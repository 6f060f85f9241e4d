"""Open in Colab: a badge in the first cell of every notebook, and a set-up cell below it, for one GitHub repository.

    python -m gk_utils.classroom.colab owner/name      (make badges REPO=owner/name; an empty name takes both out)

The repository is one line of pyproject.toml, `repository` under `[tool.gk_utils]`. As committed it is empty, and no
notebook has a badge or a set-up cell. Both lead to the tag of the project's version, such as v0.1.0. Neither is part of
a lesson: they are written without running anything, and once taken out they leave the notebook byte for byte as it was.
What the cell does when the course is there stands in `gk_utils.colab_setup`.
"""

import argparse
import copy
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from gk_utils.classroom.source import ROOT, lesson_paths, write_atomically

PLACE = "/content"
"""Where Colab shows a learner's files."""

IMAGE = "https://colab.research.google.com/assets/colab-badge.svg"
BADGE = re.compile(r"\n\n\[!\[[^\]]*\]\(" + re.escape(IMAGE) + r"\)\]\([^)\n]*\)")
SETUP_ID = re.compile(r"\d\d-colab_setup")  # no label and no section of a lesson makes an id with an underscore
SETUP = """\
# Google Colab only: fetches the course as of this notebook and installs what is missing. Elsewhere it does nothing.
import os, subprocess, sys
if "google.colab" in sys.modules:
    os.path.exists("{folder}") or print(subprocess.getoutput("{clone} {folder}"), end="")
    sys.path.insert(0, "{folder}")
    from gk_utils import colab_setup; colab_setup.set_up()"""
CLONE = "git -c advice.detachedHead=false clone -q --depth 1 --branch {tag} https://github.com/{name}"

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_SETTING = re.compile(r'^(\[tool\.gk_utils\][^\n]*\n(?:(?!\[)[^\n]*\n)*?repository *= *)"[^"\n]*"', re.MULTILINE)


@dataclass(frozen=True)
class Published:
    """Where learners get the course: `name` "owner/name" on GitHub, `tag` "v0.1.0".

    Raises:
        ValueError: a name that GitHub would not give.
    """

    name: str
    tag: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"repository: expected owner/name of a repository on GitHub, got {self.name!r}. "
                "Run: make badges REPO=owner/name"
            )

    def badge(self, lesson: str) -> str:
        """Return the badge that opens a lesson ("01_boxes") on Colab, as Markdown.

        >>> print(Published("someone/grounding", "v0.1.0").badge("01_boxes"))
        [![Open this lesson in Colab](https://...svg)](https://.../someone/grounding/blob/v0.1.0/notebooks/01_boxes.ipynb)
        """
        target = f"https://colab.research.google.com/github/{self.name}/blob/{self.tag}/notebooks/{lesson}.ipynb"
        return f"[![Open this lesson in Colab]({IMAGE})]({target})"

    def setup_text(self) -> str:
        """Return the code of the set-up cell, at most six lines."""
        folder = f"{PLACE}/{self.name.partition('/')[2]}-{self.tag}"
        return SETUP.format(folder=folder, clone=CLONE.format(tag=self.tag, name=self.name))


def setting(root: Path = ROOT) -> Published | None:
    """Return where a checkout's pyproject.toml says that the course is published; None if it does not say.

    Raises:
        ValueError: a name that GitHub would not give.
    """
    path = root / "pyproject.toml"
    facts = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    name = facts.get("tool", {}).get("gk_utils", {}).get("repository", "")
    return Published(name, f"v{facts['project']['version']}") if name else None


def add(notebook: NotebookNode, lesson: str, published: Published | None, *, badge: bool = True) -> None:
    """Put badge and set-up cell into a notebook that has neither; nothing if the course is not published.

    The set-up cell has not run and has no output. It is tagged `demo`, so a grader leaves it out.

    Args:
        notebook: its first cell is the generated header.
        lesson: the lesson's name, "01_boxes".
        published: what `setting` returned.
        badge: False for an assignment: the badge would lead to the notebook that carries no points.
    """
    if published is None:
        return
    if badge:
        title, gap, rest = notebook.cells[0].source.partition("\n\n")
        notebook.cells[0].source = f"{title}\n\n{published.badge(lesson)}{gap}{rest}"
    cell_id = f"{lesson[:2]}-colab_setup"
    notebook.cells.insert(1, new_code_cell(published.setup_text(), id=cell_id, metadata={"tags": ["demo"]}))


def take_out(notebook: NotebookNode) -> None:
    """Remove badge and set-up cell from a notebook, whatever repository they lead to."""
    notebook.cells = [cell for cell in notebook.cells if not is_setup(cell)]
    for cell in notebook.cells[:1]:
        cell.source = BADGE.sub("", cell.source)


def is_setup(cell: NotebookNode) -> bool:
    """Whether this is the generated set-up cell, by its id."""
    return bool(SETUP_ID.fullmatch(str(cell.get("id"))))


def faults(notebook: NotebookNode, lesson: str, root: Path = ROOT) -> list[str]:
    """Say what is wrong with a notebook's badge and set-up cell, and what to run; nothing if they are as set."""
    try:
        published = setting(root)
    except ValueError as error:
        return [f"pyproject.toml: {error}"]
    bare = copy.deepcopy(notebook)
    take_out(bare)
    made = copy.deepcopy(bare)
    add(made, lesson, published)
    if made == notebook:
        return []
    wanted = (
        f"those of {published.name} at {published.tag}" if published else "none, as pyproject.toml names no repository"
    )
    got = "none" if bare == notebook else "others" if published else "some"
    return [
        f"Colab badge and set-up cell: expected {wanted}, got {got}. "
        f"Run: make badges REPO={published.name if published else ''}"
    ]


def publish(name: str, root: Path = ROOT) -> list[Path]:
    """Write the repository into pyproject.toml, and badge and set-up cell into every notebook that stands.

    Nothing is run, outputs and all other cells stay as they are. An empty name takes both out of every notebook.

    Returns:
        The notebooks that changed.

    Raises:
        ValueError: a name that GitHub would not give, a pyproject.toml without the setting, or a damaged notebook;
            nothing has changed then.
    """
    project = root / "pyproject.toml"
    text = project.read_bytes().decode("utf-8")  # as bytes: its line ends stay
    version = tomllib.loads(text)["project"]["version"]
    published = Published(name, f"v{version}") if name else None
    new_text, found = _SETTING.subn(lambda match: f'{match[1]}"{name}"', text, count=1)
    if not found:
        raise ValueError(
            'pyproject.toml: expected a line repository = "" under [tool.gk_utils], got none. Put both lines back.'
        )
    changed = {}
    for path in (root / "notebooks" / f"{lesson.stem}.ipynb" for lesson in lesson_paths(root)):
        if path.exists():
            old = _read(path)
            new = copy.deepcopy(old)
            take_out(new)
            add(new, path.stem, published)
            if new != old:
                changed[path] = nbformat.writes(new) + "\n"
    if new_text != text:
        write_atomically(project, new_text)
    for path, content in changed.items():
        write_atomically(path, content)
    return list(changed)


def _read(path: Path) -> NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # whatever a damaged file makes nbformat raise, the cure is the same
        raise ValueError(
            f"notebooks/{path.name}: expected a notebook, got what raises {type(error).__name__}. Run: make notebooks"
        ) from None


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Set the repository, or take badges and set-up cells out; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gk_utils.classroom.colab", description="Write Colab badges.")
    parser.add_argument("repository", help="owner/name on GitHub; empty takes badges and set-up cells out")
    options = parser.parse_args(arguments)
    try:
        changed = publish(options.repository, root)
    except ValueError as error:
        parser.error(str(error))
    published = setting(root)
    what = f"{published.name} at {published.tag}" if published else "no repository"
    print(f"Colab badges and set-up cells: {what}; notebooks written: {len(changed)}")
    if published:
        tag = published.tag
        print(f"They lead to the tag {tag}. Commit, then: git tag {tag} && git push origin HEAD {tag}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
