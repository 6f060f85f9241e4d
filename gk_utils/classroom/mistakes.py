"""The mistakes people make with boxes, frames and averages, as ways to spoil a right solution.

Each function returns a `Mistake`. Most change what the reference is given (`on_arguments`) or what it returns
(`on_result`), so that no wrong solution has to be written; `written` takes one that has been. A spoiled solution is
right about everything else, so it reproduces exactly what a learner with that one mistake gets.

Arguments are counted from 0; where several hold boxes, name them all: `xy_swapped(0, 1)`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from gk_utils.boxes import cxcywh_to_xyxy, xywh_to_xyxy, xyxy_to_cxcywh, xyxy_to_xywh
from gk_utils.classroom.containers import each_number, rows, swap_xy

Function = Callable[..., Any]
Format = Literal["xyxy", "xywh", "cxcywh"]

_WORDS = {"xyxy": "x1, y1, x2, y2", "xywh": "left, top, width, height", "cxcywh": "centre x, centre y, width, height"}
_TO_CORNERS: dict[str, Function] = {"xyxy": lambda boxes: boxes, "xywh": xywh_to_xyxy, "cxcywh": cxcywh_to_xyxy}
_FROM_CORNERS: dict[str, Function] = {"xyxy": lambda boxes: boxes, "xywh": xyxy_to_xywh, "cxcywh": xyxy_to_cxcywh}


@dataclass(frozen=True)
class Mistake:
    """A mistake with a name: `wrong(reference)` returns a function that makes it.

    `name` completes "This looks like: ..."; `advice` is a sentence or two on what to do about it.
    """

    name: str
    advice: str
    wrong: Callable[[Function], Function]


# --- the three ways to build one --------------------------------------------------------------------------------


def on_arguments(name: str, advice: str, change: Callable[[Any], Any], *arguments: int) -> Mistake:
    """Give the reference changed arguments: those with these numbers, the first if none is named.

    >>> doubled = on_arguments("twice the width", "Halve it.", lambda width: 2 * width)
    >>> doubled.wrong(lambda width, height: width * height)(3, 5)
    30
    """
    chosen = arguments or (0,)

    def wrong(reference: Function) -> Function:
        return lambda *given: reference(*(change(one) if i in chosen else one for i, one in enumerate(given)))

    return Mistake(name, advice, wrong)


def on_result(name: str, advice: str, change: Callable[[Any], Any]) -> Mistake:
    """Change what the reference returns."""
    return Mistake(name, advice, lambda reference: lambda *given: change(reference(*given)))


def written(name: str, advice: str, wrong: Function) -> Mistake:
    """Take a wrong solution as it stands: a clamp that is missing, a result that is not clipped."""
    return Mistake(name, advice, lambda reference: wrong)


# --- what the arguments mean ------------------------------------------------------------------------------------


def xy_swapped(*arguments: int) -> Mistake:
    """The x and the y of points or boxes exchanged on the way in."""
    advice = "The last axis holds x before y: x runs to the right (columns), y runs down (rows)."
    return on_arguments("x and y swapped in the input", advice, lambda value: rows(value, swap_xy), *arguments)


def hw_swapped(argument: int) -> Mistake:
    """A pair (height, width) unpacked as (width, height)."""
    advice = "A name that ends in _hw holds the height first; PIL's image.size and names in _wh hold the width first."
    return on_arguments("height and width swapped", advice, lambda pair: pair[::-1], argument)


def misread(*arguments: int, actual: Format, taken_for: Format) -> Mistake:
    """Boxes in one format read as if they were in another: xywh taken for xyxy.

    >>> width = lambda box_xywh: box_xywh[2]
    >>> misread(actual="xywh", taken_for="xyxy").wrong(width)((10.0, 20.0, 30.0, 40.0))
    20.0
    """
    advice = f"The four numbers are {_WORDS[actual]}; convert them to what your formula needs before using them."
    return on_arguments(
        f"{actual} read as {taken_for}",
        advice,
        lambda value: rows(value, lambda boxes: _FROM_CORNERS[actual](_TO_CORNERS[taken_for](boxes))),
        *arguments,
    )


def inclusive_pixels(*arguments: int) -> Mistake:
    """Widths and heights of xyxy boxes counted as x2 - x1 + 1."""
    advice = "Coordinates are continuous here: a box from 0 to 10 is 10 wide, not 11. Leave the + 1 out."
    shift = torch.tensor([0.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    return on_arguments(
        "one pixel added to widths and heights",
        advice,
        lambda value: rows(value, lambda boxes: boxes + shift),
        *arguments,
    )


def arguments_swapped(first: int = 0, second: int = 1) -> Mistake:
    """Two arguments in each other's place; a function with fewer is left alone."""

    def wrong(reference: Function) -> Function:
        def mistaken(*given: Any) -> Any:
            order = list(range(len(given)))
            if max(first, second) < len(given):
                order[first], order[second] = second, first
            return reference(*(given[index] for index in order))

        return mistaken

    advice = f"Arguments {first + 1} and {second + 1} seem to have changed places: look up which is which in the stub."
    return Mistake("the wrong order of arguments", advice, wrong)


