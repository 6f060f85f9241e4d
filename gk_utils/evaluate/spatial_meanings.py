"""What the frozen sentence patterns mean: for each kind, what fills it in a scene, and whether it is true then.

Each meaning is a generator over a `World`: it yields the words for the gaps of a pattern and the truth of the sentence
that comes out. Only what is clear in the scene is yielded.
"""

from collections.abc import Callable, Iterator
from typing import Any

from gk_utils.countertop.naming import number
from gk_utils.countertop.programs import Program, is_clear, named, referents
from gk_utils.countertop.things import CATEGORIES, COLOURS, KINDS
from gk_utils.evaluate.spatial_world import World

Meaning = tuple[dict[str, Any], bool]  # what fills the pattern, and whether the sentence is true then


def _relation(world: World) -> Iterator[Meaning]:
    for a, relation, b, is_so in world.related():
        yield {"a": world.names[a], "b": world.names[b], "rel": relation}, is_so


def _not_relation(world: World) -> Iterator[Meaning]:
    return ((fields, not is_so) for fields, is_so in _relation(world))


def _own_side(world: World) -> Iterator[Meaning]:
    """On its own left: of an animal that faces left, that is the side towards the viewer."""
    for a, relation, b, is_so in world.related():
        facing = world.things[b].facing
        if relation in ("in front of", "behind") and KINDS[world.things[b].category].animal and facing:
            side = facing if relation == "in front of" else {"left": "right", "right": "left"}[facing]
            yield {"a": world.names[a], "b": world.names[b], "side": side}, is_so


def _far(world: World) -> Iterator[Meaning]:
    for a, relation, b, is_so in world.related():
        if relation == "near":
            yield {"a": world.names[a], "b": world.names[b]}, not is_so


def _support(how: str) -> Callable[[World], Iterator[Meaning]]:
    def meaning(world: World) -> Iterator[Meaning]:
        for a, relation, b, is_so in world.related():
            if relation == how:
                yield {"a": world.names[a], "b": world.names[b]}, is_so

    return meaning


def _under(world: World) -> Iterator[Meaning]:
    """True of what carries something; false of the same two the other way round."""
    for fields, is_so in _support("on")(world):
        if is_so:
            yield fields, True
            yield {"a": fields["b"], "b": fields["a"]}, False


def _facing(away: bool) -> Callable[[World], Iterator[Meaning]]:
    def meaning(world: World) -> Iterator[Meaning]:
        for a, relation, b, is_so in world.related():
            thing = world.things[a]
            if relation == "left of" and KINDS[thing.category].animal and world.holds(a, "right of", b) is not None:
                side = "right" if is_so else "left" if world.holds(a, "right of", b) else None
                if side:
                    yield {"a": world.names[a], "b": world.names[b]}, (thing.facing == side) != away

    return meaning


def _facing_side(world: World) -> Iterator[Meaning]:
    for index, name in world.names.items():
        if KINDS[world.things[index].category].animal:
            for side in ("left", "right"):
                yield {"a": name, "side": side}, world.things[index].facing == side


def _parallel(world: World) -> Iterator[Meaning]:
    """Animals here face left or right, so any two of them are parallel."""
    animals = [index for index in world.names if KINDS[world.things[index].category].animal]
    for a in animals:
        for b in animals:
            if a != b:
                yield {"a": world.names[a], "b": world.names[b]}, True


def _between(world: World) -> Iterator[Meaning]:
    """Three things on the counter at about one depth: the middle one is between, an outer one is not."""
    row = [i for i in world.scene.left_to_right(world.names) if world.things[i].support is None]
    for first, middle, last in ((row[i], row[i + 1], row[i + 2]) for i in range(len(row) - 2)):
        depths = [world.things[i].depth for i in (first, middle, last)]
        xs = [world.things[i].x for i in (first, middle, last)]
        if max(depths) - min(depths) < 0.25 and xs[1] - xs[0] > 0.15 and xs[2] - xs[1] > 0.15:
            names = [world.names[i] for i in (first, middle, last)]
            yield {"a": names[1], "b": names[0], "c": names[2]}, True
            yield {"a": names[0], "b": names[1], "c": names[2]}, False


