"""The lab of lesson 00: choose an expression, and see where a model looks, what it boxes, and what came close.

`explanations.explain` holds all the numbers and the words, `score_maps.draw` shows them; the widget only asks again
after every choice.

Notebook: 00.
"""

import base64
import html
from collections.abc import Mapping
from typing import Any

import ipywidgets

from gk_utils.countertop.programs import Program
from gk_utils.countertop.scene import draw_scene
from gk_utils.figure_image import LIMIT, Mime, to_image
from gk_utils.labs.explanations import Looks, Stage, explain, in_words, set_stage
from gk_utils.labs.panel import Panel
from gk_utils.labs.score_maps import draw

THINGS: tuple[dict[str, str | None], ...] = (
    *({"category": "mug", "colour": "red", "size": "large", "pattern": "plain", "state": None},) * 2,
    {"category": "mug", "colour": "blue", "size": "large", "pattern": "plain", "state": "steaming"},
    {"category": "toaster", "colour": "yellow", "size": "large", "pattern": "plain", "state": "toast up"},
    {"category": "apple", "colour": "green", "size": "large", "state": None},
    {"category": "apple", "colour": "red", "size": "large", "state": None},
    {"category": "cat", "colour": "orange", "size": "large", "pattern": "striped", "state": "sleeping"},
)
STILL = 46_000  # bytes of the picture that stays in the notebook
SEEDS = {"A": 226, "B": 360}


def kitchens() -> dict[str, Stage]:
    """Two pictures of the same seven things in other places; each expression of the lesson means one thing in both.

    >>> [len(stage.scene) for stage in kitchens().values()]
    [7, 7]
    """
    return {name: set_stage(draw_scene(seed, n=len(THINGS), wanted=THINGS)) for name, seed in SEEDS.items()}


class ExpressionLab(Panel):
    """Choose an expression, a picture and a model, or write words of your own; `explanation` is what is shown.

    Attributes:
        choice: the list of expressions; picture: which stage; own: the learner's words, asked on Enter; model: who is
            asked, at first the one that is named first.
        view: the answer.

    >>> from gk_utils.models.trunk_grounder import TrunkGrounder, frozen_trunk
    >>> models = {"small": TrunkGrounder(frozen_trunk("trunk_small"))}
    >>> lab = ExpressionLab(models, kitchens(), {"the cat": Program("cat"), "the mug": Program("mug")})
    >>> lab.choice.value = "the mug"
    >>> lab.explanation.phrase, lab.explanation.sentence in lab.view.value
    ('the mug', True)
    """

    def __init__(
        self, grounders: Mapping[str, Looks], stages: Mapping[str, Stage], expressions: Mapping[str, Program]
    ) -> None:
        self._grounders, self._stages, self._expressions = dict(grounders), dict(stages), dict(expressions)
        style = {"description_width": "80px"}
        self.choice = ipywidgets.Select(
            options=list(expressions),
            rows=len(expressions),
            description="expression",
            style=style,
            layout={"width": "400px"},
        )
        self.own = ipywidgets.Text(
            description="your own",
            placeholder="the cat, and press Enter",
            continuous_update=False,
            style=style,
            layout={"width": "300px"},
        )
        self.picture, self.model = (
            ipywidgets.ToggleButtons(
                options=list(options),
                description=description,
                style={**style, "button_width": "60px"},
                layout={"width": "300px"},
            )
            for description, options in (("picture", stages), ("model", grounders))
        )
        self.view = ipywidgets.HTML()
        controls = ipywidgets.HBox(
            [self.choice, ipywidgets.VBox([self.own, self.picture, self.model])],
            layout={"flex_flow": "row wrap"},
        )
        super().__init__([controls, self.view])
        self.phrase = next(iter(expressions))
        self.choice.observe(self._chosen, "value")
        self.own.observe(self._written, "value")
        for buttons in (self.picture, self.model):
            buttons.observe(lambda change: self._show(), "value")
        self._show()

    def _chosen(self, change: Any) -> None:
        self.phrase = change.new
        self.own.value = ""
        self._show()

    def _written(self, change: Any) -> None:
        self.phrase = change.new.strip() or self.choice.value
        self._show()

    def _show(self) -> None:
        stage, program = self._stages[self.picture.value], self._expressions.get(self.phrase)
        try:
            self.explanation = explain(self._grounders[self.model.value], stage, self.phrase, program)
        except ValueError as error:  # words of the learner's own, such as "?"
            self.view.value = f'<p role="status">{html.escape(str(error))}</p>'
            return
        mime, content = self.first_frame()
        picture = f"data:{mime};base64,{base64.b64encode(content).decode()}"
        sentence, words = html.escape(self.explanation.sentence), html.escape(in_words(self.explanation))
        steps = f"Its program: <code>{html.escape(str(program))}</code>" if program else ""
        self.view.value = (
            f'<p role="status" style="margin:6px 0 2px"><strong>{sentence}</strong></p>'
            f'<p style="margin:0 0 6px">{steps}</p><img src="{picture}" alt="{words}" style="max-width:100%">'
        )

    def first_frame(self, limit: int = LIMIT) -> tuple[Mime, bytes]:
        """What is shown, as a picture file of at most `limit` bytes and its type."""
        return to_image(draw(self._stages[self.picture.value], self.explanation), limit)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view, and for readers without one the picture and its words."""
        mime, content = self.first_frame(STILL)
        words = in_words(self.explanation)
        data = {**super()._repr_mimebundle_(**kwargs), "text/plain": words, mime: base64.b64encode(content).decode()}
        return data, {mime: {"alt": words}}
