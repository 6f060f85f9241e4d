"""Adverbs of a relation: directly above, far left of, slightly behind, fully inside, nearly touching."""

from typing import Any

from gk_utils.errors import check_choice
from gk_utils.spatial_relations.extents import within
from gk_utils.spatial_relations.verdict import Verdict, all_of, any_of, decided, graded, opposite, unknown

MANNERS = ("directly", "slightly", "far", "fully", "partly", "nearly")
FULLY = 0.95  # of a box that lies within another


def with_manner(manner: str, relation: str, things: tuple[int, ...], plain: Verdict, arrangement: Any) -> Verdict:
    """The verdict of a relation said with an adverb.

    directly: it holds, and the two are aligned or meet. slightly: it holds and they are near; far: and they are far
    apart. fully and partly: 95 % of the box lies within the other's, or less. nearly: it does not hold, but they are
    near. Relations of other than two things keep their plain verdict.

    Args:
        manner: one of MANNERS.
        relation: its name.
        things: the indices of the two.
        plain: its verdict without the adverb.
        arrangement: the `Arrangement` they are in.

    >>> from gk_utils.spatial_relations.arrangement import Arrangement
    >>> from gk_utils.spatial_relations.thing import Thing
    >>> mugs = Arrangement([Thing("mug", (x, 0, x + 3, 4), (99, 99)) for x in (0, 50)])
    >>> plain = mugs.relate("left_of", 0, 1)
    >>> [with_manner(manner, "left_of", (0, 1), plain, mugs).truth for manner in ("far", "slightly", "directly")]
    [True, False, True]
    """
    check_choice(manner, MANNERS, "manner")
    if len(things) != 2:
        return plain
    if manner in ("fully", "partly"):
        first, second = (arrangement.things[index].box for index in things)
        if relation in ("contains", "supports", "surrounding"):
            first, second = second, first
        full = decided(graded(within(first, second), FULLY), "by the boxes")
        return all_of([plain, full if manner == "fully" else opposite(full)])
    if manner == "directly":
        return all_of([plain, any_of([arrangement.relate(name, *things) for name in ("aligned_with", "overlaps")])])
    close = arrangement.relate("near", *things)
    if manner == "nearly":
        return all_of([opposite(plain), close]) if plain.known else unknown(plain.reason)
    return all_of([plain, close if manner == "slightly" else opposite(close)])
