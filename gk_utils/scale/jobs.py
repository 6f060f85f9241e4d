"""A job from its first shard to its manifest, resumed wherever it was stopped.

The folder of a job holds one Parquet file a shard and `manifest.json`: the settings, and an entry a shard with its
counts, its checksum and its broken items. Until the job is done the entries are kept in `manifest.json.journal`, on
disk as each shard arrives. A shard counts as done when its entry is there and its file has the entry's checksum; one
with broken items is tried once more whenever the job is run again, since what was missing may be there now.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gk_utils.grounded_sam.journal import Journal, read_finished
from gk_utils.scale.shard_work import Shard, Task, make_shard
from gk_utils.scale.shards import is_whole, read_shard

MANIFEST = "manifest.json"
FEWEST, MOST, SHARDS = 16, 4096, 256  # items in a shard; how many shards a job of middling size has
Spread = Callable[[Task, Sequence[Shard], Path], Iterable[dict[str, Any]]]
Progress = Callable[[Iterable[dict[str, Any]], int, int], Iterable[dict[str, Any]]]


@dataclass(frozen=True)
class Manifest:
    """What a finished job left in its folder.

    Attributes:
        folder: where the shards lie.
        settings: all that the rows depend on.
        entries: one a shard, in order; see `make_shard`.
    """

    folder: Path
    settings: dict[str, Any]
    entries: tuple[dict[str, Any], ...]

    def total(self, key: str) -> int:
        """The sum of a count over all shards: items, rows, empty, bytes."""
        return sum(entry[key] for entry in self.entries)

    @property
    def broken(self) -> tuple[tuple[str, str], ...]:
        """Name and reason of each item that could not be done, in the order of the inputs."""
        return tuple((name, reason) for entry in self.entries for name, reason in entry["broken"])

    def rows(self) -> Iterator[dict[str, Any]]:
        """All rows in the order of the inputs, one shard in memory at a time.

        Raises:
            ValueError: a shard whose checksum is not the one of its entry. FileNotFoundError: one that is gone.
        """
        for entry in self.entries:
            yield from read_shard(self.folder / entry["name"], entry["sha256"])


def items_in_a_shard(items: int) -> int:
    """How many items go in one shard of a job: enough shards to share out, none too small or too large to redo.

    >>> [items_in_a_shard(items) for items in (10, 10_000, 91_000_000)]
    [16, 40, 4096]
    """
    return min(MOST, max(FEWEST, -(-items // SHARDS)))


def in_this_process(task: Task, shards: Sequence[Shard], out: Path) -> Iterator[dict[str, Any]]:
    """Make the shards one after the other, here: what every other way of doing it must equal."""
    work = task.load("cpu")
    for shard in shards:
        yield make_shard(task, work, shard, out)


def run_job(task: Task, out: str | Path, spread: Spread, progress: Progress | None = None) -> Manifest:
    """Do what is left of a job, and write its manifest.

    Args:
        task: what to do.
        out: the job's folder; one driver at a time.
        spread: makes shards and hands over their entries in any order, as they are done.
        progress: wraps the entries, told how many items there are and how many were done before; tqdm, say.

    Raises:
        ValueError: a folder with the results of another job. OSError: it cannot be written.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    shards = task.shards()
    journal = Journal(out / MANIFEST, {**task.settings(), "columns": task.columns})
    left = [shard for shard in shards if not _is_done(journal.entries.get(shard.name), out)]
    if left:
        items = sum(shard.count for shard in shards)
        entries = spread(task, left, out)
        done = items - sum(shard.count for shard in left)
        for entry in progress(entries, items, done) if progress else entries:
            journal.add([entry])
    for leftover in out.glob(".part-*"):  # of workers that were killed as they wrote
        leftover.unlink(missing_ok=True)
    journal.finish(shard.name for shard in shards)
    return read_manifest(out)


def read_manifest(folder: str | Path) -> Manifest:
    """The manifest of a finished job.

    Raises:
        FileNotFoundError: none there. ValueError: another file.

    >>> read_manifest("nowhere")
    Traceback (most recent call last):
    ...
    FileNotFoundError: folder: expected a finished job, got no manifest.json in 'nowhere'. Run the job to its end.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(
            f"folder: expected a finished job, got no {MANIFEST} in {str(folder)!r}. Run the job to its end."
        )
    settings, entries = read_finished(path)
    return Manifest(Path(folder), settings, tuple(entries))


def _is_done(entry: dict[str, Any] | None, out: Path) -> bool:
    return entry is not None and not entry["broken"] and is_whole(out / entry["name"], entry["sha256"])
