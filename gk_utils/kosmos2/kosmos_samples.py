"""What the mini Kosmos-2 learns from: captions with links, questions with answers, and phrases to be found.

A line is a row of tokens in which the things of a scene stand where their boxes will be: words can be drawn before
anything is painted. Three kinds, as in the published model:

    <grounding> a caption with <phrase> ... </phrase><object> ... </object>
    Question: ... Answer: ...                  with <grounding> before it, the answer has boxes
    <grounding><phrase> ... </phrase>          and the boxes

Source: Kosmos-2, Peng et al. 2023, arXiv:2306.14824, section 3 and appendix (the prompts). Notebook: 12.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gk_utils.box_tokens.cell_pairs import BETWEEN, CLOSE, GRID, OPEN, encode_cells
from gk_utils.box_tokens.token_ranges import TOKEN_RANGES
from gk_utils.countertop.captions import draw_caption
from gk_utils.countertop.language import draw_expressions
from gk_utils.countertop.naming import Things
from gk_utils.countertop.questions import QUESTIONS, draw_question
from gk_utils.countertop.scene import Scene
from gk_utils.kosmos2.grounded_text import GROUNDING, PHRASE, PHRASE_END
from gk_utils.models.word_tokens import WordTokens, sentence_words

PLACES = GRID * GRID
LONGEST = 110  # tokens of a line; a longer one is drawn again
MOST_BOXES = 6  # of one phrase
GROUNDED_ANSWERS = 0.5  # share of the questions that are asked for boxes too
Part = tuple[int | None, Things]
WORD, PLACE, ANSWER = 1, 2, 3  # what a token is to the loss; 0: the prompt's, or padding


@functools.cache
def kosmos_tokens() -> WordTokens:
    """The vocabulary: six tags, 1,024 places, the words of the countertop.

    >>> tokens = kosmos_tokens()
    >>> tokens.decode(tokens.encode("<grounding>I see<phrase> a cat</phrase>".replace("I", "we")))
    '<grounding>we see<phrase> a cat</phrase>'
    """
    spell = TOKEN_RANGES["kosmos2"].spell
    tags = (GROUNDING, PHRASE, PHRASE_END, OPEN, CLOSE, BETWEEN)
    return WordTokens((*sentence_words(), "question", "answer"), (*tags, *map(spell, range(PLACES))))


def first_place() -> int:
    """The token of the patch in the upper left corner; the others follow row by row.

    >>> kosmos_tokens().spellings[first_place() + 33]
    '<patch_index_0033>'
    """
    return kosmos_tokens().ids[TOKEN_RANGES["kosmos2"].spell(0)]


@dataclass(frozen=True)
class Line:
    """One text about a scene.

    Attributes:
        scene: which scene of the batch.
        parts: tokens with the things that each is about; no token: there stand the boxes of these.
        prompt: how many of the parts are given, not learned.
        kind: "caption", "question" or "phrase".
    """

    scene: int
    parts: tuple[Part, ...]
    prompt: int
    kind: str


@dataclass(frozen=True, eq=False)
class Rows:
    """Lines as tensors.

    Attributes:
        tokens: (b t) padded behind.
        role: (b t) what each token is to the loss: 0, WORD, PLACE or ANSWER; tags and end of an answer are WORD.
        scene: (b) whose features each row is about.
        things: (b t n) which of the n things of its scene each token is about.
    """

    tokens: Int[Tensor, "b t"]
    role: Int[Tensor, "b t"]
    scene: Int[Tensor, " b"]
    things: Bool[Tensor, "b t n"]

    def to(self, device: str | torch.device) -> "Rows":
        """The same on a device."""
        return Rows(*(getattr(self, name).to(device) for name in ("tokens", "role", "scene", "things")))


def caption_line(scene: Scene, number: int, rng: np.random.Generator) -> Line | None:
    """A caption with its links; None where the scene allows none, or none that is short enough."""
    tokens = kosmos_tokens()
    for _ in range(3):
        caption = draw_caption(scene, rng, max_things=MOST_BOXES)
        if caption is None:
            return None
        parts = [(tokens.start, ()), (tokens.ids[GROUNDING], ())]
        done = 0
        for link in caption.links:
            parts += _plain(tokens.encode(caption.text[done : link.start]))
            parts += linked(caption.text[link.start : link.end], link.referents)
            done = link.end
        parts += _plain([*tokens.encode(caption.text[done:]), tokens.end])
        if _length(parts) <= LONGEST:
            return Line(number, tuple(parts), 2, "caption")
    return None


def question_line(scene: Scene, number: int, rng: np.random.Generator, kind: str | None = None) -> Line | None:
    """A question of one of QUESTIONS with its answer, half of them with boxes; None if the scene allows none."""
    tokens = kosmos_tokens()
    question = draw_question(scene, kind or QUESTIONS[int(rng.integers(len(QUESTIONS)))], rng)
    if question is None:
        return None
    boxes = 1 <= len(question.referents) <= MOST_BOXES and rng.random() < GROUNDED_ANSWERS
    prompt = question_prompt(question.text, grounded=boxes)
    words = [(token, question.referents) for token in tokens.encode(question.answer)]
    answer = linked(question.answer, question.referents) if boxes else words
    return Line(number, (*_plain(prompt), *answer, (tokens.end, ())), len(prompt), "question")


def question_prompt(text: str, *, grounded: bool = False) -> list[int]:
    """The tokens before an answer.

    >>> kosmos_tokens().decode(question_prompt("What colour is the mug?"))
    'Question: what colour is the mug? answer:'
    """
    tokens = kosmos_tokens()
    before = [tokens.ids[GROUNDING]] if grounded else []
    return [tokens.start, *before, *tokens.encode(f"question: {text} answer:")]


def phrase_prompt(phrase: str) -> list[int]:
    """The tokens before the boxes of a phrase.

    >>> kosmos_tokens().decode(phrase_prompt("the red mug"))
    '<grounding><phrase>the red mug</phrase>'
    """
    tokens = kosmos_tokens()
    return [tokens.start, *tokens.encode(f"{GROUNDING}{PHRASE}{phrase}{PHRASE_END}")]


def linked(phrase: str, things: Things) -> list[Part]:
    """A phrase in its tags and the place of its boxes.

    >>> linked("mug", (4,))[-2:] == [(None, (4,)), (kosmos_tokens().ids["</object>"], ())]
    True
    """
    tokens = kosmos_tokens()
    tag = tokens.ids
    inside = [*tokens.encode(phrase), tag[PHRASE_END], tag[OPEN]]
    return [(tag[PHRASE], ()), *((token, things) for token in inside), (None, things), (tag[CLOSE], ())]


def draw_lines(scene: Scene, number: int, settings: dict[str, Any], rng: np.random.Generator) -> list[Line]:
    """`settings["captions"]` captions of a scene, `questions` and `phrases`; fewer where it does not allow so many."""
    lines = [caption_line(scene, number, rng) for _ in range(settings["captions"])]
    lines += [question_line(scene, number, rng) for _ in range(settings["questions"])]
    tokens = kosmos_tokens()
    for expression in draw_expressions(scene, settings["phrases"], rng):
        if expression.referents:
            prompt = phrase_prompt(expression.text)
            parts = [*_plain(prompt), *linked(expression.text, expression.referents)[-3:], (tokens.end, ())]
            lines.append(Line(number, tuple(parts), len(prompt), "phrase"))
    return [line for line in lines if line is not None]


def write_rows(lines: Sequence[Line], boxes_unit: Float[Tensor, "s n 4"], visible: Bool[Tensor, "s n"]) -> Rows:
    """Lines as rows of tokens, things as their boxes from left to right; a line with a hidden thing in it is left out.

    Args:
        lines: to write.
        boxes_unit: of the n things of each scene, parts of the picture.
        visible: whether each can be seen well enough to have a box.
    """
    tokens, first = kosmos_tokens(), first_place()
    between = tokens.ids[BETWEEN]
    cells = encode_cells(boxes_unit.clamp(0, 1), (1.0, 1.0)).tolist()
    middle, seen = (boxes_unit[..., 0] + boxes_unit[..., 2]).tolist(), visible.tolist()
    rows, roles, scenes, abouts = [], [], [], []
    for line in lines:
        if not all(seen[line.scene][thing] for _, things in line.parts for thing in things):
            continue
        row: list[tuple[int, int, Things]] = []
        for place, (token, things) in enumerate(line.parts):
            if token is not None:
                answer = line.kind == "question" and token >= tokens.first_word
                row.append((token, 0 if place < line.prompt else ANSWER if answer else WORD, things))
                continue
            for order, thing in enumerate(sorted(things, key=middle[line.scene].__getitem__)):
                row += [(between, WORD, (thing,))] * bool(order)
                row += [(first + cell, PLACE, (thing,)) for cell in cells[line.scene][thing]]
        rows.append([token for token, _, _ in row])
        roles.append([role for _, role, _ in row])
        abouts.append([things for _, _, things in row])
        scenes.append(line.scene)
    table = tokens.pad_rows(rows)
    about = torch.zeros(*table.shape, boxes_unit.shape[1], dtype=torch.bool)
    spots = [
        (row, place, thing)
        for row, parts in enumerate(abouts)
        for place, things in enumerate(parts)
        for thing in things
    ]
    if spots:
        about[tuple(torch.tensor(spots).T)] = True
    return Rows(table, tokens.pad_rows(roles), torch.tensor(scenes, dtype=torch.long), about)


def _plain(tokens: Sequence[int]) -> list[Part]:
    return [(token, ()) for token in tokens]


def _length(parts: Sequence[Part]) -> int:
    return sum(3 * len(things) - 1 if token is None else 1 for token, things in parts)
