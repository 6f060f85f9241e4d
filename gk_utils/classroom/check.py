"""check, use and solution: what a learner calls under an exercise.

`check` prints for people and returns None. In a lesson it never raises and never writes to stderr, so that Run All
never stops; while nbgrader grades or validates (it sets NBGRADER_EXECUTION) it raises AssertionError with the same
text unless the function passed, so that an untouched release earns nothing.
"""

import contextlib
import io
import os
import sys
import warnings
from typing import Any

from gk_utils.classroom import exercise as exercises
from gk_utils.classroom import solutions, source
from gk_utils.classroom.exercise import Case, Function
from gk_utils.classroom.judge import Verdict, error_text, judge

_judged: dict[str, tuple[Any, bool]] = {}  # id -> the function its visible cases judged last, and whether it passed
_handed_out: dict[str, Function] = {}  # id -> the reference that `use` returned


def check(exercise_id: str, function: Any, hidden: bool = False) -> None:
    """Try a function on an exercise's cases and print what came out; on failure draw it, if the exercise can.

    A function that passes is stored in my/solutions.py when the notebook runs in the learner's folder.

    Args:
        exercise_id: such as "01.iou".
        function: the learner's function itself, not what it returns.
        hidden: take the hidden cases: the same kind, from another seed.

    Raises:
        AssertionError: only while nbgrader runs, with the text that a lesson would print.
    """
    verdict = _verdict(exercise_id, function, hidden)
    if not hidden:
        _judged.pop(exercise_id, None)  # to the end: `submit` asks which one ran last
        _judged[exercise_id] = (function, verdict.passed)
    text = verdict.text
    if verdict.passed and not hidden:
        text += _stored(exercise_id, function)
    refuse = not verdict.passed and bool(os.environ.get("NBGRADER_EXECUTION"))
    if not refuse:
        print(text)
    note = _drawn(exercise_id, verdict.picture) if verdict.picture else ""
    if refuse:
        raise AssertionError(text + note)
    if note:
        print(note.lstrip("\n"))


def results() -> dict[str, bool]:
    """Return what each check said last in this session: exercise id -> whether it passed; the last one last."""
    return {exercise_id: passed for exercise_id, (_, passed) in _judged.items()}


def use(exercise_id: str, function: Any) -> Function:
    """Return the learner's function if its check passed, else the reference; print one line that says which.

    Raises:
        ValueError: no exercise in code has this id.
    """
    reference = exercises.reference(exercise_id)
    judged, passed = _judged.get(exercise_id, (None, False))
    if judged is not function:  # its check has not run, or not on this function
        passed = _verdict(exercise_id, function, hidden=False).passed
    if passed:
        print(f"{exercise_id}: going on with your function.")
        return function
    print(f"{exercise_id}: going on with the reference solution until yours passes.")
    _handed_out[exercise_id] = reference
    return reference


def solution(exercise_id: str) -> None:
    """Print the reference's source.

    Raises:
        ValueError: no exercise has this id.
    """
    print(source.solution_text(exercise_id, exercises.ROOT))


def _verdict(exercise_id: str, function: Any, hidden: bool) -> Verdict:
    if function is not None and function is _handed_out.get(exercise_id):
        advice = "use() put the reference solution under that name. Run your own cell again, then this one."
        return Verdict(False, f"{exercise_id} not checked: {advice}")
    try:
        return judge(exercises.find(exercise_id), exercises.reference(exercise_id), function, hidden)
    except Exception as error:  # no such exercise, or an object that not even the judge can handle
        return Verdict(False, f"{exercise_id} not checked: {error_text(error)}")


def _stored(exercise_id: str, function: Function) -> str:
    try:
        directory = solutions.folder(exercises.ROOT)
        if directory is None:
            return ""
        setup = source.setup_text(source.read(source.find(exercise_id.partition(".")[0], exercises.ROOT)))
        return " " + solutions.store(exercise_id, function, setup, directory)
    except Exception as error:  # storing is a service: it must not spoil a passed check
        return f" Not stored: {error_text(error)}"


def _drawn(exercise_id: str, picture: tuple[Case, Any, Any]) -> str:
    """Show expected against got in a notebook; return a line if the drawing fails, else nothing."""
    try:
        draw = exercises.find(exercise_id).draw
        with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            figure = draw(*picture) if draw else None
            if figure is not None:
                _display(figure, f"{exercise_id}: what was expected and what your function returned")
    except Exception as error:  # a result may be impossible to draw
        return f"\n  No drawing: {error_text(error)}"
    return ""


def _display(figure: Any, alt: str) -> None:
    """Show a figure once, in a notebook; elsewhere only close it."""
    from matplotlib import pyplot

    pyplot.close(figure)  # or the notebook would show it a second time when the cell ends
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        from IPython.display import Image, display

        data = io.BytesIO()
        figure.savefig(data, format="png", bbox_inches="tight")
        display(Image(data.getvalue(), alt=alt))
