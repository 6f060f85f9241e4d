"""Work in batches that shrink when memory runs out: half as many at once, and on from where it stopped."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

Item, Result = TypeVar("Item"), TypeVar("Result")


class Halving:
    """Runs a function over batches of at most `size` items; what did not fit once is not tried again.

    >>> sums = Halving(2)
    >>> sums(lambda batch: [2 * item for item in batch], [1, 2, 3])
    [2, 4, 6]
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"size: expected 1 or more, got {size}. It is how many are computed at once.")
        self.size = size

    def __call__(self, work: Callable[[Sequence[Item]], Sequence[Result]], items: Sequence[Item]) -> list[Result]:
        """One result an item, in their order; `work` may run more than once on an item, after an error alone.

        Raises:
            torch.OutOfMemoryError: a single item does not fit.
        """
        done: list[Result] = []
        while len(done) < len(items):
            batch = items[len(done) : len(done) + self.size]
            try:
                done += work(batch)
                continue
            except torch.OutOfMemoryError:
                if len(batch) == 1:
                    raise
            # Outside of `except`: until here the error kept what the failed call had allocated.
            self.size = (len(batch) + 1) // 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        return done
