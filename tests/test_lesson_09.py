"""The exercises of lesson 09 are sound: right answers pass however they are written, mistakes fail by their name."""

from collections import OrderedDict

import numpy as np
from exercise_tests import exercise_tests

from gk_utils.classroom.exercises.grounded_sam import EXERCISES


def calls_by_order(pictures, boxes, kept):
    cache, calls = OrderedDict(), 0
    for picture in (picture for picture, number in zip(pictures, boxes, strict=True) if number > 0):
        calls += picture not in cache
        cache[picture] = True
        cache.move_to_end(picture)
        if len(cache) > kept:
            cache.popitem(last=False)
    return calls


def calls_by_looking_back(pictures, boxes, kept):
    asked = [picture for picture, number in zip(pictures, boxes, strict=True) if number]
    calls = 0
    for i, picture in enumerate(asked):
        before = [j for j in range(i) if asked[j] == picture]
        since = asked[before[-1] + 1 : i] if before else None
        calls += since is None or len(set(since)) >= kept
    return calls


def pixels_of(counts):
    return np.repeat(np.arange(len(counts)) % 2 == 1, counts)


def overlap_in_pixels(first, second):
    one, two = pixels_of(first), pixels_of(second)
    return float((one & two).sum() / max(1, (one | two).sum()))


def overlap_by_intervals(first, second):
    def intervals(counts):
        ends = np.cumsum(counts).tolist()
        return list(zip(ends[0::2], ends[1::2], strict=False))

    pairs = [(a, b) for a in intervals(first) for b in intervals(second)]
    both = sum(max(0, min(a[1], b[1]) - max(a[0], b[0])) for a, b in pairs)
    either = sum(first[1::2]) + sum(second[1::2]) - both
    return both / either if either else 0


def moved_by_letters(mentions, start, end, words):
    length = max([end, *(last for _, last in mentions)], default=end) + 1
    old = list(range(length))
    new = [*old[:start], *([None] * len(words)), *old[end:]]

    def place(first, last):
        inserted_inside = start == end and first < start < last
        letters = list(range(first, last))
        if inserted_inside or any(letter not in new for letter in letters):
            return None
        return (new.index(first), new.index(last - 1) + 1)

    return [place(first, last) for first, last in mentions]


def moved_in_a_line(mentions, start, end, words):
    by = len(words) - end + start
    return [
        [a, b] if b <= start else [a + by, b + by] if a >= end else None for a, b in mentions
    ]  # lists will do as well


def rates_in_numpy(verdicts, true):
    said, right = np.array(verdicts, dtype=object), np.array(true, dtype=bool)
    blamed, opened = said == "contradicted", said == "cannot be checked"

    def share(values):
        return float(values.mean()) if len(values) else 0.0

    return share(blamed[right]), share(blamed[~right]), share(~opened)


def rates_by_counting(verdicts, true):
    accused = caught = checked = 0
    for verdict, is_true in zip(verdicts, true, strict=True):
        accused += is_true and verdict == "contradicted"
        caught += not is_true and verdict == "contradicted"
        checked += verdict in ("supported", "contradicted")
    n, n_true = len(true), sum(true)
    return [accused / (n_true or 1), caught / ((n - n_true) or 1), checked / (n or 1)]


RIGHT_ANSWERS = {
    "09.encoder_calls": [calls_by_order, calls_by_looking_back],
    "09.overlap": [overlap_in_pixels, overlap_by_intervals],
    "09.moved": [moved_by_letters, moved_in_a_line],
    "09.rates": [rates_in_numpy, rates_by_counting],
}

TestExercises = exercise_tests(EXERCISES, RIGHT_ANSWERS)
