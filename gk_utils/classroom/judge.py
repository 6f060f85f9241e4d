"""Judges a learner's function on an exercise's cases, and says in words what it found.

The words are the same on every run: the seeds are fixed, memory addresses are left out, and nothing is timed.
"""

import _thread
import contextlib
import inspect
import linecache
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from gk_utils.classroom.compare import difference
from gk_utils.classroom.describe import describe, without_addresses
from gk_utils.classroom.exercise import Case, Exercise, Function, Outcome, attempt, cases_of, diagnose

SECONDS = 10.0
"""How long a learner's function may take for all cases of one check."""

_HEADINGS = {"type": "wrong type", "shape": "wrong shape", "numbers": "wrong kind of numbers", "length": "wrong length"}
_HEADINGS |= {"keys": "wrong keys", "nan": "not a number", "infinite": "not finite", "value": "wrong value"}


@dataclass(frozen=True)
class Verdict:
    """Whether the function passed, the text for its author, and what to draw: arguments, expected and got."""

    passed: bool
    text: str
    picture: tuple[Case, Any, Any] | None = None


def judge(exercise: Exercise, reference: Function, function: Any, hidden: bool = False) -> Verdict:
    """Try a function on the visible or the hidden cases.

    Raises:
        KeyboardInterrupt: the learner stopped it.
        ValueError: GK_COHORT_SEED is not a whole number.
    """
    cases = cases_of(exercise, hidden)
    if reason := _not_callable_so(exercise, reference, function, cases):
        return Verdict(False, f"{exercise.id} not passed: {reason}")
    outcomes: list[Outcome] = []
    try:
        with time_limit(SECONDS):
            for case in cases:
                outcomes.append(attempt(function, case))
    except TimeoutError:
        number = min(len(outcomes), len(cases) - 1)  # the last one may have swallowed the interrupt and returned
        where = f"case {number + 1}: {_call(reference, cases[number])}"
        text = f"{exercise.id} not passed: stopped after {SECONDS:g} s in {where}\n  Look for a loop that never ends."
        return Verdict(False, text)
    expected = [attempt(reference, case).value for case in cases]
    if all(item.error is None and (item.value is None or item.value is ...) for item in outcomes) and any(
        value is not None for value in expected
    ):
        advice = (
            f"{reference.__name__} returns {describe(outcomes[0].value)}. Write its body, run its cell, then this one."
        )
        return Verdict(False, f"{exercise.id} not attempted yet: {advice}")
    found = [
        _complaint(wanted, outcome, reference, function, exercise.tolerance)
        for wanted, outcome in zip(expected, outcomes, strict=True)
    ]
    right = [number for number, lines in enumerate(found, start=1) if not lines]
    kind = "hidden cases" if hidden else "cases"
    if len(right) == len(cases):
        return Verdict(True, f"{exercise.id} passed: all {len(cases)} {kind} are right.")
    first = next(index for index, lines in enumerate(found) if lines)
    lines = [
        f"{exercise.id} not passed: {len(right)} of {len(cases)} {kind} are right{_ranges(right)}.",
        f"Case {first + 1}: {_call(reference, cases[first])}",
        *found[first],
        *_printed(outcomes[first].printed),
    ]
    if mistake := diagnose(exercise, reference, outcomes, cases):
        lines += [f"This looks like: {mistake.name}.", mistake.advice]
    drawable = found[first][0].startswith(("wrong value", "wrong length"))
    picture = (cases[first], expected[first], outcomes[first].value) if drawable else None
    return Verdict(False, "\n  ".join(lines), picture)


