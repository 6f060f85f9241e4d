"""The lab of lesson 12: click a phrase of a caption, and see its boxes and how they are written.

`follow` holds every number and word; the widget asks the model once for each picture and beginning.

Notebook: 12.
"""

import base64
import html
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import ipywidgets
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils import viz
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.figure_image import LIMIT, Mime, to_image
from gk_utils.kosmos2.grounded_text import GROUNDING, GroundedText, render_grounded
from gk_utils.labs.panel import Panel

STARTS = ("", "we see", "this is a picture of", "a cat")
SEEDS = {"A": 3, "B": 21, "C": 34}
STILL = 20_000  # bytes of the picture that stays in the notebook


@dataclass(frozen=True, eq=False)
class Followed:
    """One link of a caption, followed.

    Attributes:
        said: the caption; index: which of its phrases, None where it has none.
        boxes: of that phrase, pixels of the picture.
        written: the phrase as the model writes it, with tags and patches.
    """

    said: GroundedText
    index: int | None
    boxes: Float[Tensor, "n 4"]
    written: str

    @property
    def sentence(self) -> str:
        """What was clicked and how many boxes it has, in one sentence."""
        if self.index is None:
            return "The caption has no phrases to click."
        n = len(self.boxes)
        return f"'{self.said.phrases[self.index]}': {n} {'box' if n == 1 else 'boxes'}"

    def in_words(self) -> str:
        """The caption, and every box of the phrase."""
        lines = [self.said.text or "(no caption)", self.sentence]
        for box in self.boxes.round().int().tolist():
            lines.append("left {}, top {}, right {}, bottom {}".format(*box))
        return "\n".join(lines)


def follow(said: GroundedText, index: int, image_hw: tuple[int, int]) -> Followed:
    """Follow a link; an index beyond the last phrase is that of the last.

    Raises:
        ValueError: a negative index.

    >>> said = GroundedText("a cat", ((0, 5),), (((0.1, 0.2, 0.5, 0.9),),))
    >>> followed = follow(said, 0, (100, 100))
    >>> followed.sentence, followed.written
    ("'a cat': 1 box", '<phrase> a cat</phrase><object><patch_index_0195><patch_index_0911></object>')
    """
    if index < 0:
        raise ValueError(f"index: expected 0 or more, got {index}. Count phrases from 0.")
    if not said.spans:
        return Followed(said, None, torch.zeros(0, 4), "")
    index = min(index, len(said.spans) - 1)
    start, end = said.spans[index]
    alone = replace(said, text=said.text[start:end], spans=((0, end - start),), boxes_unit=(said.boxes_unit[index],))
    return Followed(said, index, said.boxes(index, image_hw), render_grounded(alone).removeprefix(GROUNDING))


def draw_followed(image: Float[Tensor, "3 h w"], followed: Followed) -> Figure:
    """The picture with the boxes of the phrase."""
    labels = [str(number) if len(followed.boxes) > 1 else "" for number in range(1, len(followed.boxes) + 1)]
    return viz.show_boxes(image.permute(1, 2, 0), followed.boxes, labels, title=followed.sentence)


@runtime_checkable
class Captioner(Protocol):
    """What the lab asks: `KosmosPictures`, or any other that captions with boxes."""

    def caption(self, image: Float[Tensor, "3 h w"], start: str = "") -> GroundedText:
        """A caption that begins with `start`."""


class HyperlinkLab(Panel):
    """A picture, the beginning of a caption, and its phrases as buttons; `followed` is what is shown.

    Attributes:
        picture: which one; start: how the caption begins; own: the learner's beginning, taken on Enter.
        caption: the caption, its phrases as buttons; view: the picture with the boxes of the phrase clicked last.
    """

    def __init__(
        self, mini: Captioner, pictures: Mapping[str, Float[Tensor, "3 h w"]], starts: tuple[str, ...] = STARTS
    ) -> None:
        self._mini, self._pictures = mini, dict(pictures)
        style = {"description_width": "110px"}
        self.picture = ipywidgets.ToggleButtons(
            options=list(pictures), description="picture", style={**style, "button_width": "auto"}
        )
        self.start = ipywidgets.Dropdown(
            options=[(start or "(anything)", start) for start in starts], description="begins with", style=style
        )
        self.own = ipywidgets.Text(
            description="your own", placeholder="the mug, then Enter", continuous_update=False, style=style
        )
        self.caption = ipywidgets.HBox(layout={"flex_flow": "row wrap", "align_items": "center"})
        self.view = ipywidgets.HTML()
        super().__init__([self.picture, ipywidgets.HBox([self.start, self.own]), self.caption, self.view])
        self.picture.observe(lambda change: self._ask(), "value")
        self.start.observe(lambda change: self._ask(change.new), "value")
        self.own.observe(lambda change: self._ask(change.new), "value")
        self._ask(self.start.value)

    def _ask(self, start: str | None = None) -> None:
        self._begins = self._begins if start is None else start
        self._image = self._pictures[self.picture.value]
        try:
            self.said = self._mini.caption(self._image, self._begins)
        except ValueError as error:  # a word that the model does not know: nothing was said of this picture
            self.said = GroundedText("")
            self.followed = follow(self.said, 0, tuple(self._image.shape[1:]))
            self.caption.children = ()
            self.view.value = f'<p role="status">{html.escape(str(error))}</p>'
            return
        self.caption.children = tuple(self._words())
        self.click(0)

    def _words(self) -> list[ipywidgets.Widget]:
        """The caption in pieces: buttons for phrases, text between them."""
        pieces, done, text = [], 0, self.said.text
        for index, (start, end) in enumerate(self.said.spans):
            pieces.append(ipywidgets.HTML(html.escape(text[done:start]).replace(" ", "&nbsp;")))
            button = ipywidgets.Button(description=text[start:end], layout={"width": "auto"})
            button.on_click(lambda _, index=index: self.click(index))
            pieces.append(button)
            done = end
        return [*pieces, ipywidgets.HTML(html.escape(text[done:]))]

    def click(self, index: int) -> None:
        """Follow the link with this number."""
        self.followed = follow(self.said, index, tuple(self._image.shape[1:]))
        for number, button in enumerate(one for one in self.caption.children if isinstance(one, ipywidgets.Button)):
            button.button_style = "primary" if number == self.followed.index else ""
        mime, content = self.first_frame()
        picture = f"data:{mime};base64,{base64.b64encode(content).decode()}"
        self.view.value = (
            f'<p role="status" style="margin:6px 0 2px"><strong>{html.escape(self.followed.sentence)}</strong></p>'
            f"<code>{html.escape(self.followed.written)}</code><br>"
            f'<img src="{picture}" alt="{html.escape(self.followed.in_words())}" style="max-width:100%">'
        )

    def first_frame(self, limit: int = LIMIT) -> tuple[Mime, bytes]:
        """What is shown, as a picture file of at most `limit` bytes and its type."""
        return to_image(draw_followed(self._image, self.followed), limit)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view, and for readers without one the picture and its words."""
        mime, content = self.first_frame(STILL)
        words = self.followed.in_words()
        data = {**super()._repr_mimebundle_(**kwargs), "text/plain": words, mime: base64.b64encode(content).decode()}
        return data, {mime: {"alt": words}}


def hyperlink_lab(mini: Captioner) -> HyperlinkLab:
    """The lab on three fresh countertops."""
    scenes = [draw_scene_for(2**36 + seed) for seed in SEEDS.values()]
    images = render(scenes, (256, 256)).images
    return HyperlinkLab(mini, dict(zip(SEEDS, images, strict=True)))
