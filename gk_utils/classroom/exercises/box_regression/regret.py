"""The exercise 04.regret: cases, and the mistakes that have a name."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written


def tables(rng: np.random.Generator) -> list[Case]:
    """Costs of queries (rows) and truths (columns): greedy right, greedy wrong, more queries, more truths; random."""
    by_hand = [
        [[1.0, 5], [6, 2]],
        [[1.0, 2], [2.5, 9]],
        [[3.0, 1], [2, 8], [9, 7]],
        [[2.0, 1, 9], [1.5, 6, 8]],
        [[0.5, 0.2, 3], [0.9, 0.1, 2], [4, 0.3, 0.6]],
        [[-5.0, -4.5, 1], [-4.8, 2, 3], [0, 1, -6]],  # DETR's costs can be negative
        [[7.0]],
        [[4.0, 1, 2, 3]],
        [[1.0, 9, 9], [2, 10, 3], [1.5, 1.2, 30]],
    ]
    cases: list[Case] = [(torch.tensor(cost),) for cost in by_hand]
    shapes = [(3, 3), (4, 4), (5, 3), (3, 5), (6, 6), (8, 5)]
    return [*cases, *((torch.from_numpy(rng.normal(0, 3, shape)).float(),) for shape in shapes)]


def best(cost: Tensor) -> float:
    """The least total cost."""
    rows, columns = linear_sum_assignment(cost.double().numpy())
    return float(cost.double()[rows, columns].sum())


def picked(cost: Tensor, order: Iterable[tuple[int, int]]) -> float:
    """The total cost of the pairs in this order, each query and each truth once."""
    used_rows, used_columns, total = set(), set(), 0.0
    for row, column in order:
        if row not in used_rows and column not in used_columns:
            used_rows.add(row)
            used_columns.add(column)
            total += float(cost[row, column])
    return total


def by_cost(cost: Tensor, sign: int = 1) -> list[tuple[int, int]]:
    """All pairs, the cheapest first; with sign -1 the dearest."""
    q, n = cost.shape
    return sorted(((i, j) for i in range(q) for j in range(n)), key=lambda pair: sign * float(cost[pair]))


def by_row(cost: Tensor) -> list[tuple[int, int]]:
    """Query after query, each with its cheapest truths first."""
    return [(row, column) for row, line in enumerate(cost) for column in line.argsort().tolist()]


def greedy(cost: Tensor) -> float:
    """The cost of taking the cheapest pair that is free, again and again."""
    return picked(cost, by_cost(cost))


def beyond_best(total: Callable[[Tensor], float]) -> Callable[[Tensor], float]:
    """What a way to match costs above the best."""
    return lambda cost: total(cost) - best(cost)


def pairs_matched(cost: Tensor) -> int:
    """How many pairs there are."""
    return min(cost.shape)


REGRET = Exercise(
    "04.regret",
    tables,
    mistakes=(
        written(
            "a truth given to two queries",
            "Each truth has one query: cross out the row and the column of a pair that you took.",
            beyond_best(lambda cost: float(cost.amin(1).sum())),
        ),
        written(
            "a query given to two truths",
            "Each query has one truth: cross out the row and the column of a pair that you took.",
            beyond_best(lambda cost: float(cost.amin(0).sum())),
        ),
        written(
            "one query after the other",
            "Look for the cheapest pair in the whole table, not row by row.",
            beyond_best(lambda cost: picked(cost, by_row(cost))),
        ),
        written(
            "one truth after the other",
            "Look for the cheapest pair in the whole table, not column by column.",
            beyond_best(lambda cost: picked(cost.T, by_row(cost.T))),
        ),
        written(
            "the dearest pair taken first",
            "Greedy takes the smallest cost that is left: argmin.",
            beyond_best(lambda cost: picked(cost, by_cost(cost, -1))),
        ),
        written(
            "in the order of the lists",
            "Query i need not answer for truth i: look for the cheapest pair.",
            beyond_best(lambda cost: float(cost.diagonal().sum())),
        ),
        written("the cost of the greedy matching", "Subtract what the best one costs.", greedy),
        written("the cost of the best matching", "Subtract it from what the greedy one costs.", best),
        written(
            "the mean over pairs",
            "Total cost: add the pairs up, do not average.",
            lambda cost: (greedy(cost) - best(cost)) / pairs_matched(cost),
        ),
        written("a ratio", "Subtract, do not divide: costs can be negative.", lambda cost: greedy(cost) / best(cost)),
    ),
)
