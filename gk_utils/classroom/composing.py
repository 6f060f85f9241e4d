"""The assistant's parts out of the lessons: a learner's functions where their checks passed, the references elsewhere.

A passed check stored the function in my/solutions.py. It is loaded from there, so that the command line composes the
same assistant as lesson 17.
"""

from pathlib import Path

from gk_utils.assistant.parts import USED, Parts
from gk_utils.classroom import source
from gk_utils.classroom.solutions import load

MINE = source.ROOT / "my"


def compose(directory: Path | None = MINE) -> Parts:
    """The parts, those of the learner's folder first; None takes the references alone.

    A stored function that cannot be loaded (it imports what is not installed, say) counts as not there; `broken` keeps
    why.

    Raises:
        ModuleNotFoundError: jupytext, which reads the lessons, is not installed.
    """
    references = {exercise_id: source.reference(exercise_id) for exercise_id in USED}
    functions, whose, broken = dict(references), dict.fromkeys(USED, "reference"), dict[str, str]()
    for exercise_id in USED if directory is not None else ():
        try:
            mine = load(exercise_id, directory)
        except Exception as error:
            mine, broken[exercise_id] = None, f"{type(error).__name__}: {error}"
        if mine is not None:
            functions[exercise_id], whose[exercise_id] = mine, "yours"
    return Parts(functions, references, whose, broken)


def say_whose(parts: Parts) -> str:
    """A line for each part: what it is for, and whose it is; and why a stored one could not be loaded."""
    lines = []
    for name, what in USED.items():
        lines.append(f"{name:16} {parts.whose.get(name, 'reference'):10} {what}")
        lines += [f"{'':16} yours could not be loaded ({parts.broken[name]})"] if name in parts.broken else []
    return "\n".join(lines)
