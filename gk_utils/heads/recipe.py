"""How the heads are trained: all of them alike, on the same scenes, on a trunk that is frozen or learns with them.

A frozen trunk's features of the first `pool` batches are kept in memory; after that the steps go through these batches
again and again. Compute is compared as `flops_per_expression`, counted by torch.
"""

import copy
import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from gk_utils.box_tokens.token_head import TokenHead
from gk_utils.boxes import paired_iou
from gk_utils.countertop.splits import read_split
from gk_utils.errors import check_choice
from gk_utils.heads.lookups import Answered, Lookups, lookups_of, sample_lookups
from gk_utils.heads.regression_head import RegressionHead
from gk_utils.models import trunk_recipe
from gk_utils.models.trunk import Trunk
from gk_utils.models.trunk_grounder import frozen_trunk, weights_of
from gk_utils.text_coordinates.text_head import TextHead

UNIT_HW = (1, 1)  # boxes as fractions: a picture of height and width 1
HEADS = ("tokens", "query", "reference", "pooled", "text")


@dataclass(frozen=True, eq=False)
class Step:
    """The sample of a step: the number of its batch and of its seed, and the batch unless it has been used before."""

    number: int
    seed: int
    drawn: trunk_recipe.Drawn | None


class TunedHead(nn.Module):
    """A head together with the trunk that learns with it, but for those parts of the trunk that a head does not use."""

    def __init__(self, trunk: Trunk, head: nn.Module) -> None:
        super().__init__()
        self.trunk, self.head = trunk.requires_grad_(True), head
        for unused in (trunk.label_heads, trunk.box_head, trunk.step_scores):
            unused.requires_grad_(False)

    def loss(self, lookups: Lookups) -> dict[str, Tensor]:
        """The head's loss and, as `none`, how well the trunk tells what is absent.

        The head learns from present things alone; with nothing to hold it, the trunk would forget the absent ones.
        """
        losses, none = self.head.loss(lookups), lookups.none.clamp(1e-6, 1 - 1e-6)
        lost = -torch.where(lookups.present, (1 - none).log(), none.log()).mean()
        return {**losses, "loss": losses["loss"] + lost, "none": lost}


def build_head(settings: Mapping[str, Any], width: int) -> nn.Module:
    """The head that `settings["head"]` names, for features of this width.

    Raises:
        ValueError: not one of HEADS.

    >>> type(build_head({"head": "tokens", "bins": 64}, 24)).__name__
    'TokenHead'
    """
    name = settings["head"]
    check_choice(name, HEADS, "head")
    sizes = {key: settings[key] for key in ("heads", "layers") if key in settings}
    if name == "tokens":
        return TokenHead(width, settings["bins"], **sizes)
    return TextHead(width, **sizes) if name == "text" else RegressionHead(width, name, **sizes)


def build(settings: Mapping[str, Any]) -> nn.Module:
    """The head alone, or with a copy of its trunk if `settings["tune"]`.

    >>> type(build({"trunk": "trunk_small", "head": "pooled"})).__name__
    'RegressionHead'
    """
    if not settings.get("tune"):
        return build_head(settings, frozen_trunk(settings["trunk"]).settings.width)
    trunk = copy.deepcopy(frozen_trunk(settings["trunk"]))
    return TunedHead(trunk, build_head(settings, trunk.settings.width))


def draw(settings: Mapping[str, Any], seed: int, step: int) -> Step:
    """The batch of a step: fresh scenes, or again one of the first `settings["pool"]` batches.

    >>> draw({"scenes": 1, "expressions": 1, "pool": 10}, seed=0, step=23)
    Step(number=3, seed=0, drawn=None)
    """
    number = step % settings["pool"] if "pool" in settings else step
    return Step(number, seed, trunk_recipe.draw(settings, seed, number) if number == step else None)


def loss(module: nn.Module, step: Step, settings: Mapping[str, Any]) -> dict[str, Tensor]:
    """The head's loss on the batch of this step.

    >>> settings = {"trunk": "trunk_small", "head": "pooled", "scenes": 1, "expressions": 2}
    >>> sorted(loss(build(settings), draw(settings, 0, 0), settings))
    ['iou', 'loss']
    """
    if isinstance(module, TunedHead):
        drawn = step.drawn or trunk_recipe.draw(settings, step.seed, step.number)
        return module.loss(lookups_of(module.trunk, drawn))
    device = str(next(module.parameters()).device)
    kept, key = _kept(settings["trunk"], device), (step.seed, step.number)
    lookups = kept.get(key)
    if lookups is None:
        drawn = step.drawn or trunk_recipe.draw(settings, step.seed, step.number)
        with torch.no_grad():
            lookups = _with_features(lookups_of(frozen_trunk(settings["trunk"], device), drawn), torch.float16)
        if "pool" in settings:
            kept[key] = lookups
    return module.loss(_with_features(lookups, torch.float32))


