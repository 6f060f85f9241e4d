"""Captions as the web has them, for countertop scenes: an expression, often with words around it that name nothing.

    "A photo of the mug on the left side of a red kettle." "The cat behind the plate, good morning."

The words are made from a program, so it is known what each noun phrase refers to: the first one to what the whole
expression picks out, even where the words up to there fit more than that. Notebook: 12.
"""

from dataclasses import dataclass

import numpy as np

from gk_utils.countertop.language import draw_expression
from gk_utils.countertop.naming import Things
from gk_utils.countertop.programs import referents
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.wording import RELATION_WORDS

_BEFORE = ("", "", "a photo of ", "morning light and ")
_BEHIND = ("", "", ", a gift idea", " in the kitchen")
_LINKS = tuple(sorted({word for _, long in RELATION_WORDS.values() for word in long}, key=len, reverse=True))


@dataclass(frozen=True)
class TruePhrase:
    """Characters [start, end) of a caption, what they refer to, and the characters of its noun chunk, which come first.

    Where nothing comes behind the chunk, `chunk_end` is `end`.
    """

    start: int
    chunk_end: int
    end: int
    referents: Things


@dataclass(frozen=True)
class AltText:
    """A caption of a picture on the web and what is known of it: its phrases that name things."""

    text: str
    phrases: tuple[TruePhrase, ...]


def draw_alt_text(scene: Scene, rng: np.random.Generator) -> AltText | None:
    """Draw a caption with one relation; None where the scene has none that needs one.

    >>> from gk_utils.countertop.language import draw_scene_for
    >>> said = draw_alt_text(draw_scene_for(3), np.random.default_rng(5))
    >>> said.text
    'A photo of the bottle on the right side of the plain bottle, a gift idea.'
    >>> [said.text[one.start : one.chunk_end] for one in said.phrases]
    ['the bottle', 'the plain bottle']
    """
    drawn = draw_expression(scene, "relation", "refcocog", rng)
    if drawn is None or not drawn.referents:
        return None
    text = drawn.text.replace(" that is ", " ", 1)
    middle = _linked(text)
    if middle is None:
        return None
    first, last = middle
    before, behind = (str(rng.choice(words)) for words in (_BEFORE, _BEHIND))
    mark = referents(drawn.program.landmark, scene)
    shift = len(before)
    whole = f"{before}{text}{behind}."
    phrases = (
        TruePhrase(shift, shift + first, shift + len(text), drawn.referents),
        TruePhrase(shift + last, shift + len(text), shift + len(text), mark),
    )
    return AltText(whole[0].upper() + whole[1:], phrases)


def _linked(text: str) -> tuple[int, int] | None:
    """Where the relation's words begin (the space before them) and where the landmark begins."""
    for words in _LINKS:
        place = text.find(f" {words} the ")
        if place > 0:
            return place, place + len(words) + 2
    return None
