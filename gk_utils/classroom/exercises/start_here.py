"""The exercises of lesson 00: cases, and the mistakes that have a name."""

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils import viz
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import (
    hw_swapped,
    on_arguments,
    on_result,
    written,
    xy_swapped,
)


def random_shares(rng: np.random.Generator, rows: int, columns: int) -> Tensor:
    """Shares of a grid's cells that leave something for "none"."""
    raw = torch.from_numpy(rng.random((rows, columns)) ** 6).float()
    return raw / raw.sum() * float(rng.uniform(0.2, 0.95))


def cells(shares: Tensor, image_hw: tuple[int, int], offset: float = 0.5) -> tuple[Tensor, Tensor]:
    """X of the columns and y of the rows, in picture pixels; `offset` says where in the cell."""
    (rows, columns), (height, width) = shares.shape, image_hw
    return (torch.arange(columns) + offset) * width / columns, (torch.arange(rows) + offset) * height / rows


# --- 00.centre --------------------------------------------------------------------------------------------------


def maps(rng: np.random.Generator) -> list[Case]:
    """One cell, two cells, a wide and a tall picture, then random maps."""
    one, two, wide = torch.zeros(4, 4), torch.zeros(4, 4), torch.zeros(2, 6)
    one[1, 2], two[0, 0], two[0, 3], wide[1, 5] = 0.6, 0.2, 0.6, 0.5
    cases: list[Case] = [
        (one, (80, 80)),
        (two, (80, 80)),
        (wide, (100, 300)),
        (wide.T.contiguous(), (300, 100)),
        (torch.full((3, 5), 0.05), (90, 200)),
    ]
    sizes = [(8, 8, 384, 384), (16, 16, 128, 128), (4, 6, 200, 330), (7, 3, 420, 150)]
    return [*cases, *((random_shares(rng, rows, columns), (height, width)) for rows, columns, height, width in sizes)]


def centre_with(offset: float = 0.5, divide: bool = True, in_pixels: bool = True):
    """The right centre of a map, or one of its wrong relatives."""

    def centre(shares: Tensor, image_hw: tuple[int, int]) -> list[float]:
        xs, ys = cells(shares, image_hw if in_pixels else tuple(shares.shape), offset)
        whole = shares.sum() if divide else torch.tensor(1.0)
        return [float((shares.sum(0) * xs).sum() / whole), float((shares.sum(1) * ys).sum() / whole)]

    return centre


def surest(shares: Tensor, image_hw: tuple[int, int]) -> list[float]:
    """The centre of the cell with the largest share."""
    xs, ys = cells(shares, image_hw)
    row, column = divmod(int(shares.argmax()), shares.shape[1])
    return [float(xs[column]), float(ys[row])]


def draw_centre(case: Case, expected: list[float], got: object) -> Figure:
    """The cells on squared paper, the surest hatched, and a small box around each point."""
    shares, (height, width) = case
    reach = max(height, width) / 50
    box = [[expected[0] - reach, expected[1] - reach, expected[0] + reach, expected[1] + reach]]
    rows, columns = shares.shape
    row, column = divmod(int(shares.argmax()), columns)
    cell = [column * width / columns, row * height / rows, (column + 1) * width / columns, (row + 1) * height / rows]
    return viz.draw_plane(
        extent_hw=(height, width),
        truth=torch.tensor(box),
        truth_labels=["expected"],
        regions=torch.tensor([cell]),
        region_labels=["largest share"],
        title=f"expected {_short(expected)}, got {_short(got)}",
    )


