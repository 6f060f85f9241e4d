"""Intervals and boxes by themselves: what the predicates measure before any meaning is given to it.

All lengths are pixels, the same along x and y, so that nothing depends on the shape of the picture.
"""

import math

Interval = tuple[float, float]
Box = tuple[float, float, float, float]


def x_of(box: Box) -> Interval:
    """From left to right.

    >>> x_of((1, 2, 3, 4))
    (1, 3)
    """
    return box[0], box[2]


def y_of(box: Box) -> Interval:
    """From top to bottom.

    >>> y_of((1, 2, 3, 4))
    (2, 4)
    """
    return box[1], box[3]


def before(first: Interval, second: Interval) -> float:
    """How clearly `first` comes before `second`, in [-1, 1]: above 0 if it both begins and ends earlier.

    The lesser of the two leads, in lengths of the shorter interval: 1 where `first` ends before `second` begins.
    Where one lies within the other neither comes before. Of two points the earlier comes before by 1.

    Source: Allen 1983: before, meets and overlaps are above 0; during, starts, finishes, equal and their inverses not.

    >>> before((0, 4), (4, 6)), before((0, 4), (1, 5)), before((0, 9), (2, 4)), before((3, 3), (5, 5))
    (1.0, 0.25, -1.0, 1.0)
    """
    lead = min(second[0] - first[0], second[1] - first[1])
    unit = min(first[1] - first[0], second[1] - second[0])
    if lead == 0:
        return 0.0
    return max(-1.0, min(1.0, lead / unit)) if unit > 0 else math.copysign(1.0, lead)


def shared(first: Interval, second: Interval) -> float:
    """The length of what both have in common; negative: the length of the gap between them.

    >>> shared((0, 4), (3, 9)), shared((0, 4), (6, 9))
    (1, -2)
    """
    return min(first[1], second[1]) - max(first[0], second[0])


def meet(first: Interval, second: Interval) -> bool:
    """Whether they share more than an end; a point shares with an interval that it lies inside of, and with itself.

    >>> meet((0, 4), (3, 9)), meet((0, 4), (4, 9)), meet((2, 2), (0, 4)), meet((4, 4), (0, 4)), meet((2, 2), (2, 2))
    (True, False, True, False, True)
    """
    length = shared(first, second)
    if length != 0 or (first[0] < first[1] and second[0] < second[1]):
        return length > 0
    return first == second or max(first[0], second[0]) not in (*_ends(first), *_ends(second))


def gap(a: Box, b: Box) -> float:
    """The distance between the nearest points of two boxes; 0 where they touch or overlap.

    >>> gap((0, 0, 2, 2), (5, 6, 9, 9)), gap((0, 0, 4, 4), (3, 3, 9, 9))
    (5.0, 0.0)
    """
    return math.hypot(max(0.0, -shared(x_of(a), x_of(b))), max(0.0, -shared(y_of(a), y_of(b))))


def within(a: Box, b: Box) -> float:
    """Which part of `a` lies in `b`, in [0, 1]; of a point or a line, whether (or how much of) it does.

    >>> within((0, 0, 4, 4), (2, 0, 9, 9)), within((3, 3, 3, 3), (2, 0, 9, 9)), within((0, 0, 4, 4), (5, 5, 9, 9))
    (0.5, 1.0, 0.0)
    """
    part = 1.0
    for first, second in ((x_of(a), x_of(b)), (y_of(a), y_of(b))):
        length, common = first[1] - first[0], shared(first, second)
        part *= float(common >= 0) if length == 0 else max(0.0, common) / length
    return part


def _ends(interval: Interval) -> Interval | tuple[()]:
    return interval if interval[0] < interval[1] else ()
