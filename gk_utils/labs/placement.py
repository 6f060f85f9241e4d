"""The lab of lesson 10: drag things about, and see which relations hold and whether a statement of yours is true.

`placements` makes the picture and says what is known, `placement_readings` what holds; the widget shows both anew after
every move.

Notebook: 10.
"""

import base64
import html
from typing import Any

import ipywidgets
import torch

from gk_utils.countertop.scene import draw_scene
from gk_utils.drawing import wrap
from gk_utils.figure_image import Mime, to_image
from gk_utils.labs.canvas import Answer
from gk_utils.labs.panel import Panel
from gk_utils.labs.place_canvas import PlaceCanvas
from gk_utils.labs.placement_readings import PlacementReading, named, read_placement
from gk_utils.labs.placements import KNOWN, Stage, place, take_apart
from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.viz import show_boxes

SEED = 10
WANTED = (
    {"category": "cat", "facing": "left", "state": None},
    {"category": "mug", "colour": "red", "state": None},
    {"category": "mug", "colour": "blue", "state": None},
    {"category": "plate"},
    {"category": "toaster", "state": None},
)
STATEMENT = "The red mug is near the cat and on the cat's right."
STILL = 30_000  # bytes of the picture that stays in the notebook
_CELL = "padding:1px 10px 1px 0;text-align:left;vertical-align:top"


class PlacementLab(Panel):
    """Things to drag, a statement of the learner's own, what is known, a least margin, and the relations of two things.

    Attributes:
        statement: the text; judged while it is written.
        known: how much the verifier may know; least: margins below are too close to call.
        first, second: the two things of the table; canvas: the picture; table: their relations.
        reading: what is shown.

    >>> lab = placement_lab()
    >>> lab.statement.value = "The cat is lefft of the toaster."
    >>> lab.reading.answer.splitlines()[0]
    "statement: expected a relation, got 'lefft' at character 11. Say it otherwise."
    """

    def __init__(self, stage: Stage, statement: str = STATEMENT) -> None:
        self._stage = stage
        scene = Arrangement(stage.things)
        names = [named(scene, index) for index in range(len(scene))]
        style = {"description_width": "90px"}
        self.statement = ipywidgets.Text(
            value=statement, description="statement", style=style, layout={"width": "98%", "max_width": "700px"}
        )
        self.known = ipywidgets.ToggleButtons(
            options=KNOWN, value=KNOWN[-1], description="known", style={**style, "button_width": "auto"}
        )
        self.least = ipywidgets.FloatSlider(
            value=0, min=0, max=0.5, step=0.05, description="least margin", style=style, layout={"width": "360px"}
        )
        self.first, self.second = (
            ipywidgets.Dropdown(
                options=[(name, index) for index, name in enumerate(names)],
                value=index,
                description=word,
                style=style,
                layout={"width": "220px"},
            )
            for word, index in (("table: this", names.index("red mug")), ("to this", names.index("cat")))
        )
        self.canvas = PlaceCanvas(
            place(stage, stage.boxes).image.permute(1, 2, 0),
            stage.boxes,
            names,
            self._describe,
            title="Drag the things. When does the answer change, and when can it not be known?",
        )
        self.table = ipywidgets.HTML()
        pair = ipywidgets.HBox([self.first, self.second], layout={"flex_flow": "row wrap"})
        super().__init__([self.statement, self.known, self.least, self.canvas, pair, self.table])
        for control in (self.statement, self.known, self.least, self.first, self.second):
            control.observe(self.canvas.renew, "value")
        self._show()

    def _describe(self, boxes: list[list[float]]) -> Answer:
        placed = place(self._stage, boxes)
        pair = (self.first.value, self.second.value)
        self.reading = read_placement(
            placed.known(self.known.value), self.statement.value, pair, round(self.least.value, 2)
        )
        if hasattr(self, "table"):
            self._show()
        return Answer(self.reading.note, placed.image.permute(1, 2, 0))

    def _show(self, change: Any = None) -> None:
        self.table.value = table_of(self.reading)

    def first_frame(self, limit: int = STILL) -> tuple[Mime, bytes]:
        """The picture as it stands, with the answer below, as a picture file of at most `limit` bytes and its type."""
        image = place(self._stage, self.canvas.boxes).image.permute(1, 2, 0)
        boxes = torch.tensor(self.canvas.boxes)
        caption = "\n".join(wrap(line, 330) for line in self.reading.note.splitlines())  # points: the picture's width
        figure = show_boxes(image, boxes, self.canvas.labels, title=self.canvas.title, caption=caption)
        return to_image(figure, limit)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view, and for readers without one the picture and its words."""
        (mime, content), words = self.first_frame(), self.reading.in_words()
        data = {**super()._repr_mimebundle_(**kwargs), "text/plain": words, mime: base64.b64encode(content).decode()}
        return data, {mime: {"alt": words}}


def table_of(reading: PlacementReading) -> str:
    """The relations of two things as an HTML table."""
    first, second = (html.escape(name) for name in reading.pair)
    rows = []
    for row in reading.rows:
        word = {True: "true", False: "false", None: "unknown"}[row.verdict.truth]
        margin = f"{row.verdict.score:+.2f}" if row.verdict.known else ""
        weight = "bold" if row.verdict.truth else "normal"
        words = f"{row.words} {f'<small>{html.escape(row.frame)}</small>' if row.frame else ''}"
        cells = (words, f'<span style="font-weight:{weight}">{word}</span>', margin, html.escape(row.verdict.reason))
        rows.append("".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells))
    titles = (f"{first} ... {second}", "holds", "margin", "because")
    head = "".join(f'<th scope="col" style="{_CELL}">{title}</th>' for title in titles)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table style="border-collapse:collapse;line-height:1.5"><tr>{head}</tr>{body}</table>'


def placement_lab() -> PlacementLab:
    """The lab on a countertop of 320 x 320 pixels with a cat that faces left, two mugs, a plate and a toaster."""
    return PlacementLab(take_apart(draw_scene(SEED, n=5, wanted=WANTED)))
