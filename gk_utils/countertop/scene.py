"""Scenes of the countertop: which things there are, what they look like, and where they stand.

A scene is plain data: one seed gives the same scene on every machine, and `render` paints it at any size on any device.
`things` says what the numbers of a thing mean.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from gk_utils.countertop.placement import BACK, FRONT, place_things
from gk_utils.countertop.things import (
    ATTRIBUTES,
    CATEGORIES,
    COLOURS,
    FACINGS,
    KINDS,
    PATTERNS,
    SIZES,
    Thing,
    unit_of,
)
from gk_utils.errors import check_choice

WALLS = ("cream", "mist", "sage", "blush", "sky", "sand")
COUNTERS = ("oak", "walnut", "slate", "marble", "birch", "teal")
MAX_THINGS = 100


@dataclass(frozen=True)
class Scene:
    """Things on one counter. What a thing stands on comes before it, so supports never go in a circle.

    Raises:
        ValueError: a support that does not come before, or that cannot carry the thing that way.
    """

    things: tuple[Thing, ...]
    seed: int = 0
    wall: str = "cream"
    counter: str = "oak"

    def __post_init__(self) -> None:
        check_choice(self.wall, WALLS, "wall")
        check_choice(self.counter, COUNTERS, "counter")
        if len(self.things) > MAX_THINGS:
            raise ValueError(f"things: expected at most {MAX_THINGS}, got {len(self.things)}. Draw several scenes.")
        for index, thing in enumerate(self.things):
            if thing.support is None:
                continue
            if not 0 <= thing.support < index:
                raise ValueError(
                    f"things: expected a support before thing {index}, got {thing.support}. List what carries first."
                )
            below = KINDS[self.things[thing.support].category]
            if (below.top if thing.relation == "on" else below.opening) is None:
                raise ValueError(
                    f"things: expected thing {index} {thing.relation} something that allows it, "
                    f"got a {self.things[thing.support].category}. See `top` and `opening` in KINDS."
                )

    def __len__(self) -> int:
        return len(self.things)

    def select(self, **attributes: str | None) -> tuple[int, ...]:
        """The indices of the things with these attributes, ascending: `scene.select(category="mug", colour="red")`."""
        for name in attributes:
            check_choice(name, ATTRIBUTES, "attribute")
        return tuple(
            index
            for index, thing in enumerate(self.things)
            if all(getattr(thing, name) == value for name, value in attributes.items())
        )

    def left_to_right(self, indices: Iterable[int] | None = None) -> tuple[int, ...]:
        """These indices (all by default) in the order of x; the one with the lower index first on a tie."""
        return tuple(sorted(self._chosen(indices), key=lambda index: (self.things[index].x, index)))

    def near_to_far(self, indices: Iterable[int] | None = None) -> tuple[int, ...]:
        """These indices (all by default), the nearest to the viewer first; the lower index first on a tie."""
        return tuple(sorted(self._chosen(indices), key=lambda index: (-self.things[index].depth, index)))

    def on(self, index: int) -> tuple[int, ...]:
        """The things that stand directly on thing `index`."""
        return self._carried(index, "on")

    def inside(self, index: int) -> tuple[int, ...]:
        """The things directly inside thing `index`."""
        return self._carried(index, "inside")

    def on_counter(self) -> tuple[int, ...]:
        """The things that stand on the counter itself."""
        return tuple(index for index, thing in enumerate(self.things) if thing.support is None)

    def root(self, index: int) -> int:
        """The thing on the counter that carries thing `index`, through however many between; itself if none does."""
        while (below := self.things[index].support) is not None:
            index = below
        return index

    def paint_order(self) -> tuple[int, ...]:
        """All indices from back to front: what comes later hides what came before, and stands on it or before it."""
        return tuple(
            sorted(range(len(self)), key=lambda index: (self.things[self.root(index)].depth, self.root(index), index))
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `from_dict` reads it back."""
        return {
            "seed": self.seed,
            "wall": self.wall,
            "counter": self.counter,
            "things": [asdict(thing) for thing in self.things],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Scene":
        """The scene that `to_dict` wrote.

        Raises:
            ValueError: a key too many or too few, or a thing that cannot be; the message names the thing.
        """
        _check_keys(data, {field.name for field in fields(cls)}, "scene")
        things = []
        for index, entry in enumerate(data["things"]):
            _check_keys(entry, {field.name for field in fields(Thing)}, f"things[{index}]")
            things.append(Thing(**entry))
        return cls(tuple(things), data["seed"], data["wall"], data["counter"])

    def _chosen(self, indices: Iterable[int] | None) -> Iterable[int]:
        return range(len(self)) if indices is None else indices

    def _carried(self, index: int, relation: str) -> tuple[int, ...]:
        return tuple(
            above for above, thing in enumerate(self.things) if thing.support == index and thing.relation == relation
        )


def height_of_support(scene: Scene, index: int) -> float:
    """How far above the counter thing `index` stands, in picture sides: 0 for a thing on the counter.

    >>> plate = Thing("plate", "white", "large", "plain", None, None, x=0.5, depth=0.75)
    >>> apple = Thing("apple", "red", "small", "plain", None, None, 0.5, 0.75, relation="on", support=0)
    >>> round(height_of_support(Scene((plate, apple)), 1), 4)
    0.038
    """
    thing = scene.things[index]
    if thing.support is None:
        return 0.0
    below = scene.things[thing.support]
    return height_of_support(scene, thing.support) + KINDS[below.category].floor * unit_of(below)


def base_of(scene: Scene, index: int) -> tuple[float, float]:
    """Where thing `index` touches its support: x as a fraction of the width, y of the height (from the top).

    y holds for a square picture; in another one, what carries the thing lifts it by a part of the shorter side.

    >>> base_of(Scene((Thing("apple", "red", "large", "plain", None, None, x=0.5, depth=0.5),)), 0)
    (0.5, 0.725)
    """
    thing = scene.things[index]
    return thing.x, round(BACK + (FRONT - BACK) * thing.depth - height_of_support(scene, index), 6)


def draw_scene(
    seed: int,
    *,
    n: int | None = None,
    wanted: Sequence[Mapping[str, str | None]] = (),
    categories: Sequence[str] = CATEGORIES,
    colours: Sequence[str] = COLOURS,
) -> Scene:
    """Draw the scene of this seed: plausible, without two things in one place, with look-alikes on purpose.

    Args:
        seed: 0 or more; the same seed and arguments give the same scene everywhere.
        n: how many things, 0 to 100; None draws 3 to 9. More than 9 become smaller.
        wanted: things that must be among them, each by some attributes: `[{"category": "mug", "colour": "red"}] * 3`.
        categories: what the others are drawn from; give fewer for a count of "how many apples".
        colours: the same for colours.

    Raises:
        ValueError: n out of range, more wanted things than n, or an unknown attribute or value.

    >>> scene = draw_scene(7, n=5, wanted=[{"category": "mug", "colour": "red"}])
    >>> len(scene), len(scene.select(category="mug", colour="red")) >= 1
    (5, True)
    """
    for name, values, known in (("categories", categories, CATEGORIES), ("colours", colours, COLOURS)):
        if not values:
            raise ValueError(f"{name}: expected at least one, got none. Leave it out for all of them.")
        for value in values:
            check_choice(value, known, name)
    for entry in wanted:
        for name in entry:
            check_choice(name, ATTRIBUTES, "wanted")
    rng = np.random.default_rng(seed)
    drawn = int(rng.integers(3, 10))
    n = max(drawn, len(wanted)) if n is None else n
    if not len(wanted) <= n <= MAX_THINGS:
        raise ValueError(
            f"n: expected {len(wanted)} (the things wanted) to {MAX_THINGS}, got {n}. Want fewer, or ask for more."
        )
    wall, counter = str(rng.choice(WALLS)), str(rng.choice(COUNTERS))
    looks = _draw_looks(rng, n, wanted, tuple(categories), tuple(colours))
    scale = min(1.4, (14 / max(n, 1)) ** 0.5)
    while (things := place_things(rng, looks, scale)) is None:
        scale *= 0.93
    return Scene(things, seed, wall, counter)


def draw_scenes(seeds: Iterable[int], **options: Any) -> list[Scene]:
    """`draw_scene` for each seed, with the same options.

    >>> [len(scene) for scene in draw_scenes(range(3), n=4)]
    [4, 4, 4]
    """
    return [draw_scene(seed, **options) for seed in seeds]


def _draw_looks(
    rng: np.random.Generator,
    n: int,
    wanted: Sequence[Mapping[str, str | None]],
    categories: tuple[str, ...],
    colours: tuple[str, ...],
) -> list[Thing]:
    """Things without a place. A third repeats an earlier category, a third an earlier colour: look-alikes."""
    entries: list[Mapping[str, str | None]] = [{} for _ in range(n - len(wanted))] + list(wanted)
    looks: list[Thing] = []
    for position in rng.permutation(n):
        fixed = entries[position]
        chance = rng.random(4)
        category, colour = _one(rng, categories), _one(rng, colours)
        if looks:
            other = looks[int(rng.integers(len(looks)))]
            fits = [name for name in KINDS[other.category].carries if name in categories]
            if chance[0] < 0.30:
                category = other.category if other.category in categories else category
            elif chance[0] < 0.60 and fits:
                category = _one(rng, fits)
            if chance[1] < 0.35:
                other = looks[int(rng.integers(len(looks)))]
                colour = other.colour if other.colour in colours else colour
        category = fixed.get("category") or category
        check_choice(category, CATEGORIES, "wanted category")
        kind = KINDS[category]
        facing, state = _one(rng, FACINGS), _one(rng, kind.states) if kind.states else None
        look = {
            "category": category,
            "colour": colour,
            "size": _one(rng, SIZES),
            "pattern": "plain" if chance[2] < 0.5 else _one(rng, PATTERNS[1:]),
            "facing": facing if kind.facing else None,
            "state": state if chance[3] < 0.4 else None,
        }
        looks.append(Thing(**{**look, **fixed, "x": 0.5, "depth": 0.5}))
    return looks


def _one(rng: np.random.Generator, values: Sequence[str]) -> str:
    return values[int(rng.integers(len(values)))]


def _check_keys(data: Mapping[str, Any], expected: set[str], name: str) -> None:
    if set(data) != expected:
        raise ValueError(
            f"{name}: expected the keys {sorted(expected)}, got {sorted(data)}. Was it written by to_dict?"
        )
