"""Every relation of the lexicon by name: which predicate decides it, and what it says where none can.

Relations without a predicate are undecided, with the lexicon's reason; those that need contact (wearing, holding,
attached to) are at least false where the boxes are apart.
"""

from collections.abc import Callable, Sequence

from gk_utils.errors import check_choice
from gk_utils.spatial_relations import projective
from gk_utils.spatial_relations.comparative import COMPARATIVES, closer_than, closer_to, compare
from gk_utils.spatial_relations.contact import apart, bordering
from gk_utils.spatial_relations.extents import within
from gk_utils.spatial_relations.lexicon import RELATIONS
from gk_utils.spatial_relations.orientation import (
    aligned_with,
    between,
    facing,
    facing_away_from,
    parallel_to,
    perpendicular_to,
)
from gk_utils.spatial_relations.picture_places import PLACES, in_picture
from gk_utils.spatial_relations.projective import above, below, in_front_of
from gk_utils.spatial_relations.proximity import far_from, near, next_to
from gk_utils.spatial_relations.support import on, under
from gk_utils.spatial_relations.thing import Thing
from gk_utils.spatial_relations.topological import contains, inside, outside, overlaps, touching
from gk_utils.spatial_relations.verdict import Verdict, all_of, decided, graded, unknown

EDGE = 0.25  # of a thing's width and height: how wide its edge is, where something may be "at the edge of" it
FRAMED = ("left_of", "right_of", "in_front_of", "behind")  # the relations that depend on the frame of reference
FACING_SIDES = {f"facing_{side}": side for side in ("left", "right", "viewer", "away")}
CONTACT = (  # relations that more than boxes decide, but that need contact
    *("attached_to", "connected_to", "covering", "covered_by", "part_of", "has_part"),
    *("holding", "held_by", "carrying", "wearing", "riding", "eating"),
)


def holds(relation: str, things: Sequence[Thing], frame: str = "viewer") -> Verdict:
    """Whether things[0] stands in a relation of the lexicon to the others.

    Args:
        relation: a name of `lexicon.RELATIONS`.
        things: the subject, then as many landmarks as the relation has.
        frame: "viewer" or "intrinsic", for the relations in FRAMED.

    Raises:
        ValueError: an unknown relation, another number of things, an unknown frame.

    >>> mug, plate = (Thing(name, box, (9, 9)) for name, box in (("mug", (0, 0, 4, 4)), ("plate", (5, 0, 9, 4))))
    >>> holds("left_of", [mug, plate]).truth, holds("wearing", [mug, plate]).truth
    (True, False)
    >>> print(holds("into", [mug, plate]))
    unknown: into: a still picture shows no movement
    """
    check_choice(relation, RELATIONS, "relation")
    wanted = RELATIONS[relation].landmarks + 1
    if len(things) != wanted:
        raise ValueError(f"things: expected {wanted} for {relation}, got {len(things)}. Name the subject first.")
    if relation in FRAMED:
        return getattr(projective, relation)(*things, frame)
    if relation in _PREDICATES:
        return _PREDICATES[relation](*things)
    if relation in CONTACT and (distance := apart(*things)) > 0:
        return Verdict(False, -min(1.0, distance), "the boxes are apart")
    reason = RELATIONS[relation].reason or f"needs {RELATIONS[relation].needs}"
    return unknown(f"{relation.replace('_', ' ')}: {reason}")


def in_middle_of(a: Thing, b: Thing) -> Verdict:
    """Whether a's middle lies in the middle third of b's box, along both axes."""
    return decided(min(1 - 6 * abs(part - 0.5) for part in _inner_place(a, b)), "by the middle of its box")


def at_edge_of(a: Thing, b: Thing) -> Verdict:
    """Whether a's middle lies in b's box, at most a quarter of the width or height from its border."""
    nearest = min(min(part, 1 - part) for part in _inner_place(a, b))
    return decided(_in_strip(nearest), "by the middle of its box")


def at_corner_of(a: Thing, b: Thing) -> Verdict:
    """Whether a's middle lies in b's box, at most a quarter of the width and height from a corner."""
    scores = [_in_strip(min(part, 1 - part)) for part in _inner_place(a, b)]
    return decided(min(scores), "by the middle of its box")


