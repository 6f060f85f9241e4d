"""Retrieval: a picture must find its caption among 64, all of other pictures, and true of none but its own.

That is what CLIP was trained for, and what it does well. Who stands left of whom hardly matters for it: other pictures
show other things.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.contrastive.pair_claims import Claim, claim_holds, draw_claim
from gk_utils.contrastive.pair_scenes import HELD_OUT, draw_pair_scene
from gk_utils.contrastive.probe_items import Scorer
from gk_utils.countertop.scene import Scene

Gallery = tuple[tuple[Scene, ...], tuple[str, ...]]


def draw_galleries(groups: int, size: int = 64, seed: int = 0) -> list[Gallery]:
    """Groups of scenes with a caption each, which holds in its own scene and in no other of the group: (scenes, texts).

    >>> [(scenes, texts)] = draw_galleries(1, size=3)
    >>> len(set(texts))
    3
    """
    galleries = []
    at = HELD_OUT + (seed + 48) * 2**34
    for _ in range(groups):
        pairs: list[tuple[Scene, Claim]] = []
        while len(pairs) < size:
            rng, scene = np.random.default_rng([at, 16]), draw_pair_scene(at)
            claim = draw_claim(scene, rng, coloured=0.9)
            at += 1
            if claim is None or any(claim_holds(claim, other) is not False for other, _ in pairs):
                continue
            if all(claim_holds(other, scene) is False for _, other in pairs):
                pairs.append((scene, claim))
        scenes, claims = zip(*pairs, strict=True)
        galleries.append((scenes, tuple(claim.text() for claim in claims)))
    return galleries


def top1_of(galleries: list[Gallery], scorer: Scorer) -> Float[Tensor, " n"]:
    """For each picture, whether its own caption scores highest in its gallery; k that share the highest count 1 / k.

    >>> top1_of(draw_galleries(1, size=4), lambda scenes, texts: torch.zeros(len(scenes), len(texts[0])))
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """
    right = []
    for scenes, texts in galleries:
        scores = scorer(scenes, [texts] * len(scenes))
        best = scores == scores.max(1, keepdim=True).values
        right.append(best.diagonal() / best.sum(1))
    return torch.cat(right)
