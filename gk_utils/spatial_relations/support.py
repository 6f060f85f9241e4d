"""On and under: which thing carries which.

A thing is on another where it rests on it: its lower edge borders on the other's mask and both are equally far away.
That needs masks; boxes can only rule it out. What goes into a hollow thing is in it, not on it.

Source: Herskovits 1986, Language and Spatial Cognition (the ideal meaning of "on": support by contact). Notebook: 10.
"""

from gk_utils.spatial_relations.contact import SAME_DEPTH, SLACK, apart, depth_step, resting
from gk_utils.spatial_relations.extents import shared, x_of
from gk_utils.spatial_relations.projective import above
from gk_utils.spatial_relations.thing import Thing
from gk_utils.spatial_relations.topological import RESTS
from gk_utils.spatial_relations.verdict import Verdict, all_of, decided, graded, unknown


def on(a: Thing, b: Thing) -> Verdict:
    """Whether a is on b: it rests on it, or hangs on it as a picture on a wall.

    False where the boxes are apart, where a ends lower than b, where b is hollow, where the depths differ, and where
    less than three tenths of a's lower edge has b beneath it. Without masks nothing else can be decided; with masks but
    without depths, what another thing hides from below counts as on it.

    >>> cup, table = (Thing(name, box, (9, 9)) for name, box in (("cup", (4, 3, 5, 5)), ("table", (1, 5, 9, 9))))
    >>> on(cup, table).reason, on(table, cup).truth
    ('needs masks: does the cup rest on the table?', False)
    """
    no = _ruled_out(a, b)
    if no is not None:
        return no
    if a.mask is None or b.mask is None:
        return unknown(f"needs masks: does the {a.name} rest on the {b.name}?")
    held = resting(a, b)
    return decided(graded(held, RESTS), f"{held:.0%} of the lower edge has the {b.name} beneath it")


def _ruled_out(a: Thing, b: Thing) -> Verdict | None:
    """False where boxes, depths or what b is show that a is not on b; else None."""
    distance, lower, step = apart(a, b), a.box[3] - b.box[3], depth_step(a, b)
    reasons = [
        (distance > 0, distance, "the boxes are apart"),
        (shared(x_of(a.box), x_of(b.box)) < 0, 0.5, f"no part of the {a.name} is over the {b.name}"),
        (lower > SLACK * min(a.diagonal, b.diagonal), lower / max(a.wh[1], 1e-9), f"the {a.name} ends lower"),
        (b.hollow is True, 1.0, f"things go into a {b.name}, not onto it"),
        (abs(step or 0.0) > SAME_DEPTH, abs(step or 0.0), "the depths differ"),
    ]
    return next((Verdict(False, -min(1.0, margin), reason) for fails, margin, reason in reasons if fails), None)


def under(a: Thing, b: Thing) -> Verdict:
    """Whether a is under b: below it in the picture, half of the narrower one's width in common, depths that agree.

    >>> plate, apple = (Thing(name, box, (9, 9)) for name, box in (("plate", (0, 4, 9, 7)), ("apple", (3, 2, 5, 5))))
    >>> under(plate, apple).truth, under(apple, plate).truth
    (True, False)
    """
    narrower = min(a.wh[0], b.wh[0])
    length = shared(x_of(a.box), x_of(b.box))
    common = length / narrower if narrower > 0 else float(length >= 0)
    parts = [above(b, a), decided(graded(common, 0.5), "one over the other")]
    step = depth_step(a, b)
    if step is not None:
        parts.append(decided(graded(-abs(step), -SAME_DEPTH), "by depth"))
    return all_of(parts)
