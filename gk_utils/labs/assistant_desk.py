"""The desk of lesson 17: choose a picture, ask a question, see the answer drawn with its evidence.

`answer_panel` and `answer_words` make what is shown out of an answer; the widget only asks and shows.

Notebook: 17.
"""

import base64
import html
import textwrap
from collections.abc import Mapping
from typing import Any

import ipywidgets
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils import viz
from gk_utils.assistant.asking import EXAMPLES
from gk_utils.assistant.assistant import Assistant
from gk_utils.assistant.grounded_answers import Answer
from gk_utils.assistant.view import View
from gk_utils.figure_image import LIMIT, Mime, to_image
from gk_utils.labs.panel import Panel

STILL = 24_000  # bytes of the picture that stays in the notebook
LINES = 8  # of evidence
MOST = 60  # characters of an answer that stand above its picture


def answer_panel(image: Float[Tensor, "3 h w"], answer: Answer, *, title: str = "") -> viz.Picture:
    """A picture with an answer's evidence on it: what belongs to the answer solid, what was looked at beside hatched.

    >>> import torch
    >>> panel = answer_panel(torch.zeros(3, 8, 8), Answer("Why?", "unread", "I cannot.", "unknown", (8, 8)))
    >>> panel.title
    'Why? I cannot.'
    """
    used = {row for one in answer.named for row in one.rows}
    rows, beside = sorted(used), [row for row in range(len(answer.shown)) if row not in used]
    parts: dict[str, Any] = {}
    if rows:
        parts |= {"boxes": answer.boxes[rows], "labels": [answer.shown[row].name for row in rows]}
    if beside:
        parts |= {"regions": answer.boxes[beside], "region_labels": [_came_close(answer, row) for row in beside]}
    masked = [row for row in rows if answer.shown[row].mask]
    if masked:
        masks = [mask for row in masked if (mask := answer.mask(row)) is not None]
        parts |= {"masks": torch.stack(masks), "mask_labels": [""] * len(masks), "labels": [""] * len(rows)}
        parts["mask_labels"] = [answer.shown[row].name for row in masked]
    said = textwrap.shorten(answer.text.split("\n")[0], MOST, placeholder=" ...")
    return viz.Picture(image.permute(1, 2, 0), **parts, title=title or f"{answer.question} {said}")


def _came_close(answer: Answer, row: int) -> str:
    """What was looked at beside the answer, and its share of the map where that is known."""
    one = answer.shown[row]
    return f"{one.name}, share {one.numbers['share']:.2f}" if "share" in one.numbers else one.name


def answer_words(answer: Answer) -> str:
    """The answer, its evidence in words, and whose functions were at work; a line each."""
    lines = answer.evidence_lines()
    lines = lines[:LINES] + ([f"and {len(lines) - LINES} more"] if len(lines) > LINES else [])
    mine = ", ".join(f"{name} ({whose})" for name, whose in answer.parts.items())
    return "\n".join([answer.text, *lines, f"functions: {mine or 'none of the lessons'}"])


class AssistantLab(Panel):
    """A picture, a question and the answer; `answer` is what is shown.

    Attributes:
        picture: which picture; example: a question of each kind to begin with; question: the words, Enter asks.
        view: the answer.
    """

    def __init__(
        self, assistant: Assistant, pictures: Mapping[str, Float[Tensor, "3 h w"]], question: str = EXAMPLES["locate"]
    ) -> None:
        self.assistant = assistant
        self._views: dict[str, View] = {name: assistant.look(image) for name, image in pictures.items()}
        style = {"description_width": "70px"}
        self.picture = ipywidgets.ToggleButtons(
            options=list(pictures), description="picture", style={**style, "button_width": "auto"}
        )
        self.example = ipywidgets.Dropdown(
            options=[("choose an example", ""), *((f"{kind}: {text}", text) for kind, text in EXAMPLES.items())],
            value="",
            description="examples",
            style=style,
            layout={"width": "460px"},
        )
        self.question = ipywidgets.Text(
            value=question, description="question", continuous_update=False, style=style, layout={"width": "460px"}
        )
        self.view = ipywidgets.HTML()
        super().__init__([self.picture, self.example, self.question, self.view])
        self._ask()
        self.example.observe(self._choose, "value")
        self.picture.observe(self._ask, "value")
        self.question.observe(self._ask, "value")

    def _choose(self, change: Any) -> None:
        if self.example.value:
            self.question.value = self.example.value

    def _ask(self, change: Any = None) -> None:
        if not self.question.value.strip():
            self.view.value = '<p role="status">Write a question.</p>'
            return
        try:
            self.answer = self.assistant.ask(self._views[self.picture.value], self.question.value)
        except ValueError as error:  # more words than the models read
            self.view.value = f'<p role="status">{html.escape(str(error))}</p>'
            return
        mime, content = self.first_frame()
        picture = f"data:{mime};base64,{base64.b64encode(content).decode()}"
        first, *rest = (html.escape(line) for line in answer_words(self.answer).split("\n"))
        listed = "".join(f"<li>{line}</li>" for line in rest)
        self.view.value = (
            f'<p role="status" style="margin:6px 0 2px"><strong>{first}</strong></p>'
            f'<img src="{picture}" alt="{html.escape(self.in_words())}" style="max-width:100%"><ul>{listed}</ul>'
        )

    def in_words(self) -> str:
        """What the picture shows, for somebody who cannot see it."""
        return f"Picture {self.picture.value}. {self.answer.question} {answer_words(self.answer)}"

    def draw(self) -> Figure:
        """The picture with the evidence."""
        return viz.show_grid([answer_panel(self._views[self.picture.value].image, self.answer)], columns=2)

    def first_frame(self, limit: int = LIMIT) -> tuple[Mime, bytes]:
        """What is shown, as a picture file of at most `limit` bytes and its type."""
        return to_image(self.draw(), limit)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view, and for readers without one the picture and its words."""
        mime, content = self.first_frame(STILL)
        words = self.in_words()
        data = {**super()._repr_mimebundle_(**kwargs), "text/plain": words, mime: base64.b64encode(content).decode()}
        return data, {mime: {"alt": words}}
