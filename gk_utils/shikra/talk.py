"""A conversation as a value: who says what, and which characters of it are boxes or points.

    parts --say--> Utterance("user", "What is in [0.120,0.300,0.480,0.710]?", marks) --read--> the same, from its text

Coordinates are words like others: decimals in [0, 1] with three digits, x before y, no spaces; four numbers are a box,
two a point, several share one bracket with ";". They count on the picture padded to a square. Reading is total: what is
no bracket of numbers stays text.

Source: Shikra, Chen et al. 2023, arXiv:2306.15195, section 4; shikras/shikra at 1204f10, box_process_function.py.
Notebook: 13.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.errors import check_choice
from gk_utils.text_coordinates.conventions import FORMATS

Role = Literal["user", "assistant"]
Places = tuple[tuple[float, ...], ...]  # boxes (x1 y1 x2 y2) or points (x y), all of one kind, as fractions
Parts = Sequence[str | Places]
ROLES = ("user", "assistant")
NAMES = {"user": "USER:", "assistant": "ASSISTANT:"}

_NUMBER = r"(?:0(?:\.\d+)?|1(?:\.0+)?)"
_PLACE = rf"{_NUMBER},{_NUMBER}(?:,{_NUMBER},{_NUMBER})?"
_MARK = re.compile(rf"\[{_PLACE}(?:;{_PLACE})*\]")
_SPEAKER = re.compile(r"(USER|ASSISTANT):\s*")


@dataclass(frozen=True)
class Mark:
    """Characters [start, end) of an utterance, brackets included, say these boxes or these points."""

    start: int
    end: int
    places: Places

    @property
    def kind(self) -> Literal["boxes", "points"]:
        """Four numbers each are boxes, two are points."""
        return "boxes" if len(self.places[0]) == 4 else "points"

    def to_pixels(self, image_hw: tuple[int, int]) -> Float[Tensor, "n k"]:
        """The boxes (n 4) or points (n 2) in pixels of a picture of this size, which was padded to a square."""
        rows = torch.tensor([place if len(place) == 4 else place * 2 for place in self.places])
        pixels = FORMATS["shikra"].frame(image_hw).to_pixels(rows)
        return pixels if self.kind == "boxes" else pixels[:, :2]


@dataclass(frozen=True)
class Utterance:
    """What the user or the assistant says, with the place of every bracket of coordinates in it."""

    role: Role
    text: str
    marks: tuple[Mark, ...] = ()

    def __post_init__(self) -> None:
        check_choice(self.role, ROLES, "role")

    @property
    def plain(self) -> str:
        """The text without its brackets, and without the blank before one.

        >>> say("assistant", ["A mug", ((0.1, 0.2, 0.3, 0.4),), " is on a plate."]).plain
        'A mug is on a plate.'
        """
        kept, at = "", 0
        for mark in self.marks:
            kept, at = kept + self.text[at : mark.start].rstrip(" "), mark.end
        return kept + self.text[at:]


@dataclass(frozen=True)
class Conversation:
    """Utterances in turn, the user first.

    Raises:
        ValueError: two utterances of one role after each other, or the assistant first.
    """

    utterances: tuple[Utterance, ...] = ()

    def __post_init__(self) -> None:
        roles = [utterance.role for utterance in self.utterances]
        if roles != [ROLES[place % 2] for place in range(len(roles))]:
            raise ValueError(f"utterances: expected user and assistant in turn, got {roles}. Begin with the user.")

    def __str__(self) -> str:
        return " ".join(f"{NAMES[each.role]} {each.text}" for each in self.utterances)


def spell(places: Places) -> str:
    """Boxes or points as the words of a conversation.

    Raises:
        ValueError: no place, places of two kinds, or a number outside [0, 1].

    >>> spell(((0.12, 0.3, 0.48, 0.71), (0, 0.5, 0.25, 1)))
    '[0.120,0.300,0.480,0.710;0.000,0.500,0.250,1.000]'
    """
    _check(places)
    return "[" + ";".join(",".join(f"{_rounded(number):.3f}" for number in place) for place in places) + "]"


def say(role: Role, parts: Parts) -> Utterance:
    """An utterance from its parts: texts, and places where a bracket belongs.

    Places come back rounded as they are written, so that reading the text gives an equal utterance.

    Raises:
        ValueError: as `spell`, or a text that holds a bracket of numbers itself.

    >>> say("user", ["What is at ", ((0.5, 0.25),), "?"]).marks
    (Mark(start=11, end=24, places=((0.5, 0.25),)),)
    """
    text, marks = "", []
    for part in parts:
        if isinstance(part, str):
            if _MARK.search(part):
                raise ValueError(f"parts: expected places as numbers, got {part!r}. Give the bracket as a part.")
            text += part
            continue
        places = tuple(tuple(_rounded(number) for number in place) for place in part)
        words = spell(places)
        marks.append(Mark(len(text), len(text) + len(words), places))
        text += words
    return Utterance(role, text, tuple(marks))


def read(role: Role, text: str) -> Utterance:
    """The utterance that a text is. No text raises: a bracket that is not well formed is left as text.

    Corners of a box are put in order.

    >>> read("assistant", "A mug[0.1,0.2,0.3,0.4] and [0.1,2] and [0.9").marks
    (Mark(start=5, end=22, places=((0.1, 0.2, 0.3, 0.4),)),)
    """
    marks = []
    for found in _MARK.finditer(text):
        places = tuple(_ordered(tuple(map(float, piece.split(",")))) for piece in found.group()[1:-1].split(";"))
        if len({len(place) for place in places}) == 1:
            marks.append(Mark(found.start(), found.end(), places))
    return Utterance(role, text, tuple(marks))


def read_conversation(text: str) -> Conversation:
    """The conversation that a text is, up to the first speaker who is out of turn; what stands before it is dropped.

    >>> [each.text for each in read_conversation("USER: Hello. ASSISTANT: A mug. ASSISTANT: More.").utterances]
    ['Hello.', 'A mug.']
    """
    pieces = _SPEAKER.split(text)[1:]
    said: list[Utterance] = []
    for speaker, words in zip(pieces[::2], pieces[1::2], strict=True):
        role = speaker.lower()
        if role != ROLES[len(said) % 2]:
            break
        said.append(read(role, words.strip()))
    return Conversation(tuple(said))


def join(utterances: Iterable[Utterance]) -> Conversation:
    """A conversation of these."""
    return Conversation(tuple(utterances))


def _check(places: Places) -> None:
    lengths = {len(place) for place in places}
    if lengths not in ({2}, {4}):
        raise ValueError(
            f"places: expected boxes of 4 numbers or points of 2, got {places}. Make two brackets of them."
        )
    if not all(0 <= number <= 1 for place in places for number in place):
        raise ValueError(f"places: expected fractions of the padded picture, got {places}. Divide by its side.")


def _rounded(number: float) -> float:
    """To three decimals, halves up, as `text_coordinates.render_boxes` rounds."""
    return math.floor(number * 1000 + 0.5) / 1000


def _ordered(place: tuple[float, ...]) -> tuple[float, ...]:
    if len(place) == 2:
        return place
    x1, y1, x2, y2 = place
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
