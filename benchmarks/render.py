"""How fast scenes become pictures, and how fast they reach a training step.

The peer is the same renderer asked for one scene at a time, which is what a dataset's `__getitem__` would do: it draws
the same shapes, so the ratio is what the batch brings. Drawing the scenes is not counted in the first case and is
counted in the second, where worker processes draw ahead while the model trains.
"""

import time
from collections.abc import Callable
from typing import Any

import torch

from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.models import trunk_recipe
from gk_utils.training import RECIPES
from gk_utils.training.machine import draw_ahead

ROUNDS = 5


def rows(device: str, scale: float = 1.0) -> list[dict[str, Any]]:
    """The two cases; `scale` makes them smaller for a quick look."""
    cuda = torch.device(device).type == "cuda"
    n = max(2, int(scale * (8192 if cuda else 512)))
    few = max(1, n // 32)
    scenes = [draw_scene_for(seed) for seed in range(n)]

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
    ratios = sorted(mine / other for mine, other in zip(ours, peer, strict=True))
    alone = render(scenes[:1], (128, 128), device).images
    error = (alone - render(scenes[:few], (128, 128), device).images[:1]).abs().max().item()
    best = min(ours)
    return [
        {
            **{"case": f"{n} scenes, 128 px", "device": device, "dtype": "float32", "pass": "forward"},
            **{"ours_ms": 1e3 * best, "peer": "one scene at a time", "peer_ms": 1e3 * min(peer)},
            **{"ratio": ratios[len(ratios) // 2], "low": ratios[0], "high": ratios[-1]},
            **{"max_error": error, "floor_ms": None, "per_second": 1 / best},
        },
        _end_to_end(device, max(1, int(scale * (100 if cuda else 10))), timed),
    ]


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
    return {
        **{"case": f"into the training step of {recipe.name}", "device": device, "dtype": "float32"},
        **{"pass": "end-to-end", "ours_ms": 1e3 * seconds, "peer": None, "peer_ms": None, "ratio": None},
        **{"low": None, "high": None, "max_error": None, "floor_ms": None, "per_second": 1 / seconds},
    }
