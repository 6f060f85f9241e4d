"""On the left, at the top, in the middle, in the corner: where a thing is in its picture, without a landmark.

By the middle of its box. The left is the left half, less a strip of a twentieth of the width at the middle; the centre
is the middle third along both axes; a corner is a third of the width and of the height.
"""

from collections.abc import Callable, Sequence

from gk_utils.errors import check_choice
from gk_utils.spatial_relations.thing import Thing
from gk_utils.spatial_relations.verdict import Verdict, all_of, any_of, decided, graded, unknown

STRIP = 0.1  # of half the side


def _side(axis: int, sign: int, least: float = STRIP) -> Callable[[Thing], Verdict]:
    def place(thing: Thing) -> Verdict:
        half = thing.image_hw[1 - axis] / 2
        return decided(graded(sign * (thing.centre[axis] - half) / half, least), "by the middle of its box")

    return place


def _centre(thing: Thing) -> Verdict:
    scores = [1 - abs(thing.centre[axis] / thing.image_hw[1 - axis] - 0.5) * 6 for axis in (0, 1)]
    return decided(min(scores), "by the middle of its box")


def _corner(x: int, y: int, least: float) -> Callable[[Thing], Verdict]:
    return lambda thing: all_of([_side(0, x, least)(thing), _side(1, y, least)(thing)])


def _any_corner(thing: Thing) -> Verdict:
    return any_of(_corner(x, y, 1 / 3)(thing) for x in (-1, 1) for y in (-1, 1))


def _distance(thing: Thing) -> Verdict:
    return unknown(f"needs depth: how far from the viewer is the {thing.name}, for this picture?")


_PLACES: dict[str, Callable[[Thing], Verdict]] = {
    "at_left": _side(0, -1),
    "at_right": _side(0, 1),
    "at_top": _side(1, -1),
    "at_bottom": _side(1, 1),
    "in_centre": _centre,
    "in_corner": _any_corner,
    "at_top_left": _corner(-1, -1, STRIP),
    "at_top_right": _corner(1, -1, STRIP),
    "at_bottom_left": _corner(-1, 1, STRIP),
    "at_bottom_right": _corner(1, 1, STRIP),
    "in_foreground": _distance,
    "in_background": _distance,
}
PLACES = tuple(_PLACES)


def in_picture(place: str, thing: Thing) -> Verdict:
    """Whether a thing is at that place of its picture; `place` is one of PLACES.

    >>> mug = Thing("mug", (0, 0, 20, 20), (60, 100))
    >>> in_picture("at_left", mug).truth, in_picture("in_corner", mug).truth, in_picture("in_centre", mug).truth
    (True, True, False)
    """
    check_choice(place, PLACES, "place")
    return _PLACES[place](thing)


def in_depth(place: str, thing: Thing, things: Sequence[Thing]) -> Verdict:
    """Whether a thing is "in_foreground" or "in_background": nearer or farther than half way through all `things`.

    >>> mugs = [Thing("mug", (0, 0, 20, 20), (60, 100), depth=depth) for depth in (1.0, 1.2, 2.0)]
    >>> [in_depth("in_foreground", mug, mugs).truth for mug in mugs]
    [True, True, False]
    """
    check_choice(place, ("in_foreground", "in_background"), "place")
    depths = [other.depth for other in things]
    if None in depths:
        return unknown("needs depth: of every thing")
    low, high = min(depths), max(depths)
    part = (thing.depth - low) / (high - low) if high > low else 0.5
    return decided(1 - 2 * part if place == "in_foreground" else 2 * part - 1, "by depth, among the things")
