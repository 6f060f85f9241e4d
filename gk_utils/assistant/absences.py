"""What is missing where a question asks about what is not there: the word, the thing, its look, a relation, a rank ...

The share of inventions differs much from one to the next, and their mixture decides the share of all. The scene says
what is missing, never a picture.
"""

from collections.abc import Sequence
from dataclasses import replace

from gk_utils.assistant.asking import read_question
from gk_utils.assistant.exam_questions import Drawn
from gk_utils.assistant.relation_answers import phrases_of
from gk_utils.countertop.things import CATEGORIES
from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.parser import parse, parse_phrase
from gk_utils.spatial_relations.statement import Exists, NounPhrase, Related
from gk_utils.spatial_relations.verifier import verify
from gk_utils.spatial_relations.word_lists import ANYTHING

ABSENCES = {
    "word": "a thing that no scene has: an elephant",
    "category": "no thing of that name: a mug where there is none",
    "look": "things of that name, none that looks so: a green mug among red ones",
    "landmark": "what it is near, on or behind is not there",
    "relation": "both are there, and not so: the mug behind the plate that stands before it",
    "rank": "fewer of them: the fourth of three mugs",
    "region": "nothing where the region is",
}


def absence_of(truth: Drawn, arrangement: Arrangement) -> str:
    """What is missing, one of ABSENCES, in the first phrase of a question that names nothing.

    Args:
        truth: a question about something that is not there.
        arrangement: all that is known of the scene, as `spatial_relations.observed.observe` gives it.

    Raises:
        ValueError: everything that it asks about is there.

    >>> from gk_utils.spatial_relations.thing import Thing
    >>> mug = Arrangement([Thing("mug", (0, 0, 4, 4), (9, 9), {"colour": "red"})])
    >>> [absence_of(Drawn(f"Is there {name}?", "none", ((),)), mug) for name in ("an elk", "a cat", "a green mug")]
    ['word', 'category', 'look']
    """
    request = read_question(truth.question)
    if request.kind == "region" and truth.absent:
        return "region"
    for form, group in zip(_forms(request.phrases, request.statement), truth.groups, strict=False):
        if not group:
            return _missing(form, arrangement)
    raise ValueError(f"truth: expected a question about what is not there, got {truth.question!r}. Ask `absent` first.")


def _forms(phrases: Sequence[str], statement: str) -> list[NounPhrase]:
    """The phrases of a question as logical forms, in its order."""
    if statement:
        return sorted(phrases_of(parse(statement)), key=lambda phrase: phrase.span or (0, 0))
    return [parse_phrase(phrase) for phrase in phrases]


def _missing(form: NounPhrase, arrangement: Arrangement) -> str:
    """The first step, from the noun outwards, that leaves nothing."""
    if form.noun not in (*CATEGORIES, *ANYTHING):
        return "word"
    if not _fits(NounPhrase(form.noun), arrangement):
        return "category"
    looks = tuple(clause for clause in form.clauses if not _landmarks(clause))
    if not _fits(replace(form, clauses=looks, pick=None), arrangement):
        return "look"
    for clause in form.clauses:
        if any(not _fits(landmark, arrangement) for landmark in _landmarks(clause)):
            return "landmark"
    return "relation" if not _fits(replace(form, pick=None), arrangement) else "rank"


def _landmarks(clause: object) -> tuple[NounPhrase, ...]:
    """The things that a clause speaks of."""
    return tuple(
        landmark
        for part in clause.walk()
        if isinstance(part, Related)
        for landmark in part.landmarks
        if isinstance(landmark, NounPhrase)
    )


def _fits(form: NounPhrase, arrangement: Arrangement) -> bool:
    return bool(verify(Exists(form), arrangement).references.get(form))
