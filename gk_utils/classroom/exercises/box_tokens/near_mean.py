"""The exercise 03.near_mean: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils import charts
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

BINS = 40


def peaks(*parts: tuple[int, float], bins: int = BINS) -> Tensor:
    """One row of shares: bin -> share, 0 elsewhere."""
    row = torch.zeros(1, bins)
    for number, share in parts:
        row[0, number] = share
    return row


def share_rows(rng: np.random.Generator) -> list[Case]:
    """Shares with one peak, two, at the ends, at the edge of the window; then random ones."""
    cases: list[Case] = [
        (peaks((19, 0.46), (20, 0.1), (21, 0.44)), 2),
        (peaks((8, 0.9), (20, 0.1)), 4),
        (peaks((0, 0.5), (1, 0.3), (39, 0.2)), 2),  # at the border: the other end is far away
        (peaks((39, 0.6), (38, 0.1), (0, 0.3)), 3),
        (peaks((10, 0.5), (13, 0.3), (14, 0.2)), 3),  # 13 is inside, 14 is not
        (peaks((10, 0.5), (7, 0.3), (6, 0.2)), 3),
        (peaks((5, 0.4), (6, 0.2), (30, 0.3), (31, 0.1)), 0),
        (torch.cat([peaks((3, 0.7), (4, 0.3)), peaks((30, 0.8), (28, 0.2))]), 2),
        (peaks((5, 0.4), (30, 0.35), (29, 0.25)), BINS),  # a window that holds all
    ]
    for _ in range(5):
        logits = 2.0 * torch.from_numpy(rng.normal(0, 1, (4, BINS)))
        cases.append((logits.softmax(1).float(), int(rng.integers(1, 6))))
    return cases


def weighted(
    window: Callable[[Tensor, int], Tensor] = lambda steps, reach: steps.abs() <= reach,
    *,
    divide: Callable[[Tensor, Tensor], Tensor] = lambda total, share: total / share,
    weigh: Callable[[Tensor], Tensor] = lambda shares: shares,
):
    """A solution with one part changed; `steps` counts the bins from the most probable one."""

    def answer(shares: Tensor, reach: int) -> Tensor:
        bins = torch.arange(shares.shape[1])
        steps = bins - shares.argmax(1, keepdim=True)
        inside = weigh(shares) * window(steps, reach)
        return divide((inside * bins).sum(1), inside.sum(1))

    return answer


def wrapped(steps: Tensor, reach: int) -> Tensor:
    """A window that leaves on one side and comes back on the other."""
    return torch.minimum(steps % steps.shape[1], -steps % steps.shape[1]) <= reach


def draw_row(case: Case, expected: Tensor, got: object) -> Figure:
    """The shares of the first row that is wrong."""
    shares, reach = case
    row = 0
    if isinstance(got, Tensor) and got.shape == expected.shape:
        row = int((got - expected).abs().argmax())
    said = f"{float(got[row]):.2f}" if isinstance(got, Tensor) and got.ndim else str(got)
    title = f"row {row}, reach {reach}: expected {float(expected[row]):.2f}, got {said}"
    return charts.curve(range(shares.shape[1]), {"shares": shares[row]}, xlabel="bin", ylabel="share", title=title)


NEAR_MEAN = Exercise(
    "03.near_mean",
    share_rows,
    mistakes=(
        written(
            "the mean over all bins",
            "A second peak pulls it into the gap between: leave out what lies further than reach from the best bin.",
            weighted(lambda steps, reach: steps.abs() >= 0),
        ),
        written(
            "the most probable bin itself",
            "Take the mean of the bins around it, weighted by their shares.",
            lambda shares, reach: shares.argmax(1).double(),
        ),
        written(
            "the sum not divided by the shares inside",
            "The shares inside the window do not sum to 1: divide by their sum.",
            weighted(divide=lambda total, share: total),
        ),
        written(
            "the ends of the window left out",
            "Both ends are included: <= reach.",
            weighted(lambda steps, reach: (steps.abs() < reach) | (steps == 0)),
        ),
        written(
            "only the bins above the best one",
            "The window reaches to both sides: take the absolute distance.",
            weighted(lambda steps, reach: (steps >= 0) & (steps <= reach)),
        ),
        written(
            "only the bins below the best one",
            "The window reaches to both sides, and a slice ends before its end: [best - reach : best + reach + 1].",
            weighted(lambda steps, reach: (steps <= 0) & (steps >= -reach)),
        ),
        written(
            "the window one bin short above",
            "A slice ends before its end: [best - reach : best + reach + 1].",
            weighted(lambda steps, reach: ((steps >= -reach) & (steps < reach)) | (steps == 0)),
        ),
        written(
            "a window that wraps around the border",
            "Bin 0 and the last bin are the two ends of the picture, not neighbours.",
            weighted(wrapped),
        ),
        written(
            "the bins of the window not weighted",
            "Weigh each bin by its share.",
            weighted(weigh=torch.ones_like),
        ),
    ),
    draw=draw_row,
)
