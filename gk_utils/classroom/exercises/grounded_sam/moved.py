"""The exercise 09.moved: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

Span = tuple[int, int]
Moved = list[Span | None]


def corrections(rng: np.random.Generator) -> list[Case]:
    """Mentions of a caption and a correction of some of its characters: by hand, then random."""
    # "Two mugs and a cat." has its mentions at 4-8 and 15-18.
    two = [(4, 8), (15, 18)]
    cases: list[Case] = [
        (two, 0, 3, "Three"),
        (two, 9, 12, "beside"),
        (two, 15, 18, "dog"),  # as long as before, and another thing
        (two, 6, 8, "g"),  # the end of a mention
        (two, 2, 5, "ree m"),  # its start
        (two, 8, 8, " of mine"),  # an insertion right behind a mention
        (two, 4, 4, "red "),  # and right before one
        (two, 5, 5, "u"),  # inside
        (two, 18, 19, "!"),
        (two, 0, 19, ""),  # all of it
        (two, 8, 15, ", "),  # from mention to mention
        ([], 0, 3, "Three"),
        ([(0, 5), (5, 9), (9, 14)], 5, 9, "and more"),
    ]
    for _ in range(8):
        places = np.sort(rng.choice(np.arange(60), 8, replace=False)).tolist()
        mentions = [(places[i], places[i + 1]) for i in range(0, 8, 2)]
        start, end = np.sort(rng.integers(0, 60, 2)).tolist()
        cases.append((mentions, start, end, "x" * int(rng.integers(0, 12))))
    return cases


def moved_with(
    *,
    shift: Callable[[int, int, str], int] = lambda start, end, words: len(words) - (end - start),
    before: Callable[[Span, int, int], bool] = lambda span, start, end: span[1] <= start,
    behind: Callable[[Span, int, int], bool] = lambda span, start, end: span[0] >= end,
    touched: Callable[[Span, int], Moved] = lambda span, by: [None],
    move: Callable[[Span, int], Span] = lambda span, by: (span[0] + by, span[1] + by),
) -> Callable[[list[Span], int, int, str], Moved]:
    """The right places, or one of their wrong relatives."""

    def answer(mentions: list[Span], start: int, end: int, words: str) -> Moved:
        by, found = shift(start, end, words), []
        for span in map(tuple, mentions):
            if before(span, start, end):
                found.append(span)
            elif behind(span, start, end):
                found.append(move(span, by))
            else:
                found += touched(span, by)
        return found

    return answer


MOVED = Exercise(
    "09.moved",
    corrections,
    mistakes=(
        written(
            "moved by the new words alone",
            "What was there before has gone: the rest moves by the difference of the two lengths.",
            moved_with(shift=lambda start, end, words: len(words)),
        ),
        written(
            "moved the wrong way",
            "Longer words push the rest to the right: new length minus old length.",
            moved_with(shift=lambda start, end, words: end - start - len(words)),
        ),
        written(
            "the end not moved",
            "Both ends of a mention behind the correction move.",
            moved_with(move=lambda span, by: (span[0] + by, span[1])),
        ),
        written(
            "a mention that ends where the correction begins taken for touched",
            "Ends are exclusive: [4, 8) and [8, 15) share no character.",
            moved_with(before=lambda span, start, end: span[1] < start),
        ),
        written(
            "a mention that begins where the correction ends taken for touched",
            "Ends are exclusive: a correction of [8, 15) does not touch [15, 18).",
            moved_with(behind=lambda span, start, end: span[0] > end),
        ),
        written(
            "mentions that were touched kept where they were",
            "Nobody knows what the corrected words name: put None.",
            moved_with(touched=lambda span, by: [span]),
        ),
        written(
            "mentions that were touched moved along",
            "Nobody knows what the corrected words name: put None.",
            moved_with(touched=lambda span, by: [(span[0] + by, span[1] + by)]),
        ),
        written(
            "mentions that were touched left out",
            "Put None in their place, so that the others keep their rows.",
            moved_with(touched=lambda span, by: []),
        ),
        written(
            "mentions before the correction moved too",
            "What stands before the correction stays.",
            moved_with(before=lambda span, start, end: False, behind=lambda span, start, end: True),
        ),
    ),
)
