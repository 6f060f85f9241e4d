"""A logical form as a tree of text: what a statement was read as, one part a line.

Notebook: 10.
"""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from gk_utils.spatial_relations.logical_form import Form
from gk_utils.spatial_relations.statement import (
    Attribute,
    CompareCounts,
    Group,
    Is,
    NounPhrase,
    Pick,
    Quantifier,
    Related,
    Same,
)


def tree(form: Form) -> str:
    """The form with its parts below it, indented.

    >>> from gk_utils.spatial_relations.parser import parse
    >>> print(tree(parse("Exactly two red mugs are not on the left of the cat")))
    Claim
    ├─ exactly 2: red mugs
    └─ Not
       └─ left_of
          └─ the: cat
    """
    return "\n".join(_lines(form))


def _lines(form: Form) -> list[str]:
    parts = [part for part in _parts(form) if not isinstance(part, Quantifier)]
    lines = [_said(form)]
    for number, part in enumerate(parts, start=1):
        last = number == len(parts)
        first, *rest = _lines(part)
        lines += [("└─ " if last else "├─ ") + first, *(("   " if last else "│  ") + line for line in rest)]
    return lines


def _parts(form: Form) -> list[Form]:
    found: list[Form] = []
    for entry in fields(form):  # type: ignore[arg-type]
        value = getattr(form, entry.name)
        found += [part for part in (value if isinstance(value, tuple) else (value,)) if isinstance(part, Form)]
    return found


def _said(form: Form) -> str:
    """What the form itself says, without its parts."""
    say = _WORDS.get(type(form))
    return say(form) if say else type(form).__name__


def _phrase(form: NounPhrase) -> str:
    noun = " ".join((*(("other",) if form.other else ()), *form.adjectives, form.noun)) + "s" * form.plural
    return f"{form.quantifier}: {noun}"


def _related(form: Related) -> str:
    frame = "" if form.frame == "unstated" else f" ({form.frame} frame)"
    return f"{form.manner} {form.relation}{frame}".strip()


_WORDS: dict[type, Callable[[Any], str]] = {
    NounPhrase: _phrase,
    Related: _related,
    Attribute: lambda form: form.word,
    Is: lambda form: "is",
    Same: lambda form: f"{'same' if form.same else 'different'} {form.aspect} as",
    Pick: lambda form: f"number {form.rank}, {form.by}",
    Group: lambda form: form.joined,
    CompareCounts: lambda form: form.order + (f" by {form.by}" if form.by is not None else ""),
}
