"""A task for the tests of the loop: find the line y = 2x - 1; a step can be slowed, poisoned, or made of two draws."""

import time

import torch
from torch import nn

from gk_utils.training import Recipe


def recipe(name="line", steps=40, learning_rate=1e-2, seed=0, ema=0.9, **settings):
    return Recipe(name, "tiny_task", settings, steps=steps, learning_rate=learning_rate, warmup=5, seed=seed, ema=ema)


def build(settings):
    # Batch norm has buffers, one of them an integer; dropout needs random numbers in each step.
    extra = [] if settings.get("plain") else [nn.BatchNorm1d(8), nn.Dropout(0.1)]
    return nn.Sequential(nn.Linear(1, 8), nn.Tanh(), *extra, nn.Linear(8, 1))


def draw(settings, seed, step):
    if settings.get("pair"):  # what two processes draw for one step
        first, second = (draw({}, seed, 2 * step + rank) for rank in (0, 1))
        return torch.cat([first[0], second[0]]), torch.cat([first[1], second[1]]), step
    x = torch.rand(16, 1, generator=torch.Generator().manual_seed(1000 * seed + step))
    return x, 2 * x - 1, step


def loss(module, sample, settings):
    x, y, step = sample
    time.sleep(settings.get("sleep", 0))
    error = module(x) - y
    if step == settings.get("poison"):
        error = error * torch.nan
    if step == settings.get("poison_gradient"):
        error = (0 * error).abs().sqrt()
    return {"absolute": error.abs().mean(), "loss": error.square().mean()}


def evaluate(module, settings, n):
    assert not module.training
    assert not torch.is_grad_enabled()
    time.sleep(n * settings.get("evaluate_sleep", 0))
    x = torch.linspace(0, 1, n)[:, None]
    return {"mae": (module(x) - 2 * x + 1).abs().mean().item(), "n": n}
