"""The exercises of lesson 11 are sound: right answers pass however they are written, mistakes fail by their name."""

import math
from collections import Counter

import torch
from exercise_tests import exercise_tests

from gk_utils.classroom.exercises.contrastive import EXERCISES


def least_by_counter(captions, orderless):
    counts = Counter(" ".join(sorted(text.split())) if orderless else text for text in captions)
    return sum(n * math.log(n) for n in counts.values()) / len(captions)


def least_by_softmax(captions, orderless):
    """Logits of 0 for captions that read alike, minus infinity for the others."""
    bags = [Counter(text.split()) if orderless else text for text in captions]
    alike = torch.tensor([[one == other for other in bags] for one in bags])
    logits = torch.zeros(alike.shape, dtype=torch.double).masked_fill(~alike, -math.inf)
    return torch.nn.functional.cross_entropy(logits, torch.arange(len(bags))).item()


def swap_by_slices(caption, link):
    first, second = caption.split(f" {link} ")
    (_, *some, noun), (_, *others, other) = first.split(), second.split()
    if some == others or (noun == other and link in {"and", "is near"}):
        return None
    new = [" ".join([*others, noun]), " ".join([*some, other])]
    return f" {link} ".join(f"a{'n' * (side[0] in 'aeiou')} {side}" for side in new)


def swap_with_rsplit(caption, link):
    sides = [part.split(" ", 1)[1] for part in caption.split(f" {link} ")]
    looks = [side.rsplit(" ", 1)[0] if " " in side else "" for side in sides]
    nouns = [side.rsplit(" ", 1)[-1] for side in sides]
    if looks[0] == looks[1]:
        return None
    if nouns[0] == nouns[1] and link in ("and", "is near"):
        return None
    swapped = [f"{look} {noun}".strip() for look, noun in zip(looks[::-1], nouns, strict=True)]
    return f" {link} ".join(("an " if side.startswith(tuple("aeiou")) else "a ") + side for side in swapped)


def own_by_loop(image, texts, scale):
    def cosine(one, other):
        dot = sum(a * b for a, b in zip(one, other, strict=True))
        return dot / math.sqrt(sum(a * a for a in one) * sum(b * b for b in other))

    logits = [scale * cosine(image.tolist(), text) for text in texts.tolist()]
    top = max(logits)
    return math.log(sum(math.exp(logit - top) for logit in logits)) + top - logits[0]


def own_by_cross_entropy(image, texts, scale):
    unit = torch.nn.functional.normalize
    logits = scale * unit(texts.double(), dim=1) @ unit(image.double(), dim=0)
    return float(torch.nn.functional.cross_entropy(logits[None], torch.tensor([0])))


def blind_by_sorting(questions):
    pairs = Counter(tuple(sorted(question)) for question in questions)
    true = Counter((tuple(sorted(question)), question[0]) for question in questions)
    return sum(max(true[pair, one] for one in pair) for pair in pairs) / len(questions)


def blind_by_answering(questions):
    right = 0
    for true, false in questions:
        same = [one for one, other in questions if {one, other} == {true, false}]
        right += max(same.count(true), same.count(false)) / len(same)
    return right / len(questions)


RIGHT_ANSWERS = {
    "11.least_loss": [least_by_counter, least_by_softmax],
    "11.swap_adjectives": [swap_by_slices, swap_with_rsplit],
    "11.own_loss": [own_by_loop, own_by_cross_entropy],
    "11.best_blind": [blind_by_sorting, blind_by_answering],
}

TestExercises = exercise_tests(EXERCISES, RIGHT_ANSWERS)
