"""Things on the countertop: the categories and what holds for each, the attributes, and one thing with its place.

Positions are fractions: x in [0, 1] goes along the counter from left to right, depth in [0, 1] from the wall (0) to the
front edge (1). Lengths count in picture sides (1 = the shorter side of the picture). The outline of a thing counts in
local units, the origin where it touches its support and y up; one of them is `unit_of` picture sides long.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gk_utils.errors import check_choice


@dataclass(frozen=True)
class Kind:
    """What holds for every thing of a category; lengths in local units.

    `facing` names the part that shows which way a thing faces ("" where it does not face), `states` the states it may
    be in beside none; `poses` holds half width and height in the states that change them (with the water
    that a kettle pours). A thing with a `top` (height,
    half width) carries the categories in `carries` on it, one with an `opening` (height, half width and half height of
    the ellipse) holds them inside; `room` is how many.
    """

    half_width: float
    height: float
    facing: str = ""
    states: tuple[str, ...] = ()
    animal: bool = False
    top: tuple[float, float] | None = None
    opening: tuple[float, float, float] | None = None
    carries: tuple[str, ...] = ()
    room: int = 0
    poses: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def extent(self, state: str | None) -> tuple[float, float]:
        """Half width and height in this state."""
        return self.poses.get(state or "", (self.half_width, self.height))

    @property
    def floor(self) -> float:
        """Where carried things stand: at the top, or half way up to the opening; 0 where there is neither."""
        if self.top:
            return self.top[0]
        return 0.5 * self.opening[0] if self.opening else 0.0


KINDS: dict[str, Kind] = {
    "mug": Kind(0.59, 0.83, "handle", ("steaming",), opening=(0.735, 0.31, 0.06), carries=("spoon",), room=1),
    "plate": Kind(0.75, 0.39, top=(0.19, 0.55), carries=("apple", "banana", "mug", "candle"), room=2),
    "bowl": Kind(0.60, 0.62, opening=(0.495, 0.545, 0.09), carries=("apple", "banana", "spoon"), room=2),
    "bottle": Kind(0.23, 1.35),
    "kettle": Kind(0.72, 0.99, "spout", ("pouring",), poses={"pouring": (0.95, 1.06)}),
    "toaster": Kind(
        0.67,
        0.75,
        "lever",
        ("toast up",),
        top=(0.70, 0.45),
        carries=("bird",),
        room=1,
        poses={"toast up": (0.67, 1.09)},
    ),
    "apple": Kind(0.31, 0.67, states=("bitten",)),
    "banana": Kind(0.58, 0.52, states=("peeled",), poses={"peeled": (0.52, 0.55)}),
    "book": Kind(
        *(0.65, 0.345),
        states=("open",),
        top=(0.25, 0.50),
        carries=("cat", "mug", "apple", "bird", "bowl", "candle"),
        room=1,
        poses={"open": (0.56, 0.84)},
    ),
    "spoon": Kind(0.56, 0.20, "head"),
    "vase": Kind(0.34, 1.04, states=("with flowers",), poses={"with flowers": (0.40, 1.61)}),
    "candle": Kind(0.27, 0.71, states=("lit",), poses={"lit": (0.27, 0.93)}),
    "cat": Kind(
        0.53,
        1.17,
        "face",
        ("sleeping", "reaching"),
        animal=True,
        poses={"sleeping": (0.53, 0.54), "reaching": (0.64, 1.17)},
    ),
    "bird": Kind(0.48, 0.67, "beak", ("singing",), animal=True),
}
CATEGORIES = tuple(KINDS)
COLOURS = ("red", "orange", "yellow", "green", "blue", "pink", "white", "black")
SIZES = ("small", "large")
PATTERNS = ("plain", "striped", "dotted")
FACINGS = ("left", "right")
ATTRIBUTES = ("category", "colour", "size", "pattern", "facing", "state")

SMALL = 0.70  # a small thing is this much of a large one: smaller even where the large one stands at the wall


@dataclass(frozen=True)
class Thing:
    """One thing: its look, its place, and what it stands on.

    Attributes:
        category: one of CATEGORIES; colour, size, pattern: one of COLOURS, SIZES, PATTERNS.
        facing: the side of the handle, spout, face ... (`KINDS[category].facing`), None where there is no such part.
        state: one of `KINDS[category].states`, or None.
        x, depth: where it stands, in [0, 1]; a thing on or inside another has the depth of that thing.
        scale: 1 is the usual length; crowded scenes have smaller things.
        relation: "on" or "inside" another thing, None on the counter itself.
        support: the index of that other thing, None on the counter itself.

    Raises:
        ValueError: an unknown name, a facing or a state that the category does not have, a place outside [0, 1].
    """

    category: str
    colour: str
    size: str
    pattern: str
    facing: str | None
    state: str | None
    x: float
    depth: float
    scale: float = 1.0
    relation: Literal["on", "inside"] | None = None
    support: int | None = None

    def __post_init__(self) -> None:
        for name, choices in (("category", CATEGORIES), ("colour", COLOURS), ("size", SIZES), ("pattern", PATTERNS)):
            check_choice(getattr(self, name), choices, name)
        kind = KINDS[self.category]
        check_choice(self.facing, FACINGS if kind.facing else (None,), f"facing of the {self.category}")
        check_choice(self.state, (None, *kind.states), f"state of the {self.category}")
        check_choice(self.relation, (None, "on", "inside"), "relation")
        for name in ("x", "depth"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"{name}: expected a number in [0, 1], got {getattr(self, name)}. Divide by the width."
                )
        if not 0 < self.scale <= 2:
            raise ValueError(f"scale: expected a number in (0, 2], got {self.scale}. The usual length is 1.")
        if (self.relation is None) != (self.support is None):
            raise ValueError(
                "support: expected an index with a relation and None without, "
                f"got {self.relation!r} and {self.support}. "
                "Give both, or neither for a thing on the counter."
            )


def unit_of(thing: Thing) -> float:
    """How long one local unit of this thing is, in picture sides: its size, its scale and a mild perspective.

    >>> unit_of(Thing("apple", "red", "large", "plain", None, None, x=0.5, depth=0.75))
    0.2
    """
    return 0.2 * (1.0 if thing.size == "large" else SMALL) * thing.scale * (0.85 + 0.2 * thing.depth)
