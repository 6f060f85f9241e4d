"""Metrics: what a set of answers scores, and how far to trust that number.

Wherever possible there is one value per example (an IoU, a rank, an error) and a function that boils them down;
`bootstrap_interval` says how much the result would move with another sample of the same size.

Average precision has a module of its own and can be imported from here.

Source: recall protocols, Kamath et al. 2021 (MDETR), arXiv:2104.12763, datasets/flickr_eval.py at 8cbe208; percentile
bootstrap, Efron 1979, doi:10.1214/aos/1176344552.
Notebook: 02.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from gk_utils.average_precision import AveragePrecision, average_precision
from gk_utils.boxes import pairwise_iou
from gk_utils.errors import check_boxes, check_choice, check_same_length

__all__ = [
    "AveragePrecision",
    "Interval",
    "accuracy_at_iou",
    "average_precision",
    "bootstrap_interval",
    "bootstrap_intervals",
    "first_hit_ranks",
    "mean_absolute_error",
    "mean_iou",
    "pointing_accuracy",
    "recall_at_k",
    "root_mean_squared_error",
]

# --- one answer against one truth -------------------------------------------------------------------------------


def accuracy_at_iou(ious: Float[Tensor, " n"], threshold: float = 0.5, *, inclusive: bool = True) -> float:
    """Share of answers whose IoU reaches the threshold: Acc@0.5 by default, in [0, 1].

    Two rules share one name: Qwen-VL, OFA, InternVL and Ferret count IoU >= 0.5 (`inclusive`), Shikra and Ref-L4
    IoU > 0.5. They differ on an answer that hits the threshold exactly, such as one twice as long as the truth.
    MDETR thresholds GIoU, which is stricter than both: pass GIoUs instead.

    Raises:
        ValueError: no values, or one that is not finite (so do all metrics of this module).

    >>> ious = torch.tensor([0.5, 0.8, 0.2, 0.6])
    >>> accuracy_at_iou(ious), accuracy_at_iou(ious, inclusive=False)
    (0.75, 0.5)
    """
    return _mean(ious >= threshold if inclusive else ious > threshold, ious, "ious")


def mean_iou(ious: Float[Tensor, " n"]) -> float:
    """Mean of the IoUs, one per answer, in [0, 1]; an answer beside its truth counts with its 0.

    >>> mean_iou(torch.tensor([1.0, 0.5, 0.0]))
    0.5
    """
    return _mean(ious, ious, "ious")


def pointing_accuracy(points: Float[Tensor, "n 2"], boxes: Float[Tensor, "n 4"]) -> float:
    """Share of points (x, y in pixels) that lie in their box, in [0, 1]; the border belongs to the box.

    Raises:
        TypeError, ValueError: not boxes, or not one point per box.

    >>> pointing_accuracy(torch.tensor([[10.0, 5.0], [10.1, 5.0]]), torch.tensor([[0.0, 0, 10, 10], [0.0, 0, 10, 10]]))
    0.5
    """
    check_boxes(boxes)
    check_same_length(boxes, points, ("boxes", "points"))
    return _mean(((points >= boxes[:, :2]) & (points <= boxes[:, 2:])).all(-1), points, "points")


def mean_absolute_error(predicted: Shaped[Tensor, " n"], true: Shaped[Tensor, " n"]) -> float:
    """Mean of |predicted - true|, in the unit of both: how far off a count is, whichever way.

    >>> mean_absolute_error(torch.tensor([3, 5, 10]), torch.tensor([3, 4, 5]))
    2.0
    """
    check_same_length(predicted, true, ("predicted", "true"))
    errors = predicted.double() - true.double()
    return _mean(errors.abs(), errors, "predicted - true")


def root_mean_squared_error(predicted: Shaped[Tensor, " n"], true: Shaped[Tensor, " n"]) -> float:
    """Root of the mean of (predicted - true)², in the unit of both; never below the mean absolute error.

    One large error weighs more than many small ones: a single crowded picture can decide it.

    >>> root_mean_squared_error(torch.tensor([3, 5, 10, 7]), torch.tensor([3, 5, 4, 7]))
    3.0
    """
    check_same_length(predicted, true, ("predicted", "true"))
    errors = predicted.double() - true.double()
    return _mean(errors.square(), errors, "predicted - true") ** 0.5


# --- a ranked list against the truth: recall at k ---------------------------------------------------------------


def first_hit_ranks(
    ranked_boxes: Sequence[Float[Tensor, "_ 4"]],
    true_boxes: Sequence[Float[Tensor, "_ 4"]],
    *,
    threshold: float = 0.5,
    rule: Literal["any", "merged"] = "any",
) -> Float[Tensor, " n"]:
    """For each phrase the rank of its first right box: 1 where the best is right, infinity where none is.

    A phrase of Flickr30k Entities may have several true boxes ("three men"). Two protocols are in use, and a number
    means little without its own: "any", one of the true boxes is met; "merged", the box around all of them is met.

    Args:
        ranked_boxes: for each phrase its boxes, best first; none is a miss.
        true_boxes: for each phrase its true boxes, at least one.
        threshold: the least IoU that is right (>=).
        rule: what to meet where there are several true boxes.

    Raises:
        TypeError, ValueError: not boxes, different lengths, or a phrase without a true box.

    >>> men, found = torch.tensor([[0.0, 0, 8, 9], [20.0, 0, 28, 9]]), torch.tensor([[50.0, 0, 58, 9], [0.0, 0, 8, 9]])
    >>> first_hit_ranks([found], [men]), first_hit_ranks([found], [men], rule="merged")
    (tensor([2.]), tensor([inf]))
    """
    check_choice(rule, ("any", "merged"), "rule")
    check_same_length(ranked_boxes, true_boxes, ("ranked_boxes", "true_boxes"))
    ranks = torch.full((len(ranked_boxes),), float("inf"))
    for phrase, (ranked, truths) in enumerate(zip(ranked_boxes, true_boxes, strict=True)):
        if not len(truths):
            raise ValueError(
                f"true_boxes: expected at least one box per phrase, got none for phrase {phrase}. "
                "Leave out phrases without a box, as the benchmark does."
            )
        hull = torch.cat([truths[:, :2].amin(0), truths[:, 2:].amax(0)])[None]
        hits = (pairwise_iou(ranked, hull if rule == "merged" else truths) >= threshold).any(1)
        if hits.any():
            ranks[phrase] = hits.float().argmax() + 1
    return ranks


def recall_at_k(ranks: Float[Tensor, " n"], k: int = 1) -> float:
    """Share of phrases with a right box among their first k: R@1, R@5, R@10 of Flickr30k Entities, in [0, 1].

    Args:
        ranks: from `first_hit_ranks`.
        k: how many boxes to look at, from 1 on.

    >>> ranks = torch.tensor([1.0, 3.0, float("inf"), 1.0])
    >>> recall_at_k(ranks, 1), recall_at_k(ranks, 5)
    (0.5, 0.75)
    """
    if k < 1:
        raise ValueError(f"k: expected at least 1, got {k}. R@1 looks at the first box alone.")
    return _mean(ranks <= k, ranks.masked_fill(ranks == torch.inf, 0), "ranks")


# --- how far to trust a number ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Interval:
    """A measured value and the interval around it, all in the value's unit; `dataclasses.asdict` makes it JSON."""

    value: float
    low: float
    high: float


