"""A tiny dialogue model with random weights, and views to talk about, for the tests of gk_utils.shikra."""

import functools

import numpy as np
import torch

from gk_utils.countertop.language import draw_scene_for
from gk_utils.countertop.render import render
from gk_utils.shikra.shikra_chat import Talker
from gk_utils.shikra.shikra_recipe import build
from gk_utils.shikra.talk_views import View, views_of

SETTINGS = {
    **{"trunk": "trunk_small", "patches": 10, "width": 32, "heads": 2, "layers": 3, "inner": 32, "sum_up": True},
    **{"batch": 2, "length": 150, "pool": 2},
    "tasks": {"rec": 2, "reg": 1, "region": 1, "point": 1, "truth": 1, "caption": 0.5, "talk": 1},
}


def tiny_talker() -> Talker:
    torch.manual_seed(0)
    return Talker(build(SETTINGS), SETTINGS)


@functools.cache
def some_views(n: int = 6) -> tuple[View, ...]:
    scenes = [draw_scene_for(seed) for seed in range(n)]
    return tuple(views_of(scenes, render(scenes), np.random.default_rng(0)))