CENTRE = Exercise(
    "00.centre",
    maps,
    mistakes=(
        on_result("x and y swapped", "Return x first: x runs along the columns.", lambda point: point[::-1]),
        written(
            "the corner of each cell in place of its centre",
            "Cell 0 spans 0 to 1: its centre is at 0.5. Add 0.5 before you multiply.",
            centre_with(offset=0),
        ),
        written(
            "not divided by the sum of the shares",
            'The shares do not sum to 1, since "none" has the rest: divide by their sum.',
            centre_with(divide=False),
        ),
        written(
            "cells returned, not pixels",
            "Multiply x by width / columns and y by height / rows.",
            centre_with(in_pixels=False),
        ),
        written(
            "the surest cell in place of the mean",
            "That is the mode of the map. Weight every cell's centre with its share.",
            surest,
        ),
        hw_swapped(1),
        on_arguments("rows and columns of the map swapped", "shares[row, column]: rows come first.", lambda m: m.T),
    ),
    draw=draw_centre,
)


# --- 00.thing_shares --------------------------------------------------------------------------------------------


def maps_with_boxes(rng: np.random.Generator) -> list[Case]:
    """A map and the boxes of things: one cell, a half covered cell, nothing, everything; then random ones."""
    one, two = torch.zeros(4, 4), torch.zeros(4, 4)
    one[1, 2], two[0, 0], two[0, 3], two[3, 3] = 0.6, 0.2, 0.5, 0.1
    wide = torch.arange(12.0).view(2, 6) / 80
    cases: list[Case] = [
        (one, torch.tensor([[40.0, 20, 60, 40], [0, 0, 20, 20]]), (80, 80)),
        (two, torch.tensor([[0.0, 0, 80, 80], [65, 5, 78, 18], [1, 1, 9, 9]]), (80, 80)),
        (two, torch.tensor([[0.0, 0, 19, 80], [45, 0, 80, 80]]), (80, 80)),
        (wide, torch.tensor([[0.0, 0, 160, 60], [190, 20, 299, 99]]), (100, 300)),
        (wide.T.contiguous(), torch.tensor([[0.0, 0, 60, 160], [20, 190, 99, 299]]), (300, 100)),
    ]
    for rows, columns, height, width in [(8, 8, 384, 384), (16, 16, 128, 128), (4, 6, 201, 331), (7, 3, 419, 149)]:
        corners = torch.from_numpy(rng.random((5, 2, 2)).astype(np.float32)).sort(1).values
        boxes = torch.cat([corners[:, 0], corners[:, 1]], 1) * torch.tensor([width, height, width, height])
        cases.append((random_shares(rng, rows, columns), boxes, (height, width)))
    return cases


def sums_with(offset: float = 0.5, how: str = "sum"):
    """The right shares of things, or one of their wrong relatives."""

    def thing_shares(shares: Tensor, boxes: Tensor, image_hw: tuple[int, int]) -> Tensor:
        xs, ys = cells(shares, image_hw, offset)
        across = (xs >= boxes[:, :1]) & (xs <= boxes[:, 2:3])
        down = (ys >= boxes[:, 1:2]) & (ys <= boxes[:, 3:])
        inside = down[:, :, None] & across[:, None]
        kept = (inside * shares).flatten(1)
        if how == "mean":
            return kept.sum(1) / inside.flatten(1).sum(1).clamp(min=1)
        return kept.amax(1) if how == "max" else kept.sum(1)

    return thing_shares


def _over_total(values: Tensor) -> Tensor:
    return values / values.sum().clamp(min=1e-9)


def draw_things(case: Case, expected: Tensor, got: object) -> Figure:
    """The boxes with what is expected of each, and the surest cell hatched."""
    shares, boxes, (height, width) = case
    rows, columns = shares.shape
    row, column = divmod(int(shares.argmax()), columns)
    cell = [column * width / columns, row * height / rows, (column + 1) * width / columns, (row + 1) * height / rows]
    return viz.draw_plane(
        boxes,
        [f"{number}: {value:.3f}" for number, value in enumerate(expected.tolist())],
        extent_hw=(height, width),
        regions=torch.tensor([cell]),
        region_labels=["largest share"],
        title=f"expected {_short(expected.tolist())}, got {_short(got)}",
    )


