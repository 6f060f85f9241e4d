"""What an exercise is: the cases that judge it and the mistakes it knows by name.

The right answers are not here: they are what the lesson's own solution returns (`reference`). A mistake is a function
that spoils that solution. The same mistakes therefore name what went wrong in a learner's function, and serve as the
wrong answers that the exercise's tests must reject.
"""

import contextlib
import copy
import importlib
import inspect
import io
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from gk_utils.classroom import source
from gk_utils.classroom.compare import difference, unchanged
from gk_utils.classroom.describe import describe
from gk_utils.classroom.mistakes import GENERAL, Mistake

ROOT = source.ROOT
"""The checkout whose lessons and solutions count."""

VISIBLE_SEED, HIDDEN_SEED = 1, 2
COHORT_VARIABLE = "GK_COHORT_SEED"

Function = Callable[..., Any]
Case = tuple[Any, ...]


@dataclass(frozen=True)
class Exercise:
    """An exercise that a machine can judge.

    Attributes:
        id: lesson and name, "01.iou", as in the lesson's source.
        cases: given a numpy generator, returns the argument tuples, at least 8: the hand-made ones first, then random
            ones, so that another seed gives other cases. Arguments must survive `copy.deepcopy`.
        mistakes: those worth naming; the first that reproduces a learner's results is the diagnosis. The general ones
            (`mistakes.GENERAL`) are tried after them.
        draw: given the arguments of a failing case, the expected result and the learner's, returns a figure.
        tolerance: a number x equals the expected e if |x - e| <= tolerance * max(1, |e|).
    """

    id: str
    cases: Callable[[np.random.Generator], list[Case]]
    mistakes: tuple[Mistake, ...] = ()
    draw: Callable[[Case, Any, Any], Any] | None = None
    tolerance: float = 1e-5


@dataclass(frozen=True)
class Outcome:
    """What one call did: the value it returned or the error it raised, which argument it changed, what it printed."""

    value: Any = None
    error: BaseException | None = None
    changed: int | None = None
    printed: str = ""


def find(exercise_id: str) -> Exercise:
    """Return the exercise with this id, out of gk_utils/classroom/exercises/<stem of the lesson>.py.

    Raises:
        ValueError: no lesson, or no exercise that a machine judges, has this id.
    """
    path = source.find(exercise_id.partition(".")[0], ROOT)
    module = importlib.import_module(f"gk_utils.classroom.exercises.{path.stem[3:]}")
    exercises = {exercise.id: exercise for exercise in module.EXERCISES}
    if exercise_id not in exercises:
        raise ValueError(f"exercise_id: expected one of {', '.join(exercises)}, got {exercise_id!r}. Check its name.")
    return exercises[exercise_id]


@cache
def reference(exercise_id: str) -> Function:
    """Return the lesson's own solution of an exercise.

    Raises:
        ValueError: as `source.reference`.
    """
    return source.reference(exercise_id, ROOT)


def cases_of(exercise: Exercise, hidden: bool = False) -> list[Case]:
    """Return the visible cases, or the hidden ones: the same generator from another seed.

    The environment variable GK_COHORT_SEED, a whole number, gives a cohort hidden cases of its own.

    Raises:
        ValueError: GK_COHORT_SEED is not a whole number of 0 or more.
    """
    if not hidden:
        return exercise.cases(np.random.default_rng(VISIBLE_SEED))
    given = os.environ.get(COHORT_VARIABLE, "")
    if given and not given.isdecimal():
        raise ValueError(f"{COHORT_VARIABLE}: expected a whole number, got {given!r}. Set it to digits, or unset it.")
    return exercise.cases(np.random.default_rng([int(given), HIDDEN_SEED] if given else HIDDEN_SEED))


def attempt(function: Function, case: Case) -> Outcome:
    """Call a function on copies of the arguments. Whatever it raises or prints is kept; only Ctrl-C gets through.

    >>> attempt(lambda x: 1 / x, (0,)).error
    ZeroDivisionError('division by zero')
    """
    arguments, printed = copy.deepcopy(case), io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a warning is shown once in a session: the second run would differ
            value = _snapshot(function(*arguments))
            if inspect.iscoroutine(value):  # of an `async def`: left open, it would complain on stderr
                value.close()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a learner's exit() must not end the lesson
        return Outcome(error=error, printed=printed.getvalue())
    changed = [index for index, pair in enumerate(zip(case, arguments, strict=True)) if not unchanged(*pair)]
    return Outcome(value, changed=changed[0] if changed else None, printed=printed.getvalue())


