"""A language model without weights: it writes talks from notes by a grammar, and makes things up at a set rate.

It stands behind `LanguageModel`, as any other, so that everything here runs offline and every error is known: things
that are not there, denials of things that are, wrong counts, colours and relations, and boxes in the wrong place.
Each is planted by chance, and `write` says which.

Notebook: 15.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gk_utils.countertop.naming import number as as_word
from gk_utils.countertop.naming import with_article
from gk_utils.countertop.things import CATEGORIES, COLOURS
from gk_utils.grounded_conversation.linked_talk import TalkTurn, write_talk
from gk_utils.grounded_conversation.picture_notes import PictureNotes, could_carry, read_prompt
from gk_utils.grounded_conversation.wrong_boxes import moved_box, new_box
from gk_utils.kosmos2.grounded_text import GroundedText, UnitBox

KINDS = ("object", "absent", "count", "colour", "relation", "box", "beyond")
OPPOSITES = {"left of": "right of", "in front of": "behind"}
OPPOSITES |= {other: relation for relation, other in OPPOSITES.items()}
_SAID = {"left of": "to the left of", "right of": "to the right of"}
_BEYOND = ("Somebody put ", " down in a hurry."), ("", " is a present from a friend."), ("", " was not cheap.")
Link = tuple[str, tuple[UnitBox, ...], tuple[UnitBox, ...]]  # words, the boxes said, the boxes of all that fit them
Parts = Sequence[str | Link]


@dataclass(frozen=True)
class Said:
    """A claim of a talk: characters [start, end) of turn `turn`, without links, and whether it is so.

    `kind` is one of KINDS: "box" for a link, "beyond" for what no picture shows (`true` is None), the others for a
    sentence. `meant` says what would be right.
    """

    turn: int
    start: int
    end: int
    kind: str
    true: bool | None
    meant: str = ""


@dataclass(frozen=True)
class Written:
    """A talk, and the truth about each of its claims."""

    turns: tuple[TalkTurn, ...]
    claims: tuple[Said, ...]

    @property
    def text(self) -> str:
        """The talk as text."""
        return write_talk(self.turns)


class GrammarModel:
    """A `LanguageModel` that reads a prompt of `write_prompt` and answers with a talk.

    Args:
        rate: the chance that a claim is made up, for each sentence and each link.
        seed: of chance; the same prompt and seed give the same talk.
        answers: how many the assistant gives, at most.
        box_rate: the same chance for links alone; None: as for sentences.

    Raises:
        ValueError: a rate outside of [0, 1].

    >>> from gk_utils.grounded_conversation.picture_notes import NotedThing, write_prompt
    >>> notes = PictureNotes((), (NotedThing("mug", "red", (0.1, 0.2, 0.3, 0.4)),))
    >>> print(GrammarModel(rate=0, answers=1).complete(write_prompt(notes)))
    User: What can you see?
    Assistant: There is [a red mug](0.100,0.200,0.300,0.400).
    """

    def __init__(self, rate: float = 0.1, seed: int = 0, answers: int = 6, *, box_rate: float | None = None) -> None:
        self.rates = rate, rate if box_rate is None else box_rate
        for one in self.rates:
            if not 0 <= one <= 1:
                raise ValueError(f"rate: expected a number in [0, 1], got {one}. 0.1 makes up one claim in ten.")
        self.seed, self.answers = seed, answers

    def complete(self, messages: str | Sequence[Mapping[str, str]], *, max_tokens: int = 256) -> str:
        """The talk; `max_tokens` counts words here, and a turn is whole or left out.

        Raises:
            ValueError: a last message that is no prompt of `write_prompt`.
        """
        turns, words = [], 0
        for turn in self.write(messages).turns:
            words += len(turn.said.text.split())
            if words > max_tokens:
                break
            turns.append(turn)
        return write_talk(turns)

    def write(self, messages: str | Sequence[Mapping[str, str]]) -> Written:
        """The talk, and which of its claims are made up."""
        prompt = messages if isinstance(messages, str) else messages[-1]["content"]
        digest = hashlib.sha256(prompt.encode()).digest()[:8]
        rng = np.random.default_rng([self.seed, int.from_bytes(digest)])
        return _Writer(read_prompt(prompt), rng, *self.rates).write(self.answers)


@dataclass
class _Writer:
    """One talk in the making; `told` holds what was spoken of."""

    notes: PictureNotes
    rng: np.random.Generator
    rate: float
    box_rate: float
    told: set[Any] = field(default_factory=set)
    turns: list[TalkTurn] = field(default_factory=list)
    claims: list[Said] = field(default_factory=list)

    def write(self, answers: int) -> Written:
        """Ask and answer until there is no more to say."""
        topics: dict[str, Callable[[bool], tuple[str, Parts, str] | None]] = {
            **{"object": self._object, "absent": self._absent, "count": self._count},
            **{"colour": self._colour, "relation": self._relation},
        }
        tries = 0
        while len(self.turns) < 2 * answers and (tries := tries + 1) < 8 * answers:
            wrong = bool(self.rng.random() < self.rate)
            kind = self._one([*topics, "relation", "colour"])
            found = self._beyond() if self.rng.random() < 0.08 and self.turns else None
            kind, wrong = ("beyond", False) if found else (kind if self.turns else "object", wrong)
            found = found or topics[kind](wrong)
            if found:
                self._add(kind, wrong, *found)
        return Written(tuple(self.turns), tuple(self.claims))

    def _add(self, kind: str, wrong: bool, question: str, parts: Parts, meant: str) -> None:
        text, spans, boxes, right = "", [], [], []
        for part in parts:
            words, said, fitting = (part, (), ()) if isinstance(part, str) else part
            if said:
                spans.append((len(text), len(text) + len(words)))
                invented = any(box not in fitting for box in said)
                spoil = not invented and self.rng.random() < self.box_rate
                said = (moved_box(self.rng, said[0], fitting, self._boxes()), *said[1:]) if spoil else said
                boxes.append(said)
                right.append(not (invented or spoil))
            text += words
        text = text[0].upper() + text[1:]
        turn = len(self.turns) + 1
        self.turns += [TalkTurn("user", GroundedText(question))]
        self.turns += [TalkTurn("assistant", GroundedText(text, tuple(spans), tuple(boxes)))]
        self.claims.append(Said(turn, 0, len(text), kind, None if kind == "beyond" else not wrong, meant))
        self.claims += [Said(turn, *span, "box", true) for span, true in zip(spans, right, strict=True)]

    def _object(self, wrong: bool) -> tuple[str, Parts, str] | None:
        shown = [number for number, thing in enumerate(self.notes.things) if not thing.hidden]
        question = "What else is there?" if self.turns else "What can you see?"
        if wrong:
            if not (missing := self._missing()):
                return None
            category, colour = self._one(missing), self._one(COLOURS)
            link = (with_article(f"{colour} {category}"), (new_box(self.rng, self._boxes()),), ())
            return question, ["there is ", link, "."], f"no {category} is there"
        number = self._new([("object", number) for number in shown])
        if number is None:
            return None
        thing = self.notes.things[number[1]]
        words, fitting = f"{thing.colour} {thing.category}", self.notes.of(thing.category, thing.colour)
        return question, ["there is ", self._link(with_article(words), [number[1]], fitting), "."], ""

    def _absent(self, wrong: bool) -> tuple[str, Parts, str] | None:
        present = [thing.category for thing in self.notes.things if not thing.hidden]
        key = self._new([("absent", category) for category in (present if wrong else self._missing())])
        if key is None:
            return None
        return f"Is there {with_article(key[1])}?", [f"there is no {key[1]}."], f"there is {with_article(key[1])}"

    def _count(self, wrong: bool) -> tuple[str, Parts, str] | None:
        categories = {thing.category for thing in self.notes.things if self.notes.countable(thing.category)}
        key = self._new([("count", category) for category in sorted(categories)])
        if key is None:
            return None
        fitting = self.notes.of(key[1])
        n, boxes = len(fitting), [self.notes.things[number].box_unit for number in fitting]
        said = list(boxes)
        if wrong and n > 1 and self.rng.random() < 0.5:
            said.pop(int(self.rng.integers(n)))
        elif wrong:
            said.append(new_box(self.rng, self._boxes()))
        words = f"{as_word(len(said))} {key[1]}{'s' * (len(said) > 1)}"
        verb = "are" if len(said) > 1 else "is"
        link = (words, tuple(said), tuple(boxes))
        return f"How many {key[1]}s are there?", [f"there {verb} exactly ", link, "."], as_word(n)

    def _colour(self, wrong: bool) -> tuple[str, Parts, str] | None:
        shown = [number for number, thing in enumerate(self.notes.things) if not thing.hidden]
        key = self._new([("colour", number) for number in shown])
        if key is None:
            return None
        thing = self.notes.things[key[1]]
        fitting = self.notes.of(thing.category)
        word = "the" if len(fitting) == 1 else "this"
        colours = [colour for colour in COLOURS if colour != thing.colour]
        others = [self.notes.things[number].colour for number in fitting]
        near = [colour for colour in others if colour != thing.colour]
        if wrong and near and self.rng.random() < 0.5:
            colours = near  # true of another one: only the box tells
        colour = self._one(colours) if wrong else thing.colour
        link = self._link(f"{word} {thing.category}", [key[1]], fitting)
        return f"What colour is {word} {thing.category}?", [link, f" is {colour}."], thing.colour

    def _relation(self, wrong: bool) -> tuple[str, Parts, str] | None:
        things, known = self.notes.things, self.notes.relations
        known = [one for one in known if not things[one[0]].hidden and not things[one[2]].hidden]
        key = self._new([("relation", *one) for one in known])
        if key is None:
            return None
        _, a, relation, b = key
        meant = f"{relation} the {self.notes.named(b)}"
        if wrong and relation in OPPOSITES:
            relation = OPPOSITES[relation]
        elif wrong:
            others = [
                number
                for number, thing in enumerate(things)
                if number not in (a, b) and could_carry(thing.category, things[a].category, relation)
                if self.notes.named(number) and not thing.hidden
            ]
            if not others:
                return None
            b = self._one(others)
        first, second = (self._link(f"the {self.notes.named(number)}", [number], (number,)) for number in (a, b))
        link = f" is {_SAID.get(relation, relation)} "
        return f"Where is the {self.notes.named(a)}?", [first, link, second, "."], meant

    def _beyond(self) -> tuple[str, Parts, str] | None:
        shown = [
            number for number, thing in enumerate(self.notes.things) if not thing.hidden and self.notes.named(number)
        ]
        key = self._new([("beyond", number) for number in shown])
        if key is None:
            return None
        before, behind = self._one(_BEYOND)
        name = f"the {self.notes.named(key[1])}"
        return f"What do you think of {name}?", [before, self._link(name, [key[1]], (key[1],)), behind], ""

    def _link(self, words: str, numbers: Sequence[int], fitting: Sequence[int]) -> Link:
        boxes = [tuple(self.notes.things[number].box_unit for number in some) for some in (numbers, fitting)]
        return words, boxes[0], boxes[1]

    def _missing(self) -> list[str]:
        present = {thing.category for thing in self.notes.things}
        return [category for category in CATEGORIES if category not in present]

    def _boxes(self) -> list[UnitBox]:
        return [thing.box_unit for thing in self.notes.things]

    def _new(self, keys: Sequence[Any]) -> Any | None:
        """Something of these that was not spoken of yet; it is now."""
        left = [key for key in keys if key not in self.told]
        if not left:
            return None
        key = self._one(left)
        self.told.add(key)
        return key

    def _one(self, values: Any) -> Any:
        return values[int(self.rng.integers(len(values)))]
