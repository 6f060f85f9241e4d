"""Things in one picture, and which of their relations are known beforehand."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gk_utils.spatial_relations.predicates import holds
from gk_utils.spatial_relations.projective import viewers_side
from gk_utils.spatial_relations.thing import Thing
from gk_utils.spatial_relations.verdict import Verdict

GIVEN = "given with the scene"
_OWN_SIDES = {"facing": "in_front_of", "facing_away_from": "behind"}  # on which side of the subject the landmark is


@dataclass(frozen=True, eq=False)
class Arrangement:
    """What a statement is held against: a list of things (two may have one name), and perhaps a scene graph.

    What is not in the list is not there.

    Attributes:
        things: of one picture; a statement's evidence counts them from 0.
        known: relation to the pairs (subject, landmark) of which it is known to hold. Of a relation that is in
            `known`, no other pair is in it; one that is not in it is decided by its predicate.

    Raises:
        ValueError: things of pictures of different sizes.

    >>> mugs = [Thing("mug", (x, 0, x + 4, 4), (9, 99)) for x in (0, 30)]
    >>> print(Arrangement(mugs).relate("left_of", 0, 1))
    true (+1.00): by left and right edges
    >>> print(Arrangement(mugs, {"on": {(1, 0)}}).relate("on", 1, 0))
    true (+1.00): given with the scene
    """

    things: Sequence[Thing]
    known: Mapping[str, Collection[tuple[int, int]]] = field(default_factory=dict)
    _found: dict[tuple, Verdict] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        sizes = {tuple(thing.image_hw) for thing in self.things}
        if len(sizes) > 1:
            raise ValueError(f"things: expected all of one picture, got sizes {sorted(sizes)}. Keep pictures apart.")

    def __len__(self) -> int:
        return len(self.things)

    def relate(self, relation: str, *indices: int, frame: str = "viewer") -> Verdict:
        """Whether the first of these things stands in a relation to the others; `predicates.holds` with a memory."""
        key = (relation, indices, frame)
        if key not in self._found:
            self._found[key] = self._relate(relation, indices, frame)
        return self._found[key]

    def without_graph(self) -> "Arrangement":
        """The same things, without the relations that were given."""
        return Arrangement(self.things)

    def boxes_only(self) -> "Arrangement":
        """What is left of it when only names, attributes and boxes are known."""
        return Arrangement([thing.boxes_only() for thing in self.things])

    def with_things(self, things: Sequence[Thing]) -> "Arrangement":
        """Other things in the places of these, with the same graph."""
        return replace(self, things=things, _found={})

    def _relate(self, relation: str, indices: tuple[int, ...], frame: str) -> Verdict:
        if relation in _OWN_SIDES:
            return self.relate(_OWN_SIDES[relation], indices[1], indices[0], frame="intrinsic")
        if frame == "intrinsic" and (facing := self.things[indices[1]].facing) is not None:
            return self.relate(viewers_side(relation, facing), *indices)
        if relation in self.known and len(indices) == 2 and frame == "viewer":
            is_so = indices in self.known[relation]
            return Verdict(is_so, 1.0 if is_so else -1.0, GIVEN)
        return holds(relation, [self.things[index] for index in indices], frame)