# --- what the result means --------------------------------------------------------------------------------------


def xy_swapped_in_result() -> Mistake:
    """The x and the y of points or boxes exchanged on the way out."""
    advice = "Return x before y on the last axis: x runs to the right (columns), y runs down (rows)."
    return on_result("x and y swapped in the result", advice, lambda value: rows(value, swap_xy))


def misreturned(*, expected: Format, returned: Format) -> Mistake:
    """Boxes returned in another format than the one asked for."""
    advice = f"The exercise asks for {_WORDS[expected]}; you return {_WORDS[returned]}."
    return on_result(
        f"boxes returned as {returned} instead of {expected}",
        advice,
        lambda value: rows(value, lambda boxes: _FROM_CORNERS[returned](_TO_CORNERS[expected](boxes))),
    )


def transposed() -> Mistake:
    """The last two axes of the result exchanged."""
    advice = "Rows and columns have changed places: the first axis of the result belongs to the first argument."
    return on_result(
        "the result transposed", advice, lambda value: rows(value, lambda table: table.mT if table.ndim > 1 else table)
    )


def scaled(factor: float) -> Mistake:
    """The result off by a constant factor; -1 is a wrong sign."""
    name = "the sign flipped" if factor == -1 else f"the result {factor:g} times too large"
    if 0 < factor < 1:
        name = f"the result {1 / factor:g} times too small"
    advice = "Every number you return is off by the same factor: look for a missing or a doubled one, or for the unit."
    return on_result(name, advice, lambda value: each_number(value, lambda number: number * factor))


def shifted(by: int) -> Mistake:
    """The result off by a constant, such as a count that starts at 1."""
    advice = "Every number you return is off by the same amount: does the counting start at 0?"
    name = f"the result {abs(by)} too {'large' if by > 0 else 'small'}"
    return on_result(name, advice, lambda value: each_number(value, lambda number: number + by))


def complement() -> Mistake:
    """1 minus the result, or the opposite of a yes or no."""
    advice = "You return the opposite: 1 minus what is asked for, or yes for no."
    return on_result("the opposite of the result", advice, lambda value: each_number(value, lambda x: 1 - x, True))


def rounded() -> Mistake:
    """The result rounded to whole numbers."""
    advice = "Keep the fraction: rounding belongs where a number is printed."
    return on_result("the result rounded", advice, lambda value: each_number(value, _round))


def clipped(low: float, high: float) -> Mistake:
    """The result clipped to a range that it may leave."""
    advice = f"Results outside {low:g} to {high:g} are valid here: do not clip them."

    def clip(number: Any) -> Any:
        return number.clip(low, high) if hasattr(number, "clip") else min(max(number, low), high)

    return on_result(f"the result clipped to {low:g} to {high:g}", advice, lambda value: each_number(value, clip))


def reversed_order() -> Mistake:
    """The items of the result in reverse, such as ascending for descending."""
    advice = "The order is the reverse of what is asked for."
    return on_result("the reverse order", advice, _reversed)


def _round(number: Any) -> Any:
    return number.round() if hasattr(number, "round") else round(number)


def _reversed(value: Any) -> Any:
    if isinstance(value, Tensor) and value.ndim:
        return value.flip(0)
    return value[::-1] if isinstance(value, list | tuple | np.ndarray) else value


GENERAL = (
    arguments_swapped(),
    transposed(),
    xy_swapped_in_result(),
    *(scaled(factor) for factor in (-1, 2, 0.5, 100, 0.01)),
    complement(),
    *(shifted(by) for by in (1, -1)),
    reversed_order(),
    rounded(),
)
"""Tried on every exercise, after its own."""
