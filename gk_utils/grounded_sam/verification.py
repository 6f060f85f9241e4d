"""A caption held against regions: each of its claims is supported, contradicted, or cannot be checked, with a reason.

Four kinds of claims have a rule: something is there or is not, how many there are, its colour, and left, right, above
or below by boxes. All other words of a caption are listed as what was not checked: silence would look like consent.
A verdict is as good as what found the boxes. Whoever misses a mug contradicts a true caption.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from gk_utils.grounded_sam.caption_links import Mention, link_caption
from gk_utils.grounded_sam.grounded import Grounded
from gk_utils.grounded_sam.region_colour import COLOURS, colour_shares

Outcome = Literal["supported", "contradicted", "cannot be checked"]
_COUNTED = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBERS = {word: number for number, word in enumerate(_COUNTED)}
DETERMINERS = {"the", "a", "an", "some", "its", "his", "her", "their", "this", "that"}
SEPARATORS = {*DETERMINERS, *NUMBERS, "and", "or", "is", "are", "was", "were", "with", "of", "to", "in", "on", "at"}
SEPARATORS |= {"near", "behind", "under", "above", "below"}
SILENT = {
    *DETERMINERS,
    "and",
    "is",
    "are",
    "was",
    "were",
    "there",
    "of",
    "to",
    "on",
    "in",
    "here",
    "it",
    "side",
    "hand",
}
SILENT |= {"we", "see", "shows", "show", "picture", "image", "photo", "photograph"}
RELATIONS = {
    "left of": (0, 1),
    "right of": (0, -1),
    "above": (1, 1),
    "over": (1, 1),
    "below": (1, -1),
    "under": (1, -1),
}
NO_RULE = {
    **dict.fromkeys(("behind", "front", "before"), "boxes do not show what is farther away"),
    **dict.fromkeys(("near", "next", "beside", "close"), "how near is near is not defined"),
    **dict.fromkeys(("on", "inside", "in"), "boxes do not show what holds what"),
}
ENOUGH, OTHER = 0.3, 0.6  # shares of a region: a colour is there; another one is there instead
Word = tuple[str, int, int]


@dataclass(frozen=True)
class Verdict:
    """One claim of a caption, characters [start, end) of it, and what became of it; `rows` are the boxes looked at."""

    start: int
    end: int
    claim: str
    outcome: Outcome
    reason: str
    rows: tuple[int, ...] = ()


def verify_caption(text: str, found: Grounded, image: Float[Tensor, "3 h w"] | None = None) -> tuple[Verdict, ...]:
    """Hold each claim of a caption against what was found; `image`, RGB in [0, 1], is needed for colours alone.

    Ask the detector for the bare nouns ("mug", not "red mug"): then a colour is a claim of its own.

    >>> import torch
    >>> box, mask = torch.tensor([[0.0, 0.0, 1.0, 1.0]]), {"size": [2, 2], "counts": [0, 1, 3]}
    >>> found = Grounded("a.png", (2, 2), ("mug", "cat"), box, ("mug",), torch.ones(1), (mask,))
    >>> for verdict in verify_caption("A heavy mug. There is no cat.", found):
    ...     print(f"{verdict.claim}: {verdict.outcome}, {verdict.reason}")
    heavy: cannot be checked, no rule for 'heavy'
    mug: supported, 1 box
    no cat: supported, no box
    """
    mentions = link_caption(text, found).mentions
    verdicts: list[Verdict] = []
    for start, end in _sentences(text):
        inside = [mention for mention in mentions if start <= mention.start and mention.end <= end]
        if not inside:
            reason = "it names nothing that was asked for"
            verdicts.append(Verdict(start, end, text[start:end], "cannot be checked", reason))
            continue
        at, before = start, None
        for mention in inside:
            link, own = _split(_words(text, at, mention.start))
            verdicts += _link(link, before, mention, found, image)
            verdicts += _own(own, mention, text, found, image)
            at, before = mention.end, mention
        verdicts += _link(_words(text, at, end), before, None, found, image)
    return tuple(sorted(verdicts, key=lambda verdict: verdict.start))


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    for match in re.finditer(r"\w[^.!?;\n]*", text):
        yield match.span()


def _words(text: str, start: int, end: int) -> list[Word]:
    found = re.finditer(r"\w+", text[start:end])
    return [(match.group().lower(), start + match.start(), start + match.end()) for match in found]


def _split(gap: Sequence[Word]) -> tuple[list[Word], list[Word]]:
    """The words before a mention: those that link it to what came before, and its own: a number, adjectives."""
    places = [place for place, word in enumerate(gap) if word[0] in SEPARATORS or word[0].isdigit()]
    if not places:
        return [], list(gap)
    last = places[-1]
    is_number = gap[last][0] in NUMBERS or gap[last][0].isdigit()
    return list(gap[: last + (not is_number)]), list(gap[last + (not is_number) :])


def _own(
    own: Sequence[Word], mention: Mention, text: str, found: Grounded, image: Float[Tensor, "3 h w"] | None
) -> list[Verdict]:
    """The claims of a noun with its number and adjectives."""
    rows, first = mention.rows, own[0][1] if own else mention.start
    counted = own[0][0] if own and (own[0][0] in NUMBERS or own[0][0].isdigit()) else None
    boxes = "no box" if not rows else "1 box" if len(rows) == 1 else f"{len(rows)} boxes"
    wanted = None if counted is None else NUMBERS.get(counted, -1) if counted in NUMBERS else int(counted)
    holds = bool(rows) if wanted is None else len(rows) == wanted
    claim = text[first if wanted is not None else mention.start : mention.end]
    start = first if wanted is not None else mention.start
    verdicts = [Verdict(start, mention.end, claim, "supported" if holds else "contradicted", boxes, rows)]
    for word in own[wanted is not None :]:
        verdicts.append(_colour(word, mention, found, image) if word[0] in COLOURS else _unknown(word))
    return verdicts


def _link(
    words: Sequence[Word],
    before: Mention | None,
    after: Mention | None,
    found: Grounded,
    image: Float[Tensor, "3 h w"] | None,
) -> list[Verdict]:
    """The claims of the words between two mentions, or at an end of the sentence."""
    plain = [word for word in words if word[0] not in DETERMINERS and word[0] not in ("side", "hand")]
    negated = any(word[0] in ("not", "never") for word in plain)
    said = " ".join(word[0] for word in plain)
    relation = next((name for name in RELATIONS if re.search(rf"\b{name}\b", said)), None)
    verdicts, used = [], {"not", "never"}
    if relation and before and after:
        used |= set(relation.split())
        verdicts.append(_relation(relation, before, after, negated, found))
    for word in plain:
        if word[0] in COLOURS and before:
            verdicts.append(_colour(word, before, found, image, negated))
            used.add(word[0])
    rest = [word for word in plain if word[0] not in used]
    unchecked = [word for word in rest if word[0] not in SILENT]
    if before and after and not verdicts and not unchecked:
        unchecked = [word for word in rest if word[0] in NO_RULE]  # "on" alone
    return verdicts + [_unknown(word) for word in unchecked]


def _relation(name: str, before: Mention, after: Mention, negated: bool, found: Grounded) -> Verdict:
    """Left, right, above, below: by the boxes, where they lie apart and all boxes of both phrases agree."""
    claim = f"{before.phrase} {'not ' if negated else ''}{name} {after.phrase}"
    place, rows = (before.start, after.end, claim), before.rows + after.rows
    for mention in (before, after):
        if not mention.rows:
            return Verdict(*place, "cannot be checked", f"no box for {mention.phrase!r}", rows)
    axis, sign = RELATIONS[name]
    answers = {_apart(found.boxes[a], found.boxes[b], axis) * sign for a in before.rows for b in after.rows}
    if len(answers) > 1:
        return Verdict(*place, "cannot be checked", f"{len(rows)} boxes that do not agree: which are meant?", rows)
    answer = answers.pop()
    if answer == 0:
        return Verdict(*place, "cannot be checked", "the boxes overlap along that direction", rows)
    holds = (answer > 0) != negated
    return Verdict(*place, "supported" if holds else "contradicted", "by their boxes, for the viewer", rows)


def _apart(a: Float[Tensor, " 4"], b: Float[Tensor, " 4"], axis: int) -> int:
    """1 if box a comes before box b along x (axis 0) or y (axis 1), -1 if behind it, 0 if that cannot be said."""
    (a1, a2), (b1, b2) = (sorted(box[[axis, axis + 2]].tolist()) for box in (a, b))
    middle_a, middle_b = (a1 + a2) / 2, (b1 + b2) / 2
    if middle_a < b1 and a2 < middle_b:
        return 1
    return -1 if middle_b < a1 and b2 < middle_a else 0


def _colour(
    word: Word, mention: Mention, found: Grounded, image: Float[Tensor, "3 h w"] | None, negated: bool = False
) -> Verdict:
    """A colour, by the pixels of the masks; of several regions, all must have it."""
    place = (word[1], word[2], f"{mention.phrase} {'not ' if negated else ''}{word[0]}")
    if image is None or not mention.rows:
        reason = "no picture was given" if image is None else f"no box for {mention.phrase!r}"
        return Verdict(*place, "cannot be checked", reason, mention.rows)
    shares = [colour_shares(image, found.mask(row)) for row in mention.rows]
    here = min(each.get(word[0], 0.0) for each in shares)
    other = max(((share, name) for each in shares for name, share in each.items() if name != word[0]), default=(0, ""))
    if here < ENOUGH and other[0] < OTHER:
        return Verdict(*place, "cannot be checked", "no colour covers the region", mention.rows)
    reason = f"{here:.0%} of the region is {word[0]}" if here >= ENOUGH else f"{other[0]:.0%} of it is {other[1]}"
    return Verdict(*place, "supported" if (here >= ENOUGH) != negated else "contradicted", reason, mention.rows)


def _unknown(word: Word) -> Verdict:
    text, start, end = word
    return Verdict(start, end, text, "cannot be checked", NO_RULE.get(text, f"no rule for {text!r}"))
