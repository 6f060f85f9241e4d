"""Logical forms back to English: `render`, so that reading what was rendered gives the form again.

Not every form can be said: the grammar attaches to the nearest, and English has no brackets. Then it raises.
"""

from typing import Any

from gk_utils.spatial_relations.lexicon import RELATIONS
from gk_utils.spatial_relations.parser import parse, parse_phrase
from gk_utils.spatial_relations.statement import (
    And,
    Attribute,
    Claim,
    CompareCounts,
    EachOther,
    Exists,
    Group,
    Is,
    It,
    Not,
    NounPhrase,
    Or,
    Predicate,
    Quantifier,
    Related,
    Same,
    Statement,
)
from gk_utils.spatial_relations.statement_words import STATES
from gk_utils.spatial_relations.word_lists import NUMBERS, ORDINALS, POSTURE_WORDS, plural

_NUMBER_WORDS = {number: word for word, number in NUMBERS.items()}
_ORDINAL_WORDS = {number: word for word, number in reversed(ORDINALS.items())}
_FIXED = {"bare": "", "count": "", "at_least": "at least", "at_most": "at most"}


def render(form: Statement | NounPhrase) -> str:
    """The English for a statement or a noun phrase; `parse` or `parse_phrase` reads the same form from it.

    Raises:
        ValueError: no sentence of the grammar says it, because it would be read otherwise.
        ModuleNotFoundError: lark is not installed (what is rendered is read again).

    >>> from gk_utils.spatial_relations.parser import parse
    >>> render(parse("At least 2 mugs aren't left of the plate"))
    'At least two mugs are not to the left of the plate.'
    """
    is_phrase = isinstance(form, NounPhrase)
    text = _noun_phrase(form) if is_phrase else _statement(form)
    text = text if is_phrase else text[0].upper() + text[1:] + "."
    try:
        same = (parse_phrase(text) if is_phrase else parse(text)) == form
    except ValueError:
        same = False
    if not same:
        raise ValueError(
            f"form: expected one that a sentence can say, got {form} ({text!r} is read otherwise). Split it."
        )
    return text


def _statement(form: Statement) -> str:
    match form:
        case And() | Or():
            return f" {form.word} ".join(_statement(part) for part in form.parts)
        case Not(Exists(what)):
            return f"there {_be(what)} not {_term(what)}"
        case Not(part):
            return f"it is not true that {_statement(part)}"
        case Exists(what):
            return f"there {_be(what)} {_term(what)}"
        case CompareCounts():
            words = ("as many", "as") if form.order == "equal" else (form.order, "than")
            by = "" if form.by is None else f"{_number(form.by)} "
            return f"there are {by}{words[0]} {_noun_phrase(form.first)} {words[1]} {_noun_phrase(form.second)}"
        case Claim():
            return f"{_ahead(form.predicate)}{_term(form.subject)} {_verbs(form.predicate, _is_plural(form.subject))}"
    raise ValueError(f"form: expected a statement, got {type(form).__name__}. Wrap a predicate in a Claim.")


def _ahead(predicate: Predicate) -> str:
    """The point of view, said once before the statement."""
    seen = [part for part in _own_parts(predicate) if isinstance(part, Related) and part.frame != "unstated"]
    for part in seen:
        if part.viewpoint is not None:
            return f"from the point of view of {_term(part.viewpoint)}, "
        if part.frame == "viewer":
            return "from our point of view, "
    return ""


def _own_parts(predicate: Any) -> list[Any]:
    """A predicate's parts, without what is inside its noun phrases."""
    if isinstance(predicate, And | Or):
        return [inner for part in predicate.parts for inner in _own_parts(part)]
    return _own_parts(predicate.part) if isinstance(predicate, Not) else [predicate]


def _be(term: Any) -> str:
    return "are" if _is_plural(term) else "is"


def _is_plural(term: Any) -> bool:
    if isinstance(term, Group):
        return term.joined == "and" or _is_plural(term.members[-1])
    return isinstance(term, NounPhrase) and term.plural


def _verbs(predicate: Predicate, many: bool) -> str:
    """A predicate with its verb: "is red", "does not contain a spoon"."""
    match predicate:
        case And() | Or():
            return f" {predicate.word} ".join(_verbs(part, many) for part in predicate.parts)
        case Not(Or(parts)):
            return f"{'are' if many else 'is'} not {' or '.join(_told(part) for part in parts)}"
        case Not(part):
            if _has_verb(part):
                return (
                    f"{'do' if many else 'does'} not {RELATIONS[part.relation].verbs[0][1]} {_term(part.landmarks[0])}"
                )
            return f"{'are' if many else 'is'} not {_told(part)}"
    if _has_verb(predicate):
        return f"{RELATIONS[predicate.relation].verbs[0][many]} {_term(predicate.landmarks[0])}"
    return f"{'are' if many else 'is'} {_told(predicate)}"