def error_text(error: BaseException) -> str:
    """Say an error in one line: its type and the first line of its message.

    >>> error_text(ValueError("no boxes"))
    'ValueError: no boxes'
    """
    try:
        message = without_addresses(str(error).strip().split("\n")[0])[:200]
    except Exception:  # an exception of a learner's own may refuse to be printed
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Stop the block after so many seconds, the way Ctrl-C would: between two steps of Python, on any platform.

    One long call inside a library is not stopped, nor is anything outside the main thread (a notebook's cells run in
    it); code that swallows KeyboardInterrupt goes on until the notebook's own limit.

    Raises:
        TimeoutError: the block was stopped.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    lock, done, fired = threading.Lock(), threading.Event(), threading.Event()

    def stop() -> None:
        with lock:
            if not done.is_set():
                fired.set()
                _thread.interrupt_main()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    try:
        try:
            timer.start()
            yield
        finally:
            with lock:
                done.set()  # from here on no interrupt is sent
            if fired.is_set():
                time.sleep(0.01)  # and one that is on its way arrives here
    except KeyboardInterrupt:
        if not fired.is_set():
            raise
    finally:
        done.set()
        timer.cancel()
    if fired.is_set():
        raise TimeoutError


def _not_callable_so(exercise: Exercise, reference: Function, function: Any, cases: list[Case]) -> str:
    """Why the function cannot even be called: not a function, or not with these arguments. Nothing if it can."""
    name = reference.__name__
    if not callable(function):
        what = f"{describe(function)} is no function"
        return f'{what}. Pass the function itself, not what it returns: check("{exercise.id}", {name}).'
    with contextlib.suppress(ValueError):  # some built-in functions do not say what they take
        signature = inspect.signature(function)
        for case in cases:
            try:
                signature.bind(*case)
            except TypeError:
                stub = f"def {name}({', '.join(inspect.signature(reference).parameters)})"
                count = f"{len(case)} argument{'' if len(case) == 1 else 's'}"
                return f"it cannot be called with {count}. Keep the first line of the stub: {stub}."
    return ""


def _complaint(expected: Any, outcome: Outcome, reference: Function, function: Function, tolerance: float) -> list[str]:
    """What is wrong with one outcome, in lines; none if it is right."""
    if outcome.error is not None:
        return [f"raised {error_text(outcome.error)}", *_line_of(outcome.error, function)]
    if outcome.changed is not None:
        argument = list(inspect.signature(reference).parameters)[outcome.changed]
        return [f"changed its argument {argument} in place. Work on a copy, or on the result of an operation."]
    try:
        found = difference(expected, outcome.value, tolerance)
    except Exception as error:
        return [f"the result, of type {type(outcome.value).__name__}, cannot be compared: {error_text(error)}"]
    if found is None:
        return []
    lines = [f"{_HEADINGS[found.kind]}: {found.text}"]
    if outcome.value is None:
        lines.append("Nothing is returned on this path: look for a missing return.")
    if found.kind in ("nan", "infinite"):
        lines.append("Look for a division by zero, or the root or logarithm of a negative number.")
    whole = describe(expected), describe(outcome.value)
    if found.text != f"expected {whole[0]}, got {whole[1]}" and whole[0] != whole[1]:
        lines += [f"expected {whole[0]}", f"got      {whole[1]}"]
    return lines


def _line_of(error: BaseException, function: Function) -> list[str]:
    """The last line of the learner's own cell that the error came through."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    frames = list(traceback.walk_tb(error.__traceback__))
    own = [line for frame, line in frames if code and frame.f_code.co_filename == code.co_filename]
    if not own:
        return []
    return [f"in line {own[-1]} of your cell: {linecache.getline(code.co_filename, own[-1]).strip()}"]


def _call(reference: Function, case: Case) -> str:
    return f"{reference.__name__}({', '.join(describe(argument) for argument in case)})"


def _printed(text: str) -> list[str]:
    """The first lines of what the function printed, indented."""
    lines = text.strip().split("\n") if text.strip() else []
    shown = [f"  {line[:160]}" for line in lines[:5]] + (["  ..."] if len(lines) > 5 else [])
    return ["it printed:", *shown] if shown else []


def _ranges(numbers: list[int]) -> str:
    """Numbers in order, neighbours joined.

    >>> _ranges([1, 2, 3, 7, 9])
    ' (1-3, 7, 9)'
    """
    runs = [[n for _, n in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    parts = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    return f" ({', '.join(parts)})" if parts else ""
