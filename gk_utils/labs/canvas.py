"""The canvas of the labs: a picture, what is true on it, and what the learner puts on it.

One anywidget serves every lab. It shows and edits; it computes nothing: a lab is this canvas plus one pure function
that says in words what the learner's answer is worth (`describe`). Everything is in image pixels, whatever the size
on the screen. Where no kernel runs (a web page, a notebook nobody executed), its first frame stands in as a picture.

Pointer, touch, keys and drawing are in `static/canvas.js`, in one table of modes; this class mirrors their values.
"""

import base64
import io
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import torch
import traitlets
from PIL import Image

from gk_utils.drawing import as_pixels
from gk_utils.errors import check_boxes
from gk_utils.figure_image import Mime, to_image
from gk_utils.viz import show_boxes

STATIC = pathlib.Path(__file__).parent / "static"
LONGEST_SIDE = 1280  # pixels sent to the page: a photograph of 12 megapixels would only be shrunk there


class Canvas(anywidget.AnyWidget):
    """A picture on which the learner places a box; `canvas.box` is where it stands now.

    Args:
        image: a picture (h, w, 3) or grey (h, w), uint8 or float in [0, 1]; a numpy array, a tensor or a PIL image.
        box: the learner's box at the start, [x1, y1, x2, y2] in image pixels, inside the picture.
        describe: says what a box is worth; called with the box at the start and after every change. It must answer
            for every box inside the picture, boxes without area included. Its first line is shown bold.
        truth: boxes shown beside it, [x1, y1, x2, y2] in image pixels each.
        truth_labels: a word for each of them: identity is never left to colour alone.
        title: the task, shown above the picture and read out with the box.

    Attributes:
        box: the learner's box, four floats, x1 <= x2 and y1 <= y2, inside the picture; set it to move the box.
        note: what `describe` said about it.

    Raises:
        TypeError, ValueError: an image in another layout or range, a learner's box outside the picture, corners in
            the wrong order, truths without a label each.

    >>> canvas = Canvas(Image.new("RGB", (64, 48)), [8, 8, 24, 24], lambda box: f"{box[2] - box[0]:.0f} px wide")
    >>> canvas.box = [8, 8, 40, 24]
    >>> canvas.note
    '32 px wide'
    """

    _esm = STATIC / "canvas.js"
    _css = STATIC / "canvas.css"
    mode = traitlets.Enum(("box",), "box").tag(sync=True)
    picture = traitlets.Bytes().tag(sync=True)  # an encoded image, PNG here; the page decodes JPEG too
    image_hw = traitlets.Tuple(traitlets.Int(), traitlets.Int()).tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    box = traitlets.List(traitlets.Float(), minlen=4, maxlen=4).tag(sync=True)
    truth = traitlets.List(traitlets.List(traitlets.Float(), minlen=4, maxlen=4)).tag(sync=True)
    truth_labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    note_of = traitlets.List(traitlets.Float()).tag(sync=True)  # the box that the note speaks of

    def __init__(
        self,
        image: Any,
        box: Sequence[float],
        describe: Callable[[list[float]], str],
        *,
        truth: Sequence[Sequence[float]] = (),
        truth_labels: Sequence[str] = (),
        title: str = "",
    ) -> None:
        picture = Image.fromarray(as_pixels(image))
        image_hw = (picture.height, picture.width)
        start = _inside([float(side) for side in box], image_hw)
        truths = [[float(side) for side in row] for row in truth]
        check_boxes(torch.tensor(truths).reshape(-1, 4), "truth")
        if len(truth_labels) != len(truths):
            raise ValueError(f"truth_labels: expected {len(truths)}, one per box of truth, got {list(truth_labels)}.")
        super().__init__(
            picture=_png(picture),
            image_hw=image_hw,
            title=title,
            box=start,
            truth=truths,
            truth_labels=list(truth_labels),
            note=describe(start),
            note_of=start,
        )
        self._describe = describe
        self.observe(self._update_note, "box")

    @traitlets.validate("box")
    def _check_box(self, proposal: Any) -> list[float]:
        return _inside(proposal.value, self.image_hw)

    def _update_note(self, change: Any) -> None:
        with self.hold_sync():  # one message: the page never pairs a note with another box
            self.note = self._describe(list(change.new))
            self.note_of = list(change.new)

    def in_words(self) -> str:
        """The state for those who cannot see the picture, as one paragraph per line.

        >>> print(Canvas(Image.new("RGB", (64, 48)), [8, 8, 24, 24], lambda box: "Too small.").in_words())
        yours: left 8, top 8, right 24, bottom 24
        Too small.
        """
        boxes = [("yours", self.box), *zip(self.truth_labels, self.truth, strict=True)]
        lines = [f"{name}: left {x1:g}, top {y1:g}, right {x2:g}, bottom {y2:g}" for name, (x1, y1, x2, y2) in boxes]
        return "\n".join([*([self.title] if self.title else []), *lines, self.note])

    def first_frame(self) -> tuple[Mime, bytes]:
        """The canvas as it stands, with its title and note, as a picture file of at most 60 kB and its type.

        >>> canvas = Canvas(Image.new("RGB", (64, 48)), [8, 8, 24, 24], lambda box: "Too small.")
        >>> canvas.first_frame()[0]
        'image/jpeg'
        """
        with Image.open(io.BytesIO(self.picture)) as picture:
            scale = picture.width / self.image_hw[1]
            figure = show_boxes(
                picture.convert("RGB"),
                torch.tensor([self.box]) * scale,
                ["yours"],
                truth=torch.tensor(self.truth).reshape(-1, 4) * scale,
                truth_labels=self.truth_labels,
                title=self.title,
                caption=self.note,
            )
        return to_image(figure)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The live view, and for readers without one the first frame and its words."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        words = self.in_words()
        mime, content = self.first_frame()
        still = {"text/plain": words, mime: base64.b64encode(content).decode()}
        return {**data, **still}, {**metadata, mime: {"alt": words}}


def _inside(box: list[float], image_hw: tuple[int, int]) -> list[float]:
    """The box itself, or a ValueError if it is not in the picture (up to 1e-6 px of rounding)."""
    height, width = image_hw
    if len(box) == 4:
        x1, y1, x2, y2 = box
        # NaN fails every comparison.
        if -1e-6 <= x1 <= x2 <= width + 1e-6 and -1e-6 <= y1 <= y2 <= height + 1e-6:
            return box
    raise ValueError(
        f"box: expected x1 <= x2 and y1 <= y2 inside a picture {width} wide and {height} high, got {box}. "
        "Is it xyxy, in pixels of this picture? clip_boxes cuts what sticks out."
    )


def _png(picture: Image.Image) -> bytes:
    """The picture as the page gets it: PNG, no side longer than LONGEST_SIDE."""
    small = picture.convert("RGB")
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    stream = io.BytesIO()
    small.save(stream, "PNG")
    return stream.getvalue()
