"""What a thing is called and what it is like: does a noun fit it, does an adjective, do two things share an aspect."""

from collections.abc import Mapping

from gk_utils.spatial_relations.thing import Thing
from gk_utils.spatial_relations.verdict import Verdict, unknown
from gk_utils.spatial_relations.word_lists import ANYTHING, COLOURS

YES, NO = Verdict(True, 1.0), Verdict(False, -1.0)

# What else a noun fits than things of its own name.
KINDS_OF: Mapping[str, frozenset[str]] = {
    "animal": frozenset({"bear", "bird", "cat", "cow", "dog", "elephant", "giraffe", "horse", "sheep", "zebra"}),
    "pet": frozenset({"bird", "cat", "dog"}),
    "fruit": frozenset({"apple", "banana", "orange"}),
    "food": frozenset({"apple", "banana", "cake", "donut", "hot dog", "orange", "pizza", "sandwich"}),
    "cup": frozenset({"mug"}),
    "dish": frozenset({"bowl", "plate"}),
    "container": frozenset({"bottle", "bowl", "cup", "kettle", "mug", "vase"}),
    "appliance": frozenset({"kettle", "microwave", "oven", "refrigerator", "toaster"}),
    "vehicle": frozenset({"airplane", "bicycle", "boat", "bus", "car", "motorcycle", "train", "truck"}),
    "person": frozenset({"boy", "child", "girl", "man", "woman"}),
    "kitty": frozenset({"cat"}),
    "picture": frozenset({"painting", "photo"}),
}
_ASPECTS: Mapping[str, Mapping[str, str]] = {  # aspect: word to the word that stands in attributes
    "colour": {word: word for word in COLOURS} | {"gray": "grey", "golden": "gold", "silvery": "silver"},
    "size": {
        **dict.fromkeys(("large", "big", "huge", "giant"), "large"),
        **dict.fromkeys(("small", "little", "tiny", "mini"), "small"),
    },
    "pattern": {word: word for word in ("plain", "striped", "dotted", "checked")} | {"spotted": "dotted"},
    "state": {
        **{word: word for word in ("bitten", "lit", "open", "peeled", "pouring", "reaching", "singing", "sleeping")},
        **{word: word for word in ("steaming", "toast up", "with flowers", "closed", "empty", "full")},
        **{"asleep": "sleeping", "burning": "lit"},
    },
}
_OPPOSITES = {"unlit": "lit", "awake": "sleeping"}
_PLACED = frozenset({"standing", "sitting", "resting"})  # of what is not alive they only say that it is somewhere
_ASPECT_OF = {word: aspect for aspect, words in _ASPECTS.items() for word in words}


def is_called(thing: Thing, noun: str) -> bool:
    """Whether a noun fits a thing: its own name, a kind that it belongs to, or a word that fits anything.

    >>> mug = Thing("mug", (0, 0, 4, 4), (9, 9))
    >>> [is_called(mug, noun) for noun in ("mug", "cup", "object", "plate")]
    [True, True, True, False]
    """
    return noun == thing.name or noun in ANYTHING or thing.name in KINDS_OF.get(noun, ())


def is_like(thing: Thing, word: str) -> Verdict:
    """Whether a word describes a thing: undecided where its aspect (colour, size, pattern, state) is not known.

    "Standing", "sitting" and "resting" hold of every thing that is not alive: they only say that it is somewhere.

    >>> mug = Thing("mug", (0, 0, 4, 4), (9, 9), {"colour": "red"})
    >>> is_like(mug, "red").truth, is_like(mug, "blue").truth, is_like(mug, "big").reason, is_like(mug, "shy").reason
    (True, False, 'needs the size of the mug', "nothing is known about 'shy'")
    """
    if word in _OPPOSITES:
        found = is_like(thing, _OPPOSITES[word])
        return found if found.truth is None else (NO if found.truth else YES)
    aspect = _ASPECT_OF.get(word)
    part, _, side = word.partition(" ")
    if word in _PLACED and thing.name not in KINDS_OF["animal"] | KINDS_OF["person"]:
        return YES
    if aspect is None and side in ("left", "right"):  # "handle left"
        return (YES if thing.attributes[part] == side else NO) if part in thing.attributes else NO
    if aspect is None:
        known = word in thing.attributes.values()
        return YES if known else unknown(f"nothing is known about {word!r}")
    if aspect not in thing.attributes:
        return unknown(f"needs the {aspect} of the {thing.name}")
    return YES if thing.attributes[aspect] == _ASPECTS[aspect][word] else NO


def same(a: Thing, b: Thing, aspect: str) -> Verdict:
    """Whether two things share an aspect: colour, size, pattern, state, type (their names), direction (facing).

    >>> mug, cup = (Thing("mug", (0, 0, 4, 4), (9, 9), {"colour": colour}) for colour in ("red", "red"))
    >>> same(mug, cup, "colour").truth, same(mug, cup, "type").truth, same(mug, cup, "shape").reason
    (True, True, 'needs the shape of the mug')
    """
    if aspect == "type":
        return YES if a.name == b.name else NO
    values = []
    for thing in (a, b):
        value = thing.facing if aspect == "direction" else thing.attributes.get(aspect)
        if value is None and (aspect == "direction" or aspect not in thing.attributes):
            return unknown(f"needs the {aspect} of the {thing.name}")
        values.append(value)
    return YES if values[0] == values[1] else NO