def _counted(compare: Callable[[int, int], bool], least: int = 1) -> Callable[[World], Iterator[Meaning]]:
    """Things of a category, perhaps of a colour, against a number."""

    def meaning(world: World) -> Iterator[Meaning]:
        for category, things in world.groups():
            words: list[tuple[str, int]] = [(category, len(things))]
            words += [(f"{colour} {category}", count) for colour, count in world.colours(category) if count]
            other = world.rng.choice([colour for colour, count in world.colours(category) if not count])
            for text, count in [*words, (f"{other} {category}", 0)]:
                for n in range(max(least, count - 1), count + 2):
                    plural = f"{text}s" if n != 1 else text
                    yield {"n": number(n), "w": text, "W": plural}, compare(count, n)

    return meaning


def _present(world: World, *, plurals: bool = True) -> Iterator[Meaning]:
    for category in CATEGORIES:
        for text, count in [
            (category, len(world.scene.select(category=category))),
            *((f"{colour} {category}", count) for colour, count in world.colours(category)),
        ]:
            yield {"w": text, "W": f"{text}s"}, count > 0


def _absent(world: World) -> Iterator[Meaning]:
    return ((fields, not is_so) for fields, is_so in _present(world))


def _coloured(compare: Callable[[int, int], bool]) -> Callable[[World], Iterator[Meaning]]:
    """How many of the two or more things of a category have a colour, against how many there are."""

    def meaning(world: World) -> Iterator[Meaning]:
        for category, things in world.groups():
            if len(things) >= 2:
                for colour, count in world.colours(category):
                    if count or world.rng.random() < 0.2:
                        yield {"A": f"{category}s", "k": category, "colour": colour}, compare(count, len(things))

    return meaning


def _compared(compare: Callable[[int, int], bool]) -> Callable[[World], Iterator[Meaning]]:
    def meaning(world: World) -> Iterator[Meaning]:
        groups = list(world.groups())
        for first, things in groups:
            for second, others in groups:
                if first != second:
                    yield {"A": f"{first}s", "B": f"{second}s"}, compare(len(things), len(others))

    return meaning


def _same_colour(world: World) -> Iterator[Meaning]:
    for a, b in world.pairs():
        yield {"a": world.names[a], "b": world.names[b]}, world.things[a].colour == world.things[b].colour


def _different_colour(world: World) -> Iterator[Meaning]:
    return ((fields, not is_so) for fields, is_so in _same_colour(world))


def _two_relations(both: bool) -> Callable[[World], Iterator[Meaning]]:
    def meaning(world: World) -> Iterator[Meaning]:
        found = list(world.related())
        for position in world.rng.permutation(len(found))[:40]:
            a, relation, b, is_so = found[position]
            if " with" in world.names[b]:  # "the vase with flowers or in front of the bowl" has two readings
                continue
            for a2, relation2, c, is_so2 in found:
                if a2 == a and c != b and relation2 != relation:
                    fields = {"a": world.names[a], "b": world.names[b], "c": world.names[c]}
                    fields |= {"rel": relation, "rel2": relation2}
                    yield fields, (is_so and is_so2) if both else (is_so or is_so2)

    return meaning


def _groups_related(compare: Callable[[int, int, int], bool]) -> Callable[[World], Iterator[Meaning]]:
    """How many of a category are in a clear relation to one thing, against a number and against how many there are."""

    def meaning(world: World) -> Iterator[Meaning]:
        for category, things in world.groups():
            for b, mark in world.programs.items():
                roots = {world.scene.root(thing) for thing in things}
                if world.things[b].category == category or world.scene.root(b) in roots or len(things) < 2:
                    continue
                for relation in ("left of", "right of", "in front of", "behind"):
                    program = Program(category, relation=relation, landmark=mark)
                    if is_clear(program, world.scene):
                        count, total = len(referents(program, world.scene)), len(named(program, world.scene))
                        for n in range(max(2, count - 1), max(2, count) + 2):
                            fields = {"A": f"{category}s", "k": category, "b": world.names[b], "rel": relation}
                            yield {**fields, "n": number(n)}, compare(count, n, total)

    return meaning


