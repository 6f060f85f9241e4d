"""What the assistant sees before anybody asks: the things in a picture, each with a box, a name, looks, and a surety.

The patches of the trunk say what they show and where it ends. Patches of one thing agree about its box: they vote, and
what few are sure of is not counted but kept as doubtful. A pattern that they do not agree on is not said: of the looks
it is the one that they mistake, on thin things above all. Nothing here knows a question.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gk_utils.boxes import clip_boxes, pairwise_iou
from gk_utils.countertop.things import KINDS
from gk_utils.models.trunk import LABELS, Trunk
from gk_utils.models.trunk_grounder import letterbox
from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.observed import HOLLOW
from gk_utils.spatial_relations.thing import Thing

LISTED, SURE = 0.3, 0.5  # mean surety of a thing's patches: from the first it is doubtful, from the second it is there
SAME = 0.5  # IoU from which the boxes of two patches are of one thing
STRAY, BESIDE = 3.0, 0.2  # so many times the patches of a group that overlaps it, and this IoU, make it a part of that
AGREED = 0.9  # share of the votes that a pattern needs to be said; chosen on scenes of exam.CHOSEN_ON, none of the exam
ASPECTS = ("colour", "size", "pattern", "state")


@dataclass(frozen=True, eq=False)
class Sight:
    """The things of one picture, the surest first.

    Attributes:
        boxes: (n 4) xyxy, in pixels, inside the picture.
        scores: (n) how sure the trunk is that this is there, in [0, 1].
        arrangement: the same things with names and looks, for the verifier; thing i has box i.
        image_hw: height and width of the picture.
        unsaid: the things whose pattern the votes do not agree on. To hold a phrase against it, it is good enough.
    """

    boxes: Float[Tensor, "n 4"]
    scores: Float[Tensor, " n"]
    arrangement: Arrangement
    image_hw: tuple[int, int]
    unsaid: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.boxes)

    def name(self, index: int) -> str:
        """What to call a thing: "red striped mug"; plain is not said, nor a pattern in doubt.

        >>> from gk_utils.assistant.sight import Sight
        >>> mug = Thing("mug", (0, 0, 4, 4), (9, 9), {"colour": "red", "pattern": "plain"})
        >>> Sight(torch.tensor([[0.0, 0, 4, 4]]), torch.ones(1), Arrangement([mug]), (9, 9)).name(0)
        'red mug'
        """
        looks = [self.look(index, aspect) for aspect in ("colour", "pattern")]
        named = self.arrangement.things[index].name
        return " ".join([*(look for look in looks if look and look != "plain"), named])

    def look(self, index: int, aspect: str) -> str | None:
        """What can be said of the colour, size, pattern or state of a thing; None where nothing can."""
        if aspect == "pattern" and index in self.unsaid:
            return None
        return self.arrangement.things[index].attributes.get(aspect)

    def sure(self) -> tuple[int, ...]:
        """The things that are there, without the doubtful ones."""
        return tuple(index for index, score in enumerate(self.scores.tolist()) if score >= SURE)

    def only(self, indices: Sequence[int]) -> "Sight":
        """Some of the things, in this order."""
        rows = torch.tensor(list(indices), dtype=torch.long)
        things = [self.arrangement.things[index] for index in indices]
        unsaid = frozenset(place for place, index in enumerate(indices) if index in self.unsaid)
        return Sight(self.boxes[rows], self.scores[rows], Arrangement(things), self.image_hw, unsaid)


@torch.no_grad()
def look_around(trunk: Trunk, image: Float[Tensor, "3 h w"]) -> Sight:
    """The things that a trunk sees in a picture of any size.

    Raises:
        ValueError: a picture without pixels.

    >>> from gk_utils.countertop.render import render
    >>> from gk_utils.countertop.scene import draw_scene
    >>> from gk_utils.models.trunk_grounder import frozen_trunk
    >>> scene = draw_scene(3, n=4)
    >>> sight = look_around(frozen_trunk("trunk"), render([scene], (128, 128)).images[0])
    >>> sorted(sight.arrangement.things[index].name for index in sight.sure()) == sorted(
    ...     thing.category for thing in scene.things
    ... )
    True
    """
    side = trunk.settings.image_side
    square, frame = letterbox(image.to(trunk.centres_unit.device), side)
    seen = trunk.see(square[None])
    hw = (int(image.shape[1]), int(image.shape[2]))
    boxes = clip_boxes(frame.to_pixels(side * seen.boxes_unit[0].float()), hw).cpu()
    shares = {name: logits[0].float().softmax(-1).cpu() for name, logits in seen.labels.items()}
    groups, scores = _groups(boxes, shares["category"])
    kept = torch.stack([boxes[group[0]] for group in groups]) if groups else boxes[:0]
    things = [
        _thing(kept[row], {name: of[group].sum(0) for name, of in shares.items()}, hw)
        for row, group in enumerate(groups)
    ]
    patterns = [shares["pattern"][group].mean(0) for group in groups]
    unsaid = frozenset(row for row, votes in enumerate(patterns) if float(votes.max()) < AGREED)
    return Sight(kept, torch.tensor(scores), Arrangement(things), hw, unsaid)


def _groups(boxes: Float[Tensor, "p 4"], shares: Float[Tensor, "p k"]) -> tuple[list[Tensor], list[float]]:
    """The patches of each thing, its surest first, and how sure they are: surest patches speak first."""
    score, category = shares[:, 1:].max(1)
    left = score >= LISTED
    groups, scores = [], []
    while bool(left.any()):
        best = int(torch.where(left, score, -1.0).argmax())
        same = left & (pairwise_iou(boxes[best][None], boxes)[0] >= SAME)
        same[best] = True
        mine = (same & (category == category[best])).nonzero()[:, 0]
        mine = mine[score[mine].argsort(descending=True, stable=True)]
        groups.append(mine)
        scores.append(float(score[mine[:3]].mean()))
        left = left & ~same
    kept = [row for row, group in enumerate(groups) if not _is_stray(group, groups, boxes, category)]
    return [groups[row] for row in kept], [scores[row] for row in kept]


def _is_stray(
    group: Tensor, groups: Sequence[Tensor], boxes: Float[Tensor, "p 4"], category: Int[Tensor, " p"]
) -> bool:
    """Whether these few patches are the rim of a thing that many others speak of: same name, an overlapping box."""
    for other in groups:
        many = len(other) >= STRAY * len(group) and category[other[0]] == category[group[0]]
        if many and float(pairwise_iou(boxes[group[:1]], boxes[other[:1]])) >= BESIDE:
            return True
    return False


def _thing(box: Float[Tensor, " 4"], votes: dict[str, Tensor], image_hw: tuple[int, int]) -> Thing:
    values = {name: LABELS[name][int(of.argmax())] for name, of in votes.items() if name != "category"}
    name = LABELS["category"][1 + int(votes["category"][1:].argmax())]
    kind = KINDS[name]
    attributes = {aspect: values[aspect] for aspect in ASPECTS}
    if kind.facing and not kind.animal:
        attributes[kind.facing] = values["facing"]
    x1, y1, x2, y2 = box.tolist()
    facing = values["facing"] if kind.animal else None
    return Thing(
        name,
        (x1, y1, max(x1, x2), max(y1, y2)),
        image_hw,
        attributes,
        facing=facing,
        hollow=True if name in HOLLOW else None,
    )
