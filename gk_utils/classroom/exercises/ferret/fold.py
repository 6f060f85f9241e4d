"""The exercise 14.fold: cases, and the mistakes that have a name."""

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def layers(rng: np.random.Generator) -> list[Case]:
    """W, b, A1, A2 and a: one number each, then by hand, then random square ones."""
    one = [np.array([[float(x)]]) for x in (2, 3, 5)]
    cases: list[Case] = [
        (one[0], np.array([7.0]), one[1], one[2], np.array([11.0])),
        (np.eye(2), np.zeros(2), np.eye(2), np.zeros((2, 2)), np.zeros(2)),
        (np.eye(2), np.array([1.0, 2.0]), np.array([[0.0, 1.0], [1.0, 0.0]]), np.eye(2), np.zeros(2)),
        (np.zeros((2, 2)), np.ones(2), 2 * np.eye(2), np.eye(2), np.ones(2)),
    ]
    for _ in range(8):
        d = int(rng.integers(2, 5))
        w, a1, a2 = rng.normal(size=(3, d, d)).round(2)
        b, a = rng.normal(size=(2, d)).round(2)
        cases.append((w, b, a1, a2, a))
    return cases


def plus(w: np.ndarray, b: np.ndarray, a1: np.ndarray, a2: np.ndarray, a: np.ndarray) -> Arrays:
    """The anchor's part with the wrong sign."""
    return a1 @ w, a2 + a1 @ w, a1 @ b + a


def kept(w: np.ndarray, b: np.ndarray, a1: np.ndarray, a2: np.ndarray, a: np.ndarray) -> Arrays:
    """The anchor in the difference forgotten."""
    return a1 @ w, a2, a1 @ b + a


def other_way(w: np.ndarray, b: np.ndarray, a1: np.ndarray, a2: np.ndarray, a: np.ndarray) -> Arrays:
    """The products in the wrong order."""
    return w @ a1, a2 - w @ a1, a1 @ b + a


def one_by_one(w: np.ndarray, b: np.ndarray, a1: np.ndarray, a2: np.ndarray, a: np.ndarray) -> Arrays:
    """Products number by number."""
    return a1 * w, a2 - a1 * w, a1 @ b + a


def biases_added(w: np.ndarray, b: np.ndarray, a1: np.ndarray, a2: np.ndarray, a: np.ndarray) -> Arrays:
    """The first bias does not go through the second layer."""
    return a1 @ w, a2 - a1 @ w, b + a


def first_bias_lost(w: np.ndarray, b: np.ndarray, a1: np.ndarray, a2: np.ndarray, a: np.ndarray) -> Arrays:
    """The bias is taken to cancel in the difference."""
    return a1 @ w, a2 - a1 @ w, a.copy()


FOLD = Exercise(
    "14.fold",
    layers,
    mistakes=(
        written(
            "the anchor added in place of taken away",
            "The difference is neighbour minus anchor: the anchor meets A2 - A1 W.",
            plus,
        ),
        written(
            "the anchor in the difference forgotten",
            "The anchor stands in the difference, too: A2 - A1 W.",
            kept,
        ),
        written("W after A1", "W comes first, so it stands on the right: A1 @ W.", other_way),
        written("products number by number", "Matrices: A1 @ W, not A1 * W.", one_by_one),
        written("b added as it is", "b goes through the second layer: A1 @ b + a.", biases_added),
        written(
            "the first bias lost",
            "b is added after the difference was taken, so it does not cancel: A1 @ b + a.",
            first_bias_lost,
        ),
    ),
)
