"""Inside, outside, overlapping, touching: how two things share space.

A box is not the thing in it. Boxes that do not meet prove that nothing is inside and nothing touches; boxes that do
meet prove nothing: a mug may stand in front of a bowl, behind it, or in it. So from boxes alone these predicates say
"no" or "cannot be decided", and `overlaps`, which is about the extents themselves, is the exception.

Source: Randell, Cui and Cohn 1992 (the region connection calculus); Coventry and Garrod 2004, Saying, Seeing and
Acting, chapter 4 ("in" is about containers: what they hold need not lie within their outline). Notebook: 10.
"""

from gk_utils.spatial_relations.contact import SAME_DEPTH, apart, bordering, depth_step, resting
from gk_utils.spatial_relations.extents import gap, meet, shared, within, x_of, y_of
from gk_utils.spatial_relations.thing import Thing
from gk_utils.spatial_relations.verdict import Verdict, decided, graded, opposite, unknown

CONTAINED = 0.9  # of a box that lies within another
RESTS = 0.3  # of a lower edge that has the other thing right beneath it


def overlaps(a: Thing, b: Thing) -> Verdict:
    """Whether the two extents (boxes) share more than their border; a point overlaps the box that it lies inside of.

    >>> overlaps(*(Thing("mug", box, (9, 9)) for box in ((0, 0, 4, 4), (4, 0, 8, 4)))).truth
    False
    """
    if meet(x_of(a.box), x_of(b.box)) and meet(y_of(a.box), y_of(b.box)):
        return Verdict(True, max(within(a.box, b.box), within(b.box, a.box)), "the boxes share area")
    unit, distance = min(a.diagonal, b.diagonal), gap(a.box, b.box)
    return Verdict(False, -min(1.0, distance / unit if unit > 0 else float(distance > 0)) + 0.0, "the boxes are apart")


def inside(a: Thing, b: Thing) -> Verdict:
    """Whether a is inside b: held by it, or enclosed by it.

    False where the boxes share nothing, where b lies within a as much as a within b, where the depths differ, and where
    b is known not to be hollow. True where the depths agree and either b is hollow and a rests in it (masks), or nine
    tenths of a's box lie within b's. Undecided otherwise.

    >>> apple, bowl = (Thing(name, box, (9, 9)) for name, box in (("apple", (2, 2, 4, 4)), ("bowl", (0, 0, 9, 9))))
    >>> inside(apple, bowl).reason
    'needs depth: the apple may be in the bowl, in front of it or behind it'
    """
    no = _ruled_out(a, b)
    if no is not None:
        return no
    part = within(a.box, b.box)
    if depth_step(a, b) is None:
        return unknown(f"needs depth: the {a.name} may be in the {b.name}, in front of it or behind it")
    if part >= CONTAINED:
        return Verdict(True, part, f"{part:.0%} of the box, at the same depth")
    if a.mask is None or b.mask is None:
        return unknown(f"needs masks: {part:.0%} of the {a.name} lies within the box of the {b.name}")
    held = resting(a, b)
    if held >= RESTS and b.hollow is None:
        return unknown(f"needs to know whether a {b.name} is hollow: the {a.name} rests on it or in it")
    return decided(graded(held, RESTS), f"{held:.0%} of the lower edge has the {b.name} beneath it")


def _ruled_out(a: Thing, b: Thing) -> Verdict | None:
    """False where boxes, depths or what b is show that a is not inside b; else None."""
    met = overlaps(a, b)
    if not met.truth:
        return met
    other, step = within(b.box, a.box), depth_step(a, b)
    reasons = [
        (other >= within(a.box, b.box), other, f"the {b.name} lies within the {a.name} as much"),
        (b.hollow is False, 1.0, f"a {b.name} has no inside"),
        (abs(step or 0.0) > SAME_DEPTH, abs(step or 0.0), "the depths differ"),
    ]
    return next((Verdict(False, -min(1.0, margin), reason) for fails, margin, reason in reasons if fails), None)


def contains(a: Thing, b: Thing) -> Verdict:
    """Whether b is inside a."""
    return inside(b, a)


def outside(a: Thing, b: Thing) -> Verdict:
    """Whether a is not inside b."""
    return opposite(inside(a, b))


def touching(a: Thing, b: Thing) -> Verdict:
    """Whether a and b touch: their masks border on each other, and their depths, where known, agree.

    Without depths, a thing that hides a part of another counts as touching it.

    >>> touching(*(Thing("mug", box, (9, 9)) for box in ((0, 0, 4, 4), (4, 0, 8, 4)))).reason
    'needs masks: the boxes meet, the things may not'
    """
    distance = apart(a, b)
    if distance > 0:
        return Verdict(False, -min(1.0, distance), "the boxes are apart")
    step = depth_step(a, b)
    if step is not None and abs(step) > SAME_DEPTH:
        return Verdict(False, -min(1.0, abs(step)), "the depths differ")
    if a.mask is None or b.mask is None:
        return unknown("needs masks: the boxes meet, the things may not")
    return Verdict(True, 1.0, "the masks border") if bordering(a, b) else decided(-0.5, "the masks are apart")


def share_a_height(a: Thing, b: Thing) -> float:
    """Which part of the lower one's height both have in common, -1 (far above each other) to 1.

    >>> share_a_height(*(Thing("mug", (0, y, 4, y + 4), (50, 50)) for y in (0, 1)))
    0.75
    """
    unit = min(a.wh[1], b.wh[1])
    length = shared(y_of(a.box), y_of(b.box))
    return max(-1.0, min(1.0, length / unit)) if unit > 0 else float(meet(y_of(a.box), y_of(b.box)))
