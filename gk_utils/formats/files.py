"""Reading and writing whole files: strict text, JSON and XML, errors that say where, writes that leave no half file.

What the readers and writers of this folder share. A reader checks everything before it returns; a writer renders,
checks what it rendered as its reader would, and only then touches the disk.
"""

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat


def read_text(path: str | Path) -> str:
    r"""The text of a UTF-8 file, line ends as they are written.

    Raises:
        ValueError: bytes that are no UTF-8; names the file.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "a.txt"
    >>> _ = path.write_bytes(b"na\xefve")
    >>> read_text(path)
    Traceback (most recent call last):
    ...
    ValueError: a.txt: expected UTF-8 text, got 'utf-8' codec can't decode byte 0xef ... Save it as UTF-8.
    """
    path = Path(path)
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name}: expected UTF-8 text, got {error}. Save it as UTF-8.") from None


def parse_json(text: str) -> Any:
    """One JSON value, stricter than `json.loads`: no NaN, no infinity, no key twice in one object.

    Raises:
        ValueError: anything else than that.

    >>> parse_json('{"2.jpg": 1, "2.jpg": 2}')
    Traceback (most recent call last):
    ...
    ValueError: expected every key once, got '2.jpg' twice
    """
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("expected JSON of ordinary depth, got too many brackets inside each other") from None


def read_json(path: str | Path) -> Any:
    """The one JSON value that a file holds, as strict as `parse_json`.

    Raises:
        ValueError: names the file.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "a.json"
    >>> _ = path.write_text('{"score": NaN}')
    >>> read_json(path)
    Traceback (most recent call last):
    ...
    ValueError: a.json: expected one JSON document, got expected a finite number, got NaN. Is the file cut off?
    """
    text = read_text(path)
    try:
        return parse_json(text)
    except ValueError as error:
        name = Path(path).name
        raise ValueError(f"{name}: expected one JSON document, got {error}. Is the file cut off?") from None


def parse_xml(text: str, tag: str) -> Element:
    """The root of an XML document, an element `tag`, read by the standard library's expat without document types.

    No document type means no entities but the five of XML itself: a file can neither reach other files nor grow.

    Raises:
        ValueError: no XML, a document type, or another root.

    >>> parse_xml("<annotation><name>7</name></annotation>", "annotation").find("name").text
    '7'
    """
    builder, parser = TreeBuilder(), expat.ParserCreate("utf-8")

    def refuse(name: str, *_rest: object) -> None:
        raise ValueError(f"expected XML without a document type, got <!DOCTYPE {name:.40}>")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = builder.start, builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(text.encode("utf-8"), True)
    except expat.ExpatError as error:
        raise ValueError(f"expected one XML document, got {error}") from None
    root = builder.close()
    need(root.tag == tag, f"expected the root <{tag}>", root.tag)
    return root


def write_whole(path: str | Path, content: str | bytes) -> None:
    r"""Make the file at `path` hold `content`, text as UTF-8: to a temporary name beside it, synced, then renamed.

    Whoever reads meanwhile sees the old file or the new one, never a part; a failed write leaves the old one.

    Raises:
        ValueError: text that UTF-8 cannot hold (half a surrogate pair); names the file.
        OSError: a full disk, a folder that cannot be written; the old file stands.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "a.txt"
    >>> write_whole(path, "mug\n")
    >>> read_text(path), len(list(path.parent.iterdir()))
    ('mug\n', 1)
    """
    path = Path(path)
    try:
        data = content.encode("utf-8") if isinstance(content, str) else content
    except UnicodeEncodeError as error:
        raise ValueError(f"{path.name}: expected text that UTF-8 can hold, got {error}. Nothing was written.") from None
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(path)
    except OSError as error:
        raise cannot_write(path, len(data), error) from error
    finally:
        temporary.unlink(missing_ok=True)


def cannot_write(path: Path, length: int, error: OSError) -> OSError:
    """The error to raise where a file of this many bytes could not be written and the one before it still stands.

    >>> print(cannot_write(Path("a.txt"), 9, OSError(28, "No space left on device")).strerror)
    a.txt: expected to write 9 bytes, got 'No space left on device'. What was there stands. Make room, and write again.
    """
    said = f"{path.name}: expected to write {length} bytes, got '{error.strerror or error}'"
    return type(error)(error.errno, f"{said}. What was there stands. Make room, and write again.", str(path))


@contextmanager
def one_writer(folder: str | Path) -> Iterator[None]:
    """Let one process, or thread, at a time into the block for this folder; the others wait for their turn.

    The lock is the system's own, on the folder itself: a killed process lets go of it, and nothing is left behind.
    Where there is none (Windows, some network drives) nobody waits. Not to be nested for one folder.

    >>> with one_writer("."):
    ...     print("alone")
    alone
    """
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)  # a process forked in the block would keep it, were it only closed
        os.close(handle)


@contextmanager
def blame(place: str) -> Iterator[None]:
    """Put the place (file and entry) before the message of any ValueError raised inside.

    >>> with blame("labels.txt: line 3"):
    ...     need(False, "expected a name", "")
    Traceback (most recent call last):
    ...
    ValueError: labels.txt: line 3: expected a name, got ''. Correct the entry or take it out; nothing was loaded.
    """
    try:
        yield
    except ValueError as problem:
        text = str(problem).rstrip(".")
        raise ValueError(f"{place}: {text}. Correct the entry or take it out; nothing was loaded.") from None


def need(sound: bool, expected: str, value: Any) -> None:
    """Raise ValueError(expected, got value) unless `sound`.

    >>> need(True, "bbox: expected four numbers", [1, 2])
    """
    if not sound:
        raise ValueError(f"{expected}, got {value!r:.80}")


def is_number(value: Any) -> bool:
    """Whether `value` is an int or a float of ordinary size; True, NaN and the infinities are not.

    >>> [is_number(value) for value in (3, 2.5, True, float("nan"), 10**30, "3")]
    [True, True, False, False, False, False]
    """
    return type(value) in (int, float) and abs(value) < 1e12


def is_text(value: Any) -> bool:
    r"""Whether `value` is a text on one line with something in it and no blank at its ends.

    >>> [is_text(value) for value in ("red mug", "", " mug", "a\nb", 3)]
    [True, False, False, False, False]
    """
    return isinstance(value, str) and value != "" and value == value.strip() and not {"\n", "\r", "\t"} & set(value)


def check_sides(width: Any, height: Any) -> tuple[int, int]:
    """`(height, width)` of a picture as a file writes them.

    Raises:
        ValueError: not two whole numbers from 1 to 99999.

    >>> check_sides(640, 480)
    (480, 640)
    """
    sound = all(type(side) is int and 0 < side < 100_000 for side in (width, height))
    need(sound, "width, height: expected whole numbers from 1 to 99999", (width, height))
    return height, width


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for index, key in enumerate(keys) if key in keys[:index])
        raise ValueError(f"expected every key once, got {twice!r:.80} twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"expected a finite number, got {text:.80}")
    return number
