"""The lab of lesson 11: write two captions that differ in the order of words, and see what each model makes of it.

`caption_readings` holds the numbers and the words.

Notebook: 11.
"""

import base64
import html
from collections.abc import Mapping
from typing import Any

import ipywidgets

from gk_utils.contrastive.mini_clip import MiniClip
from gk_utils.figure_image import LIMIT, Mime, to_image
from gk_utils.labs.caption_readings import caption_pairs, draw_captions, read_captions
from gk_utils.labs.panel import Panel

SEEDS = {"A": 0, "B": 5, "C": 4}  # behind, left, behind
STILL = 20_000  # bytes of the picture that stays in the notebook


class CaptionLab(Panel):
    """A picture, a change and two captions; `reading` is what is shown.

    Attributes:
        picture: which scene; change: what makes the second caption differ, and so writes both.
        first, second: the captions, which may be rewritten; Enter asks.
        view: the answer.

    >>> from gk_utils.contrastive.mini_clip import build_clip
    >>> clip = build_clip({"words": ["a", "mug"], "image_side": 32, "width": 32, "space": 16}).eval()
    >>> lab = CaptionLab({"tiny": clip}, {"A": 3})
    >>> lab.second.value = "a mug"
    >>> lab.reading.texts[1]
    'a mug'
    """

    def __init__(self, clips: Mapping[str, MiniClip], seeds: Mapping[str, int] = SEEDS) -> None:
        self._clips = dict(clips)
        self._scenes = {name: caption_pairs(seed) for name, seed in seeds.items()}
        style = {"description_width": "70px"}
        self.picture = ipywidgets.ToggleButtons(
            options=list(seeds), description="picture", style={**style, "button_width": "auto"}
        )
        changes = list(next(iter(self._scenes.values()))[1])
        self.change = ipywidgets.Select(
            options=changes, rows=len(changes), description="changed", style=style, layout={"width": "260px"}
        )
        self.first, self.second = (
            ipywidgets.Text(description=name, continuous_update=False, style=style, layout={"width": "460px"})
            for name in ("caption 1", "caption 2")
        )
        self.view = ipywidgets.HTML()
        left, right = ipywidgets.VBox([self.picture, self.change]), ipywidgets.VBox([self.first, self.second])
        super().__init__([ipywidgets.HBox([left, right], layout={"flex_flow": "row wrap"}), self.view])
        self._writing = False
        self._write()
        for part in (self.picture, self.change):
            part.observe(self._write, "value")
        for part in (self.first, self.second):
            part.observe(self._ask, "value")

    def _write(self, change: Any = None) -> None:
        self._writing = True
        self.first.value, self.second.value = self._scenes[self.picture.value][1][self.change.value]
        self._writing = False
        self._ask()

    def _ask(self, change: Any = None) -> None:
        if self._writing:
            return
        scene, texts = self._scenes[self.picture.value][0], [self.first.value, self.second.value]
        try:
            self.reading = read_captions(self._clips, scene, texts)
        except ValueError as error:  # no word at all, or too many
            self.view.value = f'<p role="status">{html.escape(str(error))}</p>'
            return
        mime, content = self.first_frame()
        picture = f"data:{mime};base64,{base64.b64encode(content).decode()}"
        sentence, words = html.escape(self.reading.sentence), html.escape(self.reading.in_words())
        self.view.value = (
            f'<p role="status" style="margin:6px 0 2px"><strong>{sentence}</strong></p>'
            f'<img src="{picture}" alt="{words}" style="max-width:100%">'
        )

    def first_frame(self, limit: int = LIMIT) -> tuple[Mime, bytes]:
        """What is shown, as a picture file of at most `limit` bytes and its type."""
        return to_image(draw_captions(self.reading), limit)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view, and for readers without one the picture and its words."""
        mime, content = self.first_frame(STILL)
        words = self.reading.in_words()
        data = {**super()._repr_mimebundle_(**kwargs), "text/plain": words, mime: base64.b64encode(content).decode()}
        return data, {mime: {"alt": words}}


def caption_lab(clips: Mapping[str, MiniClip]) -> CaptionLab:
    """The lab on three scenes of two things."""
    return CaptionLab(clips)
