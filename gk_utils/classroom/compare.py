"""Whether a learner's result equals the reference's, and if not, where the first difference is and how to say it.

What is forgiven: a list for a tuple, a whole number written as int or float, any width of a tensor's numbers, and a
single number wherever it lives (Python, numpy, a tensor without axes). What is not: another shape, another family of
numbers in a tensor, another container, and NaN, which never equals anything.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gk_utils.classroom.describe import describe, shape_of


@dataclass(frozen=True)
class Difference:
    """The first place where two results differ.

    `kind` is "type", "shape", "numbers" (whole numbers for fractions and the like), "length", "keys", "nan",
    "infinite" or "value". `text` says it in words, and where: "in result[1], at [0, 2]: expected 0.25, got 0.5".
    """

    kind: str
    text: str


def difference(expected: Any, got: Any, tolerance: float = 1e-5, where: str = "result") -> Difference | None:
    """Compare a result with the expected one, to any depth of lists, tuples, dicts and dataclasses.

    Args:
        expected: numbers, text, None, tensors, arrays, containers of these, or anything with `==`.
        got: what was returned instead.
        tolerance: how far a number x may lie from the expected e: tolerance * max(1, |e|).
        where: the name of the whole, for the text.

    Returns:
        The first difference, or None if there is none.

    >>> difference([1.0, {"iou": 0.25}], (1.0, {"iou": 0.5})).text
    "in result[1]['iou']: expected 0.25, got 0.5"
    >>> difference(0.25, torch.tensor(0.25)) is None
    True
    """
    compare: Callable[..., Difference | None] = _others
    if isinstance(expected, Tensor) or (isinstance(expected, np.ndarray) and expected.ndim):
        compare = _arrays
    elif isinstance(expected, dict):
        compare = _dicts
    elif isinstance(expected, list | tuple):
        compare = _sequences
    elif dataclasses.is_dataclass(expected) and not isinstance(expected, type):
        compare = _dataclasses
    elif isinstance(_plain(expected), int | float) and not isinstance(_plain(expected), bool):
        compare = _numbers
    return compare(expected, got, tolerance, where)


def unchanged(before: Any, after: Any) -> bool:
    """Whether data passed to a function is exactly what it was; what is not data counts as unchanged.

    >>> unchanged([1.0, float("nan")], [1.0, float("nan")]), unchanged([1, 2], [2, 1])
    (True, False)
    """
    if isinstance(before, Tensor | np.ndarray):
        if type(before) is not type(after) or before.shape != after.shape or before.dtype != after.dtype:
            return False
        first, second = _as_tensor(before), _as_tensor(after)
        return bool(((first == second) | (first.isnan() & second.isnan())).all())
    if isinstance(before, dict):
        return list(before) == list(after) and all(unchanged(before[key], after[key]) for key in before)
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(unchanged, before, after))
    if isinstance(before, int | float | str | set | None):
        return before == after or (isinstance(before, float) and math.isnan(before) and math.isnan(after))
    return True


def _arrays(expected: Any, got: Any, tolerance: float, where: str) -> Difference | None:
    if not isinstance(got, Tensor if isinstance(expected, Tensor) else np.ndarray):
        return _wrong_type(expected, got, where)
    if shape_of(expected) != shape_of(got):
        return Difference("shape", f"{_in(where)}expected shape {shape_of(expected)}, got {shape_of(got)}")
    if isinstance(expected, np.ndarray) and "O" in (expected.dtype.kind, got.dtype.kind):
        return _sequences(expected.tolist(), got.tolist(), tolerance, where)
    family, other, name = _family(expected), _family(got), str(got.dtype).removeprefix("torch.")
    if family != other:
        return Difference("numbers", f"{_in(where)}expected {family}, got {other} ({name})")
    expected, got = _as_tensor(expected), _as_tensor(got)
    close = got == expected
    if family not in ("whole numbers", "True and False"):
        close |= ((got - expected).abs() <= tolerance * expected.abs().clamp(min=1)) & expected.isfinite()
    bad = {"nan": got.isnan(), "infinite": got.isinf() & ~close, "value": ~close}
    for kind, wrong in bad.items():
        if bool(wrong.any()):
            return Difference(kind, _where_in_tensor(expected, got, wrong, where))
    return None


def _as_tensor(value: Tensor | np.ndarray) -> Tensor:
    """On the CPU, without a graph; floating-point numbers in full width. An array is copied: it may be read-only."""
    tensor = torch.from_numpy(np.array(value, order="C")) if isinstance(value, np.ndarray) else value.detach().cpu()
    return tensor.double() if tensor.is_floating_point() else tensor


def _family(value: Tensor | np.ndarray) -> str:
    tensor = _as_tensor(value)
    exact = "True and False" if tensor.dtype == torch.bool else "whole numbers"
    fraction = "floating-point numbers" if tensor.is_floating_point() else exact
    return "complex numbers" if tensor.is_complex() else fraction


def _where_in_tensor(expected: Tensor, got: Tensor, wrong: Tensor, where: str) -> str:
    index = tuple(int(i) for i in wrong.nonzero()[0])
    pair = _pair(expected[index].item(), got[index].item())
    if not index:
        return f"{_in(where)}{pair}"
    count = f"{int(wrong.sum())} of {wrong.numel()} values differ, the first "
    return f"{_in(where)}{count if wrong.numel() > 1 else ''}at [{', '.join(map(str, index))}]: {pair}"


def _dicts(expected: dict[Any, Any], got: Any, tolerance: float, where: str) -> Difference | None:
    if not isinstance(got, dict):
        return _wrong_type(expected, got, where)
    missing, extra = [key for key in expected if key not in got], [key for key in got if key not in expected]
    if missing or extra:
        parts = [f"without the key {describe(missing[0])}"] if missing else []
        parts += [f"with a key {describe(extra[0])} that is not expected"] if extra else []
        return Difference("keys", f"{_in(where)}got a dict {' and '.join(parts)}")
    found = (difference(expected[key], got[key], tolerance, f"{where}[{key!r}]") for key in expected)
    return next((item for item in found if item), None)


def _sequences(expected: Any, got: Any, tolerance: float, where: str) -> Difference | None:
    if not isinstance(got, list | tuple):
        return _wrong_type(expected, got, where)
    if len(expected) != len(got):
        return Difference("length", f"{_in(where)}expected {len(expected)} items, got {len(got)}")
    pairs = enumerate(zip(expected, got, strict=True))
    found = (difference(one, other, tolerance, f"{where}[{index}]") for index, (one, other) in pairs)
    return next((item for item in found if item), None)


def _dataclasses(expected: Any, got: Any, tolerance: float, where: str) -> Difference | None:
    if type(got).__name__ != type(expected).__name__:  # by name: a lesson and its reference each define their own
        return _wrong_type(expected, got, where)
    found = (
        difference(part, getattr(got, name), tolerance, f"{where}.{name}") for name, part in vars(expected).items()
    )
    return next((item for item in found if item), None)


def _numbers(expected: Any, got: Any, tolerance: float, where: str) -> Difference | None:
    expected, got = _plain(expected), _plain(got)
    if isinstance(got, bool) or not isinstance(got, int | float):
        return _wrong_type(expected, got, where)
    whole = isinstance(expected, int) and isinstance(got, int)
    near = not whole and abs(got - expected) <= tolerance * max(1.0, abs(expected)) < math.inf
    if expected == got or near:
        return None
    kind = "nan" if math.isnan(got) else "infinite" if math.isinf(got) else "value"
    return Difference(kind, _in(where) + _pair(expected, got))


def _others(expected: Any, got: Any, tolerance: float, where: str) -> Difference | None:
    expected, got = _plain(expected), _plain(got)
    exact = isinstance(expected, bool | str | bytes | set | frozenset | None)
    if exact and isinstance(got, type(expected)):
        return None if expected == got else Difference("value", _in(where) + _pair(expected, got))
    if exact or type(got).__name__ != type(expected).__name__:
        return _wrong_type(expected, got, where)
    return None if bool(expected == got) else Difference("value", _in(where) + _pair(expected, got))


def _plain(value: Any) -> Any:
    """A number out of numpy or out of a tensor without axes, as Python's own; anything else as it is."""
    if isinstance(value, np.generic | np.ndarray | Tensor) and value.ndim == 0:
        return value.item()
    return value


def _wrong_type(expected: Any, got: Any, where: str) -> Difference:
    return Difference("type", f"{_in(where)}expected {_kind(expected)}, got {_kind(got)}")


def _kind(value: Any) -> str:
    names = {bool: "True or False", int: "a whole number (int)", float: "a number (float)", str: "text (str)"}
    name = type(value).__name__
    kind = names.get(type(value), f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}")
    if isinstance(value, Tensor | np.ndarray):
        kind = f"{'a tensor' if isinstance(value, Tensor) else 'a numpy array'} of shape {shape_of(value)}"
    return "None" if value is None else kind


def _pair(expected: Any, got: Any) -> str:
    """Both values; with all their digits where six do not tell them apart."""
    first, second = describe(expected), describe(got)
    if first == second:
        first, second = describe(expected, 17), describe(got, 17)
    return f"expected {first}, got {second}"


def _in(where: str) -> str:
    """Nothing for the whole result, "in result[1], " for a part of it."""
    return "" if "[" not in where and "." not in where else f"in {where}: "
