"""Says any value in one short line, the same on every run, for the messages of `check`."""

import math
import re
from typing import Any

import numpy as np
from torch import Tensor

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_LONGEST = 160


def describe(value: Any, digits: int = 6) -> str:
    """Say a value in one short line that is the same on every run: no address, numbers to `digits` digits.

    >>> describe((np.array([[10.0, 20.0]]), 1 / 3, np.zeros((50, 4)), "mug"))
    "(array([[10, 20]]), 0.333333, an array of shape (50, 4), 'mug')"
    """
    try:
        text = without_addresses(_describe(value, digits)).replace("\n", " ")
    except Exception:  # a learner's object may refuse even to be printed
        text = f"an object of type {type(value).__name__}"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 4] + " ..."


def without_addresses(text: str) -> str:
    """Leave out where in memory an object lies, which differs between two runs."""
    return _ADDRESS.sub("", text)


def _describe(value: Any, digits: int) -> str:
    text = repr(value) if not hasattr(value, "__name__") else str(value.__name__)
    if isinstance(value, Tensor | np.ndarray):
        name = "tensor" if isinstance(value, Tensor) else "array"
        count = math.prod(value.shape)
        text = f"{name}({_describe(value.tolist(), digits)})"
        if count == 0 or count > 24:
            text = (
                f"{'an empty' if count == 0 else 'a' if name == 'tensor' else 'an'} {name} of shape {shape_of(value)}"
            )
    elif isinstance(value, float | np.floating):
        text = f"{value:.{digits}g}"
    elif isinstance(value, dict):
        text = "{" + ", ".join(f"{key!r}: {_describe(item, digits)}" for key, item in value.items()) + "}"
    elif isinstance(value, list | tuple):
        inside = ", ".join(_describe(item, digits) for item in value)
        closing = ",)" if len(value) == 1 else ")"
        text = f"[{inside}]" if isinstance(value, list) else f"({inside}{closing}"
    elif isinstance(value, set | frozenset):  # in an order that is the same on every run
        text = "{" + ", ".join(sorted(_describe(item, digits) for item in value)) + "}" if value else "set()"
    return text


def shape_of(value: Any) -> tuple[int, ...]:
    """Return the shape of a tensor or an array as a plain tuple."""
    return tuple(int(side) for side in value.shape)
