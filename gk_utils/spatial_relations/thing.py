"""What a verifier knows of one object: its name, its box, and perhaps its mask, its depth and which way it faces."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from jaxtyping import Bool
from torch import Tensor

from gk_utils.errors import check_choice, check_hw

FACINGS = ("left", "right", "viewer", "away")
_MIRRORED = {"left": "right", "right": "left"}


@dataclass(frozen=True, eq=False)
class Thing:
    """One object in a picture. All but name, box and picture size may be missing, and then less can be decided.

    Attributes:
        name: a noun, singular, lower case: "mug", "fire hydrant".
        box: x1, y1, x2, y2, continuous pixels, around what can be seen of it. A point (no area) is a box too.
        image_hw: height and width of the picture, in pixels.
        attributes: what it is like, aspect to word: {"colour": "red", "state": None}. A missing aspect is not known;
            None says that it has none of that aspect.
        mask: (h w) the pixels that can be seen of it.
        depth: distance from the viewer, above 0, larger is farther; any unit, the same one for a whole picture.
        facing: where its front points, as the viewer says it: "left", "right", "viewer" or "away".
        hollow: whether things go into it (a bowl) rather than onto it (a plate).
        foot: x, y in pixels where it touches what it stands on, where that is known better than from the box.

    Raises:
        ValueError: an empty name; corners that are not finite or in the wrong order; a depth not above 0; another
            facing; a mask of another size than the picture.

    >>> Thing("mug", (10, 20, 30, 50), (100, 200)).centre
    (20.0, 35.0)
    >>> Thing("mug", (30, 20, 10, 50), (100, 200))
    Traceback (most recent call last):
    ...
    ValueError: box: expected x1 <= x2 and y1 <= y2, got [30, 20, 10, 50]. Is it xywh? Add the corner ...
    """

    name: str
    box: tuple[float, float, float, float]
    image_hw: tuple[int, int]
    attributes: Mapping[str, str | None] = field(default_factory=dict)
    mask: Bool[Tensor, "h w"] | None = None
    depth: float | None = None
    facing: str | None = None
    hollow: bool | None = None
    foot: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("name: expected a noun, got an empty text. Call it 'thing' if nothing better is known.")
        check_hw(self.image_hw)
        x1, y1, x2, y2 = self.box
        shown = f"[{', '.join(f'{value:g}' for value in self.box)}]"
        if not all(math.isfinite(value) for value in self.box):
            raise ValueError(f"box: expected finite numbers, got {shown}. Find where it was made.")
        if x1 > x2 or y1 > y2:
            raise ValueError(
                f"box: expected x1 <= x2 and y1 <= y2, got {shown}. Is it xywh? Add the corner to width and height."
            )
        if self.depth is not None and not (math.isfinite(self.depth) and self.depth > 0):
            raise ValueError(f"depth: expected a distance above 0, got {self.depth}. Leave it out where it is unknown.")
        check_choice(self.facing, (None, *FACINGS), "facing")
        if self.mask is not None and tuple(self.mask.shape) != tuple(self.image_hw):
            raise ValueError(
                f"mask: expected {tuple(self.image_hw)} as image_hw says, got {tuple(self.mask.shape)}. Resize it."
            )

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the box, x and y."""
        x1, y1, x2, y2 = self.box
        return (x1 + x2) / 2, (y1 + y2) / 2

    @property
    def place(self) -> tuple[float, float]:
        """Where it stands, x and y: the foot where it is known, else the middle of the lower edge."""
        x1, _, x2, y2 = self.box
        return self.foot or ((x1 + x2) / 2, y2)

    @property
    def wh(self) -> tuple[float, float]:
        """Width and height of the box."""
        x1, y1, x2, y2 = self.box
        return x2 - x1, y2 - y1

    @property
    def diagonal(self) -> float:
        """Length of the box's diagonal, in pixels: how large it is in the picture."""
        return math.hypot(*self.wh)

    def moved(self, dx: float, dy: float) -> "Thing":
        """The same thing dx pixels further right and dy further down; without its mask, which would not fit."""
        x1, y1, x2, y2 = self.box
        foot = self.foot and (self.foot[0] + dx, self.foot[1] + dy)
        return replace(self, box=(x1 + dx, y1 + dy, x2 + dx, y2 + dy), mask=None, foot=foot)

    def mirrored(self) -> "Thing":
        """The same thing in the mirrored picture: left and right change places, in what it faces too."""
        x1, y1, x2, y2 = self.box
        width = self.image_hw[1]
        return replace(
            self,
            box=(width - x2, y1, width - x1, y2),
            mask=None if self.mask is None else self.mask.flip(1),
            facing=_MIRRORED.get(self.facing or "", self.facing),
            foot=self.foot and (width - self.foot[0], self.foot[1]),
        )

    def boxes_only(self) -> "Thing":
        """What is left when nobody knows masks, depths, facings or where things stand."""
        return replace(self, mask=None, depth=None, facing=None, foot=None)
