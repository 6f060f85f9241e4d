"""What an "and", "or" or comma joins: statements, subjects, noun phrases, predicates, phrases behind a noun, relations.

The grammar needs to know before it reads on, so this is settled first, by rules that look at the pieces around:

1. A verb with its own subject behind a verb that had one begins a new statement; it begins at the last "and" that gives
   the verb a subject of its number ("the mug is near the plate and the bowl and the cat is red": at the second "and").
   A semicolon, a full stop, "while" and "there" always begin one.
2. Before the first verb, the last "and" joins subjects if the verb is plural and the first noun is not ("the mug on the
   plate and the bowl are red": mug and bowl).
3. All else joins the nearest things of the same kind.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from gk_utils.spatial_relations.diagnosis import Unreadable
from gk_utils.spatial_relations.noun_chunks import Chunk
from gk_utils.spatial_relations.statement_scanner import Piece

_VERBS = frozenset({"BE", "VERB", "VERB0", "PVERB", "DONT", "SEEN"})
_NOUNS = frozenset({"NP", "IT"})
_STRONG = frozenset({";", ".", "while", "whereas"})
_POSTS = frozenset(
    {"REL", "PLACE", "PART", "SAME", "SAMEAS", "RANKED", "FROMSIDE", "SUPER", "CLOSER", "WITHOUT", "STATE"}
)


def _plural(piece: Piece) -> bool | None:
    """Whether a verb is plural; None where it does not tell."""
    match piece.type:
        case "BE":
            return piece.value
        case "VERB" | "VERB0" | "PVERB":
            return piece.value[1]
        case "DONT":
            return None if piece.value == "did not" else piece.value == "do not"
    return None


def _is_many(piece: Piece) -> bool:
    """Whether a noun phrase may be the subject of a plural verb."""
    chunk = piece.value
    if piece.type == "IT" or chunk.plural is None:
        return True
    return chunk.plural or (chunk.number not in (None, 1)) or chunk.headless


def resolve(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces with every JOIN named by what it joins, "and" or "or" as its value; and nouns with their number.

    >>> from gk_utils.spatial_relations.statement_scanner import scan
    >>> [piece.type for piece in resolve(scan("The mug is red and the plate and the bowl are on the tray", {}))]
    ['NP', 'BE', 'ADJS', 'S_JOIN', 'NP', 'SUBJECT_JOIN', 'NP', 'BE', 'REL', 'NP']
    """
    pieces = _tidy(pieces)
    starts = _statement_joins(pieces)
    for at in starts:
        pieces[at].type = "S_JOIN"
    bounds = [-1, *starts, len(pieces)]
    for before, after in itertools.pairwise(bounds):
        _subject(pieces, before + 1, after)
    resolved = [piece for at, piece in enumerate(pieces) for piece in _name(pieces, at)]
    _words(resolved)
    return resolved


def _tidy(pieces: Sequence[Piece]) -> list[Piece]:
    """Without a comma behind what is said ahead, joining words at the end, "in the picture" inside, a last "is"."""
    tidy: list[Piece] = []
    aside = False  # inside ", which is red,"
    ahead = False  # inside "from the mug's point of view" at the beginning of a statement
    for at, piece in enumerate(pieces):
        follows = pieces[at + 1].type if at + 1 < len(pieces) else ""
        starting = not tidy or tidy[-1].type == "JOIN"
        if piece.type == "POV" and starting:
            ahead = True
        if piece.type == "JOIN":
            if tidy and tidy[-1].type == "JOIN":
                if not {piece.value, tidy[-1].value} & {",", *_STRONG}:
                    raise Unreadable((piece.start_pos, piece.end_pos), "one joining word", "Leave one of them out.")
                kept = tidy[-1] if piece.value == "," or tidy[-1].value in _STRONG else piece
                tidy[-1] = replace(kept)
                continue
            if piece.value == "," and (follows == "WHO" or (aside and follows in _VERBS)):
                aside = follows == "WHO"
                continue
            if piece.value == "," and (ahead or (tidy and tidy[-1].type == "VIEWER" and _opens(tidy))):
                ahead = False
                continue
        if piece.type == "VIEWER" and not starting and follows not in ("", "JOIN"):
            continue
        if piece.type == "BE" and follows in ("", "JOIN") and "THAN" in [one.type for one in tidy[-12:]]:
            continue
        tidy.append(replace(piece))
    while tidy and tidy[-1].type == "JOIN" and tidy[-1].value in (",", ".", ";"):
        tidy.pop()
    return tidy


def _opens(tidy: Sequence[Piece]) -> bool:
    return len(tidy) == 1 or tidy[-2].type == "JOIN"


