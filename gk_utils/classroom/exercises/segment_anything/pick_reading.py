"""The exercise 08.pick_reading: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written


def three_readings(rng: np.random.Generator) -> list[Case]:
    """Areas, expected IoUs, the margin and what is wanted: by hand, then random. Borders are exact in binary."""
    cases: list[Case] = [
        ([50, 80, 200], [0.8, 0.75, 0.72], 0.1, "whole"),
        ([50, 80, 200], [0.8, 0.75, 0.72], 0.1, "part"),
        ([50, 80, 200], [0.8, 0.75, 0.5], 0.1, "whole"),  # the largest expects too little
        ([50, 80, 200], [0.5, 0.75, 0.8], 0.1, "part"),
        ([50, 80, 200], [0.75, 0.5, 0.5], 0.25, "whole"),  # exactly at the margin
        ([50, 80, 200], [0.5, 0.5, 0.75], 0.25, "part"),
        ([0, 80, 200], [0.9, 0.75, 0.72], 0.1, "part"),  # an empty mask that expects the most
        ([0, 80, 200], [0.5, 0.75, 0.72], 0.5, "part"),
        ([0, 0, 0], [0.9, 0.8, 0.7], 0.2, "whole"),
        ([80, 80, 80], [0.7, 0.8, 0.75], 0.2, "whole"),  # equal areas
        ([80, 80, 90], [0.7, 0.8, 0.75], 0.2, "part"),
        ([80, 80, 80], [0.75, 0.75, 0.75], 0.0, "part"),
        ([90, 60, 30], [0.25, 0.25, 0.2], 0.04, "part"),  # a margin is a difference, not a share
        ([300, 60, 90], [0.3, 0.9, 0.85], 0.08, "whole"),
    ]
    for _ in range(10):
        areas = rng.integers(20, 400, 3)
        areas[rng.random(3) < 0.15] = 0
        said = (rng.integers(0, 33, 3) / 32 + 1 / 4096).tolist()
        want = str(rng.choice(["whole", "part"]))
        cases.append((areas.tolist(), said, float(rng.choice([0.125, 0.25, 0.5])), want))
    return cases


def pick_with(
    keeps: Callable[[float, float, float], bool] = lambda said, best, margin: said >= best - margin,
    empties: bool = False,
    best_of_all: bool = False,
    key: Callable[[int, int, float], tuple] = lambda sign, area, said: (sign * area, said),
    none: int = -1,
):
    """The right number, or one of its wrong relatives."""

    def answer(areas: list[int], said: list[float], margin: float, want: str) -> int:
        filled = [k for k, area in enumerate(areas) if area > 0 or empties]
        if not filled:
            return none
        best = max(said[k] for k in (range(len(said)) if best_of_all else filled))
        kept = [k for k in filled if keeps(said[k], best, margin)]
        sign = 1 if want == "whole" else -1
        return max(kept, key=lambda k: key(sign, areas[k], said[k]), default=none)

    return answer


PICK_READING = Exercise(
    "08.pick_reading",
    three_readings,
    mistakes=(
        written(
            "the best expected IoU alone",
            "That is the model's choice. Keep all within the margin, then go by area.",
            pick_with(key=lambda sign, area, said: (said,)),
        ),
        written(
            "the margin ignored",
            "A reading that expects too little may be the largest or the smallest: drop it first.",
            pick_with(keeps=lambda said, best, margin: True),
        ),
        written(
            "empty masks kept",
            "A mask without a pixel is no reading, whatever it expects: drop it first.",
            pick_with(empties=True),
        ),
        written(
            "the best taken over empty masks too",
            "The best expected IoU is that of the readings that have a pixel.",
            pick_with(best_of_all=True),
        ),
        written(
            "> in place of >=",
            "A reading exactly `margin` below the best is kept.",
            pick_with(keeps=lambda said, best, margin: said > best - margin or said == best),
        ),
        written(
            "the margin as a share of the best",
            "At most `margin` below: best - margin, not best x (1 - margin).",
            pick_with(keeps=lambda said, best, margin: said >= best * (1 - margin)),
        ),
        written(
            "whole and part exchanged",
            "The whole is the largest, the part the smallest.",
            pick_with(key=lambda sign, area, said: (-sign * area, said)),
        ),
        written(
            "of equal areas the first",
            "Of equal areas take the one that expects more.",
            pick_with(key=lambda sign, area, said: (sign * area,)),
        ),
        written("0 where all are empty", "If every mask is empty, return -1.", pick_with(none=0)),
    ),
)
