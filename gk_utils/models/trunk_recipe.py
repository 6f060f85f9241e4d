"""How the trunk is trained: what a batch is, what its loss is, and how well the result does on the frozen split.

A batch is some scenes with several expressions each, all fresh: no scene is seen twice. Every patch learns what it
shows; every expression teaches which patches it means and, half way, the steps of its program.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from gk_utils.boxes import paired_giou, paired_iou
from gk_utils.countertop.dataset import read_split, rendered_batches
from gk_utils.countertop.language import draw_expressions, draw_scene_for
from gk_utils.countertop.programs import named, referents
from gk_utils.countertop.render import Rendered, render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.thing_rows import rows_of
from gk_utils.countertop.wording import vocabulary
from gk_utils.models.trunk import LABELS, Seen, Trunk, TrunkSettings, number_words

TRAINING_SEEDS = 2**40  # scenes of the frozen splits have larger seeds
LEAST_VISIBLE = 0.25  # of a thing's pixels; what is hidden more than that is nobody's answer


@dataclass(frozen=True, eq=False)
class Drawn:
    """A batch before it is painted: s scenes of at most n things, e expressions.

    Attributes:
        scenes, texts: the scenes, and the words of the expressions.
        numbers: (e t) the words as numbers.
        scene: (e) which scene each expression is about.
        labels: (s n l) number of each thing's value for each of LABELS; 0 in padding.
        answer: (e n) the things that the expression refers to: one, or none.
        steps: (e n 2) the things that the noun and its adjectives fit, and the landmarks.
    """

    scenes: tuple[Scene, ...]
    texts: tuple[str, ...]
    numbers: Int[Tensor, "e t"]
    scene: Int[Tensor, " e"]
    labels: Int[Tensor, "s n l"]
    answer: Bool[Tensor, "e n"]
    steps: Bool[Tensor, "e n 2"]


def build(settings: Mapping[str, Any]) -> Trunk:
    """A trunk of these sizes, with random weights; what is no size of a trunk is left out.

    >>> build({"words": ["mug"], "image_side": 64, "patch": 16, "width": 24, "heads": 2, "scenes": 4}).grid_hw
    (4, 4)
    """
    known = {name: value for name, value in settings.items() if name in TrunkSettings.__dataclass_fields__}
    return Trunk(TrunkSettings(**{**known, "words": tuple(settings["words"])}))


def draw(settings: Mapping[str, Any], seed: int, step: int) -> Drawn:
    """The batch of a step: `settings["scenes"]` scenes and `settings["expressions"]` of them each.

    Words are numbered as `settings["words"]` says, or by the vocabulary of the countertop.

    >>> drawn = draw({"scenes": 2, "expressions": 3}, seed=0, step=5)
    >>> len(drawn.scenes), drawn.scene.tolist(), drawn.answer.sum(1).max().item()
    (2, [0, 0, 0, 1, 1, 1], 1)
    """
    rng = np.random.default_rng([seed, step])
    scenes = tuple(draw_scene_for(int(number)) for number in rng.integers(TRAINING_SEEDS, size=settings["scenes"]))
    pairs = [
        (index, expression)
        for index, scene in enumerate(scenes)
        for expression in draw_expressions(scene, settings["expressions"], rng)
    ]
    rows_of(scenes)  # kept by the scenes: what `render` needs is ready before they reach the device
    n = max(map(len, scenes))
    labels = torch.zeros(len(scenes), n, len(LABELS), dtype=torch.long)
    for index, scene in enumerate(scenes):
        labels[index, : len(scene)] = torch.tensor(
            [[values.index(getattr(thing, name)) for name, values in LABELS.items()] for thing in scene.things]
        )
    answer = torch.zeros(len(pairs), n, dtype=torch.bool)
    steps = torch.zeros(len(pairs), n, 2, dtype=torch.bool)
    for row, (index, expression) in enumerate(pairs):
        program, landmark = expression.program, expression.program.landmark
        answer[row, list(expression.referents)] = True
        steps[row, list(named(program, scenes[index])), 0] = True
        if landmark is not None:
            steps[row, list(referents(landmark, scenes[index])), 1] = True
    texts = tuple(expression.text for _, expression in pairs)
    numbers = number_words(texts, settings.get("words") or vocabulary())
    return Drawn(scenes, texts, numbers, torch.tensor([index for index, _ in pairs]), labels, answer, steps)


def owners(rendered: Rendered, grid_hw: tuple[int, int]) -> Int[Tensor, "s p"]:
    """Which thing each patch belongs to, -1 for none: the one that fills most of it, if that is 15 % or more.

    The patch that a thing fills most is its own in any case, and of two such things the smaller one's, so that small
    things are seen. A thing of which less than LEAST_VISIBLE can be seen owns nothing.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> owners(render([draw_scene(0, n=2)]), (8, 8)).unique().tolist()
    [-1, 0, 1]
    """
    masks = rendered.masks
    if not masks.shape[1]:
        return torch.full((len(masks), grid_hw[0] * grid_hw[1]), -1, device=masks.device)
    visible = masks.flatten(2).sum(-1)
    counts = visible > LEAST_VISIBLE * rendered.masks_full.flatten(2).sum(-1)
    filled = functional.adaptive_avg_pool2d(masks.float(), grid_hw).flatten(2) * counts[..., None]  # s n p
    most = filled.max(1)
    owner = torch.where(most.values > 0.15, most.indices, -1)
    rows = torch.arange(len(masks), device=masks.device)
    for thing in visible.argsort(1, descending=True).unbind(1):
        patch = filled[rows, thing].argmax(-1)
        owner[rows, patch] = torch.where(counts[rows, thing], thing, owner[rows, patch])
    return owner


def targets_of(
    rendered: Rendered, drawn: Drawn, grid_hw: tuple[int, int]
) -> tuple[Int[Tensor, "s p"], Bool[Tensor, "e p_and_none"], Float[Tensor, "e p 2"]]:
    """What a trunk should say of a batch: the owner of each patch; the patches of each answer, "none" last; the steps.

    An expression whose referent owns no patch has no answer: it cannot be seen.

    >>> drawn = draw({"scenes": 2, "expressions": 3}, seed=0, step=5)
    >>> owner, target, steps = targets_of(render(drawn.scenes), drawn, (8, 8))
    >>> owner.shape, target.shape, steps.shape
    (torch.Size([2, 64]), torch.Size([6, 65]), torch.Size([6, 64, 2]))
    """
    owner = owners(rendered, grid_hw)
    scene, answer, steps = (value.to(owner.device) for value in (drawn.scene, drawn.answer, drawn.steps))
    mine = owner[scene]
    target = torch.cat([_of_patches(answer, mine), ~answer.any(1, keepdim=True)], 1)
    return owner, target, torch.stack([_of_patches(step, mine) for step in steps.unbind(-1)], -1).float()


def loss(trunk: Trunk, drawn: Drawn, settings: Mapping[str, Any]) -> dict[str, Tensor]:
    """The loss of a batch, its parts `answer`, `steps`, `labels` and `box`, and `hit`, how many answers are right.

    An expression whose referent owns no patch is left out: it cannot be seen.

    >>> settings = {"words": ["mug"], "image_side": 64, "patch": 16, "width": 24, "heads": 2}
    >>> settings |= {"scenes": 1, "expressions": 2}
    >>> sorted(loss(build(settings), draw(settings, 0, 0), settings))
    ['answer', 'box', 'hit', 'labels', 'loss', 'steps']
    """
    device, side = trunk.centres_unit.device, trunk.settings.image_side
    rendered = render(drawn.scenes, (side, side), device)
    owner, target, step_target = targets_of(rendered, drawn, trunk.grid_hw)
    seen, asked = trunk(rendered.images, drawn.numbers.to(device), drawn.scene.to(device))
    asks = target.any(1)
    lost = -asked.answer.log_softmax(1).masked_fill(~target, -1e4).logsumexp(1)
    is_right = target.gather(1, asked.answer.argmax(1, keepdim=True)).squeeze(1)
    labels_loss, box_loss = _patch_losses(seen, drawn.labels.to(device), rendered.boxes / side, owner)
    parts = {
        "answer": (lost * asks).sum() / asks.sum().clamp(min=1),
        "steps": 4 * functional.binary_cross_entropy_with_logits(asked.steps, step_target),
        "labels": labels_loss,
        "box": box_loss,
    }
    hit = (is_right & asks).sum() / asks.sum().clamp(min=1)
    return {"loss": sum(parts.values()), **parts, "hit": hit}


def evaluate(trunk: Trunk, settings: Mapping[str, Any], n: int) -> dict[str, Any]:
    """How the trunk does on the first n expressions of the frozen split val.

    `acc@0.5` is over all types: an absent one is right when "none" has more than half, any other when it has not and
    the box has an IoU of at least 0.5 with the true one. `by_type` has the same for each type.

    >>> untrained = build({"words": ["mug"], "image_side": 64, "patch": 16, "width": 24, "heads": 2})
    >>> evaluate(untrained.eval(), {}, 8)["n"]
    8
    """
    side, device = trunk.settings.image_side, trunk.centres_unit.device
    right: dict[str, list[bool]] = {}
    with torch.no_grad():
        for batch in rendered_batches(read_split("val")[:n], 64, (side, side), device):
            texts = [sample.text for sample in batch.samples]
            boxes, none = trunk.answers(batch.images, texts, torch.arange(len(texts), device=device))
            found = (paired_iou(boxes, batch.boxes) >= 0.5) & (none <= 0.5)
            for sample, hit in zip(batch.samples, torch.where(batch.present, found, none > 0.5).tolist(), strict=True):
                right.setdefault(sample.type, []).append(hit)
    all_right = [hit for hits in right.values() for hit in hits]
    by_type = {type: round(sum(hits) / len(hits), 4) for type, hits in sorted(right.items())}
    return {
        "split": "val",
        "n": len(all_right),
        "acc@0.5": round(sum(all_right) / len(all_right), 4),
        "by_type": by_type,
    }


def _patch_losses(
    seen: Seen, labels: Int[Tensor, "s n l"], boxes_unit: Float[Tensor, "s n 4"], owner: Int[Tensor, "s p"]
) -> tuple[Tensor, Tensor]:
    """What the patches say of the things they belong to: cross-entropy of the labels; L1 and GIoU of the boxes."""
    mine, index = owner >= 0, owner.clamp(min=0)[..., None]
    share = mine.float() / mine.sum().clamp(min=1)
    truth = labels.gather(1, index.expand(-1, -1, labels.shape[-1]))
    total = seen.boxes_unit.new_zeros(())
    for number, name in enumerate(LABELS):
        logits = seen.labels[name].float().transpose(1, 2)
        if name == "category":
            total = total + functional.cross_entropy(logits, truth[..., number] * mine)
        else:
            lost = functional.cross_entropy(logits, truth[..., number], reduction="none")
            total = total + 0.5 * (lost * share).sum()
    boxes = boxes_unit.gather(1, index.expand(-1, -1, 4))
    giou = paired_giou(seen.boxes_unit.flatten(0, 1), boxes.flatten(0, 1)).view(share.shape)
    lost = 5 * (seen.boxes_unit - boxes).abs().mean(-1) + 1 - giou
    return total, (lost * share).sum()


def _of_patches(of_things: Bool[Tensor, "e n"], owner: Int[Tensor, "e p"]) -> Bool[Tensor, "e p"]:
    """Whether the thing that each patch belongs to is one of these."""
    return of_things.gather(1, owner.clamp(min=0)) & (owner >= 0)
