"""A statement's words, and the fixed phrases among them: relations, verbs, joining words, ways of saying where.

Words are lower case, hyphens separate them, contractions are written out ("isn't" is two words); each keeps its place
in the text. Phrases are found word by word, the longest first, so that "on" is never found inside "dragon".
"""

import functools
import re
from typing import Any, NamedTuple

from gk_utils.spatial_relations.diagnosis import StatementError
from gk_utils.spatial_relations.lexicon import RELATIONS, wordings
from gk_utils.spatial_relations.word_lists import ASPECTS, ORDINALS, PLACED, POSTURE_WORDS, POSTURES

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*['\u2019]?|[,.;:!?]|\S")
_READ_OVER = frozenset("-\u2010\u2011\u2012\u2013\u2014\"'\u2018\u2019\u201c\u201d")
_CONTRACTIONS = {
    "can't": ("can", "not"),
    "won't": ("will", "not"),
    "cannot": ("can", "not"),
    "atleast": ("at", "least"),
}
SIDES = {
    "left": "leftmost", "right": "rightmost", "top": "topmost", "bottom": "bottommost", "front": "frontmost",
    "back": "rearmost", "rear": "rearmost",
}  # fmt: skip
RANKS = {  # before a noun
    **SIDES,
    **{word: word for word in ("leftmost", "rightmost", "topmost", "frontmost", "rearmost", "bottommost")},
    **{"far left": "leftmost", "far right": "rightmost", "highest": "topmost", "lowest": "bottommost"},
    **{"uppermost": "topmost", "lowermost": "bottommost", "middle": "middle", "centre": "middle", "center": "middle"},
    **{"largest": "largest", "biggest": "largest", "smallest": "smallest", "tallest": "tallest"},
    **{"shortest": "shortest", "widest": "widest", "narrowest": "narrowest", "thinnest": "narrowest"},
    **{"nearest": "nearest", "closest": "nearest", "farthest": "farthest", "furthest": "farthest"},
    **{"left most": "leftmost", "right most": "rightmost"},
}
CORNERS = {
    f"{up} {side}": f"at_{name}_{side}"
    for up, name in (("top", "top"), ("upper", "top"), ("bottom", "bottom"), ("lower", "bottom"))
    for side in ("left", "right")
}
_MANNERS = {
    "directly": "directly immediately right straight just exactly", "slightly": "slightly", "far": "far",
    "fully": "fully completely entirely totally wholly", "partly": "partly partially",
    "nearly": "nearly almost", "": "very quite really so closely",
}  # fmt: skip
_PHRASES = {
    "JOIN": "and; or; but; while; whereas; as well as; and also; but also; and yet; yet; ,; ;; .; nor",
    "NOT": "not; never",
    "DONT": "does not; do not; did not",
    "WHO": "who; which; that",
    "THERE": "there",
    "IT": "it; they; them; he; she; him",
    "EACH": "each other; one another",
    "THAN": "than",
    "POV": "as seen from; as viewed from; seen from; from the point of view of; from the perspective of",
    "VIEWER": "in the picture; in the image; in the photo; in the photograph; in the scene; in the frame; "
    "in this picture; in this image; in this photo; on the picture; on the image; "
    "as we see it; as seen by the viewer; from our point of view; from our perspective; from my point of view; "
    "from my perspective; from the viewer's point of view; from the viewer's perspective; "
    "from the camera's point of view; from the camera's perspective; from the observer's point of view; "
    "from the point of view of the viewer; from the perspective of the viewer; "
    "from the perspective of the camera; as seen from the camera",
    "TRUE": "it is true that; it is the case that; i see that; we see that; we can see that",
    "FALSE": "it is not true that; it is false that; it is not the case that; it is wrong that",
    "COUNTOF": "the number of; the count of",
    "WITHOUT": "without",
    "AS_PART": "as a part; as part",
    "EITHER": "either",
    "TO": "to",
    "FROM": "from",
}
_BE = {"is": False, "are": True, "was": False, "were": True, "'s": False, "'re": True}  # whether it is plural
_SEEN = ("can be seen", "can be found", "exists", "exist", "is there", "are there")
_SEEN += tuple(f"{be} {seen}" for be in ("is", "are") for seen in ("visible", "present", "shown", "seen", "in view"))
# States and parts that are told with "with": what is said after it, and the attribute's name.
STATES_TOLD = {"flowers": "with flowers", "toast": "toast up", "toast up": "toast up"}
STATES_TOLD |= {
    f"{own}{part} {on}{side}": f"{part} {side}"
    for own in ("", "its ", "the ")
    for part in ("handle", "spout", "lever", "head", "face", "beak")
    for on in ("", "on the ", "to the ")
    for side in ("left", "right")
}
STATES = {state: told for told, state in reversed(STATES_TOLD.items())}  # attribute: what is said after "with"


class Words(NamedTuple):
    """The words of a text, in three lists of one length: word, first character, end."""

    text: str
    words: list[str]
    starts: list[int]
    ends: list[int]


class Phrase(NamedTuple):
    """A fixed phrase found at a word: the kind of token it is, what it says, the number of words."""

    kind: str
    value: Any
    length: int


def split_words(text: str) -> Words:
    """The words of a text; punctuation marks are words, too, other signs are refused.

    Raises:
        StatementError: a sign that is neither a word nor punctuation.

    >>> split_words("The mug ISN'T on Tom's left-hand side.").words
    ['the', 'mug', 'is', 'not', 'on', 'tom', "'s", 'left', 'hand', 'side', '.']
    """
    found = Words(text, [], [], [])
    for match in _WORD.finditer(text):
        word = match.group().lower().replace("\u2019", "'")
        if word in _READ_OVER:
            continue
        if not word[0].isalnum() and word not in ",.;:!?":
            raise StatementError(text, match.span(), "words and punctuation", advice="Leave that sign out.")
        for part, start, end in _parts(word, *match.span()):
            found.words.append(part)
            found.starts.append(start)
            found.ends.append(end)
    return found


def _parts(word: str, start: int, end: int) -> list[tuple[str, int, int]]:
    """A word without contractions."""
    if word in _CONTRACTIONS:
        return [(part, start, end) for part in _CONTRACTIONS[word]]
    if word.endswith("n't"):
        return [(word[:-3], start, end), ("not", start, end)]
    if word.endswith(("'s", "'re", "s'")):
        cut = len(word) - len(word.rsplit("'", 1)[1]) - 1
        return [(word[:cut], start, start + cut), (word[cut:] if word[-1] != "'" else "'s", start + cut, end)]
    return [(word.strip("'"), start, end)]


@functools.cache
def phrases() -> dict[str, Any]:  # noqa: PLR0912 - a table
    """All fixed phrases as nested dictionaries, word by word; under the empty word stands (kind, value)."""
    root: dict[str, Any] = {}

    def put(phrase: str, kind: str, value: Any) -> None:
        node = root
        for word in phrase.replace("'s", " 's").split():
            node = node.setdefault(word, {})
        node.setdefault("", (kind, value))

    for kind, listed in _PHRASES.items():
        for phrase in listed.split("; "):
            put(phrase, kind, phrase)
    for word, plural in _BE.items():
        put(word, "BE", plural)
    for phrase in _SEEN:
        put(phrase, "SEEN", phrase)
    for phrase, state in STATES_TOLD.items():
        put(f"with {phrase}", "STATE", (state, True))
        put(f"without {phrase}", "STATE", (state, False))
    for form, relation in wordings().items():
        kind = ("PLACE", "REL", "CLOSER")[relation.landmarks] if relation.name != "between" else "REL"
        put(form, kind, (relation.name, "unstated"))
    for relation in RELATIONS.values():
        for one, many in relation.verbs:
            _overwrite(root, one, (f"VERB{'' if relation.landmarks else '0'}", (relation.name, False)))
            _overwrite(root, many, (f"VERB{'' if relation.landmarks else '0'}", (relation.name, True)))
    for form, ing in POSTURES.items():
        put(form, "PVERB", (ing, not form.endswith("s")))
    for word in sorted(POSTURE_WORDS):
        put(word, "PART", word)
    for word in sorted(PLACED):
        put(word, "PLACED", word)
    for manner, words in _MANNERS.items():
        for word in words.split():
            put(word, "ADV", manner)
    _put_ranks(put)
    _put_same(put)
    return root


def _overwrite(root: dict[str, Any], phrase: str, payload: tuple[str, Any]) -> None:
    node = root
    for word in phrase.split():
        node = node.setdefault(word, {})
    node[""] = payload


def _put_ranks(put: Any) -> None:
    """Ways of saying which one, behind the noun or after "is"."""
    for side, by in SIDES.items():
        for the in ("", "the "):
            put(f"from {the}{side}", "FROMSIDE", by)
            put(f"counting from {the}{side}", "FROMSIDE", by)
            for word, rank in ORDINALS.items():
                put(f"{word} from {the}{side}", "RANKED", (by, rank))
        for word in ("furthest", "farthest"):
            for link in (" ", " to the ", " on the "):
                put(f"{word}{link}{side}", "RANKED", (by, 1))
        put(f"on the far {side}", "RANKED", (by, 1))
        put(f"at the far {side}", "RANKED", (by, 1))
    for words, by in (("nearest closest", "nearest"), ("farthest furthest", "farthest")):
        for word in words.split():
            for link in ("to",) if by == "nearest" else ("from", "away from"):
                put(f"{word} {link}", "SUPER", by)
                for who in ("viewer", "camera"):
                    put(f"{word} {link} the {who}", "RANKED", (by, 1))
    for word in ("leftmost", "rightmost", "topmost", "bottommost", "frontmost", "rearmost"):
        put(word, "RANKED", (word, 1))


def _put_same(put: Any) -> None:
    """Ways of saying that an aspect is shared, and comparisons of counts."""
    many = {**ASPECTS, **{f"{word}s": canonical for word, canonical in ASPECTS.items()}}
    for word, aspect in many.items():
        for of in ("", "of ", "in ", "with ", "having "):
            put(f"{of}the same {word} as", "SAMEAS", (aspect, True))
            put(f"{of}the same {word}", "SAME", (aspect, True))
            put(f"{of}same {word}", "SAME", (aspect, True))
            put(f"{of}same {word} as", "SAMEAS", (aspect, True))
            put(f"{of}different {word}", "SAME", (aspect, False))
            for a in ("", "a "):
                for link in ("from", "than", "to"):
                    put(f"{of}{a}different {word} {link}", "SAMEAS", (aspect, False))
    for words, aspect in (("large big small", "size"), ("tall high", "height"), ("wide", "width")):
        for word in words.split():
            put(f"as {word} as", "SAMEAS", (aspect, True))
    put("as many", "MORE", "equal")
    put("the same number of", "MORE", "equal")
    put("as", "AS", None)
    for word, order in (("more", "more"), ("fewer", "fewer"), ("less", "fewer")):
        put(word, "MORE", order)


def match(words: list[str], at: int) -> list[Phrase]:
    """The fixed phrases that begin at a word, the longest first.

    >>> [(found.kind, found.length) for found in match("to the left of the mug".split(), 0)]
    [('REL', 4), ('PLACE', 3), ('TO', 1)]
    """
    found: list[Phrase] = []
    node, end = phrases().get(words[at]), at + 1
    while node is not None:
        payload = node.get("")
        if payload is not None:
            found.append(Phrase(payload[0], payload[1], end - at))
        node, end = node.get(words[end]) if end < len(words) else None, end + 1
    found.reverse()
    return found
