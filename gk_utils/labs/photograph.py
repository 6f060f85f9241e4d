"""The lab of lesson 09: a photograph and phrases, to boxes, masks and a caption that points at them.

`cut_out` holds the numbers and the words, `draw_cutting` shows them; the widget asks the pipeline again after every
choice. A file that a learner uploads is read like any other of the course: turned as its EXIF entry says, as RGB.

Notebook: 09.
"""

import base64
import html
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import ipywidgets
import torch
from jaxtyping import Float, Shaped
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from gk_utils import photos, viz
from gk_utils.drawing import COLOURS
from gk_utils.figure_image import LIMIT, Mime, to_image
from gk_utils.ground import read_picture
from gk_utils.grounded_sam import Grounded, GroundedSam
from gk_utils.grounded_sam.caption_links import GroundedCaption, write_caption
from gk_utils.labs.expressions import kitchens
from gk_utils.labs.panel import Panel

PHRASES = "mug; red mug; cat; toaster; cup; spoon"
STILL = 46_000  # bytes of the picture that stays in the notebook
LONGEST = 800  # pixels: larger pictures are shrunk, since a page shows no more
YOURS = "yours: "


@dataclass(frozen=True, eq=False)
class Cutting:
    """What a pipeline made of some phrases in one picture.

    Attributes:
        image: RGB in [0, 1].
        found: boxes, masks and scores; row i is number i + 1 for people.
        caption: a text whose mentions point at these rows.
    """

    image: Float[Tensor, "3 h w"]
    found: Grounded
    caption: GroundedCaption

    @property
    def sentence(self) -> str:
        """How many masks there are, and which phrases have none."""
        n, absent = len(self.found), self.found.absent
        missing = f"; nothing for {', '.join(map(repr, absent))}" if absent else ""
        return f"{n} {'mask' if n == 1 else 'masks'} for {len(self.found.asked)} phrases{missing}."

    def in_words(self) -> str:
        """For those who cannot see it: the sentence, the caption, then a line for each box with the mask's size."""
        height, width = self.found.image_hw
        lines = [self.sentence, _with_numbers(self.caption)]
        rows = zip(self.found.phrases, self.found.scores.tolist(), self.found.boxes.tolist(), strict=True)
        for row, (phrase, score, (x1, y1, x2, y2)) in enumerate(rows):
            share = float(self.found.mask(row).sum()) / (height * width)
            place = f"left {x1:.0f}, top {y1:.0f}, right {x2:.0f}, bottom {y2:.0f}"
            lines.append(f"{row + 1} {phrase} {score:.2f}: {place}, {share:.1%} of the picture")
        return "\n".join(lines)


def cut_out(pipeline: GroundedSam, image: Float[Tensor, "3 h w"], text: str) -> Cutting:
    """Ask phrases, separated by semicolons, of a picture.

    Raises:
        ValueError: no phrase between the semicolons.

    >>> from gk_utils.grounded_sam import BoxFiller, PhraseByPhrase
    >>> from gk_utils.models.trunk_grounder import load_grounder
    >>> pipeline = GroundedSam(PhraseByPhrase(load_grounder()[0]), BoxFiller())
    >>> cut_out(pipeline, torch.full((3, 64, 64), 0.5), "mug; mug;; cat").found.asked
    ('mug', 'cat')
    """
    phrases = list(dict.fromkeys(phrase.strip() for phrase in text.split(";") if phrase.strip()))
    if not phrases:
        raise ValueError(f"phrases: expected at least one, got {text!r}. Write what to look for: mug; red cat.")
    found = pipeline([image], phrases, ["picture"])[0]
    return Cutting(image, found, write_caption(found))


def caption_html(caption: GroundedCaption) -> str:
    """A caption with its mentions marked, each with the numbers of its boxes behind it.

    >>> from gk_utils.grounded_sam.caption_links import Mention
    >>> marked = caption_html(GroundedCaption("a <cat>", (Mention(2, 7, "cat", (0,)),)))
    >>> "&lt;cat&gt;" in marked, "[1]" in marked
    (True, True)
    """
    colours, text, at = cycle(COLOURS), "", 0
    for mention in caption.mentions:
        words = html.escape(caption.text[mention.start : mention.end])
        numbers = ", ".join(str(row + 1) for row in mention.rows)
        look = f"border-bottom:3px solid {next(colours)};box-shadow:0 1px currentColor"  # pale colours need the edge
        text += html.escape(caption.text[at : mention.start])
        text += f'<span style="{look}">{words}</span>&nbsp;[{numbers}]'
        at = mention.end
    return text + html.escape(caption.text[at:])


def found_panel(image: Any, found: Grounded, *, title: str = "") -> viz.Picture:
    """A panel for `viz.show_grid`: masks and boxes, numbered from 1; `image` as `viz.Picture` takes it.

    >>> import numpy as np
    >>> none = Grounded("a", (8, 8), ("mug",), torch.zeros(0, 4), (), torch.zeros(0), ())
    >>> found_panel(np.zeros((8, 8, 3), np.uint8), none, title="nothing").masks is None
    True
    """
    if not len(found):
        return viz.Picture(image, title=title)
    rows = enumerate(zip(found.phrases, found.scores.tolist(), strict=True), 1)
    labels = [f"{number} {phrase} {score:.2f}" for number, (phrase, score) in rows]
    masks = torch.stack([found.mask(row) for row in range(len(found))])
    boxes = {"boxes": found.boxes, "labels": [""] * len(found)}
    return viz.Picture(image, **boxes, masks=masks, mask_labels=labels, title=title)


def draw_cutting(cutting: Cutting) -> Figure:
    """The picture with its masks and boxes, numbered as in the caption."""
    return viz.show_grid([found_panel(cutting.image.permute(1, 2, 0), cutting.found)], columns=2)


