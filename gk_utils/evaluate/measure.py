"""Metrics with intervals for answers that come several to a picture: whole pictures are resampled, not answers.

Answers about one picture share its difficulty; to resample them one by one would make every interval too narrow. The
metrics here are functions of sums over pictures, so that all resamples are computed at once.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

RESAMPLES = 2000


def mean_interval(values: Shaped[Tensor, " n"], picture: Int[Tensor, " n"]) -> dict[str, float]:
    """The mean over all answers, {"value", "low", "high"}; `picture` says which picture each answer is about.

    >>> mean_interval(torch.tensor([1.0, 1.0, 0.0, 0.0]), torch.tensor([0, 0, 1, 1]))
    {'value': 0.5, 'low': 0.0, 'high': 1.0}
    """
    rows = torch.stack([values.double(), torch.ones(len(values), dtype=torch.double)], 1)
    return _interval(rows, picture, lambda sums: sums[..., 0] / sums[..., 1])


def f1_interval(said: Bool[Tensor, " n"], true: Bool[Tensor, " n"], picture: Int[Tensor, " n"]) -> dict[str, float]:
    """F1 of what was said against what is true, {"value", "low", "high"}; 0 where neither ever happens.

    >>> f1_interval(torch.tensor([True, True, False]), torch.tensor([True, False, False]), torch.arange(3))["value"]
    0.6667
    """
    rows = torch.stack([2 * (said & true).double(), (said ^ true).double()], 1)
    return _interval(rows, picture, lambda sums: sums[..., 0] / sums.sum(-1).clamp(min=1))


def _interval(
    rows: Float[Tensor, "n k"], picture: Int[Tensor, " n"], statistic: Callable[[Tensor], Tensor]
) -> dict[str, float]:
    """The percentile bootstrap (metrics.bootstrap_interval) of a statistic of the rows' sums, over pictures."""
    number = picture.unique(return_inverse=True)[1]
    pictures = int(number.max()) + 1
    sums = torch.zeros(pictures, rows.shape[1], dtype=torch.double).index_add_(0, number, rows)
    drawn = np.random.default_rng(0).integers(0, pictures, (RESAMPLES, pictures))
    results = torch.cat([statistic(sums[some].sum(1)) for some in torch.from_numpy(drawn).split(200)])
    low, high = np.quantile(results.numpy(), [0.025, 0.975]).tolist()
    found = {"value": statistic(sums.sum(0)).item(), "low": low, "high": high}
    return {name: round(value, 4) for name, value in found.items()}
