"""Questions about regions of the countertop: "What is [..] <region_fea>?", its colour, pattern, facing and state.

Regions are drawn as people draw them: a click, a box, a scribble, a rough outline, a painted mask; and, on purpose,
parts that a box cannot tell apart: the handle of a mug, what shows of a plate around an apple, twins.

Notebook: 14.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from gk_utils.countertop.scene import Scene, base_of, draw_scene
from gk_utils.countertop.things import CATEGORIES, COLOURS, FACINGS, KINDS, PATTERNS, Thing, unit_of
from gk_utils.ferret.region_forms import (
    BoxRegion,
    FreeFormRegion,
    PointRegion,
    PolygonRegion,
    Region,
    ScribbleRegion,
    mask_box,
    region_mask,
)
from gk_utils.ferret.twin_regions import find_twins

STATES = tuple(state for kind in KINDS.values() for state in kind.states)
ASKS: dict[str, tuple[str, tuple[str, ...]]] = {  # what is asked: the question, and what may be answered
    "category": ("What is {}?", CATEGORIES),
    "colour": ("What colour is {}?", COLOURS),
    "pattern": ("What pattern does {} have?", PATTERNS),
    "facing": ("Which way does {} face?", FACINGS),
    "state": ("What state is {} in?", STATES),
}
ANSWERS = tuple(answer for _, answers in ASKS.values() for answer in answers)
WORDS = ("what", "is", "colour", "pattern", "does", "have", "which", "way", "face", "state", "in")
SHARES = {"category": 0.35, "colour": 0.3, "pattern": 0.15, "facing": 0.12, "state": 0.08}  # of the questions
FORMS = ("mask", "box", "point", "scribble", "polygon", "handle", "twin")
SMALL_SHARE = 0.006  # of the picture: a thing of which less shows is small; 98 pixels at 128 x 128
LEAST = 12  # visible pixels of a thing that is asked about
HANDLE = 0.40  # local units from a mug's middle to where its handle sticks out


@dataclass(frozen=True, eq=False)
class AskedRegion:
    """A region of a scene's picture.

    Attributes:
        region: in pixels of the picture.
        mask: its pixels.
        thing: the index of the thing that is meant.
        form: one of FORMS, how it was drawn.
        other: for a twin, the thing whose part has the same box; else None.
        hard: its box shows at least as much of some other thing as the region has pixels; or it is a twin.
        small: little of the thing can be seen (SMALL_SHARE).
    """

    region: Region
    mask: Bool[Tensor, "h w"]
    thing: int
    form: str
    other: int | None
    hard: bool
    small: bool


def draw_region_scene(seed: int) -> Scene:
    """A scene where things hide each other: 5 to 9 things, or in every other scene 12 to 20 smaller ones.

    As `draw_scene`, but half of what stands on the counter is moved behind something else.

    >>> len(draw_region_scene(4)) <= 9, len(draw_region_scene(5)) >= 12
    (True, True)
    """
    rng = np.random.default_rng([seed, 14])
    scene = draw_scene(seed, n=int(rng.integers(12, 21)) if seed % 2 else int(rng.integers(5, 10)))
    things, roots = list(scene.things), scene.on_counter()
    roots = [roots[position] for position in rng.permutation(len(roots))]
    for front, back in zip(roots[::2], roots[1::2], strict=False):
        x = float(np.clip(things[front].x + rng.normal(0, 0.05), 0.08, 0.92))
        depth = round(float(np.clip(things[front].depth - rng.uniform(0.08, 0.3), 0, 1)), 4)
        step = x - things[back].x
        for index, thing in enumerate(things):
            if scene.root(index) == back:
                things[index] = replace(thing, x=round(min(max(thing.x + step, 0.0), 1.0), 4), depth=depth)
    return Scene(tuple(things), seed, scene.wall, scene.counter)


def draw_regions(scene: Scene, masks: Bool[Tensor, "n h w"], rng: np.random.Generator, count: int) -> list[AskedRegion]:
    """`count` regions of a scene, up to half of them twins; none where nothing can be seen.

    Args:
        scene: whose things they mean.
        masks: the visible pixels of each thing, of a square picture.
        rng: where chance comes from.
        count: how many.

    >>> from gk_utils.countertop.render import render
    >>> scene = draw_region_scene(3)
    >>> regions = draw_regions(scene, render([scene]).masks[0], np.random.default_rng(0), 4)
    >>> [one.form for one in regions]
    ['twin', 'twin', ...]
    """
    masks = masks[: len(scene)]
    areas = masks.flatten(1).sum(1).tolist()
    visible = [index for index, area in enumerate(areas) if area >= LEAST]
    if not visible:
        return []
    drawn: list[AskedRegion] = []
    pairs = [twins for twins in find_twins(masks) if differing(scene, *twins.things)]
    for position in rng.permutation(len(pairs))[: count // 4]:
        things = pairs[position].things
        for mask, thing, other in zip(pairs[position].masks, things, things[::-1], strict=True):
            drawn.append(_asked(FreeFormRegion(mask), thing, "twin", other, masks))
    while len(drawn) < count:
        thing = visible[int(rng.integers(len(visible)))]
        form = FORMS[int(rng.integers(len(FORMS) - 1))]
        region = draw_region(form, scene, thing, masks[thing], rng)
        if region is not None:
            drawn.append(_asked(region, thing, form, None, masks))
    return drawn


def draw_region(
    form: str, scene: Scene, thing: int, mask: Bool[Tensor, "h w"], rng: np.random.Generator
) -> Region | None:
    """A region of this form on the thing with these visible pixels; None if it has no such part.

    An outline of which less than half would be the thing is none, either.
    """
    pixels = mask.nonzero().numpy() + 0.5  # y, x
    if form == "box":
        return BoxRegion(*mask_box(mask))
    if form == "point":
        y, x = pixels[int(rng.integers(len(pixels)))].tolist()
        return PointRegion(x, y, radius=1.5)
    if form == "scribble":
        return _scribble(pixels, mask.numpy(), rng)
    if form == "polygon":
        outline = _outline(pixels)
        enclosed = region_mask(outline, (mask.shape[0], mask.shape[1]))
        return outline if 2 * int((enclosed & mask).sum()) >= int(enclosed.sum()) else None
    if form == "handle":
        return _handle(scene, thing, mask)
    return FreeFormRegion(mask)


def askable(thing: Thing) -> tuple[str, ...]:
    """What can be asked about a thing: facing and state only where it has one.

    >>> askable(Thing("apple", "red", "large", "plain", None, None, x=0.5, depth=0.5))
    ('category', 'colour', 'pattern')
    """
    return tuple(name for name in ASKS if getattr(thing, name))


def differing(scene: Scene, thing: int, other: int) -> tuple[str, ...]:
    """What can be asked about both of two things with different answers."""
    first, second = scene.things[thing], scene.things[other]
    return tuple(
        name for name in askable(first) if getattr(second, name) and getattr(first, name) != getattr(second, name)
    )


def draw_ask(scene: Scene, asked: AskedRegion, rng: np.random.Generator) -> tuple[str, str]:
    """What is asked about a region, and the answer; of twins something that they differ in."""
    thing = scene.things[asked.thing]
    names = askable(thing) if asked.other is None else differing(scene, asked.thing, asked.other)
    weights = np.array([SHARES[name] for name in names])
    name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    return name, getattr(thing, name)


def draw_asks(
    scenes: Sequence[Scene], regions: Sequence[AskedRegion], rng: np.random.Generator
) -> list[tuple[str, str]]:
    """As `draw_ask` for each region, of its scene. A twin right behind its other half is asked the same question.

    So who cannot tell the two apart is right about one of them at most.
    """
    asks: list[tuple[str, str]] = []
    for row, (scene, one) in enumerate(zip(scenes, regions, strict=True)):
        name, answer = draw_ask(scene, one, rng)
        before = regions[row - 1] if row else None
        if before is not None and scenes[row - 1] is scene and (before.other, one.other) == (one.thing, before.thing):
            name = asks[-1][0]
            answer = getattr(scene.things[one.thing], name)
        asks.append((name, answer))
    return asks


def _asked(region: Region, thing: int, form: str, other: int | None, masks: Tensor) -> AskedRegion:
    height, width = masks.shape[1:]
    mask = region_mask(region, (height, width))
    x1, y1, x2, y2 = (int(number) for number in mask_box(mask))
    inside = masks[:, y1:y2, x1:x2].flatten(1).sum(1)
    inside[thing] = 0
    hard = other is not None or bool(inside.max() >= mask.sum())
    return AskedRegion(region, mask, thing, form, other, hard, int(masks[thing].sum()) < SMALL_SHARE * height * width)


def _scribble(pixels: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Region:
    """A stroke of up to three lines that stays on the thing, mostly: no pen is exact."""
    place = pixels[int(rng.integers(len(pixels)))]
    stroke = [place]
    for _ in range(12):
        target = pixels[int(rng.integers(len(pixels)))]
        way = np.linspace(place, target, 8).astype(int)
        if mask[way[:, 0], way[:, 1]].mean() > 0.85:
            stroke.append(target)
            place = target
        if len(stroke) == 4:
            break
    return ScribbleRegion((tuple((float(x), float(y)) for y, x in stroke),), width=2.0)


def _outline(pixels: np.ndarray) -> Region:
    """A rough outline: the farthest pixel in each of ten directions from the middle."""
    middle = pixels.mean(0)
    away = pixels - middle
    sector = np.floor((np.arctan2(away[:, 0], away[:, 1]) + np.pi) / (2 * np.pi) * 10).clip(0, 9)
    corners = []
    for direction in range(10):
        rows = np.flatnonzero(sector == direction)
        if len(rows):
            y, x = pixels[rows[np.hypot(*away[rows].T).argmax()]].tolist()
            corners.append((x, y))
    return PolygonRegion(tuple(corners))


def _handle(scene: Scene, thing: int, mask: Tensor) -> Region | None:
    """What shows of a mug's handle."""
    mug = scene.things[thing]
    if mug.category != "mug":
        return None
    width = mask.shape[1]
    edge = base_of(scene, thing)[0] * width + (HANDLE if mug.facing == "right" else -HANDLE) * unit_of(mug) * width
    centres = torch.arange(width) + 0.5
    part = mask & (centres > edge if mug.facing == "right" else centres < edge)
    return FreeFormRegion(part) if int(part.sum()) >= 4 else None


def question_texts(names: Sequence[str], references: Sequence[object]) -> list[str]:
    """The questions, each with its reference in it.

    >>> question_texts(["colour"], ["[351, 120]"])
    ['What colour is [351, 120]?']
    """
    return [ASKS[name][0].format(reference) for name, reference in zip(names, references, strict=True)]
