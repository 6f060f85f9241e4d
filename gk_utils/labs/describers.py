"""Describers of countertops, right and wrong in known ways, to show what each score of lesson 15 sees.

Notebook: 15.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from gk_utils.countertop.naming import with_article
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES
from gk_utils.errors import check_choice
from gk_utils.formats.gcg import GcgEntry, GcgPhrase
from gk_utils.grounded_conversation.picture_notes import note_scene
from gk_utils.grounded_sam.run_lengths import encode_masks

DESCRIBERS = ("the truth", "one thing", "another name", "left and right swapped", "other words")
SIDE = 64
MOST = 3  # things named


@dataclass(frozen=True, eq=False)
class Description:
    """A caption, its phrases with the characters where they stand, and a mask (n h w) for each."""

    text: str
    phrases: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    masks: Bool[Tensor, "n h w"]


def described(name: str, scenes: Sequence[Scene]) -> list[Description]:
    """What a describer says of scenes.

    Raises:
        ValueError: an unknown name.

    >>> from gk_utils.countertop.language import draw_scene_for
    >>> described("one thing", [draw_scene_for(3)])[0].text.startswith("the picture shows ")
    True
    """
    check_choice(name, DESCRIBERS, "name")
    rendered = render(list(scenes), (SIDE, SIDE))
    return [
        _describe(name, scene, note_scene(scene, rendered, row, 0), rendered.masks[row])
        for row, scene in enumerate(scenes)
    ]


def as_grandf(one: Description, file_name: str) -> GcgEntry:
    """A description as an entry of GranD-f; of phrases with the same words the first.

    >>> from gk_utils.countertop.language import draw_scene_for
    >>> (one,) = described("the truth", [draw_scene_for(3)])
    >>> as_grandf(one, "a.png").caption == one.text
    True
    """
    phrases: dict[str, GcgPhrase] = {}
    for phrase, span, mask in zip(one.phrases, one.spans, encode_masks(one.masks), strict=True):
        phrases.setdefault(phrase, GcgPhrase(phrase, *span, (mask,)))
    return GcgEntry(file_name, one.text, tuple(phrases.values()))


def _describe(name: str, scene: Scene, notes, masks: Bool[Tensor, "n h w"]) -> Description:
    seen = [index for index in range(len(scene)) if masks[index].any()]
    shown = [k for k, thing in enumerate(notes.things) if not thing.hidden][: 1 if name == "one thing" else MOST]
    text = "on the counter we can find " if name == "other words" else "the picture shows "
    phrases, spans = [], []
    for place, number in enumerate(shown):
        thing = notes.things[number]
        category = _other(thing.category) if name == "another name" else thing.category
        words = category if name in ("other words", "another name") else f"{thing.colour} {category}"
        phrase = with_article(words)
        text += (" and " if place == len(shown) - 1 else ", ") if place else ""
        spans.append((len(text), len(text) + len(phrase)))
        phrases.append(phrase)
        text += phrase
    if name not in ("one thing", "other words", "another name"):
        text += _side(notes, swapped=name == "left and right swapped")
    picked = torch.stack([masks[seen[number]] for number in shown]) if shown else masks[:0]
    return Description(f"{text}.", tuple(phrases), tuple(spans), picked)


def _side(notes, *, swapped: bool) -> str:
    """A true sentence about left or right, or its opposite; none where no relation is clear."""
    known = [one for one in notes.relations if one[1] in ("left of", "right of")]
    if not known:
        return ""
    a, relation, b = known[0]
    if swapped:
        relation = {"left of": "right of", "right of": "left of"}[relation]
    return f", and the {notes.named(a)} is to the {relation} the {notes.named(b)}"


def _other(category: str) -> str:
    """Always the same wrong name."""
    return CATEGORIES[(CATEGORIES.index(category) + 5) % len(CATEGORIES)]