THING_SHARES = Exercise(
    "00.thing_shares",
    maps_with_boxes,
    mistakes=(
        written("the mean of the cells", "Add the shares up: a large thing may gather many.", sums_with(how="mean")),
        written("the largest share of each box", "Add the shares of all cells in the box.", sums_with(how="max")),
        written(
            "the corner of each cell in place of its centre",
            "A cell counts if its centre lies in the box: (column + 0.5) * width / columns.",
            sums_with(offset=0),
        ),
        on_result(
            "scaled so that the things sum to 1",
            'What lies beside the things, and "none", have their part too: leave the sums as they are.',
            _over_total,
        ),
        xy_swapped(1),
        hw_swapped(2),
        on_arguments("rows and columns of the map swapped", "shares[row, column]: rows come first.", lambda m: m.T),
        on_result("the winner returned, not the shares", "Return one number a box.", lambda values: values.argmax()),
    ),
    draw=draw_things,
)


# --- 00.threshold -----------------------------------------------------------------------------------------------


def decisions(rng: np.random.Generator) -> list[Case]:
    """Shares of "none", and whether there really is none: apart, mixed, ties, all alike; then random ones."""
    by_hand = [
        ([0.1, 0.3, 0.2, 0.6, 0.9], [False, False, False, True, True]),
        ([0.1, 0.7, 0.2, 0.6, 0.9], [False, False, False, True, True]),
        ([0.05, 0.08, 0.02, 0.01], [False, True, True, False]),
        ([0.2, 0.4, 0.6, 0.8], [True, False, True, False]),
        ([0.3, 0.3, 0.7, 0.7], [False, True, False, True]),
        ([0.5, 0.4], [True, True]),
        ([0.9, 0.95, 0.8, 0.99, 0.97], [False, True, False, True, False]),
    ]
    cases: list[Case] = [(torch.tensor(none), torch.tensor(absent)) for none, absent in by_hand]
    for n in (12, 30, 30, 60):
        absent = torch.from_numpy(rng.random(n) < 0.5)
        none = torch.from_numpy(rng.beta(1 + 2 * absent.numpy(), 2)).float()
        cases.append((none, absent))
    return cases


def threshold_with(side=lambda none, at: none >= at, pick=lambda values, right: values[right.argmax()]):
    """The right threshold, or one of its wrong relatives."""

    def threshold(none: Tensor, absent: Tensor) -> float:
        values = none.unique()
        right = torch.stack([(side(none, at) == absent).float().mean() for at in values])
        return float(pick(values, right))

    return threshold


THRESHOLD = Exercise(
    "00.threshold",
    decisions,
    mistakes=(
        written("> in place of >=", "A share at the threshold counts as none.", threshold_with(lambda n, at: n > at)),
        written(
            "the decision the wrong way round",
            'Say "none" where its share is large, not where it is small.',
            threshold_with(lambda none, at: none < at),
        ),
        written(
            "the largest of several that are as good",
            "Take the smallest: torch.unique sorts, and argmax returns the first of equals.",
            threshold_with(pick=lambda values, right: values[right >= right.max()][-1]),
        ),
        written(
            "the share of right decisions",
            "Return the threshold that reaches it.",
            threshold_with(pick=lambda values, right: right.max()),
        ),
        written(
            "the place of the threshold in the list",
            "Return the share itself, values[place].",
            threshold_with(pick=lambda values, right: right.argmax()),
        ),
        written("always 0.5", "Try every share that occurs.", lambda none, absent: 0.5),
        written(
            "the smallest share of an absent one",
            "That finds every absent one and may lose many of the others: count both.",
            lambda none, absent: float(none[absent].min()) if absent.any() else 1.0,
        ),
    ),
)


def _short(value: object) -> str:
    if isinstance(value, Tensor):
        value = value.tolist()
    if isinstance(value, list):
        return f"[{', '.join(_short(item) for item in value)}]"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


EXERCISES = (CENTRE, THING_SHARES, THRESHOLD)
