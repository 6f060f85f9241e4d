"""What the assistant answers with: words, and the evidence for them, checked; as JSON and as a figure.

A reader can hold every word of an answer against its evidence: which boxes a phrase names, how many they are, what
decided a relation, and whose functions were at work.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Bool, Float
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils import viz
from gk_utils.errors import check_choice, check_hw
from gk_utils.formats.files import blame, is_number, is_text, need, parse_json
from gk_utils.formats.rle import check_segmentation, decode_mask

KINDS = (
    *("locate", "segment", "count", "compare", "relate", "absent", "region", "describe", "verify", "ordinal"),
    "unread",
)
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Shown:
    """One thing that is shown: what it is called, its box (xyxy, pixels), perhaps its mask (COCO's run lengths).

    `numbers` says by name what was measured of it: "score", "share" of the map, "covers" ...
    """

    name: str
    box: Box
    mask: Mapping[str, Any] | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Named:
    """A phrase of the question or of the answer, and the rows of `shown` that it names; none: there is none."""

    phrase: str
    rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Decision:
    """A relation between rows of `shown`: whether it holds, by what margin (-1 to 1, 0 where undecided), and why."""

    relation: str
    rows: tuple[int, ...]
    truth: bool | None
    margin: float
    reason: str


@dataclass(frozen=True)
class Answer:
    """An answer with its evidence.

    Attributes:
        question, kind: what was asked, and which of KINDS that is.
        text: the answer in a sentence.
        value: the same in a word that can be compared: "yes", "no", "3", "red mug", "left" ... "none": what was asked
            about is not there; "unknown": it cannot be decided.
        image_hw: height and width of the picture.
        shown: the things that are evidence; what does not belong to a group in `named` was looked at beside.
        named: the phrases asked about, in the order of the question, with their rows.
        decisions: relations that were held against the picture.
        notes: what a reader should know besides: doubts, what was left out and why.
        parts: the exercises whose functions were at work, each with whose they are: "yours" or "reference".
        model: the models behind it.

    Raises:
        ValueError: an unknown kind, no text, rows that are not there, a box outside the picture, a mask of another
            size, a count that its evidence does not show, "none" with a box for every phrase.

    >>> mug = Shown("red mug", (1.0, 0.0, 3.0, 2.0), numbers={"score": 0.9})
    >>> answer = Answer("Where is it?", "locate", "The red mug is here.", "here", (2, 3), (mug,), (Named("it", (0,)),))
    >>> Answer.from_json(answer.as_json()) == answer
    True
    """

    question: str
    kind: str
    text: str
    value: str
    image_hw: tuple[int, int]
    shown: tuple[Shown, ...] = ()
    named: tuple[Named, ...] = ()
    decisions: tuple[Decision, ...] = ()
    notes: tuple[str, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    model: str = ""

    def __post_init__(self) -> None:
        check_choice(self.kind, KINDS, "kind")
        check_hw(self.image_hw)
        for name in ("text", "value"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name}: expected words, got none. Say that it cannot be answered, and why.")
        height, width = self.image_hw
        for one in self.shown:
            x1, y1, x2, y2 = one.box
            if not (0 <= x1 <= x2 <= width and 0 <= y1 <= y2 <= height):
                raise ValueError(
                    f"shown: expected a box xyxy inside {width} x {height} pixels, got {one.box}. Clip it first."
                )
            if one.mask is not None and tuple(one.mask["size"]) != tuple(self.image_hw):
                raise ValueError(f"shown: expected a mask of {self.image_hw} pixels, got {one.mask['size']}.")
        known = range(len(self.shown))
        for rows in (*(one.rows for one in self.named), *(one.rows for one in self.decisions)):
            if not all(row in known for row in rows):
                raise ValueError(f"rows: expected rows of the {len(self.shown)} things shown, got {rows}. Show it too.")
        for one in self.decisions:
            sound = -1 <= one.margin <= 1 and (one.truth is None or (one.margin >= 0) == one.truth or one.margin == 0)
            if not sound:
                raise ValueError(f"decisions: expected a margin with the sign of the truth, got {one.margin:g}.")
        if self.kind == "count" and self.value.isdigit() and self.named and int(self.value) != len(self.named[0].rows):
            raise ValueError(
                f"value: expected {len(self.named[0].rows)}, as many as there are boxes, got {self.value}. Count again."
            )
        if self.value == "none" and self.named and all(one.rows for one in self.named):
            raise ValueError(
                "value: expected a phrase without boxes beside 'none', got boxes for all. Show what is missing."
            )

    @property
    def boxes(self) -> Float[Tensor, "n 4"]:
        """The boxes of `shown`."""
        return torch.tensor([one.box for one in self.shown], dtype=torch.float32).view(-1, 4)

    def mask(self, row: int) -> Bool[Tensor, "h w"] | None:
        """The pixels of the mask of a row; None where there is none."""
        mask = self.shown[row].mask
        return None if mask is None else decode_mask(dict(mask), tuple(self.image_hw))

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        return {
            **{name: getattr(self, name) for name in ("question", "kind", "text", "value", "model")},
            "image_hw": list(self.image_hw),
            "shown": [
                {
                    **{"name": one.name, "box": list(one.box), "numbers": dict(one.numbers)},
                    **({} if one.mask is None else {"mask": dict(one.mask)}),
                }
                for one in self.shown
            ],
            "named": [{"phrase": one.phrase, "rows": list(one.rows)} for one in self.named],
            "decisions": [
                {
                    **{"relation": one.relation, "rows": list(one.rows), "truth": one.truth},
                    **{"margin": one.margin, "reason": one.reason},
                }
                for one in self.decisions
            ],
            "notes": list(self.notes),
            "parts": dict(self.parts),
        }

    def as_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self.as_dict())

    @classmethod
    def from_json(cls, text: str) -> "Answer":
        """The answer that `as_json` wrote, every field checked.

        Raises:
            ValueError: no JSON, or anything malformed in it.
        """
        with blame("answer"):
            entry = parse_json(text)
            need(isinstance(entry, dict), "expected an object", entry)
            keys = {"question", "kind", "text", "value", "model", "image_hw", "shown", "named", "decisions", "notes"}
            need(
                {*keys, "parts"} == set(entry),
                f"expected the keys {', '.join(sorted({*keys, 'parts'}))}",
                sorted(entry),
            )
            for name in ("question", "kind", "text", "value", "model"):
                need(isinstance(entry[name], str), f"{name}: expected a text", entry[name])
            hw = entry["image_hw"]
            sound = isinstance(hw, list) and len(hw) == 2 and all(type(side) is int and side > 0 for side in hw)
            need(sound, "image_hw: expected [height, width]", hw)
            for name in ("shown", "named", "decisions", "notes"):
                need(isinstance(entry[name], list), f"{name}: expected a list", entry[name])
            need(all(map(is_text, entry["notes"])), "notes: expected texts", entry["notes"])
            sound = isinstance(entry["parts"], dict) and all(map(is_text, entry["parts"].values()))
            need(sound, "parts: expected an object of texts", entry["parts"])
            image_hw = (hw[0], hw[1])
            texts = [entry[name] for name in ("question", "kind", "text", "value")]
            shown = tuple(_read_shown(one, image_hw) for one in entry["shown"])
            named = tuple(_read_named(one) for one in entry["named"])
            decisions = tuple(_read_decision(one) for one in entry["decisions"])
            return cls(*texts, image_hw, shown, named, decisions, tuple(entry["notes"]), entry["parts"], entry["model"])

    def draw(self, image: Any, *, title: str = "") -> Figure:
        """The picture with the evidence, the question and the answer above; `image` as `viz.Picture` takes it."""
        rows = range(len(self.shown))
        masks = [self.mask(row) for row in rows]
        some = [row for row in rows if masks[row] is not None]
        evidence: dict[str, Any] = {"boxes": self.boxes, "labels": [self.label(row) for row in rows]} if rows else {}
        if some:
            evidence |= {"masks": torch.stack([masks[row] for row in some]), "mask_labels": [""] * len(some)}
        above = title or f"{self.question}\n{self.text}"
        return viz.show_grid([viz.Picture(image, **evidence, title=above)], caption="\n".join(self.evidence_lines()))

    def label(self, row: int) -> str:
        """What to write at a box: its name, and in brackets what else it was called and its first number."""
        one = self.shown[row]
        number = next((f" {value:.2f}" for value in one.numbers.values()), "")
        return f"{one.name}{number}"

    def evidence_lines(self) -> list[str]:
        """The evidence in words: each phrase with how many boxes, each relation with what decided it, the notes."""
        lines = [f"{one.phrase}: {len(one.rows) or 'no'} box{'' if len(one.rows) == 1 else 'es'}" for one in self.named]
        words = {True: "holds", False: "does not hold", None: "undecided"}
        for one in self.decisions:
            names = [self.shown[row].name for row in one.rows]
            relation = one.relation.replace("_", " ")
            said = f"{names[0]} {relation} {' and '.join(names[1:])}".strip() if names else relation
            lines.append(f"{said}: {words[one.truth]} ({one.margin:+.2f}), {one.reason}")
        return [*lines, *self.notes]


def _read_shown(entry: Any, image_hw: tuple[int, int]) -> Shown:
    need(
        isinstance(entry, dict) and {"name", "box", "numbers"} <= set(entry) <= {"name", "box", "numbers", "mask"},
        "shown: expected name, box, numbers and perhaps mask",
        entry,
    )
    need(is_text(entry["name"]), "shown: expected a name", entry["name"])
    box, numbers = entry["box"], entry["numbers"]
    need(isinstance(box, list) and len(box) == 4 and all(map(is_number, box)), "shown: expected four numbers", box)
    need(isinstance(numbers, dict) and all(map(is_number, numbers.values())), "shown: expected numbers", numbers)
    if "mask" in entry:
        need(isinstance(entry["mask"], dict), "shown: expected run lengths", entry["mask"])
        check_segmentation(entry["mask"], image_hw)
    return Shown(entry["name"], tuple(map(float, box)), entry.get("mask"), numbers)


def _read_named(entry: Any) -> Named:
    need(isinstance(entry, dict) and set(entry) == {"phrase", "rows"}, "named: expected phrase and rows", entry)
    need(is_text(entry["phrase"]), "named: expected a phrase", entry["phrase"])
    return Named(entry["phrase"], _rows(entry["rows"]))


def _read_decision(entry: Any) -> Decision:
    keys = {"relation", "rows", "truth", "margin", "reason"}
    need(isinstance(entry, dict) and set(entry) == keys, f"decisions: expected {', '.join(sorted(keys))}", entry)
    need(is_text(entry["relation"]) and isinstance(entry["reason"], str), "decisions: expected texts", entry)
    need(entry["truth"] in (True, False, None), "decisions: expected true, false or null", entry["truth"])
    need(is_number(entry["margin"]), "decisions: expected a margin", entry["margin"])
    return Decision(entry["relation"], _rows(entry["rows"]), entry["truth"], float(entry["margin"]), entry["reason"])


def _rows(rows: Any) -> tuple[int, ...]:
    need(isinstance(rows, list) and all(type(row) is int for row in rows), "rows: expected whole numbers", rows)
    return tuple(rows)
