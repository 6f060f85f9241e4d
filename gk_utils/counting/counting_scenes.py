"""Scenes to count in: 1 to 120 things of one category on the counter, with others among them.

What makes counting hard can be set one at a time: how large the things are, how many others stand among them, how much
of a thing may be hidden, whether they look alike, and whether a category has a usual number (`priors`). The size of the
things is drawn by itself, so it tells little about their number.

A countertop scene holds 100 things. One with more is painted in two layers, the far things first and the near ones over
them; the renderer itself is not changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gk_utils.boxes import boxes_from_masks
from gk_utils.countertop.placement import BACK, FRONT, GROUND, MARGIN
from gk_utils.countertop.render import Rendered, render
from gk_utils.countertop.scene import COUNTERS, MAX_THINGS, WALLS, Scene
from gk_utils.countertop.things import CATEGORIES, COLOURS, FACINGS, KINDS, PATTERNS, SIZES, SMALL, Thing, unit_of
from gk_utils.errors import check_choice

MOST = 120  # things of the counted category
MOST_OTHERS = 40
UNSEEN = ("banana", "bird", "book", "candle")  # never shown to the exemplar counters in training
SEEN = tuple(category for category in CATEGORIES if category not in UNSEEN)
THREES = {"apple": 3}  # the prior of the training scenes: apples come in threes
SEVENS = {"apple": 7}  # and of the test that shows what it did
TRIES = 40
SHRINK = 0.93


@dataclass(frozen=True)
class CountingScene:
    """A scene and what is to be counted in it.

    Attributes:
        layers: countertop scenes of one wall and counter, from back to front: one, or two beyond 100 things.
        category: what is to be counted; the scene may hold other categories.
        seed: it was drawn from.
    """

    layers: tuple[Scene, ...]
    category: str
    seed: int = 0

    @property
    def things(self) -> tuple[Thing, ...]:
        """All things, in the order of the masks and boxes that `render_counting` gives."""
        return tuple(thing for layer in self.layers for thing in layer.things)

    def count(self, category: str | None = None) -> int:
        """How many things of a category there are; of the one that is to be counted, if None."""
        return len(self.select(category))

    def select(self, category: str | None = None) -> tuple[int, ...]:
        """The indices of the things of a category among `things`, ascending."""
        wanted = self.category if category is None else category
        check_choice(wanted, CATEGORIES, "category")
        return tuple(index for index, thing in enumerate(self.things) if thing.category == wanted)

    def __len__(self) -> int:
        return sum(len(layer) for layer in self.layers)


def draw_counting_scene(
    seed: int,
    *,
    n: int | None = None,
    category: str | None = None,
    categories: Sequence[str] = CATEGORIES,
    clutter: float | None = None,
    size: float | None = None,
    overlap: float | None = None,
    alike: bool | None = None,
    priors: Mapping[str, int] | None = None,
) -> CountingScene:
    """Draw the scene of this seed; the same seed and arguments give the same scene everywhere.

    Args:
        seed: 0 or more.
        n: how many things are to be counted, 1 to 120. None draws it: small numbers as often as large ones (uniform in
            the logarithm), or the usual number of the category.
        category: what is to be counted; None draws one of `categories`.
        categories: what the counted things and the others are drawn from.
        clutter: things of other categories for each counted one, 0 to 2, at most 40 of them; None draws none in a third
            of the scenes, else up to 1, and at least one.
        size: of the things, 1 as large as they fit, down to 0.3; None draws 0.6 to 1.
        overlap: how much of a thing those before it may hide, 0 to 0.7, measured on bounding rectangles; None draws 0
            to 0.4.
        alike: the counted things share colour, pattern and size; None draws it, half of the scenes.
        priors: usual numbers of some categories, {"apple": 3}: how many there are if one of them is counted and n is
            None. Such a category is never among the others.

    Raises:
        ValueError: a number out of range, an unknown category, or none.

    >>> scene = draw_counting_scene(4, n=12, category="apple", clutter=0.5)
    >>> scene.count(), len(scene), draw_counting_scene(4, category="apple", priors=THREES).count()
    (12, 18, 3)
    """
    _check_range("n", n, 1, MOST)
    for name, value, low, high in (
        *(("clutter", clutter, 0, 2), ("size", size, 0.3, 1)),
        ("overlap", overlap, 0, 0.7),
    ):
        _check_range(name, value, low, high)
    if not categories:
        raise ValueError("categories: expected at least one, got none. Leave it out for all of them.")
    for one in (*categories, *(priors or {}), *([category] if category else [])):
        check_choice(one, CATEGORIES, "category")
    rng = np.random.default_rng([seed, 20])
    chance = rng.random(8)
    wall, counter = WALLS[int(chance[0] * len(WALLS))], COUNTERS[int(chance[1] * len(COUNTERS))]
    category = category or categories[int(rng.integers(len(categories)))]
    drawn = round(float(np.exp(chance[2] * np.log(MOST))))
    n = n or (priors or {}).get(category, drawn)
    if clutter is None:
        clutter = 0.0 if chance[3] < 1 / 3 else max(chance[4], 0.7 / n)
    size = 0.6 + 0.4 * chance[5] if size is None else size
    overlap = 0.4 * chance[6] if overlap is None else overlap
    alike = bool(chance[7] < 0.5) if alike is None else alike
    rest = [one for one in categories if one != category and one not in (priors or {})]
    others = min(round(clutter * n), MOST_OTHERS) if rest else 0
    looks = _counted(rng, n, category, alike) + _others(rng, others, rest)
    looks = [looks[index] for index in rng.permutation(len(looks))]
    scale = _scale_that_fits(looks, overlap)
    while (things := _place(rng, looks, scale, overlap)) is None:
        scale *= SHRINK
    if size < 1:
        things = _place(rng, looks, scale * size, overlap) or things
    things.sort(key=lambda thing: thing.depth)
    layers = [things[start : start + MAX_THINGS] for start in range(0, len(things), MAX_THINGS)]
    return CountingScene(tuple(Scene(tuple(layer), seed, wall, counter) for layer in layers), category, seed)


def render_counting(
    scenes: Sequence[CountingScene], image_hw: tuple[int, int] = (128, 128), device: str | torch.device = "cpu"
) -> Rendered:
    """Paint scenes as `countertop.render.render` does; the things are in the order of `CountingScene.things`.

    Raises:
        ValueError: image_hw that is not two positive whole numbers.

    >>> scenes = [draw_counting_scene(0, n=3, clutter=0), draw_counting_scene(1, n=110, clutter=0)]
    >>> render_counting(scenes, (64, 64)).exists.sum(1).tolist()
    [3, 110]
    """
    far = render([scene.layers[0] for scene in scenes], image_hw, device)
    layered = [index for index, scene in enumerate(scenes) if len(scene.layers) > 1]
    if not layered:
        return far
    fronts = [scenes[index].layers[1] for index in layered]
    near = render(fronts, image_hw, device)
    bare = render([Scene((), front.seed, front.wall, front.counter) for front in fronts], image_hw, device)
    width = MAX_THINGS + near.masks.shape[1]  # the far layer of a scene with two is full
    masks, full = (_widened(planes, width) for planes in (far.masks, far.masks_full))
    order, images = torch.full((len(scenes), width), -1, device=far.order.device), far.images.clone()
    order[:, : far.order.shape[1]] = far.order
    for place, index in enumerate(layered):
        touched = (near.images[place] - bare.images[place]).abs().amax(0) > 1e-4
        images[index] = torch.where(touched, near.images[place], images[index])
        masks[index] &= ~near.masks[place].any(0)
        masks[index, MAX_THINGS:] = near.masks[place]
        full[index, MAX_THINGS:] = near.masks_full[place]
        ranks = near.order[place]
        order[index, MAX_THINGS:] = torch.where(ranks < 0, ranks, ranks + MAX_THINGS)
    boxes, boxes_full = (
        boxes_from_masks(planes.flatten(0, 1)).unflatten(0, planes.shape[:2]) for planes in (masks, full)
    )
    return Rendered(images, masks, full, boxes, boxes_full, order, order >= 0)


def _widened(planes: Tensor, width: int) -> Tensor:
    wide = planes.new_zeros(len(planes), width, *planes.shape[2:])
    wide[:, : planes.shape[1]] = planes
    return wide


def _check_range(name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise ValueError(f"{name}: expected {low} to {high}, got {value}. Leave it out to have it drawn.")


def _counted(rng: np.random.Generator, n: int, category: str, alike: bool) -> list[Thing]:
    first = _look(rng, category)
    looks = [first if alike else _look(rng, category) for _ in range(n)]
    facings = rng.integers(2, size=n).tolist()
    facing = KINDS[category].facing
    return [
        Thing(category, look.colour, look.size, look.pattern, FACINGS[side] if facing else None, look.state, 0.5, 0.5)
        for look, side in zip(looks, facings, strict=True)
    ]


def _others(rng: np.random.Generator, n: int, categories: Sequence[str]) -> list[Thing]:
    """Things of one to three other categories."""
    if not n:
        return []
    chosen = rng.permutation(len(categories))[: int(rng.integers(1, 4))]
    return [_look(rng, categories[chosen[int(rng.integers(len(chosen)))]]) for _ in range(n)]


def _look(rng: np.random.Generator, category: str) -> Thing:
    kind, chance = KINDS[category], rng.random(5)
    return Thing(
        category,
        COLOURS[int(chance[0] * len(COLOURS))],
        SIZES[int(chance[1] * len(SIZES))],
        "plain" if chance[2] < 0.5 else PATTERNS[1 + int(chance[3] * (len(PATTERNS) - 1))],
        FACINGS[int(chance[4] * 2)] if kind.facing else None,
        None,
        0.5,
        0.5,
    )


def _scale_that_fits(looks: Sequence[Thing], overlap: float) -> float:
    """About the largest scale at which these things find places: what their rectangles and their grounds may cover."""
    sides = [(KINDS[look.category], 0.2 if look.size == "large" else 0.2 * SMALL) for look in looks]
    upright = sum(2 * kind.half_width * kind.height * side**2 for kind, side in sides) / (FRONT - BACK)
    ground = sum(2 * GROUND * (kind.half_width * side) ** 2 for kind, side in sides) / (FRONT - BACK)
    return min(1.4, ((0.46 + 1.3 * overlap) / upright) ** 0.5, ((0.25 + 0.35 * overlap) / ground) ** 0.5)


def _place(rng: np.random.Generator, looks: Sequence[Thing], scale: float, overlap: float) -> list[Thing] | None:
    """Give each thing a place: the first of TRIES that is free. None when one finds none."""
    n = len(looks)
    scales = np.round(scale * rng.uniform(0.94, 1.06, n), 4)
    xs, ys, half_widths, heights, hidden = (np.zeros(n) for _ in range(5))
    places = rng.random((n, 2, TRIES))
    depths = np.round(places[:, 0], 4)
    things = []
    for i, look in enumerate(looks):
        kind = KINDS[look.category]
        thing = {**vars(look), "scale": float(scales[i])}
        middle = unit_of(Thing(**thing))
        half, high = (length * middle * (0.85 + 0.2 * depths[i]) / 0.95 for length in kind.extent(look.state))
        low = half + MARGIN
        x, y = np.round(low + np.clip(1 - 2 * low, 0, None) * places[i, 1], 4), BACK + (FRONT - BACK) * depths[i]
        inside = (2 * low < 1) & (y - high > MARGIN)
        across = np.minimum((x + half)[:, None], (xs + half_widths)[:i]) - np.maximum(
            (x - half)[:, None], (xs - half_widths)[:i]
        )
        apart = np.abs(y[:, None] - ys[:i])
        shared = ((across > 0) & (apart < 0.5 * GROUND * (half[:, None] + half_widths[:i]))).any(1)
        upright = np.minimum(y[:, None], ys[:i]) - np.maximum((y - high)[:, None], (ys - heights)[:i])
        common = np.clip(across, 0, None) * np.clip(upright, 0, None)
        behind = y[:, None] < ys[:i]
        covered = (common * behind).sum(1) / (2 * half * high)
        covers = np.where(behind, 0, common / np.maximum(2 * half_widths * heights, 1e-9)[:i])
        too_much = (hidden[:i] + covers > overlap + 1e-9).any(1) & (covers > 0).any(1)
        free = np.flatnonzero(inside & ~shared & (covered <= overlap) & ~too_much)
        if not len(free):
            return None
        k = free[0]
        xs[i], ys[i], half_widths[i], heights[i], hidden[i] = x[k], y[k], half[k], high[k], covered[k]
        hidden[:i] += covers[k]
        things.append(Thing(**{**thing, "x": float(x[k]), "depth": float(depths[i, k])}))
    return things
