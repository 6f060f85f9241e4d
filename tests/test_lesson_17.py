"""The exercises of lesson 17 are sound: right answers pass however they are written, mistakes fail by their name."""

import itertools
from collections import defaultdict

import torch
from exercise_tests import exercise_tests

from gk_utils.boxes import paired_iou, pairwise_iou
from gk_utils.classroom.exercises.capstone import EXERCISES


def backed_by_all_orders(said, boxes, truths):
    if said != len(boxes) or len(boxes) != len(truths):
        return False
    orders = map(list, itertools.permutations(range(said)))
    return any(bool((paired_iou(boxes[order].view(-1, 4), truths) >= 0.5).all()) for order in orders)


def backed_by_augmenting(said, boxes, truths):
    if {said, len(boxes), len(truths)} != {said}:
        return False
    on = (pairwise_iou(boxes, truths) >= 0.5).tolist() if said else []
    owner = {}

    def seat(box, tried):
        for thing in range(said):
            if on[box][thing] and thing not in tried:
                tried.add(thing)
                if thing not in owner or seat(owner[thing], tried):
                    owner[thing] = box
                    return True
        return False

    return all(seat(box, set()) for box in range(said))


def settle_by_match(boxes, model):
    match boxes, model:
        case (None, _), (None, _):
            return [None, "nobody"]
        case (None, _), (truth, _):
            return [truth, "model"]
        case (truth, _), (None, _):
            return [truth, "boxes"]
        case (a, _), (b, _) if a is b:
            return [a, "both"]
        case (a, x), (b, y):
            return [a, "boxes"] if x - y >= 0.5 else [b, "model"] if y - x >= 0.5 else [None, "conflict"]


def settle_by_speakers(boxes, model):
    speakers = [
        (truth, margin, who) for (truth, margin), who in ((boxes, "boxes"), (model, "model")) if truth is not None
    ]
    if not speakers:
        return [None, "nobody"]
    if len({truth for truth, _, _ in speakers}) == 1:
        return [speakers[0][0], "both" if len(speakers) == 2 else speakers[0][2]]
    low, high = sorted(speakers, key=lambda one: one[1])
    return [high[0], high[2]] if high[1] - low[1] >= 0.5 else [None, "conflict"]


def card_in_torch(rows):
    right = torch.tensor([row[1] for row in rows], dtype=torch.double)
    absent = torch.tensor([row[2] for row in rows])
    invented = torch.tensor([row[3] for row in rows], dtype=torch.double)[absent]
    shares = defaultdict(list)
    for row in sorted(rows):
        shares[row[0]].append(row[1])
    worst = min(shares, key=lambda kind: sum(shares[kind]) / len(shares[kind]))
    return [float(right.mean()), float(invented.mean()) if len(invented) else 0.0, worst]


def card_by_counting(rows):
    n, absent, found, kinds = 0, 0, 0, {}
    hits = 0
    for kind, right, is_absent, invented in rows:
        n, hits = n + 1, hits + right
        absent, found = absent + is_absent, found + (is_absent and invented)
        good, of = kinds.get(kind, (0, 0))
        kinds[kind] = good + right, of + 1
    lowest = min(good / of for good, of in kinds.values())
    worst = sorted(kind for kind, (good, of) in kinds.items() if good / of == lowest)[0]
    return [hits / n, found / absent if absent else 0.0, worst]


RIGHT_ANSWERS = {
    "17.backed": (backed_by_all_orders, backed_by_augmenting),
    "17.settle": (settle_by_match, settle_by_speakers),
    "17.score_card": (card_in_torch, card_by_counting),
}
TestExercises = exercise_tests(EXERCISES, RIGHT_ANSWERS)
