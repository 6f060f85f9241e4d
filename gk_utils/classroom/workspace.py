"""A learner's copies: my/ beside notebooks/, ignored by git, never overwritten.

    python -m gk_utils.classroom.workspace       copies what is new, prints the lesson to open

my/ is a sibling of notebooks/, so relative links lead to the same places from both.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from gk_utils.classroom.source import ROOT, write_atomically


def prepare(root: Path = ROOT) -> Path:
    """Copy each lesson's notebook that is not in my/ yet, and return my/.

    A copy is the learner's from then on: nothing here changes or removes it. When the course's notebook has changed
    since, one line on stderr says so and how to take the new one.
    """
    folder = root / "my"
    folder.mkdir(exist_ok=True)
    record = folder / ".copied.json"
    copied = _read_record(record)
    for notebook in sorted((root / "notebooks").glob("*.ipynb")):
        text = notebook.read_text(encoding="utf-8")
        now = _fingerprint(text)
        mine = folder / notebook.name
        if not mine.exists():
            copied[notebook.name] = now
            write_atomically(record, json.dumps(copied, indent=1, sort_keys=True) + "\n")
            write_atomically(mine, text)
        elif copied.get(notebook.name, now) != now:
            print(
                f"my/{notebook.name}: the course has a newer version. To take it, rename yours "
                f"(say {notebook.stem}_old.ipynb) and run make lab again; yours stays as it is.",
                file=sys.stderr,
            )
    return folder


def first_lesson(root: Path = ROOT) -> Path:
    """Prepare my/ and return the lesson to open: the copy with the lowest number, or my/ if there is no lesson."""
    folder = prepare(root)
    names = sorted(path.name for path in (root / "notebooks").glob("*.ipynb"))
    return folder / names[0] if names else folder


def _fingerprint(text: str) -> str:
    """A hash of a notebook's cells without their outputs: a figure drawn anew is no new version."""
    cells = [(cell["cell_type"], cell["source"]) for cell in json.loads(text)["cells"]]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def _read_record(path: Path) -> dict[str, Any]:
    """What was copied before, name to fingerprint; nothing if the record is missing or damaged."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


if __name__ == "__main__":
    print(first_lesson())
