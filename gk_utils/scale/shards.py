"""Parquet files that are whole or not there, with their checksums."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gk_utils.formats.files import write_whole

COMPRESSION = "zstd"
_TYPES = ("text", "int", "float", "bool")


def write_shard(path: str | Path, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> tuple[int, str]:
    """Write rows to a Parquet file by way of a temporary name; its length in bytes and its sha256.

    The same rows give the same bytes. A row's missing columns are null.

    Args:
        path: of the file.
        rows: one mapping a row; no rows make a file without any.
        columns: name to type: "text", "int", "float", "bool", and "[float]", "[[float]]" ... for lists of them.

    Raises:
        ValueError: a type that is none of these, or a value that does not fit its column; nothing is written then.
        ModuleNotFoundError: pyarrow is not installed.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "a.parquet"
    >>> length, digest = write_shard(path, [{"name": "mug", "box": [0.5, 1]}], {"name": "text", "box": "[float]"})
    >>> read_shard(path, digest), length == path.stat().st_size
    ([{'name': 'mug', 'box': [0.5, 1.0]}], True)
    """
    arrow = _arrow()
    from pyarrow import parquet

    schema = arrow.schema([(name, _type(arrow, name, kind)) for name, kind in columns.items()])
    try:
        table = arrow.Table.from_pylist([dict(row) for row in rows], schema=schema)
    except (arrow.ArrowInvalid, arrow.ArrowTypeError, OverflowError) as error:
        raise ValueError(f"rows: expected {dict(columns)}, got {error}. Nothing was written.") from None
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression=COMPRESSION)
    data = buffer.getvalue()
    write_whole(path, data)
    return len(data), hashlib.sha256(data).hexdigest()


def read_shard(path: str | Path, sha256: str | None = None) -> list[dict[str, Any]]:
    """The rows of a Parquet file; with a checksum, the file is held against it first.

    Raises:
        ValueError: no Parquet, or another checksum; names the file. FileNotFoundError: no file.
    """
    arrow = _arrow()
    from pyarrow import parquet

    path = Path(path)
    data = path.read_bytes()
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError(f"{path.name}: expected the checksum {sha256[:12]}, got another. Run the same job again.")
    try:
        return parquet.read_table(io.BytesIO(data)).to_pylist()
    except (arrow.ArrowInvalid, OSError) as error:
        raise ValueError(f"{path.name}: expected Parquet, got {error}. Run the same job again.") from None


def is_whole(path: str | Path, sha256: str) -> bool:
    """Whether a file is there and has this checksum.

    >>> is_whole("nowhere.parquet", 64 * "0")
    False
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False


def _arrow() -> Any:
    try:
        import pyarrow
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "pyarrow: expected it for Parquet files, got none. Install the extra `scale`: pip install -e '.[scale]'"
        ) from None
    return pyarrow


def _type(arrow: Any, name: str, kind: str) -> Any:
    if kind.startswith("[") and kind.endswith("]"):
        return arrow.list_(_type(arrow, name, kind[1:-1]))
    if kind not in _TYPES:
        raise ValueError(f"columns: expected {', '.join(_TYPES)} or lists of them, got {kind!r} for {name}.")
    return {"text": arrow.string(), "int": arrow.int64(), "float": arrow.float64(), "bool": arrow.bool_()}[kind]
