"""Which items a worker was at when it died, so that one that always kills its worker is set aside in the end.

A picture can take its process with it: a decoder that crashes, memory that runs out. The worker is started again and
gets the same shard, and without a record that would never end. So each chunk of items is noted in a file beside the
shard before it begins. A chunk whose worker died twice is taken item by item, and an item at which it died three times
alone is given up. Who is killed from outside hits the same item three times by rare chance only.
"""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

Chunk = tuple[int, ...]
TOGETHER = 2  # deaths at a chunk before its items go one by one
ALONE = 3  # deaths at one item before it is given up
NONE: Chunk = (-1,)  # noted where no chunk is under way


class Attempts:
    """The record of one shard; it is kept until `finish`.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "trying"
    >>> for _ in range(2):
    ...     Attempts(path).begin((0, 1))  # and the worker dies
    >>> Attempts(path).chunks(4, 2)
    [(0,), (1,), (2, 3)]
    """

    def __init__(self, path: str | Path) -> None:
        """Read what was begun before, and note that a new attempt begins."""
        self.path = Path(path)
        text = self.path.read_text(errors="replace") if self.path.exists() else ""
        self.deaths = _deaths(text)
        self._note((), before="" if text.endswith("\n") or not text else "\n")

    def chunks(self, count: int, at_once: int) -> list[Chunk]:
        """The numbers of `count` items in chunks of `at_once`, those apart at which a worker died."""
        found: list[Chunk] = []
        for start in range(0, count, at_once):
            chunk = tuple(range(start, min(start + at_once, count)))
            found += [(item,) for item in chunk] if self.deaths[chunk] >= TOGETHER else [chunk]
        return found

    def is_given_up(self, chunk: Chunk) -> bool:
        """Whether this is one item, and ALONE workers died at it."""
        return len(chunk) == 1 and self.deaths[chunk] >= ALONE

    def begin(self, chunk: Chunk) -> None:
        """Note that a chunk begins."""
        self._note(chunk)

    def end(self) -> None:
        """Note that no chunk is under way: what stops the worker from here on is not the last one's fault."""
        self._note(NONE)

    def finish(self) -> None:
        """Remove the record: the shard is written."""
        self.path.unlink(missing_ok=True)

    def _note(self, chunk: Chunk, before: str = "") -> None:
        with self.path.open("a") as file:
            file.write(before + json.dumps(chunk) + "\n")


def _deaths(text: str) -> Counter[Chunk]:
    """How often a worker died at each chunk: it is the last before an attempt begins, or of all."""
    chunks = [chunk for line in text.split("\n") if (chunk := _read(line)) is not None]
    return Counter(chunk for chunk, after in pairwise([*chunks, ()]) if chunk not in ((), NONE) and not after)


def _read(line: str) -> Chunk | None:
    """The chunk of a line; None for one that was cut as its worker died."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return tuple(found) if isinstance(found, list) else None
