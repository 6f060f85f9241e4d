"""The lab of lesson 13: talk with the picture; point, ask, and see the answer drawn and the talk as it is written.

A canvas to mark a point or a region on, questions to choose from or to rewrite, and the raw text of the conversation,
places as words. `talk_turns` holds every number and word.

Notebook: 13.
"""

import base64
import html
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets
import torch

from gk_utils.figure_image import Mime, to_image
from gk_utils.labs.canvas import Answer
from gk_utils.labs.panel import Panel
from gk_utils.labs.scribble_canvas import ScribbleCanvas, Stroke
from gk_utils.labs.talk_turns import QUESTIONS, TalkReading, TalkStage, marked_place, paint_boxes, stage_of, take_turn
from gk_utils.shikra.shikra_chat import Talker
from gk_utils.shikra.talk import NAMES, Conversation
from gk_utils.viz import show_boxes

STILL = 20_000  # bytes of the picture that stays in the notebook
SEEDS = {"A": 2**41 + 23, "B": 2**41 + 32}


class TalkLab(Panel):
    """A picture to point at, questions, and the conversation; `reading` is what is shown.

    Attributes:
        picture: which stage; choice: the list of questions; question: the one to ask, which may be rewritten.
        ask, forget: the buttons; canvas: what is marked; view: the conversation.
    """

    def __init__(self, stages: Mapping[str, TalkStage]) -> None:
        self._stages = dict(stages)
        style = {"description_width": "70px"}
        self.picture = ipywidgets.ToggleButtons(
            options=list(stages), description="picture", style={**style, "button_width": "auto"}
        )
        self.choice = ipywidgets.Select(
            options=QUESTIONS, rows=len(QUESTIONS), description="questions", style=style, layout={"width": "460px"}
        )
        self.question = ipywidgets.Text(description="ask", style=style, layout={"width": "460px"})
        self.ask = ipywidgets.Button(description="Ask", button_style="primary")
        self.forget = ipywidgets.Button(description="New conversation")
        self.view = ipywidgets.HTML()
        super().__init__([])
        self.ask.on_click(lambda _: self.turn())
        self.forget.on_click(lambda _: self._begin())
        self.choice.observe(self._chosen, "value")
        self.picture.observe(self._set_stage, "value")
        self._set_stage()

    @property
    def stage(self) -> TalkStage:
        """What is talked about now."""
        return self._stages[self.picture.value]

    def turn(self) -> None:
        """Ask the question that stands in the box."""
        self.reading = take_turn(self.stage, self.reading.conversation, self.question.value, self.canvas.strokes)
        self._show()

    def _set_stage(self, change: Any = None) -> None:
        self.choice.options = self.stage.questions
        self.choice.value = self.question.value = self.stage.questions[0]
        self._forgotten()
        self.canvas = ScribbleCanvas(
            self.stage.image.permute(1, 2, 0),
            [[list(point) for point in stroke] for stroke in self.stage.start],
            self._describe,
            title="Click on a thing for [point], go round it for [box]; then ask.",
        )
        buttons = ipywidgets.HBox([self.ask, self.forget])
        asking = ipywidgets.VBox([self.choice, self.question, buttons, self.view], layout={"width": "500px"})
        row = ipywidgets.HBox([self.canvas, asking], layout={"flex_flow": "row wrap"})
        self.children = (self.picture, row)
        self.turn()

    def _begin(self) -> None:
        self._forgotten()
        self._show()

    def _forgotten(self) -> None:
        self.reading = TalkReading(Conversation(), torch.zeros(0, 4), None, ())

    def _chosen(self, change: Any) -> None:
        self.question.value = change.new or ""

    def _describe(self, strokes: Sequence[Stroke]) -> Answer:
        place = marked_place(strokes)
        words = "Nothing is marked." if place is None else f"You mark {self.stage.chat.bracket(place)}."
        facts = " ".join(self.reading.facts)
        return Answer(f"{words}\n{facts}".strip(), paint_boxes(self.stage.image, self.reading.boxes))

    def _show(self) -> None:
        self.canvas.renew()
        said = "".join(
            f"<div><strong>{NAMES[each.role]}</strong> {html.escape(each.text)}</div>"
            for each in self.reading.conversation.utterances
        )
        problem = html.escape(self.reading.problem or ("" if said else self.reading.sentence))
        self.view.value = (
            f'<div role="log" style="font-family:monospace;line-height:1.5;overflow-wrap:anywhere">{said}</div>'
            f'<p role="status">{problem}</p>'
        )

    def in_words(self) -> str:
        """What is shown, for those who cannot see it."""
        return "\n".join([self.reading.in_words(), self.canvas.in_words()])

    def first_frame(self, limit: int = STILL) -> tuple[Mime, bytes]:
        """What is shown, as a picture file of at most `limit` bytes and its type."""
        figure = show_boxes(
            self.stage.image.permute(1, 2, 0),
            self.reading.boxes,
            [str(number) for number in range(1, len(self.reading.boxes) + 1)],
            caption=self.reading.in_words(),
        )
        self.canvas.draw_value(figure, 1.0)
        return to_image(figure, limit)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view, and for readers without one the picture and its words."""
        (mime, content), words = self.first_frame(), self.in_words()
        data = {**super()._repr_mimebundle_(**kwargs), "text/plain": words, mime: base64.b64encode(content).decode()}
        return data, {mime: {"alt": words}}


def talk_lab(talker: Talker) -> TalkLab:
    """The lab on two countertops."""
    return TalkLab({name: stage_of(talker, seed) for name, seed in SEEDS.items()})
