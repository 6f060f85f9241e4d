"""The lab of lesson 15: edit a caption with links, and see which of its claims fail, and on which evidence.

`read_claims` is the pure function: a view of a picture and a text to verdicts, boxes and words.

Notebook: 15.
"""

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets
import torch
from matplotlib.figure import Figure

from gk_utils import viz
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.countertop.things import CATEGORIES, COLOURS
from gk_utils.figure_image import LIMIT, Mime, to_image
from gk_utils.grounded_conversation.claim_filter import Judged, judge_talk
from gk_utils.grounded_conversation.linked_talk import TalkTurn, read_links, write_links
from gk_utils.grounded_conversation.picture_notes import PictureNotes, note_scene
from gk_utils.grounded_conversation.talk_grammar import OPPOSITES
from gk_utils.grounded_conversation.witnesses import View, view_pictures
from gk_utils.kosmos2.grounded_text import GroundedText
from gk_utils.labs.panel import Panel
from gk_utils.models.trunk_grounder import TrunkGrounder, load_grounder

MARKS = {"supported": "\u2713", "contradicted": "\u2717", "undecided": "?"}
SEEDS = {"A": 60, "B": 71, "C": 74}  # two kettles, bowls, toasters of different colours
SIDE = 256
STILL = 20_000  # bytes of the picture that stays in the notebook


@dataclass(frozen=True, eq=False)
class ClaimsReading:
    """What became of a caption: its words, each claim judged, and what is wrong with its links."""

    view: View
    said: GroundedText
    claims: tuple[Judged, ...]
    problems: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """How many claims have which outcome."""
        if not self.claims:
            return "Nothing is claimed."
        counts = {name: sum(one.outcome == name for one in self.claims) for name in MARKS}
        return ", ".join(f"{count} {name}" for name, count in counts.items() if count)

    def line(self, claim: Judged) -> str:
        """One claim with its outcome and the evidence."""
        words = self.said.text[claim.start : claim.end]
        words = f"the box of '{words}'" if claim.kind == "box" else words
        return f"{MARKS[claim.outcome]} {words} - {claim.outcome} ({claim.reason})"

    def in_words(self) -> str:
        """All of it, a line a claim."""
        return "\n".join([self.said.text, self.sentence, *map(self.line, self.claims), *self.problems])


def read_claims(view: View, text: str) -> ClaimsReading:
    """Judge each sentence and each link of a caption.

    >>> from gk_utils.models.trunk_grounder import load_grounder
    >>> (view,) = view_pictures(load_grounder()[0], [torch.zeros(3, 64, 64)])
    >>> read_claims(view, "There is [a mug](0.1,0.1,0.5,0.5).").sentence
    '2 contradicted'
    """
    read = read_links(" ".join(text.split()))
    claims = judge_talk([TalkTurn("assistant", read.grounded)], view)
    return ClaimsReading(view, read.grounded, claims, read.problems)


def caption_edits(notes: PictureNotes) -> dict[str, str]:
    """Captions of one picture: a true one, and what each edit makes of it; edits without a chance are left out.

    >>> from gk_utils.grounded_conversation.picture_notes import NotedThing
    >>> notes = PictureNotes((), (NotedThing("mug", "red", (0.1, 0.2, 0.3, 0.4)),))
    >>> caption_edits(notes)["true"]
    'There is [a mug](0.100,0.200,0.300,0.400). [This mug](0.100,0.200,0.300,0.400) is red.'
    """
    shown = [number for number, thing in enumerate(notes.things) if not thing.hidden]
    twins = [a for a in shown if len(notes.of(notes.things[a].category)) > 1]
    first = (twins or shown)[0]
    thing, alike = notes.things[first], notes.of(notes.things[first].category)
    others = [notes.things[b].colour for b in alike if notes.things[b].colour != thing.colour]
    missing = [name for name in CATEGORIES if not notes.of(name)]
    strange = [name for name in COLOURS if all(notes.things[b].colour != name for b in alike)]
    strangers = [notes.things[b].box_unit for b in shown if notes.things[b].category != thing.category]
    known = [one for one in notes.relations if one[1] in OPPOSITES and one[0] in shown and one[2] in shown]

    def caption(**change: Any) -> str:
        parts: list[Any] = ["There is ", (f"a {change.get('name', thing.category)}", thing.box_unit), ". "]
        parts += [
            (f"This {thing.category}", change.get("box", thing.box_unit)),
            f" is {change.get('colour', thing.colour)}.",
        ]
        if known:
            a, relation, b = known[0]
            relation = change.get("relation", relation)
            side = relation if relation in ("behind", "in front of") else f"to the {relation}"
            parts += [" ", (f"The {notes.named(a)}", notes.things[a].box_unit), f" is {side} "]
            parts += [(f"the {notes.named(b)}", notes.things[b].box_unit), "."]
        return _written(parts) + change.get("more", "")

    edits = {"true": caption()}
    if missing:
        edits["a thing that is not there"] = caption(name=missing[0])
    if strange:
        edits["a colour that none has"] = caption(colour=strange[0])
    if others:
        edits["the colour of its twin"] = caption(colour=others[0])
    if known:
        edits["the other side"] = caption(relation=OPPOSITES[known[0][1]])
    if strangers:
        edits["another thing's box"] = caption(box=max(strangers, key=lambda box: abs(box[0] - thing.box_unit[0])))
    return {**edits, "beyond the picture": caption(more=" It was not cheap.")}


