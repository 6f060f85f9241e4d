"""What is in this region, and what does the picture show: a name for a box, and a description that was checked.

The captioner writes freely. Each phrase of it is held against the things that were seen, each relation against the
boxes; what does not hold is left out, and said to be. Then comes what it did not mention.
"""

import itertools
import re
from collections.abc import Sequence
from typing import Any

import torch

from gk_utils.assistant.drafting import Draft
from gk_utils.assistant.finding_answers import resolve
from gk_utils.assistant.grounded_answers import Answer, Decision, Named
from gk_utils.countertop.naming import number, with_article
from gk_utils.spatial_relations.finding import Check
from gk_utils.spatial_relations.lexicon import opposite_way
from gk_utils.spatial_relations.parser import parse
from gk_utils.spatial_relations.statement import Claim, Related

MEANT = 0.3  # a region means a thing from which it covers this share, and which fills this share of it
SURE = 0.2  # margin that a relation of a description needs
AUDITED = ("left_of", "right_of", "above", "below", "near")  # relations that the audit of lesson 10 knows
_LISTS = re.compile(r"(?:the picture shows|this is a picture of|we see) ", re.IGNORECASE)


def region_answer(draft: Draft) -> Answer:
    """Answers the kind region: the thing that a box means, "none" where it means nothing.

    The box is written as `<box>(x1,y1),(x2,y2)</box>`, whole numbers from 0 to 999; 999 is the far side of the square
    that the picture fits into, padded to the right and below.
    """
    view = draft.view
    written = draft.work("05.read_box", draft.request.box_text, read=_text_or_four)
    if isinstance(written, str):
        reason = {
            "truncated": "it does not end",
            "count": "it does not have four numbers",
            "outside": "a number is above 999",
        }
        why = reason.get(written, "there is none")
        return draft.answer(f"I cannot read the box: {why}. Write <box>(x1,y1),(x2,y2)</box>.", "unknown")
    x1, y1, x2, y2 = written
    region = draft.work("01.read_answer", [y1, x1, y2, x2], view.image_hw, read=_four)  # its reader takes y before x
    boxes = view.sight.boxes
    phrase = f"the region {', '.join(f'{value:.0f}' for value in region)}"
    if len(boxes):
        rows = torch.tensor([region], dtype=torch.float32).expand(len(boxes), 4)
        covers, filled = (
            draft.work("01.coverage", *pair, read=lambda found: torch.as_tensor(found).float().view(len(boxes)))
            for pair in ((rows, boxes), (boxes, rows))
        )
        fit = torch.minimum(covers, filled)
        best = int(fit.argmax())
        if float(fit[best]) >= MEANT:
            row = draft.show(best, covers=float(covers[best]), fills=float(filled[best]))
            thing = view.sight.arrangement.things[best]
            looks = [view.sight.look(best, name) for name in ("size", "colour", "pattern", "state")]
            said = ", ".join(look for look in looks if look and look != "plain")
            value = f"{thing.attributes['colour']} {thing.name}"
            return draft.answer(f"A {thing.name}: {said}.", value, [Named(phrase, (row,))])
    return draft.answer("Nothing that I know.", "none", [Named(phrase)])


def describe_answer(draft: Draft) -> Answer:
    """Answers the kind describe: sentences that were checked, with all their phrases."""
    sentences: list[str] = []
    named: list[Named] = []
    decisions: list[Decision] = []
    said: set[int] = set()
    listed: list[tuple[str, tuple[int, ...]]] = []
    for sentence, phrases in _sentences(draft):
        links = [(phrase, _linked(draft, phrase, boxes)) for phrase, boxes in phrases]
        for phrase, things in links:
            if not things:
                draft.notes.append(f"left out {phrase!r}: what was seen does not bear it out")
        if _LISTS.match(sentence):
            listed += [(phrase, things) for phrase, things in links if things]
            continue
        checks = _borne_out(draft, sentence, [things for _, things in links])
        if checks and not any(_repeats(one, decisions) for one in checks):
            sentences.append(sentence)
            named += [Named(phrase, tuple(draft.show(thing) for thing in things)) for phrase, things in links]
            decisions += checks
            said.update(*(things for _, things in links))
    if listed:
        sentences.insert(0, f"The picture shows {_joined([phrase for phrase, _ in listed])}.")
        named += [Named(phrase, tuple(draft.show(thing) for thing in things)) for phrase, things in listed]
        said.update(*(things for _, things in listed))
    rest = _grouped(draft, [thing for thing in range(len(draft.view.sight)) if thing not in said])
    if rest:
        verb = "are" if len(rest) > 1 or len(rest[0][1]) > 1 else "is"
        sentences.append(f"There {verb} {'also ' if sentences else ''}{_joined([phrase for phrase, _ in rest])}.")
        named += [Named(phrase, tuple(draft.show(thing) for thing in things)) for phrase, things in rest]
    if not sentences:
        return draft.answer("I see nothing that I know.", "none", [Named("anything")])
    return draft.answer(" ".join(sentences), "described", named, decisions)


