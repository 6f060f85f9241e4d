"""Near, far, next to: how far apart two things are for their size.

Distances run between borders, in pixels along both axes, and count in lengths of the smaller thing (the diagonal of
its box): a cup is near the table at its side, and a picture-sized box is not near everything. Near in the picture may
be far in space; where both depths are known, they have to be close too. Far from is the opposite of near: of two
things one of the two holds, never both, never neither.

Source: Hernandez, Clementini and Di Felice 1995 (distances that are relative to size). Notebook: 10.
"""

from gk_utils.spatial_relations.contact import depth_step
from gk_utils.spatial_relations.extents import gap, shared, x_of
from gk_utils.spatial_relations.support import on
from gk_utils.spatial_relations.thing import Thing
from gk_utils.spatial_relations.topological import inside, share_a_height
from gk_utils.spatial_relations.verdict import Verdict, all_of, decided, graded, opposite

NEAR = 0.5  # smaller diagonals between the borders
DEEP = 0.25  # of the farther one's distance: things that differ by more are not near each other


def near(a: Thing, b: Thing) -> Verdict:
    """Whether a and b are near each other: at most half of the smaller one's size between their borders.

    >>> mug, kettle = (Thing("mug", (0, 0, 3, 4), (50, 50)), Thing("kettle", (5, 0, 17, 16), (50, 50)))
    >>> near(mug, kettle).truth, near(mug, kettle.moved(1, 0)).truth
    (True, False)
    """
    return _close(a, b, NEAR)


def far_from(a: Thing, b: Thing) -> Verdict:
    """Whether a and b are not near each other."""
    return opposite(near(a, b))


def next_to(a: Thing, b: Thing) -> Verdict:
    """Whether a and b are side by side: near, at one height, neither on nor in the other.

    At one height: they share half of the lower one's height. Side by side: at most half of the narrower one's width.

    >>> mug, other = (Thing("mug", (x, 0, x + 3, 4), (50, 50)) for x in (0, 5))
    >>> next_to(mug, other).truth, next_to(mug, other.moved(-5, 4)).truth
    (True, False)
    """
    narrower = min(a.wh[0], b.wh[0])
    common = shared(x_of(a.box), x_of(b.box)) / narrower if narrower > 0 else -1.0
    return all_of(
        [
            _close(a, b, NEAR),
            decided(graded(share_a_height(a, b), 0.5), "at one height"),
            decided(graded(-common, -0.5), "side by side"),
            *(opposite(holds(*pair)) for pair in ((a, b), (b, a)) for holds in (on, inside) if _carry(*pair)),
        ]
    )


def _carry(a: Thing, b: Thing) -> bool:
    """Whether masks and depths are there, so that one can be found to be on or in the other."""
    return None not in (a.mask, b.mask, a.depth, b.depth)


def _close(a: Thing, b: Thing, limit: float) -> Verdict:
    unit, distance = min(a.diagonal, b.diagonal), gap(a.box, b.box)
    lengths = distance / unit if unit > 0 else float("inf") * distance if distance > 0 else 0.0
    verdict = decided((limit - lengths) / limit, f"{lengths:.2f} sizes apart")
    step = depth_step(a, b)
    if step is None:
        return verdict
    return all_of([verdict, decided((DEEP - abs(step)) / DEEP, f"depths differ by {abs(step):.0%}")])
