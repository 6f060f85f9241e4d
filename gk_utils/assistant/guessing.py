"""Answers without a look at the picture: what an evaluation has to beat before its number means anything."""

from collections import Counter
from collections.abc import Callable, Sequence

from gk_utils.assistant.grounded_answers import Answer, Box, Decision, Named, Shown
from gk_utils.assistant.relation_answers import WORDS
from gk_utils.assistant.sitting import Sheet
from gk_utils.countertop.wording import words

ALWAYS = {
    **{"locate": "here", "segment": "here", "count": "1", "compare": "yes", "relate": "left", "absent": "yes"},
    **{"region": "red mug", "describe": "described", "verify": "yes", "ordinal": "here"},
}
NEVER = {"count": "0", "compare": "no", "verify": "no"}  # "none" for all other kinds
Guess = Callable[[Sheet], Answer]


def always_yes(sheet: Sheet) -> Answer:
    """It is there, in the middle of the picture, and everything is true."""
    return _said(sheet, ALWAYS[sheet.question.kind], [[_middle(sheet)]] * len(sheet.question.truth.groups))


def always_none(sheet: Sheet) -> Answer:
    """Nothing is there, and nothing is true: no boxes. Where nothing is there, that is right, evidence included."""
    return _said(sheet, NEVER.get(sheet.question.kind, "none"), [()] * len(sheet.question.truth.groups))


def usual_answer(sheets: Sequence[Sheet]) -> Guess:
    """The most usual answer of the kind in the exam itself, which is generous, with boxes in the middle."""
    counts: dict[str, Counter[str]] = {}
    for sheet in sheets:
        counts.setdefault(sheet.question.kind, Counter())[sheet.question.truth.answer] += 1

    def guess(sheet: Sheet) -> Answer:
        value = counts[sheet.question.kind].most_common(1)[0][0]
        n = int(value) if value.isdigit() else int(value != "none")
        return _said(sheet, value, [[_middle(sheet)] * n] * len(sheet.question.truth.groups))

    return guess


def language_only(sheets: Sequence[Sheet]) -> Guess:
    """The answer, with its boxes, of the other question of this kind that shares most words."""

    def guess(sheet: Sheet) -> Answer:
        mine = set(words(sheet.question.truth.question))
        others = [one for one in sheets if one.question.kind == sheet.question.kind and one is not sheet]
        if not others:
            return always_yes(sheet)
        like = max(others, key=lambda one: _alike(mine, set(words(one.question.truth.question))))
        truth = like.question.truth
        if sheet.question.kind == "describe":
            things = like.truth.arrangement.things
            names = [f"a {thing.attributes['colour']} {thing.name}" for thing in things]
            return _said(sheet, truth.answer, [[_inside(thing.box)] for thing in things], names)
        groups = [[_inside(like.truth.boxes[thing].tolist()) for thing in group] for group in truth.groups]
        return _said(sheet, truth.answer, groups)

    return guess


def _said(sheet: Sheet, value: str, groups: Sequence[Sequence[Box]], names: Sequence[str] = ()) -> Answer:
    """An answer with these boxes for each phrase; where it says a side, it claims that relation of the first two."""
    shown: list[Shown] = []
    named = []
    for place, boxes in enumerate(groups):
        rows = tuple(range(len(shown), len(shown) + len(boxes)))
        shown += [Shown("guessed", tuple(box)) for box in boxes]
        named.append(Named(names[place] if names else f"phrase {place + 1}", rows))
    hw = (int(sheet.image.shape[1]), int(sheet.image.shape[2]))
    question = sheet.question
    pair = tuple(one.rows[0] for one in named if one.rows)
    sides = [relation for relation, word in WORDS.items() if word == value] if len(pair) == 2 else []
    return Answer(
        *(question.truth.question, question.kind, f"Guessed: {value}.", value, hw, tuple(shown), tuple(named)),
        tuple(Decision(relation, pair, True, 1.0, "guessed") for relation in sides),
    )


def _middle(sheet: Sheet) -> Box:
    height, width = sheet.image.shape[1:]
    return (width / 4, height / 4, 3 * width / 4, 3 * height / 4)


def _inside(box: Sequence[float]) -> Box:
    x1, y1, x2, y2 = box
    return (x1, y1, max(x1, x2), max(y1, y2))


def _alike(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)
