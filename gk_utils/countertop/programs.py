"""Programs: what an expression means, as steps over a scene that leave exactly the things it refers to.

A program keeps the things of a category, then those with some attributes, without one, in a relation to a landmark
(which another program finds), and at last picks one by its rank from a side. Left and right, in front and behind are
the viewer's: x grows to the right, depth towards the viewer.

A relation is a number held against a limit, and numbers come close to limits. `is_clear` says whether a person who
looks at the picture would agree with every such decision.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from gk_utils.countertop.placement import BACK, FRONT
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import ATTRIBUTES, CATEGORIES
from gk_utils.errors import check_choice

SIDES = ("left", "right", "front", "back")
STEP = {"left": 0.035, "right": 0.035, "front": 0.08, "back": 0.08}  # from one thing to the next, to tell their order


def _right(scene: Scene, thing: int, landmark: int) -> float:
    return scene.things[thing].x - scene.things[landmark].x


def _nearer(scene: Scene, thing: int, landmark: int) -> float:
    return scene.things[thing].depth - scene.things[landmark].depth


def _apart(scene: Scene, thing: int, landmark: int) -> float:
    return math.hypot(_right(scene, thing, landmark), (FRONT - BACK) * _nearer(scene, thing, landmark))


# relation: (what is measured, the least it must be, how far from that it must stay to be clear)
_MEASURES: dict[str, tuple[Callable[[Scene, int, int], float], float, float]] = {
    "left of": (lambda *places: -_right(*places), 0.04, 0.025),
    "right of": (_right, 0.04, 0.025),
    "in front of": (_nearer, 0.09, 0.05),
    "behind": (lambda *places: -_nearer(*places), 0.09, 0.05),
    "near": (lambda *places: -_apart(*places), -0.26, 0.03),
    "on": (lambda scene, *pair: float(_stands(scene, *pair, "on")), 0.5, 0.0),
    "inside": (lambda scene, *pair: float(_stands(scene, *pair, "inside")), 0.5, 0.0),
}
RELATIONS = tuple(_MEASURES)


@dataclass(frozen=True)
class Program:
    """Steps that leave the referents; each step that is None or empty is left out.

    Attributes:
        category: keep the things of this category; None keeps all.
        attributes: then those that have all these, as (name, value): `(("colour", "red"), ("size", "large"))`.
        unlike: then those that do not have this one: `("colour", "blue")`.
        relation, landmark: then those in this relation to a thing that `landmark` finds; no thing is its own landmark.
        holds: False keeps those that are not in that relation, instead.
        side, rank: then the one with this rank, counted from this side, 1 the outermost; none if there are fewer.

    Raises:
        ValueError: an unknown category, attribute, relation or side; a relation without a landmark, or the reverse.

    >>> toaster = Program("toaster")
    >>> print(Program("mug", (("colour", "red"),), relation="near", landmark=toaster))
    all things > mug > colour is red > near [all things > toaster]
    """

    category: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    unlike: tuple[str, str] | None = None
    relation: str | None = None
    landmark: "Program | None" = None
    holds: bool = True
    side: str | None = None
    rank: int = 1

    def __post_init__(self) -> None:
        check_choice(self.category, (None, *CATEGORIES), "category")
        for name, _ in (*self.attributes, *([self.unlike] if self.unlike else [])):
            check_choice(name, ATTRIBUTES, "attribute")
        check_choice(self.relation, (None, *RELATIONS), "relation")
        check_choice(self.side, (None, *SIDES), "side")
        if (self.relation is None) != (self.landmark is None):
            raise ValueError(
                f"landmark: expected one with a relation and none without, got {self.landmark} with {self.relation!r}. "
                "Give both or neither."
            )
        if self.rank < 1:
            raise ValueError(f"rank: expected 1 or more, got {self.rank}. 1 is the outermost.")

    def __str__(self) -> str:
        steps = ["all things", *([self.category] if self.category else [])]
        steps += [f"{name} is {value}" for name, value in self.attributes]
        if self.unlike:
            steps.append(f"{self.unlike[0]} is not {self.unlike[1]}")
        if self.relation:
            steps.append(f"{'' if self.holds else 'not '}{self.relation} [{self.landmark}]")
        if self.side:
            steps.append(f"number {self.rank} from the {self.side}")
        return " > ".join(steps)


def referents(program: Program, scene: Scene) -> tuple[int, ...]:
    """The indices of the things that a program leaves, ascending.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> scene = draw_scene(4, n=6, wanted=[{"category": "mug"}] * 2)
    >>> mugs, leftmost = referents(Program("mug"), scene), referents(Program("mug", side="left"), scene)
    >>> leftmost[0] == min(mugs, key=lambda index: scene.things[index].x)
    True
    """
    kept = _before_the_pick(program, scene)
    if program.side is None:
        return kept
    order = _from_side(scene, kept, program.side)
    return order[program.rank - 1 : program.rank]


def named(program: Program, scene: Scene) -> tuple[int, ...]:
    """The things that the category and the attributes leave, before any relation and any pick; ascending.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> scene = draw_scene(4, n=6, wanted=[{"category": "mug"}] * 2)
    >>> named(Program("mug", side="left"), scene) == scene.select(category="mug")
    True
    """
    things, kept = scene.things, range(len(scene.things))
    if program.category is not None:
        kept = [index for index in kept if things[index].category == program.category]
    for name, value in program.attributes:
        kept = [index for index in kept if getattr(things[index], name) == value]
    if program.unlike is not None:
        name, value = program.unlike
        kept = [index for index in kept if getattr(things[index], name) != value]
    return tuple(kept)


def is_clear(program: Program, scene: Scene) -> bool:
    """Whether no decision of the program is a close one: every relation and every rank can be seen.

    >>> from gk_utils.countertop.things import Thing
    >>> def apples(*xs):
    ...     return Scene(tuple(Thing("apple", "red", "large", "plain", None, None, x=x, depth=0.5) for x in xs))
    >>> leftmost = Program("apple", side="left")
    >>> is_clear(leftmost, apples(0.2, 0.8)), is_clear(leftmost, apples(0.50, 0.51))
    (True, False)
    """
    if program.landmark is not None:
        if not is_clear(program.landmark, scene):
            return False
        measure, least, slack = _MEASURES[program.relation]
        others = named(program, scene)
        for landmark in referents(program.landmark, scene):
            if any(other != landmark and abs(measure(scene, other, landmark) - least) < slack for other in others):
                return False
    if program.side is None:
        return True
    order = _from_side(scene, _before_the_pick(program, scene), program.side)
    places = [_place(scene, index, program.side) for index in order]
    # Everything up to the picked one must be in a visible order, and the picked one before the next.
    steps = [after - before for before, after in pairwise(places[: program.rank + 1])]
    return all(step >= STEP[program.side] for step in steps)


def relation_holds(scene: Scene, thing: int, relation: str, landmark: int) -> bool:
    """Whether thing `thing` is in this relation to thing `landmark`; never to itself.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> scene = draw_scene(3, n=4)
    >>> relation_holds(scene, 0, "left of", 1) and relation_holds(scene, 1, "left of", 0)
    False
    """
    check_choice(relation, RELATIONS, "relation")
    measure, least, _ = _MEASURES[relation]
    return thing != landmark and measure(scene, thing, landmark) >= least


def _before_the_pick(program: Program, scene: Scene) -> tuple[int, ...]:
    kept = named(program, scene)
    if program.landmark is None:
        return kept
    landmarks = referents(program.landmark, scene)
    related = {
        index: any(relation_holds(scene, index, program.relation, landmark) for landmark in landmarks)
        for index in kept
        if program.holds or index not in landmarks
    }
    return tuple(index for index, is_related in related.items() if is_related == program.holds)


def _from_side(scene: Scene, indices: tuple[int, ...], side: str) -> tuple[int, ...]:
    return tuple(sorted(indices, key=lambda index: (_place(scene, index, side), index)))


def _place(scene: Scene, index: int, side: str) -> float:
    """How far a thing is from this side of the counter."""
    thing = scene.things[index]
    return {"left": thing.x, "right": -thing.x, "front": -thing.depth, "back": thing.depth}[side]


def _stands(scene: Scene, thing: int, landmark: int, how: str) -> bool:
    return scene.things[thing].support == landmark and scene.things[thing].relation == how
