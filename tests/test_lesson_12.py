"""The exercises of lesson 12 are sound: right answers pass however they are written, mistakes fail by their name."""

import math
import re

import torch
from exercise_tests import exercise_tests

from gk_utils.box_tokens.cell_pairs import decode_cells, encode_cells
from gk_utils.classroom.exercises.kosmos2 import EXERCISES
from gk_utils.kosmos2.grounded_text import parse_grounded


def spans_by_package(text):
    return list(parse_grounded(text).grounded.spans)


def spans_by_walking(text):
    clean, spans, start = "", [], None
    for piece in re.split("(<[^>]*>)", text):
        if piece == "<phrase>":
            start = len(clean)
        elif piece == "</phrase>":
            words = clean[start:]
            spans.append((start + len(words) - len(words.lstrip()), len(clean.rstrip())))
        elif not piece.startswith("<"):
            clean += piece
    shift = len(clean) - len(clean.lstrip())
    return [(start - shift, end - shift) for start, end in spans]


def moved_by_package(box, image_hw, grid):
    boxes = torch.tensor([box], dtype=torch.float64)
    return (decode_cells(encode_cells(boxes, image_hw, grid), image_hw, grid)[0].double() - boxes[0]).tolist()


def moved_by_axis(box, image_hw, grid):
    steps = [image_hw[1] / grid, image_hw[0] / grid]
    low = [math.floor(box[k] / steps[k]) for k in (0, 1)]
    high = [max(math.ceil(box[k + 2] / steps[k]) - 1, low[k]) for k in (0, 1)]
    half = 0.0 if low[0] == high[0] or low[1] == high[1] else 0.5
    first = [(low[k] + half) * steps[k] - box[k] for k in (0, 1)]
    return first + [(high[k] + 1 - half) * steps[k] - box[k + 2] for k in (0, 1)]


def outermost_by_dropping(spans, boxes):
    kept = [span for span, count in zip(spans, boxes, strict=True) if count > 0]
    for a, b in list(kept):
        kept = [(c, d) for c, d in kept if (a, b) == (c, d) or not (a <= c and d <= b)]
    return kept


def outermost_by_sets(spans, boxes):
    kept = []
    for place, count in enumerate(boxes):
        mine = set(range(*spans[place]))
        others = [set(range(*span)) for span, some in zip(spans, boxes, strict=True) if some]
        if count and not any(mine < other for other in others):
            kept.append(spans[place])
    return kept


def f1_by_precision(phrases):
    written, right, there = (sum(column) for column in zip(*phrases, strict=True)) if phrases else (0, 0, 0)
    if not right:
        return 0.0
    precision, recall = right / written, right / there
    return 2 * precision * recall / (precision + recall)


def f1_by_counting(phrases):
    right = wrong = missing = 0
    for boxes, good, there in phrases:
        right, wrong, missing = right + good, wrong + boxes - good, missing + there - good
    return right / (right + (wrong + missing) / 2) if right + wrong + missing else 0.0


RIGHT_ANSWERS = {
    "12.plain_spans": [spans_by_package, spans_by_walking],
    "12.moved_sides": [moved_by_package, moved_by_axis],
    "12.outermost": [outermost_by_dropping, outermost_by_sets],
    "12.pair_f1": [f1_by_precision, f1_by_counting],
}

TestExercises = exercise_tests(EXERCISES, RIGHT_ANSWERS)
