"""The core of a noun phrase: how many, which one, adjectives, noun ("exactly two small red fire hydrants").

Any word may be a noun. Of the words before a noun, known adjectives and what stands before them are adjectives, the
rest belongs to the noun: "small wooden chopping board" has two adjectives and the noun "chopping board".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gk_utils.spatial_relations.quantifier_words import DETERMINERS, number_of, read_quantifier
from gk_utils.spatial_relations.statement import Pick, Quantifier
from gk_utils.spatial_relations.statement_words import CORNERS, RANKS, Words, match
from gk_utils.spatial_relations.word_lists import (
    ADJECTIVES,
    COLOURS,
    COMPOUNDS,
    INTENSIFIERS,
    NUMBERS,
    ORDINALS,
    SHADES,
    UNCHANGED,
    is_doing,
    singular,
)

_PRONOUNS = {
    "something": ("thing", "some"),
    "anything": ("thing", "any"),
    "nothing": ("thing", "no"),
    "everything": ("thing", "all"),
    "nobody": ("person", "no"),
    **dict.fromkeys(("someone", "somebody"), ("person", "some")),
    **dict.fromkeys(("anyone", "anybody"), ("person", "any")),
    **dict.fromkeys(("everyone", "everybody"), ("person", "all")),
}
# Verbs that may be nouns as well: "two yellow blocks".
NOUN_VERBS = frozenset(
    f"{verb}{ending}"
    for verb in ("block", "cover", "hold", "rest", "stand", "play", "show", "float", "run", "walk", "jump", "pull")
    for ending in ("", "s")
) | {"face", "faces", "ride", "rides", "use", "uses", "hide", "hides", "pose", "poses", "fly", "flies", "watch"}
NOUN_VERBS |= {"watches", "touch", "touches", "lie", "lies", "perch", "perches", "wear"}


@dataclass(frozen=True)
class Chunk:
    """The core of a noun phrase.

    Attributes:
        kind, number: of its quantifier; kind is None where no word said so.
        noun, adjectives: as in a NounPhrase.
        plural: None where the noun does not tell ("sheep").
        pick: which one; `loose` if it is an ordinal without a side ("the second mug"): what follows may say it.
        place: a relation without landmark that is said before the noun ("the top left mug").
        other: "another", "the other".
        whose: "its mug", "their mugs".
        headless: no noun was said ("the second", "the red"): it is "one", or the last word.
        span: first character and end.
    """

    kind: str | None
    number: int | None
    noun: str
    adjectives: tuple[str, ...]
    plural: bool | None
    pick: Pick | None
    loose: bool
    place: str | None
    other: bool
    whose: bool
    headless: bool
    span: tuple[int, int]

    def quantifier(self, plural: bool, missing: str | None = None) -> Quantifier:
        """The quantifier; a bare singular is read as "the", or as `missing`; a bare plural as "bare"."""
        if self.kind is None:
            return Quantifier("bare") if plural else Quantifier(missing or "the")
        return Quantifier(self.kind, self.number)

    def only_adjectives(self) -> bool:
        """Whether nothing but known adjectives, or one unknown word that is no plural, was said ("red", "wobbly")."""
        bare = self.kind is None and self.pick is None and self.place is None and not self.other
        words = self.noun.split()
        known = words[-1] in ADJECTIVES or (not self.adjectives and len(words) == 1 and not self.plural)
        return bare and len(words) == 1 and known


def read_chunk(found: Words, at: int, synonyms: Mapping[str, str]) -> tuple[Chunk, int] | None:
    """The core of a noun phrase that begins at a word, and the index behind it; None where none begins.

    >>> from gk_utils.spatial_relations.statement_words import split_words
    >>> chunk, end = read_chunk(split_words("the second smallest red fire hydrant is"), 0, {})
    >>> chunk.noun, chunk.adjectives, str(chunk.pick), end
    ('fire hydrant', ('red',), 'smallest 2', 6)
    """
    words = found.words
    if words[at] in _PRONOUNS:
        noun, kind = _PRONOUNS[words[at]]
        span = (found.starts[at], found.ends[at])
        return Chunk(kind, None, noun, (), False, None, False, None, False, False, False, span), at + 1
    kind, number, end = read_quantifier(words, at)
    if words[at : at + 1] == ["one"] and (end >= len(words) or _stops(words, end, False)):
        span = (found.starts[at], found.ends[at])  # "one is red": a noun
        return Chunk("count", 1, "one", (), False, None, False, None, False, False, False, span), at + 1
    whose = words[at] in ("its", "their", "his", "her")
    other, rank, by, place, start = words[at] == "another", None, None, None, end
    while end < len(words):
        word, two = words[end], " ".join(words[end : end + 2])
        if word == "other":
            other, end = True, end + 1
        elif word in ORDINALS and rank is None:
            rank, end = ORDINALS[word], end + 1
        elif two in CORNERS and _goes_on(words, end + 2):
            place, end = CORNERS[two], end + 2
        elif two in RANKS and by is None and _goes_on(words, end + 2):
            by, end = RANKS[two], end + 2
        elif word in RANKS and by is None and _goes_on(words, end + 1):
            by, end = RANKS[word], end + 1
        elif number is None and kind in (None, "the") and end > start and number_of(word) and _goes_on(words, end + 1):
            kind, number, end = kind or "count", number_of(word), end + 1
        else:
            break
    run = _noun_words(words, end)
    if not run and end == at:
        return None
    stop = end + len(run)
    picked = Pick(by or "leftmost", rank or 1) if by or rank else None
    span = (found.starts[at], found.ends[stop - 1])
    noun, adjectives, plural = _split(run, synonyms)
    chunk = Chunk(
        kind,
        number,
        noun,
        adjectives,
        plural,
        picked,
        rank is not None and by is None,
        place,
        other,
        whose,
        not run,
        span,
    )
    if words[at] == "both" and plural is False and run:
        chunk = replace(chunk, kind="the", number=None)  # "both the mug and the plate"
    return chunk, stop


def _goes_on(words: list[str], at: int) -> bool:
    """Whether a noun phrase goes on at a word, so that the one before it was no noun."""
    return at < len(words) and not _stops(words, at, False)


def _stops(words: list[str], at: int, has_noun: bool) -> bool:
    """Whether a noun phrase ends before a word; without a noun yet, a word such as "inside" may be an adjective."""
    phrases = match(words, at)
    if not phrases:
        return words[at] in DETERMINERS or words[at] in ("?", "!", ":") or _is_number_after(words, at, has_noun)
    first = phrases[0]
    if first.kind in ("ADV", "PLACED"):
        return _leads_on(words, at + first.length)
    if has_noun or first.length > 1:
        return has_noun or first.kind != "RANKED"
    noun_next = at + 1 < len(words) and not match(words, at + 1) and words[at + 1] not in DETERMINERS
    as_adjective = first.kind == "RANKED" or (
        first.kind in ("REL", "PART") and words[at] not in ("of", "with", "in", "on", "at") and noun_next
    )
    return not (as_adjective or words[at] in NOUN_VERBS)


def _is_number_after(words: list[str], at: int, has_noun: bool) -> bool:
    return has_noun and words[at] in NUMBERS and words[at] != "one"


def _leads_on(words: list[str], at: int) -> bool:
    """Whether a relation, or what may stand before one, begins at a word."""
    if at >= len(words):
        return False
    kinds = {phrase.kind for phrase in match(words, at)}
    return bool(kinds & {"REL", "PLACE", "CLOSER", "PART", "PLACED", "SAMEAS", "RANKED", "SUPER", "ADV"})


def _noun_words(words: list[str], at: int) -> list[str]:
    """The words from the first adjective to the end of the noun; "red and white mug" counts as one run."""
    end = at
    while end < len(words):
        pair = end > at and f"{words[end - 1]} {words[end]}" in COMPOUNDS
        if words[end] in ("and", ",") and end > at and words[end - 1] in ADJECTIVES:
            behind = words[end + 1 : end + 3]
            after = at > 0 and words[at - 1] in DETERMINERS and len(behind) == 2 and behind[0] in ADJECTIVES
            if not after or _stops(words, end + 2, True):
                break
            end += 2
            continue
        known = end > at and (words[end - 1] not in ADJECTIVES or end - at == 0)
        if not pair and _stops(words, end, known):
            break
        end += 1
    return words[at:end]


def _split(run: list[str], synonyms: Mapping[str, str]) -> tuple[str, tuple[str, ...], bool | None]:
    """Noun, adjectives and number of a run of words; the caller's names go first, then compounds, then adjectives."""
    run = [word for word in run if word not in ("and", ",")]
    if not run:
        return "one", (), False
    head = singular(run[-1])
    plural = None if run[-1] in UNCHANGED else head != run[-1]
    for start in range(max(0, len(run) - 4), len(run)):
        name = " ".join((*run[start:-1], head))
        if name in synonyms or " ".join(run[start:]) in synonyms:
            return synonyms.get(name) or synonyms[" ".join(run[start:])], join_adjectives(run[:start]), plural
        if start < len(run) - 1 and name in COMPOUNDS:
            return name, join_adjectives(run[:start]), plural
    cut = max((place + 1 for place, word in enumerate(run[:-1]) if _describes(word)), default=0)
    return " ".join((*run[cut:-1], head)), join_adjectives(run[:cut]), plural


def _describes(word: str) -> bool:
    """Whether a word before a noun is an adjective: known as one, or a participle by its ending."""
    return (
        word in ADJECTIVES
        or word in INTENSIFIERS
        or is_doing(word)
        or (len(word) > 5 and word.endswith("ed") and word[-3] != "e")
    )


def join_adjectives(run: Sequence[str]) -> tuple[str, ...]:
    """Adjectives, with shades and intensifiers joined to the word behind them.

    >>> join_adjectives(["small", "light", "blue"])
    ('small', 'light blue')
    """
    adjectives: list[str] = []
    for place, word in enumerate(run):
        before = run[place - 1] if place else ""
        if before in INTENSIFIERS or (before in SHADES and word in COLOURS):
            adjectives[-1] += f" {word}"
        else:
            adjectives.append(word)
    return tuple(adjectives)