def evaluate(module: nn.Module, settings: Mapping[str, Any], n: int) -> dict[str, Any]:
    """How the head does on the first n expressions of the frozen split val, by the rule of `trunk_recipe.evaluate`.

    Whether there is such a thing is the trunk's answer, for every head. `iou` is the mean over expressions that mean
    something, `flops_per_expression` what a step of training costs for each.

    >>> settings = {"trunk": "trunk_small", "head": "pooled", "scenes": 1, "expressions": 2}
    >>> sorted(evaluate(build(settings), settings, 8))
    ['acc@0.5', 'acc@0.75', 'by_type', 'flops_per_expression', 'iou', 'n', 'split', 'trunk']
    """
    trunk, head = module_parts(module, settings)
    samples = read_split("val")[:n]
    lookups = sample_lookups(trunk, samples)
    answered = answer_in_pieces(head, lookups, UNIT_HW)
    iou = paired_iou(answered.boxes, lookups.boxes_unit)
    absent = lookups.none > 0.5
    right = {at: torch.where(lookups.present, (iou >= at) & ~absent, absent) for at in (0.5, 0.75)}
    types = sorted({sample.type for sample in samples})
    of_type = {type: torch.tensor([sample.type == type for sample in samples], device=iou.device) for type in types}
    return {
        "split": "val",
        "n": len(samples),
        "acc@0.5": _mean(right[0.5]),
        "acc@0.75": _mean(right[0.75]),
        "iou": _mean(iou[lookups.present]),
        "by_type": {type: _mean(right[0.5][rows]) for type, rows in of_type.items()},
        "flops_per_expression": flops_per_expression(head, lookups[:8]),
        **({} if isinstance(module, TunedHead) else {"trunk": weights_of(settings["trunk"])}),
    }


def module_parts(module: nn.Module, settings: Mapping[str, Any]) -> tuple[Trunk, nn.Module]:
    """The trunk and the head of what `build` returns.

    >>> settings = {"trunk": "trunk_small", "head": "pooled"}
    >>> module_parts(build(settings), settings)[0] is frozen_trunk("trunk_small", "cpu")
    True
    """
    if isinstance(module, TunedHead):
        return module.trunk, module.head
    return frozen_trunk(settings["trunk"], str(next(module.parameters()).device)), module


def answer_in_pieces(head: nn.Module, lookups: Lookups, image_hw: tuple[float, float], size: int = 256) -> Answered:
    """The answers to any number of expressions, `size` at a time.

    >>> head = build({"trunk": "trunk_small", "head": "tokens", "bins": 16})
    >>> answer_in_pieces(head, sample_lookups(frozen_trunk(), read_split("val")[:3]), (128, 128), size=2).boxes.shape
    torch.Size([3, 4])
    """
    parts = [head.answer(lookups[start : start + size], image_hw) for start in range(0, len(lookups), size)]
    texts = None if parts[0].texts is None else tuple(text for part in parts for text in part.texts)
    boxes, readable, tokens = (
        torch.cat([getattr(part, name) for part in parts]) for name in ("boxes", "readable", "tokens")
    )
    return Answered(boxes, readable, tokens, texts)


def flops_per_expression(head: nn.Module, lookups: Lookups) -> int:
    """Floating point operations of matrix products that one expression costs the head in training, both ways.

    As torch counts them, on these expressions, padding included. The trunk is not counted.

    >>> head = build({"trunk": "trunk_small", "head": "pooled"})
    >>> lookups = sample_lookups(frozen_trunk(), read_split("val")[:4])
    >>> 100_000 < flops_per_expression(head, lookups) < 300_000
    True
    """
    count = max(int(lookups.present.sum()), 1)
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        head.loss(lookups)["loss"].backward()
    head.zero_grad()
    return round(counter.get_total_flops() / count)


@functools.cache
def _kept(trunk: str, device: str) -> dict[tuple[int, int], Lookups]:
    """The batches whose features a frozen trunk has computed."""
    return {}


def _with_features(lookups: Lookups, dtype: torch.dtype) -> Lookups:
    return replace(lookups, features=lookups.features.to(dtype))


def _mean(values: Tensor) -> float:
    return round(float(values.float().mean()), 4)
