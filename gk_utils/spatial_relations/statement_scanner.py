"""From a statement's words to the pieces that the grammar reads: cores of noun phrases, relations, verbs, joins.

Three readings are fixed here. A phrase is the longest that fits. A place in the picture ("on the left") is read only
where no noun follows ("on the left plate" is on a plate). A word that may be verb or noun ("blocks") is a noun where
none was said yet. Every step looks at a bounded number of words, so the time grows linearly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gk_utils.spatial_relations.diagnosis import StatementError, nearest_words
from gk_utils.spatial_relations.lexicon import wordings
from gk_utils.spatial_relations.noun_chunks import NOUN_VERBS, Chunk, read_chunk
from gk_utils.spatial_relations.quantifier_words import DETERMINERS, read_quantifier
from gk_utils.spatial_relations.statement_words import Phrase, Words, match, split_words
from gk_utils.spatial_relations.word_lists import ADJECTIVES, COMPOUNDS, NUMBERS, is_doing

LEADS_ON = frozenset({"REL", "PLACE", "CLOSER", "PART", "PLACED", "SAMEAS", "RANKED", "SUPER", "ADV"})
_VIEWS = (("point", "of", "view"), ("perspective",), ("viewpoint",), ("standpoint",), ("position",))
_NAMED = frozenset({"NP", "IT", "PLACE", "ADJS", "RANKED", "FROMSIDE", "EACH", "PART"})
_NEEDS_NOUN = ("the", "a", "an", "every", "no", "its", "their", "his")
_VAGUE = ("many", "few", "lots", "numerous", "countless")
_OWN = ("its", "his", "her", "their")


@dataclass(slots=True)
class Piece:
    """One token of the grammar.

    Attributes:
        type: the terminal's name.
        value: what it says: a Chunk, a relation's name with its frame, a number ...
        start_pos, end_pos: its characters.
        manner: the adverb before a relation.
        line, column, end_line, end_column: what lark's tokens have; unused.
    """

    type: str
    value: Any
    start_pos: int
    end_pos: int
    manner: str = ""
    line: None = None
    column: None = None
    end_line: None = None
    end_column: None = None


class _Scanner:
    def __init__(self, text: str, synonyms: Mapping[str, str]):
        self.found: Words = split_words(text)
        self.synonyms = synonyms
        self.pieces: list[Piece] = []
        self.jumps: dict[int, int] = {}  # words that were read ahead: index, index behind them
        self.manner = ""

    @property
    def before(self) -> str:
        """The kind of the piece before."""
        return self.pieces[-1].type if self.pieces else ""

    def add(self, kind: str, value: Any, at: int, end: int) -> None:
        piece = Piece(kind, value, self.found.starts[at], self.found.ends[end - 1], self.manner)
        self.manner = ""
        self.pieces.append(piece)

    def fail(self, at: int, expected: str, known: Any = (), advice: str = "") -> StatementError:
        found = self.found
        word = found.words[at]
        span = (found.starts[at], found.ends[at])
        return StatementError(found.text, span, expected, nearest_words(word, known), advice)

    def scan(self) -> list[Piece]:
        words, at = self.found.words, 0
        while at < len(words):
            if at in self.jumps:
                at = self.jumps[at]
            elif words[at] == "?":
                raise self.fail(
                    at, "a statement", advice="A question is neither true nor false: say it as a statement."
                )
            elif words[at] in "!:" or (words[at] == "." and at + 1 == len(words)):
                at += 1
            else:
                at = self.owner_side(at) or self.viewpoint(at) or self.phrase(at) or self.chunk(at)
        return self.pieces

    def phrase(self, at: int) -> int | None:
        """The longest fixed phrase that is meant as such."""
        words = self.found.words
        if words[at] in ("either", "also", "both") and self.is_read_over(at):
            return at + 1
        if words[at] == "neither" and self.before in ("BE", "") and "nor" in words[at : at + 40]:
            self.add("NOT" if self.before == "BE" else "NEITHER", None, at, at + 1)
            return at + 1
        floats = words[at] in ("all", "each") and self.before == "BE" and words[at + 1 : at + 2] != ["of"]
        if floats and at + 1 < len(words) and read_quantifier(words, at)[2] == at + 1:
            return at + 1  # "the mugs are all red"
        for found in match(words, at):
            if not self.is_meant(found, at):
                continue
            end = at + found.length
            if found.kind == "ADV":
                self.manner = self.manner or found.value
            elif found.kind not in ("PLACED", "TRUE", "EITHER"):
                self.add(found.kind, found.value, at, end)
            return end
        return self.jumps.get(at)

    def is_read_over(self, at: int) -> bool:
        """Whether "both", "either" or "also" only points forward to an "and" or "or"."""
        words = self.found.words
        if words[at] in ("either", "also"):
            return words[at] == "also" or words[at + 1 : at + 2] != ["of"]
        follows = match(words, at + 1) if at + 1 < len(words) else []
        return self.before == "BE" or bool(follows and follows[0].kind in ("REL", "PLACE", "PART", "ADV"))

    def is_meant(self, found: Phrase, at: int) -> bool:  # noqa: PLR0911 - a table
        """Whether a phrase is meant as such at a word, and not as part of a noun phrase."""
        words, end = self.found.words, at + found.length
        follows = match(words, end) if end < len(words) else []
        plain = end < len(words) and not follows and words[end] not in DETERMINERS and words[end] not in ".,;:!?"
        match found.kind:
            case "PLACE":
                ing = bool(follows) and follows[0].kind == "PART" and follows[0].length == 1
                return not plain and not (ing and end + 1 < len(words) and not match(words, end + 1))
            case "ADV" | "PLACED":
                return bool({phrase.kind for phrase in follows} & LEADS_ON)
            case "VERB" | "VERB0" | "PVERB":
                if words[at] not in NOUN_VERBS or self.before in _NAMED | {"WHO", "DONT"}:
                    return True
                return self.before == "JOIN" and not (follows and follows[0].kind in ("BE", "VERB", "JOIN", "DONT"))
            case "PART":
                return self.before in _NAMED | {"BE", "WHO", "NOT"} or not plain
            case "RANKED":
                return found.length > 1 or not plain
            case "WHO":
                return words[at] != "that" or self.before in _NAMED
            case "MORE":
                return found.value == "equal" or read_quantifier(words, at)[0] is None
            case "NOT":
                return read_quantifier(words, at)[0] is None
            case "BE":
                return words[at] != "'s" or not self.is_owner(at)
            case "REL":
                return not (words[at] in ("at", "up", "over") and read_quantifier(words, at)[0] is not None)
        return True

    def is_owner(self, at: int) -> bool:
        """Whether "'s" makes an owner ("the mug's handle"); says so with a piece if it does."""
        words, end = self.found.words, at + 1
        if self.before not in ("NP", "IT") or end >= len(words) or match(words, end) or words[end] in ".,;:!?":
            return False
        read = None if words[end] in DETERMINERS else read_chunk(self.found, end, self.synonyms)
        if read is None or (read[0].noun in ADJECTIVES or read[0].noun.endswith("ing")):
            return False
        self.add("POSS", None, at, end)
        self.jumps[at] = end
        return True

    def owner_side(self, at: int) -> int | None:
        """Read "on the mug's left" and "on its left": the owner's own left."""
        words = self.found.words
        if words[at] not in ("on", "to", "at"):
            return None
        if words[at + 1 : at + 2] and words[at + 1] in _OWN and words[at + 2 : at + 3] in (["left"], ["right"]):
            owner, end = at + 1, at + 2
        else:
            end = self.find_owner(at + 1)
            if end is None or words[end : end + 1] not in (["left"], ["right"]):
                return None
            owner = None
        behind = end + 1
        for more in (["hand", "side"], ["side"], ["hand"]):
            if words[behind : behind + len(more)] == more:
                behind += len(more)
                break
        else:
            if behind < len(words) and not match(words, behind) and words[behind] not in ".,;:!?":
                return None  # "on the man's left hand"
        self.add("REL", (f"{words[end]}_of", "intrinsic"), at, at + 1)
        if owner is not None:
            self.add("IT", None, owner, owner + 1)
            return behind
        self.jumps[end - 1] = behind
        return at + 1

    def find_owner(self, at: int) -> int | None:
        """The index behind an "'s" that follows within eight plain words."""
        words = self.found.words
        for end in range(at, min(at + 9, len(words))):
            if words[end] == "'s":
                return end + 1
            if words[end] not in DETERMINERS and words[end] != "other" and match(words, end):
                return None
        return None

    def viewpoint(self, at: int) -> int | None:
        """Read "from the mug's point of view"."""
        words = self.found.words
        if words[at] != "from" or any(found.kind == "VIEWER" for found in match(words, at)):
            return None
        own = words[at + 1 : at + 2] and words[at + 1] in _OWN
        end = at + 2 if own else self.find_owner(at + 1)
        for view in _VIEWS:
            if end is not None and tuple(words[end : end + len(view)]) == view:
                self.add("POV", None, at, at + 1)
                if own:
                    self.add("IT", None, at + 1, at + 2)
                    return end + len(view)
                self.jumps[end - 1] = end + len(view)
                return at + 1
        return None

    def chunk(self, at: int) -> int:
        """The core of a noun phrase, or what is said of a thing after "is"."""
        words = self.found.words
        start = at + 1 if words[at] == "that" else at  # "that mug is red"
        read = read_chunk(self.found, start, self.synonyms) if start < len(words) else None
        if read is None:
            raise self.fail(at, "a noun, an adjective or a relation", wordings())
        chunk, end = read
        follows = match(words, end) if end < len(words) else []
        if follows and follows[0].kind == "MORE" and chunk.headless and chunk.kind == "count":
            self.add("MORE", (follows[0].value, chunk.number), at, end + 1)  # "two more mugs than plates"
            return end + 1
        self.check_chunk(chunk, start, end)
        name = chunk.noun.split()
        if len(name) > 1 and is_doing(name[-1]) and " ".join(name[-2:]) not in COMPOUNDS:
            starts_noun = end < len(words) and (words[end] in DETERMINERS or words[end].isdecimal())
            if starts_noun or (follows and follows[0].kind in ("REL", "PLACE", "ADV", "IT", "EACH")):
                return self.participle(chunk, end, bool(starts_noun or follows[0].kind in ("IT", "EACH")))
        kind = "ADJS" if self.says_how(chunk, end, follows) else "NP"
        self.add(kind, chunk, at, end)
        return end

    def check_chunk(self, chunk: Chunk, start: int, end: int) -> None:
        """Refuse an article without a noun, a second number, and words that say no number."""
        words = (*chunk.adjectives, *chunk.noun.split()[:-1])
        if chunk.headless and self.found.words[end - 1] in _NEEDS_NOUN and chunk.pick is None:
            if end < len(self.found.words):
                raise self.fail(end, "a noun")
            raise StatementError(self.found.text, (len(self.found.text),) * 2, "a noun")
        if any(word in NUMBERS for word in words):
            raise self.fail(end - 1, "one number", advice="Say how many once: not 'two of the three'.")
        vague = [at for at in range(start, end) if self.found.words[at] in _VAGUE]
        if vague:
            raise self.fail(vague[0], "a number", advice="Say how many that is, such as 'at least three'.")

    def participle(self, chunk: Chunk, end: int, takes_object: bool) -> int:
        """Read "the dog snoozing on": a noun and what it does; with an object, the word would have to be known."""
        if takes_object:
            raise self.fail(end - 1, "a relation that is known", wordings(), "That one is not; say it otherwise.")
        noun = " ".join(chunk.noun.split()[:-1])
        last = self.found.words[end - 1]
        shorter = replace(chunk, noun=noun, plural=None, span=(chunk.span[0], self.found.ends[end - 2]))
        self.pieces.append(Piece("NP", shorter, *shorter.span))
        self.add("PART", last, end - 1, end)
        return end

    def says_how(self, chunk: Chunk, end: int, follows: list[Phrase]) -> bool:
        """Whether a chunk is an adjective of what was said before ("is red", "is red and small")."""
        if not chunk.only_adjectives():
            return False
        kinds = [piece.type for piece in self.pieces[-3:]]
        verb_next = bool(follows) and follows[0].kind in ("BE", "VERB", "PVERB", "DONT", "SEEN")
        if kinds[-1:] == ["BE"] or kinds[-2:] == ["BE", "NOT"]:
            return "THERE" not in kinds
        if kinds[-1:] == ["JOIN"] or kinds[-2:] == ["JOIN", "NOT"]:
            listed = kinds[-2:-1] == ["ADJS"] or kinds[:1] == ["ADJS"]
            known = chunk.noun in ADJECTIVES
            return (known or listed) and len(self.pieces) > 1 and not verb_next
        return kinds[-1:] == ["NOT"] and "NP" in kinds


def scan(text: str, synonyms: Mapping[str, str]) -> list[Piece]:
    """The pieces of a statement.

    Args:
        text: the statement.
        synonyms: nouns as written (singular) and what to call them instead.

    Raises:
        StatementError: a sign or a word that has no place, or a question.

    >>> [piece.type for piece in scan("The red mug isn't to the left of the dragon.", {})]
    ['NP', 'BE', 'NOT', 'REL', 'NP']
    """
    return _Scanner(text, synonyms).scan()
