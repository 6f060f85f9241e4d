"""Prints a measured value: the one function of the course that rounds.

Lessons print every number that a reader may compare through it, so that a test can compare them as text.
"""

import math
from typing import Any

import numpy as np
from torch import Tensor


def report(name: str, value: Any, *, low: float | None = None, high: float | None = None, unit: str = "") -> None:
    """Print a value with its name, and its interval and unit where it has them.

    Args:
        name: what was measured.
        value: a number, True or False, text, or a tensor, array, list or tuple of these. Floating-point numbers
            are printed with three decimals, whole numbers as they are; one element alone is printed as a number.
        low: the lower end of the interval; needs `high`.
        high: its upper end.
        unit: printed last.

    Raises:
        ValueError: one end of the interval without the other, or the interval is upside down.
        TypeError: a value that is neither number nor text.

    >>> report("IoU", 1 / 7, low=0.12, high=0.17)
    IoU: 0.143 [0.120, 0.170]
    >>> report("box", [10, 20.25, 30.5, 40], unit="px")
    box: [10, 20.250, 30.500, 40] px
    """
    interval = ""
    if low is not None or high is not None:
        if low is None or high is None or low > high:
            raise ValueError(f"low: expected low <= high, both or neither, got {low} and {high}. Pass the interval.")
        interval = f" [{_text(float(low))}, {_text(float(high))}]"
    print(f"{name}: {_text(_plain(value))}{interval}{' ' + unit if unit else ''}")


def _plain(value: Any) -> Any:
    """Python's own numbers and lists; the number itself for a tensor or an array of one element."""
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return value.item() if math.prod(value.shape) == 1 else value.tolist()
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool | int | str):
        return str(value)
    if isinstance(value, float):
        return f"{0.0 if abs(value) < 0.0005 else value:.3f}"  # never -0.000; NaN stays NaN
    if isinstance(value, list | tuple):
        return f"[{', '.join(_text(_plain(item)) for item in value)}]"
    raise TypeError(
        f"value: expected a number, text, or a tensor or list of them, got {type(value).__name__}. Report its parts."
    )