def _in_strip(depth: float) -> float:
    """1 at the border itself, 0 at the strip's inner edge, below 0 farther in and outside."""
    return 1 - depth / EDGE if depth >= 0 else max(-1.0, depth / EDGE)


def surrounded_by(a: Thing, b: Thing) -> Verdict:
    """Whether nine tenths of a's box lie within b's, and a is the smaller one."""
    part = within(a.box, b.box)
    smaller = part - within(b.box, a.box)
    return all_of([decided(graded(part, 0.9), f"{part:.0%} of the box"), decided(smaller, "the smaller one")])


def occluding(a: Thing, b: Thing) -> Verdict:
    """Whether a hides a part of b: nearer to the viewer, and the masks border on each other."""
    distance = apart(a, b)
    if distance > 0:
        return Verdict(False, -min(1.0, distance), "the boxes are apart")
    nearer = in_front_of(a, b)
    if nearer.truth is False or (a.mask is not None and b.mask is not None and bordering(a, b)):
        return nearer
    if a.mask is None or b.mask is None:
        return unknown("needs masks: the boxes meet, the things may not")
    return decided(-0.5, "the masks are apart")


def _opposite(a: Thing, b: Thing) -> Verdict:
    return all_of([facing(a, b), facing(b, a)])


def _inner_place(a: Thing, b: Thing) -> list[float]:
    """Where a's middle lies in b's box: 0 to 1 along x and along y, beyond that outside."""
    origin, sides = b.box[:2], b.wh
    return [
        (a.centre[axis] - origin[axis]) / sides[axis] if sides[axis] > 0 else float(a.centre[axis] != origin[axis]) * 2
        for axis in (0, 1)
    ]


def _turned(side: str) -> Callable[[Thing], Verdict]:
    def faces(thing: Thing) -> Verdict:
        if thing.facing is None:
            return unknown(f"needs facing: which way does the {thing.name} face?")
        return decided(1.0 if thing.facing == side else -1.0, "by facing")

    return faces


def _compared(name: str) -> Callable[[Thing, Thing], Verdict]:
    return lambda a, b: compare(name, a, b)


def _placed(name: str) -> Callable[[Thing], Verdict]:
    return lambda thing: in_picture(name, thing)


_PREDICATES: dict[str, Callable[..., Verdict]] = {
    "above": above,
    "below": below,
    "over": lambda a, b: under(b, a),
    "under": under,
    "on": on,
    "on_top_of": on,
    "supports": lambda a, b: on(b, a),
    "beyond": projective.behind,
    "nearer_than": projective.in_front_of,
    "farther_than": projective.behind,
    "ahead_of": lambda a, b: projective.in_front_of(a, b, "intrinsic"),
    "at_back_of": lambda a, b: projective.behind(a, b, "intrinsic"),
    "inside": inside,
    "contains": contains,
    "outside": outside,
    "overlaps": overlaps,
    "touching": touching,
    "against": touching,
    "near": near,
    "among": near,
    "far_from": far_from,
    "away_from": far_from,
    "next_to": next_to,
    "beside": next_to,
    "in_middle_of": in_middle_of,
    "at_edge_of": at_edge_of,
    "at_corner_of": at_corner_of,
    "surrounded_by": surrounded_by,
    "surrounding": lambda a, b: surrounded_by(b, a),
    "occluding": occluding,
    "occluded_by": lambda a, b: occluding(b, a),
    "facing": facing,
    "facing_away_from": facing_away_from,
    "parallel_to": parallel_to,
    "perpendicular_to": perpendicular_to,
    "aligned_with": aligned_with,
    "opposite": _opposite,
    "between": between,
    "closer_than": lambda a, reference, rival: closer_than(a, rival, reference),
    "closer_than_to": closer_to,
    **{name: _compared(name) for name in COMPARATIVES},
    **{name: _placed(name) for name in PLACES},
    **{name: _turned(side) for name, side in FACING_SIDES.items()},
}
