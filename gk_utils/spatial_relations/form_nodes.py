"""What the rules of the grammar give while a statement is read: nodes, how they join, and what cannot be meant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gk_utils.spatial_relations.diagnosis import Unreadable
from gk_utils.spatial_relations.noun_chunks import Chunk
from gk_utils.spatial_relations.statement import And, Or
from gk_utils.spatial_relations.statement_scanner import Piece

MAX_DEPTH = 40  # noun phrases inside each other; more is refused


@dataclass(slots=True)
class Node:
    """What a rule gave.

    Attributes:
        form: the logical form, or a list on the way to one.
        depth: how many noun phrases are inside each other.
        start, end: its characters.
        chunk: of a noun phrase, the core it was made of.
        alone: a relation without landmark in it, whose other side the subject has to be ("are touching").
    """

    form: Any
    depth: int
    start: int
    end: int
    chunk: Chunk | None = None
    alone: Piece | None = None


def node(form: Any, children: Sequence[Node | Piece], deeper: int = 0, chunk: Chunk | None = None) -> Node:
    """A node over children; `deeper` is added to their depth."""
    depth, alone = 0, None
    for child in children:
        if type(child) is Node:
            depth = max(depth, child.depth)
            alone = alone or child.alone
    first, last = children[0], children[-1]
    start = first.start if type(first) is Node else first.start_pos
    end = last.end if type(last) is Node else last.end_pos
    if depth + deeper > MAX_DEPTH:
        advice = "Make several statements of it."
        raise Unreadable((start, end), f"at most {MAX_DEPTH} phrases inside each other", advice)
    return Node(form, depth + deeper, start, end, chunk, alone)


def joined(word: str, parts: Sequence[Any]) -> Any:
    """And or Or over parts, flat; one part is itself."""
    kind = Or if word == "or" else And
    flat = [inner for part in parts for inner in (part.parts if type(part) is kind else (part,))]
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def alone_error(piece: Piece) -> Unreadable:
    """The error for "the mug is touching"."""
    return Unreadable((piece.end_pos, piece.end_pos), "the other thing")


def by_precedence(parts: Sequence[tuple[str, Any]]) -> Any:
    """Parts joined by words, each with the word before it: "and" binds closer than "or"."""
    groups: list[list[Any]] = [[]]
    for place, (word, part) in enumerate(parts):
        if word == "or" and place:
            groups.append([])
        groups[-1].append(part)
    return joined("or", [joined("and", group) for group in groups])
