"""What all logical forms share: a repr that is Python without the defaults, and a walk over the forms inside.

The forms themselves are in `statement.py`. All are frozen dataclasses: they compare by what they say and can be keys.
"""

from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any


class Form:
    """What all forms share: a repr without defaults, and a walk over the forms inside."""

    def __repr__(self) -> str:
        """Python that builds this form again; fields that hold their default are left out."""
        shown, named = [], False
        for entry in fields(self):  # type: ignore[arg-type]
            value = getattr(self, entry.name)
            default = entry.default if entry.default is not MISSING else None
            if not entry.compare or (entry.default is not MISSING and value == default):
                named = True  # what follows a field that was left out needs its name
            else:
                shown.append(f"{entry.name}={value!r}" if named else repr(value))
        return f"{type(self).__name__}({', '.join(shown)})"

    def walk(self) -> Iterator["Form"]:
        """Yield this form and every form inside it, each before its parts, in the order of the fields.

        >>> from gk_utils.spatial_relations.statement import Attribute, Claim, NounPhrase
        >>> [type(form).__name__ for form in Claim(NounPhrase("mug"), Attribute("red")).walk()]
        ['Claim', 'NounPhrase', 'Quantifier', 'Attribute']
        """
        waiting: list[Any] = [self]
        while waiting:
            form = waiting.pop()
            yield form
            parts: list[Any] = []
            for entry in fields(form):
                value = getattr(form, entry.name)
                parts += value if isinstance(value, tuple) else [value]
            waiting += [part for part in reversed(parts) if isinstance(part, Form)]
