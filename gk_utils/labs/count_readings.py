"""What the lab of lesson 16 works out: a count from boxes above a threshold, a count from a density, and one painted.

Notebook: 16.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from gk_utils.counting.counters import Counter
from gk_utils.counting.counting_model import STRIDE
from gk_utils.counting.counting_scenes import CountingScene
from gk_utils.counting.density_maps import density_map
from gk_utils.drawing import BLUE, as_pixels
from gk_utils.ferret.region_forms import PolygonRegion, region_mask
from gk_utils.labs.count_trials import ask_about

SEEN, SHOWN = 128, 384  # sides in pixels: what the counters see, what is shown
ENLARGED = SHOWN // SEEN
CELL = STRIDE * ENLARGED  # shown pixels a cell
BRUSH = 12.0  # shown pixels: sigma of a painted stroke
STEP = 6.0  # shown pixels between the points that stand for a stroke

Stroke = Sequence[Sequence[float]]


@dataclass(frozen=True, eq=False)
class CountStage:
    """A picture to count in, with what two counters made of it; all in pixels of the shown picture, 384 x 384.

    Attributes:
        image: RGB in [0, 1]; word: what is counted, "apples".
        centres: of the true things.
        boxes, scores: the candidates of the counter by boxes, the surest first.
        density: of the other counter, a number for each cell of 12 x 12 pixels.
        threshold: what was chosen on val for the boxes.
        start: the strokes to begin with.
    """

    image: Float[Tensor, "3 h w"]
    word: str
    centres: Float[Tensor, "n 2"]
    boxes: Float[Tensor, "m 4"]
    scores: Float[Tensor, " m"]
    density: Float[Tensor, "rows columns"]
    threshold: float
    start: tuple[Stroke, ...] = ()


@dataclass(frozen=True, eq=False)
class CountReading:
    """What is shown: boxes that count, the density behind them, the region that was drawn, and the words."""

    boxes: Float[Tensor, "k 4"]
    density: Float[Tensor, "rows columns"]
    region: Bool[Tensor, "h w"] | None
    note: str


def stage_of(by_boxes: Counter, by_density: Counter, scene: CountingScene, start: Sequence[Stroke] = ()) -> CountStage:
    """A scene, seen by both counters."""
    trials = ask_about([scene], [scene.category], side=SEEN)
    large = ask_about([scene], [scene.category], side=SHOWN)
    found = by_boxes.count(trials.images, trials.phrases, trials.exemplars)[0]
    spread = by_density.count(trials.images, trials.phrases, trials.exemplars)[0]
    centres = (large.boxes[0][:, :2] + large.boxes[0][:, 2:]) / 2
    return CountStage(
        large.images[0],
        trials.phrases[0],
        centres,
        found.candidates * ENLARGED,
        found.candidate_scores,
        spread.density.unflatten(0, (-1, STRIDE)).unflatten(2, (-1, STRIDE)).sum((1, 3)),
        by_boxes.threshold,
        tuple(start),
    )


def read_count(stage: CountStage, strokes: Sequence[Stroke], threshold: float) -> CountReading:
    """Boxes with a score of `threshold` or more, the integral of the density, the truth; also within what was drawn.

    A stroke of three points or more is taken as a shape, its end joined to its beginning; shorter ones are passed over.
    """
    kept = stage.boxes[stage.scores >= threshold]
    total, true = float(stage.density.sum()), len(stage.centres)
    lines = [f"Boxes from {threshold:.2f}: {len(kept)}. Density: {total:.1f}. True: {true} {stage.word}."]
    region = region_drawn(strokes, (stage.image.shape[1], stage.image.shape[2]))
    if region is None:
        lines.append("Draw around a part of the picture, and read all three in there.")
    else:
        inside = float((stage.density * cell_shares(region)).sum())
        middles = (kept[:, :2] + kept[:, 2:]) / 2
        here, real = (int(_within(points, region).sum()) for points in (middles, stage.centres))
        number = len(_shapes(strokes))
        drawn = "shape" if number == 1 else f"{number} shapes together"
        lines.append(f"In your {drawn}: {here} boxes by their centres, a density of {inside:.1f}, true {real}.")
    return CountReading(kept, stage.density, region, "\n".join(lines))


def paint_density(
    strokes: Sequence[Stroke], image_hw: tuple[int, int], *, keep_border: bool = True
) -> Float[Tensor, "rows columns"]:
    """The density that was painted: every stroke is one thing, one unit of mass, spread along it.

    Without `keep_border`, what falls outside of the picture is lost.

    >>> paint_density([[[0.0, 0.0]], [[200.0, 200.0]]], (384, 384), keep_border=False).sum().item()
    1.25...
    """
    rows, columns = (-(-side // CELL) for side in image_hw)
    total = torch.zeros(rows, columns)
    for stroke in strokes:
        points = _along(stroke)
        made = density_map(points, image_hw, stride=CELL, sigma=BRUSH, keep_border=keep_border)
        total += made / len(points)
    return total


def read_paint(stage: CountStage, strokes: Sequence[Stroke], keep_border: bool) -> CountReading:
    """What was painted: how many strokes, what the density sums to, and how many things there are."""
    density = paint_density(strokes, (stage.image.shape[1], stage.image.shape[2]), keep_border=keep_border)
    total, n = float(density.sum()), len(strokes)
    lines = [f"{n} {'stroke' if n == 1 else 'strokes'}: the density sums to {total:.2f}. True: {len(stage.centres)}."]
    lost = n - total
    if lost > 0.005:
        lines.append(f"{lost:.2f} lie outside of the picture, and are not counted.")
    elif n:
        lines.append("Each stroke is one, however long it is and wherever it lies.")
    else:
        lines.append(f"Click on each of the {stage.word}, or draw a line along it: one stroke, one unit.")
    return CountReading(stage.boxes[:0], density, None, "\n".join(lines))


def region_drawn(strokes: Sequence[Stroke], image_hw: tuple[int, int]) -> Bool[Tensor, "h w"] | None:
    """The pixels inside of any stroke of three points or more; None without one.

    >>> int(region_drawn([[[2.0, 2.0], [6.0, 2.0], [6.0, 6.0], [2.0, 6.0]]], (8, 8)).sum())
    16
    """
    shapes = _shapes(strokes)
    if not shapes:
        return None
    masks = []
    for stroke in shapes:
        corners = [(float(x), float(y)) for x, y in stroke]
        corners = corners[:-1] if corners[0] == corners[-1] else corners
        masks.append(region_mask(PolygonRegion(tuple(corners)), image_hw))
    return torch.stack(masks).any(0)


def cell_shares(region: Bool[Tensor, "h w"]) -> Float[Tensor, "rows columns"]:
    """Which share of each cell of 12 x 12 pixels lies in a region; the sides are multiples of 12.

    >>> cell_shares(torch.ones(12, 24, dtype=torch.bool)).tolist()
    [[1.0, 1.0]]
    """
    rows, columns = region.shape[0] // CELL, region.shape[1] // CELL
    return region.float().reshape(rows, CELL, columns, CELL).mean((1, 3))


def draw_reading(stage: CountStage, reading: CountReading) -> UInt8[np.ndarray, "h w 3"]:
    """The picture with the density in red, the boxes outlined, and all outside of the region paler."""
    picture = as_pixels(stage.image.permute(1, 2, 0)).astype(np.float32)
    strength = reading.density.numpy() / max(float(reading.density.max()), 0.05)
    cover = 0.75 * np.sqrt(strength.clip(0, 1)).repeat(CELL, 0).repeat(CELL, 1)[..., None]
    picture = (1 - cover) * (0.35 * 255 + 0.65 * picture) + cover * np.array([190.0, 20.0, 40.0])
    if reading.region is not None:
        outside = ~reading.region.numpy()
        picture[outside] = 0.5 * picture[outside] + 110
    line = np.array([int(BLUE[place : place + 2], 16) for place in (1, 3, 5)], dtype=np.float32)
    boxes = reading.boxes.round().long().clamp(0, picture.shape[0] - 1).tolist()
    for colour, out in ((np.float32(255), 1), (line, 0)):  # blue on white: seen on dark things and on pale ones
        for box in boxes:
            for rows, columns in _sides(box, out):
                picture[rows, columns] = colour
    return picture.round().clip(0, 255).astype(np.uint8)


def _sides(box: Sequence[int], out: int) -> list[tuple[slice, slice]]:
    """Rows and columns of the four sides of a box, drawn two pixels wide, or by `out` wider inwards and outwards."""
    x1, y1, x2, y2 = box
    rows, columns = slice(max(y1 - out, 0), y2 + out + 1), slice(max(x1 - out, 0), x2 + out + 1)
    return [
        (rows, slice(columns.start, x1 + out + 2)),
        (rows, slice(max(x2 - out - 1, 0), columns.stop)),
        (slice(rows.start, y1 + out + 2), columns),
        (slice(max(y2 - out - 1, 0), rows.stop), columns),
    ]


def _shapes(strokes: Sequence[Stroke]) -> list[Stroke]:
    """The strokes that enclose something: those of three different points or more."""
    return [stroke for stroke in strokes if len({tuple(point) for point in stroke}) >= 3]


def _within(points: Float[Tensor, "n 2"], region: Bool[Tensor, "h w"]) -> Bool[Tensor, " n"]:
    """Which points lie in a region."""
    x, y = (points[:, axis].long().clamp(0, region.shape[1 - axis] - 1) for axis in (0, 1))
    return region[y, x]


def _along(stroke: Stroke) -> Float[Tensor, "k 2"]:
    """Points along a stroke, evenly spaced, at most STEP pixels apart."""
    points = torch.tensor([[float(x), float(y)] for x, y in stroke])
    away = (points[1:] - points[:-1]).norm(dim=1)
    length = float(away.sum())
    if length == 0:
        return points[:1]
    reach = torch.cat([torch.zeros(1), away.cumsum(0)])
    n = max(int(np.ceil(length / STEP)), 1)
    at = (torch.arange(n) + 0.5) * length / n
    row = (torch.searchsorted(reach, at, right=True) - 1).clamp(0, len(away) - 1)
    share = ((at - reach[row]) / away[row].clamp(min=1e-9))[:, None]
    return points[row] + share * (points[row + 1] - points[row])
