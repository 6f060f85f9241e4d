"""The picture as the decoder gets it: the patches of a frozen trunk that are surest to show a thing, and where each is.

    Trunk.see -> features (p 192), labels, boxes -> the n surest patches (n 307), and which are no padding

A counter is mostly wall and wood, and a decoder pays for every position. So each thing gives its surest patch first,
then each its second, until there are n: no small thing is crowded out by a large one. Beside its features, a position
has what the trunk says of it: shares of every label, and in `waves` where its thing is and where the patch is. All of
that lies in the features already; said plainly, it takes a decoder fewer steps to find it there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gk_utils.boxes import pairwise_iou
from gk_utils.models.trunk import LABELS, Seen, Trunk
from gk_utils.shikra.talk_tokens import FREQUENCIES, waves

WAVES = 6 * 2 * len(FREQUENCIES)  # numbers for a box and a centre
SAYS = sum(len(values) for values in LABELS.values())  # numbers for the labels
FAINT = 0.1  # features times this: a step of Adam moves a sum by its rate times all its inputs, and these are many
SURE = 0.5  # least share that a patch gives to "there is a thing"
SAME = 0.6  # IoU from which two patches speak of one thing


def prefix_width(trunk: Trunk) -> int:
    """Numbers per position of `see_patches`."""
    return trunk.settings.width + SAYS + WAVES


@dataclass(frozen=True, eq=False)
class Look:
    """What the decoder gets of s pictures.

    Attributes:
        features: (s n d) of the patches, in rows from the top left; zeros in padding.
        seen: (s n) which are no padding.
        boxes_unit: (s n 4) where the trunk takes the thing of each patch to be.
    """

    features: Float[Tensor, "s n d"]
    seen: Bool[Tensor, "s n"]
    boxes_unit: Float[Tensor, "s n 4"]

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: slice | Tensor) -> "Look":
        return Look(self.features[rows], self.seen[rows], self.boxes_unit[rows])

    def blind(self) -> "Look":
        """The same number of pictures, and nothing seen of them."""
        return Look(torch.zeros_like(self.features), torch.zeros_like(self.seen), torch.zeros_like(self.boxes_unit))


def join_looks(looks: Sequence[Look]) -> Look:
    """Several looks as one."""
    features, seen, boxes = zip(*((look.features, look.seen, look.boxes_unit) for look in looks), strict=True)
    return Look(torch.cat(features), torch.cat(seen), torch.cat(boxes))


@torch.no_grad()
def see_patches(trunk: Trunk, images: Float[Tensor, "s 3 h w"], n: int) -> Look:
    """The n surest patches of each picture.

    >>> from gk_utils.models.trunk_grounder import frozen_trunk
    >>> look = see_patches(frozen_trunk("trunk_small"), torch.zeros(1, 3, 128, 128), 8)
    >>> look.features.shape, look.seen.shape
    (torch.Size([1, 8, 243]), torch.Size([1, 8]))
    """
    seen = trunk.see(images)
    centres = trunk.centres_unit.expand(len(images), -1, -1)
    places = waves(torch.cat([seen.boxes_unit.clamp(0, 1), centres], -1)).flatten(2)
    says = torch.cat([seen.labels[name].float().softmax(-1) for name in LABELS], -1)
    every = torch.cat([FAINT * seen.features.float(), says, places], -1)
    chosen, there = choose_patches(seen, n)
    features = every.gather(1, chosen[..., None].expand(-1, -1, every.shape[-1]))
    boxes = seen.boxes_unit.gather(1, chosen[..., None].expand(-1, -1, 4))
    return Look(features * there[..., None], there, boxes.float() * there[..., None])


def choose_patches(seen: Seen, n: int) -> tuple[Tensor, Bool[Tensor, "s n"]]:
    """The numbers (s n) of the n patches, ascending, and which are no padding; padding stands behind."""
    sure = 1 - seen.labels["category"].float().softmax(-1)[..., 0]
    rows, masks = [], []
    for row in range(len(sure)):
        able = (sure[row] > SURE).nonzero()[:, 0]
        able = able[sure[row, able].argsort(descending=True, stable=True)]
        same = pairwise_iou(seen.boxes_unit[row, able], seen.boxes_unit[row, able]) > SAME
        rank = same.tril(-1).sum(1)  # how many surer patches speak of the same thing
        kept = able[rank.argsort(stable=True)[:n]].sort().values
        rows.append(torch.cat([kept, kept.new_zeros(n - len(kept))]))
        masks.append(torch.arange(n, device=sure.device) < len(kept))
    return torch.stack(rows), torch.stack(masks)
