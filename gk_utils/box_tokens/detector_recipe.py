"""How the detector is trained: what a batch is, what its loss is, and how well the result finds things.

The trunk is frozen, so a picture's features never change. The batches are therefore drawn from a pool: each is painted
and seen by the trunk once, and its features stay in memory as float16. What is new every time is what Pix2Seq draws:
the order of the objects and the noise boxes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gk_utils.average_precision import average_precision
from gk_utils.box_tokens.detector import Pix2SeqDetector, build_detector, patch_features
from gk_utils.countertop.dataset import read_split
from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import Rendered, render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.thing_rows import rows_of
from gk_utils.countertop.things import CATEGORIES
from gk_utils.models.trunk_grounder import frozen_trunk, weights_of
from gk_utils.models.trunk_recipe import LEAST_VISIBLE, TRAINING_SEEDS

BATCH = 64  # pictures evaluated at once


@dataclass(frozen=True, eq=False)
class Drawn:
    """A batch before it is painted.

    Attributes:
        seed, number: of the run, and of the batch in the pool.
        scenes: empty where the batch should be known already.
    """

    seed: int
    number: int
    scenes: tuple[Scene, ...]


@dataclass(frozen=True, eq=False)
class Pictures:
    """What the trunk makes of b pictures, and what there is to find.

    Attributes:
        features: (b p d) `patch_features` as float16, on the trunk's device.
        boxes: of each picture, (n 4) xyxy in the trunk's pixels, on the CPU.
        labels: of each picture, (n) numbers in CATEGORIES.
    """

    features: Float[Tensor, "b p d"]
    boxes: tuple[Float[Tensor, "_ 4"], ...]
    labels: tuple[Int[Tensor, " _"], ...]


_known: dict[tuple, Pictures] = {}


def build(settings: Mapping[str, Any]) -> Pix2SeqDetector:
    """A detector with random weights for the features of `settings["trunk"]`, which must be shipped.

    >>> build({"trunk": "trunk_small", "objects": 4, "width": 32, "layers": 1}).settings.feature_width
    128
    """
    trunk = frozen_trunk(settings["trunk"])
    return build_detector({"feature_width": trunk.settings.width, **settings})


def draw(settings: Mapping[str, Any], seed: int, step: int) -> Drawn:
    """The batch of a step: one of the `settings["pool"]`, each of `settings["scenes"]` scenes; after all, again.

    >>> settings = {"pool": 2, "scenes": 3}
    >>> [(drawn.number, len(drawn.scenes)) for drawn in (draw(settings, 0, step) for step in range(3))]
    [(0, 3), (1, 3), (0, 0)]
    """
    number = step % settings["pool"]
    return Drawn(seed, number, _scenes(settings, seed, number) if step < settings["pool"] else ())


def loss(detector: Pix2SeqDetector, drawn: Drawn, settings: Mapping[str, Any]) -> dict[str, Tensor]:
    """The detector's loss on a batch, with `settings["orders"]` rows a picture; torch's own generator draws them.

    >>> settings = {"trunk": "trunk_small", "pool": 1, "scenes": 2, "orders": 1, "objects": 12, "width": 32}
    >>> sorted(loss(build(settings), draw(settings, 0, 0), settings))
    ['class_hit', 'classes', 'coordinates', 'loss']
    """
    device = next(detector.parameters()).device
    key = (settings["trunk"], settings["scenes"], drawn.seed, drawn.number, device)
    if key not in _known:
        scenes = drawn.scenes or _scenes(settings, drawn.seed, drawn.number)
        _known[key] = look(scenes, settings["trunk"], device)
    known, trunk = _known[key], frozen_trunk(settings["trunk"], device)
    hw = (trunk.settings.image_side, trunk.settings.image_side)
    drawing = {"generator": torch.default_generator, "orders": settings["orders"]}
    return detector.loss(known.features.float(), known.boxes, known.labels, hw, **drawing)


def look(scenes: Sequence[Scene], trunk_name: str, device: str | torch.device = "cpu") -> Pictures:
    """Paint scenes, let the trunk see them, and list what can be found in them.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> pictures = look([draw_scene(0, n=2)], "trunk_small")
    >>> pictures.features.shape, pictures.boxes[0].shape
    (torch.Size([1, 64, 128]), torch.Size([2, 4]))
    """
    trunk = frozen_trunk(trunk_name, device)
    side = trunk.settings.image_side
    with torch.autocast(torch.device(device).type, enabled=False), torch.no_grad():
        rendered = render(scenes, (side, side), device)
        features = patch_features(trunk, trunk.see(rendered.images)).half()
    boxes, labels = objects_of(scenes, rendered)
    return Pictures(features, boxes, labels)


def objects_of(
    scenes: Sequence[Scene], rendered: Rendered
) -> tuple[tuple[Float[Tensor, "_ 4"], ...], tuple[Int[Tensor, " _"], ...]]:
    """What there is to find in each picture: the boxes and categories of the things that are not too hidden.

    A thing counts if more than LEAST_VISIBLE of its pixels can be seen, as for the trunk. On the CPU.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> scenes = [draw_scene(0, n=2)]
    >>> [[CATEGORIES[label] for label in labels] for labels in objects_of(scenes, render(scenes))[1]]
    [['banana', 'banana']]
    """
    counts = (rendered.masks.flatten(2).sum(-1) > LEAST_VISIBLE * rendered.masks_full.flatten(2).sum(-1)).cpu()
    boxes, labels = [], []
    for scene, seen, of in zip(scenes, counts, rendered.boxes.cpu(), strict=True):
        numbers = torch.tensor([CATEGORIES.index(thing.category) for thing in scene.things], dtype=torch.long)
        boxes.append(of[seen])
        labels.append(numbers[seen[: len(scene)]])
    return tuple(boxes), tuple(labels)


def scenes_of(split: str, n: int | None = None) -> tuple[Scene, ...]:
    """The first n scenes of a frozen split, or all, each once; their expressions are not looked at.

    >>> len(scenes_of("testB", 3))
    3
    """
    samples = {sample.seed: sample for sample in read_split(split)}
    return tuple(sample.scene for sample in list(samples.values())[:n])


def evaluate(detector: Pix2SeqDetector, settings: Mapping[str, Any], n: int) -> dict[str, Any]:
    """Average precision on the first n pictures of the frozen split val, by COCO's rules; `trunk` names its weights."""
    device = next(detector.parameters()).device
    trunk = frozen_trunk(settings["trunk"], device)
    hw, scenes = (trunk.settings.image_side, trunk.settings.image_side), scenes_of("val", n)
    found, true_boxes, true_labels = [], [], []
    for start in range(0, len(scenes), BATCH):
        pictures = look(scenes[start : start + BATCH], settings["trunk"], device)
        found += detector.detect(pictures.features.float(), hw)
        true_boxes += pictures.boxes
        true_labels += pictures.labels
    result = average_precision(
        [one.boxes for one in found],
        [one.scores for one in found],
        true_boxes,
        labels=[one.labels for one in found],
        true_labels=true_labels,
    )
    measured = {name: round(getattr(result, name), 4) for name in ("ap", "ap50", "ap75")}
    return {"split": "val", "n": len(scenes), **measured, "trunk": weights_of(settings["trunk"])}


def _scenes(settings: Mapping[str, Any], seed: int, number: int) -> tuple[Scene, ...]:
    """The scenes of a batch of the pool."""
    rng = np.random.default_rng([seed, number])
    scenes = tuple(draw_scene_for(int(drawn)) for drawn in rng.integers(TRAINING_SEEDS, size=settings["scenes"]))
    rows_of(scenes)  # kept by the scenes: what `render` needs is ready before they reach the device
    return scenes
