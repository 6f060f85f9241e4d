"""Probes in the style of What'sUp: two things, four words for where they are, and a picture for each word that can be.

`directions_probe` is balanced: the same two things in each of the four places, so that the same four captions have four
pictures, and words alone are right one time in four. `surfaces_probe` is not: an apple is on, left or right of a plate
but never under it, so that words alone can reach a third.

Source: Kamath, Hessel, Chang, "What's up with vision-language models?", EMNLP 2023, arXiv:2310.19785, section 2: its
set A has left, right, on and under, its set B left, right, in front and behind. Its pictures are set up, as these are.
"""

from collections.abc import Sequence

import numpy as np

from gk_utils.contrastive.pair_claims import DIRECTIONS, Claim, claim_holds, look_of
from gk_utils.contrastive.pair_scenes import HELD_OUT, TOPS, arrange, draw_thing
from gk_utils.contrastive.probe_items import Probe, ProbeItem
from gk_utils.countertop.things import CATEGORIES, KINDS, Thing

SURFACES = ("left of", "right of", "on", "under")


def directions_probe(n: int = 800, seed: int = 0) -> Probe:
    """Choice of four, chance 0.25: left, right, in front or behind. n is rounded up to whole groups of four.

    >>> [item.kind for item in directions_probe(4).items]
    ['left of', 'right of', 'in front of', 'behind']
    """
    items: list[ProbeItem] = []
    while len(items) < n:
        at = HELD_OUT + (seed + 16) * 2**34 + len(items)
        rng = np.random.default_rng([at, 14])
        first, second = rng.choice(len(CATEGORIES), 2, replace=False)
        subject, object = draw_thing(rng, CATEGORIES[first]), draw_thing(rng, CATEGORIES[second])
        items += _asked(subject, object, DIRECTIONS, at, len(items) // 4)
    return Probe("directions", tuple(items))


def surfaces_probe(n: int = 600, seed: int = 0) -> Probe:
    """Choice of four, chance 0.25: left, right, on or under. n is rounded up to whole groups of six.

    Each pair of things is asked about from both sides: an apple in three places about a plate, then the plate about
    the apple.

    >>> [item.kind for item in surfaces_probe(6).items]
    ['left of', 'right of', 'on', 'left of', 'right of', 'under']
    """
    items: list[ProbeItem] = []
    while len(items) < n:
        at = HELD_OUT + (seed + 17) * 2**34 + len(items)
        rng, group = np.random.default_rng([at, 14]), len(items) // 6
        below = TOPS[int(rng.integers(len(TOPS)))]
        carries = KINDS[below].carries
        above = draw_thing(rng, carries[int(rng.integers(len(carries)))])
        below = draw_thing(rng, below)
        items += _asked(above, below, SURFACES[:3], at, group)
        items += _asked(below, above, (*SURFACES[:2], "under"), at + 3, group)
    return Probe("surfaces", tuple(items))


def _asked(subject: Thing, object: Thing, places: Sequence[str], at: int, group: int) -> list[ProbeItem]:
    """One question for each place, with a caption for each choice; raises where a scene says something else."""
    items, choices = [], DIRECTIONS if places == DIRECTIONS else SURFACES
    for number, relation in enumerate(places):
        scene = arrange(subject, relation, object, at + number)
        claims = [Claim(look_of(subject, ["colour"]), other, look_of(object, ["colour"])) for other in choices]
        true = [claim for claim in claims if claim_holds(claim, scene)]
        if [claim.relation for claim in true] != [relation]:
            raise AssertionError(f"{relation}: a scene of seed {at + number} shows {[c.relation for c in true]}")
        false = [claim.text() for claim in claims if claim not in true]
        items.append(ProbeItem(scene, (true[0].text(), *false), relation, group))
    return items
