"""submit: a score card, and the notebook under a name that a grader can read, ready to hand in.

A kernel does not know its notebook. Colab answers a question about it; VS Code and Jupyter leave a path behind.
"""

import json
import os
import sys
from pathlib import Path

from gk_utils.classroom import exercise as exercises
from gk_utils.classroom import source
from gk_utils.classroom.check import results
from gk_utils.classroom.inbox import slug
from gk_utils.classroom.source import Lesson
from gk_utils.classroom.submission import Submission, parse, plain, recognise

_BY_HAND = "Hand in the notebook itself: menu File, Download."


def submit(name: str) -> None:
    """Print how your exercises stand, and write the notebook as LESSON--NAME.ipynb, without outputs, to hand in.

    On Colab the file is downloaded. Elsewhere save the notebook first: the file on disk is what counts. A notebook that
    is open under that very name is left as it is.

    Args:
        name: yours, as your teacher knows it.

    Raises:
        ValueError: there is no letter in the name.
    """
    if not slug(name):
        raise ValueError(f'name: expected your name, got {name!r}. Write submit("your name").')
    opened = _open_file()
    found = _ask_colab() or (opened.read_bytes() if opened else None)
    try:
        handed = parse(found) if found else Submission(())
    except ValueError:  # half written, or something else under that path
        found, handed = None, Submission(())
    lesson = _lesson(handed)
    if lesson is None:
        print(f"Which lesson this is could not be told: run its checks, then this cell again. Or: {_BY_HAND}")
        return
    print(score_card(lesson, handed))
    if not found:
        print(f"This notebook's file could not be found. {_BY_HAND}")
        return
    path = Path(f"{lesson.name}--{slug(name)}.ipynb")
    if not (opened and path.exists() and path.samefile(opened)):  # or the editor's copy and the file would part
        source.write_atomically(path.absolute(), _without_outputs(found))
    if "google.colab" in sys.modules:
        from google.colab import files

        files.download(str(path))
        print(f"{path} is being downloaded: hand it in.")
    else:
        print(f"{path.absolute()}: hand this in.")


def score_card(lesson: Lesson, handed: Submission) -> str:
    """Return a line an exercise: what its check said last, or whether it is answered; and the points so far."""
    said, lines, points = results(), [], 0.0
    most = sum(cell.points or 0 for cell in lesson.exercise_cells().values())
    for name, cell in lesson.exercise_cells().items():
        worth = cell.points or 0
        if cell.kind == "code":
            passed = said.get(lesson.exercise_id(name))
            status = "not checked in this session" if passed is None else "passed" if passed else "not passed"
            points += worth if passed else 0
        else:
            texts = [plain(theirs.source) for theirs in handed.cells if theirs.grade_id == name]
            answered = any(text and text != "*Write your answer here.*" for text in texts)
            status = "answered, read by your teacher" if answered else "no answer found"
        lines.append(f"  {lesson.exercise_id(name):<24} {worth:>3g} points  {status}")
    title = f"{lesson.number} · {lesson.course['title']}"
    total = f"{points:g} of {most:g} points by the checks you ran; grading runs them again, with cases you did not see."
    return "\n".join([title, *lines, total])


def _lesson(handed: Submission) -> Lesson | None:
    """The lesson of the notebook, else the one whose check ran last."""
    name, _ = recognise(handed, exercises.ROOT)
    ran = [exercise_id.partition(".")[0] for exercise_id in results()]
    number = name[:2] or (ran[-1] if ran else "")
    return source.read(source.find(number, exercises.ROOT)) if number else None


def _ask_colab() -> bytes | None:
    """What the open notebook holds, by Colab; None elsewhere."""
    if "google.colab" not in sys.modules:
        return None
    from google.colab import _message

    try:
        answer = _message.blocking_request("get_ipynb", request="", timeout_sec=30)
    except Exception:  # Colab's own kinds of error; there is another way to hand in
        return None
    notebook = answer.get("ipynb") if isinstance(answer, dict) else None
    return json.dumps(notebook).encode() if notebook else None


def _open_file() -> Path | None:
    """The file of the open notebook, by VS Code or Jupyter; None if neither knows."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    known = shell.user_ns if shell else {}
    given = [known.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME")]
    for path in (Path(text) for text in given if isinstance(text, str) and text.endswith(".ipynb")):
        if path.is_file():
            return path
    return None


def _without_outputs(data: bytes) -> str:
    notebook = json.loads(data.decode("utf-8-sig"))
    for cell in notebook["cells"]:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            cell.update(outputs=[], execution_count=None)
    notebook.setdefault("metadata", {}).pop("widgets", None)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
