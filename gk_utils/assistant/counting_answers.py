"""How many, and more of which: the boxes are the count, doubtful ones are said, and no thing is counted twice."""

from gk_utils.assistant.drafting import Draft, count_words, run_lengths
from gk_utils.assistant.finding_answers import bare_phrase
from gk_utils.assistant.grounded_answers import Answer, Named
from gk_utils.boxes import pairwise_iou

TOUCHING, ONE = 0.25, 0.7  # IoU of boxes from which masks are compared; IoU of masks from which it is one thing


def count_answer(draft: Draft) -> Answer:
    """Answers the kind count: a number, with that many boxes."""
    (phrase,) = draft.request.phrases
    counted = _count(draft, phrase)
    if counted is None:
        return _cannot(draft, phrase)
    n = len(counted.rows)
    text = f"There {'is' if n == 1 else 'are'} {n if n else 'none'}: {bare_phrase(phrase)}."
    return draft.answer(text, str(n), [counted])


def compare_answer(draft: Draft) -> Answer:
    """Answers the kind compare: both counts, and which is larger."""
    groups = [_count(draft, phrase) for phrase in draft.request.phrases]
    if None in groups:
        phrase = draft.request.phrases[groups.index(None)]
        return _cannot(draft, phrase)
    (first, second), order = groups, draft.request.aspect
    a, b = len(first.rows), len(second.rows)
    names = [bare_phrase(phrase) for phrase in draft.request.phrases]
    counts = f"{names[0]} {a}, {names[1]} {b}"
    if order == "which":
        value = "equal" if a == b else names[a < b]
        text = f"As many of one as of the other: {counts}." if a == b else f"More {value}: {counts}."
    else:
        holds = {"more": a > b, "fewer": a < b, "as many": a == b}[order]
        value, text = ("yes", f"Yes: {counts}.") if holds else ("no", f"No: {counts}.")
    return draft.answer(text, value, groups)


def _cannot(draft: Draft, phrase: str) -> Answer:
    why = "I do not know the word" if draft.view.strange(phrase) else "I cannot read that as things to count"
    return draft.answer(f"I cannot count {phrase!r}: {why}.", "unknown", [Named(phrase)])


def _count(draft: Draft, phrase: str) -> Named | None:
    """The things that a phrase names, each once; None where it cannot be read or has a word nobody knows."""
    view = draft.view
    if strange := view.strange(phrase):
        draft.notes.append(f"{strange[0]!r} is no word of mine: I would not know one if I saw it")
        return None
    form = view.read(phrase)
    if form is None:
        return None
    things, _ = view.fitting(form)
    things = _each_once(draft, things)
    unsure = view.fitting(form, view.doubtful.arrangement)[0] if not form.clauses else ()
    certain = draft.work("10.from_to", [True] * len(things) + [None] * len(unsure), len(things), len(things))
    if certain != "true":
        draft.notes.append(f"not certain: {count_words(len(unsure), 'doubtful one')} not counted for {phrase!r}")
    return Named(phrase, tuple(draft.show(thing) for thing in things))


def _each_once(draft: Draft, things: tuple[int, ...]) -> tuple[int, ...]:
    """The things without those whose mask is that of a surer one; only boxes that overlap are cut out at all."""
    view, kept = draft.view, list[int]()
    boxes = view.sight.boxes
    for thing in things:
        near = [other for other in kept if float(pairwise_iou(boxes[[thing]], boxes[[other]])) >= TOUCHING]
        if near:
            masks = view.cut([boxes[row].tolist() for row in (thing, *near)])
            first, *others = (run_lengths(mask, view.image_hw) for mask in masks)
            same = [draft.work("09.overlap", first, other, read=float) >= ONE for other in others]
            if any(same):
                twice = view.sight.name(near[same.index(True)])
                draft.notes.append(f"two boxes with one mask: the {twice} is counted once")
                continue
        kept.append(thing)
    return tuple(kept)
