"""What everybody writes first about spatial relations, for lesson 10 to hold against the package: rules, and answers.

Notebook: 10.
"""

import math
from collections.abc import Mapping, Sequence

from gk_utils.errors import check_choice
from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.parser import parse
from gk_utils.spatial_relations.substring_verifier import verify_by_substring
from gk_utils.spatial_relations.thing import Thing
from gk_utils.spatial_relations.verifier import verify

RULES = ("left_of", "right_of", "near", "inside")
TENTHS = 10


def first_rule(name: str, a: Thing, b: Thing) -> bool:
    """Left and right by centres; near by unit coordinates and the mean side; inside by corners.

    >>> mug, plate = (Thing(name, box, (9, 9)) for name, box in (("mug", (0, 0, 4, 4)), ("plate", (1, 0, 9, 4))))
    >>> [first_rule(name, mug, plate) for name in RULES]
    [True, False, True, False]
    """
    check_choice(name, RULES, "name")
    (x1, y1), (x2, y2), (height, width) = a.centre, b.centre, a.image_hw
    if name == "near":
        side = sum((w / width + h / height) / 4 for w, h in (a.wh, b.wh))
        return math.hypot((x1 - x2) / width, (y1 - y2) / height) < 2 * side
    if name == "inside":
        starts = all(one >= other for one, other in zip(a.box[:2], b.box[:2], strict=True))
        return starts and all(one <= other for one, other in zip(a.box[2:], b.box[2:], strict=True))
    return x1 < x2 if name == "left_of" else x1 > x2


def both_answers(text: str, boxes: Mapping[str, Sequence[float]]) -> tuple[bool, str]:
    """What the substring verifier says of a statement, and what ours says or cannot read.

    Args:
        text: the statement.
        boxes: name to [x1, y1, x2, y2] in tenths of the picture; ours takes the names in lower case.

    >>> both_answers("the cup is not left of the plate", {"cup": (1, 4, 2, 5), "plate": (3, 4, 4, 5)})
    (True, 'false (-1.00): by left and right edges')
    """
    first = verify_by_substring(text, {name: tuple(s / TENTHS for s in box) for name, box in boxes.items()})
    things = [Thing(name.lower(), tuple(box), (TENTHS, TENTHS)) for name, box in boxes.items()]
    try:
        return first, str(verify(parse(text), Arrangement(things)))
    except ValueError as error:
        return first, str(error)
