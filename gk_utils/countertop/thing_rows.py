"""The things of a scene as rows of numbers: what `render` needs to know of each, computed once per scene.

Places are kept so that a picture of any size follows by multiplication: along the width, along the height, and in
lengths of its shorter side.
"""

from collections.abc import Sequence

import numpy as np

from gk_utils.countertop.scene import Scene, base_of, height_of_support
from gk_utils.countertop.shapes import RECIPES
from gk_utils.countertop.things import COLOURS, KINDS, PATTERNS, SIZES, unit_of

KEYS = tuple((*recipe, size) for recipe in RECIPES for size in SIZES)  # what is painted together
_NUMBER = {key: number for number, key in enumerate(KEYS)}
ROW = np.dtype(
    [
        *((name, np.int32) for name in ("scene", "index", "order", "key", "flip", "colour", "pattern", "inside")),
        # x of the width; the ground at `ground` of the height, `lift` sides above it; sides per local unit
        *((name, np.float64) for name in ("x", "ground", "lift", "unit")),
        # the opening that a thing stands in: its centre in the same way, its half axes in sides
        *((name, np.float64) for name in ("rim_x", "rim_lift", "rim_half_w", "rim_half_h")),
        *((name, np.int32) for name in ("left", "top")),  # of its patch, in pixels: `render` fills them in
    ]
)


def rows_of(scenes: Sequence[Scene]) -> np.ndarray:
    """One row of type ROW per thing, scene after scene; `scene` and `index` say which thing of which scene it is.

    Each scene keeps its rows, so that painting it again costs next to nothing.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> table = rows_of([draw_scene(0, n=2), draw_scene(1, n=3)])
    >>> table["scene"].tolist(), table["index"].tolist()
    ([0, 0, 1, 1, 1], [0, 1, 0, 1, 2])
    """
    rows = [_bytes_of(scene) for scene in scenes]
    table = np.frombuffer(bytearray().join(rows), ROW)
    counts = [len(one) // ROW.itemsize for one in rows]
    table["scene"] = np.repeat(np.arange(len(scenes), dtype=np.int32), counts)
    return table


def _bytes_of(scene: Scene) -> bytes:
    rows = scene.__dict__.get("_rows")
    if rows is None:
        order = {index: rank for rank, index in enumerate(scene.paint_order())}
        rows = np.array([_row(scene, index, order[index]) for index in range(len(scene))], ROW).tobytes()
        scene.__dict__["_rows"] = rows  # no field: a scene stays what it is, and equal to its like
    return rows


def _row(scene: Scene, index: int, order: int) -> tuple[float, ...]:
    thing = scene.things[index]
    lift = height_of_support(scene, index)
    ground = base_of(scene, scene.root(index))[1]
    rim = (0.0, 0.0, 1.0, 1.0)
    inside = thing.relation == "inside"
    if inside:
        below, unit = scene.things[thing.support], unit_of(scene.things[thing.support])
        up, half_w, half_h = KINDS[below.category].opening
        rim = (below.x, height_of_support(scene, thing.support) + up * unit, half_w * unit, half_h * unit)
    pose = "standing" if thing.category == "spoon" and inside else (thing.state or "")
    look = (-1 if thing.facing == "left" else 1, COLOURS.index(thing.colour), PATTERNS.index(thing.pattern))
    key = _NUMBER[thing.category, pose, thing.size]
    return (0, index, order, key, *look, inside, thing.x, ground, lift, unit_of(thing), *rim, 0, 0)
