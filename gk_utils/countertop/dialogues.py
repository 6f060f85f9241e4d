"""Conversations about a scene: a user asks, an assistant answers, and what was named before becomes "it".

Every answer is true and clear, no question asks what was said before, and every phrase and pronoun has its link.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gk_utils.countertop.naming import Link, Parts, Things, facts, name_things, noun, number, with_article, write
from gk_utils.countertop.programs import RELATIONS, Program, referents
from gk_utils.countertop.questions import presence
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import KINDS, PATTERNS
from gk_utils.countertop.wording import RELATION_WORDS

_ASPECTS = ("colour", "size", "pattern", "facing", "where", "whether")
_Exchange = tuple[Parts, Parts, int | None]  # the question, the answer, and the thing that "it" is from now on


@dataclass(frozen=True)
class Turn:
    """What the "user" or the "assistant" says, with a link for every phrase and pronoun that names something."""

    role: str
    text: str
    links: tuple[Link, ...]


def draw_dialogue(scene: Scene, rng: np.random.Generator, *, n_turns: int = 6) -> tuple[Turn, ...] | None:
    """Draw a conversation, the user first; fewer turns where there is no more to ask, None where there is nothing.

    "It" is the thing that the last question was about.

    Args:
        scene: what is spoken of.
        rng: where chance comes from.
        n_turns: how many turns, even: each question has its answer.

    Raises:
        ValueError: n_turns is odd, or less than 2.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> for turn in draw_dialogue(draw_scene(3), np.random.default_rng(0), n_turns=4):
    ...     print(f"{turn.role}: {turn.text}")
    user: Which way is the cat facing?
    assistant: It is facing right.
    user: Is it near the banana?
    assistant: No, it is not.
    """
    if n_turns < 2 or n_turns % 2:
        raise ValueError(f"n_turns: expected an even number from 2 on, got {n_turns}. Each question has its answer.")
    if not len(scene):
        return None
    talk = _Talk(scene, rng, name_things(scene, rng))
    turns: list[Turn] = []
    it: int | None = None
    while len(turns) < n_turns:
        exchange = talk.about(it, ("it", (it,))) if it is not None and rng.random() < 0.65 else None
        exchange = exchange or talk.change_topic(it)
        if exchange is None:
            break
        question, answer, it = exchange
        turns += [Turn("user", *write([question])), Turn("assistant", *write([answer]))]
        talk.spoken_of.update(thing for turn in turns[-2:] for link in turn.links for thing in link.referents)
    return tuple(turns) or None


@dataclass
class _Talk:
    """What a conversation has come to: `known` holds what was said, as (thing, aspect) or two things, or a category."""

    scene: Scene
    rng: np.random.Generator
    names: dict[Things, Program]
    known: set[Any] = field(default_factory=set)
    spoken_of: set[int] = field(default_factory=set)

    def about(self, thing: int, subject: tuple[str, Things]) -> _Exchange | None:
        """Ask something about a thing that is called `subject`."""
        for aspect in self._shuffled(_ASPECTS):
            if (thing, aspect) in self.known:
                continue
            ask = self._relation if aspect in ("where", "whether") else self._look
            found = ask(thing, subject, aspect)
            if found:
                return (*found, thing)
        return None

    def change_topic(self, it: int | None) -> _Exchange | None:
        """Ask about something else, or what there is."""
        for topic in self._shuffled(("thing", "thing", "count", "presence", "carried")):
            if topic == "thing":
                found = self._another(it)
            else:
                found = {"count": self._count, "presence": self._presence, "carried": self._carried}[topic]()
            if found:
                return found
        return None

    def _another(self, it: int | None) -> _Exchange | None:
        for (thing,) in self._shuffled([*self.names])[:4]:
            self._name(thing)
            if thing != it and (found := self.about(thing, self._call(thing))):
                return found
        return None

    def _look(self, thing: int, subject: tuple[str, Things], aspect: str) -> tuple[Parts, Parts] | None:
        one, it = self.scene.things[thing], ("it", (thing,))
        if aspect == "facing" and not KINDS[one.category].animal:
            return None
        value = getattr(one, aspect)
        self.known.add((thing, aspect))
        if aspect != "pattern":
            question = {"colour": ("What colour is ", "?"), "size": ("Is ", " small or large?")}
            before, behind = question.get(aspect, ("Which way is ", " facing?"))
            return [before, subject, behind], [it, f" is {'facing ' if aspect == 'facing' else ''}{value}."]
        asked = value if self.rng.random() < 0.5 else self._one([other for other in PATTERNS if other != value])
        answer: Parts = ["yes, ", it, " is."] if asked == value else ["no, ", it, f" is {value}."]
        return ["Is ", subject, f" {asked}?"], answer

    def _relation(self, thing: int, subject: tuple[str, Things], aspect: str) -> tuple[Parts, Parts] | None:
        # Where a thing is: what it stands on or is inside of, before all else.
        order = self._shuffled(RELATIONS)
        for relation in sorted(order, key=("on", "inside").__contains__, reverse=True) if aspect == "where" else order:
            found = facts(self.scene, relation, self.names, self.rng)
            new = {
                holds: [mark for (*things,), mark in pairs if things == [thing] and not self._met(thing, mark[0])]
                for holds, pairs in found.items()
            }
            if not new[True] or (aspect == "whether" and not new[False]):
                continue
            holds = aspect == "where" or bool(self.rng.random() < 0.5)
            (mark,) = self._one(new[holds])
            self.known |= {frozenset((thing, mark)), (thing, aspect)}
            self._name(mark)
            link, it = f" {self._one(RELATION_WORDS[relation][1])} ", ("it", (thing,))
            if aspect == "where":
                return ["Where is ", subject, "?"], [it, " is", link, self._call(mark), "."]
            answer: Parts = ["yes, ", it, " is."] if holds else ["no, ", it, " is not."]
            return ["Is ", subject, link, self._call(mark), "?"], answer
        return None

    def _met(self, thing: int, other: int) -> bool:
        return frozenset((thing, other)) in self.known

    def _count(self) -> _Exchange | None:
        thing = self._one(self.scene.things)
        program = Program(thing.category, (("colour", thing.colour),) if self.rng.random() < 0.3 else ())
        found = referents(program, self.scene)
        if program.category in self.known:
            return None
        self.known.add(program.category)
        verb = "is" if len(found) == 1 else "are"
        question: Parts = ["How many ", (noun(program, self.rng, 2), found), " are there?"]
        return question, [f"There {verb} ", (number(len(found)), found), "."], self._it(program, found)

    def _presence(self) -> _Exchange | None:
        program = presence(self.scene, self.rng)
        if program is None or program.category in self.known:
            return None
        found = referents(program, self.scene)
        if self.spoken_of & set(found):
            return None
        self.known.add(program.category)
        question: Parts = ["Is there ", (with_article(noun(program, self.rng)), found), "?"]
        verb = "is" if len(found) == 1 else "are"
        answer: Parts = [f"yes, there {verb} ", (number(len(found)), found), "."] if found else ["no, there is not."]
        return question, answer, self._it(program, found)

    def _carried(self) -> _Exchange | None:
        for (below,) in self._shuffled([*self.names]):
            kind = KINDS[self.scene.things[below].category]
            above = [thing for thing, other in enumerate(self.scene.things) if other.support == below]
            if not kind.carries or (below, "carries") in self.known or len(above) > 1:
                continue
            if any((thing,) not in self.names or self._met(thing, below) for thing in above):
                continue
            self._name(below)
            self.known |= {(below, "carries"), *(frozenset((thing, below)) for thing in above)}
            where, it = "on" if kind.top else "inside", ("it", (below,))
            answer: Parts = ["nothing is ", where, " ", it, "."]
            if above:
                self._name(above[0])
                answer = [self._call(above[0], first=above[0] not in self.spoken_of), f" is {where} ", it, "."]
            return [f"What is {where} ", self._call(below), "?"], answer, None if above else below
        return None

    def _it(self, program: Program, found: Things) -> int | None:
        """The one thing found is "it" from now on; what it was called by is known."""
        if len(found) != 1:
            return None
        self.known |= {(found[0], name) for name, _ in program.attributes}
        return found[0] if found in self.names else None

    def _name(self, thing: int) -> None:
        self.known |= {(thing, name) for name, _ in self.names[thing,].attributes}

    def _call(self, thing: int, first: bool = False) -> tuple[str, Things]:
        program = self.names[thing,]
        text = noun(program, self.rng)
        return with_article(text) if first and program.side is None else f"the {text}", (thing,)

    def _one(self, values: Any) -> Any:
        return values[int(self.rng.integers(len(values)))]

    def _shuffled(self, values: Any) -> list[Any]:
        return [values[position] for position in self.rng.permutation(len(values))]
