"""What a detector makes of a prompt, before and after its two thresholds: every number of the lab of lesson 07.

The model is asked once; each move of a threshold only reads the same answer again.

Notebook: 07.
"""

from dataclasses import dataclass
from itertools import cycle

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from torch import Tensor

from gk_utils.boxes import clip_boxes, cxcywh_to_xyxy
from gk_utils.charts import WIDTH
from gk_utils.countertop.wording import words
from gk_utils.drawing import (
    COLOURS,
    FONT,
    INK,
    Tag,
    add_tags,
    as_pixels,
    axes_at,
    lines_height,
    sheet,
    text_width,
    wrap,
)
from gk_utils.grounding_dino import MiniGroundingDino, read_phrases
from gk_utils.labs.token_tables import SIDE, paint_table
from gk_utils.models.trunk_grounder import letterbox

LISTED = 12  # boxes shown, the best first
EDGES = "[start]", "[end]"
SIDE_LONG = 2.1  # inches of the picture's longer side
LONGEST = 22  # letters of a label in the table


@dataclass(frozen=True, eq=False)
class Asked:
    """One prompt asked of one picture, with nothing thrown away.

    Attributes:
        image: RGB in [0, 1].
        prompt: as it was written.
        tokens: what the model read of it; a word in brackets is none that it knows.
        logits: of each query for each token.
        boxes: of each query, pixels of the image, inside it.
    """

    image: Float[Tensor, "3 h w"]
    prompt: str
    tokens: tuple[str, ...]
    logits: Float[Tensor, "q t"]
    boxes: Float[Tensor, "q 4"]


@dataclass(frozen=True, eq=False)
class PromptReading:
    """What two thresholds leave of an answer; the best box first.

    Attributes:
        asked: the answer.
        box_threshold, text_threshold: what was passed, in [0, 1].
        boxes: pixels; scores: of the best token of each; labels: its tokens above the text threshold, run together.
        token_scores: of each box for each token.
    """

    asked: Asked
    box_threshold: float
    text_threshold: float
    boxes: Float[Tensor, "n 4"]
    scores: Float[Tensor, " n"]
    labels: tuple[str, ...]
    token_scores: Float[Tensor, "n t"]

    @property
    def sentence(self) -> str:
        """How many boxes passed, and how they are labelled."""
        n, empty = len(self.boxes), sum(not label for label in self.labels)
        counted = {label: self.labels.count(label) for label in dict.fromkeys(self.labels) if label}
        said = ", ".join(f"{number} x {label!r}" for label, number in counted.items())
        blank = f"{'; ' if said else ''}{empty} without a label" if empty else ""
        return f"{n} of {len(self.asked.boxes)} boxes pass {self.box_threshold:.2f}{': ' if n else '.'}{said}{blank}"

    def in_words(self) -> str:
        """For those who cannot see it: the sentence, then a line for each box shown."""
        lines = [
            f"{label or '(no label)'} {score:.2f}: left {x1:.0f}, top {y1:.0f}, right {x2:.0f}, bottom {y2:.0f}"
            for label, score, (x1, y1, x2, y2) in zip(
                self.labels[:LISTED], self.scores.tolist(), self.boxes.tolist(), strict=False
            )
        ]
        return "\n".join([f"{self.asked.prompt} {self.sentence}", *lines])


@torch.no_grad()
def ask_prompt(mini: MiniGroundingDino, image: Float[Tensor, "3 h w"], prompt: str) -> Asked:
    """Ask one prompt, phrases with dots behind them, of one picture of any size.

    Raises:
        ValueError: a prompt without words, or with more tokens than the model takes.

    >>> from gk_utils.grounding_dino import build_mini
    >>> sizes = {"words": ["mug"], "image_side": 128, "width": 32, "heads": 2, "inner": 64, "queries": 5}
    >>> asked = ask_prompt(build_mini({**sizes, "enhancer_layers": 1, "decoder_layers": 1}), torch.rand(3, 96, 128),
    ...     "red mug. mug")
    >>> asked.tokens, asked.boxes.shape
    (('[start]', '[red]', 'mug', '.', 'mug', '.', '[end]'), torch.Size([5, 4]))
    """
    phrases = [found for phrase in prompt.split(".") if (found := words(phrase))]
    if not phrases:
        raise ValueError(f"prompt: expected at least one word, got {prompt!r}. Say what to look for.")
    known = mini.words.number
    tokens = [EDGES[0]]
    for phrase in phrases:
        tokens += [*(word if word in known else f"[{word}]" for word in phrase), "."]
    square, frame = letterbox(image.to(mini.device), mini.image_side)
    found, _ = mini(square[None], [prompt])
    in_square = mini.image_side * cxcywh_to_xyxy(found.boxes_cxcywh[0].cpu())
    boxes = clip_boxes(frame.to_pixels(in_square), tuple(image.shape[1:]))
    return Asked(image, prompt, (*tokens, EDGES[1]), found.logits[0].cpu(), boxes)


