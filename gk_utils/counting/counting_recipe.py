"""How counters are trained: all kinds on the same scenes, with the same encoder; the setting `kind` says which.

A batch is some pictures with two questions each, and every kind learns to name the cells of the picture besides.

With a `pool`, that many pictures are painted once and kept, also in runs/counting_pools, so that kinds that are trained
one after another on one machine share them; every pass asks anew and turns other pictures. Without one every scene is
new.
"""

import functools
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gk_utils import checkpoints
from gk_utils.counting.countable_words import WORDS
from gk_utils.counting.counters import Counter
from gk_utils.counting.counting_model import KINDS_READ, Answers, CountingNet, build_counter
from gk_utils.counting.counting_scenes import CountingScene, draw_counting_scene
from gk_utils.counting.density_maps import density_map
from gk_utils.counting.questions_to_count import (
    TRAINING_SEEDS,
    Asked,
    Pictures,
    ask,
    categories_of,
    draw_scenes_for,
    paint,
    some_of,
)
from gk_utils.counting.set_cells import best_threshold, cell_loss, cell_targets

POOLS = Path(__file__).parents[2] / "runs" / "counting_pools"
POOL_SEED = 21
NAMING = 1.0  # how much naming the cells weighs beside counting
SIGMA = 4.0  # pixels, of the kernels of a density
VAL_SEEDS = TRAINING_SEEDS  # the first seed of the scenes that `evaluate` counts in


@dataclass(frozen=True, eq=False)
class Step:
    """The sample of a step: its number and seed, and its scenes unless they come from the pool."""

    number: int
    seed: int
    scenes: tuple[CountingScene, ...] | None


def build(settings: Mapping[str, Any]) -> CountingNet:
    """A counter with random weights; with the setting `start` its encoder begins where that checkpoint ended.

    >>> build({"kind": "set", "width": 8, "blocks": 1}).kind
    'set'
    """
    net = build_counter(settings)
    if "start" in settings:
        begin_with(net, settings["start"])
    return net


def begin_with(net: CountingNet, name: str) -> None:
    """Give a counter the encoder and the words of a start, see `counting_start`: of the run that made it, or shipped.

    Raises:
        FileNotFoundError: there is no such checkpoint; says how to train it (the course does not ship its own).
        ValueError: it is of another size.
    """
    folders = POOLS.parent / name, checkpoints.SHIPPED / name
    there = [folder for folder in folders if (folder / checkpoints.CARD).exists()]
    if not there:
        raise FileNotFoundError(
            f"start: expected {name} in {' or '.join(str(folder.parent) for folder in folders)}, got none. "
            f"Counters begin where it ends: train it first, python -m gk_utils train {name} --minutes 15"
        )
    weights, _ = checkpoints.load(there[0])
    wanted = net.state_dict()
    taken = {key: value for key, value in weights.items() if not key.startswith("head.")}
    wrong = [key for key, value in taken.items() if key not in wanted or wanted[key].shape != value.shape]
    if wrong:
        raise ValueError(f"start: expected a start of this width, got {name!r} with another {wrong[0]!r}. Train one.")
    net.load_state_dict({**wanted, **taken})


def draw(settings: Mapping[str, Any], seed: int, step: int) -> Step:
    """What a step looks at: with a pool the pictures are chosen in `loss`, where the pool is.

    >>> draw({"scenes": 4, "pool": 100}, 0, 7)
    Step(number=7, seed=0, scenes=None)
    """
    if "pool" in settings:
        return Step(step, seed, None)
    rng = np.random.default_rng([seed, step, 22])
    return Step(step, seed, tuple(draw_scenes_for(settings, rng, settings["scenes"])))


