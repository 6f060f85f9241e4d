"""Two small heads on one frozen trunk, for lesson 09: one goes from words to a mask, the other from a box to a mask.

What the trunk makes of pictures and phrases is computed once; a head then learns in seconds.

Notebook: 09.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from gk_utils.labs.phrase_trials import PhraseTrials
from gk_utils.models.trunk import Trunk

SIDE = 64  # of the masks that heads say
AT_ONCE = 16  # phrases
BATCH = 16
RATE = 4e-3


@dataclass(frozen=True, eq=False)
class Features:
    """What a frozen trunk makes of n phrases and their pictures, as maps of its g x g patches, in half precision.

    Attributes:
        joined: patches that have read the words; seen: the same patches before any word.
        boxes_unit: the trunk's answer, as fractions of the picture.
    """

    joined: Float[Tensor, "n d g g"]
    seen: Float[Tensor, "n d g g"]
    boxes_unit: Float[Tensor, "n 4"]

    @property
    def direct(self) -> Float[Tensor, "n c g g"]:
        """What the direct head reads: patches with and without the words, and no box."""
        return torch.cat([self.joined, self.seen], 1)

    @property
    def through_box(self) -> Float[Tensor, "n c g g"]:
        """What the other head reads: patches without the words, and the box."""
        return torch.cat([self.seen, box_maps(self.boxes_unit, self.seen.shape[-1]).half()], 1)


@torch.no_grad()
def read_features(trunk: Trunk, trials: PhraseTrials) -> Features:
    """Ask a trunk all phrases; each picture is seen once."""
    side, patches = trunk.settings.image_side, trunk.grid_hw[0] * trunk.grid_hw[1]
    images = functional.interpolate(trials.images, (side, side), mode="bilinear", antialias=True)
    looks = [trunk.see(some) for some in images.split(AT_ONCE)]
    seen, boxes = (torch.cat([getattr(look, name) for look in looks]) for name in ("features", "boxes_unit"))
    joined, best = [], []
    for start in range(0, len(trials), AT_ONCE):
        rows = trials.row[start : start + AT_ONCE]
        read, _ = trunk.join(seen[rows], trunk.number(trials.texts[start : start + AT_ONCE]))
        joined.append(read[:, :patches].half())
        best.append(trunk.score(read, patches)[:, :-1].argmax(1))
    maps = [part.transpose(1, 2).unflatten(2, trunk.grid_hw) for part in (torch.cat(joined), seen.half()[trials.row])]
    return Features(*maps, boxes[trials.row, torch.cat(best)])


def box_maps(boxes_unit: Float[Tensor, "n 4"], grid: int = 16) -> Float[Tensor, "n 16 g g"]:
    """Boxes as a network reads them: of each of the 4 x 4 parts of every patch, the share inside the box.

    >>> box_maps(torch.tensor([[0.0, 0.0, 0.5, 0.25]]), grid=1)[0, :, 0, 0].view(4, 4).tolist()[:2]
    [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    return functional.pixel_unshuffle(_covered(boxes_unit, 4 * grid)[:, None], 4)


def train_head(
    head: nn.Module, maps: Float[Tensor, "n c g g"], masks: Bool[Tensor, "n h w"], *, steps: int, seed: int = 0
) -> nn.Module:
    """Train a head to say masks (n 1 64 64) from maps: cross-entropy and Dice, AdamW, one cycle of the rate."""
    wanted = functional.adaptive_avg_pool2d(masks[:, None].float(), SIDE)
    optimiser = torch.optim.AdamW(head.parameters(), RATE)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.2)
    random = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        rows = torch.randint(len(maps), (BATCH,), generator=random)
        logits, goal = head(maps[rows].float()), wanted[rows]
        said = logits.sigmoid()
        both, total = (said * goal).sum((1, 2, 3)), (said + goal).sum((1, 2, 3))
        dice = 1 - (2 * both + 1) / (total + 1)
        loss = 4 * functional.binary_cross_entropy_with_logits(logits, goal) + dice.mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rates.step()
    return head.requires_grad_(False)


@torch.no_grad()
def say_masks(head: nn.Module, maps: Float[Tensor, "n c g g"], side: int) -> Bool[Tensor, "n side side"]:
    """What a head makes of maps, as masks of pictures of `side` pixels."""
    found = []
    for some in maps.split(AT_ONCE):
        logits = functional.interpolate(head(some.float()), (side, side), mode="bilinear")
        found.append(logits[:, 0] > 0)
    return torch.cat(found)


def flops(work: Callable[..., Any], *given: Any) -> int:
    """Floating-point operations of the products and convolutions in one call; the models' weights without gradients.

    >>> flops(torch.matmul, torch.zeros(2, 3), torch.zeros(3, 5))
    60
    """
    with FlopCounterMode(display=False) as counter:
        work(*given)
    return counter.get_total_flops()


def _covered(boxes_unit: Float[Tensor, "n 4"], parts: int) -> Float[Tensor, "n p p"]:
    """The share of each cell of a grid of parts x parts that is inside each box."""
    edges = torch.arange(parts + 1) / parts
    x1, y1, x2, y2 = boxes_unit[:, :, None].unbind(1)  # n 1 each
    across = (torch.minimum(edges[1:], x2) - torch.maximum(edges[:-1], x1)).clamp(min=0) * parts
    down = (torch.minimum(edges[1:], y2) - torch.maximum(edges[:-1], y1)).clamp(min=0) * parts
    return down[:, :, None] * across[:, None, :]
