"""What two witnesses say of a picture: a list of the things seen in it, and answers to phrases.

The first looks at patches, without words: each says which thing it belongs to, what that is, and its colour. The second
is asked a phrase, "the mug behind the kettle", and says where that is, or that there is none. Both are one trunk, so
they are wrong together more often than two strangers would be. Nor is the second asked blindly: the filter asks it
where the first does not affirm, and of a count whether there is one beyond those that the first saw.

Notebook: 15.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.ops import batched_nms

from gk_utils.boxes import clip_boxes, pairwise_iou
from gk_utils.countertop.things import CATEGORIES, COLOURS
from gk_utils.errors import check_same_length
from gk_utils.frames import Frame
from gk_utils.models.trunk_grounder import TrunkGrounder, letterbox
from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.observed import HOLLOW
from gk_utils.spatial_relations.thing import Thing

SURE, MAYBE = 0.5, 0.1  # the share that a patch gives to its category: a thing, perhaps a thing
NMS_IOU = 0.5
BATCH = 16


@dataclass(frozen=True, eq=False)
class Asked:
    """The answer to a phrase: the share of "there is none", and the boxes (n 4) in pixels, best first, with scores."""

    none: float
    boxes: Float[Tensor, "n 4"]
    scores: Float[Tensor, " n"]


@dataclass(eq=False)
class View:
    """One picture as the witnesses see it.

    Attributes:
        image: RGB in [0, 1].
        arrangement: the things that are surely there, in pixels of the image.
        maybe: names and boxes of all things that may be there, sure ones too.
        colour_shares: of each thing of the arrangement, a share for each of COLOURS.
        grounder: who answers phrases.
    """

    image: Float[Tensor, "3 h w"]
    arrangement: Arrangement
    maybe: tuple[Thing, ...]
    colour_shares: Float[Tensor, "n c"]
    grounder: TrunkGrounder
    _answers: dict[str, Asked] = field(default_factory=dict)

    @property
    def image_hw(self) -> tuple[int, int]:
        """Height and width of the image."""
        return self.image.shape[1], self.image.shape[2]

    def thing_at(self, box: Float[Tensor, " 4"], least: float = 0.5) -> int | None:
        """The number of the sure thing whose box fits best; None if none has this IoU."""
        if not len(self.arrangement):
            return None
        boxes = torch.tensor([thing.box for thing in self.arrangement.things], dtype=torch.float32)
        ious = pairwise_iou(box[None].float(), boxes)[0]
        best = int(ious.argmax())
        return best if float(ious[best]) >= least else None

    def ask(self, phrase: str) -> Asked:
        """What the grounder says to a phrase; it is asked once."""
        if phrase not in self._answers:
            self.ask_all([self], [[phrase]])
        return self._answers[phrase]

    @staticmethod
    def ask_all(views: Sequence["View"], phrases: Sequence[Sequence[str]]) -> None:
        """Ask ahead, several pictures at once, each its own phrases: what is asked again later is known then."""
        check_same_length(views, phrases, ("views", "phrases"))
        new = [
            [phrase for phrase in dict.fromkeys(each) if phrase not in view._answers]
            for view, each in zip(views, phrases, strict=True)
        ]
        for start in range(0, len(views), BATCH):
            some = slice(start, start + BATCH)
            if not any(new[some]):
                continue
            found = views[0].grounder.look_all([view.image for view in views[some]], new[some])
            for view, asked, answers in zip(views[some], new[some], found, strict=True):
                for phrase, (scores, grounding) in zip(asked, answers, strict=True):
                    view._answers[phrase] = Asked(scores.none, grounding.boxes, grounding.scores)

    def elsewhere(self, other: "View") -> "View":
        """The same picture with the witnesses' words about another one: the control."""
        return replace(other, image=self.image)


@torch.no_grad()
def view_pictures(grounder: TrunkGrounder, images: Sequence[Float[Tensor, "3 h w"]]) -> list[View]:
    """Look at pictures of any size.

    >>> from gk_utils.models.trunk_grounder import load_grounder
    >>> (view,) = view_pictures(load_grounder()[0], [torch.rand(3, 48, 64)])
    >>> view.image_hw, view.ask("mug").none > 0
    ((48, 64), True)
    """
    trunk, views = grounder.trunk, []
    side = trunk.settings.image_side
    for start in range(0, len(images), BATCH):
        some = images[start : start + BATCH]
        fitted = [letterbox(image.to(trunk.centres_unit.device), side) for image in some]
        seen = trunk.see(torch.stack([square for square, _ in fitted]))
        shares, category = seen.labels["category"].float().softmax(-1)[..., 1:].max(-1)
        colours = seen.labels["colour"].float().softmax(-1)
        for row, image in enumerate(some):
            image_hw = (image.shape[1], image.shape[2])
            boxes = _in_picture(side * seen.boxes_unit[row].float(), fitted[row][1], image_hw)
            kept = batched_nms(boxes, shares[row], category[row], NMS_IOU)
            kept = kept[shares[row][kept] >= MAYBE]
            sure = kept[shares[row][kept] >= SURE]
            things = [
                [_thing(boxes[at], int(category[row, at]), int(colours[row, at].argmax()), image_hw) for at in those]
                for those in (kept.tolist(), sure.tolist())
            ]
            parts = (Arrangement(things[1]), tuple(things[0]), colours[row][sure].cpu())
            views.append(View(image, *parts, grounder))
    return views


def _in_picture(boxes: Tensor, frame: Frame, image_hw: tuple[int, int]) -> Tensor:
    boxes = clip_boxes(frame.to_pixels(boxes), image_hw).cpu()
    corners = boxes.view(-1, 2, 2)
    return torch.cat([corners.amin(1), corners.amax(1)], -1)


def _thing(box: Tensor, category: int, colour: int, image_hw: tuple[int, int]) -> Thing:
    name = CATEGORIES[category]
    hollow = True if name in HOLLOW else None
    return Thing(name, tuple(box.tolist()), image_hw, {"colour": COLOURS[colour]}, hollow=hollow)