def loss(net: CountingNet, step: Step, settings: Mapping[str, Any]) -> dict[str, Tensor]:
    """The loss of a batch, see `loss_of`; `off` is the mean of |counted - true| / (true + 1)."""
    device = next(net.parameters()).device
    pictures, numbers, rng = pictures_of(step, settings, device)
    words, examples = KINDS_READ[settings["kind"]]
    if net.kind == "text_blind":  # it is asked what the text-and-exemplar counter is asked, and told nothing
        words = examples = True
    known = categories_of(settings)
    asked = ask(pictures, numbers, rng, words=words, examples=examples, categories=known, vary=True)
    answers = net(asked.images, asked.prompts)
    losses = loss_of(answers, asked)
    if answers.names is None:
        return losses
    named = naming_loss(answers.names, asked.cells)
    return {**losses, "loss": losses["loss"] + NAMING * named, "named": named}


def pictures_of(
    step: Step, settings: Mapping[str, Any], device: torch.device
) -> tuple[Pictures, Sequence[int], np.random.Generator]:
    """The pictures of a step: the whole pool and which of it, or fresh ones; and where the step's chance comes from."""
    rng = np.random.default_rng([step.seed, step.number, 23])
    if step.scenes is None:
        pictures = pool_of(json.dumps(scene_settings(settings)), str(device))
        return pictures, rng.integers(len(pictures), size=settings["scenes"]).tolist(), rng
    pictures = paint(step.scenes, settings["image_side"], device)
    return pictures, range(len(pictures)), rng


def loss_of(answers: Answers, asked: Asked) -> dict[str, Tensor]:
    """What the answers to some questions cost.

    The count of kinds that add up costs the smooth error of its square root: one thing more counts as much in 4 as 5 in
    100. A density costs the Poisson likelihood of the true one besides, which asks for the right mass in the right
    place; a set costs what `set_cells.cell_loss` says.
    """
    true = asked.counts
    if answers.logits is not None:
        hw = tuple(asked.images.shape[2:])
        targets = [cell_targets(boxes[boxes[:, 2] > boxes[:, 0]], hw) for boxes in asked.boxes]
        parts = (torch.stack([getattr(target, name) for target in targets]) for name in ("owned", "near", "sizes"))
        owned, near, sizes = parts
        focal, places = cell_loss(answers.logits, answers.sizes, owned, near, sizes)
        counted = (answers.logits.detach() > -0.85).sum((1, 2))  # a score of 0.3
        return {"loss": focal + 0.3 * places, "places": places, "off": _off(counted, true)}
    apart = (answers.count + 0.25).sqrt() - (true + 0.25).sqrt()
    total = torch.nn.functional.smooth_l1_loss(apart, torch.zeros_like(apart), beta=0.2)
    if answers.density is None:
        return {"loss": total, "off": _off(answers.count, true)}
    places = poisson_loss(answers.density, true_maps(asked), true)
    return {"loss": total + places, "places": places, "off": _off(answers.count, true)}


def true_maps(asked: Asked) -> Float[Tensor, "q rows columns"]:
    """The true density of each question, of the things that can be seen."""
    hw = tuple(asked.images.shape[2:])
    centres = [(boxes[:, :2] + boxes[:, 2:])[boxes[:, 2] > boxes[:, 0]] / 2 for boxes in asked.boxes]
    return torch.stack([density_map(points, hw, sigma=SIGMA) for points in centres])


def poisson_loss(
    density: Float[Tensor, "q rows columns"], true: Float[Tensor, "q rows columns"], counts: Float[Tensor, " q"]
) -> Float[Tensor, ""]:
    """The Poisson likelihood of true densities, 0 where they are met, divided by about the number of things.

    >>> maps = torch.tensor([[[0.5, 1.5]]])
    >>> round(poisson_loss(maps, maps, torch.tensor([2.0])).item(), 4)
    -0.0
    """
    poisson = density - true * (density + 1e-6).log() + torch.xlogy(true, true) - true
    return (poisson.sum((1, 2)) / (counts + 3)).mean()


