"""Larger, taller, wider, higher, closer: two things by one measure; and the order of many by that measure.

Sizes are those in the picture (areas and lengths of boxes), as are heights ("higher" compares the middles). One is
larger where its measure exceeds the other's by a tenth; a smaller difference is none.
"""

from collections.abc import Callable, Sequence

from gk_utils.errors import check_choice
from gk_utils.spatial_relations.extents import gap
from gk_utils.spatial_relations.thing import Thing
from gk_utils.spatial_relations.verdict import Verdict, decided, graded, unknown

MORE = 0.1  # of the larger measure
TIE = 0.005  # of the picture's shorter side: places in an order that are closer than this cannot be told apart

# name: (what is measured, 1 where much comes first and -1 where little does)
_SIZES: dict[str, tuple[Callable[[Thing], float], int]] = {
    "larger_than": (lambda thing: thing.wh[0] * thing.wh[1], 1),
    "smaller_than": (lambda thing: thing.wh[0] * thing.wh[1], -1),
    "taller_than": (lambda thing: thing.wh[1], 1),
    "shorter_than": (lambda thing: thing.wh[1], -1),
    "wider_than": (lambda thing: thing.wh[0], 1),
    "narrower_than": (lambda thing: thing.wh[0], -1),
}
COMPARATIVES = (*_SIZES, "higher_than", "lower_than")
_ORDERS: dict[str, Callable[[Thing], float | None]] = {
    "leftmost": lambda thing: thing.place[0],
    "rightmost": lambda thing: -thing.place[0],
    "middle": lambda thing: thing.place[0],
    "topmost": lambda thing: thing.centre[1],
    "bottommost": lambda thing: -thing.centre[1],
    "frontmost": lambda thing: thing.depth,
    "nearest": lambda thing: thing.depth,
    "rearmost": lambda thing: None if thing.depth is None else -thing.depth,
    "farthest": lambda thing: None if thing.depth is None else -thing.depth,
    "largest": lambda thing: -thing.wh[0] * thing.wh[1],
    "smallest": lambda thing: thing.wh[0] * thing.wh[1],
    "tallest": lambda thing: -thing.wh[1],
    "shortest": lambda thing: thing.wh[1],
    "widest": lambda thing: -thing.wh[0],
    "narrowest": lambda thing: thing.wh[0],
}
ORDERS = tuple(_ORDERS)


def compare(relation: str, a: Thing, b: Thing) -> Verdict:
    """Whether a is larger, taller, higher ... than b; `relation` is one of COMPARATIVES.

    >>> mug, plate = Thing("mug", (0, 0, 3, 4), (9, 9)), Thing("plate", (0, 4, 6, 6), (9, 9))
    >>> [compare(name, mug, plate).truth for name in ("larger_than", "taller_than", "wider_than", "higher_than")]
    [False, True, False, True]
    """
    check_choice(relation, COMPARATIVES, "relation")
    if relation in _SIZES:
        measure, sign = _SIZES[relation]
        first, second = measure(a), measure(b)
        most = max(first, second)
        return decided(graded(sign * (first - second) / most if most > 0 else 0.0, MORE), "by size in the picture")
    lead = b.centre[1] - a.centre[1] if relation == "higher_than" else a.centre[1] - b.centre[1]
    unit = min(a.wh[1], b.wh[1])
    ratio = lead / unit if unit > 0 else (lead > 0) - (lead < 0)
    return decided(graded(ratio, MORE), "by the middles of the boxes")


def closer_than(a: Thing, rival: Thing, reference: Thing) -> Verdict:
    """Whether a is closer to `reference` than `rival` is; by the borders, in the picture.

    >>> mug, bowl, plate = (Thing("thing", (x, 0, x + 2, 4), (9, 30)) for x in (0, 20, 5))
    >>> closer_than(mug, bowl, plate).truth, closer_than(bowl, mug, plate).truth
    (True, False)
    """
    own, other = gap(a.box, reference.box), gap(rival.box, reference.box)
    most = max(own, other)
    return decided(graded((other - own) / most if most > 0 else 0.0, MORE), "by distance in the picture")


def closer_to(a: Thing, first: Thing, second: Thing) -> Verdict:
    """Whether a is closer to `first` than to `second`.

    >>> mug, bowl, plate = (Thing("thing", (x, 0, x + 2, 4), (9, 30)) for x in (0, 20, 5))
    >>> closer_to(plate, mug, bowl).truth
    True
    """
    return closer_than(first, second, a)


def in_order(by: str, things: Sequence[Thing], to: Thing | None = None) -> tuple[int, ...] | Verdict:
    """The positions of `things` from the first to the last in an order, or an undecided verdict.

    Args:
        by: one of ORDERS.
        things: any number.
        to: for "nearest" and "farthest": to or from what (by borders, in the picture); None: the viewer, by depth.

    >>> mugs = [Thing("mug", (x, 0, x + 2, 4), (99, 99)) for x in (50, 0, 20)]
    >>> in_order("leftmost", mugs), in_order("nearest", mugs).reason
    ((1, 2, 0), 'needs depth: of every mug')
    """
    check_choice(by, ORDERS, "by")
    if to is not None and by in ("nearest", "farthest"):
        sign = 1 if by == "nearest" else -1
        keys: list[float | None] = [sign * gap(thing.box, to.box) for thing in things]
    else:
        keys = [_ORDERS[by](thing) for thing in things]
    if len(things) > 1 and None in keys:
        return unknown(f"needs depth: of every {things[0].name}")
    return tuple(sorted(range(len(things)), key=lambda position: (keys[position] or 0.0, position)))
