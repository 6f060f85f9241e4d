"""The lab of lesson 16: move the threshold of a counter by boxes, read a density in a part of a picture, or paint one.

`count_readings` works everything out; the widget is `ScribbleCanvas` with a slider and two choices.

Notebook: 16.
"""

import base64
from collections.abc import Mapping
from typing import Any

import ipywidgets

from gk_utils import viz
from gk_utils.counting.counters import Counter
from gk_utils.counting.counting_scenes import draw_counting_scene
from gk_utils.figure_image import Mime, to_image
from gk_utils.labs.canvas import Answer
from gk_utils.labs.count_readings import (
    CountReading,
    CountStage,
    draw_reading,
    read_count,
    read_paint,
    stage_of,
)
from gk_utils.labs.panel import Panel
from gk_utils.labs.scribble_canvas import ScribbleCanvas

STILL = 20_000  # bytes of the picture that stays in the notebook
READ, PAINT = "read the counters", "paint a density"
SHAPE = [[[60.0, 190.0], [330.0, 190.0], [330.0, 370.0], [60.0, 370.0], [60.0, 190.0]]]


class CountLab(Panel):
    """A picture, a threshold, and a canvas for strokes; `reading` is what is shown.

    Attributes:
        picture: which one; work: read what the counters say, or paint; threshold: of the boxes;
        keep: whether mass beyond the border is kept; canvas: the strokes.
    """

    def __init__(self, stages: Mapping[str, CountStage]) -> None:
        self._stages = dict(stages)
        style = {"style": {"description_width": "80px", "button_width": "auto"}, "layout": {"width": "auto"}}
        first = next(iter(self._stages.values()))
        self.picture = ipywidgets.ToggleButtons(options=list(stages), description="picture", **style)
        self.work = ipywidgets.ToggleButtons(options=[READ, PAINT], description="you", **style)
        self.threshold = ipywidgets.FloatSlider(
            value=first.threshold,
            min=0.05,
            max=0.95,
            step=0.01,
            description="threshold",
            style={"description_width": "80px"},
            layout={"width": "380px"},
        )
        self.keep = ipywidgets.Checkbox(value=True, description="keep the mass at the border", indent=False)
        super().__init__([])
        self._set_stage()
        self.picture.observe(self._set_stage, "value")
        self.work.observe(self._set_stage, "value")
        for widget in (self.threshold, self.keep):
            widget.observe(lambda change: self.canvas.renew(), "value")

    @property
    def stage(self) -> CountStage:
        """The picture that is shown."""
        return self._stages[self.picture.value]

    def _set_stage(self, change: Any = None) -> None:
        reads = self.work.value == READ
        self.canvas = ScribbleCanvas(
            self.stage.image.permute(1, 2, 0),
            [[list(point) for point in stroke] for stroke in self.stage.start] if reads else [],
            self._describe,
            title=(
                f"Count the {self.stage.word}: move the threshold, draw around a part."
                if reads
                else f"Paint the {self.stage.word}: a click or a line each. Backspace takes the last one back."
            ),
        )
        self.children = (self.picture, self.work, self.threshold if reads else self.keep, self.canvas)

    def _describe(self, strokes: list) -> Answer:
        self.reading: CountReading = (
            read_count(self.stage, strokes, self.threshold.value)
            if self.work.value == READ
            else read_paint(self.stage, strokes, self.keep.value)
        )
        return Answer(self.reading.note, draw_reading(self.stage, self.reading))

    def in_words(self) -> str:
        """What is shown, for those who cannot see it."""
        return self.canvas.in_words()

    def first_frame(self, limit: int = STILL) -> tuple[Mime, bytes]:
        """What is shown, as a picture file of at most `limit` bytes and its type."""
        panel = viz.Picture(draw_reading(self.stage, self.reading), title=self.reading.note.splitlines()[0])
        return to_image(viz.show_grid([panel], caption=self.reading.note.splitlines()[-1]), limit)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view, and for readers without one the picture and its words."""
        (mime, content), words = self.first_frame(), self.in_words()
        data = {**super()._repr_mimebundle_(**kwargs), "text/plain": words, mime: base64.b64encode(content).decode()}
        return data, {mime: {"alt": words}}


def count_lab(by_boxes: Counter, by_density: Counter) -> CountLab:
    """The lab on a few mugs among other things, and on a crowd of bowls."""
    few = draw_counting_scene(2**42 + 3, n=7, category="mug", clutter=0.8, overlap=0.2)
    crowd = draw_counting_scene(2**42 + 4, n=46, category="bowl", clutter=0.3, overlap=0.4)
    return CountLab(
        {
            "a few mugs": stage_of(by_boxes, by_density, few, SHAPE),
            "a crowd of bowls": stage_of(by_boxes, by_density, crowd, SHAPE),
        }
    )
