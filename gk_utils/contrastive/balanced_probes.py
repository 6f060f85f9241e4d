"""Probes in the style of ARO, and two that show what words alone can win: one balanced, one unbalanced on purpose.

`relation_probe` and `attribution_probe` are balanced: every question comes twice, with the same two captions and two
pictures, and each caption is true of one of them. Who reads without looking is right exactly half of the time.
`unbalanced_probe` asks what needs no look: is the apple on the plate, or the plate on the apple?

Source: Yuksekgonul et al., ICLR 2023, arXiv:2210.01936, section 2 (relation, attribution) and 2.3 (order: the four
perturbations); two pictures for two captions as in Winoground, Thrush et al., CVPR 2022, arXiv:2204.03162.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from gk_utils.contrastive.hard_negatives import draw_negative, swap_attributes, swap_nouns, swap_relation
from gk_utils.contrastive.pair_claims import DIRECTIONS, Claim, claim_holds, draw_claim, read_claim
from gk_utils.contrastive.pair_scenes import HELD_OUT, draw_pair_scene, two_worlds
from gk_utils.contrastive.probe_items import Probe, ProbeItem
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES, COLOURS, PATTERNS, SIZES

STRIDE = 1_000  # seeds of one question: no two questions share a scene
SHUFFLES = ("nouns and adjectives", "all other words", "trigrams", "within trigrams")
_CONTENT = {*CATEGORIES, *COLOURS, *SIZES, *PATTERNS}


def relation_probe(n: int = 1000, seed: int = 0) -> Probe:
    """Choice of two, chance 0.5: which thing is where. Half of the false captions swap the nouns, half the relation.

    n is rounded up to whole groups of four questions.

    >>> [item.kind for item in relation_probe(4).items]
    ['swap_nouns', 'swap_nouns', 'swap_relation', 'swap_relation']
    """
    items: list[ProbeItem] = []
    for claim, rng, at in _claims(seed, DIRECTIONS):
        if len(items) >= n:
            break
        group, made = len(items) // 4, []
        for kind, swap in (("swap_nouns", swap_nouns), ("swap_relation", swap_relation)):
            (false,) = swap(claim, rng)
            worlds = two_worlds(at, claim, false)
            if worlds is not None:
                made += _both_ways(worlds, claim, false, kind, group)
        if len(made) == 4:
            items += made
    return Probe("relation", tuple(items))


def attribution_probe(n: int = 1000, seed: int = 0) -> Probe:
    """Choice of two, chance 0.5: which thing has which colour; the false caption swaps the colours.

    >>> first, second = attribution_probe(2).items
    >>> first.texts == second.texts[::-1]
    True
    """
    items: list[ProbeItem] = []
    for claim, rng, at in _claims(seed + 1, ("and",)):
        if len(items) >= n:
            break
        false = next(swap_attributes(claim, rng), claim)
        worlds = two_worlds(at, claim, false) if false != claim else None
        if worlds is not None:
            items += _both_ways(worlds, claim, false, "swap_attributes", len(items) // 2)
    return Probe("attribution", tuple(items))


def order_probe(n: int = 500, seed: int = 0) -> Probe:
    """Choice of five, chance 0.2: the caption, or its words in four other orders.

    A shuffle that happens to be a true sentence is drawn again. Not balanced: a sentence reads unlike a shuffle, which
    words alone can tell.

    >>> len({tuple(sorted(text.split())) for text in order_probe(1).items[0].texts})
    1
    """
    items: list[ProbeItem] = []
    for claim, rng, at in _claims(seed + 2, DIRECTIONS):
        if len(items) >= n:
            break
        scene, text = draw_pair_scene(at, stacked=0.0), claim.text()
        false = [shuffle(text, how, scene, rng) for how in SHUFFLES]
        if all(false):
            items.append(ProbeItem(scene, (text, *false), "order", len(items)))
    return Probe("order", tuple(items))


def unbalanced_probe(n: int = 500, seed: int = 0) -> Probe:
    """Choice of two, chance 0.5, where common sense wins: nouns swapped around "on", "under" and "inside".

    >>> unbalanced_probe(1).items[0].texts
    ('a yellow spoon is in a yellow mug', 'a yellow mug is in a yellow spoon')
    """
    items: list[ProbeItem] = []
    for claim, rng, at in _claims(seed + 3, ("on", "under", "inside"), stacked=1.0):
        if len(items) >= n:
            break
        scene = draw_pair_scene(at, stacked=1.0)
        false = draw_negative(claim, scene, "swap_nouns", rng)
        if false is not None:
            items.append(ProbeItem(scene, (claim.text(), false.text()), claim.relation, len(items)))
    return Probe("unbalanced", tuple(items))


def shuffle(text: str, how: str, scene: Scene, rng: np.random.Generator, tries: int = 20) -> str | None:
    """The words of a text in another order, which is no true sentence about the scene; None if `tries` found none."""
    words = text.split()
    content = np.array([word in _CONTENT for word in words])
    for _ in range(tries):
        if how in SHUFFLES[:2]:
            places = np.flatnonzero(content if how == SHUFFLES[0] else ~content)
            order = np.arange(len(words))
            order[places] = rng.permutation(places)
        else:
            triples = [list(range(start, min(start + 3, len(words)))) for start in range(0, len(words), 3)]
            if how == SHUFFLES[2]:
                triples = [triples[place] for place in rng.permutation(len(triples))]
            else:
                triples = [[triple[place] for place in rng.permutation(len(triple))] for triple in triples]
            order = np.concatenate(triples)
        shuffled = " ".join(words[place] for place in order)
        claim = read_claim(shuffled)
        if shuffled != text and (claim is None or claim_holds(claim, scene) is False):
            return shuffled
    return None


def _claims(
    seed: int, relations: Sequence[str], stacked: float = 0.0
) -> Iterator[tuple[Claim, np.random.Generator, int]]:
    """True claims about fresh scenes, with both things' colours, where chance comes from, and the scene's seed."""
    at = HELD_OUT + seed * 2**34
    while True:
        rng = np.random.default_rng([at, 13])
        claim = draw_claim(draw_pair_scene(at, stacked=stacked), rng, relations, coloured=1.0)
        if claim is not None:
            yield claim, rng, at
        at += STRIDE


def _both_ways(worlds: tuple[Scene, Scene], claim: Claim, false: Claim, kind: str, group: int) -> list[ProbeItem]:
    """Two questions with the same two captions, each true once."""
    first, second = worlds
    texts = (claim.text(), false.text())
    return [ProbeItem(first, texts, kind, group), ProbeItem(second, texts[::-1], kind, group)]
