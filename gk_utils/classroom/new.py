"""Starts a lesson: source, module, exercises and test, which pass the lint and the tests as they are.

    python -m gk_utils.classroom.new 18_topic

The four files come from templates/; every text to be replaced says so.
"""

import argparse
import keyword
import re
from pathlib import Path
from string import Template

from gk_utils.classroom.source import ROOT, lesson_paths, write_atomically

_TEMPLATES = Path(__file__).parent / "templates"


def scaffold(name: str, root: Path = ROOT) -> list[Path]:
    """Write the four files of a new lesson and return their paths; nothing that exists is touched.

    Args:
        name: number and topic, such as 18_topic; the topic becomes the name of the module.
        root: the checkout.

    Raises:
        ValueError: a name of another form, a number or topic in use, or a file in the way.
    """
    match = re.fullmatch(r"(\d\d)_([a-z][a-z0-9]*(?:_[a-z0-9]+)*)", name)
    if match is None or keyword.iskeyword(match[2]):
        raise ValueError(f"name: expected two digits, '_' and a topic such as 18_topic, got {name!r}. Choose another.")
    number, stem = match.groups()
    for path in lesson_paths(root):
        if path.name[:2] == number:
            raise ValueError(f"name: expected a number not in use, got {number}, which is {path.stem}. Choose another.")
    package = root / "gk_utils"
    targets = {
        "lesson": root / "lessons" / f"{name}.py",
        "module": package / f"{stem}.py",
        "exercises": package / "classroom" / "exercises" / f"{stem}.py",
        "test": root / "tests" / f"test_{stem}.py",
    }
    for path in (*targets.values(), package / stem):
        if path.exists():
            raise ValueError(f"name: expected a topic not in use, got {stem!r}: {path.relative_to(root)} exists.")
    texts = {"number": number, "stem": stem, "title": stem.replace("_", " ").capitalize()}
    for kind, path in targets.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, Template((_TEMPLATES / f"{kind}.py.txt").read_text(encoding="utf-8")).substitute(texts))
    return list(targets.values())


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Start the lesson named; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gk_utils.classroom.new", description="Start a lesson.")
    parser.add_argument("name", metavar="NN_topic")
    try:
        paths = scaffold(parser.parse_args(arguments).name, root)
    except ValueError as error:
        parser.error(str(error))
    print("\n".join(str(path.relative_to(root)) for path in paths))
    print("Write the lesson, then run: make notebooks")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