class PhotographLab(Panel):
    """A picture, phrases, and what a pipeline makes of them; `cutting` is what is shown.

    Pictures are RGB, floats in [0, 1] or uint8.

    Attributes:
        picture: which one; upload: a file of the learner's own, which is added to them.
        phrases: what to look for, asked on Enter.
        view: the answer.

    >>> from gk_utils.grounded_sam import BoxFiller, PhraseByPhrase
    >>> from gk_utils.models.trunk_grounder import load_grounder
    >>> pipeline = GroundedSam(PhraseByPhrase(load_grounder()[0]), BoxFiller())
    >>> lab = PhotographLab(pipeline, {"grey": torch.full((3, 64, 64), 0.5)}, "mug")
    >>> lab.phrases.value = "cat; dog"
    >>> lab.cutting.found.asked
    ('cat', 'dog')
    """

    def __init__(
        self, pipeline: GroundedSam, pictures: Mapping[str, Shaped[Tensor, "3 _ _"]], phrases: str = PHRASES
    ) -> None:
        self._pipeline, self._pictures = pipeline, dict(pictures)
        style = {"description_width": "80px"}
        self.picture = ipywidgets.Dropdown(
            options=list(pictures), description="picture", style=style, layout={"width": "300px"}
        )
        self.upload = ipywidgets.FileUpload(
            accept="image/*", multiple=False, description="your photograph", layout={"width": "auto"}
        )
        self.phrases = ipywidgets.Text(
            value=phrases,
            description="phrases",
            placeholder="mug; red cat, and press Enter",
            continuous_update=False,
            style=style,
            layout={"width": "500px"},
        )
        self.view = ipywidgets.HTML()
        controls = ipywidgets.HBox([self.picture, self.upload], layout={"flex_flow": "row wrap"})
        super().__init__([controls, self.phrases, self.view])
        self.picture.observe(lambda change: self._show(), "value")
        self.phrases.observe(lambda change: self._show(), "value")
        self.upload.observe(self._uploaded, "value")
        self._show()

    def _uploaded(self, change: Any) -> None:
        if not change.new:
            return
        file = change.new[0]
        name = YOURS + Path(file["name"]).name
        try:
            self._pictures[name] = read_upload(file["name"], bytes(file["content"]))
        except ValueError as error:
            self._say(str(error))
            return
        if name in self.picture.options and self.picture.value == name:  # the same name, other content
            self._show()
            return
        self.picture.options = list(self._pictures)
        self.picture.value = name

    def _show(self) -> None:
        try:
            image = self._pictures[self.picture.value]
            image = image if image.is_floating_point() else image / 255
            self.cutting = cut_out(self._pipeline, image, self.phrases.value)
        except ValueError as error:  # words of the learner's own, such as "?"
            self._say(str(error))
            return
        mime, content = self.first_frame()
        picture = f"data:{mime};base64,{base64.b64encode(content).decode()}"
        self.view.value = (
            f'<p role="status" style="margin:6px 0 2px"><strong>{html.escape(self.cutting.sentence)}</strong></p>'
            f'<p style="margin:0 0 8px">{caption_html(self.cutting.caption)}</p>'
            f'<img src="{picture}" alt="{html.escape(self.cutting.in_words())}" style="max-width:100%">'
        )

    def _say(self, text: str) -> None:
        self.view.value = f'<p role="status">{html.escape(text)}</p>'

    def first_frame(self, limit: int = LIMIT) -> tuple[Mime, bytes]:
        """What is shown, as a picture file of at most `limit` bytes and its type."""
        return to_image(draw_cutting(self.cutting), limit)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view, and for readers without one the picture and its words."""
        mime, content = self.first_frame(STILL)
        words = self.cutting.in_words()
        data = {**super()._repr_mimebundle_(**kwargs), "text/plain": words, mime: base64.b64encode(content).decode()}
        return data, {mime: {"alt": words}}


def read_upload(name: str, content: bytes) -> Float[Tensor, "3 h w"]:
    """A picture file that came from the page, as RGB in [0, 1], its longer side at most LONGEST pixels.

    Raises:
        ValueError: no picture, a damaged or a too large one; names it as the learner does.

    >>> read_upload("notes.txt", b"text")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: your photograph: expected a picture, got 'notes.txt'. Save it as PNG or JPEG...
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        try:
            pixels = read_picture(path)
        except ValueError as error:
            large = "megapixels" in str(error)
            wanted = "a smaller picture" if large else "a picture"
            advice = "Make it smaller first." if large else "Save it as PNG or JPEG first."
            raise ValueError(f"your photograph: expected {wanted}, got {Path(name).name!r}. {advice}") from error
    image = torch.from_numpy(pixels).permute(2, 0, 1).float() / 255
    factor = LONGEST / max(image.shape[1:])
    if factor >= 1:
        return image
    hw = [max(1, round(side * factor)) for side in image.shape[1:]]
    return functional.interpolate(image[None], hw, mode="bilinear", antialias=True)[0].clamp(0, 1)


def photograph_lab(pipeline: GroundedSam) -> PhotographLab:
    """The lab on the two kitchens of lesson 00 and on the photographs of the course."""
    pictures = {f"kitchen {name}": stage.image for name, stage in kitchens().items()}
    pictures |= {name: torch.from_numpy(photos.load(name).image).permute(2, 0, 1) for name in photos.names()}
    return PhotographLab(pipeline, pictures)


def _with_numbers(caption: GroundedCaption) -> str:
    text, at = "", 0
    for mention in caption.mentions:
        numbers = ", ".join(str(row + 1) for row in mention.rows)
        text += f"{caption.text[at : mention.end]} [{numbers}]"
        at = mention.end
    return text + caption.text[at:]
