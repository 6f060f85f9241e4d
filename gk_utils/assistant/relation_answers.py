"""Where is it from there, and is it so: relations by boxes, or by the grounder where boxes do not decide them."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from gk_utils.assistant.drafting import Draft
from gk_utils.assistant.finding_answers import Found, bare_phrase, resolve
from gk_utils.assistant.grounded_answers import Answer, Decision, Named
from gk_utils.spatial_relations.finding import Check
from gk_utils.spatial_relations.parser import parse
from gk_utils.spatial_relations.statement import NounPhrase
from gk_utils.spatial_relations.verifier import verify

SIDES = {"sides": ("left_of", "right_of"), "depth": ("in_front_of", "behind")}
WORDS = {"left_of": "left", "right_of": "right", "in_front_of": "in front", "behind": "behind"}
MOST = 6  # relations that are kept as evidence


def relate_answer(draft: Draft) -> Answer:
    """Answers the kind relate: on which side of the second thing the first one is, or "none" where one is missing."""
    view, phrases = draft.view, draft.request.phrases
    found = [resolve(view, phrase) for phrase in phrases]
    named: list[Named] = []
    for phrase, one in zip(phrases, found, strict=True):
        draft.notes += [f"{phrase}: {one.note}"] if one.note else []
        rows = () if one.box is None else (_row(draft, one),)
        named.append(Named(phrase, rows))
    missing = [phrase for phrase, one in zip(phrases, found, strict=True) if one.box is None]
    if missing:
        return draft.answer(f"There is no {bare_phrase(missing[0])}.", "none", named)
    if any(one.thing is None for one in found) or found[0].thing == found[1].thing:
        return draft.answer("I cannot tell the two things apart.", "unknown", named)
    aspects = ("sides", "depth") if draft.request.aspect == "both" else (draft.request.aspect,)
    if "depth" in aspects:
        view.ask_relations(SIDES["depth"], [(found[0].thing, found[1].thing)])
    decisions: list[Decision] = []
    said: list[str] = []
    for aspect in aspects:
        checks = [_check(draft, relation, found[0].thing, found[1].thing) for relation in SIDES[aspect]]
        decisions += checks
        if aspect == "sides" and not any(one.truth for one in checks):  # boxes that overlap: the grounder is asked
            pair = (found[0].thing, found[1].thing)
            checks = [_decision(draft, Check(name, pair, view.relation(name, *pair))) for name in SIDES[aspect]]
            decisions = [one for one in decisions if one.relation not in SIDES[aspect]] + checks
        holding = [one for one in checks if one.truth]
        if len(holding) == 1:
            said.append(WORDS[holding[0].relation])
    if not said:
        return draft.answer("Neither clearly.", "unknown", named, decisions)
    first, second = (bare_phrase(phrase) for phrase in phrases)
    places = {"left": "to the left of", "right": "to the right of", "in front": "in front of", "behind": "behind"}
    where = " and ".join(places[word] for word in said)
    return draft.answer(f"The {first} is {where} the {second}.", " and ".join(said), named, decisions)


def verify_answer(draft: Draft) -> Answer:
    """Answers the kind verify: "yes", "no" or "unknown", with what each phrase named and what decided, surest first.

    With a word that the models do not know it is "unknown".
    """
    statement, view = draft.request.statement, draft.view
    strange = view.strange_noun(statement)
    if strange:
        draft.notes.append(f"{strange!r} is no word of mine: I would not know one if I saw it")
    try:
        form = parse(statement)
    except ValueError as error:
        return draft.answer(f"I cannot read that as a statement: {error}", "unknown")
    finding = verify(form, view.arrangement)
    known = finding.references | {
        phrase: view.fitting(phrase)[0] for phrase in phrases_of(form) if phrase not in finding.references
    }
    named = [
        Named(_written(statement, phrase), tuple(draft.show(thing) for thing in known[phrase]))
        for phrase in sorted(known, key=lambda phrase: phrase.span or (0, 0))
    ]
    spoken = {thing for things in finding.references.values() for thing in things}
    checks = sorted(
        (check for check in finding.checks if set(check.things) <= spoken),
        key=lambda check: (check.verdict.truth is not finding.truth, -abs(check.verdict.score)),
    )
    decisions = [_decision(draft, check) for check in checks[:MOST]]
    if strange:
        return draft.answer(f"I cannot decide that: {strange!r} is no word of mine.", "unknown", named, decisions)
    value = {True: "yes", False: "no", None: "unknown"}[finding.truth]
    text = {"yes": "Yes", "no": "No", "unknown": "I cannot decide that"}[value]
    return draft.answer(f"{text}: {finding.verdict.reason or 'by what was seen'}.", value, named, decisions)


def phrases_of(form: Any) -> Iterator[NounPhrase]:
    """The noun phrases of a logical form, those inside others too.

    >>> [str(phrase) for phrase in phrases_of(parse("the mug is on the plate near a cat"))]
    ['the(mug)', 'the(plate, near(a(cat)))', 'a(cat)']
    """
    if isinstance(form, NounPhrase):
        yield form
    if isinstance(form, tuple):
        for part in form:
            yield from phrases_of(part)
    elif is_dataclass(form):
        for one in fields(form):
            yield from phrases_of(getattr(form, one.name))


def _row(draft: Draft, found: Found) -> int:
    if found.thing is None:
        return draft.show_box("something there", found.box, found=1 - found.none)
    return draft.show(found.thing)


def _check(draft: Draft, relation: str, first: int, second: int) -> Decision:
    verdict = draft.view.arrangement.relate(relation, first, second)
    return _decision(draft, Check(relation, (first, second), verdict))


def _decision(draft: Draft, check: Check) -> Decision:
    verdict = check.verdict
    rows = tuple(draft.show(thing) for thing in check.things)
    return Decision(check.relation, rows, verdict.truth, round(verdict.score, 4), verdict.reason)


def _written(statement: str, phrase: NounPhrase) -> str:
    start, end = phrase.span or (0, 0)
    return statement[start:end] or phrase.noun
