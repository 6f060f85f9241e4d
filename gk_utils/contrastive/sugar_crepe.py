"""Probes in the style of SugarCrepe: seven kinds of false captions that read well.

A false caption replaces, swaps or adds an object, an attribute or a relation. They are held against the scene, but not
balanced: how far a model of captions alone gets on each kind says what that kind measures besides looking.

Source: Hsieh et al., "SugarCrepe", NeurIPS 2023, arXiv:2306.14610, section 3 and table 2 (its seven kinds).
"""

import numpy as np

from gk_utils.contrastive.hard_negatives import draw_negative
from gk_utils.contrastive.pair_claims import DIRECTIONS, Claim, draw_claim
from gk_utils.contrastive.pair_scenes import HELD_OUT, draw_pair_scene
from gk_utils.contrastive.probe_items import Probe, ProbeItem
from gk_utils.countertop.naming import with_article
from gk_utils.countertop.programs import Program, referents
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES, COLOURS
from gk_utils.errors import check_choice

SUGAR_KINDS = {  # SugarCrepe's name: ours
    "replace_object": "replace_object",
    "replace_attribute": "replace_attribute",
    "replace_relation": "replace_relation",
    "swap_object": "swap_nouns",
    "swap_attribute": "swap_attributes",
    "add_object": "",
    "add_attribute": "add_attribute",
}


def sugar_probe(kind: str, n: int = 300, seed: int = 0) -> Probe:
    """Choice of two, chance 0.5: a caption, and one that this kind of change made false.

    Raises:
        ValueError: an unknown kind.

    >>> sugar_probe("add_object", 1).items[0].texts
    ('a red apple is in front of a blue apple', 'a red apple is in front of a blue apple and a yellow candle')
    """
    check_choice(kind, tuple(SUGAR_KINDS), "kind")
    items: list[ProbeItem] = []
    at = HELD_OUT + (seed + 32 + list(SUGAR_KINDS).index(kind)) * 2**34
    while len(items) < n:
        rng, scene = np.random.default_rng([at, 15]), draw_pair_scene(at, stacked=0.0)
        claim = draw_claim(scene, rng, DIRECTIONS, coloured=1.0)
        text = claim and _false_text(claim, scene, kind, rng)
        if text:
            items.append(ProbeItem(scene, (claim.text(), text), kind, len(items)))
        at += 1
    return Probe(kind, tuple(items))


def _false_text(claim: Claim, scene: Scene, kind: str, rng: np.random.Generator) -> str | None:
    if kind != "add_object":
        false = draw_negative(claim, scene, SUGAR_KINDS[kind], rng)
        return false.text() if false else None
    while True:  # a third thing that is not there
        category, colour = (values[int(rng.integers(len(values)))] for values in (CATEGORIES, COLOURS))
        if not referents(Program(category), scene):
            return f"{claim.text()} and {with_article(f'{colour} {category}')}"
