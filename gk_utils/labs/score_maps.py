"""Figures of an answer: the box on the picture, the map of shares over it, and a bar for each thing.

Notebook: 00.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from torch import Tensor

from gk_utils import viz
from gk_utils.charts import WIDTH
from gk_utils.drawing import BLUE, FONT, INK, ORANGE, SKY, Tag, add_tags, as_pixels, axes_at, lines_height, sheet, wrap
from gk_utils.labs.explanations import Explanation, Stage, ThingShare, percent
from gk_utils.models.trunk_grounder import ScoreMap
from gk_utils.protocols import Grounding

HATCHES = {"meant": "////", "same noun": "....", "other": ""}  # a role is never told by colour alone
PALE = 0.12  # the share at which a patch is shown at full strength, if none has more
GAP, NAMES, ROLE = 0.12, 1.15, 1.1  # inches: between the panels, for the names before the bars and the roles behind


def overlay(image: Float[Tensor, "3 h w"], scores: ScoreMap) -> UInt8[np.ndarray, "h w 3"]:
    """The picture in pale grey, and on it each patch in the colour of its share: none, violet, green, yellow.

    Yellow is the largest share, or PALE if that is more: a map without a favourite stays pale.

    >>> from gk_utils.frames import Frame
    >>> scores = ScoreMap(torch.tensor([[0.0, 0.5], [0.0, 0.0]]), 0.5, Frame.of_image((2, 2)))
    >>> shown = overlay(torch.zeros(3, 2, 2), scores)
    >>> shown[0, 0].tolist() == shown[1, 1].tolist() == [89, 89, 89], shown[0, 1].tolist() > [150, 150, 50]
    (True, True)
    """
    height, width = image.shape[1:]
    (scale_x, scale_y), (shift_x, shift_y) = scores.frame.scale_xy, scores.frame.shift_xy
    rows, columns = scores.shares.shape
    row = ((torch.arange(height) + 0.5) * scale_y + shift_y).long().clamp(0, rows - 1)
    column = ((torch.arange(width) + 0.5) * scale_x + shift_x).long().clamp(0, columns - 1)
    strength = (scores.shares / scores.shares.max().clamp(min=PALE))[row][:, column].numpy()
    grey = 0.35 + 0.65 * (image * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0).numpy()[..., None]
    colour = colormaps["viridis"](strength)[..., :3]
    cover = 0.7 * np.clip(strength / 0.15, 0, 1)[..., None] ** 0.5
    return (255 * ((1 - cover) * grey + cover * colour)).round().clip(0, 255).astype(np.uint8)


def answer_panel(
    image: Any, grounding: Grounding, truth: Float[Tensor, "m 4"] | None = None, title: str = ""
) -> viz.Picture:
    """A panel for `viz.show_grid`: the best box with its score, the true ones dashed; "none" is said in the title.

    >>> found = Grounding(torch.tensor([[1.0, 2, 5, 6]]), torch.tensor([0.71]), "the mug", False, (8, 8))
    >>> answer_panel(torch.zeros(8, 8, 3), found).labels
    ['71 %']
    """
    labels = [percent(score) for score in grounding.scores[:1].tolist()]
    named = {} if truth is None else {"truth": truth, "truth_labels": [""] * len(truth)}
    said = f"{title or grounding.phrase}{': none' if grounding.absent else ''}"
    return viz.Picture(image, grounding.boxes[:1], labels, **named, title=said)


def draw(stage: Stage, explanation: Explanation) -> Figure:
    """One answer three times: the picture with the box, the map, and a bar for each thing, "beside" and "none"."""
    shares, (height, width) = explanation.scores.shares, stage.image.shape[1:]
    answer = answer_panel(stage.image.permute(1, 2, 0), explanation.grounding, explanation.meant, explanation.phrase)
    rows = [*explanation.things, ThingShare("beside the things", explanation.beside, "other")]
    nothing = explanation.meant is not None and not len(explanation.meant)
    rows.append(ThingShare('"none"', explanation.none, "meant" if nothing else "other"))
    side, bars_high = (WIDTH - GAP) / 2, 0.2 * len(rows)
    largest = f"{shares.numel()} patches, the largest share: {percent(float(shares.max()))}"
    images = (answer.image, overlay(stage.image, explanation.scores))
    titles = [wrap(title, side * 72, FONT + 1) for title in (answer.title, largest)]
    head = max(lines_height(title, FONT + 1) for title in titles)
    figure, _ = sheet(WIDTH, head + side * height / width + 0.15 + bars_high)
    for number, (image, title) in enumerate(zip(images, titles, strict=True)):
        axes = axes_at(figure, number * (side + GAP), bars_high + 0.15, side, side * height / width)
        axes.set_title(title, size=FONT + 1, color=INK, pad=3, loc="left", parse_math=False)
        axes.imshow(as_pixels(image), extent=(0, width, height, 0))
        axes.set_axis_off()
        if number == 0:
            _paint_boxes(axes, answer, (height, width), side)
    _paint_bars(axes_at(figure, NAMES, 0.02, WIDTH - NAMES - ROLE, bars_high - 0.02), rows)
    return figure


def _paint_boxes(axes: Axes, answer: viz.Picture, image_hw: tuple[int, int], side: float) -> None:
    """The boxes as `viz` draws them, the answer solid and the truth dashed, and a tag on each."""
    tags = []
    for (name, labels), colour, label in (
        (("boxes", "labels"), BLUE, "".join(answer.labels)),
        (("truth", "truth_labels"), ORANGE, "meant"),
    ):
        boxes = getattr(answer, name)
        for x1, y1, x2, y2 in [] if boxes is None else boxes.tolist():
            style = {"edgecolor": colour, "path_effects": [withStroke(linewidth=3.6, foreground="white")], "gid": name}
            axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, **style, **_line(name, labels)))
            tags.append(Tag(label, (x1, y1, x2, y2), colour))
    add_tags(axes, tags, image_hw, side)


def _line(*key: str) -> dict[str, Any]:
    return {name: value for name, value in viz.STYLES[key].items() if name != "edgecolor"}


def _paint_bars(axes: Axes, rows: list[ThingShare]) -> None:
    """A bar for each row, with its share and its role written out."""
    for place, row in enumerate(rows):
        colour = ORANGE if row.role == "meant" else SKY if row.role == "same noun" else "#DDDDDD"
        axes.barh(place, row.share, height=0.72, color=colour, edgecolor=INK, linewidth=0.6, hatch=HATCHES[row.role])
        role = "" if row.role == "other" else f"  {row.role}"
        axes.text(row.share + 0.01, place, f"{percent(row.share)}{role}", size=FONT, color=INK, va="center")
    axes.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5), xticks=[])
    axes.set_yticks(range(len(rows)), [row.name for row in rows], size=FONT, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
