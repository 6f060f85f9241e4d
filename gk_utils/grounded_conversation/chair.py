"""CHAIR: of the things that captions mention, how many are not in the picture.

CHAIR_i counts mentions, CHAIR_s captions with at least one wrong mention. Only names on a list of synonyms count as
mentions, and the truth is a set of such names for each picture; that something is there which nobody listed is never
found out. It needs no model: plain captions can be checked, as long as the truth is known.

Source: Rohrbach et al. 2018, "Object Hallucination in Image Captioning", EMNLP, arXiv:1809.02156, section 2.1; code
LisaAnne/Hallucination, utils/chair.py. Notebook: 15.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gk_utils.errors import check_same_length
from gk_utils.formats.files import blame, need, read_text

_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_IRREGULAR = {
    **{"men": "man", "women": "woman", "children": "child", "people": "person", "mice": "mouse", "geese": "goose"},
    **{"teeth": "tooth", "feet": "foot", "knives": "knife", "wives": "wife", "shelves": "shelf", "leaves": "leaf"},
    **{"loaves": "loaf", "wolves": "wolf", "halves": "half", "scarves": "scarf"},
}
_NO_PLURAL = ("ss", "us", "is")  # glass, bus, tennis


@dataclass(frozen=True)
class Mention:
    """A thing in a caption.

    Attributes:
        name: what it is, the first of its synonyms.
        start, end: characters of the caption that say so.
    """

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class Chair:
    """What is made up in some captions.

    Attributes:
        chair_i: mentions of what is not there, as a share of all mentions; 0 without any.
        chair_s: captions with such a mention, as a share of all captions.
        made_up: the wrong mentions of each caption.
        mentions: how many there are in each caption, right and wrong.
    """

    chair_i: float
    chair_s: float
    made_up: tuple[tuple[Mention, ...], ...]
    mentions: tuple[int, ...]


def read_synonyms(path: str | Path) -> dict[str, str]:
    r"""Read a list of synonyms, a line "person, girl, boy" for each thing, the name first: every word to its name.

    A word of several parts is one entry ("hot dog"). Blank lines are passed over.

    Raises:
        ValueError: an empty entry, or a word that stands for two things, by file and line.

    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "synonyms.txt"
    >>> _ = path.write_text("mug, cup\ncat, kitten\n")
    >>> read_synonyms(path)
    {'mug': 'mug', 'cup': 'mug', 'cat': 'cat', 'kitten': 'cat'}
    """
    names: dict[str, str] = {}
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        words = [" ".join(word.lower().split()) for word in line.split(",")]
        with blame(f"{Path(path).name}: line {number}"):
            need(all(words), "expected words with commas between them", line)
            for word in words:
                need(
                    names.get(word, words[0]) == words[0], f"{word!r} stands for {names.get(word)!r} already", words[0]
                )
                names[word] = words[0]
    return names


def find_mentions(
    caption: str, synonyms: Mapping[str, str], compounds: Mapping[str, str] | None = None
) -> tuple[Mention, ...]:
    """The things that a caption mentions, from left to right; the longest name wins, singular or plural.

    Args:
        caption: any text.
        synonyms: every word or group of words, in lower case and singular, to its name.
        compounds: groups of words that mean another thing than their parts do, to a synonym: {"toilet seat": "toilet",
            "baby bear": "bear"}; to "" for what is no thing at all.

    >>> synonyms = {"dog": "dog", "hot dog": "hot dog", "glass": "glass"}
    >>> [(mention.name, mention.start) for mention in find_mentions("Two hot dogs, a dog and glasses.", synonyms)]
    [('hot dog', 4), ('dog', 16), ('glass', 24)]
    """
    known = {**{word: word for word in synonyms}, **(compounds or {})}
    longest = max((word.count(" ") + 1 for word in known), default=0)
    words = list(_WORD.finditer(caption.lower()))
    found, place = [], 0
    while place < len(words):
        for length in range(min(longest, len(words) - place), 0, -1):
            group = [word.group() for word in words[place : place + length]]
            reading = next((text for text in _readings(group) if text in known), None)
            if reading is not None:
                name = synonyms.get(known[reading])
                if name is not None:
                    found.append(Mention(name, words[place].start(), words[place + length - 1].end()))
                place += length
                break
        else:
            place += 1
    return tuple(found)


def chair(
    captions: Sequence[str],
    things: Sequence[Sequence[str] | frozenset[str]],
    synonyms: Mapping[str, str],
    compounds: Mapping[str, str] | None = None,
) -> Chair:
    """CHAIR_i and CHAIR_s of captions, each with the things of its picture, named as `synonyms` names them.

    Raises:
        ValueError: another number of captions than of pictures, no caption, or a thing that `synonyms` never names.

    >>> synonyms = {"mug": "mug", "cup": "mug", "cat": "cat"}
    >>> found = chair(["A cat by a cup.", "A cup."], [["mug"], ["mug"]], synonyms)
    >>> found.chair_s, round(found.chair_i, 2), found.made_up[0][0].name
    (0.5, 0.33, 'cat')
    """
    check_same_length(captions, things, ("captions", "things"))
    if not captions:
        raise ValueError("captions: expected at least one, got none. There is nothing to check.")
    names = set(synonyms.values())
    for row, there in enumerate(things):
        if unknown := sorted(set(there) - names):
            raise ValueError(
                f"things: expected names of synonyms, got {unknown[0]!r} in row {row}. Name it as they do."
            )
    found = [find_mentions(caption, synonyms, compounds) for caption in captions]
    made_up = tuple(
        tuple(mention for mention in each if mention.name not in there)
        for each, there in zip(found, things, strict=True)
    )
    said, wrong = sum(map(len, found)), sum(map(len, made_up))
    return Chair(
        wrong / said if said else 0.0, sum(map(bool, made_up)) / len(captions), made_up, tuple(map(len, found))
    )


def _readings(group: Sequence[str]) -> list[str]:
    """A group of words as it stands, and with its last word in the singular."""
    return [" ".join([*group[:-1], last]) for last in _singulars(group[-1])]


def _singulars(word: str) -> list[str]:
    """What a word may be the plural of, itself first."""
    forms = [word]
    if word in _IRREGULAR:
        forms.append(_IRREGULAR[word])
    if word.endswith("ies") and len(word) > 4:
        forms.append(f"{word[:-3]}y")
    if word.endswith(("ches", "shes", "ses", "xes", "zes", "oes")):
        forms.append(word[:-2])
    if word.endswith("s") and not word.endswith(_NO_PLURAL):
        forms.append(word[:-1])
    return forms