def naming_loss(names: Float[Tensor, "b k h w"], cells: Int[Tensor, "b h w"]) -> Float[Tensor, ""]:
    """What it costs to name the cells: the cross entropy where there is a thing, and where there is none, half each.

    All kinds learn this beside counting: what a small encoder learns from numbers alone in a few minutes is little. A
    counter that was trained on counts without any place would do worse than these.

    >>> cells = torch.tensor([[[0, -1]]])
    >>> sure = torch.nn.functional.one_hot(cells % 3, 3).movedim(-1, 1) * 20.0
    >>> round(naming_loss(sure, cells).item(), 4)
    0.0
    """
    true = torch.where(cells < 0, names.shape[1] - 1, cells)
    costs = torch.nn.functional.cross_entropy(names, true, reduction="none")
    thing = cells >= 0
    return sum((costs * some).sum() / some.sum().clamp(min=1) for some in (thing, ~thing)) / 2


def evaluate(net: CountingNet, settings: Mapping[str, Any], n: int) -> dict[str, Any]:
    """MAE and mean relative error in n fresh scenes with 1 to 120 things; the threshold of a set from n others.

    Questions are for what the scene was drawn to count, with a word and 3 examples where the kind reads them.
    """
    side, device = settings["image_side"], next(net.parameters()).device
    categories = categories_of(settings)
    counter, threshold = Counter(net), None
    few = max(n, 2)
    for start in ([VAL_SEEDS + 2**29] if net.kind == "set" else []) + [VAL_SEEDS]:
        scenes = [draw_counting_scene(start + number, categories=categories) for number in range(few)]
        pictures = paint(scenes, side, device)
        true = torch.tensor([scene.count() for scene in scenes])
        rng = np.random.default_rng(start)
        shown = [some_of(pictures.boxes_of(i, [int(pictures.wanted[i])]), rng) for i in range(few)]
        phrases = [WORDS[number] for number in pictures.wanted.tolist()]
        counted = counter.count(pictures.images.float() / 255, phrases, shown)
        if net.kind == "set" and threshold is None:
            threshold = counter.threshold = best_threshold([one.candidate_scores.cpu() for one in counted], true)
    off = (torch.tensor([one.count for one in counted]) - true).abs()
    bins = {"1_20": true <= 20, "20_100": (true >= 20) & (true <= 100)}
    found: dict[str, Any] = {"n": few, "mae": round(off.mean().item(), 4)}
    for name, mine in bins.items():
        if mine.any():
            found[f"mae_{name}"] = round(off[mine].mean().item(), 4)
            found[f"rel_{name}"] = round((off[mine] / true[mine]).mean().item(), 4)
    return found if threshold is None else {**found, "threshold": threshold}


@functools.cache
def pool_of(settings: str, device: str) -> Pictures:
    """The pictures of a pool, from this process, from the file, or painted now; `settings` is JSON.

    The file is named after the settings and the code that draws the scenes does not change its name: remove
    runs/counting_pools after a change there.
    """
    chosen = json.loads(settings)
    file = POOLS / f"{hashlib.sha256(settings.encode()).hexdigest()[:12]}.pt"
    if file.exists():
        parts = torch.load(file, map_location=device, weights_only=True)
        return Pictures(*parts)
    scenes = draw_scenes_for(chosen, np.random.default_rng(POOL_SEED), chosen["pool"])
    pictures = paint(scenes, chosen["image_side"], device)
    POOLS.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(f".{os.getpid()}.partial")
    try:
        torch.save([value.cpu() for value in vars(pictures).values()], partial)
        os.replace(partial, file)
    except BaseException:  # a full disk: what was written of a large file would stay
        partial.unlink(missing_ok=True)
        raise
    return pictures


def scene_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the pictures of a pool depend on."""
    return {name: settings[name] for name in ("pool", "image_side", "held_out", "priors") if name in settings}


def _off(counted: Tensor, true: Tensor) -> Tensor:
    return ((counted.detach() - true).abs() / (true + 1)).mean()
