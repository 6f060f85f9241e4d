"""Pickles of plain data and nothing else: dicts, lists, tuples, texts, numbers, True, False and None.

A pickle is a program that can do anything to the machine that loads it. Here it runs on an unpickler that knows only
the instructions plain data needs; a class or a function stops it, named, before it is looked up. What it built has to
be a tree of finite values, at most 8 containers deep and no container in two places, so that a few bytes cannot stand
for a structure that takes years to walk; and no number it writes makes the unpickler reserve memory.

Not covered: size and time. A file of up to `LARGEST` bytes is read; an empty container takes some 70 bytes of memory
for its one in the file, and a hostile file may use all of that.
"""

import io
import math
import pickle
import re
from pathlib import Path
from typing import Any

from gk_utils.formats.files import write_whole

LARGEST = 2**28  # bytes; the lists of RefCOCO need a fraction

_DEPTH = 8
_HALF = re.compile("[\ud800-\udfff]")  # half of a surrogate pair: text that UTF-8 cannot hold
_NAMES = (
    "PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING "
    "BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 EMPTY_DICT DICT SETITEM SETITEMS "
    "EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 PUT BINPUT LONG_BINPUT MEMOIZE GET BINGET "
    "LONG_BINGET GLOBAL STACK_GLOBAL INST"  # the last three go to find_class, which tells the name
)
_INSTRUCTIONS = tuple(getattr(pickle, name)[0] for name in _NAMES.split())


def read_plain_pickle(path: str | Path) -> Any:
    """What the pickle at `path` holds, tuples as lists; texts of Python 2 that are not Unicode are read as Latin-1.

    Raises:
        ValueError: anything but one whole pickle of plain data; names the file, and the class if there is one.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "a.p"
    >>> _ = path.write_bytes(pickle.dumps([{"path": Path("a")}]))
    >>> read_plain_pickle(path)
    Traceback (most recent call last):
    ...
    ValueError: a.p: expected one pickle of plain data, got the class or function pathlib... Nothing was loaded.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"more than {LARGEST} bytes")
        return plain(_unpickle(path.read_bytes()))
    except ValueError as problem:
        raise ValueError(
            f"{path.name}: expected one pickle of plain data, got {problem}. Nothing was loaded."
        ) from None


def write_plain_pickle(value: Any, path: str | Path) -> None:
    """Make the file at `path` hold `value` in protocol 2: to a temporary name beside it, synced, then renamed.

    Raises:
        ValueError: `value` is not what `plain` lets pass; what lies at `path` stays as it was.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "a.p"
    >>> write_plain_pickle([{"mug": 0.5}], path)
    >>> read_plain_pickle(path)
    [{'mug': 0.5}]
    """
    write_whole(path, pickle.dumps(plain(value), 2))


def plain(value: Any) -> Any:
    """A copy of `value`, tuples as lists.

    Raises:
        ValueError: a type that is not plain, a number that is not finite or has more than 64 bits, text that UTF-8
            cannot hold, a key that is no text, more than 8 containers inside each other, one container in two places.

    >>> plain({"box": (1, 2.5)})
    {'box': [1, 2.5]}
    >>> row = [1]
    >>> plain([row, row])
    Traceback (most recent call last):
    ...
    ValueError: one container in two places
    """
    return _copy(value, 0, set())


def _copy(value: Any, depth: int, seen: set[int]) -> Any:
    kind = type(value)
    if kind is str:
        if not value.isascii() and _HALF.search(value):
            raise ValueError(f"text that UTF-8 cannot hold, {value!a:.80}")
        return value
    if kind is int and value.bit_length() > 64:
        raise ValueError("a whole number of more than 64 bits")
    if value is None or kind in (int, bool) or (kind is float and math.isfinite(value)):
        return value
    if kind not in (dict, list, tuple):
        raise ValueError(f"the number {value}" if kind is float else f"a {kind.__name__}")
    if depth == _DEPTH:
        raise ValueError(f"more than {_DEPTH} containers inside each other")
    if value:  # all empty tuples are one object
        if id(value) in seen:
            raise ValueError("one container in two places")
        seen.add(id(value))
    if kind is not dict:
        return [_copy(item, depth + 1, seen) for item in value]
    if not all(type(key) is str for key in value):
        raise ValueError("a key that is no text")
    return {_copy(key, depth, seen): _copy(item, depth + 1, seen) for key, item in value.items()}


class _PlainUnpickler(pickle._Unpickler):
    """The standard library's unpickler in Python: its table of instructions can be cut down, the one in C cannot."""

    def _refuse(self) -> None:
        raise ValueError("an instruction that plain data does not need")

    dispatch = dict.fromkeys(range(256), _refuse)
    dispatch |= {code: pickle._Unpickler.dispatch[code] for code in _INSTRUCTIONS}

    def find_class(self, module: str, name: str) -> Any:
        raise ValueError(f"the class or function {module}.{name}"[:120])


def _unpickle(data: bytes) -> Any:
    """What a pickle holds that uses no other instructions; ValueError for anything else."""
    stream = io.BytesIO(data)
    try:
        value = _PlainUnpickler(stream, encoding="latin1").load()
    except ValueError:
        raise
    except Exception as error:  # a broken pickle can raise nearly anything
        raise ValueError(f"something broken or cut off ({type(error).__name__})") from None
    if stream.read(1):
        raise ValueError("more bytes after its end")
    return value
