"""The exercises of lesson 15 are sound: right answers pass however they are written, mistakes fail by their name."""

from collections import Counter

import numpy as np
import torch
from exercise_tests import exercise_tests

from gk_utils.classroom.exercises.grounded_conversation import EXERCISES
from gk_utils.grounded_conversation.filter_scores import FilterScores
from gk_utils.grounded_conversation.polls import draw_polls


def caught_by_package(wrong, outcomes):
    n = len(wrong)
    scores = FilterScores(torch.tensor(wrong, dtype=torch.bool), tuple(outcomes), ("box",) * n, torch.arange(n))
    return [scores.precision, scores.recall, float(scores.undecided.sum()) / max(n, 1)]


def caught_in_numpy(wrong, outcomes):
    bad, words = np.array(wrong, bool), np.array(outcomes, dtype="U12")
    out = words == "contradicted"
    return [
        float((bad & out).sum() / max(out.sum(), 1)),
        float((bad & out).sum() / max(bad.sum(), 1)),
        float((words == "undecided").sum() / max(len(words), 1)),
    ]


def tempting_by_table(pictures, number, thing):
    there = set(pictures[number])
    names = sorted({name for things in pictures for name in things} - there)
    beside = [sum(thing in things and name in things for things in pictures) for name in names]
    return names[beside.index(max(beside))] if beside and max(beside) else ""


def tempting_by_counter(pictures, number, thing):
    counts = Counter(name for things in pictures if thing in things for name in things)
    for name in pictures[number]:
        counts.pop(name, None)
    return min(counts, key=lambda name: (-counts[name], name), default="")


def made_up_by_loops(mentions, things):
    said = wrong = captions = 0
    for names, there in zip(mentions, things, strict=True):
        bad = 0
        for name in names:
            said += 1
            bad += name not in set(there)
        wrong += bad
        captions += bad > 0
    return [wrong / (said or 1), captions / (len(mentions) or 1)]


def made_up_flat(mentions, things):
    flags = [[name not in there for name in names] for names, there in zip(mentions, things, strict=True)]
    flat = [flag for row in flags for flag in row]
    return [float(np.mean(flat)) if flat else 0.0, float(np.mean([any(row) for row in flags])) if flags else 0.0]


def matched_by_package(ious, alike):
    left, found = torch.tensor(ious).double(), 0
    while True:
        row, column = divmod(int(left.argmax()), left.shape[1])
        if left[row, column] < 0.5 or not alike[row][column]:
            return found
        found += 1
        left[row], left[:, column] = -1, -1


def matched_recursively(ious, alike):
    cells = [(iou, row, column) for row, line in enumerate(ious) for column, iou in enumerate(line)]
    if not cells:
        return 0
    iou, row, column = max(cells)
    if iou < 0.5 or not alike[row][column]:
        return 0
    rest = [
        [[*line[:column], *line[column + 1 :]] for k, line in enumerate(table) if k != row] for table in (ious, alike)
    ]
    return 1 + matched_recursively(*rest)


RIGHT_ANSWERS = {
    "15.caught": (caught_by_package, caught_in_numpy),
    "15.tempting": (tempting_by_table, tempting_by_counter),
    "15.made_up": (made_up_by_loops, made_up_flat),
    "15.matched": (matched_by_package, matched_recursively),
}
TestExercises = exercise_tests(EXERCISES, RIGHT_ANSWERS)


class TestTempting:
    def test_it_is_what_pope_asks_for_first(self):
        pictures = {"a": ["mug", "cat"], "b": ["mug", "spoon"], "c": ["mug", "plate", "spoon"], "d": ["apple", "bowl"]}
        polls = draw_polls(pictures, "adversarial", each=1)
        assert polls[1].text == "Is there a spoon in the image?"
        assert tempting_by_table(list(pictures.values()), 0, "mug") == "spoon"
