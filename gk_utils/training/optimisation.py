"""Three parts of an optimiser's step: which weights decay, how fast to learn, and the moving average of the weights."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

SPARED = (nn.Embedding, nn.EmbeddingBag, nn.LayerNorm, nn.RMSNorm)  # their weight may be a matrix, and does not decay


def schedule(step: int, position: float, warmup: int) -> float:
    """The share of the peak learning rate: a linear warm-up times a cosine that reaches 0 at the end of the run.

    Args:
        step: how many steps were taken before this one.
        position: of this step in the run, 0 at its start and 1 at its end.
        warmup: steps of warm-up; it ends after a tenth of the run if that is sooner.

    >>> [round(schedule(step, step / 1000, 50), 3) for step in (0, 25, 500, 1000)]
    [0.01, 0.509, 0.5, 0.0]
    """
    ramp = max((step + 0.5) / max(warmup, 1), position / 0.1)
    return min(ramp, 1.0) * (1 + math.cos(math.pi * position)) / 2


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """The trained parameters in two groups for AdamW: those that decay, and those that do not.

    What decays is a matrix called "weight" (of a linear, convolution, attention or recurrent layer). Biases, norms,
    embeddings and bare parameters such as learned queries do not; a frozen parameter is in neither group.

    >>> groups = parameter_groups(nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 2)), 0.05)
    >>> [[tuple(value.shape) for value in group["params"]] for group in groups]
    [[(2, 4)], [(9, 4), (2,)]]
    """
    spared = {id(part.weight) for part in module.modules() if isinstance(part, SPARED)}
    decays: list[Tensor] = []
    others: list[Tensor] = []
    for name, value in module.named_parameters():
        matrix = value.ndim >= 2 and "weight" in name.rpartition(".")[2] and id(value) not in spared
        if value.requires_grad:
            (decays if matrix else others).append(value)
    return [{"params": decays, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def new_average(module: nn.Module) -> dict[str, Tensor]:
    """A copy of the module's state to average in: floats as float32, integers (what counts something) as they are.

    >>> new_average(nn.Linear(1, 1).half())["bias"].dtype
    torch.float32
    """
    return {
        name: value.detach().to(torch.float32 if value.is_floating_point() else value.dtype, copy=True)
        for name, value in module.state_dict().items()
    }


def update_average(average: dict[str, Tensor], module: nn.Module, decay: float) -> None:
    """Move the average towards the module, in place: decay * average + (1 - decay) * value; integers are copied.

    >>> average = {"weight": torch.zeros(1, 1), "bias": torch.zeros(1)}
    >>> update_average(average, nn.Linear(1, 1).requires_grad_(False).apply(lambda part: part.weight.fill_(2.0)), 0.75)
    >>> average["weight"]
    tensor([[0.5000]])
    """
    values = module.state_dict()
    floats = [name for name, value in average.items() if value.is_floating_point()]
    get_ema_multi_avg_fn(decay)([average[name] for name in floats], [values[name].float() for name in floats], None)
    for name in average.keys() - set(floats):
        average[name].copy_(values[name])