def read_prompt(asked: Asked, box_threshold: float, text_threshold: float) -> PromptReading:
    """What the two thresholds leave, in the published way of reading (see `grounding_dino.phrases`).

    Raises:
        ValueError: a threshold outside of [0, 1].

    >>> asked = Asked(torch.zeros(3, 8, 8), "red mug.", ("[start]", "red", "mug", ".", "[end]"),
    ...     torch.tensor([[-9.0, -1, 2, -9, -9], [-9, -9, -2, -9, -9]]), torch.zeros(2, 4))
    >>> read_prompt(asked, 0.5, 0.5).labels, read_prompt(asked, 0.5, 0.25).labels
    (('mug',), ('red mug',))
    """
    scores = asked.logits.sigmoid()
    best = scores.amax(-1)
    order = best.argsort(descending=True, stable=True)
    order = order[best[order] > box_threshold]
    read = read_phrases(
        asked.logits[order],
        torch.full((len(order), 4), 0.5),
        torch.arange(len(asked.tokens)),
        lambda chosen: " ".join(asked.tokens[position] for position in chosen),
        (1, 1),
        box_threshold=box_threshold,
        text_threshold=text_threshold,
    )
    return PromptReading(
        asked, box_threshold, text_threshold, asked.boxes[order], read.scores, read.phrases, scores[order]
    )


def draw_prompt(reading: PromptReading, caption: str = "") -> Figure:
    """The picture with the boxes that passed, and beside it a table: each box by each token, labels at the left."""
    asked, n = reading.asked, min(len(reading.boxes), LISTED)
    height, width = asked.image.shape[1:]
    side = min(SIDE_LONG, SIDE_LONG * width / height)
    labels = [f"{number} {_short(label)}" for number, label in enumerate(reading.labels[:n], 1)]
    t = len(asked.tokens)
    names = max([text_width(label) / 72 for label in labels], default=0.6) + 0.15
    head = max(text_width(token) for token in asked.tokens) / 72 + 0.12
    cell = min(SIDE, (WIDTH - side - 0.15 - names) / t)
    row_high = min(SIDE, 0.27)
    title = wrap(asked.prompt, side * 72, FONT + 1)
    more = f"the best {n} of {len(reading.boxes)} boxes, score of each token in %"
    top = lines_height(title, FONT + 1)
    high = max(side * height / width, head + row_high * max(n, 1) + 0.05)
    figure, base = sheet(WIDTH, high + top, caption=caption)
    axes = axes_at(figure, 0, base + high - side * height / width, side, side * height / width)
    axes.set_title(title, size=FONT + 1, color=INK, pad=3, loc="left", parse_math=False)
    _paint_boxes(axes, reading, n, side)
    table = axes_at(
        figure, side + 0.15 + names, base + high - head - row_high * max(n, 1), cell * t, row_high * max(n, 1)
    )
    scores = reading.token_scores[:n]
    paint_table(table, scores if n else torch.zeros(1, t), labels or ["no box"], asked.tokens,
                marked=scores > reading.text_threshold if n else None)  # fmt: skip
    figure.text((side + 0.15) / WIDTH, 1 - 2 / 72 / figure.get_figheight(), more, size=FONT, color=INK, va="top")
    return figure


def _paint_boxes(axes: Axes, reading: PromptReading, n: int, side: float) -> None:
    """The picture and its first n boxes, each with its number."""
    height, width = reading.asked.image.shape[1:]
    axes.imshow(as_pixels(reading.asked.image.permute(1, 2, 0)), extent=(0, width, height, 0))
    axes.set_axis_off()
    tags = []
    for number, ((x1, y1, x2, y2), colour) in enumerate(zip(reading.boxes[:n].tolist(), cycle(COLOURS)), 1):
        style = {"edgecolor": colour, "linewidth": 2, "path_effects": [withStroke(linewidth=3.6, foreground="white")]}
        axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, gid="boxes", zorder=3, **style))
        tags.append(Tag(str(number), (x1, y1, x2, y2), colour))
    add_tags(axes, tags, (height, width), side)


def _short(label: str) -> str:
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 3]}..."
