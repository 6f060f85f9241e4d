"""The live training of lesson 16: heads that count from the patches of a frozen trunk, pooled in three ways.

All see the same features of the same pictures for as many steps. What differs is how 64 patches become one answer:

- mean: the mean of the patches, then a small network;
- attention: a weighted mean whose weights sum to 1, then the same network;
- sum: the network on every patch, then the sum of what it says.

Notebook: 16.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import smooth_l1_loss, softplus

from gk_utils.counting.counting_scenes import draw_counting_scene, render_counting
from gk_utils.errors import check_choice
from gk_utils.models.trunk_grounder import frozen_trunk

KINDS = ("apple", "mug", "bowl", "book")
POOLS = ("mean", "attention", "sum")
START = 2**41  # seeds behind those of training and of val
TRUNK = "trunk_small"
AT_ONCE = 40  # pictures

Pool = Literal["mean", "attention", "sum"]


@dataclass(frozen=True, eq=False)
class Patches:
    """What the trunk makes of n pictures: p patches each, how many things there are, and of which of KINDS."""

    features: Float[Tensor, "n p d"]
    counts: Float[Tensor, " n"]
    kinds: Int[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.counts)


@torch.no_grad()
def draw_patches(
    start: int, n: int, low: int, high: int, *, kind: str | None = None, usual: Mapping[str, int] | None = None
) -> Patches:
    """Pictures with `low` to `high` things of one kind and nothing else, as the trunk sees them.

    Args:
        start: seed of the first.
        n: how many pictures.
        low: the least number of things.
        high: the largest; all numbers are equally often.
        kind: one of KINDS; None takes them in turn.
        usual: kinds that always come in the same number, {"apple": 3}.

    >>> patches = draw_patches(START, 4, 2, 5, usual={"apple": 3})
    >>> patches.features.shape, patches.counts[0].item()
    (torch.Size([4, 64, 128]), 3.0)
    """
    if kind is not None:
        check_choice(kind, KINDS, "kind")
    scenes, kinds = [], []
    for seed in range(start, start + n):
        name = kind or KINDS[seed % len(KINDS)]
        number = int(np.random.default_rng([seed, 30]).integers(low, high + 1))
        number = (usual or {}).get(name, number)
        scenes.append(draw_counting_scene(seed, n=number, category=name, clutter=0.0, overlap=0.2))
        kinds.append(KINDS.index(name))
    trunk = frozen_trunk(TRUNK)
    side = trunk.settings.image_side
    parts = [
        trunk.see(render_counting(scenes[first : first + AT_ONCE], (side, side)).images).features
        for first in range(0, n, AT_ONCE)
    ]
    counts = torch.tensor([float(scene.count()) for scene in scenes])
    return Patches(torch.cat(parts), counts, torch.tensor(kinds))


def with_usual(patches: Patches, start: int, usual: Mapping[str, int]) -> Patches:
    """The same pictures, but for those of some kinds: these are drawn anew with their usual number.

    `start` is the seed that the pictures were drawn from.

    >>> with_usual(draw_patches(START, 8, 1, 2), START, {"apple": 3}).counts.tolist()[::4]
    [3.0, 3.0]
    """
    features, counts = patches.features.clone(), patches.counts.clone()
    for row, kind in enumerate(patches.kinds.tolist()):
        if KINDS[kind] in usual:
            one = draw_patches(start + row, 1, 1, 1, usual=usual)
            features[row], counts[row] = one.features[0], one.counts[0]
    return Patches(features, counts, patches.kinds)


def side_by_side(patches: Patches) -> Patches:
    """Two pictures as one: the patches of both, and as many things as both have. The first with the second, and so on.

    >>> side_by_side(draw_patches(START, 4, 2, 2)).counts.tolist()
    [4.0, 4.0]
    """
    features = torch.cat([patches.features[0::2], patches.features[1::2]], 1)
    return Patches(features, patches.counts[0::2] + patches.counts[1::2], patches.kinds[0::2])


class PooledHead(nn.Module):
    """A head that counts from patches of `width` features, pooled in one of three ways."""

    def __init__(self, pool: Pool, width: int) -> None:
        super().__init__()
        check_choice(pool, POOLS, "pool")
        self.pool = pool
        self.network = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 1))
        self.weigh = nn.Linear(width, 1) if pool == "attention" else None

    def forward(self, features: Float[Tensor, "n p d"]) -> Float[Tensor, " n"]:
        """How many things there are in each picture."""
        if self.pool == "sum":
            return softplus(self.network(features)[..., 0] - 3).sum(1)
        if self.pool == "attention":
            return self.network((self.weigh(features).softmax(1) * features).sum(1))[:, 0]
        return self.network(features.mean(1))[:, 0]


def train_head(patches: Patches, pool: Pool, *, steps: int = 300, seed: int = 0) -> PooledHead:
    """A head after so many steps of 32 pictures; the same seed gives the same head.

    >>> head = train_head(draw_patches(START, 4, 2, 5), "sum", steps=2)
    >>> head(torch.zeros(1, 64, 128)).shape
    torch.Size([1])
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    head = PooledHead(pool, patches.features.shape[2])
    optimiser = torch.optim.AdamW(head.parameters(), 3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    for _ in range(steps):
        some = torch.randint(len(patches), (32,), generator=generator)
        loss = smooth_l1_loss(head(patches.features[some]), patches.counts[some])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return head.eval()


@torch.no_grad()
def say(head: PooledHead, patches: Patches) -> Float[Tensor, " n"]:
    """What a head says for each picture.

    >>> say(PooledHead("mean", 128), draw_patches(START, 2, 1, 1)).shape
    torch.Size([2])
    """
    return head(patches.features)
