"""The lab of lesson 07: write a prompt, move two thresholds, and see which boxes and which labels are left.

`prompt_readings` holds the numbers and the words; the widget asks the model once a prompt and reads the answer again
after every move of a threshold.

Notebook: 07.
"""

import base64
import html
from collections.abc import Mapping
from typing import Any

import ipywidgets
import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils import photos
from gk_utils.figure_image import LIMIT, Mime, to_image
from gk_utils.grounding_dino import MiniGroundingDino
from gk_utils.labs.expressions import kitchens
from gk_utils.labs.panel import Panel
from gk_utils.labs.prompt_readings import ask_prompt, draw_prompt, read_prompt

PROMPTS = (
    "mug. apple. cat. toaster.",
    "red mug. blue mug.",
    "mug.",
    "the second mug from the left.",
    "mug apple cat toaster.",
    "kettle. laptop.",
)
STILL = 20_000  # bytes of the picture that stays in the notebook
STEP = 0.01


class PhraseLab(Panel):
    """A prompt, a picture and two thresholds; `reading` is what is shown.

    Attributes:
        choice: the list of prompts; own: the learner's words, asked on Enter; picture: which one.
        box, text: the thresholds.
        view: the answer.

    >>> from gk_utils.grounding_dino import build_mini
    >>> sizes = {"words": ["mug"], "image_side": 128, "width": 32, "heads": 2, "inner": 64, "queries": 5}
    >>> mini = build_mini({**sizes, "enhancer_layers": 1, "decoder_layers": 1}).eval()
    >>> lab = PhraseLab(mini, {"grey": torch.full((3, 64, 64), 0.5)}, ["mug.", "mug. mug."])
    >>> lab.choice.value, lab.box.value = "mug. mug.", 0.0
    >>> len(lab.reading.boxes), lab.reading.asked.prompt
    (5, 'mug. mug.')
    """

    def __init__(
        self,
        mini: MiniGroundingDino,
        pictures: Mapping[str, Float[Tensor, "3 h w"]],
        prompts: tuple[str, ...] | list[str] = PROMPTS,
    ) -> None:
        self._mini, self._pictures = mini, dict(pictures)
        style = {"description_width": "100px"}
        self.choice = ipywidgets.Select(
            options=list(prompts), rows=len(prompts), description="prompt", style=style, layout={"width": "380px"}
        )
        self.own = ipywidgets.Text(
            description="your own",
            placeholder="red mug. cat. and press Enter",
            continuous_update=False,
            style=style,
            layout={"width": "380px"},
        )
        self.picture = ipywidgets.ToggleButtons(
            options=list(pictures), description="picture", style={**style, "button_width": "auto"}
        )
        self.box, self.text = (
            ipywidgets.FloatSlider(
                value=0.3,
                min=0,
                max=1,
                step=STEP,
                description=f"{name} threshold",
                continuous_update=False,
                style=style,
                layout={"width": "380px"},
            )
            for name in ("box", "text")
        )
        self.view = ipywidgets.HTML()
        left, right = (
            ipywidgets.VBox(parts) for parts in ([self.choice, self.own], [self.picture, self.box, self.text])
        )
        super().__init__([ipywidgets.HBox([left, right], layout={"flex_flow": "row wrap"}), self.view])
        self.prompt = self.choice.value
        self.choice.observe(self._chosen, "value")
        self.own.observe(self._written, "value")
        self.picture.observe(lambda change: self._ask(), "value")
        for slider in (self.box, self.text):
            slider.observe(lambda change: self._show(), "value")
        self._ask()

    def _chosen(self, change: Any) -> None:
        self.prompt = change.new
        self.own.value = ""
        self._ask()

    def _written(self, change: Any) -> None:
        self.prompt = change.new.strip() or self.choice.value
        self._ask()

    def _ask(self) -> None:
        try:
            self._asked = ask_prompt(self._mini, self._pictures[self.picture.value], self.prompt)
        except ValueError as error:  # words of the learner's own, such as "?"
            self.view.value = f'<p role="status">{html.escape(str(error))}</p>'
            return
        self._show()

    def _show(self) -> None:
        self.reading = read_prompt(self._asked, self.box.value, self.text.value)
        mime, content = self.first_frame()
        picture = f"data:{mime};base64,{base64.b64encode(content).decode()}"
        sentence, words = html.escape(self.reading.sentence), html.escape(self.reading.in_words())
        self.view.value = (
            f'<p role="status" style="margin:6px 0 2px"><strong>{sentence}</strong></p>'
            f'<img src="{picture}" alt="{words}" style="max-width:100%">'
        )

    def first_frame(self, limit: int = LIMIT) -> tuple[Mime, bytes]:
        """What is shown, as a picture file of at most `limit` bytes and its type."""
        return to_image(draw_prompt(self.reading), limit)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view, and for readers without one the picture and its words."""
        mime, content = self.first_frame(STILL)
        words = self.reading.in_words()
        data = {**super()._repr_mimebundle_(**kwargs), "text/plain": words, mime: base64.b64encode(content).decode()}
        return data, {mime: {"alt": words}}


def phrase_lab(mini: MiniGroundingDino) -> PhraseLab:
    """The lab on the two kitchens of lesson 00 and on a photograph of a cup, a spoon and coffee."""
    pictures = {f"kitchen {name}": stage.image for name, stage in kitchens().items()}
    coffee = torch.from_numpy(photos.load("coffee").image).permute(2, 0, 1) / 255
    return PhraseLab(mini, {**pictures, "photograph": coffee})
