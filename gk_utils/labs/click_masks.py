"""The lab of lesson 08: click on a thing and beside it; see the masks, what the model expects of them, and what is so.

`read_clicks` is the pure function: a list of clicks to masks and words. The picture is embedded once; a click then
takes milliseconds. The widget is `ClickCanvas` with a choice of pictures and of readings.

Notebook: 08.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from gk_utils import photos
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene, draw_scene
from gk_utils.drawing import as_pixels
from gk_utils.figure_image import Mime, to_image
from gk_utils.labs.canvas import Answer
from gk_utils.labs.click_canvas import ClickCanvas
from gk_utils.labs.mask_pictures import Prompted, show_prompted
from gk_utils.labs.panel import Panel
from gk_utils.protocols import Segmentation
from gk_utils.segment_anything import MiniSegmenter, all_readings, reading_masks
from gk_utils.segment_anything.mask_losses import mask_iou

SIDE = 384  # pixels of a drawn picture
STILL = 15_000  # bytes of the picture that stays in the notebook
READINGS = ("the model's choice", "1", "2", "3")
FILL, RIM = np.array([86, 180, 233]), np.array([0, 70, 130])  # RGB of a mask and of its border
SHARE = 0.55  # of the fill in a pixel of the mask


@dataclass(frozen=True, eq=False)
class Stage:
    """A picture that can be clicked: embedded, with what is true of it where that is known.

    Attributes:
        image: RGB in [0, 1]; embedding: of the segmenter that made it.
        truths: name -> mask of everything that a click may mean; empty for a photograph.
        start: the clicks to begin with, [x, y, 1 or 0].
    """

    image: Float[Tensor, "3 h w"]
    embedding: Float[Tensor, "d grid grid"]
    truths: Mapping[str, Bool[Tensor, "h w"]]
    start: tuple[tuple[float, float, int], ...] = ()


@dataclass(frozen=True, eq=False)
class ClickReading:
    """What a list of clicks gave.

    Attributes:
        masks, scores: three readings after one click, one mask after more, none before; what the model expects of each.
        shown: the mask that is drawn, None for none; chosen: the one that the model prefers.
        note: in words, first the answer, then how well it fits.
    """

    masks: Bool[Tensor, "m h w"]
    scores: Float[Tensor, " m"]
    shown: int | None
    chosen: int | None
    note: str


def read_clicks(
    segmenter: MiniSegmenter, stage: Stage, points: Sequence[Sequence[float]], reading: int | None = None
) -> ClickReading:
    """The masks after some clicks, in their order: each is asked together with the mask that came before it.

    Args:
        segmenter: is set to the picture; no encoder runs.
        stage: the picture.
        points: [x, y, 1 or 0]: continuous pixels of the picture, and whether the click is on the object.
        reading: 0, 1 or 2 to see this reading of a single click in place of the model's choice.

    >>> from gk_utils.segment_anything import load_mini
    >>> segmenter = load_mini()[0]
    >>> stage = stage_of(segmenter, draw_scene(890, n=6))
    >>> read_clicks(segmenter, stage, []).note
    'Click on a thing.'
    >>> len(read_clicks(segmenter, stage, [[160, 220, 1]]).masks)
    3
    """
    height, width = stage.image.shape[1:]
    if not points:
        return ClickReading(
            torch.zeros(0, height, width, dtype=torch.bool), torch.zeros(0), None, None, "Click on a thing."
        )
    segmenter.set_embedding(stage.embedding, (height, width))
    places = torch.tensor([[[x, y] for x, y, _ in points]], dtype=torch.float32)
    on = torch.tensor([[kind > 0 for *_, kind in points]])
    alone = len(points) == 1 and bool(on[0, 0])
    found = segmenter.segment(points=places[:, :1], is_object=on[:, :1], all_masks=True)
    best = int(found.scores.argmax())
    for count in range(2, len(points) + 1):
        before = found.masks[best][None]
        found = segmenter.segment(points=places[:, :count], is_object=on[:, :count], masks=before)
        best = 0
    shown = reading if alone and reading is not None else best
    return ClickReading(found.masks, found.scores, shown, best, _in_words(stage, found, shown, best, on[0]))


def _in_words(stage: Stage, found: Segmentation, shown: int, best: int, on: Bool[Tensor, " p"]) -> str:
    """The answer, what the model expects of it, and what it fits best."""
    expected = f"expected IoU {found.scores[shown]:.2f}"
    if len(on) > 1:
        first = f"{int(on.sum())} on, {int((~on).sum())} beside: one mask, {expected}."
    elif not on[0]:
        first = "A click beside the object alone does not say what is meant."
    else:
        listed = ", ".join(f"{score:.2f}" for score in found.scores.tolist())
        chosen = "the model's choice" if shown == best else "not the model's choice"
        first = f"Reading {shown + 1} of 3, {expected}: {chosen} ({listed})."
    mask = found.masks[shown]
    if not mask.any():
        return f"{first}\nThe mask is empty."
    if not stage.truths:
        return f"{first}\nNobody labelled this picture: judge for yourself."
    fits = {name: float(mask_iou(mask, truth)) for name, truth in stage.truths.items()}
    name = max(fits, key=fits.get)
    return f"{first}\nIt fits {name} best: true IoU {fits[name]:.2f}."


def paint_mask(image: Float[Tensor, "3 h w"], mask: Bool[Tensor, "h w"] | None) -> UInt8[np.ndarray, "h w 3"]:
    """The picture with a mask laid on it, a dark border two pixels wide at its edge and a white one around that.

    >>> int(paint_mask(torch.ones(3, 5, 5), torch.zeros(5, 5, dtype=torch.bool)).min())
    255
    """
    pixels = as_pixels(image.permute(1, 2, 0)).copy()
    if mask is None:
        return pixels
    inside = mask.cpu().numpy()
    pixels[inside] = ((1 - SHARE) * pixels[inside] + SHARE * FILL).round().astype(np.uint8)
    around = np.pad(inside, 2, mode="edge")
    high, wide = inside.shape
    everywhere = np.ones_like(inside)
    for dy, dx in ((0, 2), (4, 2), (2, 0), (2, 4)):
        everywhere &= around[dy : dy + high, dx : dx + wide]
    pixels[inside & ~everywhere] = RIM
    beyond = np.pad(inside, 1)
    near = beyond[:-2, 1:-1] | beyond[2:, 1:-1] | beyond[1:-1, :-2] | beyond[1:-1, 2:]
    pixels[near & ~inside] = 255  # so that the border is seen on dark things too
    return pixels


def stage_of(segmenter: MiniSegmenter, scene: Scene, start: Sequence[tuple[float, float, int]] = ()) -> Stage:
    """A drawn scene as a picture to click on, with all that clicks on its things can mean."""
    rendered = render([scene], (SIDE, SIDE))
    readings = {reading.members: reading for reading in all_readings(scene)}
    masks, _ = reading_masks(rendered.masks[0], list(readings.values()))
    names = [
        "the " + " + ".join(f"{scene.things[i].colour} {scene.things[i].category}" for i in one) for one in readings
    ]
    truths: dict[str, Bool[Tensor, "h w"]] = {}
    for name, mask in zip(names, masks, strict=True):
        if mask.any():
            alike = sum(known == name or known.startswith(f"{name} (") for known in truths)
            truths[f"{name} ({alike + 1})" if alike else name] = mask
    return Stage(rendered.images[0], segmenter.embed(rendered.images[0]), truths, tuple(start))


class ClickLab(Panel):
    """A canvas for clicks, with a choice of pictures and of readings; `reading` is what is shown.

    Attributes:
        picture: which stage; wanted: the model's choice or one of the three readings; canvas: the clicks.
    """

    def __init__(self, segmenter: MiniSegmenter, stages: Mapping[str, Stage]) -> None:
        self._segmenter, self._stages = segmenter, dict(stages)
        style = {"style": {"description_width": "60px", "button_width": "auto"}, "layout": {"width": "auto"}}
        self.picture = ipywidgets.ToggleButtons(options=list(stages), description="picture", **style)
        self.wanted = ipywidgets.ToggleButtons(options=READINGS, description="reading", **style)
        super().__init__([])
        self._set_stage()
        self.picture.observe(self._set_stage, "value")
        self.wanted.observe(self._choose, "value")

    @property
    def stage(self) -> Stage:
        """The picture that is clicked now."""
        return self._stages[self.picture.value]

    def _set_stage(self, change: Any = None) -> None:
        self.canvas = ClickCanvas(
            self.stage.image.permute(1, 2, 0),
            [list(click) for click in self.stage.start],
            self._describe,
            title="Click on a thing; Shift + click beside it; Backspace takes the last click back.",
        )
        self.children = (self.picture, self.wanted, self.canvas)

    def _describe(self, points: Sequence[Sequence[float]]) -> Answer:
        wanted = READINGS.index(self.wanted.value) - 1
        self.reading = read_clicks(self._segmenter, self.stage, points, None if wanted < 0 else wanted)
        mask = None if self.reading.shown is None else self.reading.masks[self.reading.shown]
        return Answer(self.reading.note, paint_mask(self.stage.image, mask))

    def _choose(self, change: Any) -> None:
        self.canvas.renew()

    def in_words(self) -> str:
        """What is shown, for those who cannot see it."""
        return self.canvas.in_words()

    def first_frame(self, limit: int = STILL) -> tuple[Mime, bytes]:
        """What is shown, as a picture file of at most `limit` bytes and its type."""
        stage, reading = self.stage, self.reading
        clicks = [(x, y, bool(kind)) for x, y, kind in self.canvas.points]
        mask = None if reading.shown is None else reading.masks[reading.shown]
        panel = Prompted(stage.image, mask, clicks=clicks, title=reading.note)
        return to_image(show_prompted([panel], columns=2), limit)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view, and for readers without one the picture and its words."""
        (mime, content), words = self.first_frame(), self.in_words()
        data = {**super()._repr_mimebundle_(**kwargs), "text/plain": words, mime: base64.b64encode(content).decode()}
        return data, {mime: {"alt": words}}


def click_lab(segmenter: MiniSegmenter) -> ClickLab:
    """The lab on two drawn countertops and on a photograph of a cup, a spoon and coffee."""
    stages = {
        "mug on a plate": stage_of(segmenter, draw_scene(890, n=6), [(163.0, 218.0, 1)]),
        "counter": stage_of(segmenter, draw_scene(7002, n=6)),
    }
    coffee = torch.from_numpy(photos.load("coffee").image).permute(2, 0, 1) / 255
    return ClickLab(segmenter, {**stages, "photograph": Stage(coffee, segmenter.embed(coffee), {})})
