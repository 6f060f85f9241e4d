"""The lab of lesson 14: scribble on a thing and ask; see what Ferret and a reader of coordinates alone answer.

`read_region` is the pure function: strokes and a question to a region, its reference in words, and two answers. The
widget is `ScribbleCanvas` with a choice of pictures and questions.

Notebook: 14.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.ferret.hybrid_reference import reference_of
from gk_utils.ferret.mini_ferret import MiniFerret, RegionAnswer
from gk_utils.ferret.region_forms import (
    FreeFormRegion,
    PointRegion,
    PolygonRegion,
    Region,
    ScribbleRegion,
    region_mask,
)
from gk_utils.ferret.region_questions import ASKS, askable, draw_region_scene
from gk_utils.ferret.two_resolutions import SeenPictures
from gk_utils.figure_image import Mime, to_image
from gk_utils.labs.canvas import Answer
from gk_utils.labs.click_masks import paint_mask
from gk_utils.labs.mask_pictures import Prompted, show_prompted
from gk_utils.labs.panel import Panel
from gk_utils.labs.scribble_canvas import ScribbleCanvas, Stroke, is_closed

SIDE = 384  # pixels of a drawn picture
PEN = 6.0  # pixels wide; a point is a disc of this radius
STILL = 20_000  # bytes of the picture that stays in the notebook


@dataclass(frozen=True, eq=False)
class Drawing:
    """A picture to draw on, seen by both readers, with what is true of it.

    Attributes:
        scene: what it shows; masks: the visible pixels of each thing.
        image: RGB in [0, 1].
        seen: what the trunk makes of it, for each reader.
        start: the strokes to begin with.
    """

    scene: Scene
    masks: Bool[Tensor, "n h w"]
    image: Float[Tensor, "3 h w"]
    seen: tuple[SeenPictures, SeenPictures]
    start: tuple[Stroke, ...] = ()


@dataclass(frozen=True, eq=False)
class RegionReading:
    """What strokes mean and what was answered.

    Attributes:
        region: None before the first stroke; mask: its pixels.
        ferret, box_only: the answers of both readers; None before the first stroke.
        note: in words: the question, the answers, what is so.
    """

    region: Region | None
    mask: Bool[Tensor, "h w"]
    ferret: RegionAnswer | None
    box_only: RegionAnswer | None
    note: str


def region_of(strokes: Sequence[Sequence[Sequence[float]]], image_hw: tuple[int, int]) -> Region | None:
    """The region that strokes stand for; None for no strokes.

    One point alone is a point, one closed stroke a polygon, open ones a scribble; mixed ones are taken together.

    >>> region_of([[[3, 4]]], (8, 8))
    PointRegion(x=3, y=4, radius=6.0)
    >>> type(region_of([[[0, 0], [6, 0], [6, 6], [0, 0]]], (8, 8))).__name__
    'PolygonRegion'
    """
    if not strokes:
        return None
    places = [tuple((point[0], point[1]) for point in stroke) for stroke in strokes]
    if len(places) == 1 and len(places[0]) == 1:
        return PointRegion(*places[0][0], radius=PEN)
    closed = [stroke for stroke in places if is_closed(stroke)]
    lines = tuple(stroke for stroke in places if not is_closed(stroke))
    if not closed:
        return ScribbleRegion(lines, width=PEN)
    if len(closed) == 1 and not lines:
        return PolygonRegion(closed[0][:-1])
    parts = [PolygonRegion(stroke[:-1]) for stroke in closed] + ([ScribbleRegion(lines, PEN)] if lines else [])
    return FreeFormRegion(torch.stack([region_mask(part, image_hw) for part in parts]).any(0))


def read_region(
    readers: tuple[MiniFerret, MiniFerret],
    drawing: Drawing,
    strokes: Sequence[Sequence[Sequence[float]]],
    ask: str = "category",
) -> RegionReading:
    """What strokes on a picture mean, and what both readers say of it: Ferret, and coordinates alone.

    >>> from gk_utils.ferret.mini_ferret import load_mini
    >>> readers = load_mini()[0], load_mini("ferret_coordinates_small")[0]
    >>> read_region(readers, drawing_of(readers, draw_region_scene(276)), []).note
    'Draw on a thing.'
    """
    image_hw = drawing.image.shape[1], drawing.image.shape[2]
    region = region_of(strokes, image_hw)
    if region is None:
        return RegionReading(None, torch.zeros(*image_hw, dtype=torch.bool), None, None, "Draw on a thing.")
    mask = region_mask(region, image_hw)
    ferret, box_only = (
        reader.answer(drawing.image, region, ask, seen=seen) for reader, seen in zip(readers, drawing.seen, strict=True)
    )
    note = (
        f"Ferret: {_sure(ferret)}. Coordinates alone: {_sure(box_only)}.\n"
        f"{ASKS[ask][0].format(reference_of(region, image_hw))} {_truth(drawing, mask, ask)}"
    )
    return RegionReading(region, mask, ferret, box_only, note)


def drawing_of(readers: tuple[MiniFerret, MiniFerret], scene: Scene, start: Sequence[Stroke] = ()) -> Drawing:
    """A scene as a picture to draw on."""
    rendered = render([scene], (SIDE, SIDE))
    image = rendered.images[0]
    return Drawing(scene, rendered.masks[0], image, (readers[0].see(image), readers[1].see(image)), tuple(start))


def _sure(answer: RegionAnswer) -> str:
    return f"{answer.answer} ({100 * answer.shares[answer.answer]:.0f} %)"


def _truth(drawing: Drawing, mask: Bool[Tensor, "h w"], ask: str) -> str:
    """What most pixels of the region belong to, and what is so of it."""
    counts = (drawing.masks & mask).flatten(1).sum(1)
    if not len(counts) or not mask.any() or 2 * int(counts.max()) < int(mask.sum()):
        return "No thing has half of the region."
    thing = drawing.scene.things[int(counts.argmax())]
    look = f"{thing.colour} {thing.category}"
    if ask not in askable(thing):
        return f"It is the {look}, of which that cannot be asked."
    return f"It is the {look}: {getattr(thing, ask)}."


class RegionLab(Panel):
    """A canvas for scribbles, with a choice of pictures and of questions; `reading` is what is shown.

    Attributes:
        picture: which drawing; ask: which question; canvas: the strokes.
    """

    def __init__(self, readers: tuple[MiniFerret, MiniFerret], drawings: Mapping[str, Drawing]) -> None:
        self._readers, self._drawings = readers, dict(drawings)
        style = {"style": {"description_width": "60px", "button_width": "auto"}, "layout": {"width": "auto"}}
        self.picture = ipywidgets.ToggleButtons(options=list(drawings), description="picture", **style)
        self.ask = ipywidgets.ToggleButtons(options=list(ASKS), description="ask", **style)
        super().__init__([])
        self._set_drawing()
        self.picture.observe(self._set_drawing, "value")
        self.ask.observe(self._choose, "value")

    @property
    def drawing(self) -> Drawing:
        """The picture that is drawn on now."""
        return self._drawings[self.picture.value]

    def _set_drawing(self, change: Any = None) -> None:
        self.canvas = ScribbleCanvas(
            self.drawing.image.permute(1, 2, 0),
            [[list(point) for point in stroke] for stroke in self.drawing.start],
            self._describe,
            title="Scribble on a thing, go round it, or click. Backspace takes the last stroke back.",
        )
        self.children = (self.picture, self.ask, self.canvas)

    def _describe(self, strokes: Sequence[Stroke]) -> Answer:
        self.reading = read_region(self._readers, self.drawing, strokes, self.ask.value)
        return Answer(self.reading.note, paint_mask(self.drawing.image, self.reading.mask))

    def _choose(self, change: Any) -> None:
        self.canvas.renew()

    def in_words(self) -> str:
        """What is shown, for those who cannot see it."""
        return self.canvas.in_words()

    def first_frame(self, limit: int = STILL) -> tuple[Mime, bytes]:
        """What is shown, as a picture file of at most `limit` bytes and its type."""
        panel = Prompted(self.drawing.image, self.reading.mask, title=self.reading.note.splitlines()[0])
        return to_image(show_prompted([panel]), limit)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view, and for readers without one the picture and its words."""
        (mime, content), words = self.first_frame(), self.in_words()
        data = {**super()._repr_mimebundle_(**kwargs), "text/plain": words, mime: base64.b64encode(content).decode()}
        return data, {mime: {"alt": words}}


def region_lab(readers: tuple[MiniFerret, MiniFerret]) -> RegionLab:
    """The lab on two countertops where things hide each other."""
    scribble = [[[250.0, 160.0], [262.0, 185.0], [300.0, 200.0]]]
    return RegionLab(
        readers,
        {
            "toaster and kettle": drawing_of(readers, draw_region_scene(276), [[[120.0, 190.0], [150.0, 180.0]]]),
            "mug and cat": drawing_of(readers, draw_region_scene(56), scribble),
        },
    )
