"""The filter of bootstrap-and-verify: each claim of a talk is supported, contradicted, or undecided, with its evidence.

A sentence is parsed (lesson 10) and held against what two witnesses say; its links bind words to things that were
found in these boxes. A claim is contradicted only if a witness denies it and none affirms it. What is not understood
is undecided, and says so: silence would look like consent.

Notebook: 15.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch

from gk_utils.grounded_conversation.linked_talk import TalkTurn
from gk_utils.grounded_conversation.testimony import Vote, bound, box_votes, sentence_votes
from gk_utils.grounded_conversation.witnesses import Asked, View
from gk_utils.kosmos2.grounded_text import GroundedText
from gk_utils.spatial_relations.parser import parse
from gk_utils.spatial_relations.statement import Statement

Outcome = Literal["supported", "contradicted", "undecided"]


@dataclass(frozen=True)
class Judged:
    """One claim of a talk and what became of it.

    Attributes:
        turn: which one; start, end: characters of it, without links.
        kind: "sentence", or "box" for a link.
        outcome: supported, contradicted or undecided.
        evidence: what each witness says, or why nothing was decided.
    """

    turn: int
    start: int
    end: int
    kind: Literal["sentence", "box"]
    outcome: Outcome
    evidence: tuple[Vote, ...]

    @property
    def reason(self) -> str:
        """The evidence in words."""
        return "; ".join(f"{one.witness}: {one.reason}" for one in self.evidence)


def judge_talk(turns: Sequence[TalkTurn], view: View, second: bool = True) -> tuple[Judged, ...]:
    r"""Hold every sentence of the assistant, and every link of it, against a picture.

    Args:
        turns: of the talk.
        view: of the picture.
        second: whether the second witness is heard where the first does not affirm.

    >>> from gk_utils.grounded_conversation.linked_talk import read_talk
    >>> from gk_utils.grounded_conversation.witnesses import view_pictures
    >>> from gk_utils.models.trunk_grounder import load_grounder
    >>> (view,) = view_pictures(load_grounder()[0], [torch.zeros(3, 64, 64)])
    >>> turns, _ = read_talk("User: And?\nAssistant: There is [a mug](0.1,0.1,0.5,0.5). It was not cheap.")
    >>> [(one.kind, one.outcome) for one in judge_talk(turns, view)]
    [('sentence', 'contradicted'), ('box', 'contradicted'), ('sentence', 'undecided')]
    """
    judged = []
    for number, turn in enumerate(turns):
        if turn.role != "assistant":
            continue
        for start, end in sentences(turn.said.text):
            judged += _judge(turn.said, (start, end), number, view, second)
        judged += _across(turn.said, number)
    return tuple(judged)


def phrases_to_ask(turns: Sequence[TalkTurn], view: View) -> list[str]:
    """All that the second witness will be asked about a talk, to ask it at once (`View.ask_all`)."""
    noting = _Noting(view.image, view.arrangement, view.maybe, view.colour_shares, view.grounder)
    judge_talk(turns, noting)
    return noting.wanted


@dataclass(eq=False)
class _Noting(View):
    """A view that notes what is asked, and does not answer."""

    wanted: list[str] = field(default_factory=list)

    def ask(self, phrase: str) -> Asked:
        """Note the phrase."""
        self.wanted.append(phrase)
        return Asked(0.5, torch.zeros(0, 4), torch.zeros(0))


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of a text stand.

    >>> list(sentences("A cat. It sleeps."))
    [(0, 6), (7, 17)]
    """
    for match in re.finditer(r"\S[^.!?]*[.!?]?", text):
        yield match.span()


def _judge(said: GroundedText, span: tuple[int, int], turn: int, view: View, second: bool) -> Iterator[Judged]:
    start, end = span
    inside = [index for index, (first, last) in enumerate(said.spans) if start <= first and last <= end]
    links = {said.spans[index]: said.boxes(index, view.image_hw) for index in inside}
    form = _read(said.text[start:end])
    votes = [Vote("reader", None, "not a sentence that can be checked")]
    if form is not None:
        moved = {(first - start, last - start): boxes for (first, last), boxes in links.items()}
        votes = sentence_votes(form, bound(form, moved), view, second)
    yield Judged(turn, start, end, "sentence", decide(votes), tuple(votes))
    for (first, last), boxes in links.items():
        votes = box_votes(said.text[first:last], boxes, view, second)
        yield Judged(turn, first, last, "box", decide(votes), tuple(votes))


def _across(said: GroundedText, turn: int) -> Iterator[Judged]:
    """Links that go beyond the end of a sentence: whose they are is not known."""
    whole = list(sentences(said.text))
    for first, last in said.spans:
        if not any(start <= first and last <= end for start, end in whole):
            vote = Vote("reader", None, f"{said.text[first:last]!r} goes beyond the end of a sentence")
            yield Judged(turn, first, last, "box", "undecided", (vote,))


def decide(votes: Sequence[Vote]) -> Outcome:
    """What the witnesses make of a claim together.

    >>> decide([Vote("things", False, ""), Vote("phrase", None, "")])
    'contradicted'
    >>> decide([Vote("things", False, ""), Vote("phrase", True, "")])
    'undecided'
    """
    truths = {vote.truth for vote in votes} - {None}
    if truths == {True}:
        return "supported"
    return "contradicted" if truths == {False} else "undecided"


def _read(sentence: str) -> Statement | None:
    try:
        return parse(sentence)
    except ValueError:
        return None
