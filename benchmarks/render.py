"""How fast scenes become pictures, and how fast they reach a training step.

The peer is the same renderer asked for one scene at a time, which is what a dataset's `__getitem__` would do: it draws
the same shapes, so the ratio is what the batch brings. Times are of one scene. Drawing the scenes is counted in the
last case alone, where worker processes draw ahead while the model trains. The case before it is what reaches a training
step when scenes were drawn once and are kept: rendered anew, with the targets of the trunk, but without the trunk.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.models import trunk_recipe
from gk_utils.training import RECIPES
from gk_utils.training.machine import draw_ahead

ROUNDS = 5
DIFFERENT = 2048  # scenes that are drawn; more come from painting them again


def rows(device: str, scale: float = 1.0) -> list[dict[str, Any]]:
    """The three cases; `scale` makes them smaller for a quick look."""
    cuda = torch.device(device).type == "cuda"
    n = max(2, int(scale * (8192 if cuda else 512)))
    few = max(1, n // 32)
    scenes = [draw_scene_for(seed) for seed in range(min(n, DIFFERENT))]
    scenes = (scenes * -(-n // len(scenes)))[:n]

    def timed(action: Callable[[], Any]) -> float:
        if cuda:
            torch.cuda.synchronize()
        began = time.perf_counter()
        action()
        if cuda:
            torch.cuda.synchronize()
        return time.perf_counter() - began

    timed(lambda: render(scenes, (128, 128), device))
    ours, peer = [], []
    for _ in range(ROUNDS):
        ours.append(timed(lambda: render(scenes, (128, 128), device)) / n)
        peer.append(timed(lambda: [render([scene], (128, 128), device) for scene in scenes[:few]]) / few)
    low, ratio, high = np.quantile(np.divide(ours, peer), [0.1, 0.5, 0.9]).tolist()
    alone = render(scenes[:1], (128, 128), device).images
    error = (alone - render(scenes[:few], (128, 128), device).images[:1]).abs().max().item()
    typical = float(np.median(ours))
    return [
        {
            **{"case": f"{n} scenes, 128 px", "device": device, "dtype": "float32", "pass": "forward"},
            **{"ours_ms": 1e3 * typical},
            **{"peer": "one scene at a time", "peer_ms": 1e3 * float(np.median(peer))},
            **{"ratio": ratio, "low": low, "high": high},
            **{"max_error": error, "floor_ms": None, "per_second": 1 / typical},
        },
        _kept(device, max(2, int(scale * (512 if cuda else 64))), timed),
        _end_to_end(device, max(1, int(scale * (100 if cuda else 10))), timed),
    ]


def _kept(device: str, n: int, timed: Callable[[Callable[[], Any]], float]) -> dict[str, Any]:
    """Pictures and targets of n scenes with eight expressions each, again and again."""
    settings = {**RECIPES["trunk"].settings, "scenes": n}
    drawn, trunk = trunk_recipe.draw(settings, 1, 0), trunk_recipe.build(settings).to(device)

    def step() -> None:
        trunk_recipe.targets_of(render(drawn.scenes, (128, 128), device), drawn, trunk.grid_hw)

    step()
    seconds = float(np.median([timed(step) for _ in range(ROUNDS)])) / n
    return _alone(f"{n} kept scenes with their targets", device, seconds)


def _end_to_end(device: str, steps: int, timed: Callable[[Callable[[], Any]], float]) -> dict[str, Any]:
    """Drawing in other processes, rendering, loss and gradient of the trunk, per scene; no optimiser."""
    recipe = RECIPES["trunk" if torch.device(device).type == "cuda" else "trunk_small"]
    settings = dict(recipe.settings)
    trunk = trunk_recipe.build(settings).to(device)
    samples = iter(draw_ahead(recipe.task, settings, 1, range(steps + 2), None))

    def step() -> None:
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=torch.device(device).type == "cuda"):
            trunk_recipe.loss(trunk, next(samples), settings)["loss"].backward()

    step(), step()
    seconds = timed(lambda: [step() for _ in range(steps)]) / (steps * settings["scenes"])
    return _alone(f"into the training step of {recipe.name}", device, seconds)


def _alone(case: str, device: str, seconds: float) -> dict[str, Any]:
    """A row without a peer, from the seconds that one scene takes."""
    return {
        **{"case": case, "device": device, "dtype": "float32"},
        **{"pass": "end-to-end", "ours_ms": 1e3 * seconds, "peer": None, "peer_ms": None, "ratio": None},
        **{"low": None, "high": None, "max_error": None, "floor_ms": None, "per_second": 1 / seconds},
    }
