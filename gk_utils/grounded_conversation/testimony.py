"""What each witness says to one claim: so, not so, or nothing, and why.

Sentences come as forms of `spatial_relations.statement`. For "there is", counts, colours and relations both witnesses
have a rule; for every other form the first one alone, the verifier of lesson 10. The second is heard only where the
first does not affirm, which saves time and has a price: its denial would leave what the first affirms undecided, and so
an error that the first affirms is not found.

Notebook: 15.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from gk_utils.boxes import pairwise_iou
from gk_utils.countertop.naming import number as as_word
from gk_utils.countertop.things import CATEGORIES, COLOURS
from gk_utils.countertop.wording import words
from gk_utils.grounded_conversation.witnesses import View
from gk_utils.spatial_relations.statement import Attribute, Claim, Exists, NounPhrase, Related, Statement
from gk_utils.spatial_relations.thing import Thing
from gk_utils.spatial_relations.verifier import verify

RANKS = {2: "second", 3: "third", 4: "fourth", 5: "fifth"}
SAME, OTHER = 0.5, 0.4  # IoU of two boxes: of one thing; below, of two things
NUMBERS = {as_word(number): number for number in range(1, 13)}
YES, NO = 0.35, 0.65  # the share of "there is none": below, it is there; above, it is not
Links = Mapping[int, Float[Tensor, "n 4"]]


@dataclass(frozen=True)
class Vote:
    """What a witness says: True, False, or None for nothing, and why."""

    witness: str
    truth: bool | None
    reason: str


Votes = tuple[Vote, Callable[[], list[Vote]]]  # of the first, and how to hear the second


def bound(form: Statement, links: Mapping[tuple[int, int], Float[Tensor, "n 4"]]) -> dict[int, Tensor]:
    """The boxes of the subject (0) and the first landmark (1) of a claim, or of what exists (0), where they are linked.

    `links` are by characters of the sentence; a phrase is linked by the link that it overlaps.

    >>> from gk_utils.spatial_relations.parser import parse
    >>> bound(parse("The mug is red."), {(0, 7): torch.zeros(1, 4)})
    {0: tensor([[0., 0., 0., 0.]])}
    """
    phrases: list[object] = []
    match form:
        case Claim(subject, Related(landmarks=(landmark, *_))):
            phrases = [subject, landmark]
        case Claim(subject, _):
            phrases = [subject]
        case Exists(what):
            phrases = [what]
    found = {}
    for place, phrase in enumerate(phrases):
        span = phrase.span if isinstance(phrase, NounPhrase) else None
        for (start, end), boxes in links.items():
            if span and start < span[1] and span[0] < end:
                found[place] = boxes
    return found


def sentence_votes(form: Statement, linked: Links, view: View, second: bool = True) -> list[Vote]:
    """What the witnesses say to a sentence.

    Args:
        form: of the sentence.
        linked: the boxes that its words link to, see `bound`.
        view: of the picture.
        second: whether the second witness is heard.

    >>> from gk_utils.grounded_conversation.witnesses import view_pictures
    >>> from gk_utils.models.trunk_grounder import load_grounder
    >>> from gk_utils.spatial_relations.parser import parse
    >>> (view,) = view_pictures(load_grounder()[0], [torch.zeros(3, 64, 64)])
    >>> [vote.truth for vote in sentence_votes(parse("There is no mug."), {}, view)]
    [True]
    """
    return _heard(*_sentence(form, linked, view), second)


def box_votes(phrase: str, boxes: Float[Tensor, "n 4"], view: View, second: bool = True) -> list[Vote]:
    """What the witnesses say to the boxes of a phrase: each must be that of another thing with this name (and colour).

    Where the phrase says how many, there must be as many boxes. Of a phrase with two categories or colours, such as
    "the mug on the plate", nothing is said: which of them the box is of needs more than a list of words.

    >>> from gk_utils.grounded_conversation.witnesses import view_pictures
    >>> from gk_utils.models.trunk_grounder import load_grounder
    >>> (view,) = view_pictures(load_grounder()[0], [torch.zeros(3, 64, 64)])
    >>> [vote.truth for vote in box_votes("a mug", torch.tensor([[0.0, 0, 9, 9]]), view, second=False)]
    [False]
    """
    noun, colour = _named(phrase)
    if noun is None:
        return [Vote("reader", None, f"no rule for {phrase!r}")]
    asked = f"{colour} {noun}" if colour else noun
    number = _number(phrase)
    if number is not None and number != len(boxes):
        return [Vote("reader", False, f"{as_word(len(boxes))} linked, {as_word(number)} said")]
    fitting = [thing for thing in view.maybe if thing.name == noun and colour in (None, thing.attributes["colour"])]
    seen = torch.tensor([thing.box for thing in fitting], dtype=torch.float32).reshape(-1, 4)
    first = _at("things", boxes, seen, f"what it saw as {asked!r}")
    if len(boxes) > 1:  # the second witness points at one thing, not at all
        return [first]
    return _heard(first, lambda: [_at("phrase", boxes, view.ask(asked).boxes, f"its answer to {asked!r}")], second)


def _heard(first: Vote, more: Callable[[], list[Vote]], second: bool) -> list[Vote]:
    return [first, *more()] if second and first.truth is not True else [first]


def _sentence(form: Statement, linked: Links, view: View) -> Votes:
    match form:
        case Exists(NounPhrase(clauses=()) as what) if _plain(what) is not None:
            return _exists(form, what, view)
        case Claim(NounPhrase() as subject, Attribute(word)) if word in COLOURS and _plain(subject) is not None:
            return _colour(form, linked.get(0), view)
        case Claim(NounPhrase() as subject, Related(landmarks=(NounPhrase() as mark,))) if (
            _plain(subject) is not None and _plain(mark) is not None
        ):
            return _relation(form, linked, view)
    return _verified(form, view), list


def _exists(form: Statement, what: NounPhrase, view: View) -> Votes:
    kind, number, phrase = what.quantifier.kind, what.quantifier.number, _plain(what)
    first = _verified(form, view)
    if kind in ("count", "exactly") and number:
        return first, lambda: _counted(number, what, view)
    if kind in ("a", "some", "bare", "the"):
        return first, lambda: [_there(phrase, view)]
    return first, (lambda: [_denied(_there(phrase, view))]) if kind == "no" else list


def _denied(there: Vote) -> Vote:
    return Vote(there.witness, None if there.truth is None else not there.truth, there.reason)


def _counted(number: int, what: NounPhrase, view: View) -> list[Vote]:
    """Where fewer were seen: whether the n-th from the left is a new one; where more were: whether one more comes."""
    seen = [thing.box for thing in view.arrangement.things if _fits(thing, what)]
    rank = number if len(seen) < number else number + 1
    if rank != 1 and rank not in RANKS:
        return []
    asked = f"{RANKS[rank]} {_plain(what)} from left" if rank > 1 else _plain(what)
    there = _there(asked, view)
    if rank > number:
        return [_denied(there)]
    if (
        there.truth
        and _least(view.ask(asked).boxes[:1], torch.tensor(seen, dtype=torch.float32).reshape(-1, 4)) >= SAME
    ):
        return [Vote("phrase", False, f"its answer to {asked!r} is one that was counted before")]
    return [there]


def _colour(form: Claim, boxes: Tensor | None, view: View) -> Votes:
    noun, word = form.subject.noun, form.predicate.word
    if boxes is None or len(boxes) != 1:
        return _verified(form, view), lambda: [_one_of(noun, word, view)]
    index = view.thing_at(boxes[0])
    if index is None or view.arrangement.things[index].name != noun:
        return Vote("things", None, f"no {noun} was seen in this box"), list
    top = COLOURS[int(view.colour_shares[index].argmax())]
    first = Vote("things", top == word, f"the {noun} in this box looks {top}")
    return first, lambda: [_coloured_here(f"{word} {noun}", boxes, view)]


def _coloured_here(phrase: str, boxes: Float[Tensor, "1 4"], view: View) -> Vote:
    asked = view.ask(phrase)
    if asked.none > NO:
        return Vote("phrase", False, f"there is no {phrase}")
    here = _least(boxes, asked.boxes) >= SAME
    return Vote("phrase", here, f"the {phrase} is {'here' if here else 'elsewhere'}")


def _one_of(noun: str, word: str, view: View) -> Vote:
    """Without a box: decided where there is but one, or none of this colour."""
    there = _there(f"{word} {noun}", view)
    alone = sum(thing.name == noun for thing in view.arrangement.things) == 1
    return there if alone or there.truth is False else Vote("phrase", None, "several fit: which is meant?")


def _relation(form: Claim, linked: Links, view: View) -> Votes:
    subject, predicate, mark = form.subject, form.predicate, form.predicate.landmarks[0]
    numbers = [view.thing_at(linked[place][0]) if place in linked else None for place in (0, 1)]
    right = all(
        number is not None and _fits(view.arrangement.things[number], phrase)
        for number, phrase in zip(numbers, (subject, mark), strict=True)
    )
    if right and numbers[0] != numbers[1]:
        found = view.arrangement.relate(predicate.relation, *numbers)
        first = Vote("things", found.truth, found.reason)
    else:
        first = _verified(form, view)
    asked = f"{_plain(subject)} {predicate.relation.replace('_', ' ')} {_plain(mark)}"
    return first, lambda: [_there(asked, view)]


def _there(phrase: str, view: View) -> Vote:
    none = view.ask(phrase).none
    truth = True if none < YES else False if none > NO else None
    return Vote("phrase", truth, f"asked for {phrase!r}, {none:.0%} 'there is none'")


def _verified(form: Statement, view: View) -> Vote:
    found = verify(form, view.arrangement).verdict
    return Vote("things", found.truth, found.reason or "by the things that were seen")


def _at(witness: str, boxes: Float[Tensor, "n 4"], others: Float[Tensor, "m 4"], what: str) -> Vote:
    """Whether each box is one of the others, no two the same."""
    least = _least(boxes, others)
    truth = True if least >= SAME else False if least < OTHER else None
    return Vote(witness, truth, f"IoU {least:.2f} with {what}")


def _least(boxes: Float[Tensor, "n 4"], others: Float[Tensor, "m 4"]) -> float:
    """Each box paired with another one of the others, as well as can be: the least IoU, 0 if there are fewer others."""
    if not 0 < len(boxes) <= len(others):
        return 0.0
    ious = pairwise_iou(boxes, others)
    rows, columns = linear_sum_assignment(ious.clamp(max=SAME).numpy(), maximize=True)  # beyond SAME none is better
    return float(ious[rows, columns].min())


def _fits(thing: Thing, phrase: NounPhrase) -> bool:
    """Whether a thing has the name of a phrase and its colour, if it says one."""
    return thing.name == phrase.noun and {word for word in phrase.adjectives if word in COLOURS} <= {
        thing.attributes["colour"]
    }


def _named(phrase: str) -> tuple[str | None, str | None]:
    """The category in a phrase, singular or plural, and its colour; no category if there are two of either."""
    said = words(phrase)
    nouns = [word if word in CATEGORIES else word[:-1] for word in said if word.removesuffix("s") in CATEGORIES]
    colours = [word for word in said if word in COLOURS]
    if len(nouns) != 1 or len(colours) > 1:
        return None, None
    return nouns[0], colours[0] if colours else None


def _number(phrase: str) -> int | None:
    """How many a phrase says, by the words "one" to "twelve" or in digits; None if it does not, or says two numbers."""
    said = [NUMBERS.get(word, int(word) if word.isdecimal() and len(word) < 5 else None) for word in words(phrase)]
    numbers = [number for number in said if number is not None]
    return numbers[0] if len(numbers) == 1 else None


def _plain(phrase: NounPhrase) -> str | None:
    """A colour and a category, as the second witness was taught to read them; None for other phrases."""
    known = phrase.noun in CATEGORIES and all(word in COLOURS for word in phrase.adjectives)
    return " ".join((*phrase.adjectives, phrase.noun)) if known and not (phrase.pick or phrase.clauses) else None
