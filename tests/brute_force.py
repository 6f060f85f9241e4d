"""What a program leaves and what a relation means, said a second time with plain loops, for tests to compare with."""

from gk_utils.countertop.programs import Program
from gk_utils.countertop.scene import Scene


def holds(scene: Scene, index: int, relation: str, other: int) -> bool:
    """Whether a thing is in a relation to another one, from the scene's numbers alone."""
    thing, mark = scene.things[index], scene.things[other]
    if index == other:
        return False
    right, nearer = thing.x - mark.x, thing.depth - mark.depth
    far = (right**2 + (0.45 * nearer) ** 2) ** 0.5  # the counter is 0.45 of the picture's height deep
    return {
        "left of": right <= -0.04,
        "right of": right >= 0.04,
        "in front of": nearer >= 0.09,
        "behind": nearer <= -0.09,
        "near": far <= 0.26,
        "on": thing.support == other and thing.relation == "on",
        "inside": thing.support == other and thing.relation == "inside",
    }[relation]


def find(program: Program, scene: Scene) -> tuple[int, ...]:
    """The things that a program leaves, one step after the other."""
    kept = []
    for index, thing in enumerate(scene.things):
        if program.category is not None and thing.category != program.category:
            continue
        if any(getattr(thing, name) != value for name, value in program.attributes):
            continue
        if program.unlike and getattr(thing, program.unlike[0]) == program.unlike[1]:
            continue
        kept.append(index)
    if program.landmark:
        marks = find(program.landmark, scene)
        related = [index for index in kept if any(holds(scene, index, program.relation, mark) for mark in marks)]
        kept = related if program.holds else [index for index in kept if index not in (*related, *marks)]
    if program.side:
        place = {
            "left": lambda index: scene.things[index].x,
            "right": lambda index: -scene.things[index].x,
            "front": lambda index: -scene.things[index].depth,
            "back": lambda index: scene.things[index].depth,
        }[program.side]
        # The one with exactly rank - 1 others between it and the side; on a tie the lower index comes first.
        kept = [
            index
            for index in kept
            if sum((place(other), other) < (place(index), index) for other in kept) == program.rank - 1
        ]
    return tuple(kept)
