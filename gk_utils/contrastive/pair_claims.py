"""Claims: captions of two things and what is between them, as programs whose truth a scene decides.

"A red mug is left of a blue toaster." One claim, one truth: a caption is written from a claim, a hard negative is
another claim, and whether either holds is asked of the scene graph. `read_claim` takes the words back into the claim.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gk_utils.countertop.naming import with_article
from gk_utils.countertop.programs import Program, is_clear, referents
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES, COLOURS, PATTERNS, SIZES, Thing
from gk_utils.countertop.wording import RELATION_WORDS, words
from gk_utils.errors import check_choice

DIRECTIONS = ("left of", "right of", "in front of", "behind")
CLAIM_WORDS: dict[str, tuple[str, ...]] = {  # between two nouns; the first is the usual one
    **{
        name: (*short[:1], *long[:1]) if short[:1] != long[:1] else short[:1]
        for name, (short, long) in RELATION_WORDS.items()
    },
    "under": ("under", "below"),
    "and": ("and",),
}
CLAIM_RELATIONS = tuple(CLAIM_WORDS)
OPPOSITES = {"left of": "right of", "in front of": "behind", "on": "under"}
OPPOSITES |= {after: before for before, after in OPPOSITES.items()}
LOOKS = {"size": SIZES, "colour": COLOURS, "pattern": PATTERNS}  # in the order they are said


@dataclass(frozen=True)
class Claim:
    """There is a thing that looks like `subject`, in `relation` to one that looks like `object`.

    Attributes:
        subject, object: programs with a category and perhaps attributes, nothing more.
        relation: one of CLAIM_RELATIONS; "and" says that both are there, "under" that the object is on the subject.

    Raises:
        ValueError: an unknown relation, a program without a category or with a place.

    >>> Claim(Program("mug", (("colour", "red"),)), "left of", Program("toaster")).text()
    'a red mug is left of a toaster'
    """

    subject: Program
    relation: str
    object: Program

    def __post_init__(self) -> None:
        check_choice(self.relation, CLAIM_RELATIONS, "relation")
        for look in (self.subject, self.object):
            if look != Program(look.category, look.attributes) or look.category is None:
                raise ValueError(f"claim: expected a category with attributes, got {look}. Leave its place out.")

    def text(self, wording: int = 0) -> str:
        """The claim in words, lower case; `wording` counts through the ways to say its relation."""
        ways = CLAIM_WORDS[self.relation]
        link = ways[wording % len(ways)]
        subject, object = (with_article(_noun(look)) for look in (self.subject, self.object))
        return f"{subject} {link if self.relation == 'and' else f'is {link}'} {object}"

    def programs(self) -> tuple[Program, ...]:
        """Programs that all find something where the claim holds."""
        if self.relation == "and":
            return self.subject, self.object
        if self.relation == "under":
            return (replace(self.object, relation="on", landmark=self.subject),)
        return (replace(self.subject, relation=self.relation, landmark=self.object),)


def claim_holds(claim: Claim, scene: Scene) -> bool | None:
    """Whether a claim holds; None where a decision behind it is too close for a person to agree with.

    "A mug and a mug" needs two mugs.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> scene = draw_scene(0, n=2, wanted=[{"category": "mug"}, {"category": "cat"}])
    >>> claim_holds(Claim(Program("mug"), "and", Program("cat")), scene)
    True
    """
    programs = claim.programs()
    if not all(is_clear(program, scene) for program in programs):
        return None
    found = [referents(program, scene) for program in programs]
    if claim.relation == "and":
        return bool(found[0] and found[1]) and len({*found[0], *found[1]}) > 1
    return bool(found[0])


def look_of(thing: Thing, names: Sequence[str]) -> Program:
    """A program for what a thing looks like: its category and these of its attributes.

    >>> print(look_of(Thing("apple", "red", "large", "plain", None, None, x=0.5, depth=0.5), ["colour"]))
    all things > apple > colour is red
    """
    return Program(thing.category, tuple((name, getattr(thing, name)) for name in LOOKS if name in names))


def draw_claim(
    scene: Scene,
    rng: np.random.Generator,
    relations: Sequence[str] = CLAIM_RELATIONS,
    *,
    coloured: float = 1.0,
    detailed: float = 0.0,
) -> Claim | None:
    """Draw a claim that clearly holds; None where the scene allows none of these relations.

    Relations are tried in the order of a shuffle, so each is as likely as the other where the scene allows all. A thing
    has its colour said with probability `coloured`, its size and its pattern with probability `detailed` each.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> draw_claim(draw_scene(3, n=4), np.random.default_rng(0)).text()
    'a blue bottle is near an orange kettle'
    """
    n = len(scene)
    pairs = [(a, b) for a in range(n) for b in range(n) if a != b]
    chances = dict(zip(LOOKS, (detailed, coloured, detailed), strict=True))
    looks = [look_of(thing, [name for name in LOOKS if rng.random() < chances[name]]) for thing in scene.things]
    order = [pairs[place] for place in rng.permutation(len(pairs))]
    for relation in (relations[place] for place in rng.permutation(len(relations))):
        for a, b in order:
            claim = Claim(looks[a], relation, looks[b])
            if looks[a] != looks[b] and worth_saying(scene, a, relation, b) and claim_holds(claim, scene):
                return claim
    return None


def worth_saying(scene: Scene, subject: int, relation: str, object: int) -> bool:
    """Whether thing `subject` could be spoken of that way: what stands on another is "on" or "inside" it alone."""
    stands = scene.things[subject].support == object or scene.things[object].support == subject
    return stands == (relation in ("on", "inside", "under")) or relation == "and"


def read_claim(text: str) -> Claim | None:
    """The claim that a text makes; None where it is no sentence of this grammar.

    >>> read_claim("A red mug is to the left of a toaster.").relation, read_claim("mug a left red is of a toaster")
    ('left of', None)
    """
    flat = " ".join(words(text))
    for relation, ways in CLAIM_WORDS.items():
        for way in ways:
            link = "and" if relation == "and" else f"is {way}"
            found = re.fullmatch(rf"an? (.+) {link} an? (.+)", flat)
            looks = [_read_look(part) for part in found.groups()] if found else [None]
            if all(look is not None for look in looks):
                return Claim(looks[0], relation, looks[1])
    return None


def claim_vocabulary() -> tuple[str, ...]:
    """Every word of the claims, in alphabetical order.

    >>> {"mug", "left", "under", "a"} <= set(claim_vocabulary())
    True
    """
    texts = [
        "a an is",
        *CATEGORIES,
        *COLOURS,
        *SIZES,
        *PATTERNS,
        *(way for ways in CLAIM_WORDS.values() for way in ways),
    ]
    return tuple(sorted({word for text in texts for word in words(text)}))


def _noun(look: Program) -> str:
    attributes = dict(look.attributes)
    return " ".join([*(attributes[name] for name in LOOKS if name in attributes), look.category])


def _read_look(text: str) -> Program | None:
    *adjectives, noun = text.split()
    attributes = [(name, word) for name, values in LOOKS.items() for word in adjectives if word in values]
    program = Program(noun, tuple(attributes)) if noun in CATEGORIES else None
    return program if program and _noun(program) == text else None
