"""Names to ask a detector for in training: bare nouns, and nouns with a colour, a size or a pattern.

A detector that has only ever read lists of bare nouns reads "red mug. cat." as "mug. cat.": adjectives must be in the
lists, and things that the noun fits but the adjective does not.
"""

import numpy as np

from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES, COLOURS, PATTERNS, SIZES

WHOLE_LIST = 0.5  # share of the lists that are every category, bare
BARE = 0.5  # share of the names in the other lists that are a noun alone
SHOWN = 0.7  # share of the looks that are those of a thing in the picture, where it has one of that category
LOOKS = (("colour", COLOURS), ("size", SIZES), ("pattern", PATTERNS))


def draw_names(scene: Scene, rng: np.random.Generator) -> dict[str, tuple[int, ...]]:
    """Different names in any order, each with the indices of the things it fits, which may be none.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> scene = draw_scene(3, n=6, wanted=[{"category": "mug"}] * 2)
    >>> names = draw_names(scene, np.random.default_rng(2))
    >>> all(scene.things[index].category in name for name, fits in names.items() for index in fits)
    True
    """
    order = [CATEGORIES[index] for index in rng.permutation(len(CATEGORIES))]
    if rng.random() < WHOLE_LIST:
        return {category: scene.select(category=category) for category in order}
    names = {}
    for category in order[: int(rng.integers(1, len(order)))]:
        there = scene.select(category=category)
        if rng.random() < BARE:
            names[category] = there
            continue
        for _ in range(int(rng.integers(1, 3))):  # "red mug" and "blue mug" may stand in one list
            look, values = LOOKS[int(rng.integers(len(LOOKS)))]
            value = values[int(rng.integers(len(values)))]
            if there and rng.random() < SHOWN:
                value = getattr(scene.things[there[int(rng.integers(len(there)))]], look)
            names[f"{value} {category}"] = scene.select(category=category, **{look: value})
    return names
