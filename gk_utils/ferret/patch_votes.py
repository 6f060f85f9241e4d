"""A strong peer without any reader: what the trunk's own patches say of a region, averaged.

The trunk was trained to say of every patch what it shows: category, colour, pattern, facing, state. These heads are
linear, so the mean of what they say at a region's points is what they say of the mean feature. No weight is learned for
regions, nothing knows of coordinates: what this gets right is due to reading inside the region alone.

Notebook: 14.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gk_utils.ferret.ferret_recipe import TOGETHER, Answered, as_answered, held_out_questions, join_answered
from gk_utils.ferret.point_sets import points_inside
from gk_utils.ferret.region_forms import BoxRegion, mask_box, region_mask
from gk_utils.ferret.region_questions import ASKS
from gk_utils.ferret.region_sampler import read_at
from gk_utils.models.trunk import LABELS, Trunk
from gk_utils.models.trunk_grounder import frozen_trunk

POINTS = 256


def label_votes(trunk: Trunk, features: Float[Tensor, "n d"], name: str) -> Float[Tensor, "n k"]:
    """What the trunk's head says of features: logits of the answers to ASKS[name], in their order.

    >>> trunk = frozen_trunk()
    >>> label_votes(trunk, torch.zeros(2, trunk.settings.width), "facing").shape
    torch.Size([2, 2])
    """
    kept = [k for k, value in enumerate(LABELS[name]) if value is not None]
    return trunk.label_heads[name](features)[:, kept]


@torch.no_grad()
def vote_scenes(trunk: str, n: int, regions: int = 8, device: str = "cpu", *, in_box: bool = False) -> Answered:
    """The votes of the patches on the questions of `answer_scenes`.

    `in_box` lets all patches in the region's box vote, as one does who is told the box alone.
    """
    eye, parts = frozen_trunk(trunk, device), []
    for start in range(0, n, TOGETHER):
        pictures, names, truth = held_out_questions(
            (trunk, False, str(device)), start, min(TOGETHER, n - start), regions
        )
        masks = [_filled(one.mask) if in_box else one.mask for one in pictures.regions]
        points, _ = points_inside(masks, POINTS, torch.Generator().manual_seed(start))
        means = read_at(pictures.seen().whole, points.to(truth.device), pictures.picture).mean(1)
        parts.append(as_answered(pictures, names, truth, _votes(eye, means, names)))
    return join_answered(parts)


def _votes(trunk: Trunk, means: Float[Tensor, "n d"], names: list[str]) -> Int[Tensor, " n"]:
    said, first = torch.zeros(len(names), dtype=torch.long, device=means.device), 0
    for name, (_, answers) in ASKS.items():
        rows = torch.tensor([one == name for one in names], device=means.device)
        said[rows] = first + label_votes(trunk, means[rows], name).argmax(1)
        first += len(answers)
    return said


def _filled(mask: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """The whole tight box of a mask."""
    height, width = mask.shape
    return region_mask(BoxRegion(*mask_box(mask)), (height, width))
