"""A long job's results, kept line by line beside the file that they will become.

While the job runs, `result.json.journal` gets one line of JSON for each picture, on disk before the next batch begins.
Killed at any moment, it has lost no more than the batch it was at; a line that was cut is dropped, and the same job
goes on behind the last whole one. At the end all lines become `result.json`, by one rename, and the journal is removed.
So each of the two files is whole whenever it is there, and a finished job that is started again has nothing to do.
"""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gk_utils.formats.files import cannot_write, need, parse_json, read_json, write_whole

ENDING = ".journal"


class Journal:
    """What a job has done so far, by the name of each entry.

    Attributes:
        path: of the finished file; the journal lies beside it.
        head: what the job is: other settings are another job.
        entries: what is done, by name, in the order it was done in.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "result.json"
    >>> Journal(path, {"phrases": ["mug"]}).add([{"name": "a.png"}])
    >>> again = Journal(path, {"phrases": ["mug"]})
    >>> list(again.entries), again.finish(["a.png"]), again.journal.exists()
    (['a.png'], None, False)
    """

    def __init__(self, path: str | Path, head: Mapping[str, Any]) -> None:
        """Go on with what is there of this job.

        Raises:
            ValueError: the file or its journal is of another job, or no journal.
            OSError: the folder cannot be written.
        """
        self.path, self.head = Path(path), json.loads(json.dumps(dict(head)))
        self.journal = self.path.with_name(self.path.name + ENDING)
        self.entries: dict[str, dict[str, Any]] = {}
        if self.path.exists():
            self._take(self.path.name, *_split(read_json(self.path), self.path.name))
        if self.journal.exists():
            self._resume()
        if not self.journal.exists():
            write_whole(self.journal, json.dumps(self.head) + "\n")

    def add(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Keep entries, each with a `name`; they are on disk when this returns. A known name is replaced.

        Raises:
            OSError: a full disk; none of them is kept, and all before are.
        """
        rows = [dict(entry) for entry in entries]
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
        before = self.journal.stat().st_size if self.journal.exists() else 0
        try:
            with self.journal.open("ab") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            with suppress(OSError):
                os.truncate(self.journal, before)  # or the next entry would stand behind half a line
            raise cannot_write(self.journal, len(data), error) from error
        self.entries |= {row["name"]: row for row in rows}

    def finish(self, names: Iterable[str]) -> None:
        """Write the file, with the entries of these names in their order, and remove the journal."""
        rows = ",\n".join(f"  {json.dumps(self.entries[name])}" for name in names)
        head = "".join(f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in self.head.items())
        write_whole(self.path, f'{{\n{head} "entries": [\n{rows}\n ]\n}}\n')
        self.journal.unlink(missing_ok=True)

    def _resume(self) -> None:
        """Read the whole lines of the journal, and cut off what stands behind them."""
        whole = self.journal.read_bytes().rpartition(b"\n")[0]
        if not whole:  # not even its first line
            self.journal.unlink()
            return
        lines = whole.decode("utf-8", errors="replace").split("\n")
        try:
            head, *rows = [parse_json(line) for line in lines]
            need(all(isinstance(row, dict) and isinstance(row.get("name"), str) for row in rows), "expected names", "")
        except ValueError as error:
            raise ValueError(
                f"{self.journal.name}: expected the journal of an interrupted job, got {error}. "
                "Remove it to begin anew."
            ) from None
        self._take(self.journal.name, head, rows)
        with self.journal.open("r+b") as out:
            out.truncate(len(whole) + 1)

    def _take(self, name: str, head: Any, rows: list[dict[str, Any]]) -> None:
        if head != self.head:
            raise ValueError(
                f"{name}: expected the results of {self.head}, got those of {head!s:.300}. "
                "Ask the same, remove it, or write to another file."
            )
        self.entries |= {row["name"]: row for row in rows}


def read_finished(path: str | Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Head and entries of a finished file.

    Raises:
        ValueError: another file; names it.
    """
    return _split(read_json(path), Path(path).name)


def _split(document: Any, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    rows = document.get("entries") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and isinstance(row.get("name"), str) for row in rows
    ):
        raise ValueError(f"{name}: expected a result with `entries`, got another file. Write to another name.")
    return {key: value for key, value in document.items() if key != "entries"}, rows
