"""The canvas of the labs: a picture, what is true on it, and what the learner puts on it.

One anywidget serves every lab. It shows and edits; it computes nothing: a lab is a canvas plus one pure function
that says in words what the learner's answer is worth (`describe`). Everything is in image pixels, whatever the size
on the screen. Where no kernel runs (a web page, a notebook nobody executed), its first frame stands in as a picture.

`Board` is what all canvases share. `Canvas` is the one with a box; points, boxes that move whole and strokes are in
`click_canvas`, `place_canvas` and `scribble_canvas`. Pointer, touch, keys and drawing are in `static/canvas.js`, in one
table of modes; the classes here mirror their values.
"""

import base64
import copy
import io
import pathlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import anywidget
import torch
import traitlets
from matplotlib.figure import Figure
from PIL import Image

from gk_utils.drawing import as_pixels
from gk_utils.errors import check_boxes
from gk_utils.figure_image import Mime, to_image
from gk_utils.viz import show_boxes

STATIC = pathlib.Path(__file__).parent / "static"
LONGEST_SIDE = 1280  # pixels sent to the page: a photograph of 12 megapixels would only be shrunk there


@dataclass(frozen=True)
class Answer:
    """What `describe` may answer instead of words alone.

    Attributes:
        note: the words under the picture; the first line is shown bold.
        picture: shown in place of the canvas's image, and as large: a mask drawn on it, say, or the scene rendered
            anew; (h, w, 3) or grey (h, w), uint8 or float in [0, 1]. None shows the canvas's image again.

    >>> Answer("Two of three readings agree.").picture is None
    True
    """

    note: str
    picture: Any = None


class Board(anywidget.AnyWidget):
    """What every canvas shares: the picture, the truth on it, the note, the still frame and the words.

    A subclass names its mode and its value: a traitlet with the name `value_name`, checked by `checked`.
    """

    _esm = STATIC / "canvas.js"
    _css = STATIC / "canvas.css"
    value_name: ClassVar[str]
    picture = traitlets.Bytes().tag(sync=True)  # an encoded image, PNG here; the page decodes JPEG too
    image_hw = traitlets.Tuple(traitlets.Int(), traitlets.Int()).tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)  # a word for each box of the learner's
    truth = traitlets.List(traitlets.List(traitlets.Float(), minlen=4, maxlen=4)).tag(sync=True)
    truth_labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    note_of = traitlets.List().tag(sync=True)  # the value that the note speaks of

    def __init__(
        self,
        image: Any,
        value: Sequence[Any],
        describe: Callable[[Any], str | Answer],
        *,
        labels: Sequence[str] = (),
        truth: Sequence[Sequence[float]] = (),
        truth_labels: Sequence[str] = (),
        title: str = "",
    ) -> None:
        pixels = Image.fromarray(as_pixels(image))
        self._describe, self._bare = describe, _png(pixels)
        image_hw = (pixels.height, pixels.width)
        start = self.checked(value, image_hw)
        truths = [[float(side) for side in row] for row in truth]
        check_boxes(torch.tensor(truths).reshape(-1, 4), "truth")
        if len(truth_labels) != len(truths):
            raise ValueError(f"truth_labels: expected {len(truths)}, one per box of truth, got {list(truth_labels)}.")
        note, picture = self._answer(start, image_hw)
        super().__init__(
            picture=picture,
            image_hw=image_hw,
            title=title,
            labels=list(labels),
            truth=truths,
            truth_labels=list(truth_labels),
            note=note,
            note_of=copy.deepcopy(start),
            **{self.value_name: start},
        )
        self.observe(self.renew, self.value_name)

    @staticmethod
    def checked(value: Any, image_hw: tuple[int, int]) -> list[Any]:
        """The value as plain lists of numbers, or a ValueError if it is not one of this canvas."""
        raise NotImplementedError

    def renew(self, change: Any = None) -> None:
        """Ask `describe` again: for a lab whose answer hangs on more than the value, when that other thing changes."""
        value = copy.deepcopy(getattr(self, self.value_name))
        note, picture = self._answer(value, self.image_hw)
        with self.hold_sync():  # one message: the page never pairs a note with another value
            self.picture = picture
            self.note = note
            self.note_of = value

    def _answer(self, value: list[Any], image_hw: tuple[int, int]) -> tuple[str, bytes]:
        """What `describe` says of a value, and the picture to show with it."""
        answer = self._describe(copy.deepcopy(value))
        if isinstance(answer, str):
            return answer, self._bare
        if answer.picture is None:
            return answer.note, self._bare
        picture = Image.fromarray(as_pixels(answer.picture))
        if picture.size != (image_hw[1], image_hw[0]):
            raise ValueError(
                f"picture: expected the size of the canvas's image, {image_hw[1]} wide and {image_hw[0]} high, "
                f"got {picture.width} wide and {picture.height} high. Answer with a picture of the same pixels."
            )
        return answer.note, _png(picture)

    def value_in_words(self) -> list[str]:
        """The learner's value for those who cannot see it, a line for each of its parts."""
        raise NotImplementedError

    def in_words(self) -> str:
        """The state for those who cannot see the picture, as one paragraph per line.

        >>> print(Canvas(Image.new("RGB", (64, 48)), [8, 8, 24, 24], lambda box: "Too small.").in_words())
        yours: left 8, top 8, right 24, bottom 24
        Too small.
        """
        truths = [named_box(*pair) for pair in zip(self.truth_labels, self.truth, strict=True)]
        return "\n".join([*([self.title] if self.title else []), *self.value_in_words(), *truths, self.note])

    def draw_value(self, figure: Figure, scale: float) -> None:
        """Draw what is not a box on the picture of the still frame; `scale` is its pixels per image pixel."""

    def value_boxes(self) -> list[list[float]]:
        """The learner's boxes, in image pixels."""
        return []

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
                torch.tensor(self.value_boxes()).reshape(-1, 4) * scale,
                self.labels,
                truth=torch.tensor(self.truth).reshape(-1, 4) * scale,
                truth_labels=self.truth_labels,
                title=self.title,
                caption=self.note,
            )
        self.draw_value(figure, scale)
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


