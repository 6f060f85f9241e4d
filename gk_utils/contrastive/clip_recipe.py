"""How the small CLIPs are trained: what a batch is, what its loss is, and how well the result does.

A batch is some scenes, each with one caption: a true claim about two of its things. The pictures of the first `pool`
batches are kept in memory, and after that the steps go through them again and again, each time with fresh captions.
The models differ in little: NegCLIP gets hard negatives for every caption, the layout-aware one the boxes of what the
caption names, the model of captions alone NegCLIP's captions and a grey picture; the wide one is more of the same.

`negatives` is how many hard negatives a caption gets. Each picture weighs its caption against its own (a variant of
NegCLIP, `own_negatives_loss`); with `columns` they stand beside all captions of the batch, as NegCLIP was published.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from gk_utils.contrastive.balanced_probes import attribution_probe, relation_probe, unbalanced_probe
from gk_utils.contrastive.clip_loss import clip_loss, gather, negclip_loss, own_negatives_loss
from gk_utils.contrastive.galleries import draw_galleries, top1_of
from gk_utils.contrastive.hard_negatives import several_negatives
from gk_utils.contrastive.layout_loss import WEIGHT, layout_loss
from gk_utils.contrastive.mini_clip import MiniClip, build_clip
from gk_utils.contrastive.pair_claims import Claim, draw_claim
from gk_utils.contrastive.pair_scenes import draw_pair_scene
from gk_utils.contrastive.probe_items import ClipScorer, measure_probe
from gk_utils.countertop.programs import Program, named
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.models.trunk_grounder import weights_of

GALLERY = 64  # captions that a picture must find its own among
HARD_WEIGHT = 3.0  # of a caption against its own negatives, beside CLIP's loss


@dataclass(frozen=True, eq=False)
class Drawn:
    """A batch before it is painted.

    Attributes:
        number, seed: which batch of pictures it is.
        scenes: b scenes.
        texts: a true caption for each.
        hard_texts: the k hard negatives of the first, of the second ..., or none at all.
        phrases: the two phrases of each caption, 2 b: those of the first thing, then those of the second.
        things: (2 b) the index of the thing that each phrase means; -1 where it fits two.
    """

    number: int
    seed: int
    scenes: tuple[Scene, ...]
    texts: tuple[str, ...]
    hard_texts: tuple[str, ...]
    phrases: tuple[str, ...]
    things: Int[Tensor, " n"]


def build(settings: Mapping[str, Any]) -> MiniClip:
    """A small CLIP of these sizes, with random weights."""
    return build_clip(settings)


def draw(settings: Mapping[str, Any], seed: int, step: int) -> Drawn:
    """The batch of a step: `settings["batch"]` scenes, one of the first `pool` batches, with captions of its own.

    >>> drawn = draw({"batch": 2, "pool": 10, "things": [2, 3], "negatives": 1}, seed=0, step=23)
    >>> drawn.number, len(drawn.texts), len(drawn.hard_texts), len(drawn.phrases)
    (3, 2, 2, 4)
    """
    number = step % settings["pool"]
    scenes = _scenes(seed, number, settings["batch"], *settings["things"])
    rng = np.random.default_rng([seed, step, 11])
    claims = [_caption(scene, rng) for scene in scenes]
    wordings = rng.integers(0, 2, len(claims)).tolist()
    k = settings.get("negatives", 0)
    hard = [several_negatives(claim, scene, rng, k) if k else [] for claim, scene in zip(claims, scenes, strict=True)]
    sides = [[getattr(claim, part) for claim in claims] for part in ("subject", "object")]
    things = [_only(look, scene) for looks in sides for look, scene in zip(looks, scenes, strict=True)]
    return Drawn(
        *(number, seed, scenes),
        tuple(claim.text(way) for claim, way in zip(claims, wordings, strict=True)),
        tuple(claim.text(way) for row, way in zip(hard, wordings, strict=True) for claim in row),
        tuple(Claim(look, "and", look).text().split(" and ")[0] for looks in sides for look in looks),
        torch.tensor(things),
    )


def loss(clip: MiniClip, drawn: Drawn, settings: Mapping[str, Any]) -> dict[str, Tensor]:
    """The contrastive loss and, for a layout-aware model, the layout loss; `top1` is picture to caption in the batch.

    >>> settings = {"words": ["mug"], "image_side": 32, "width": 32, "batch": 4, "pool": 1, "things": [2, 3]}
    >>> sorted(loss(build(settings), draw(settings, 0, 0), settings))
    ['loss', 'scale', 'top1']
    """
    b, device = len(drawn.scenes), clip.device
    if clip.settings.trunk:
        patches, centres_unit = _patches(clip, drawn)
        seen = clip.pool(patches.float()).expand(b, -1)
    else:
        images, centres_unit = _pictures(drawn, settings["image_side"], str(device))
        seen = clip.see(images.float() / 255)
    read = clip.read(clip.number([*drawn.texts, *drawn.hard_texts]))
    texts, hard = read[:b], read[b:]
    scale = clip.scale()
    everywhere = [gather(vectors) for vectors in (seen, texts)]
    parts = {}
    if settings.get("columns"):
        total = negclip_loss(*everywhere, gather(hard), scale)
    else:
        total = clip_loss(*everywhere, scale)
        if len(hard):
            parts["hard"] = own_negatives_loss(seen, texts, hard.unflatten(0, (b, -1)), scale)
            total = total + HARD_WEIGHT * parts["hard"]
    if clip.where is not None:
        things = drawn.things.to(device)
        rows = torch.arange(2 * b, device=device) % b
        centres = centres_unit[rows, things.clamp(min=0)]
        phrases = clip.read(clip.number(drawn.phrases))
        parts["layout"] = layout_loss(
            clip.where, seen[rows], texts[rows], phrases, centres_unit=centres, known=things >= 0
        )
        total = total + WEIGHT * parts["layout"]
    with torch.no_grad():
        hits = (everywhere[0] @ everywhere[1].T).argmax(1) == torch.arange(len(everywhere[0]), device=device)
    return {"loss": total, **parts, "top1": hits.float().mean(), "scale": scale.detach()}


def evaluate(clip: MiniClip, settings: Mapping[str, Any], n: int) -> dict[str, Any]:
    """Top-1 of 64 on about n pictures, and the relation and attribution probes (chance 0.5) on n questions each."""
    scorer, galleries = ClipScorer(clip), draw_galleries(max(1, n // GALLERY), GALLERY)
    probes = {
        "relation": relation_probe(n),
        "attribution": attribution_probe(n // 2 + 1),
        "unbalanced": unbalanced_probe(n // 4 + 1),
    }
    found = {name: round(measure_probe(probe, scorer).accuracy, 4) for name, probe in probes.items()}
    trunk = {"trunk": weights_of(settings["trunk"])} if settings.get("trunk") else {}
    return {"n": n, "top1_of_64": round(top1_of(galleries, scorer).mean().item(), 4), **found, **trunk}


def _caption(scene: Scene, rng: np.random.Generator) -> Claim:
    """A claim that some details make possible: the scene was chosen so that one with colours can be drawn."""
    claim = draw_claim(scene, rng, coloured=0.9, detailed=0.1)
    return claim or draw_claim(scene, rng, detailed=1.0)


def _only(look: Program, scene: Scene) -> int:
    """The index of the one thing that looks like this, -1 if there are two."""
    things = named(look, scene)
    return things[0] if len(things) == 1 else -1


@functools.lru_cache(maxsize=4096)
def _scenes(seed: int, number: int, batch: int, fewest: int, most: int) -> tuple[Scene, ...]:
    """The scenes of a batch: those of which a claim can be made."""
    rng, scenes = np.random.default_rng([seed, number, 10]), []
    while len(scenes) < batch:
        scene = draw_pair_scene(int(rng.integers(2**40)), (fewest, most))
        if draw_claim(scene, rng, detailed=1.0):
            scenes.append(scene)
    return tuple(scenes)


_PAINTED: dict[tuple[int, int, tuple[Scene, ...], int, str], tuple[Tensor, Tensor]] = {}


def _pictures(drawn: Drawn, side: int, device: str) -> tuple[UInt8[Tensor, "b 3 h w"], Float[Tensor, "b n 2"]]:
    """The pictures of a batch as bytes, and the middle of each thing's box as fractions; painted once."""
    key = (drawn.seed, drawn.number, drawn.scenes, side, device)
    if key not in _PAINTED:
        rendered = render(drawn.scenes, (side, side), device)
        centres = rendered.boxes.unflatten(-1, (2, 2)).mean(-2) / side
        _PAINTED[key] = ((255 * rendered.images).round().to(torch.uint8), centres)
    return _PAINTED[key]


def _patches(clip: MiniClip, drawn: Drawn) -> tuple[Float[Tensor, "_ p c"], Float[Tensor, "b n 2"]]:
    """What the frozen trunk makes of a batch, in half precision, computed once; and the middles of the boxes."""
    sizes = clip.settings
    key = (drawn.seed, drawn.number, drawn.scenes, sizes.image_side, f"{clip.device} {sizes.trunk} {sizes.blind}")
    if key not in _PAINTED:
        images, centres_unit = _pictures(drawn, sizes.image_side, str(clip.device))
        _PAINTED[key] = (clip.patches(images.float() / 255).half(), centres_unit)
        _PAINTED.pop((*key[:4], str(clip.device)))
    return _PAINTED[key]
