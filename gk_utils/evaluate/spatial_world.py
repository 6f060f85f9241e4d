"""A countertop scene as the frozen spatial statements see it: names for its things, and what is clear about them."""

from collections.abc import Iterator

import numpy as np

from gk_utils.countertop.naming import name_things, noun
from gk_utils.countertop.programs import Program, is_clear, referents
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES, COLOURS, KINDS


class World:
    """A scene with names for its things, and the facts in it that nobody would argue about.

    Attributes:
        scene, things, rng: the scene, its things, and where chance comes from.
        programs: what fits each thing and no other, by looks alone; a thing that cannot be named so is left out.
        names: the same in words, without article.
    """

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        self.scene, self.rng, self.things = scene, rng, scene.things
        names = name_things(scene, rng)
        self.programs = {things[0]: name for things, name in names.items() if name.side is None}
        self.names = {index: noun(name, rng) for index, name in self.programs.items()}

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Every two named things, both ways."""
        return ((a, b) for a in self.names for b in self.names if a != b)

    def holds(self, a: int, relation: str, b: int) -> bool | None:
        """Whether it is so; None where it is close, or where nobody would say it."""
        stacked = self.scene.root(a) == self.scene.root(b)
        kind = KINDS[self.things[b].category]
        if relation in ("on", "inside"):
            able = (kind.top if relation == "on" else kind.opening) is not None
            if not able or self.things[a].category not in kind.carries:
                return None
            return self.things[a].support == b
        program = Program(self.programs[a].category, self.programs[a].attributes)
        asked = Program(program.category, program.attributes, relation=relation, landmark=self.programs[b])
        if stacked or not is_clear(asked, self.scene):
            return None
        return a in referents(asked, self.scene)

    def related(self) -> Iterator[tuple[int, str, int, bool]]:
        """Every clear relation between named things."""
        for a, b in self.pairs():
            for relation in ("left of", "right of", "in front of", "behind", "near", "on", "inside"):
                is_so = self.holds(a, relation, b)
                if is_so is not None:
                    yield a, relation, b, is_so

    def groups(self) -> Iterator[tuple[str, list[int]]]:
        """Every category that is there, with its things."""
        for category in CATEGORIES:
            found = list(self.scene.select(category=category))
            if found:
                yield category, found

    def colours(self, category: str) -> Iterator[tuple[str, int]]:
        """Every colour, with how many of a category have it."""
        for colour in COLOURS:
            yield colour, len(self.scene.select(category=category, colour=colour))
