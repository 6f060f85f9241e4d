"""The exercise 10.clock: cases, and the mistakes that have a name."""

import math
from collections.abc import Callable

import numpy as np
import torch
from matplotlib.figure import Figure

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import Mistake, written
from gk_utils.viz import draw_plane

Place = tuple[float, float]
FACINGS = {"left": (-1, 0), "right": (1, 0), "viewer": (0, -1), "away": (0, 1)}  # x to the right, then away


def places(rng: np.random.Generator) -> list[Case]:
    """A thing straight ahead, on each side, askew, for each facing; then random ones, none half way between hours."""
    cases: list[Case] = [
        ((1.0, 2.0), (3.0, 2.0), "left"),
        ((3.0, 1.0), (3.0, 2.0), "left"),
        ((3.0, 3.0), (3.0, 2.0), "left"),
        ((4.0, 2.0), (3.0, 2.0), "left"),
        ((1.0, 2.0), (3.0, 2.0), "right"),
        ((3.0, 1.0), (3.0, 2.0), "right"),
        ((1.0, 2.0), (3.0, 2.0), "viewer"),
        ((3.0, 1.0), (3.0, 2.0), "viewer"),
        ((1.0, 2.0), (3.0, 2.0), "away"),
        ((4.0, 3.9), (3.0, 2.0), "away"),
    ]
    while len(cases) < 20:
        thing, landmark = (tuple(float(value) for value in rng.integers(0, 20, 2) / 2) for _ in range(2))
        step = (thing[0] - landmark[0], thing[1] - landmark[1])
        hours = math.atan2(step[0], step[1]) / math.radians(30)
        if math.hypot(*step) > 1 and abs(hours % 1 - 0.5) > 0.1:
            cases.append((thing, landmark, str(rng.choice(list(FACINGS)))))
    return cases


def hour_by(
    ahead: Callable[[str], tuple[float, float]] = FACINGS.__getitem__,
    turn: int = 1,
    whole: Callable[[float], int] = round,
    nought: int = 12,
) -> Callable[[Place, Place, str], int]:
    """The right hour, or its wrong relatives."""

    def answer(thing: Place, landmark: Place, facing: str) -> int:
        x, away = ahead(facing)
        right, forward = thing[0] - landmark[0], thing[1] - landmark[1]
        angle = math.atan2(turn * (right * away - forward * x), right * x + forward * away)
        return whole(math.degrees(angle) / 30) % 12 or nought

    return answer


def towards_viewer(facing: str) -> tuple[float, float]:
    """The second number taken to grow towards the viewer."""
    x, away = FACINGS[facing]
    return x, -away


def flipped(thing: Place, landmark: Place, facing: str) -> int:
    """Both depths with the wrong sign."""
    return hour_by()((thing[0], -thing[1]), (landmark[0], -landmark[1]), facing)


def draw_clock(case: Case, expected: int, got: object) -> Figure:
    """The two from above: the viewer stands at the bottom."""
    thing, landmark, facing = case
    points = torch.tensor([thing, landmark])
    points[:, 1] = 11 - points[:, 1]
    points[:, 0] += 1
    boxes = torch.cat([points - 0.4, points + 0.4], 1)
    caption = f"from above, the viewer at the bottom; the landmark faces {facing}: {expected} o'clock"
    return draw_plane(boxes, ["thing", "landmark"], extent_hw=(12, 12), caption=caption)


CLOCK = Exercise(
    "10.clock",
    places,
    mistakes=(
        written(
            "the viewer's clock",
            "12 is where the landmark faces, not away from the viewer: turn the step by its facing first.",
            hour_by(lambda facing: (0, 1)),
        ),
        written(
            "left and right exchanged",
            "A clock runs to the right: 3 o'clock is the landmark's right hand. For one that faces away it is ours.",
            hour_by(turn=-1),
        ),
        written(
            "depth counted towards the viewer",
            "The second number grows away from the viewer: what faces us looks along minus.",
            flipped,
        ),
        written(
            "facing the viewer and away exchanged",
            'What faces the "viewer" looks along (0, -1).',
            hour_by(towards_viewer),
        ),
        written("0 for 12", "A clock has no 0: straight ahead is 12.", hour_by(nought=0)),
        written("rounded down", "Take the nearest hour: round, do not cut.", hour_by(whole=math.floor)),
        Mistake(
            "the wrong one in the middle",
            "The landmark stands in the middle of the clock: the step goes from it to the thing.",
            lambda right: lambda thing, landmark, facing: right(landmark, thing, facing),
        ),
    ),
    draw=draw_clock,
)
