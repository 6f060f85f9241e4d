"""A job without a model: squares of numbers, some of them broken, some without a row, some that kill their worker.

It imports nothing heavy, so that a worker of Ray is ready at once.
"""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from gk_utils.scale.shard_work import Broken, Outcome, Shard, Work


@dataclass(frozen=True)
class Squares:
    """The squares of 0 to `count` - 1, `each` in a shard. What is done is noted in the file `log`, a line a number.

    Attributes:
        pause: seconds that each takes.
        broken, empty: numbers that cannot be done, that make no row.
        raises: numbers at which the work raises.
        kills: numbers at which the worker is killed, and how often before it lets them pass.
        sulks: raised by `load` where it is not empty.
    """

    count: int
    each: int
    log: str
    pause: float = 0.0
    broken: tuple[int, ...] = ()
    empty: tuple[int, ...] = ()
    raises: tuple[int, ...] = ()
    kills: tuple[tuple[int, int], ...] = ()
    at_once: int = 1
    sulks: str = ""
    columns: ClassVar[dict[str, str]] = {"number": "int", "square": "float", "parts": "[[float]]"}

    def settings(self) -> dict[str, Any]:
        return {"job": "squares", "count": self.count, "each": self.each}

    def shards(self) -> list[Shard]:
        firsts = range(0, self.count, self.each)
        return [
            Shard(number, first, min(self.each, self.count - first), {"say": "here"})
            for number, first in enumerate(firsts)
        ]

    def items(self, shard: Shard) -> list[int]:
        assert shard.where == {"say": "here"}
        return list(range(shard.first, shard.first + shard.count))

    def name_of(self, item: int) -> str:
        return f"number {item}"

    def load(self, device: str) -> Work:
        with Path(f"{self.log}.loads").open("a") as file:
            file.write(f"{os.getpid()}\n")
        if self.sulks:
            raise ValueError(self.sulks)

        def work(numbers: Sequence[int]) -> list[Outcome]:
            return [self._do(number) for number in numbers]

        return work

    def _do(self, number: int) -> Outcome:
        time.sleep(self.pause)
        with Path(self.log).open("a") as file:
            file.write(f"{number} {os.getpid()}\n")
        if self.seen().count(number) <= dict(self.kills).get(number, 0):
            os.kill(os.getpid(), signal.SIGKILL)
        if number in self.raises:
            raise RuntimeError(f"not\n{number}")
        if number in self.broken:
            return Broken("too odd")
        if number in self.empty:
            return None
        return {"number": number, "square": float(number**2), "parts": [[1.0], [float(number)]]}

    def seen(self) -> list[int]:
        """The numbers in the order in which they were begun, by whichever worker."""
        return [number for number, _ in self.log_lines()]

    def log_lines(self) -> list[tuple[int, int]]:
        """Number and process of each line of the log."""
        path = Path(self.log)
        lines = path.read_text().splitlines() if path.exists() else []
        return [(int(line.split()[0]), int(line.split()[1])) for line in lines]

    def loads(self) -> list[int]:
        """The processes that loaded, once for each time."""
        return [int(line) for line in Path(f"{self.log}.loads").read_text().split()]

    def rows(self) -> list[dict[str, Any]]:
        """What the job's rows should be."""
        none = {*self.broken, *self.empty, *self.raises}
        return [
            {"number": number, "square": float(number**2), "parts": [[1.0], [float(number)]]}
            for number in range(self.count)
            if number not in none
        ]
