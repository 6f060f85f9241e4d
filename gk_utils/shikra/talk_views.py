"""What can be talked about in a picture: the boxes of its things that can be seen, and points on them.

Boxes and points are fractions of the picture, which is square. Everything is measured on the visible masks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch.nn import functional

from gk_utils.countertop.render import Rendered
from gk_utils.countertop.scene import Scene

LEAST_VISIBLE = 0.25  # of a thing's pixels; what is hidden more than that is not asked about
POINTS = 6  # on each thing, and beside all things
CLEAR = 2  # pixels between a point beside all things and the nearest of them


@dataclass(frozen=True)
class View:
    """A scene as a picture shows it.

    Attributes:
        scene: what is there.
        boxes: of each thing's visible part, xyxy, fractions of the picture; zeros for what cannot be seen.
        seen: the indices of the things that can be asked about.
        points: for each thing, points on its visible part; none where it cannot be seen.
        empty: points that are on no thing.
    """

    scene: Scene
    boxes: tuple[tuple[float, ...], ...]
    seen: tuple[int, ...]
    points: tuple[tuple[tuple[float, float], ...], ...]
    empty: tuple[tuple[float, float], ...]


def views_of(scenes: Sequence[Scene], rendered: Rendered, rng: np.random.Generator) -> list[View]:
    """The views of rendered scenes; chance picks the points.

    >>> from gk_utils.countertop.render import render
    >>> from gk_utils.countertop.scene import draw_scene
    >>> scenes = [draw_scene(0, n=2)]
    >>> (view,) = views_of(scenes, render(scenes), np.random.default_rng(0))
    >>> view.seen, len(view.points[0]), len(view.empty)
    ((0, 1), 6, 6)
    """
    height, width = rendered.images.shape[-2:]
    masks = rendered.masks.cpu()
    free = ~(functional.max_pool2d(masks.any(1, keepdim=True).float(), 2 * CLEAR + 1, 1, CLEAR)[:, 0] > 0)
    visible, whole = masks.flatten(2).sum(-1), rendered.masks_full.cpu().flatten(2).sum(-1)
    unit = (rendered.boxes.cpu() / rendered.boxes.new_tensor([width, height, width, height]).cpu()).clamp(0, 1)
    views = []
    for row, scene in enumerate(scenes):
        n = len(scene)
        counts = (visible[row, :n] > LEAST_VISIBLE * whole[row, :n]).tolist()
        views.append(
            View(
                scene,
                tuple(tuple(box) for box in unit[row, :n].tolist()),
                tuple(index for index in range(n) if counts[index]),
                tuple(_points(masks[row, index].numpy(), rng) for index in range(n)),
                _points(free[row].numpy(), rng),
            )
        )
    return views


def _points(mask: np.ndarray, rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    """Centres of pixels of a mask, by chance, as fractions."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return ()
    chosen = rng.integers(len(rows), size=POINTS)
    height, width = mask.shape
    return tuple(((columns[at] + 0.5) / width, (rows[at] + 0.5) / height) for at in chosen.tolist())