_EXTREMES = {  # words before the noun, and behind it
    "left": (("leftmost",), ("on the far left",)),
    "right": (("rightmost",), ("on the far right",)),
    "front": (("frontmost", "nearest"), ("closest to the viewer",)),
    "back": (("rearmost", "farthest"), ("farthest from the viewer",)),
}


def _extreme_colour(world: World) -> Iterator[Meaning]:
    for category, things in world.groups():
        for side, (before, behind) in _EXTREMES.items():
            program = Program(category, side=side)
            if len(things) >= 2 and is_clear(program, world.scene):
                (index,) = referents(program, world.scene)
                for colour in {world.things[thing].colour for thing in things}:
                    fields = {"k": category, "colour": colour, "far": behind[0]}
                    fields["extreme"] = before[int(world.rng.integers(len(before)))]
                    yield fields, world.things[index].colour == colour


def _ordinal_colour(world: World) -> Iterator[Meaning]:
    for category, things in world.groups():
        for side in ("left", "right"):
            for rank, word in ((2, "second"), (3, "third")):
                program = Program(category, side=side, rank=rank)
                if len(things) >= rank and is_clear(program, world.scene):
                    (index,) = referents(program, world.scene)
                    for colour in {world.things[thing].colour for thing in things}:
                        fields = {"k": category, "ordinal": word, "side": side, "colour": colour}
                        yield fields, world.things[index].colour == colour


def _extreme_kind(world: World) -> Iterator[Meaning]:
    for side, (before, _) in _EXTREMES.items():
        program = Program(None, side=side)
        if is_clear(program, world.scene):
            (index,) = referents(program, world.scene)
            for category in {thing.category for thing in world.things}:
                yield {"k": category, "extreme": before[0]}, world.things[index].category == category


def _colour(world: World) -> Iterator[Meaning]:
    for category, things in world.groups():
        if len(things) == 1:
            own = world.things[things[0]].colour
            for colour in {own, *world.rng.choice(COLOURS, 2)}:
                other = str(world.rng.choice([c for c in COLOURS if c != own])) if colour == own else own
                yield {"kind_only": category, "colour": str(colour), "not_colour": other}, colour == own


MEANINGS: dict[str, Callable[[World], Iterator[Meaning]]] = {
    "relation": _relation,
    "not relation": _not_relation,
    "own side": _own_side,
    "far": _far,
    "contains": _support("inside"),
    "under": _under,
    "facing": _facing(away=False),
    "facing away": _facing(away=True),
    "facing side": _facing_side,
    "parallel": _parallel,
    "between": _between,
    "exists": _present,
    "no": _absent,
    "exactly": _counted(lambda count, n: count == n),
    "at least": _counted(lambda count, n: count >= n),
    "at most": _counted(lambda count, n: count <= n),
    "more than": _counted(lambda count, n: count > n),
    "fewer than": _counted(lambda count, n: count < n, least=2),
    "all colour": _coloured(lambda count, total: count == total),
    "not all colour": _coloured(lambda count, total: count < total),
    "none colour": _coloured(lambda count, total: count == 0),
    "some colour": _coloured(lambda count, total: count > 0),
    "one colour": _coloured(lambda count, total: count == 1),
    "most colour": _coloured(lambda count, total: 2 * count > total),
    "more": _compared(lambda first, second: first > second),
    "fewer": _compared(lambda first, second: first < second),
    "equal": _compared(lambda first, second: first == second),
    "same colour": _same_colour,
    "different colour": _different_colour,
    "both relations": _two_relations(both=True),
    "either relation": _two_relations(both=False),
    "some related": _groups_related(lambda count, n, total: count > 0),
    "none related": _groups_related(lambda count, n, total: count == 0),
    "all related": _groups_related(lambda count, n, total: count == total),
    "number related": _groups_related(lambda count, n, total: count == n),
    "extreme colour": _extreme_colour,
    "ordinal colour": _ordinal_colour,
    "extreme kind": _extreme_kind,
    "colour": _colour,
}
