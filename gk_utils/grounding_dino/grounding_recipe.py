"""How the mini Grounding DINO is trained: what a batch is, what its loss is, and how well the result does.

A batch is some fresh scenes, each with several prompts: one for detection, names with dots between them, and the others
an expression each. The set loss of matched queries alone learns slowly from nothing, so every cell of the finest
level is taught too, as every patch of the dense trunk is: which words it fits and its box after the enhancer, half way
which steps of the expression it fits, and before any words what it shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from gk_utils.average_precision import average_precision
from gk_utils.box_regression import giou_loss, l1_loss
from gk_utils.box_tokens.detector_recipe import objects_of, scenes_of
from gk_utils.boxes import cxcywh_to_xyxy, paired_iou, xyxy_to_cxcywh
from gk_utils.countertop.dataset import read_split, rendered_batches
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES
from gk_utils.grounding_dino.denoising import denoising_losses
from gk_utils.grounding_dino.dino import Found
from gk_utils.grounding_dino.mini_dino import (
    PADDING,
    SEPARATORS,
    MiniGroundingDino,
    Vocabulary,
    build_mini,
)
from gk_utils.grounding_dino.phrases import phrase_scores
from gk_utils.grounding_dino.prompt_names import draw_names
from gk_utils.grounding_dino.prompts import phrase_tokens, write_prompt
from gk_utils.grounding_dino.set_loss import Targets, focal_loss, grounding_losses, weighted
from gk_utils.models import trunk_recipe
from gk_utils.models.trunk import LABELS
from gk_utils.models.trunk_grounder import weights_of
from gk_utils.models.trunk_recipe import LEAST_VISIBLE, owners

BATCH = 64  # pictures evaluated at once
LOW = 0.02  # boxes that score less do not enter the average precision


@dataclass(frozen=True, eq=False)
class Drawn:
    """A batch before it is painted: s scenes of at most n things, e prompts of t tokens.

    Attributes:
        scenes: the scenes.
        scene: (e) which scene each prompt is about.
        input_ids: (e t) the prompts.
        speaks: (e n t) which tokens speak of each thing.
        steps: (e n 2) the things that an expression's noun and adjectives fit, and the landmarks.
        expression: (e) False for a detection prompt.
        labels: (s n l) number of each thing's value for each of LABELS.
    """

    scenes: tuple[Scene, ...]
    scene: Int[Tensor, " e"]
    input_ids: Int[Tensor, "e t"]
    speaks: Bool[Tensor, "e n t"]
    steps: Bool[Tensor, "e n 2"]
    expression: Bool[Tensor, " e"]
    labels: Int[Tensor, "s n l"]


def build(settings: Mapping[str, Any]) -> MiniGroundingDino:
    """A mini model of these sizes, with random weights."""
    return build_mini(settings)


def draw(settings: Mapping[str, Any], seed: int, step: int) -> Drawn:
    """The batch of a step: `settings["scenes"]` scenes, each with a detection prompt and some `expressions`.

    >>> drawn = draw({"words": ["mug"], "scenes": 2, "expressions": 3}, seed=0, step=5)
    >>> drawn.scene.tolist(), drawn.expression.int().tolist()
    ([0, 1, 0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 1, 1, 1])
    """
    asked = trunk_recipe.draw(settings, seed, step)
    rng, s = np.random.default_rng([seed, step, 7]), len(asked.scenes)
    lists = [draw_names(scene, rng) for scene in asked.scenes]
    prompts = [write_prompt(list(names)) for names in lists] + [f"{text}." for text in asked.texts]
    ids, seen = Vocabulary(settings["words"]).encode(prompts)
    words = seen & ~torch.isin(ids, torch.tensor(SEPARATORS))
    speaks = torch.zeros(len(prompts), asked.answer.shape[1], ids.shape[1], dtype=torch.bool)
    speaks[s:] = asked.answer[..., None] & words[s:, None]
    for row, names in enumerate(lists):
        for tokens, fits in zip(phrase_tokens(ids[row], SEPARATORS), names.values(), strict=True):
            speaks[row, list(fits)] |= tokens
    steps = torch.cat([torch.zeros(s, *asked.steps.shape[1:], dtype=torch.bool), asked.steps])
    scene = torch.cat([torch.arange(s), asked.scene])
    return Drawn(asked.scenes, scene, ids, speaks, steps, torch.arange(len(prompts)) >= s, asked.labels)


def loss(mini: MiniGroundingDino, drawn: Drawn, settings: Mapping[str, Any]) -> dict[str, Tensor]:
    """The loss of a batch and its parts; `hit` is how many expressions' best boxes are right.

    `set` and `denoising` are means over the layers; `cells`, `steps` and `labels` what every cell learns. An expression
    about a thing that is too hidden is left out.

    >>> settings = {"words": ["mug"], "image_side": 128, "width": 32, "heads": 2, "inner": 64, "queries": 12}
    >>> settings |= {"enhancer_layers": 1, "decoder_layers": 1, "denoising_groups": 1}
    >>> sorted(loss(build(settings), draw({**settings, "scenes": 1, "expressions": 2}, 0, 0), settings))
    ['cells', 'denoising', 'hit', 'labels', 'loss', 'set', 'steps']
    """
    side, device = mini.image_side, mini.device
    with torch.autocast(device.type, enabled=False), torch.no_grad():
        rendered = render(drawn.scenes, (side, side), device)
        visible = rendered.masks.flatten(2).sum(-1) > LEAST_VISIBLE * rendered.masks_full.flatten(2).sum(-1)
    names = ("scene", "input_ids", "speaks", "steps", "expression", "labels")
    scene, ids, speaks, steps, expression, labels = (getattr(drawn, name).to(device) for name in names)
    meant = speaks.any(-1)
    shown = meant & visible[scene]
    asked = ~expression | shown.any(1) | ~meant.any(1)
    scene, ids, speaks, steps, expression, shown = (
        value[asked] for value in (scene, ids, speaks, steps, expression, shown)
    )
    targets = Targets(xyxy_to_cxcywh(rendered.boxes / side)[scene], speaks, shown)
    cells = mini.model.see(rendered.images)
    owner = owners(rendered, cells.level_hw[0])  # s p, the cells of the finest level
    found = mini.model.find(cells.of(scene), ids, ids != PADDING, targets if mini.training else None)
    p, mine = owner.shape[1], owner[scene]
    parts = {
        "set": weighted(grounding_losses(found.decoded, found.selected, targets)).mean(),
        "cells": _cell_loss(mini, found, targets, mine),
        "steps": _step_loss(mini.step_head(found.half_way[:, :p]).float(), steps, mine, expression),
        "labels": _label_loss(mini, cells.features[:, :p], labels, owner),
    }
    if found.noised is not None:
        parts["denoising"] = weighted(denoising_losses(found.noised, found.denoised, targets)).mean()
    return {"loss": sum(parts.values()), **parts, "hit": _hit(found, targets, expression)}


def evaluate(mini: MiniGroundingDino, settings: Mapping[str, Any], n: int) -> dict[str, Any]:
    """Detection on the first n pictures and grounding on the first n expressions of the frozen split val.

    `ap` and `ap50` by COCO's rules, all categories asked for at once. `acc@0.5_short` and `acc@0.5_long` over the
    expressions that mean something, whatever the score of the best box; `absent_f1` of the answer "there is none".
    """
    with torch.no_grad():
        mini.absent_below, _ = absent_threshold(mini, scenes=min(n, 200))
        scores = {"split": "val", "n": n, **detection_scores(mini, "val", n), **grounding_scores(mini, "val", n)}
    trunk = {"trunk": weights_of(settings["trunk"])} if "trunk" in settings else {}
    return {**scores, "absent_below": mini.absent_below, **trunk}


def detection_scores(mini: MiniGroundingDino, split: str, n: int) -> dict[str, float]:
    """Average precision on the first n pictures of a split, when all categories are asked for at once."""
    scenes, side = scenes_of(split, n), mini.image_side
    found, true_boxes, true_labels = [], [], []
    for start in range(0, len(scenes), BATCH):
        some = scenes[start : start + BATCH]
        rendered = render(some, (side, side), mini.device)
        found += detect_categories(mini, rendered.images)
        truth = objects_of(some, rendered)
        true_boxes += truth[0]
        true_labels += truth[1]
    boxes, labels, scores = map(list, zip(*found, strict=True))
    result = average_precision(boxes, scores, true_boxes, labels=labels, true_labels=true_labels)
    return {name: round(getattr(result, name), 4) for name in ("ap", "ap50", "ap75")}


def detect_categories(
    mini: MiniGroundingDino, images: Float[Tensor, "b 3 h w"]
) -> list[tuple[Float[Tensor, "n 4"], Int[Tensor, " n"], Float[Tensor, " n"]]]:
    """What a model finds in pictures of its own size, asked for all CATEGORIES at once: boxes, labels, scores of each.

    A query answers with the category that fits it best, if that scores above LOW; labels number CATEGORIES. On the CPU.
    """
    found, ids = mini(images, [write_prompt(CATEGORIES)] * len(images))
    tokens = phrase_tokens(ids[0], SEPARATORS).expand(len(images), -1, -1)
    best, boxes = phrase_scores(found.logits, tokens).max(-1), mini.image_side * cxcywh_to_xyxy(found.boxes_cxcywh)
    rows = zip(boxes.cpu(), best.indices.cpu(), best.values.cpu(), strict=True)
    return [(box[score > LOW], label[score > LOW], score[score > LOW]) for box, label, score in rows]


def grounding_scores(mini: MiniGroundingDino, split: str, n: int) -> dict[str, Any]:
    """How the model does on the first n expressions of a split; `by_type` has the accuracy of each type."""
    side, samples = mini.image_side, read_split(split)[:n]
    hits, scores, none = [], [], []
    for batch in rendered_batches(samples, BATCH, (side, side), mini.device):
        boxes, best = best_answers(mini, batch.images, [sample.text for sample in batch.samples])
        hits += (paired_iou(boxes, batch.boxes) >= 0.5).tolist()
        scores += best.tolist()
        none += (~batch.present).tolist()
    dialects = {"refcoco": "short", "refcoco+": "short", "refcocog": "long"}
    right: dict[str, list[bool]] = {}
    for sample, hit, absent in zip(samples, hits, none, strict=True):
        if not absent:
            right.setdefault(f"acc@0.5_{dialects[sample.dialect]}", []).append(hit)
            right.setdefault(sample.type, []).append(hit)
    means = {name: round(sum(values) / len(values), 4) for name, values in sorted(right.items())}
    return {
        **{name: means.pop(name) for name in list(means) if name.startswith("acc")},
        "absent_f1": round(_f1([score < mini.absent_below for score in scores], none), 4),
        "by_type": means,
    }


def best_answers(
    mini: MiniGroundingDino, images: Float[Tensor, "b 3 h w"], texts: Sequence[str]
) -> tuple[Float[Tensor, "b 4"], Float[Tensor, " b"]]:
    """The best box for one expression a picture, in the model's pixels, and its score: the mean of the words'."""
    found, ids = mini(images, [f"{text}." for text in texts])
    words = (ids != PADDING) & ~torch.isin(ids, ids.new_tensor(SEPARATORS))
    best = phrase_scores(found.logits, words[:, None])[..., 0].max(-1)
    rows = torch.arange(len(ids), device=ids.device)
    return mini.image_side * cxcywh_to_xyxy(found.boxes_cxcywh[rows, best.indices]), best.values


def absent_threshold(mini: MiniGroundingDino, scenes: int = 200, seed: int = 0) -> tuple[float, float]:
    """The score below which "there is none" has the best F1, and that F1: on fresh scenes, not on a frozen split.

    Several expressions of each scene, drawn as for training. The card of a checkpoint keeps it as `absent_below`.
    """
    drawn = trunk_recipe.draw({"scenes": scenes, "expressions": 8}, seed, 2**30)
    none, scores = (~drawn.answer.any(1)).tolist(), []
    side = (mini.image_side, mini.image_side)
    with torch.no_grad():
        for start in range(0, len(none), BATCH):
            rows = slice(start, start + BATCH)
            of = drawn.scene[rows]
            images = render(drawn.scenes[of[0] : of[-1] + 1], side, mini.device).images
            scores += best_answers(mini, images[(of - of[0]).to(images.device)], drawn.texts[rows])[1].tolist()
    tried = [round(0.01 * step, 2) for step in range(1, 100)]
    f1, threshold = max((_f1([score < at for score in scores], none), at) for at in tried)
    return threshold, round(f1, 4)


def _f1(said: Sequence[bool], true: Sequence[bool]) -> float:
    both = sum(a and b for a, b in zip(said, true, strict=True))
    return 2 * both / max(sum(said) + sum(true), 1)


def _cell_loss(mini: MiniGroundingDino, found: Found, targets: Targets, owner: Int[Tensor, "e p"]) -> Float[Tensor, ""]:
    """Every cell of the finest level: the words that speak of the thing it belongs to, and that thing's box."""
    p, has = owner.shape[1], owner >= 0
    index = owner.clamp(min=0)[..., None]
    speaks = targets.tokens & targets.exists[..., None]
    tokens = speaks.gather(1, index.expand(-1, -1, speaks.shape[-1])) & has[..., None]  # e p t
    wrong = focal_loss(found.selected.cell_logits[:, :p].float(), tokens).sum((1, 2))
    fits = (wrong / tokens.any(-1).sum(1).clamp(min=1)).mean()
    compared, proposals = found.selected.compared[:, :p], found.selected.proposals[:, :p]
    said = mini.model.selection.boxes(compared, proposals).float().flatten(0, 1)
    true = targets.boxes_cxcywh.gather(1, index.expand(-1, -1, 4)).flatten(0, 1)
    apart, giou = l1_loss(said, true, reduction="none"), giou_loss(*map(cxcywh_to_xyxy, (said, true)), reduction="none")
    return 2 * fits + ((5 * apart + 2 * giou) * has.flatten()).sum() / has.sum().clamp(min=1)


