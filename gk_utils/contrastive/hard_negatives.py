"""Hard negatives from the grammar: captions one step from the true one, and false of the picture.

A negative is made by changing a claim, and then held against the scene: what happens to be true is no negative ("a mug
is near a cat" stays true with its nouns swapped), and what is too close to call is none either.

Source: NegCLIP's negatives swap words of one caption (Yuksekgonul et al., "When and Why Vision-Language Models Behave
like Bags-of-Words", ICLR 2023, arXiv:2210.01936, section 4); they are not held against anything, and some are true.
The ways to replace and to add: Hsieh et al., "SugarCrepe", NeurIPS 2023, arXiv:2306.14610, section 3.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gk_utils.contrastive.pair_claims import CLAIM_RELATIONS, LOOKS, OPPOSITES, Claim, claim_holds
from gk_utils.countertop.programs import Program
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES
from gk_utils.errors import check_choice


def swap_nouns(claim: Claim, rng: np.random.Generator) -> Iterator[Claim]:
    """The two things change places: "a blue toaster is left of a red mug"."""
    yield Claim(claim.object, claim.relation, claim.subject)


def swap_relation(claim: Claim, rng: np.random.Generator) -> Iterator[Claim]:
    """The relation becomes its opposite: left and right, in front and behind, on and under."""
    if claim.relation in OPPOSITES:
        yield replace(claim, relation=OPPOSITES[claim.relation])


def swap_attributes(claim: Claim, rng: np.random.Generator) -> Iterator[Claim]:
    """The two things change their attributes: "a blue mug is left of a red toaster"."""
    subject, object = claim.subject, claim.object
    if subject.attributes and object.attributes and subject.category != object.category:
        yield Claim(
            replace(subject, attributes=object.attributes),
            claim.relation,
            replace(object, attributes=subject.attributes),
        )


def replace_object(claim: Claim, rng: np.random.Generator) -> Iterator[Claim]:
    """One of the nouns becomes another category."""
    for category in _shuffled(rng, CATEGORIES):
        yield _change(claim, rng, lambda look, category=category: replace(look, category=category))


def replace_attribute(claim: Claim, rng: np.random.Generator) -> Iterator[Claim]:
    """One attribute gets another value."""
    said = [(part, name) for part in ("subject", "object") for name, _ in getattr(claim, part).attributes]
    for part, name in _shuffled(rng, said):
        for value in _shuffled(rng, LOOKS[name]):
            look = getattr(claim, part)
            changed = {**dict(look.attributes), name: value}
            yield replace(claim, **{part: replace(look, attributes=tuple(changed.items()))})


def replace_relation(claim: Claim, rng: np.random.Generator) -> Iterator[Claim]:
    """The relation becomes any other; "and" stays, and nothing becomes it."""
    for relation in _shuffled(rng, CLAIM_RELATIONS):
        if "and" not in (relation, claim.relation):
            yield replace(claim, relation=relation)


def add_attribute(claim: Claim, rng: np.random.Generator) -> Iterator[Claim]:
    """One of the things gets one more attribute, which it does not have."""
    for name in _shuffled(rng, tuple(LOOKS)):
        for value in _shuffled(rng, LOOKS[name]):
            changed = _change(claim, rng, lambda look, more=(name, value): _with(look, *more))
            yield changed


KINDS_OF_NEGATIVE: dict[str, Callable[[Claim, np.random.Generator], Iterator[Claim]]] = {
    "swap_nouns": swap_nouns,
    "swap_relation": swap_relation,
    "swap_attributes": swap_attributes,
    "replace_object": replace_object,
    "replace_attribute": replace_attribute,
    "replace_relation": replace_relation,
    "add_attribute": add_attribute,
}
SWAPS = ("swap_nouns", "swap_relation", "swap_attributes")
REPLACEMENTS = ("replace_object", "replace_attribute", "replace_relation")


def draw_negative(claim: Claim, scene: Scene, kind: str, rng: np.random.Generator) -> Claim | None:
    """A claim of this kind that clearly does not hold; None where every change is true, too close or no change.

    Raises:
        ValueError: an unknown kind.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> scene = draw_scene(0, n=2, wanted=[{"category": "mug"}, {"category": "cat"}])
    >>> both = Claim(Program("mug"), "and", Program("cat"))
    >>> print(draw_negative(both, scene, "swap_nouns", np.random.default_rng(0)))
    None
    """
    check_choice(kind, tuple(KINDS_OF_NEGATIVE), "kind")
    for changed in KINDS_OF_NEGATIVE[kind](claim, rng):
        if changed != claim and claim_holds(changed, scene) is False:
            return changed
    return None


def any_negative(claim: Claim, scene: Scene, rng: np.random.Generator, kinds: Sequence[str] = SWAPS) -> Claim:
    """A negative of one of these kinds by chance; where the scene allows none, one with another category or colour.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> scene = draw_scene(0, n=2, wanted=[{"category": "mug"}, {"category": "cat"}])
    >>> claim = Claim(Program("mug"), "and", Program("cat"))
    >>> claim_holds(any_negative(claim, scene, np.random.default_rng(0)), scene)
    False
    """
    for kind in (*_shuffled(rng, kinds), "replace_object"):
        negative = draw_negative(claim, scene, kind, rng)
        if negative is not None:
            return negative
    raise ValueError(
        f"claim: expected one that can be made false, got {claim.text()!r}. A scene has not every category."
    )


def several_negatives(claim: Claim, scene: Scene, rng: np.random.Generator, k: int) -> list[Claim]:
    """K negatives, as unlike as the scene allows: each swap that is false of it, then replacements; the last repeated.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> scene = draw_scene(0, n=2, wanted=[{"category": "mug"}, {"category": "cat"}])
    >>> claim = Claim(Program("mug"), "and", Program("cat"))
    >>> [claim_holds(other, scene) for other in several_negatives(claim, scene, np.random.default_rng(0), 3)]
    [False, False, False]
    """
    found: list[Claim] = []
    for kind in (*_shuffled(rng, SWAPS), *_shuffled(rng, REPLACEMENTS), "replace_object"):
        negative = draw_negative(claim, scene, kind, rng) if len(found) < k else None
        if negative is not None and negative not in found:
            found.append(negative)
    found = found or [any_negative(claim, scene, rng)]
    return (found + found[-1:] * k)[:k]


def _change(claim: Claim, rng: np.random.Generator, change: Callable[[Program], Program]) -> Claim:
    part = "subject" if rng.random() < 0.5 else "object"
    return replace(claim, **{part: change(getattr(claim, part))})


def _with(look: Program, name: str, value: str) -> Program:
    """One more attribute, in the order they are said; the look itself if it has one of that name."""
    attributes = dict(look.attributes)
    if name in attributes:
        return look
    attributes[name] = value
    return replace(look, attributes=tuple((key, attributes[key]) for key in LOOKS if key in attributes))


def _shuffled(rng: np.random.Generator, values: Sequence[Any]) -> list[Any]:
    return [values[place] for place in rng.permutation(len(values))]
