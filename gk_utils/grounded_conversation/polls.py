"""POPE, asking instead of reading captions: "Is there a cat in the image?", half of the time there is none.

What is not there is chosen in three ways, each harder than the one before: at random, the things most often seen in
other pictures, and the things most often seen together with those that are there. A model that says what usually goes
together is found out by the third.

Source: Li et al. 2023, arXiv:2305.10355, section 5; code AoiDragon/POPE, utils.py (the choice) and evaluate.py (how an
answer is read). Notebook: 15.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gk_utils.errors import check_choice, check_same_length
from gk_utils.formats.pope import KINDS, PopeQuestion

VOWELS = "aeiou"
_YES, _NO = re.compile(r"\byes\b"), re.compile(r"\bno\b|\bnot\b|n't\b")


@dataclass(frozen=True)
class PollScore:
    """How well questions were answered; a question that was neither denied nor affirmed counts as wrong, and as no yes.

    Attributes:
        accuracy: share of right answers.
        precision: of the answers "yes", the share that was right; 0 without any.
        recall: of the questions whose answer is yes, the share that got it; 0 without any.
        f1: harmonic mean of the two; 0 if both are.
        yes_ratio: share of answers "yes". Far from one half, the model has a habit and not an eye.
        undecided: share of answers that say neither.
    """

    accuracy: float
    precision: float
    recall: float
    f1: float
    yes_ratio: float
    undecided: float


def draw_polls(
    pictures: Mapping[str, Sequence[str]], kind: str, *, each: int = 3, seed: int = 0
) -> tuple[PopeQuestion, ...]:
    """For every picture `each` questions about things that are there and as many about things that are not, by turns.

    As in the published code, a picture with fewer than `each` things is left out, the things that are there are asked
    for in the order in which they are listed, and no thing is asked for twice in a picture. Where the popular or the
    accompanying things run out, chance goes on. Unlike there, a frequent thing comes before a rarer one by number and
    then by name, so that one seed always gives the same polls.

    Args:
        pictures: names of pictures, each with the names of the things in it; a thing listed twice counts once.
        kind: how to choose what is not there: "random", "popular" or "adversarial".
        each: questions of both kinds a picture.
        seed: of chance.

    Raises:
        ValueError: an unknown kind; `each` below 1; a picture in which everything that is known stands, so that nothing
            is left to ask for.

    >>> for poll in draw_polls({"a.png": ["cat", "mug"], "b.png": ["apple", "cat"]}, "popular", each=1):
    ...     print(poll.image, poll.text, poll.label)
    a.png Is there a cat in the image? True
    a.png Is there an apple in the image? False
    b.png Is there an apple in the image? True
    b.png Is there a mug in the image? False
    """
    check_choice(kind, KINDS, "kind")
    if each < 1:
        raise ValueError(f"each: expected 1 or more, got {each}. It is how many questions of both kinds a picture has.")
    shown = {image: tuple(dict.fromkeys(things)) for image, things in pictures.items()}
    shown = {image: things for image, things in shown.items() if len(things) >= each}
    rng, known = np.random.default_rng(seed), sorted({thing for things in shown.values() for thing in things})
    popular = _by_number(Counter(thing for things in shown.values() for thing in things))
    beside = {thing: Counter[str]() for thing in known}
    for things in shown.values():
        for thing in things:
            beside[thing].update(other for other in things if other != thing)
    questions: list[PopeQuestion] = []
    for image, things in shown.items():
        taken = set(things)
        for thing in things[:each]:
            first = {"random": [], "popular": popular, "adversarial": _by_number(beside[thing])}[kind]
            left = [other for other in known if other not in taken]
            if not left:
                raise ValueError(
                    f"pictures: expected things that are not in {image}, got none left of {len(known)} known ones. "
                    "Ask fewer questions of each kind, or add pictures of other things."
                )
            absent = next((other for other in first if other not in taken), None)
            absent = left[int(rng.integers(len(left)))] if absent is None else absent
            taken.add(absent)
            for name, label in ((thing, True), (absent, False)):
                questions.append(PopeQuestion(len(questions) + 1, image, ask(name), label))
    return tuple(questions)


def ask(thing: str) -> str:
    """POPE's question, with the right article and without "imange".

    >>> ask("apple")
    'Is there an apple in the image?'
    """
    return f"Is there a{'n' if thing[:1].lower() in VOWELS else ''} {thing} in the image?"


def published_reading(answer: str) -> bool:
    """How POPE's script reads an answer: "no" if the first sentence has the word No, no or not, else "yes".

    So "There isn't one" is a yes, and so is an empty answer.

    >>> published_reading("No, there is none."), published_reading("There isn't one"), published_reading("")
    (False, True, True)
    """
    words = answer.split(".", maxsplit=1)[0].replace(",", "").split(" ")
    return not {"No", "not", "no"} & set(words)


def careful_reading(answer: str) -> bool | None:
    """What the first sentence says: True for yes, False for a denial, None if it says neither or both.

    >>> careful_reading("Yes."), careful_reading("There isn't one"), careful_reading("I see a mug.")
    (True, False, None)
    """
    first = re.split(r"[.!?\n]", answer.strip().lower().replace("\u2019", "'"))[0]
    yes, no = bool(_YES.search(first)), bool(_NO.search(first))
    return yes if yes != no else None


def score_polls(labels: Sequence[bool], answers: Sequence[bool | None]) -> PollScore:
    """Accuracy, precision, recall, F1 and the yes ratio, over questions in one order.

    Raises:
        ValueError: another number of answers than labels, or none at all.

    >>> score = score_polls([True, True, False, False], [True, True, True, None])
    >>> score.accuracy, score.precision, score.recall, score.yes_ratio
    (0.5, 0.6666666666666666, 1.0, 0.75)
    """
    check_same_length(labels, answers, ("labels", "answers"))
    n = len(labels)
    if not n:
        raise ValueError("labels: expected at least one question, got none. Draw some polls.")
    both = sum(bool(label and answer) for label, answer in zip(labels, answers, strict=True))
    said, true = sum(answer is True for answer in answers), sum(map(bool, labels))
    right = sum(label == answer for label, answer in zip(labels, answers, strict=True))
    precision, recall = both / said if said else 0.0, both / true if true else 0.0
    f1 = 2 * both / (said + true) if both else 0.0
    return PollScore(right / n, precision, recall, f1, said / n, sum(answer is None for answer in answers) / n)


def _by_number(counts: Counter[str]) -> list[str]:
    """The most frequent first, by name among equals."""
    return sorted(counts, key=lambda thing: (-counts[thing], thing))
