"""The exercise 09.encoder_calls: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written


def asked(rng: np.random.Generator) -> list[Case]:
    """Pictures in the order they are asked about, the boxes found in each, how many are kept: by hand, then random."""
    cases: list[Case] = [
        (["cat", "mug", "cat", "cat"], [1, 2, 1, 3], 2),
        (["cat", "mug", "owl", "cat"], [1, 2, 1, 1], 2),  # the cat had to make room
        (["cat", "mug", "cat", "owl", "cat"], [1, 1, 1, 1, 1], 2),  # used again: the mug makes room
        (["cat", "mug", "cat", "owl", "mug"], [1, 1, 1, 1, 1], 2),
        (["cat", "mug", "cat", "mug"], [1, 1, 1, 1], 1),
        (["cat", "cat", "mug", "cat"], [0, 1, 0, 1], 1),  # nothing found: the mug is not embedded, and takes no room
        (["cat", "mug"], [0, 0], 4),
        ([], [], 3),
        (["cat"] * 5, [1] * 5, 1),
        (["cat", "mug", "owl", "cow", "owl", "mug", "cat"], [1] * 7, 3),
    ]
    for _ in range(8):
        n, kinds = int(rng.integers(10, 24)), int(rng.integers(3, 7))
        pictures = [f"picture {number}" for number in rng.integers(0, kinds, n)]
        cases.append((pictures, rng.integers(0, 4, n).tolist(), int(rng.integers(1, kinds))))
    return cases


def calls_with(
    *,
    skip_empty: bool = True,
    renew: bool = True,
    drop: Callable[[list[str]], int] = lambda kept: 0,
    room: Callable[[int], float] = lambda kept: kept,
    count: Callable[[int, int], int] = lambda calls, looked: calls,
) -> Callable[[list[str], list[int], int], int]:
    """The right count, or one of its wrong relatives."""

    def answer(pictures: list[str], boxes: list[int], kept: int) -> int:
        cache, calls, looked = [], 0, 0
        for picture, number in zip(pictures, boxes, strict=True):
            if skip_empty and not number:
                continue
            looked += 1
            if picture in cache:
                if renew:
                    cache.remove(picture)
                    cache.append(picture)
                continue
            calls += 1
            if len(cache) >= room(kept):
                cache.pop(drop(cache))
            cache.append(picture)
        return count(calls, looked)

    return answer


def each_once(pictures: list[str], boxes: list[int], kept: int) -> int:
    """A cache without an end."""
    return len({picture for picture, number in zip(pictures, boxes, strict=True) if number})


ENCODER_CALLS = Exercise(
    "09.encoder_calls",
    asked,
    mistakes=(
        written(
            "pictures without boxes embedded",
            "Where nothing was found there is nothing to cut out: that picture is not embedded, and takes no room.",
            calls_with(skip_empty=False),
        ),
        written(
            "the oldest makes room, used or not",
            "A picture that is used again becomes the newest: what was unused for longest makes room.",
            calls_with(renew=False),
        ),
        written(
            "the newest makes room",
            "What was unused for longest makes room, so the other end of your list.",
            calls_with(drop=lambda cache: len(cache) - 1),
        ),
        written("a cache without an end", "Only `kept` embeddings stay: the others are gone.", each_once),
        written(
            "no cache at all",
            "A picture whose embedding is kept is not embedded again.",
            calls_with(count=lambda calls, looked: looked),
        ),
        written(
            "the embeddings that were found again",
            "Count the pictures that are embedded, not those that were in the cache.",
            calls_with(count=lambda calls, looked: looked - calls),
        ),
        written(
            "one embedding more than there is room for",
            "Make room before the list is longer than `kept`.",
            calls_with(room=lambda kept: kept + 1),
        ),
    ),
)
