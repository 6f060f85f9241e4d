"""The verifier that everybody writes first: search the statement for a relation and for names.

It is here as a baseline that has to lose, and for lesson 10 to take apart, with its faults kept: relations and names
are found as parts of words ("on" in "person", "cup" in "cupboard"), the first relation of the table wins, negation is
not seen, what is not understood is false, and things are a dictionary, so that there cannot be two cups.

Notebook: 10.
"""

from collections.abc import Callable, Mapping

Box = tuple[float, float, float, float]  # xyxy, fractions of the picture


def _centre(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _overlap(a: Box, b: Box) -> bool:
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])


_RELATIONS: dict[str, Callable[[Box, Box], bool]] = {
    "left of": lambda a, b: _centre(a)[0] < _centre(b)[0],
    "right of": lambda a, b: _centre(a)[0] > _centre(b)[0],
    "above": lambda a, b: _centre(a)[1] < _centre(b)[1],
    "below": lambda a, b: _centre(a)[1] > _centre(b)[1],
    "on": lambda a, b: _centre(a)[1] < _centre(b)[1] and _overlap(a, b),
}


def verify_by_substring(statement: str, things: Mapping[str, Box]) -> bool:
    """True or false, never undecided; the answer may depend on the order of `things`.

    >>> cup, plate, table = (0.1, 0.4, 0.2, 0.5), (0.3, 0.4, 0.4, 0.5), (0.6, 0.4, 0.9, 0.9)
    >>> verify_by_substring("the cup is left of the plate", {"cup": cup, "plate": plate})
    True
    >>> verify_by_substring("the cup is not left of the plate", {"cup": cup, "plate": plate})
    True
    """
    statement = statement.lower()
    for relation, holds in _RELATIONS.items():
        if relation not in statement:
            continue
        for subject, box in things.items():
            for other, other_box in things.items():
                named = subject != other and subject in statement and other in statement
                if named and statement.index(subject) < statement.index(relation):
                    return holds(box, other_box)
    return False
