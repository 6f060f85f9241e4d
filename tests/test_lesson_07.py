"""The exercises of lesson 07 are sound: right answers pass however they are written, mistakes fail by their name."""

import math

import torch
from exercise_tests import exercise_tests

from gk_utils.classroom.exercises.grounding_dino import EXERCISES


def mean_by_loop(box, offsets, logits, image_hw):
    total = sum(math.exp(logit) for logit in logits.tolist())
    x = y = 0.0
    for (right, down), logit in zip(offsets.tolist(), logits.tolist(), strict=True):
        weight = math.exp(logit) / total
        x += weight * (box[0] + right / len(offsets) * box[2] / 2) * image_hw[1]
        y += weight * (box[1] + down / len(offsets) * box[3] / 2) * image_hw[0]
    return [x, y]


def mean_offset_first(box, offsets, logits, image_hw):
    mean = torch.einsum("p,pk->k", torch.softmax(logits, -1), offsets) / (2 * len(offsets))
    height, width = image_hw
    return [float(width * (box[0] + box[2] * mean[0])), float(height * (box[1] + box[3] * mean[1]))]


def leaks_by_blocks(tokens, attends):
    allowed, start = torch.eye(len(tokens), dtype=torch.bool), 0
    for i, token in enumerate(tokens):
        if token in ("[CLS]", "[SEP]"):
            start = i + 1
        elif token in ".?":
            allowed[start : i + 1, start : i + 1] = True
            start = i + 1
    return [tuple(pair) for pair in (attends & ~allowed).nonzero().tolist()]


def leaks_by_pairs(tokens, attends):
    def together(i, j):
        low, high = sorted((i, j))
        between = tokens[low:high]
        ended = any(token in (".", "?") for token in tokens[high:])
        return not any(token in (".", "?", "[CLS]") for token in between) and tokens[high] != "[SEP]" and ended

    pairs = [(i, j) for i in range(len(tokens)) for j in range(len(tokens)) if i != j and attends[i, j]]
    return [pair for pair in pairs if not together(*pair)]


def kind_by_text(scores, tokens, text_threshold):
    phrases, at = " ".join(t for t in tokens if t not in ("[CLS]", "[SEP]")).split("."), 0
    words = [score for score, token in zip(scores, tokens, strict=True) if token not in ("[CLS]", "[SEP]", ".")]
    shares = []
    for phrase in (phrase.split() for phrase in phrases):
        if phrase:
            shares.append(sum(score > text_threshold for score in words[at : at + len(phrase)]) / len(phrase))
            at += len(phrase)
    above = [share for share in shares if share]
    if len(above) > 1:
        return "merged"
    return "empty" if not above else "whole" if above[0] == 1 else "cut"


def kind_by_groups(scores, tokens, text_threshold):
    group, of = 0, []
    for token in tokens:
        group += token == "."
        of.append(group)
    word = [token not in ("[CLS]", "[SEP]", ".") for token in tokens]
    named = {g for g, s, w in zip(of, scores, word, strict=True) if w and s > text_threshold}
    if len(named) != 1:
        return "merged" if named else "empty"
    cut = any(w and g in named and s <= text_threshold for g, s, w in zip(of, scores, word, strict=True))
    return "cut" if cut else "whole"


def threshold_by_max(scores, right, things):
    def f1(at):
        kept = [hit for score, hit in zip(scores, right, strict=True) if score > at]
        return 2 * sum(kept) / (len(kept) + things)

    return max((k / 20 for k in range(20)), key=lambda at: (round(f1(at), 12), -at))


def threshold_in_torch(scores, right, things):
    at = torch.arange(20, dtype=torch.double) / 20
    kept = torch.tensor(scores, dtype=torch.double)[:, None] > at
    hits = (kept & torch.tensor(right, dtype=torch.bool)[:, None]).sum(0)
    f1 = 2 * hits / (kept.sum(0) + things)
    return float(at[(f1 >= f1.max() - 1e-12).nonzero()[0, 0]])


RIGHT_ANSWERS = {
    "07.mean_place": [mean_by_loop, mean_offset_first],
    "07.leaks": [leaks_by_blocks, leaks_by_pairs],
    "07.label_kind": [kind_by_text, kind_by_groups],
    "07.best_threshold": [threshold_by_max, threshold_in_torch],
}

TestExercises = exercise_tests(EXERCISES, RIGHT_ANSWERS)
