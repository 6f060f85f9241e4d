"""English statements to logical forms: `parse` for statements, `parse_phrase` for noun phrases.

Three steps, each linear in the length: words to pieces (`statement_scanner`), what each "and" joins (`joins`), and the
grammar (`grammar`). What cannot be read raises a `StatementError` that points at the word; nothing is guessed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gk_utils.spatial_relations.diagnosis import StatementError, Unreadable, nearest_words
from gk_utils.spatial_relations.form_nodes import by_precedence
from gk_utils.spatial_relations.grammar import TERMINALS, parser
from gk_utils.spatial_relations.joins import resolve
from gk_utils.spatial_relations.lexicon import wordings
from gk_utils.spatial_relations.statement import NounPhrase, Statement
from gk_utils.spatial_relations.statement_scanner import Piece, scan
from gk_utils.spatial_relations.word_lists import ADJECTIVES, COMPOUNDS

_THINGS = ("NP", "IT", "ADJS")


def parse(text: str, synonyms: Mapping[str, str] | None = None) -> Statement:
    """Read a statement.

    Articles, capitals and a full stop at the end may be missing. Ambiguous statements are read by the rules of
    `statement`, `joins`, `grammar` and `form_builder`.

    Args:
        text: English, one or more sentences.
        synonyms: nouns as written (singular, lower case, may have blanks) and what to call them: {"cup": "mug"}.

    Raises:
        StatementError: it cannot be read; says where and why.
        ModuleNotFoundError: lark is not installed.

    >>> parse("The red mug isn't to the left of exactly two plates.")
    Claim(NounPhrase('mug', adjectives=('red',)), Not(Related('left_of', (NounPhrase('plate', ...),))))
    >>> print(parse("There are at least two cups that are on the tray", {"cup": "mug"}))
    exists at_least 2(mug+, on(the(tray)))
    >>> parse("The cat is beind the sofa")
    Traceback (most recent call last):
    ...
    gk_utils.spatial_relations.diagnosis.StatementError: statement: expected a relation, got 'beind' ...
    """
    return by_precedence(_parse(text, synonyms, "statement"))


def parse_phrase(text: str, synonyms: Mapping[str, str] | None = None) -> NounPhrase:
    """Read a noun phrase, such as a referring expression.

    Raises:
        StatementError: it cannot be read; says where and why.
        ModuleNotFoundError: lark is not installed.

    >>> print(parse_phrase("second red mug from the left that is on a plate"))
    the(red mug, on(a(plate)), pick leftmost 2)
    """
    return _parse(text, synonyms, "noun")


def _parse(text: str, synonyms: Mapping[str, str] | None, start: str) -> Any:
    from lark.exceptions import UnexpectedToken

    try:
        pieces = resolve(scan(text, synonyms or {}))
        if not pieces:
            raise StatementError(text, (len(text), len(text)), "a statement")
        form = parser().parse(pieces, start=start).form
    except Unreadable as error:
        raise error.of(text) from None
    except UnexpectedToken as error:
        raise _diagnose(text, pieces, error) from None
    if start == "noun" and type(form) is not NounPhrase:
        raise StatementError(text, (0, len(text)), "a noun phrase")
    return form


def _diagnose(text: str, pieces: Sequence[Piece], error: Any) -> StatementError:
    """What to say where the grammar stopped.

    An unknown word is taken for a noun or an adjective first. Where a noun follows it, or nothing, it was likely meant
    as a relation or a verb, and is what the message points at.
    """
    at = next((place for place, piece in enumerate(pieces) if piece is error.token), len(pieces))
    stopped = pieces[at] if at < len(pieces) else None
    before = pieces[at - 1] if at else None
    suspect = _suspect(pieces, at)
    if suspect is not None:
        word = _last_word(text, suspect)
        span = (suspect.end_pos - len(word), suspect.end_pos)
        near = nearest_words(word, (*wordings(), "is", "are"))
        return StatementError(text, span, "a relation" if suspect.type == "ADJS" else "a verb or a relation", near)
    if stopped is None and before is not None and "BE" in error.expected:
        return StatementError(text, (len(text), len(text)), "'is', 'are' or another verb")
    expected = list(dict.fromkeys(TERMINALS[name] for name in TERMINALS if name in error.expected))
    listed = ", ".join(expected[:6]) + (" ..." if len(expected) > 6 else "")
    span = (len(text), len(text)) if stopped is None else (stopped.start_pos, stopped.end_pos)
    return StatementError(text, span, listed or "the end")


def _suspect(pieces: Sequence[Piece], at: int) -> Piece | None:
    """A noun or adjective that was likely meant as something else; its last word is the one to look at."""
    stopped = pieces[at] if at < len(pieces) else None
    before = pieces[at - 1] if at else None
    if before is not None and before.type == "ADJS" and before.value.noun not in ADJECTIVES:
        return before
    if before is not None and before.type in ("NP", "ADJS") and stopped is not None and stopped.type in _THINGS:
        return before
    if stopped is None and not any(piece.type in ("BE", "VERB", "THERE", "PVERB") for piece in pieces):
        long = [piece for piece in pieces if piece.type == "NP" and len(piece.value.noun.split()) > 1]
        return next((piece for piece in long if piece.value.noun not in COMPOUNDS), None)
    return None


def _last_word(text: str, piece: Piece) -> str:
    return text[piece.start_pos : piece.end_pos].rsplit(maxsplit=1)[-1]
