"""True sentences about countertops, each with a false twin in which one fact is altered, for lesson 09.

The twins differ in a word or two, so that nothing but the picture tells which of them is true.

Notebook: 09.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from jaxtyping import Float

from gk_utils.boxes import box_areas
from gk_utils.countertop.naming import number, with_article
from gk_utils.countertop.programs import relation_holds
from gk_utils.countertop.render import Rendered, render
from gk_utils.countertop.scene import Scene, draw_scenes
from gk_utils.countertop.things import CATEGORIES, COLOURS
from gk_utils.grounded_sam import Grounded
from gk_utils.grounded_sam.verification import verify_caption

KINDS = ("there", "number", "colour", "side", "depth")
CONTRADICTED, SUPPORTED, UNCHECKED = "contradicted", "supported", "cannot be checked"
TOGETHER = 8  # scenes rendered at once
SEEN = 0.5  # share of each thing that must be visible: nobody can count what is hidden


@dataclass(frozen=True)
class ClaimPair:
    """A true sentence and its altered twin about one scene.

    Attributes:
        scene: the number of the scene.
        kind: what was altered, one of KINDS.
        true, altered: the two sentences.
        nouns: what a detector is asked for, to check either of them.
    """

    scene: int
    kind: str
    true: str
    altered: str
    nouns: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Claims:
    """Pairs of sentences about s countertops in full view; `pair.scene` is the number of the picture.

    Attributes:
        pairs: the sentences.
        images: RGB in [0, 1].
    """

    pairs: tuple[ClaimPair, ...]
    images: Float[torch.Tensor, "s 3 h w"]

    def after(self, scene: int) -> int:
        """The picture that follows, the first after the last: what a control looks at."""
        return (scene + 1) % len(self.images)

    @property
    def asked(self) -> list[list[str]]:
        """What to look for in each picture, to check its own sentences and those of the picture before."""
        last = len(self.images) - 1
        return [nouns_of(self.pairs, row) + nouns_of(self.pairs, row - 1 if row else last) for row in range(last + 1)]


def draw_claims(n: int, side: int = 256, start: int = 30_000) -> Claims:
    """The first n countertops of five things from seed `start` on that are in full view, with their pairs.

    >>> claims = draw_claims(2, side=64)
    >>> len(claims.images), {pair.scene for pair in claims.pairs} == {0, 1}
    (2, True)
    """
    rng, pairs, images, seed = np.random.default_rng(0), [], [], start
    while len(images) < n:
        scenes = draw_scenes(range(seed, seed + TOGETHER), n=5)
        rendered = render(scenes, (side, side))
        for row, scene in enumerate(scenes):
            if len(images) < n and in_full_view(scene, rendered, row):
                pairs += draw_pairs(scene, rendered.boxes[row], rng, len(images))
                images.append(rendered.images[row])
        seed += TOGETHER
    return Claims(tuple(pairs), torch.stack(images))


def in_full_view(scene: Scene, rendered: Rendered, row: int) -> bool:
    """Whether every thing of a scene, row `row` of what was rendered, shows at least half of itself.

    >>> from gk_utils.countertop.render import render
    >>> from gk_utils.countertop.scene import draw_scene
    >>> scene = draw_scene(7, n=1)
    >>> in_full_view(scene, render([scene], (64, 64)), 0)
    True
    """
    seen, whole = (masks[row, : len(scene)].sum((1, 2)) for masks in (rendered.masks, rendered.masks_full))
    return bool((seen >= SEEN * whole).all()) and bool((seen > 0).all())


def draw_pairs(
    scene: Scene, boxes: Float[torch.Tensor, "n 4"], rng: np.random.Generator, number_of_scene: int = 0
) -> list[ClaimPair]:
    """One pair of each kind, as far as the scene has what it takes; `boxes` are the true ones of its things.

    there: a category that is there, or one that is not. number: so many of a category, or one more or fewer. colour:
    of a category that is there once. side: left or right of another one, the boxes apart. depth: in front or behind.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> scene = draw_scene(829, n=4, wanted=[{"category": "mug", "colour": "red"}, {"category": "cat"}] * 2)
    >>> boxes = torch.tensor([[0.0, 0, 9, 9]]).repeat(4, 1)
    >>> [pair.altered for pair in draw_pairs(scene, boxes, np.random.default_rng(0)) if pair.kind == "number"]
    ['There are three mugs.']
    """
    categories = [thing.category for thing in scene.things]
    present = sorted(set(categories))
    missing = [category for category in CATEGORIES if category not in present]
    once = [i for i, category in enumerate(categories) if categories.count(category) == 1]
    found: list[tuple[str, str, str, tuple[str, ...]]] = []

    here, other = _one(rng, present), _one(rng, missing)
    found.append(("there", *(f"There is {with_article(noun)}." for noun in (here, other)), (here, other)))
    here = _one(rng, present)
    many = categories.count(here)
    wrong = many + 1 if many == 1 or rng.random() < 0.5 else many - 1
    found.append(("number", _counted(many, here), _counted(wrong, here), (here,)))
    if once:
        thing = scene.things[_one(rng, once)]
        colour = _one(rng, [name for name in COLOURS if name != thing.colour])
        texts = (f"The {thing.category} is {name}." for name in (thing.colour, colour))
        found.append(("colour", *texts, (thing.category,)))
    apart = [pair for pair in combinations(once, 2) if _apart(*boxes[list(pair)].tolist())]
    if apart:
        first, second = rng.permutation(_one(rng, apart)).tolist()
        sides = ("left", "right") if boxes[first, 0] < boxes[second, 0] else ("right", "left")
        nouns = (categories[first], categories[second])
        texts = (f"The {nouns[0]} is to the {side} of the {nouns[1]}." for side in sides)
        found.append(("side", *texts, nouns))
    deep = [(i, j) for i in once for j in once if relation_holds(scene, i, "behind", j)]
    if deep:
        first, second = _one(rng, deep)
        nouns = (categories[first], categories[second])
        texts = (f"The {nouns[0]} is {place} the {nouns[1]}." for place in ("behind", "in front of"))
        found.append(("depth", *texts, nouns))
    return [ClaimPair(number_of_scene, kind, true, altered, nouns) for kind, true, altered, nouns in found]


def verdict_on(text: str, found: Grounded, image: Float[torch.Tensor, "3 h w"]) -> str:
    """One word for a sentence: contradicted if any of its claims is, supported if all are, else not checked.

    >>> mask = {"size": [2, 2], "counts": [0, 1, 3]}
    >>> box = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    >>> found = Grounded("a", (2, 2), ("mug",), box, ("mug",), torch.ones(1), (mask,))
    >>> verdict_on("There is a mug.", found, torch.rand(3, 2, 2)), verdict_on("A lit mug.", found, torch.rand(3, 2, 2))
    ('supported', 'cannot be checked')
    """
    outcomes = {verdict.outcome for verdict in verify_caption(text, found, image)}
    if CONTRADICTED in outcomes:
        return CONTRADICTED
    return SUPPORTED if outcomes == {SUPPORTED} else UNCHECKED


def nouns_of(pairs: Sequence[ClaimPair], scene: int) -> list[str]:
    """What must be looked for in one scene to check all its pairs.

    >>> nouns_of([ClaimPair(0, "there", "", "", ("mug", "cat")), ClaimPair(0, "number", "", "", ("mug",))], 0)
    ['mug', 'cat']
    """
    return list(dict.fromkeys(noun for pair in pairs if pair.scene == scene for noun in pair.nouns))


def _counted(many: int, category: str) -> str:
    return f"There {'is' if many == 1 else 'are'} {number(many)} {category}{'' if many == 1 else 's'}."


def _apart(a: list[float], b: list[float]) -> bool:
    """Whether two boxes share no column, and both have an area."""
    solid = bool((box_areas(torch.tensor([a, b])) > 0).all())
    return solid and (a[2] < b[0] or b[2] < a[0])


def _one(rng: np.random.Generator, values: Sequence):
    return values[int(rng.integers(len(values)))]