def bootstrap_interval(
    values: Shaped[Tensor, " n"],
    statistic: Callable[[Tensor], Any] | None = None,
    *,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Percentile bootstrap: how much a number would move with another sample of n examples.

    Draw n of the n examples with replacement and compute the number again, `resamples` times; the interval holds the
    middle `level` of the results. The same seed gives the same interval on every device.

    Two systems on the same examples: pass the differences, and see whether 0 is inside. That is sharper than comparing
    two intervals, because what makes an example hard for both cancels out. A number made of more than one tensor: pass
    `torch.arange(n)` and a statistic that looks these rows (or images) up.

    Limits: rows must be independent (ten phrases of one image are not: resample images). Below 20 values the interval
    is too narrow. Where all values are equal it has no width, although n right answers out of n still allow an error
    rate of about 3 / n.

    Args:
        values: one per example: numbers, or hits (bool).
        statistic: from a resample of `values` to one number; None is the mean, which is the fast one.
        resamples: how often to draw, at least 1.
        seed: of the draws.
        level: share of the results inside, between 0 and 1.

    Raises:
        ValueError: no values, or one that is not finite, of the statistic too; no resamples; a level outside (0, 1).

    >>> bootstrap_interval(torch.tensor([1.0] * 80 + [0.0] * 20))
    Interval(value=0.8, low=0.72, high=0.88)
    >>> bootstrap_interval(torch.tensor([1.0, 1, 0, 1]) - torch.tensor([0.0, 1, 0, 1]))  # a difference of two systems
    Interval(value=0.25, low=0.0, high=0.75)
    """
    _check_bootstrap(values, resamples, level)
    if statistic is None:
        return bootstrap_intervals(values[:, None], resamples=resamples, seed=seed, level=level)[0]
    values = values.detach().cpu()
    generator = np.random.default_rng(seed)
    results = []
    for _ in range(resamples):
        rows = torch.from_numpy(generator.integers(0, len(values), len(values)))
        results.append(float(statistic(values[rows])))
    _check_values(torch.tensor(results), "statistic")  # of a resample without positives, say
    low, high = np.quantile(results, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return Interval(float(statistic(values)), low, high)


def bootstrap_intervals(
    values: Shaped[Tensor, "n k"], *, resamples: int = 2000, seed: int = 0, level: float = 0.95
) -> list[Interval]:
    """As `bootstrap_interval`, of k means of the same n examples: Acc@0.5, Acc@0.75 and mIoU, say.

    Each gets the interval that it would get alone, but the examples are drawn once for all, which is what takes long.

    >>> ious = torch.tensor([0.9, 0.6, 0.3, 0.8])
    >>> accuracy, miou = bootstrap_intervals(torch.stack([(ious >= 0.5).float(), ious], 1))
    >>> accuracy
    Interval(value=0.75, low=0.25, high=1.0)
    """
    _check_bootstrap(values, resamples, level)
    columns = values.detach().cpu().double().numpy().T.copy()  # k n
    n = len(values)
    generator = np.random.default_rng(seed)
    means = np.empty((resamples, len(columns)))
    block = max(1, 2**16 // n)  # resamples at a time: their counts stay in a processor's cache
    for start in range(0, resamples, block):
        rows = generator.integers(0, n, (min(block, resamples - start), n))
        rows[1:] += n * np.arange(1, len(rows))[:, None]
        # How often a resample has each example says all about its means, and counting is faster than looking up values.
        counts = np.bincount(rows.ravel(), minlength=rows.size).reshape(rows.shape)
        means[start : start + len(rows)] = np.einsum("rn,kn->rk", counts.astype(float), columns) / n
    lows, highs = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0).tolist()
    return [Interval(*each) for each in zip(columns.mean(1).tolist(), lows, highs, strict=True)]


def _check_bootstrap(values: Tensor, resamples: int, level: float) -> None:
    _check_values(values, "values")
    if resamples < 1:
        raise ValueError(f"resamples: expected at least 1, got {resamples}. 2000 settle the second digit.")
    if not 0 < level < 1:
        raise ValueError(f"level: expected a share between 0 and 1, got {level}. A 95 % interval is level=0.95.")


def _mean(values: Tensor, measured: Tensor, name: str) -> float:
    """The mean in float64, once what was measured is known to be there and finite."""
    _check_values(measured, name)
    return values.double().mean().item()


def _check_values(values: Tensor, name: str) -> None:
    if not len(values):
        raise ValueError(f"{name}: expected at least one value, got none. Nothing was measured: check the split.")
    if not values.isfinite().all():
        row = int((~values.isfinite()).nonzero()[0, 0])
        raise ValueError(f"{name}: expected finite numbers, got {values[row].tolist()} in row {row}. Find its origin.")
