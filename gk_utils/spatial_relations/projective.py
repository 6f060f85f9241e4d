"""Left, right, above, below, in front, behind: where a thing is, seen from somewhere.

Two frames of reference. "viewer": the picture's own sides; in front is nearer to whoever looks. "intrinsic": the
landmark's own sides, which needs to know which way it faces: what is on the left of a cat that looks at us is on our
right. A cat that faces left has its left side towards us, so "on its left" is then a matter of depth.

Left and above compare extents, not centres: a is left of b where it begins *and* ends further left, by a tenth of the
narrower one at least. Where one extent lies within the other, neither is left of the other.

"Above" is higher in the picture. On a floor or a counter seen from above, what is farther back is higher in the
picture too, and a box cannot tell the two apart.

Source: Levinson 2003, Space in Language and Cognition, chapter 2 (frames of reference); Allen 1983 (intervals).
Notebook: 10.
"""

from collections.abc import Callable

from gk_utils.errors import check_choice
from gk_utils.spatial_relations.extents import before, x_of, y_of
from gk_utils.spatial_relations.thing import Thing
from gk_utils.spatial_relations.verdict import Verdict, decided, graded, unknown

FRAMES = ("viewer", "intrinsic")
LEAD = 0.1  # of the narrower one: what is further left by less is not left of it
NEARER = 0.05  # of the farther one's distance: what is nearer by less is not in front of it

# What the landmark's own sides are for the viewer, by where the landmark faces.
_TURNED = {
    "away": {"left_of": "left_of", "right_of": "right_of", "in_front_of": "behind", "behind": "in_front_of"},
    "viewer": {"left_of": "right_of", "right_of": "left_of", "in_front_of": "in_front_of", "behind": "behind"},
    "left": {"left_of": "in_front_of", "right_of": "behind", "in_front_of": "left_of", "behind": "right_of"},
    "right": {"left_of": "behind", "right_of": "in_front_of", "in_front_of": "right_of", "behind": "left_of"},
}


def left_of(a: Thing, b: Thing, frame: str = "viewer") -> Verdict:
    """Whether a is left of b: the viewer's left, or b's own.

    >>> mug, plate = (Thing(name, box, (99, 99)) for name, box in (("mug", (0, 0, 4, 4)), ("plate", (2, 0, 9, 4))))
    >>> left_of(mug, plate).truth, left_of(plate, mug).truth, left_of(mug, plate, "intrinsic").reason
    (True, False, 'needs facing: which way does the plate face?')
    """
    return _place("left_of", a, b, frame)


def right_of(a: Thing, b: Thing, frame: str = "viewer") -> Verdict:
    """Whether a is right of b; in the viewer's frame the same as left_of(b, a)."""
    return _place("right_of", a, b, frame)


def above(a: Thing, b: Thing) -> Verdict:
    """Whether a is higher in the picture than b: both its upper and its lower edge are."""
    return decided(graded(before(y_of(a.box), y_of(b.box)), LEAD), "by upper and lower edges")


def below(a: Thing, b: Thing) -> Verdict:
    """Whether a is lower in the picture than b: the same as above(b, a)."""
    return above(b, a)


def in_front_of(a: Thing, b: Thing, frame: str = "viewer") -> Verdict:
    """Whether a is in front of b: nearer to the viewer by a twentieth of b's distance, or on the side that b faces.

    >>> near, far = (Thing("mug", (0, 0, 4, 4), (9, 9), depth=depth) for depth in (1.0, 2.0))
    >>> in_front_of(near, far).truth, in_front_of(Thing("mug", (0, 0, 4, 4), (9, 9)), far).reason
    (True, 'needs depth: of the mug')
    """
    return _place("in_front_of", a, b, frame)


def behind(a: Thing, b: Thing, frame: str = "viewer") -> Verdict:
    """Whether a is behind b; in the viewer's frame the same as in_front_of(b, a)."""
    return _place("behind", a, b, frame)


def viewers_side(relation: str, facing: str) -> str:
    """What a relation to a thing's own sides is for the viewer, for a thing that faces that way.

    >>> viewers_side("left_of", "viewer"), viewers_side("left_of", "left"), viewers_side("in_front_of", "right")
    ('right_of', 'in_front_of', 'right_of')
    """
    check_choice(facing, _TURNED, "facing")
    check_choice(relation, _TURNED[facing], "relation")
    return _TURNED[facing][relation]


def _place(relation: str, a: Thing, b: Thing, frame: str) -> Verdict:
    check_choice(frame, FRAMES, "frame")
    if frame == "intrinsic":
        if b.facing is None:
            return unknown(f"needs facing: which way does the {b.name} face?")
        relation = viewers_side(relation, b.facing)
    return _VIEWERS[relation](a, b)


def _left(a: Thing, b: Thing) -> Verdict:
    return decided(graded(before(x_of(a.box), x_of(b.box)), LEAD), "by left and right edges")


def _nearer(a: Thing, b: Thing) -> Verdict:
    missing = " and ".join(dict.fromkeys(f"the {thing.name}" for thing in (a, b) if thing.depth is None))
    if missing:
        return unknown(f"needs depth: of {missing}")
    return decided(graded((b.depth - a.depth) / max(a.depth, b.depth), NEARER), "by depth")


_VIEWERS: dict[str, Callable[[Thing, Thing], Verdict]] = {
    "left_of": _left,
    "right_of": lambda a, b: _left(b, a),
    "in_front_of": _nearer,
    "behind": lambda a, b: _nearer(b, a),
}