def draw_claims(reading: ClaimsReading) -> Figure:
    """The picture with the boxes of the links, each with its words and what became of it."""
    boxes, labels = [torch.zeros(0, 4)], []
    outcomes = {(one.start, one.end): one.outcome for one in reading.claims if one.kind == "box"}
    for index, span in enumerate(reading.said.spans):
        found = reading.said.boxes(index, reading.view.image_hw)
        boxes.append(found)
        outcome = outcomes.get(span, "undecided")
        labels += [f"{reading.said.phrases[index]}: {outcome}"] * len(found)
    picture = reading.view.image.permute(1, 2, 0)
    return viz.show_boxes(picture, torch.cat(boxes), labels, title=reading.sentence)


class ClaimLab(Panel):
    """A picture, a caption to edit, and its claims; `reading` is what is shown.

    Attributes:
        picture: which one; edit: a caption to begin with; caption: the text, taken when it is left or on the button.
        view: the verdicts and the picture.
    """

    def __init__(self, views: Mapping[str, View], edits: Mapping[str, Mapping[str, str]]) -> None:
        self._views, self._edits = dict(views), {name: dict(each) for name, each in edits.items()}
        style = {"description_width": "70px"}
        self.picture = ipywidgets.ToggleButtons(
            options=list(views), description="picture", style={**style, "button_width": "auto"}
        )
        self.edit = ipywidgets.Dropdown(description="edit", style=style)
        wide = {"width": "640px", "height": "110px"}
        self.caption = ipywidgets.Textarea(description="caption", continuous_update=False, style=style, layout=wide)
        self.button = ipywidgets.Button(description="Check it", button_style="primary")
        self.view = ipywidgets.HTML()
        super().__init__(
            [
                ipywidgets.HBox([self.picture, self.edit], layout={"flex_flow": "row wrap"}),
                self.caption,
                self.button,
                self.view,
            ]
        )
        self._writing = False
        self._choose_picture()
        self.picture.observe(self._choose_picture, "value")
        self.edit.observe(self._choose_edit, "value")
        self.caption.observe(self._ask, "value")
        self.button.on_click(self._ask)

    def _choose_picture(self, change: Any = None) -> None:
        self._writing = True
        self.edit.options = list(self._edits[self.picture.value])
        self.edit.value = self.edit.options[0]
        self._writing = False
        self._choose_edit()

    def _choose_edit(self, change: Any = None) -> None:
        if self._writing:
            return
        self._writing = True
        self.caption.value = self._edits[self.picture.value][self.edit.value]
        self._writing = False
        self._ask()

    def _ask(self, change: Any = None) -> None:
        if self._writing:
            return
        self.reading = read_claims(self._views[self.picture.value], self.caption.value)
        mime, content = self.first_frame()
        picture = f"data:{mime};base64,{base64.b64encode(content).decode()}"
        lines = [self.reading.line(claim) for claim in self.reading.claims] + list(self.reading.problems)
        rows = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
        self.view.value = (
            f'<p role="status" style="margin:6px 0 2px"><strong>{html.escape(self.reading.sentence)}</strong></p>'
            f'<ul style="margin:0;line-height:1.35">{rows}</ul>'
            f'<img src="{picture}" alt="{html.escape(self.reading.in_words())}" style="max-width:100%">'
        )

    def in_words(self) -> str:
        """What is shown, for those who cannot see it."""
        return self.reading.in_words()

    def first_frame(self, limit: int = LIMIT) -> tuple[Mime, bytes]:
        """What is shown, as a picture file of at most `limit` bytes and its type."""
        return to_image(draw_claims(self.reading), limit)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view, and for readers without one the picture and its words."""
        (mime, content), words = self.first_frame(STILL), self.in_words()
        data = {**super()._repr_mimebundle_(**kwargs), "text/plain": words, mime: base64.b64encode(content).decode()}
        return data, {mime: {"alt": words}}


def claim_lab(grounder: TrunkGrounder | None = None, seeds: Mapping[str, int] = SEEDS) -> ClaimLab:
    """The lab on three countertops; `grounder` is the best that the course ships if None."""
    scenes = [draw_scene_for(2**36 + seed) for seed in seeds.values()]
    rendered = render(scenes, (SIDE, SIDE))
    views = view_pictures(grounder or load_grounder()[0], list(rendered.images))
    notes = [note_scene(scene, rendered, row) for row, scene in enumerate(scenes)]
    edits = [caption_edits(each) for each in notes]
    return ClaimLab(dict(zip(seeds, views, strict=True)), dict(zip(seeds, edits, strict=True)))


def _written(parts: Sequence[Any]) -> str:
    """Text and links, as (words, box), as one text."""
    text, spans, boxes = "", [], []
    for part in parts:
        words = part if isinstance(part, str) else part[0]
        if not isinstance(part, str):
            spans.append((len(text), len(text) + len(words)))
            boxes.append((part[1],))
        text += words
    return write_links(GroundedText(text, tuple(spans), tuple(boxes)))