def _step_loss(
    logits: Float[Tensor, "e p 2"], steps: Bool[Tensor, "e n 2"], owner: Int[Tensor, "e p"], of: Bool[Tensor, " e"]
) -> Float[Tensor, ""]:
    """Whether each cell belongs to a thing that the noun fits, and to the landmark; detection prompts have neither."""
    index = owner.clamp(min=0)[..., None].expand(-1, -1, 2)
    truth = steps.gather(1, index) & (owner >= 0)[..., None]
    wrong = functional.binary_cross_entropy_with_logits(logits, truth.float(), reduction="none").mean((1, 2))
    return 4 * (wrong * of).sum() / of.sum().clamp(min=1)


def _label_loss(
    mini: MiniGroundingDino, features: Float[Tensor, "s p d"], labels: Int[Tensor, "s n l"], owner: Int[Tensor, "s p"]
) -> Float[Tensor, ""]:
    """What each cell shows: the category everywhere, also "nothing", and the other labels on things."""
    mine, index = owner >= 0, owner.clamp(min=0)[..., None]
    truth = labels.gather(1, index.expand(-1, -1, labels.shape[-1]))
    total = features.new_zeros((), dtype=torch.float32)
    for number, name in enumerate(LABELS):
        logits = mini.label_heads[name](features).float().transpose(1, 2)  # s k p
        wrong = functional.cross_entropy(logits, truth[..., number] * mine, reduction="none")
        total = total + (wrong.mean() if name == "category" else 0.5 * (wrong * mine).sum() / mine.sum().clamp(min=1))
    return total


def _hit(found: Found, targets: Targets, expression: Bool[Tensor, " e"]) -> Float[Tensor, ""]:
    """The share of expressions with a thing whose best box, by its best word, has an IoU of 0.5 with it."""
    rows = torch.arange(len(expression), device=expression.device)
    best = found.logits.detach().amax(-1).argmax(1)
    boxes = found.boxes_cxcywh.detach()[rows, best].float()
    iou = paired_iou(*map(cxcywh_to_xyxy, (boxes, targets.boxes_cxcywh[rows, targets.exists.float().argmax(1)])))
    counts = expression & targets.exists.any(1)
    return ((iou >= 0.5) & counts).sum() / counts.sum().clamp(min=1)
