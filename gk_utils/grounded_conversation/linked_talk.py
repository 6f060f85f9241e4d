"""Talks whose phrases link to boxes, as text: [the red mug](0.120,0.305,0.250,0.550), a link as in Markdown.

Numbers are parts of the picture's width and height, left, top, right, bottom; several boxes have ";" between them. This
is no published format: Kosmos-2 writes patches (lesson 12), Shikra the numbers alone (lesson 13), GLaMM <p>, a phrase
and [SEG]. But every language model has seen Markdown, and it says which words a box belongs to.

Notebook: 15.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gk_utils.kosmos2.grounded_text import GroundedText, ReadText, UnitBox

_LINK = re.compile(r"\[([^\[\]]*)\]\(([^()]*)\)")
_SPEAKER = re.compile(r"(\**)(user|assistant)(?:\1\s*:|\s*:\1) ?(.*)", re.IGNORECASE)  # also **User:**, USER:


@dataclass(frozen=True)
class TalkTurn:
    """What the "user" or the "assistant" says, with the boxes of its phrases."""

    role: Literal["user", "assistant"]
    said: GroundedText


def write_links(said: GroundedText) -> str:
    """A grounded text with its links; a phrase without boxes is written without.

    Raises:
        ValueError: the text itself has a bracket.

    >>> write_links(GroundedText("a cat", ((2, 5),), (((0.1, 0.2, 0.5, 0.9),),)))
    'a [cat](0.100,0.200,0.500,0.900)'
    """
    if re.search(r"[\[\]]", said.text):
        raise ValueError(f"text: expected words without brackets, got {said.text!r}. Links are written in brackets.")
    parts, done = [], 0
    for (start, end), boxes in zip(said.spans, said.boxes_unit, strict=True):
        numbers = ";".join(",".join(f"{side:.3f}" for side in box) for box in boxes)
        parts += [said.text[done:start], f"[{said.text[start:end]}]({numbers})" if boxes else said.text[start:end]]
        done = end
    return "".join([*parts, said.text[done:]])


def read_links(text: str) -> ReadText:
    """Read a text with links; any text can be read, and what is wrong with a link is said among the problems.

    A link with a flaw (not four numbers, a side beyond 0 to 1, left beyond right) becomes plain words.

    >>> read = read_links("I see [a cat](0.1,0.2,0.5,0.9) and [a mug](12,5,90,80).")
    >>> read.grounded.text, read.grounded.phrases, read.problems
    ('I see a cat and a mug.', ('a cat',), ("'12,5,90,80': expected numbers in 0 to 1",))
    """
    words, spans, boxes, problems, done = "", [], [], [], 0
    for match in _LINK.finditer(text):
        words += text[done : match.start()]
        done = match.end()
        phrase, flaw = match.group(1), ""
        found: list[UnitBox] = []
        for part in match.group(2).split(";"):
            box, flaw = _box(part)
            if box is None:
                break
            found.append(box)
        start = len(words) + len(phrase) - len(phrase.lstrip())
        words += phrase
        if flaw or not phrase.strip():
            problems.append(flaw or f"{match.group()!r}: expected words in a link")
            continue
        spans.append((start, start + len(phrase.strip())))
        boxes.append(tuple(found))
    words += text[done:]
    shift = len(words) - len(words.lstrip())
    moved = tuple((start - shift, end - shift) for start, end in spans)
    return ReadText(GroundedText(words.strip(), moved, tuple(boxes)), tuple(problems))


def write_talk(turns: Sequence[TalkTurn]) -> str:
    r"""A talk, a line for each turn.

    >>> write_talk([TalkTurn("user", GroundedText("What do you see?")), TalkTurn("assistant", GroundedText("A cat."))])
    'User: What do you see?\nAssistant: A cat.'
    """
    return "\n".join(f"{turn.role.capitalize()}: {write_links(turn.said)}" for turn in turns)


def read_talk(text: str) -> tuple[tuple[TalkTurn, ...], tuple[str, ...]]:
    r"""The turns of a talk, and what is wrong with it; a line without a speaker goes on with the turn before it.

    Speakers may be in any case, and in bold as in Markdown. A talk in which the assistant says nothing is a problem,
    too: there is nothing to check in it.

    >>> turns, problems = read_talk("User: What is it?\nAssistant: [A cat](0.1,0.2,0.5,0.9).\nIt sleeps.")
    >>> turns[1].said.text, problems
    ('A cat. It sleeps.', ())
    """
    lines: list[tuple[str, str]] = []
    problems: list[str] = []
    for line in text.split("\n"):
        match = _SPEAKER.fullmatch(line.strip())
        if match:
            lines.append((match.group(2).lower(), match.group(3)))
        elif line.strip() and lines:
            lines[-1] = lines[-1][0], f"{lines[-1][1]} {line.strip()}"
        elif line.strip():
            problems.append(f"{line.strip()!r:.60}: nobody says it")
    if not any(role == "assistant" for role, _ in lines):
        problems.append("no turn of the assistant: expected a line 'Assistant: ...'")
    turns = []
    for role, said in lines:
        read = read_links(said)
        problems += read.problems
        turns.append(TalkTurn(role, read.grounded))
    return tuple(turns), tuple(problems)


def without_links(turn: TalkTurn) -> TalkTurn:
    """The same words without boxes: what a standard caption or talk says.

    >>> without_links(TalkTurn("user", GroundedText("a cat", ((2, 5),), ((),)))).said.spans
    ()
    """
    return TalkTurn(turn.role, GroundedText(turn.said.text))


def _box(text: str) -> tuple[UnitBox | None, str]:
    """Four numbers, or what is wrong with them."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        return None, f"{text!r}: expected numbers with commas between them"
    if len(numbers) != 4:
        return None, f"{text!r}: expected four numbers a box"
    if not all(0 <= number <= 1 for number in numbers):
        return None, f"{text!r}: expected numbers in 0 to 1"
    x1, y1, x2, y2 = numbers
    return ((x1, y1, x2, y2), "") if x1 <= x2 and y1 <= y2 else (None, f"{text!r}: expected left before right")
