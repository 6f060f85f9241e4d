"""Holds an answer and its evidence against the scene: right means right in words, and shown to be.

An answer "3" with two boxes on mugs and one on a bowl is wrong. So is a true statement whose boxes are on other things,
a mask that misses its thing, and a relation that the evidence claims and the scene does not have.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Bool, Float
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from gk_utils.assistant.exam_questions import VISIBLE, Drawn
from gk_utils.assistant.grounded_answers import Answer
from gk_utils.assistant.relation_answers import WORDS
from gk_utils.boxes import pairwise_iou
from gk_utils.countertop.render import Rendered
from gk_utils.countertop.scene import Scene
from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.observed import observe
from gk_utils.spatial_relations.parser import parse_phrase
from gk_utils.spatial_relations.statement import Exists
from gk_utils.spatial_relations.verifier import verify

ENOUGH = 0.5  # IoU from which a box or a mask is on its thing
TOLD = 0.8  # share of the well visible things that a description has to mention


@dataclass(frozen=True)
class Mark:
    """What came of an answer.

    Attributes:
        words: the value is the right one; evidence: what it shows is so.
        invented: it shows something that is not there.
        problem: what is wrong first, "" if nothing is.
    """

    words: bool
    evidence: bool
    invented: bool
    problem: str = ""

    @property
    def right(self) -> bool:
        """Right in words, and shown to be."""
        return self.words and self.evidence


@dataclass(frozen=True, eq=False)
class SceneTruth:
    """What is true of a picture: boxes (n 4), masks (n h w), shares of what can be seen; things and their relations."""

    boxes: Float[Tensor, "n 4"]
    masks: Bool[Tensor, "n h w"]
    visible: tuple[float, ...]
    arrangement: Arrangement

    @classmethod
    def of(cls, scene: Scene, rendered: Rendered, row: int = 0) -> "SceneTruth":
        """The truth of a scene that was rendered, as row `row` of `rendered`."""
        n, image_hw = len(scene), tuple(rendered.images.shape[2:])
        alone = Rendered(**{name: value[row : row + 1] for name, value in vars(rendered).items()})
        masks = rendered.masks[row, :n].cpu()
        shares = masks.sum((1, 2)) / rendered.masks_full[row, :n].cpu().sum((1, 2)).clamp(min=1)
        (arrangement,) = observe([scene], image_hw, alone)
        return cls(rendered.boxes[row, :n].float().cpu(), masks, tuple(shares.tolist()), arrangement)


def mark(answer: Answer, truth: Drawn, seen: SceneTruth) -> Mark:
    """Hold an answer against the truth of its question and of its picture."""
    words = answer.value.lower() == truth.answer.lower()
    if answer.kind == "describe" or truth.answer == "described":
        problem, invented = _description(answer, seen)
    else:
        invented = any(not group and named.rows for group, named in zip(truth.groups, answer.named, strict=False))
        problem = _evidence(answer, truth, seen)
    said = "" if words else f"said {answer.value!r}, true is {truth.answer!r}"
    return Mark(words, not problem, invented, said or problem)


def matched(boxes: Float[Tensor, "a 4"], truths: Float[Tensor, "b 4"]) -> list[int | None]:
    """For each box the row of the true box that it is on, each true box at most once; None: on none.

    Of all pairings one with the most pairs of IoU 0.5 or more, and of those the one that overlaps most.

    >>> import torch
    >>> boxes = torch.tensor([[0.0, 0, 4, 4], [0.0, 0, 4, 4]])
    >>> matched(boxes, torch.tensor([[0.0, 0, 4, 4], [6.0, 6, 9, 9]]))
    [0, None]
    """
    found: list[int | None] = [None] * len(boxes)
    if len(boxes) and len(truths):
        overlaps = pairwise_iou(boxes.float(), truths.float())
        worth = (overlaps >= ENOUGH) * (len(boxes) + 1) + overlaps  # one more pair outweighs all overlaps
        for row, column in zip(*linear_sum_assignment(-worth.numpy()), strict=True):
            if overlaps[row, column] >= ENOUGH:
                found[int(row)] = int(column)
    return found


def _evidence(answer: Answer, truth: Drawn, seen: SceneTruth) -> str:
    """What is wrong with the evidence, or ""."""
    if len(answer.named) != len(truth.groups):
        return f"shows {len(answer.named)} phrases, the question has {len(truth.groups)}"
    for named, group in zip(answer.named, truth.groups, strict=True):
        boxes, true = answer.boxes[list(named.rows)], seen.boxes[list(group)]
        hits = matched(boxes, true)
        if None in hits:
            return f"{named.phrase!r}: a box on something else"
        some = truth.answer == "yes" and answer.kind == "absent"  # one of several is enough to show that there is one
        if len(hits) < (min(1, len(group)) if some else len(group)):
            return f"{named.phrase!r}: {len(hits)} boxes for {len(group)} things"
        if answer.kind == "segment":
            for row, hit in zip(named.rows, hits, strict=True):
                mask = answer.mask(row)
                if mask is None or _mask_iou(mask, seen.masks[group[hit]]) < ENOUGH:
                    return f"{named.phrase!r}: a mask that misses it"
    return _wrong_relation(answer, seen) or _missing_relation(answer)


def _description(answer: Answer, seen: SceneTruth) -> tuple[str, bool]:
    """What is wrong with a description, and whether it names something that is not there."""
    told: set[int] = set()
    problems: list[str] = []
    invented = False
    for named in answer.named:
        fits = _fitting(named.phrase, seen.arrangement)
        hits = matched(answer.boxes[list(named.rows)], seen.boxes)
        invented |= not fits
        if not fits:
            problems.append(f"{named.phrase!r}: nothing there is so")
        elif not hits:
            problems.append(f"{named.phrase!r}: no box")
        elif None in hits or not set(hits) <= set(fits):
            problems.append(f"{named.phrase!r}: a box on something else")
        told.update(hit for hit in hits if hit in fits)
    visible = {thing for thing, share in enumerate(seen.visible) if share >= VISIBLE}
    if len(told & visible) < TOLD * len(visible):
        problems.append(f"mentions {len(told & visible)} of {len(visible)} things")
    return next(iter(problems), "") or _wrong_relation(answer, seen), invented


def _fitting(phrase: str, arrangement: Arrangement) -> Sequence[int]:
    """The things of the true scene that a phrase fits; none where it cannot be read."""
    try:
        form = parse_phrase(phrase)
    except ValueError:
        return ()
    return verify(Exists(form), arrangement).references.get(form, ())


def _wrong_relation(answer: Answer, seen: SceneTruth) -> str:
    """The first relation that the evidence claims and the scene does not have, or the reverse; ""."""
    things = matched(answer.boxes, seen.boxes)
    for one in answer.decisions:
        where = [things[row] for row in one.rows]
        if one.truth is None or None in where or one.relation not in seen.arrangement.known:
            continue
        if seen.arrangement.relate(one.relation, *where).truth is not one.truth:
            return f"{one.relation}: the scene says otherwise"
    return ""


def _missing_relation(answer: Answer) -> str:
    """The first side that the value says and no decision claims of the things named; "" where none is missing."""
    if answer.kind != "relate" or answer.value in ("none", "unknown"):
        return ""
    pair = tuple(row for named in answer.named for row in named.rows)
    claimed = {WORDS.get(one.relation) for one in answer.decisions if one.truth and one.rows == pair}
    missing = [word for word in answer.value.split(" and ") if word not in claimed]
    return f"{missing[0]}: said, and not shown" if missing else ""


def _mask_iou(one: Bool[Tensor, "h w"], other: Bool[Tensor, "h w"]) -> float:
    either = int((one | other).sum())
    return int((one & other).sum()) / either if either else 0.0