class Canvas(Board):
    """A picture on which the learner places a box; `canvas.box` is where it stands now.

    Args:
        image: a picture (h, w, 3) or grey (h, w), uint8 or float in [0, 1]; a numpy array, a tensor or a PIL image.
        box: the learner's box at the start, [x1, y1, x2, y2] in image pixels, inside the picture.
        describe: says what a box is worth, in words or as an `Answer` with a picture; called with the box at the start
            and after every change. It must answer for every box inside the picture, boxes without area included. Its
            first line is shown bold.
        truth: boxes shown beside it, [x1, y1, x2, y2] in image pixels each.
        truth_labels: a word for each of them: identity is never left to colour alone.
        title: the task, shown above the picture and read out with the box.

    Attributes:
        box: the learner's box, four floats, x1 <= x2 and y1 <= y2, inside the picture; set it to move the box.
        note: what `describe` said about it.

    Raises:
        TypeError, ValueError: an image in another layout or range, a learner's box outside the picture, corners in
            the wrong order, truths without a label each, an answer's picture of another size.

    >>> canvas = Canvas(Image.new("RGB", (64, 48)), [8, 8, 24, 24], lambda box: f"{box[2] - box[0]:.0f} px wide")
    >>> canvas.box = [8, 8, 40, 24]
    >>> canvas.note
    '32 px wide'
    """

    value_name = "box"
    mode = traitlets.Enum(("box",), "box").tag(sync=True)
    box = traitlets.List(traitlets.Float(), minlen=4, maxlen=4).tag(sync=True)

    def __init__(
        self,
        image: Any,
        box: Sequence[float],
        describe: Callable[[list[float]], str | Answer],
        *,
        truth: Sequence[Sequence[float]] = (),
        truth_labels: Sequence[str] = (),
        title: str = "",
    ) -> None:
        super().__init__(
            image, box, describe, labels=["yours"], truth=truth, truth_labels=truth_labels, title=title
        )  # fmt: skip

    @staticmethod
    def checked(value: Any, image_hw: tuple[int, int]) -> list[float]:
        """The box as floats, or a ValueError if it is not in the picture (up to 1e-6 px of rounding)."""
        return inside([float(side) for side in value], image_hw)

    @traitlets.validate("box")
    def _check_box(self, proposal: Any) -> list[float]:
        return self.checked(proposal.value, self.image_hw)

    def value_in_words(self) -> list[str]:
        """One line: where the box stands."""
        return [named_box("yours", self.box)]

    def value_boxes(self) -> list[list[float]]:
        """The one box."""
        return [self.box]


def named_box(name: str, box: Sequence[float]) -> str:
    """A box in words.

    >>> named_box("mug", [1, 2, 3.5, 4])
    'mug: left 1, top 2, right 3.5, bottom 4'
    """
    x1, y1, x2, y2 = box
    return f"{name}: left {x1:g}, top {y1:g}, right {x2:g}, bottom {y2:g}"


def inside(box: list[float], image_hw: tuple[int, int], name: str = "box") -> list[float]:
    """The box itself, or a ValueError if it is not in the picture (up to 1e-6 px of rounding).

    >>> inside([0.0, 0.0, 64.0, 48.0], (48, 64))
    [0.0, 0.0, 64.0, 48.0]
    """
    height, width = image_hw
    if len(box) == 4:
        x1, y1, x2, y2 = box
        # NaN fails every comparison.
        if -1e-6 <= x1 <= x2 <= width + 1e-6 and -1e-6 <= y1 <= y2 <= height + 1e-6:
            return box
    raise ValueError(
        f"{name}: expected x1 <= x2 and y1 <= y2 inside a picture {width} wide and {height} high, got {box}. "
        "Is it xyxy, in pixels of this picture? clip_boxes cuts what sticks out."
    )


def _png(picture: Image.Image) -> bytes:
    """The picture as the page gets it: PNG, no side longer than LONGEST_SIDE."""
    small = picture.convert("RGB")
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    stream = io.BytesIO()
    small.save(stream, "PNG", compress_level=1)  # a photograph: five times as fast, a fifth larger
    return stream.getvalue()
