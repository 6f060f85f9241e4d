"""What is asked and answered: every task of the dialogue model as questions with true answers about a view.

"rec": find what an expression means, or say that there is none. "reg": describe a box so that nothing else fits.
"region": name what is in a box. "point": what is at a point, its colour, how many there are like it. "caption": a
caption with a box behind every phrase. "truth": whether a sentence is true. "talk": several turns, where "it" is what
was spoken of.

Source: the tasks of Shikra, arXiv:2306.15195, table 1; wordings and answers are the countertop's own.
Notebook: 13.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gk_utils.contrastive.hard_negatives import any_negative
from gk_utils.contrastive.pair_claims import CLAIM_RELATIONS, draw_claim
from gk_utils.countertop.captions import draw_caption
from gk_utils.countertop.dialogues import draw_dialogue
from gk_utils.countertop.language import draw_expressions
from gk_utils.countertop.naming import Link, name_thing, noun, number, with_article
from gk_utils.countertop.programs import Program, is_clear, referents
from gk_utils.countertop.questions import draw_statement
from gk_utils.countertop.things import Thing
from gk_utils.shikra.talk import Parts, Places, Utterance, say
from gk_utils.shikra.talk_views import View

TASKS = ("rec", "reg", "region", "point", "caption", "truth", "talk")
NONE = "There is none."
NOTHING = "Nothing."
LOOKS = ("size", "colour", "pattern")
TEMPLATES: dict[str, tuple[tuple[str, str], ...]] = {  # what stands before and behind the expression or the place
    "rec": (("Where is ", "?"), ("Find ", ".")),
    "reg": (("Describe ", " so that nothing else fits."), ("Which thing is in ", "?")),
    "region": (("What is in ", "?"), ("Say what is in ", ".")),
    "what": (("What is at ", "?"), ("Say what is at ", ".")),
    "colour": (("What colour is the thing at ", "?"), ("Which colour is at ", "?")),
    "count": (("How many things like the one at ", " are there?"), ("How many like ", " are there?")),
    "caption": (("Describe the picture.", ""), ("Describe what you see.", "")),
    "truth": (("Is it true that ", "?"), ("True or not, ", "?")),
}
ONE_WORDING = 5  # a seed that puts a side behind the noun: one wording for one program, so that one next word is right
MENTIONS = 4  # things that a caption names at most


@dataclass(frozen=True)
class Exchange:
    """A question and its answer.

    Attributes:
        task: one of TASKS; kind: the key of its wording in TEMPLATES, or the type of the expression.
        question, answer: what is said.
        things: the indices of the things that it is about.
        nouns: words of the question with the index of the one thing that they are about.
    """

    task: str
    kind: str
    question: Utterance
    answer: Utterance
    things: tuple[int, ...]
    nouns: tuple[tuple[str, int], ...] = ()


def draw_task(view: View, task: str, rng: np.random.Generator) -> tuple[Exchange, ...]:
    """Draw an exchange of this task, several for "talk"; none where the view allows none."""
    return _DRAW[task](view, rng) if view.seen else ()


def ask_for(kind: str, what: str | Places, wording: int = 0) -> Utterance:
    """The question of a kind of TEMPLATES about an expression or about places.

    >>> ask_for("rec", "the red mug").text, ask_for("what", ((0.5, 0.25),)).text
    ('Where is the red mug?', 'What is at [0.500,0.250]?')
    """
    before, behind = TEMPLATES[kind][wording]
    return say("user", [before, what, behind])


def full_name(view: View, index: int) -> Program | None:
    """What a thing looks like, all of it, and its place where that fits another thing too; None if that is not enough.

    Saying more than is needed is a strategy: to know what is enough, one must compare with every other thing.
    """
    thing = view.scene.things[index]
    look = Program(thing.category, tuple((name, getattr(thing, name)) for name in LOOKS))
    for program in (look, *(replace(look, side=side) for side in ("left", "right", "front", "back"))):
        if referents(program, view.scene) == (index,) and is_clear(program, view.scene):
            return program
    return None


def short_name(thing: Thing) -> str:
    """A thing's colour and category with an article: what "region" and "point" answer.

    >>> short_name(Thing("apple", "orange", "large", "plain", None, None, x=0.5, depth=0.5))
    'an orange apple'
    """
    return with_article(f"{thing.colour} {thing.category}")


def sentence(text: str) -> str:
    """A text with a capital and a full stop."""
    return f"{text[0].upper()}{text[1:]}."


def marked(text: str, links: Sequence[Link], view: View) -> Parts:
    """A text with the boxes of what they name behind its phrases; a pronoun and what cannot be seen get none."""
    parts: list[str | Places] = []
    at = 0
    for link in links:
        phrase = text[link.start : link.end].lower()
        if phrase != "it" and set(link.referents) <= set(view.seen) and " " in phrase:
            parts += [text[at : link.end], tuple(view.boxes[index] for index in link.referents)]
            at = link.end
    return [*parts, text[at:]]


def _rec(view: View, rng: np.random.Generator) -> tuple[Exchange, ...]:
    if rng.random() < 0.4:
        index = _one(rng, view.seen)
        program = name_thing(view.scene, index, rng)
        if program is None:
            return ()
        text, kind, found = f"the {noun(program, rng)}", "name", (index,)
    else:
        (expression,) = draw_expressions(view.scene, 1, rng)
        text, kind, found = expression.text, expression.type, expression.referents
    if not set(found) <= set(view.seen):
        return ()
    answer: Parts = ["It is at ", (view.boxes[found[0]],), "."] if found else [NONE]
    question = ask_for("rec", text, int(rng.integers(2)))
    return (Exchange("rec", kind, question, say("assistant", answer), found),)


def _reg(view: View, rng: np.random.Generator) -> tuple[Exchange, ...]:
    index = _one(rng, view.seen)
    program = full_name(view, index)
    if program is None:
        return ()
    answer = sentence(f"the {noun(program, np.random.default_rng(ONE_WORDING))}")
    return (_about_box("reg", view, index, answer, rng),)


def _region(view: View, rng: np.random.Generator) -> tuple[Exchange, ...]:
    index = _one(rng, view.seen)
    return (_about_box("region", view, index, sentence(short_name(view.scene.things[index])), rng),)


def _about_box(task: str, view: View, index: int, answer: str, rng: np.random.Generator) -> Exchange:
    question = ask_for(task, (view.boxes[index],), int(rng.integers(2)))
    return Exchange(task, task, question, say("assistant", [answer]), (index,))


def _point(view: View, rng: np.random.Generator) -> tuple[Exchange, ...]:
    kind = _one(rng, ("what", "what", "colour", "count"))
    if kind == "what" and view.empty and rng.random() < 0.2:
        place, answer, things = _one(rng, view.empty), NOTHING, ()
    else:
        index = _one(rng, view.seen)
        thing, place = view.scene.things[index], _one(rng, view.points[index])
        like = referents(Program(thing.category), view.scene)
        answer = {
            "what": short_name(thing),
            "colour": thing.colour,
            "count": number(len(like)),
        }[kind]
        answer, things = sentence(answer), (index,)
    question = ask_for(kind, (place,), int(rng.integers(2)))
    return (Exchange("point", kind, question, say("assistant", [answer]), things),)


def _caption(view: View, rng: np.random.Generator) -> tuple[Exchange, ...]:
    caption = draw_caption(view.scene, rng, max_things=MENTIONS)
    if caption is None:
        return ()
    question = say("user", [TEMPLATES["caption"][int(rng.integers(2))][0]])
    things = tuple(sorted({thing for link in caption.links for thing in link.referents}))
    return (
        Exchange("caption", "caption", question, say("assistant", marked(caption.text, caption.links, view)), things),
    )


def _truth(view: View, rng: np.random.Generator) -> tuple[Exchange, ...]:
    if rng.random() < 0.3:
        statement = draw_statement(view.scene, rng)
        if statement is None:
            return ()
        text, holds, kind = statement.text.rstrip("."), statement.holds, "statement"
        about = [(view.scene.things[index].category, (index,)) for index in (statement.subject, statement.object)]
    else:
        claim = draw_claim(view.scene, rng, CLAIM_RELATIONS, coloured=0.9)
        if claim is None:
            return ()
        holds, kind = bool(rng.random() < 0.5), "claim"
        said = claim if holds else any_negative(claim, view.scene, rng)
        text = said.text(int(rng.integers(2)))
        about = [(look.category, referents(look, view.scene)) for look in (said.subject, said.object)]
    text = text[0].lower() + text[1:]
    nouns = tuple((word, found[0]) for word, found in about if len(found) == 1 and about[0][0] != about[1][0])
    question = ask_for("truth", text, int(rng.integers(2)))
    return (Exchange("truth", kind, question, say("assistant", ["Yes." if holds else "No."]), (), nouns),)


def _talk(view: View, rng: np.random.Generator) -> tuple[Exchange, ...]:
    turns = draw_dialogue(view.scene, rng, n_turns=4) or ()
    exchanges = []
    for asked, answered in zip(turns[::2], turns[1::2], strict=True):
        things = tuple(sorted({thing for link in (*asked.links, *answered.links) for thing in link.referents}))
        answer = say("assistant", marked(answered.text, answered.links, view))
        exchanges.append(Exchange("talk", "talk", say("user", [asked.text]), answer, things))
    return tuple(exchanges)


def _one(rng: np.random.Generator, values: Sequence[Any]) -> Any:
    return values[int(rng.integers(len(values)))]


_DRAW: dict[str, Callable[[View, np.random.Generator], tuple[Exchange, ...]]] = {
    "rec": _rec,
    "reg": _reg,
    "region": _region,
    "point": _point,
    "caption": _caption,
    "truth": _truth,
    "talk": _talk,
}
