"""The functions out of the lessons that the assistant is composed of, and whose they are.

A learner's functions passed a check, on the cases of that check. In an assistant they meet others; one that stops
there is replaced for that question, and the answer says so.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

USED = {
    "00.thing_shares": "how much of the map of shares each thing gets",
    "01.read_answer": "numbers of a padded square as a box in pixels",
    "01.coverage": "how much of a thing a region covers",
    "05.read_box": "the last box that a text writes",
    "09.overlap": "whether two masks are of one thing",
    "10.conflicts": "which relations cannot both hold",
    "10.from_to": "whether a number is certain where some things are doubtful",
}
Function = Callable[..., Any]


@dataclass(frozen=True)
class Parts:
    """The functions by the ids in USED; `whose` says of each "yours" or "reference".

    Attributes:
        functions: what to call first.
        references: what to call where that fails; the same functions where nothing else is known.
        whose: of each id.
        broken: of each stored function that could not be loaded, why.

    Raises:
        ValueError: an id of USED without a function.

    >>> parts = Parts(dict.fromkeys(USED, lambda: 1 / 0), dict.fromkeys(USED, lambda: 7), dict.fromkeys(USED, "yours"))
    >>> work = parts.at_work()
    >>> work("10.from_to"), work.whose, work.notes
    (7, {'10.from_to': 'reference'}, ['your 10.from_to stopped (division by zero): the reference went on'])
    """

    functions: Mapping[str, Function]
    references: Mapping[str, Function]
    whose: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("functions", "references"):
            if missing := sorted(set(USED) - set(getattr(self, name))):
                raise ValueError(f"{name}: expected one for each of {', '.join(USED)}, got none for {missing[0]}.")

    def at_work(self) -> "AtWork":
        """A caller for one question, which keeps what it called."""
        return AtWork(self)


class AtWork:
    """Calls parts by their ids, and remembers whose were called and what went wrong."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.whose, self.notes = parts, dict[str, str](), list[str]()

    def __call__(self, exercise_id: str, *arguments: Any, read: Callable[[Any], Any] = lambda found: found) -> Any:
        """What the function of this id returns, as `read` makes of it; the reference's where a learner's one stops.

        A learner's function gets copies of the arguments: what it changes in them is nobody else's. It stops as well
        where `read` cannot use what it returned.
        """
        whose = self.parts.whose.get(exercise_id, "reference")
        if self.whose.get(exercise_id, whose) != "reference" and whose != "reference":
            try:
                found = read(self.parts.functions[exercise_id](*copy.deepcopy(arguments)))
                self.whose[exercise_id] = whose
                return found
            except Exception as error:
                self.notes.append(f"your {exercise_id} stopped ({error}): the reference went on")
        self.whose[exercise_id] = "reference"
        return read(self.parts.references[exercise_id](*arguments))
