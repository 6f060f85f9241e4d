"""Changes numbers inside whatever holds them: tensors, arrays, and lists, tuples and dicts of numbers, to any depth."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor


def rows(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Change a table of numbers as one float64 tensor, and give it back in the container and kind it came in.

    What is not a table of numbers (text, rows of different lengths, None) comes back as it is.

    >>> rows(((1, 2), (3, 4)), lambda table: table.mT)
    ((1, 3), (2, 4))
    """
    if isinstance(value, Tensor):
        return change(value.double()).to(value.dtype)
    if isinstance(value, np.ndarray):
        return change(torch.from_numpy(value.astype(np.float64))).numpy().astype(value.dtype)
    if not isinstance(value, list | tuple):
        return value
    try:
        given = torch.tensor(value)
    except (TypeError, ValueError, RuntimeError):
        return value
    changed = change(given.double() if given.is_floating_point() else torch.tensor(value, dtype=torch.float64))
    whole = not given.is_floating_point() and bool((changed == changed.round()).all())
    return _like(value, (changed.to(given.dtype) if whole else changed).tolist())


def _like(value: Any, table: Any) -> Any:
    """Give a nested list the tuples that `value` has at the same depth."""
    if not isinstance(table, list):
        return table
    inner = value[0] if isinstance(value, list | tuple) and value else None
    items = [_like(inner, item) for item in table]
    return tuple(items) if isinstance(value, tuple) else items


def swap_xy(table: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """Exchange x and y on the last axis of points (2 numbers) or boxes (4); anything else comes back as it is.

    >>> swap_xy(torch.tensor([10.0, 20.0, 30.0, 40.0]))
    tensor([20., 10., 40., 30.])
    """
    order = {2: [1, 0], 4: [1, 0, 3, 2]}.get(table.shape[-1] if table.ndim else 0)
    return table if order is None else table[..., order]


def each_number(value: Any, change: Callable[[Any], Any], with_bools: bool = False) -> Any:
    """Change every number, a tensor or array as a whole; with `with_bools`, True and False become their opposites.

    >>> each_number({"boxes": [1, 2.5], "name": "mug", "seen": True}, lambda number: 2 * number)
    {'boxes': [2, 5.0], 'name': 'mug', 'seen': True}
    """
    if isinstance(value, bool) or str(getattr(value, "dtype", "")).endswith("bool"):
        opposite = not value if isinstance(value, bool) else ~value
        return opposite if with_bools else value
    if isinstance(value, int | float | Tensor | np.ndarray | np.number):
        return change(value)
    if isinstance(value, list | tuple):
        return type(value)([each_number(item, change, with_bools) for item in value])
    if isinstance(value, dict):
        return {key: each_number(item, change, with_bools) for key, item in value.items()}
    return value
