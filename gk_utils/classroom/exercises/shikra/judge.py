"""The exercise 13.judge: cases, and the mistakes that have a name."""

import re
from collections.abc import Callable
from typing import Literal

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written
from gk_utils.shikra.talk import read, spell

Box = tuple[float, float, float, float]
Which = Literal["first", "last", "any"]
NONE = "There is none."


def answers(rng: np.random.Generator) -> list[Case]:
    """Answers and truths: exactly half, none, silence, points, several boxes, corners in the wrong order; then any."""
    half = (0.0, 0.0, 0.5, 1.0)
    cases: list[Case] = [
        ("It is at [0.100,0.200,0.300,0.400].", (0.1, 0.2, 0.3, 0.4)),
        ("It is at [0.000,0.000,0.500,1.000].", (0.0, 0.0, 1.0, 1.0)),
        ("It is at [0.600,0.200,0.900,0.400].", (0.1, 0.2, 0.3, 0.4)),
        (NONE, None),
        (NONE, (0.1, 0.2, 0.3, 0.4)),
        ("It is at [0.100,0.200,0.300,0.400].", None),
        ("It is at [0.100,0.200,", None),
        ("A mug.", half),
        ("It is at [0.250,0.500].", half),
        ("It is at [0.600,0.000,1.000,1.000;0.000,0.000,0.500,1.000].", half),
        ("It is at [0.000,0.000,0.500,1.000;0.600,0.000,1.000,1.000].", half),
        ("It is at [0.500,1.000,0.000,0.000].", half),
        ("It is at [0.000,0.000,1.000,1.000].", (0.1, 0.2, 0.3, 0.4)),
        ("At [0.250,0.500] or [0.000,0.000,0.500,1.000].", half),
    ]
    for _ in range(8):
        box = _box(rng)
        near = [float(np.clip(side + 0.08 * rng.normal(), 0, 1)) for side in box]
        said = spell(((*near,),) if rng.random() < 0.7 else ((*near,), _box(rng)))
        cases.append((f"It is at {said}.", None if rng.random() < 0.2 else box))
    return cases


def judged(
    *,
    strict: bool = False,
    which: Which = "first",
    silence: bool = False,
    absent: bool = True,
    true_box: bool = False,
    ordered: bool = True,
) -> Callable[[str, Box | None], bool]:
    """Whether an answer is right: the rule, or relatives."""

    def answer(said: str, box: Box | None) -> bool:
        boxes = [place for mark in read("assistant", said).marks if mark.kind == "boxes" for place in mark.places]
        boxes = boxes if ordered else _as_written(said)
        if box is None:
            return absent and (said == NONE or (silence and not boxes))
        if not boxes:
            return False
        some = {"first": boxes[:1], "last": boxes[-1:], "any": boxes}[which]
        overlaps = [_overlap(one, box) / (_area(box) if true_box else _union(one, box)) for one in some]
        return max(overlaps) > 0.5 if strict else max(overlaps) >= 0.5

    return answer


def _as_written(said: str) -> list[Box]:
    """The boxes of a text, their corners as they stand there."""
    pieces = ";".join(re.findall(r"\[([\d.,;]+)\]", said)).split(";")
    rows = [tuple(map(float, piece.split(","))) for piece in pieces if piece.count(",") == 3]
    return [(x1, y1, x2, y2) for x1, y1, x2, y2 in rows]


def _box(rng: np.random.Generator) -> Box:
    (x1, x2), (y1, y2) = np.sort(rng.uniform(0, 1, (2, 2)))
    return float(x1), float(y1), float(min(x2 + 0.05, 1)), float(min(y2 + 0.05, 1))


def _area(box: Box) -> float:
    return max(box[2] - box[0], 0) * max(box[3] - box[1], 0)


def _overlap(first: Box, second: Box) -> float:
    low, high = zip(*((max(first[k], second[k]), min(first[k + 2], second[k + 2])) for k in (0, 1)), strict=True)
    return _area((*low, *high))


def _union(first: Box, second: Box) -> float:
    return _area(first) + _area(second) - _overlap(first, second) or 1.0


JUDGE = Exercise(
    "13.judge",
    answers,
    mistakes=(
        written("> in place of >=", "An IoU of 0.5 is right: compare with >=.", judged(strict=True)),
        written(
            "any box counts",
            "Only the first box counts: who writes many is not to be paid for it.",
            judged(which="any"),
        ),
        written("the last box counts", "The first box counts.", judged(which="last")),
        written(
            "silence taken for none",
            f"Where there is none, {NONE!r} alone is right; an answer without a box is not.",
            judged(silence=True),
        ),
        written("never right where there is none", f"With no true box, {NONE!r} is right.", judged(absent=False)),
        written(
            "divided by the true box alone",
            "Divide by the union: else a box as large as the picture is always right.",
            judged(true_box=True),
        ),
        written(
            "corners in the wrong order",
            "Take the places of shikra.read(...).marks: their corners are in order.",
            judged(ordered=False),
        ),
    ),
)
