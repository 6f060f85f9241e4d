"""How the mini Kosmos-2 is trained: a batch is some scenes, each with captions, questions and phrases.

The trunk is frozen. With a `pool` its features of that many batches of scenes are kept, and every pass over them has
fresh words; without one every scene is new.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gk_utils.boxes import pairwise_iou
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.thing_rows import rows_of
from gk_utils.kosmos2.caption_scores import measure_captions, measure_questions, pictures_of
from gk_utils.kosmos2.kosmos_model import MiniKosmos, build_kosmos, patch_features
from gk_utils.kosmos2.kosmos_samples import Line, draw_lines, write_rows
from gk_utils.models.trunk_grounder import frozen_trunk, weights_of
from gk_utils.models.trunk_recipe import LEAST_VISIBLE, TRAINING_SEEDS

GROUPS = 4  # of rows that are padded to one length


@dataclass(frozen=True, eq=False)
class Drawn:
    """A batch before it is painted: its number and seed, its scenes unless they are in the pool already, the lines."""

    number: int
    seed: int
    scenes: tuple[Scene, ...] | None
    lines: tuple[Line, ...]


@dataclass(frozen=True, eq=False)
class Looked:
    """What is kept of s scenes: features of the trunk (fp16), boxes of the n things, and which can be seen.

    `owned` are the patches that the trunk says belong to a thing: the IoU of their box with its box is 0.5 or more.
    """

    features: Float[Tensor, "s p f"]
    boxes_unit: Float[Tensor, "s n 4"]
    visible: Bool[Tensor, "s n"]
    owned: Bool[Tensor, "s n p"]


def build(settings: Mapping[str, Any]) -> MiniKosmos:
    """A mini model with random weights.

    >>> type(build({"trunk": "trunk_small", "width": 32, "heads": 2, "layers": 1})).__name__
    'MiniKosmos'
    """
    return build_kosmos(settings)


def draw(settings: Mapping[str, Any], seed: int, step: int) -> Drawn:
    """The batch of a step; the words are fresh even where the scenes are not.

    >>> lines = [Line(0, ((1, ()),) * length, 1, "phrase") for length in (9, 2, 8, 3)]
    >>> [[len(line.parts) for line in group] for group in by_length(lines)]
    [[2], [3], [8], [9]]
    """
    number = step % settings["pool"] if "pool" in settings else step
    rng = np.random.default_rng([seed, step, 12])
    scenes = _scenes(seed, number, settings["scenes"])
    lines = [line for place, scene in enumerate(scenes) for line in draw_lines(scene, place, dict(settings), rng)]
    return Drawn(number, seed, scenes if number == step else None, tuple(lines))


def loss(kosmos: MiniKosmos, drawn: Drawn, settings: Mapping[str, Any]) -> dict[str, Tensor]:
    """The loss of a batch, see `MiniKosmos.loss`.

    >>> settings = {"trunk": "trunk_small", "width": 32, "heads": 2, "layers": 1, "scenes": 1, "captions": 1}
    >>> settings |= {"questions": 1, "phrases": 1}
    >>> sorted(loss(build(settings), draw(settings, 0, 0), settings))
    ['answers', 'answers_sure', 'looks', 'loss', 'places', 'places_sure', 'words']
    """
    device = next(kosmos.parameters()).device
    kept, key = _kept(settings["trunk"], str(device)), (drawn.seed, drawn.number, settings["scenes"])
    looked = kept.get(key)
    if looked is None:
        scenes = drawn.scenes or _scenes(drawn.seed, drawn.number, settings["scenes"])
        looked = look(scenes, settings["trunk"], device)
        if "pool" in settings:
            kept[key] = looked
    boxes, visible = looked.boxes_unit.cpu(), looked.visible.cpu()
    groups = [write_rows(lines, boxes, visible).to(device) for lines in by_length(drawn.lines)]
    return kosmos.loss(looked.features.float(), groups, looked.owned)


def by_length(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines in GROUPS groups of about the same length each, the shortest first: little padding.

    >>> lines = [Line(0, ((1, ()),) * length, 1, "phrase") for length in (9, 2, 8, 3)]
    >>> [[len(line.parts) for line in group] for group in by_length(lines)]
    [[2], [3], [8], [9]]
    """
    ordered = sorted(lines, key=lambda line: len(line.parts))
    size = max(-(-len(ordered) // GROUPS), 1)
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]


def look(scenes: tuple[Scene, ...], trunk_name: str, device: str | torch.device = "cpu") -> Looked:
    """Paint scenes and let the trunk see them.

    >>> looked = look((draw_scene_for(0),), "trunk_small")
    >>> looked.features.dtype, looked.visible.shape[1] == len(draw_scene_for(0))
    (torch.float16, True)
    """
    trunk, device = frozen_trunk(trunk_name, device), torch.device(device)
    side = trunk.settings.image_side
    with torch.autocast(device.type, enabled=False), torch.no_grad():
        rendered = render(scenes, (side, side), device)
        seen = trunk.see(rendered.images)
        features = patch_features(trunk, seen).half()
    visible = rendered.masks.flatten(2).sum(-1) > LEAST_VISIBLE * rendered.masks_full.flatten(2).sum(-1)
    boxes = rendered.boxes / side
    owned = [pairwise_iou(true, said) >= 0.5 for true, said in zip(boxes, seen.boxes_unit, strict=True)]
    return Looked(features, boxes, visible, torch.stack(owned))


def evaluate(kosmos: MiniKosmos, settings: Mapping[str, Any], n: int) -> dict[str, Any]:
    """Captions of the first n pictures of the frozen split val, and questions about them, one of each kind.

    `phrase_box_f1`, `hallucinated_phrases` and `vqa_accuracy` as in `caption_scores`; `trunk` names its weights.
    """
    device = next(kosmos.parameters()).device
    pictures = pictures_of("val", n, settings["trunk"], device)
    captions, questions = measure_captions(kosmos, pictures), measure_questions(kosmos, pictures)
    measured = {
        "phrase_box_f1": captions.f1,
        "hallucinated_phrases": captions.hallucinated,
        "vqa_accuracy": questions.accuracy,
        "by_kind": questions.by_kind(),
    }
    return {"split": "val", "n": n, **measured, "trunk": weights_of(settings["trunk"])}


@functools.lru_cache(maxsize=512)
def _scenes(seed: int, number: int, count: int) -> tuple[Scene, ...]:
    """The scenes of a batch."""
    rng = np.random.default_rng([seed, number])
    scenes = tuple(draw_scene_for(int(drawn)) for drawn in rng.integers(TRAINING_SEEDS, size=count))
    rows_of(scenes)  # kept by the scenes: what `render` needs is ready before they reach the device
    return scenes


@functools.cache
def _kept(trunk: str, device: str) -> dict[tuple[int, int, int], Looked]:
    """What a frozen trunk has seen of the pool."""
    return {}