def _snapshot(value: Any) -> Any:
    """Copy a result, since a later call may change what an earlier one returned."""
    with contextlib.suppress(Exception):
        return copy.deepcopy(value)
    return value


def diagnose(
    exercise: Exercise,
    reference: Function,
    outcomes: list[Outcome],
    cases: list[Case] | None = None,
    right: list[Outcome] | None = None,
) -> Mistake | None:
    """Find the mistake that explains what a learner's function returned.

    Args:
        exercise: whose mistakes are tried, in their order, before the general ones.
        reference: the right solution.
        outcomes: what the learner's function did on each case.
        cases: the cases it was tried on; the visible ones if left out.
        right: what the right solution does on these cases; it is tried if left out.

    Returns:
        The first mistake that does the same on every case and differs from the right solution on at least one.
    """
    cases = cases_of(exercise) if cases is None else cases
    right = [attempt(reference, case) for case in cases] if right is None else right
    for mistake in (*exercise.mistakes, *GENERAL):
        wrong, differs = mistake.wrong(reference), False
        for case, outcome, wanted in zip(cases, outcomes, right, strict=True):
            made = attempt(wrong, case)
            fits = mistake in exercise.mistakes or not made.error  # a general one may not even apply here
            if not (fits and _same(made, outcome, exercise.tolerance)):
                break
            differs = differs or not _same(wanted, made, exercise.tolerance)
        else:
            if differs:
                return mistake
    return None


def _same(first: Outcome, second: Outcome, tolerance: float) -> bool:
    if first.error or second.error:
        return type(first.error) is type(second.error)
    try:
        return difference(first.value, second.value, tolerance) is None
    except Exception:  # a learner's object may refuse to be compared
        return False


def problems(exercise: Exercise, reference: Function) -> list[str]:
    """List what is wrong with an exercise itself; every lesson's exercises must give an empty list.

    It needs 8 cases or more, the same for a seed and others for another; a reference that raises nothing, changes no
    argument and returns neither NaN nor None everywhere; and mistakes that fail, each under its own name.
    """
    return list(_problems(exercise, reference))


def _problems(exercise: Exercise, reference: Function) -> Iterator[str]:
    visible, hidden = cases_of(exercise), cases_of(exercise, hidden=True)
    if len(visible) < 8:
        yield f"{exercise.id}: expected 8 cases or more, got {len(visible)}"
    if not unchanged(visible, cases_of(exercise)):
        yield f"{exercise.id}: the cases of one seed differ between two calls"
    if unchanged(visible, hidden):
        yield f"{exercise.id}: the hidden cases are the visible ones"
    if not exercise.mistakes:
        yield f"{exercise.id}: names no mistake"
    for name, cases in (("visible", visible), ("hidden", hidden)):
        outcomes = [attempt(reference, case) for case in cases]
        for number, outcome in enumerate(outcomes, start=1):
            where = f"{exercise.id}: {name} case {number}: the reference"
            if outcome.error:
                yield f"{where} raises {type(outcome.error).__name__}: {describe(str(outcome.error))}"
            elif outcome.changed is not None:
                yield f"{where} changes argument {outcome.changed + 1}"
            elif found := difference(outcome.value, outcome.value):
                yield f"{where} does not equal itself: {found.text}"
        if all(outcome.value is None for outcome in outcomes):
            yield f"{exercise.id}: the reference returns None for every {name} case"
        for mistake in exercise.mistakes:
            made = [attempt(mistake.wrong(reference), case) for case in cases]
            found = diagnose(exercise, reference, made, cases, outcomes)
            if found is not mistake:
                taken = f"is taken for {found.name!r}" if found else "passes, or does something else each time"
                yield f"{exercise.id}: on the {name} cases the mistake {mistake.name!r} {taken}"
