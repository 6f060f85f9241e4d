"""An answer while it is being put together: what is shown, under which row, and what else the reader should know."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from gk_utils.assistant.asking import Request
from gk_utils.assistant.grounded_answers import Answer, Decision, Named, Shown
from gk_utils.assistant.parts import AtWork
from gk_utils.assistant.view import View
from gk_utils.formats.rle import decode_mask
from gk_utils.grounded_sam.region_colour import colour_shares


class Draft:
    """Gathers the evidence for one answer.

    Attributes:
        view: the picture; work: calls the parts; question, request: what was asked.
        shown: what is shown so far; notes: what the reader should know.
    """

    def __init__(self, view: View, work: AtWork, question: str, request: Request) -> None:
        self.view, self.work, self.question, self.request = view, work, question, request
        self.shown: list[Shown] = []
        self.notes: list[str] = []
        self._rows: dict[int, int] = {}

    def show(self, thing: int, mask: Mapping[str, Any] | None = None, **numbers: float) -> int:
        """Show a thing of the view's `sight`, once; its row. Numbers are added to those that are there."""
        if thing not in self._rows:
            sight = self.view.sight
            self._rows[thing] = len(self.shown)
            first = {"score": round(float(sight.scores[thing]), 4)}
            self.shown.append(Shown(sight.name(thing), tuple(sight.boxes[thing].tolist()), mask, first))
        one = self.shown[self._rows[thing]]
        one.numbers.update({name: round(float(value), 4) for name, value in numbers.items()})
        if mask is not None:
            one.numbers.update(_in_the_mask(self.view, one.name, mask))
        return self._rows[thing]

    def show_box(self, name: str, box: Sequence[float], mask: Mapping[str, Any] | None = None, **numbers: float) -> int:
        """Show a box that is of no thing in `sight`; its row."""
        height, width = self.view.image_hw
        x1, y1, x2, y2 = (float(value) for value in box)
        inside = (min(max(x1, 0), width), min(max(y1, 0), height), min(max(x2, 0), width), min(max(y2, 0), height))
        self.shown.append(Shown(name, inside, mask, {key: round(float(value), 4) for key, value in numbers.items()}))
        return len(self.shown) - 1

    def answer(self, text: str, value: str, named: Sequence[Named] = (), decisions: Sequence[Decision] = ()) -> Answer:
        """The finished answer."""
        return Answer(
            *(self.question, self.request.kind, text, value, self.view.image_hw),
            *(tuple(self.shown), tuple(named), tuple(decisions), (*self.notes, *self.work.notes)),
            *(dict(self.work.whose), self.view.models.name),
        )


def _in_the_mask(view: View, name: str, mask: Mapping[str, Any]) -> dict[str, float]:
    """How large a mask is, as a share of the picture, and how much of it has the colour that the thing is called by."""
    pixels = decode_mask(dict(mask), view.image_hw)
    found = {"area": round(float(pixels.float().mean()), 4)}
    shares = colour_shares(view.image.float(), pixels) if bool(pixels.any()) else {}
    colour = name.split(maxsplit=1)[0]
    return found | ({colour: round(shares[colour], 4)} if colour in shares else {})


def count_words(n: int, name: str) -> str:
    """A number with its noun: "no mug", "one mug", "3 mugs".

    >>> count_words(0, "red mug"), count_words(1, "red mug"), count_words(3, "red mug")
    ('no red mug', 'one red mug', '3 red mugs')
    """
    return {0: f"no {name}", 1: f"one {name}"}.get(n, f"{n} {name}s")


def run_lengths(mask: Mapping[str, Any], image_hw: tuple[int, int]) -> list[int]:
    """The plain run lengths of a mask, down the columns, the first run off; packed ones are unpacked.

    >>> run_lengths({"size": [2, 3], "counts": [2, 3, 1]}, (2, 3))
    [2, 3, 1]
    """
    if isinstance(mask["counts"], list):
        return list(mask["counts"])
    line = decode_mask(dict(mask), image_hw).T.reshape(-1)
    values, counts = torch.unique_consecutive(line, return_counts=True)
    return [0] * bool(values[0]) + counts.tolist()