def _four(found: Any) -> list[float]:
    """Four numbers out of what a function returned."""
    x1, y1, x2, y2 = (float(value) for value in found)
    return [x1, y1, x2, y2]


def _text_or_four(found: Any) -> str | list[int]:
    """A word, or four whole numbers, out of what a function returned."""
    return found if isinstance(found, str) else list(map(int, _four(found)))


def _sentences(draft: Draft) -> list[tuple[str, list[tuple[str, torch.Tensor]]]]:
    """The captioner's sentences, each with its phrases and their boxes in pixels."""
    caption, found = draft.view.caption, []
    for match in re.finditer(r"[^.]+\.", caption.text):
        start, end = match.span()
        inside = [row for row, (a, b) in enumerate(caption.spans) if start <= a and b <= end]
        links = [(caption.phrases[row], caption.boxes(row, draft.view.image_hw)) for row in inside]
        found.append((match.group().strip(), links))
    return found


def _linked(draft: Draft, phrase: str, boxes: torch.Tensor) -> tuple[int, ...]:
    """The things that a phrase of the caption links to, if it fits all of them and says how many; else none."""
    view = draft.view
    things = [view.at(box) for box in boxes]
    if not things or None in things or len(set(things)) < len(things):
        return ()
    form = view.read(phrase)
    if form is None or form.pick is not None:  # a place in the picture: the grounder knows it better
        found = resolve(view, phrase)
        return tuple(things) if len(things) == 1 and found.thing == things[0] else ()
    fits, _ = view.fitting(form)
    wanted = form.quantifier.number if form.quantifier.number is not None else 1
    return tuple(things) if set(things) <= set(fits) and len(things) == wanted else ()


def _borne_out(draft: Draft, sentence: str, links: Sequence[tuple[int, ...]]) -> list[Decision]:
    """The relation that a sentence states, of each of its things to its landmark, if all are surely so; else none.

    What the sentence claims and what is seen, of these pairs in both directions, goes through the audit of lesson 10.
    """
    form = _read(sentence)
    if form is None or len(links) != 2 or not all(links) or len(links[1]) != 1:
        return []
    relation, (landmark,) = form.relation, links[1]
    checks = [
        Check(relation, pair, draft.view.arrangement.relate(relation, *pair))
        for pair in itertools.product(links[0], (landmark,))
        if pair[0] != landmark
    ]
    clash = False
    if relation in AUDITED and checks:
        turned = [
            Check(relation, check.things[::-1], draft.view.arrangement.relate(relation, *check.things[::-1]))
            for check in checks
        ]
        claims = [_fact(check, True) for check in checks]
        seen = [_fact(check, check.verdict.truth) for check in (*checks, *turned) if check.verdict.truth is not None]
        clash = draft.work("10.conflicts", [*claims, *seen], read=bool)
    if not checks or clash or not all(check.verdict.truth and check.verdict.score >= SURE for check in checks):
        reason = next((check.verdict.reason for check in checks if not check.verdict.truth), "not sure enough")
        draft.notes.append(f"left out {sentence!r}: {reason}")
        return []
    return [_decision(draft, check) for check in checks]


def _read(sentence: str) -> Related | None:
    """The relation to one landmark that a sentence states; None where it states something else, or more."""
    try:
        form = parse(sentence)
    except ValueError:
        return None
    sound = isinstance(form, Claim) and isinstance(form.predicate, Related) and len(form.predicate.landmarks) == 1
    return form.predicate if sound else None


def _fact(check: Check, truth: bool) -> tuple[str, str, str, bool]:
    return str(check.things[0]), check.relation, str(check.things[1]), truth


def _repeats(one: Decision, others: Sequence[Decision]) -> bool:
    """Whether the description has said this before, or the same from the other side."""
    turned = (opposite_way(one.relation), one.rows[::-1])
    return any((other.relation, other.rows) in ((one.relation, one.rows), turned) for other in others)


def _decision(draft: Draft, check: Check) -> Decision:
    rows = tuple(draft.show(thing) for thing in check.things)
    return Decision(check.relation, rows, check.verdict.truth, round(check.verdict.score, 4), check.verdict.reason)


def _grouped(draft: Draft, things: Sequence[int]) -> list[tuple[str, tuple[int, ...]]]:
    """Phrases for things, those with one name together: "a red mug", "two red mugs"."""
    name = draft.view.sight.name
    found = []
    for one, rows in itertools.groupby(sorted(things, key=name), key=name):
        group = tuple(rows)
        found.append((with_article(one) if len(group) == 1 else f"{number(len(group))} {one}s", group))
    return found


def _joined(phrases: Sequence[str]) -> str:
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"
