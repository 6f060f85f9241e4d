"""Checks at the public door: what a shape annotation cannot see, said in one form.

Every message reads ``{argument}: expected X, got Y. <what to do>``; for a batch it names the row and its values.
Each check returns nothing and changes nothing: it raises, or it lets the argument pass.
"""

import math
from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor


def check_boxes(boxes: Any, name: str = "boxes") -> None:
    """Raise unless `boxes` is a floating-point tensor (..., 4) of finite xyxy corners with x1 <= x2 and y1 <= y2.

    Empty batches and boxes without area are valid; the sign and the unit of the numbers are not looked at.

    Args:
        boxes: what a caller passed in.
        name: the caller's argument name, for the message.

    Raises:
        TypeError: not a floating-point tensor.
        ValueError: wrong last axis, a value that is not finite, or corners in the wrong order.

    >>> import torch
    >>> check_boxes(torch.tensor([[10.0, 40.0, 30.0, 60.0], [50.0, 40.0, 20.0, 60.0]]))
    Traceback (most recent call last):
    ...
    ValueError: boxes: expected x1 <= x2 and y1 <= y2, got row 1 = [50, 40, 20, 60]. Is it xywh? ...
    """
    if not isinstance(boxes, Tensor):
        raise TypeError(
            f"{name}: expected a float tensor (..., 4), got {type(boxes).__name__}. "
            f"Wrap it: torch.tensor({name}, dtype=torch.float32)."
        )
    if not boxes.is_floating_point():
        raise TypeError(
            f"{name}: expected a float tensor (..., 4), got {str(boxes.dtype).removeprefix('torch.')}. "
            f"Call {name}.float() first."
        )
    if boxes.ndim == 0 or boxes.shape[-1] != 4:
        raise ValueError(
            f"{name}: expected shape (..., 4), got {tuple(boxes.shape)}. "
            "One box is four numbers on the last axis; no boxes are torch.zeros(0, 4)."
        )
    # x2 - x1 >= 0 is false for NaN too, and inf - inf is NaN: one comparison finds every kind of bad row.
    good = ((boxes[..., 2:] >= boxes[..., :2]) & boxes[..., 2:].isfinite() & boxes[..., :2].isfinite()).all(-1)
    if bool(good.all()):
        return
    where, values = _first_bad_row(boxes, good)
    if not boxes.isfinite().all(-1)[~good][0]:
        raise ValueError(
            f"{name}: expected finite numbers, got {where} = {values}. Drop that box, or find where it was made."
        )
    raise ValueError(
        f"{name}: expected x1 <= x2 and y1 <= y2, got {where} = {values}. "
        "Is it xywh? Convert it with xywh_to_xyxy first."
    )


def check_unit(values: Tensor, name: str, last_axis: int | None = None) -> None:
    """Raise unless every value lies in [0, 1], up to 1e-6 of rounding.

    Args:
        values: a tensor of any shape; its rows are the last axis (the whole tensor if it has one axis).
        name: the caller's argument name.
        last_axis: the length that the last axis must have, or None for any.

    Raises:
        ValueError: another last axis, NaN, or a value outside [0, 1].

    >>> import torch
    >>> check_unit(torch.tensor([[0.1, 0.2, 0.5, 320.0]]), "boxes_unit", 4)
    Traceback (most recent call last):
    ...
    ValueError: boxes_unit: expected numbers in [0, 1], got row 0 = [0.1, 0.2, 0.5, 320]. Pixels? ...
    """
    if last_axis is not None and (values.ndim == 0 or values.shape[-1] != last_axis):
        raise ValueError(
            f"{name}: expected shape (..., {last_axis}), got {tuple(values.shape)}. "
            "Put the coordinates on the last axis."
        )
    good = (values >= -1e-6) & (values <= 1 + 1e-6)
    good = good.all(-1) if values.ndim else good
    if not bool(good.all()):
        where, row = _first_bad_row(values, good)
        raise ValueError(
            f"{name}: expected numbers in [0, 1], got {where} = {row}. "
            "Pixels? Divide x by the width and y by the height."
        )


def check_choice(value: Any, choices: Collection[Any], name: str) -> None:
    """Raise unless `value` is one of `choices`.

    Raises:
        ValueError: lists the choices, in their order.

    >>> check_choice("center", ("centre", "corner"), "placement")
    Traceback (most recent call last):
    ...
    ValueError: placement: expected one of 'centre', 'corner', got 'center'. Choose one of these.
    """
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name}: expected one of {listed}, got {value!r}. Choose one of these.")


def check_hw(image_hw: Sequence[float], name: str = "image_hw") -> None:
    """Raise unless `image_hw` is (height, width), both finite and > 0.

    Raises:
        ValueError: not two numbers, or one that is not a positive finite number.

    >>> check_hw((480, 0))
    Traceback (most recent call last):
    ...
    ValueError: image_hw: expected (height, width), both above 0, got (480, 0). PIL's image.size is ...
    """
    pair = tuple(image_hw)
    if len(pair) != 2 or not all(math.isfinite(side) and side > 0 for side in pair):
        raise ValueError(
            f"{name}: expected (height, width), both above 0, got {pair}. "
            "PIL's image.size is (width, height): pass image.size[::-1]."
        )


def check_same_length(first: Any, second: Any, names: tuple[str, str]) -> None:
    """Raise unless `first` and `second` have the same length along their first axis.

    Raises:
        ValueError: names both arguments and both lengths.

    >>> check_same_length([1, 2], [1], ("boxes1", "boxes2"))
    Traceback (most recent call last):
    ...
    ValueError: boxes2: expected as many rows as boxes1 (2), got 1. Rows are compared in pairs; ...
    """
    if len(first) != len(second):
        raise ValueError(
            f"{names[1]}: expected as many rows as {names[0]} ({len(first)}), got {len(second)}. "
            "Rows are compared in pairs; for all against all use a pairwise_ function."
        )


def _first_bad_row(values: Tensor, good: Tensor) -> tuple[str, str]:
    """Where the first False of `good` stands ("row 3", "row (0, 3)", "it"), and the values there."""
    index = tuple(int(i) for i in (~good).nonzero()[0])
    row = values[index]
    numbers = [f"{number:g}" for number in row.flatten().tolist()]
    text = numbers[0] if row.ndim == 0 else f"[{', '.join(numbers)}]"
    if not index:
        return "the box" if row.shape[-1:] == (4,) else "the values", text
    return f"row {index[0] if len(index) == 1 else index}", text


def check_device(device: str) -> None:
    """Raise unless torch can put a tensor on this device here.

    Raises:
        ValueError: an unknown name, or hardware that this machine lacks.

    >>> check_device("toaster")
    Traceback (most recent call last):
    ...
    ValueError: device: expected one that is here, got 'toaster' (...). Use cpu.
    """
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"device: expected one that is here, got {device!r} ({first}). Use cpu.") from error