def _has_verb(predicate: Any) -> bool:
    """Whether a relation is better said by its verb, and can be: "contains"."""
    plain = isinstance(predicate, Related) and predicate.frame == "unstated" and not predicate.manner
    return plain and bool(RELATIONS[predicate.relation].verbs) and RELATIONS[predicate.relation].landmarks == 1


def _told(predicate: Any) -> str:
    """What stands behind "is"."""
    match predicate:
        case Attribute(word):
            return f"with {STATES[word]}" if word in STATES else word
        case Is(what):
            return _noun_phrase(what)
        case Same(aspect, other, same):
            if isinstance(other, EachOther):
                return f"the same {aspect}" if same else f"different {aspect}s"
            return f"{'the same' if same else 'a different'} {aspect} {'as' if same else 'from'} {_term(other)}"
        case Related():
            return _related(predicate)
        case And(parts):
            return " and ".join(_told(part) for part in parts)
    raise ValueError(f"form: expected one that a sentence can say, got {predicate} inside a 'not'. Split it.")


def _related(form: Related) -> str:
    """A relation with its landmarks."""
    manner = f"{form.manner} " if form.manner else ""
    terms = [_term(landmark) for landmark in form.landmarks]
    if form.relation in ("closer_than", "closer_than_to"):
        return f"closer to {terms[0]} than {'to ' if form.relation == 'closer_than_to' else ''}{terms[1]}"
    if form.frame == "intrinsic" and form.viewpoint is None and terms:
        side = form.relation.removesuffix("_of")
        return f"{manner}on its {side}" if isinstance(form.landmarks[0], It) else f"{manner}on {terms[0]}'s {side}"
    words = RELATIONS[form.relation].forms[0]
    return f"{manner}{words} {' and '.join(terms)}".strip()


def _term(term: Any) -> str:
    match term:
        case It():
            return "it"
        case EachOther():
            return "each other"
        case Group(members, word):
            *first, last = [_term(member) for member in members]
            return f"{', '.join(first)} {word} {last}"
    return _noun_phrase(term)


def _noun_phrase(form: NounPhrase) -> str:
    """Quantifier, which one, adjectives, noun, and the phrases behind it."""
    words = [*_quantifier(form)]
    pick, ranked = form.pick, ""
    if pick is not None:
        words += [*([_ORDINAL_WORDS.get(pick.rank, "")] if pick.rank > 1 else []), pick.by]
        if pick.landmark is not None:
            ranked = f" {'to' if pick.by == 'nearest' else 'from'} {_term(pick.landmark)}"
    *before, last = form.noun.split()
    words += [*form.adjectives, *before, plural(last) if form.plural else last]
    text = " ".join(word for word in words if word) + ranked
    linked = bool(ranked)  # whether "and" has to stand before the next phrase
    for clause in form.clauses:
        if _stands_alone(clause):
            inner = clause.part if isinstance(clause, Not) else clause
            told = f"without {STATES[inner.word]}" if isinstance(inner, Attribute) and inner is not clause else None
            told = told or ("not " if inner is not clause else "") + _told(inner)
            text += f" {'and ' if linked else ''}{told}"
            linked = True
        else:
            text += f" that {_verbs(clause, form.plural)}"
            linked = False
    return text


def _stands_alone(clause: Any) -> bool:
    """Whether a predicate can follow a noun without "that is"."""
    inner = clause.part if isinstance(clause, Not) else clause
    if isinstance(inner, Attribute):
        return inner.word in STATES or (inner.word in POSTURE_WORDS and inner is clause)
    return isinstance(inner, Related | Same)


def _quantifier(form: NounPhrase) -> list[str]:
    quantifier = form.quantifier
    if quantifier == Quantifier("all", 2):
        words = ["both"]
    else:
        number = [] if quantifier.number is None else [_number(quantifier.number)]
        words = [_FIXED.get(quantifier.kind, quantifier.kind), *number]
    if form.other:
        words = ["another"] if quantifier.kind == "a" else [*words, "other"]
    elif quantifier.kind == "a":
        first = [*form.adjectives, form.noun] if form.pick is None else [form.pick.by]
        words = ["an" if first[0][0] in "aeiou" else "a"]
    return words


def _number(number: int) -> str:
    return _NUMBER_WORDS.get(number, str(number))