def _own_subject(pieces: Sequence[Piece], at: int) -> bool:
    """Whether a verb stands behind its own subject, and not behind "that" or "and"."""
    before = at - 1
    while before >= 0 and pieces[before].type == "NOT":
        before -= 1
    return before >= 0 and pieces[before].type not in ("WHO", "JOIN", "DONT", "THERE")


def _statement_joins(pieces: Sequence[Piece]) -> list[int]:
    """The joins at which a new statement begins."""
    found: list[int] = []
    candidates: list[int] = []
    had_verb = False
    for at, piece in enumerate(pieces):
        follows = pieces[at + 1].type if at + 1 < len(pieces) else ""
        if piece.type == "JOIN":
            if follows in ("THERE", "FALSE", "COUNTOF", "POV", "VIEWER") or (had_verb and piece.value in _STRONG):
                found.append(at)
                candidates, had_verb = [], False
            elif follows in _NOUNS or follows in ("REL", "PLACE", "NEITHER"):
                candidates.append(at)
        elif piece.type == "THERE":
            had_verb = True
            candidates = []
        elif piece.type in _VERBS and _own_subject(pieces, at):
            if had_verb and candidates:
                found.append(_choose(pieces, candidates, at))
            had_verb, candidates = True, []
    return found


def _choose(pieces: Sequence[Piece], candidates: Sequence[int], verb: int) -> int:
    """The last join that gives the verb a subject of its number; before a noun rather than before a relation."""
    nouns = [at for at in candidates if pieces[at + 1].type in _NOUNS] or list(candidates)
    plural = _plural(pieces[verb])
    if plural and len(nouns) > 1 and pieces[nouns[-1] + 1].type in _NOUNS and not _is_many(pieces[nouns[-1] + 1]):
        return nouns[-2]
    return nouns[-1]


def _subject(pieces: list[Piece], start: int, end: int) -> None:
    """Settle number and joins of the subject of the statement in pieces [start, end)."""
    verb = next((at for at in range(start, end) if pieces[at].type in _VERBS and _own_subject(pieces, at)), None)
    there = next((at for at in range(start, end) if pieces[at].type == "THERE"), None)
    if there is not None and there + 1 < end:
        head = next((at for at in range(there + 1, end) if pieces[at].type == "NP"), None)
        plural = _plural(pieces[there + 1])
    else:
        head = next((at for at in range(start, end) if pieces[at].type in _NOUNS), None)
        plural = None if verb is None else _plural(pieces[verb])
        joins = [] if verb is None else [at for at in range(start, verb) if _joins_nouns(pieces, at)]
        singular = head is not None and not (pieces[head].type == "NP" and _is_many(pieces[head]))
        if plural and singular and joins and head is not None and head < joins[-1]:
            pieces[joins[-1]].type = "SUBJECT_JOIN"
    chunk = None if head is None or plural is None else pieces[head].value
    if isinstance(chunk, Chunk) and chunk.plural is None:
        pieces[head].value = replace(chunk, plural=plural)


def _joins_nouns(pieces: Sequence[Piece], at: int) -> bool:
    return pieces[at].type == "JOIN" and at + 1 < len(pieces) and pieces[at + 1].type in _NOUNS


def _name(pieces: Sequence[Piece], at: int) -> list[Piece]:
    """A piece as the grammar reads it: a JOIN named by what follows; "nor" says "not" as well."""
    piece = pieces[at]
    if piece.type != "JOIN":
        return [piece]
    before = pieces[at - 1].type if at else ""
    follows = pieces[at + 1].type if at + 1 < len(pieces) else ""
    beyond = pieces[at + 2].type if at + 2 < len(pieces) else ""
    if follows in _NOUNS:
        kind = "V_JOIN" if before == "ADJS" else "N_JOIN"
    elif follows == "REL" and before == "REL":
        kind = "R_JOIN"
    elif follows in _POSTS or follows == "WHO" or (follows == "NOT" and beyond in _POSTS):
        kind = "P_JOIN"
    else:
        kind = "V_JOIN"
    named = replace(piece, type=kind)
    if piece.value == "nor" and kind in ("P_JOIN", "V_JOIN"):
        return [named, replace(piece, type="NOT", value=None)]
    return [named]


def _words(pieces: list[Piece]) -> None:
    """Make every join's value "and" or "or"; a comma says what the next join of its kind says."""
    later: dict[str, str] = {}
    for piece in reversed(pieces):
        if piece.type.endswith("_JOIN"):
            if piece.value == ",":
                piece.value = later.get(piece.type, "and")
            elif piece.value != "nor" or piece.type != "N_JOIN":
                piece.value = "or" if piece.value == "or" else "and"
            later[piece.type] = piece.value
        elif piece.type in _VERBS:
            later.pop("N_JOIN", None)
