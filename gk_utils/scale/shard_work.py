"""What a worker does: take the items of one shard through the models, write the Parquet file, say what came of it."""

import json
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from gk_utils.scale.attempts import ALONE, Attempts, Chunk
from gk_utils.scale.shards import write_shard


@dataclass(frozen=True)
class Shard:
    """A slice of a job's inputs.

    Attributes:
        number: counted from 0.
        first: the number of its first item.
        count: how many items it has.
        where: what the task needs to find them; JSON.
    """

    number: int
    first: int
    count: int
    where: Any

    @property
    def name(self) -> str:
        """Of its file.

        >>> Shard(7, 0, 1, None).name
        'part-000007.parquet'
        """
        return f"part-{self.number:06d}.parquet"


@dataclass(frozen=True)
class Broken:
    """An item that could not be done, and why."""

    reason: str


Outcome = dict[str, Any] | Broken | None  # a row; a failure; nothing worth a row
Work = Callable[[Sequence[Any]], Sequence[Outcome]]


@runtime_checkable
class Task(Protocol):
    """What a job does with its items. It travels to the workers, so it is small and picklable.

    Attributes:
        at_once: how many items `Work` gets in one call.
        columns: name to type of the rows, see `write_shard`.
    """

    at_once: int
    columns: dict[str, str]

    def settings(self) -> dict[str, Any]:
        """All that the rows depend on: other settings are another job. JSON."""

    def shards(self) -> list[Shard]:
        """All shards of the job."""

    def items(self, shard: Shard) -> list[Any]:
        """The items of a shard."""

    def name_of(self, item: Any) -> str:
        """What to call an item where it is listed as broken."""

    def load(self, device: str) -> Work:
        """Load the models on a device and return what does the work: an outcome for each item, in their order."""


def make_shard(task: Task, work: Work, shard: Shard, out: str | Path) -> dict[str, Any]:
    """Do one shard: its file in the folder `out`, and the entry that says what came of it.

    The entry: name, first, items, rows, empty (items without a row), broken ([name, reason] each), bytes, sha256, and
    who did it when: worker (machine:process), began (Unix time), seconds.
    """
    began, path = time.time(), Path(out) / shard.name
    attempts = Attempts(path.with_name(f".{shard.name}.trying"))
    items = task.items(shard)
    rows: list[dict[str, Any]] = []
    broken: list[list[str]] = []
    try:
        for chunk in attempts.chunks(len(items), task.at_once):
            for number, outcome in zip(chunk, _outcomes(work, items, chunk, attempts), strict=True):
                if isinstance(outcome, Broken):
                    broken.append([task.name_of(items[number]), outcome.reason])
                elif outcome is not None:
                    rows.append(outcome)
    finally:
        attempts.end()
    length, sha256 = write_shard(path, rows, task.columns)
    attempts.finish()
    return {
        **{"name": shard.name, "first": shard.first, "items": len(items), "rows": len(rows)},
        **{"empty": len(items) - len(rows) - len(broken), "broken": broken, "bytes": length, "sha256": sha256},
        **{"worker": f"{socket.gethostname()}:{os.getpid()}", "began": began, "seconds": time.time() - began},
    }


def _outcomes(work: Work, items: Sequence[Any], chunk: Chunk, attempts: Attempts) -> Sequence[Outcome]:
    """What comes of a chunk; where that raises, of its items one by one, and what raises alone is broken."""
    if attempts.is_given_up(chunk):
        return [Broken(f"its worker died {ALONE} times")]
    attempts.begin(chunk)
    try:
        return work([items[number] for number in chunk])
    except Exception as error:
        if len(chunk) == 1:
            return [Broken(reason_of(error))]
    return [outcome for number in chunk for outcome in _outcomes(work, items, (number,), attempts)]


def reason_of(error: Exception) -> str:
    """Why an item is broken, in one line: what the course's readers say of a file, else with the error's type.

    >>> reason_of(OSError("no such file")), reason_of(RuntimeError("too large"))
    ('no such file', 'RuntimeError: too large')
    """
    text = " ".join(str(error).split())
    return text if isinstance(error, ValueError | OSError) and text else f"{type(error).__name__}: {text}"


class ShardWorker:
    """A worker as Ray Data wants it: models loaded once, then shards as JSON, in and out."""

    def __init__(self, task: Task, out: str, device: str) -> None:
        self.task, self.out, self.work = task, out, task.load(device)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The entry of the shard, as JSON."""
        entries = [make_shard(self.task, self.work, Shard(**json.loads(text)), self.out) for text in batch["shard"]]
        return {"entry": [json.dumps(entry) for entry in entries]}
