"""A small decoder trained in seconds with and without contrastive denoising, on what a trained model hands to it.

Enhancer and query selection are those of the mini model and stay as they are, so that each picture is seen once. The
decoder is new, and learns to put the selected boxes right and to say yes to one of several boxes on a thing.

Notebook: 07.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.average_precision import average_precision
from gk_utils.box_tokens.detector_recipe import objects_of
from gk_utils.boxes import cxcywh_to_xyxy, xyxy_to_cxcywh
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES
from gk_utils.grounding_dino import Found, MiniGroundingDino, phrase_tokens, write_prompt
from gk_utils.grounding_dino.cross_decoder import Decoded, Decoder
from gk_utils.grounding_dino.denoising import Denoiser, denoising_losses
from gk_utils.grounding_dino.dino_settings import GroundingDinoSettings
from gk_utils.grounding_dino.mini_dino import SEPARATORS
from gk_utils.grounding_dino.phrases import phrase_scores
from gk_utils.grounding_dino.set_loss import Targets, assign, matching_costs, set_losses, weighted

BATCH, RATE = 16, 2e-3
AT_ONCE = 20  # pictures rendered
SEEN = 0.3  # share of a thing that must be visible, or nobody asks for it


@dataclass(frozen=True, eq=False)
class Handed:
    """What a mini model hands to its decoder for some scenes, asked for all categories at once, and the truth.

    Attributes:
        settings: of the model.
        found: cells, words and selected queries of all pictures.
        targets: boxes and tokens of every thing, padded.
        phrases: (p t) which token belongs to which category.
        boxes, labels: true ones of each scene, in pixels of `side`, for the average precision.
    """

    settings: GroundingDinoSettings
    found: Found
    targets: Targets
    phrases: Tensor
    boxes: list[Float[Tensor, "_ 4"]]
    labels: list[Tensor]
    side: int


@torch.no_grad()
def hand_over(mini: MiniGroundingDino, scenes: Sequence[Scene]) -> Handed:
    """See the scenes and select queries; every scene must have as many things."""
    side = mini.image_side
    images, true, visible, boxes, labels = [], [], [], [], []
    for start in range(0, len(scenes), AT_ONCE):
        some = scenes[start : start + AT_ONCE]
        rendered = render(some, (side, side))
        images.append(rendered.images)
        true.append(rendered.boxes)
        visible.append(rendered.masks.flatten(2).sum(-1) > SEEN * rendered.masks_full.flatten(2).sum(-1))
        objects = objects_of(some, rendered)
        boxes += objects[0]
        labels += objects[1]
    found, ids = mini(torch.cat(images), [write_prompt(CATEGORIES)] * len(scenes))
    phrases = phrase_tokens(ids[0], SEPARATORS)
    of = torch.tensor([[CATEGORIES.index(thing.category) for thing in scene.things] for scene in scenes])
    targets = Targets(xyxy_to_cxcywh(torch.cat(true) / side), phrases[of], torch.cat(visible))
    return Handed(mini.model.settings, found, targets, phrases, boxes, labels, side)


def train_decoder(handed: Handed, *, groups: int, steps: int, seed: int = 0, layers: int = 1) -> Decoder:
    """A new decoder, trained on these scenes with `groups` of noised boxes a picture; 0: without denoising."""
    torch.manual_seed(seed)
    settings = replace(handed.settings, decoder_layers=layers, denoising_groups=groups)
    decoder, denoiser = Decoder(settings), Denoiser(settings)
    weights = [*decoder.parameters(), *(denoiser.parameters() if groups else ())]
    optimiser = torch.optim.AdamW(weights, RATE)
    order = torch.Generator().manual_seed(seed)
    for step in range(steps):
        rows = torch.randint(len(handed.boxes), (BATCH,), generator=order)
        targets = Targets(*(part[rows] for part in vars(handed.targets).values()))
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 10) * (1 - step / steps)
        decoded, extra = _decode(handed, decoder, rows, denoiser if groups else None, targets)
        queries = assign(
            matching_costs(decoded.logits.detach(), decoded.boxes_cxcywh.detach(), targets), targets.exists
        )
        loss = weighted(set_losses(decoded.logits, decoded.boxes_cxcywh, targets, queries)).mean() + extra
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
    return decoder.eval()


@torch.no_grad()
def ap50(handed: Handed, decoder: Decoder) -> float:
    """COCO's AP50 of a decoder on these scenes."""
    decoded, _ = _decode(handed, decoder, torch.arange(len(handed.boxes)))
    tokens = handed.phrases.expand(len(handed.boxes), -1, -1)
    best = phrase_scores(decoded.logits[-1], tokens).max(-1)
    boxes = handed.side * cxcywh_to_xyxy(decoded.boxes_cxcywh[-1])
    given = (list(boxes), list(best.values), handed.boxes)
    return average_precision(*given, labels=list(best.indices), true_labels=handed.labels).ap50


def _decode(
    handed: Handed, decoder: Decoder, rows: Tensor, denoiser: Denoiser | None = None, targets: Targets | None = None
) -> tuple[Decoded, Tensor]:
    """The answers for some pictures, and the denoising loss (0 without)."""
    found = handed.found
    cells, words, selected = found.cells.of(rows), found.words, found.selected
    words = replace(words, **{name: value[rows] for name, value in vars(words).items()})
    start, attends, m = (selected.contents[rows], selected.references[rows]), None, 0
    if denoiser is not None and targets is not None:
        noised = denoiser(targets, words.features, start[0].shape[1])
        start = (torch.cat([noised.contents, start[0]], 1), torch.cat([noised.references, start[1]], 1))
        attends, m = noised.attends, noised.contents.shape[1]
    both = decoder(*start, cells, words, attends)
    decoded = Decoded(both.logits[:, :, m:], both.boxes_cxcywh[:, :, m:])
    if not m:
        return decoded, torch.zeros(())
    denoised = Decoded(both.logits[:, :, :m], both.boxes_cxcywh[:, :, :m])
    return decoded, weighted(denoising_losses(noised, denoised, targets)).mean()
