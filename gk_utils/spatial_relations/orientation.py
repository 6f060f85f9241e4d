"""Facing, parallel, perpendicular, aligned, between: relations that boxes alone mostly cannot settle.

A box has no front. Without knowing which way things face, the first four here are undecided, and no detector's box
changes that: it is where every model of the VSR paper was at chance.

Source: Liu, Emerson and Collier 2023, Visual Spatial Reasoning, section 5 (orientation). Notebook: 10.
"""

import math

from gk_utils.spatial_relations.projective import behind, in_front_of
from gk_utils.spatial_relations.thing import Thing
from gk_utils.spatial_relations.verdict import Verdict, decided, graded, opposite, unknown

BETWEEN = 0.2  # minus the cosine of the angle at which the one between sees the other two
ALIGNED = 0.25  # of the smaller height (or width): how far two middles may be apart


def facing(a: Thing, b: Thing) -> Verdict:
    """Whether a faces b: b lies on the side that a's front points to.

    >>> cat, bird = (Thing("cat", (5, 0, 8, 4), (9, 9), facing="left"), Thing("bird", (0, 0, 3, 4), (9, 9)))
    >>> facing(cat, bird).truth, facing(bird, cat).reason
    (True, 'needs facing: which way does the bird face?')
    """
    return in_front_of(b, a, "intrinsic")


def facing_away_from(a: Thing, b: Thing) -> Verdict:
    """Whether b lies on the side that a's back points to."""
    return behind(b, a, "intrinsic")


def parallel_to(a: Thing, b: Thing) -> Verdict:
    """Whether a and b face the same way or opposite ways.

    >>> cat, bird = (Thing("cat", (5, 0, 8, 4), (9, 9), facing=facing) for facing in ("left", "viewer"))
    >>> parallel_to(cat, bird).truth, perpendicular_to(cat, bird).truth
    (False, True)
    """
    missing = " and ".join(dict.fromkeys(f"the {thing.name}" for thing in (a, b) if thing.facing is None))
    if missing:
        return unknown(f"needs facing: which way does {missing} face?")
    return decided(1.0 if (a.facing in ("left", "right")) == (b.facing in ("left", "right")) else -1.0, "by facing")


def perpendicular_to(a: Thing, b: Thing) -> Verdict:
    """Whether one of them faces along the picture and the other across it: the opposite of parallel."""
    return opposite(parallel_to(a, b))


def aligned_with(a: Thing, b: Thing) -> Verdict:
    """Whether the middles of a and b lie in one row or in one column of the picture, up to a quarter of the smaller.

    >>> aligned_with(*(Thing("mug", (x, 0, x + 2, 4), (9, 9)) for x in (0, 6))).truth
    True
    """
    scores = []
    for axis in (0, 1):
        unit, distance = min(a.wh[axis], b.wh[axis]), abs(a.centre[axis] - b.centre[axis])
        scores.append(1 - distance / (ALIGNED * unit) if unit > 0 else 1.0 if distance == 0 else -1.0)
    return decided(max(scores), "by the middles of the boxes")


def between(a: Thing, b: Thing, c: Thing) -> Verdict:
    """Whether a is between b and c: from a's middle, theirs lie in nearly opposite directions.

    The angle there is 180 degrees on the way from one to the other; it has to be above 102 (its cosine below -0.2). So
    a lies within a circle around the way, and of three things at most one is between the others. The order of b and c
    does not matter. What lies on the middle of another thing is not between it and a third.

    >>> plate, mug, bowl = (Thing("thing", (x, 0, x + 2, 4), (9, 20)) for x in (0, 5, 12))
    >>> between(mug, plate, bowl).truth, between(plate, mug, bowl).truth, between(mug, bowl, plate).score
    (True, False, 1.0)
    """
    ways = [(other.centre[0] - a.centre[0], other.centre[1] - a.centre[1]) for other in (b, c)]
    length = math.hypot(*ways[0]) * math.hypot(*ways[1])
    if length == 0:
        return Verdict(False, -1.0, "it is where one of them is")
    cosine = (ways[0][0] * ways[1][0] + ways[0][1] * ways[1][1]) / length
    return decided(graded(-cosine, BETWEEN), f"they lie {math.degrees(math.acos(max(-1, min(1, cosine)))):.0f}° apart")
