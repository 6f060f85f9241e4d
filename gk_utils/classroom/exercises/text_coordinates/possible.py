"""The exercise 05.possible: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from gk_utils import viz
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.exercises.boxes.sampling import boxes_of
from gk_utils.classroom.mistakes import hw_swapped, on_result, written

Hw = tuple[int, int]
Limits = tuple[tuple[float, float], tuple[float, float]]  # least and most x, least and most y

WIDE, WIDE_SEEN, TALL, TALL_SEEN = (400, 600), (392, 588), (600, 400), (588, 392)
CORNER = [0, 0, 30, 20]  # keeps every convention but the square


def logs(rng: np.random.Generator) -> list[Case]:
    """Answers of a model, and the sizes of the picture: each limit met and passed by hand, then random boxes."""
    cases: list[Case] = [
        ([[319, 66, 416, 319]], WIDE, WIDE_SEEN),
        ([[319, 200, 416, 319], [543, 168, 707, 813]], WIDE, WIDE_SEEN),
        ([[543, 168, 707, 813], [319, 200, 416, 319]], WIDE, WIDE_SEEN),
        ([[168, 543, 813, 707]], TALL, TALL_SEEN),
        ([[100, 300, 390, 380]], WIDE, WIDE_SEEN),
        ([[0, 0, 589, 393]], WIDE, WIDE_SEEN),  # within the slack
        ([[0, 0, 590, 392]], WIDE, WIDE_SEEN),  # beyond it in x
        ([[0, 0, 588, 394]], WIDE, WIDE_SEEN),  # beyond it in y
        ([[0, 0, 594, 398]], WIDE, WIDE_SEEN),  # inside the picture, not inside what the model saw
        ([[0, 166, 1001, 834]], WIDE, WIDE_SEEN),
        ([[0, 165, 1001, 834]], WIDE, WIDE_SEEN),
        ([[166, 0, 834, 1001]], TALL, TALL_SEEN),
        ([[10, 400, 20, 900]], WIDE, WIDE_SEEN),  # a border below alone would hold neither
        ([[10, 20, 900, 500]], WIDE, WIDE_SEEN),  # in a border that is below alone
        ([[1002, 30, 1100, 90]], (1000, 2000), (980, 1960)),
        ([[30, 1002, 90, 1100]], (1000, 2000), (980, 1960)),
        ([[1002, 1002, 1100, 1100]], (1500, 1500), (1484, 1484)),
        ([[400, 500, 600, 700], CORNER, [400, 500, 600, 700]], (500, 1000), (504, 1008)),
        ([[300, 500, 500, 700]], (1000, 500), (1008, 504)),
        ([[1500, 10, 1700, 90]], WIDE, WIDE_SEEN),  # nothing fits
    ]
    for image_hw, seen in [(WIDE, WIDE_SEEN), (TALL, TALL_SEEN), ((480, 640), (476, 644)), ((512, 512), (504, 504))]:
        for high in (390, 600, 1000):
            first, second = rng.integers(0, high, (2, 3, 2))
            low, top = np.minimum(first, second), np.maximum(first, second)
            cases.append((np.concatenate([low, top], 1).tolist(), image_hw, seen))
    return cases


def limits_of(image_hw: Hw, resized_hw: Hw, border: float = 0.5) -> dict[str, tuple[Limits, bool]]:
    """What lies inside under each convention, and whether y comes first; `border` is the share above the picture."""
    (height, width), side = image_hw, max(image_hw)
    pixels = ((0, resized_hw[1]), (0, resized_hw[0]))
    least_x, least_y = (1000 * border * (side - length) / side for length in (width, height))
    square = ((least_x, least_x + 1000 * width / side), (least_y, least_y + 1000 * height / side))
    thousand = ((0, 1000), (0, 1000))
    return {
        "pixels": (pixels, False),
        "pixels, y first": (pixels, True),
        "thousandths": (thousand, False),
        "thousandths, y first": (thousand, True),
        "square": (square, False),
    }


def inside(answer: list[int], limits: Limits, y_first: bool, slack: float = 1) -> bool:
    """Whether an answer lies within the limits."""
    xs, ys = answer[int(y_first) :: 2], answer[1 - int(y_first) :: 2]
    return all(
        low - slack <= min(values) and max(values) <= high + slack
        for values, (low, high) in zip((xs, ys), limits, strict=True)
    )


def possible_with(
    *,
    judge: Callable = all,
    slack: float = 1,
    border: float = 0.5,
    swap: bool = True,
    pick: Callable = lambda answers: answers,
    change: Callable = lambda limits: limits,
):
    """The right list of conventions, or one of its wrong relatives."""

    def answer(answers: list[list[int]], image_hw: Hw, resized_hw: Hw) -> list[str]:
        table = change(limits_of(image_hw, resized_hw, border))
        return [
            name
            for name, (limits, y_first) in table.items()
            if judge(inside(row, limits, y_first and swap, slack) for row in pick(answers))
        ]

    return answer


def _no_least(table: dict[str, tuple[Limits, bool]]) -> dict[str, tuple[Limits, bool]]:
    return {name: (((-9, x[1]), (-9, y[1])), first) for name, ((x, y), first) in table.items()}


def _square_as_thousandths(table: dict[str, tuple[Limits, bool]]) -> dict[str, tuple[Limits, bool]]:
    return table | {"square": table["thousandths"]}


def _ends_at_999(table: dict[str, tuple[Limits, bool]]) -> dict[str, tuple[Limits, bool]]:
    top = {name: (((0, 998), (0, 998)), first) for name, (_, first) in table.items() if name.startswith("thousandths")}
    return table | top


def by_picture_pixels(answers: list[list[int]], image_hw: Hw, resized_hw: Hw) -> list[str]:
    """The pixels of the picture taken for those of the resized one."""
    return possible_with()(answers, image_hw, image_hw)


def draw_log(case: Case, expected: list[str], got: object) -> Figure:
    """The answers as they stand, x first, with the resized picture and the picture in the square beside them."""
    answers, image_hw, resized_hw = case
    (x, y), _ = limits_of(image_hw, resized_hw)["square"]
    areas = boxes_of([0, 0, resized_hw[1], resized_hw[0]], [x[0], y[0], x[1], y[1]])
    side = max(1000, *resized_hw, *(n for row in answers for n in row)) * 1.05
    return viz.draw_plane(
        boxes_of(*answers),
        [f"answer {number}" for number in range(len(answers))],
        extent_hw=(side, side),
        truth=areas,
        truth_labels=["resized picture", "picture in the square"],
        title=f"Numbers read with x first. Expected {', '.join(expected) or 'none'}; got {got}",
    )


POSSIBLE = Exercise(
    "05.possible",
    logs,
    mistakes=(
        written(
            "judged by the first answer alone",
            "One answer outside is enough to rule a convention out: look at all.",
            possible_with(pick=lambda answers: answers[:1]),
        ),
        written(
            "possible as soon as one answer fits",
            "Every answer must lie inside: all, not any.",
            possible_with(judge=any),
        ),
        written(
            "no slack for rounding",
            "A right answer at the border may be rounded beyond it: allow one unit.",
            possible_with(slack=0),
        ),
        written(
            "the picture's own size for pixels",
            "The model counts pixels of what it saw: resized_hw.",
            by_picture_pixels,
        ),
        written(
            "the border of the square below and to the right",
            "The picture stands in the centre: half of the border is above it (or to its left).",
            possible_with(border=0),
        ),
        written(
            "the border of the square forgotten",
            "The square is larger than the picture: an answer in its border lies outside.",
            possible_with(change=_square_as_thousandths),
        ),
        written(
            "only the upper limits looked at",
            "In the square an answer may also lie too far up or to the left: the border is on both sides.",
            possible_with(change=_no_least),
        ),
        written(
            "y first read as x first",
            "With y first the numbers are y1, x1, y2, x2: compare the first and third with the height.",
            possible_with(swap=False),
        ),
        written(
            "thousandths that end at 999",
            "These thousandths run from 0 to 1000, and one unit of slack is allowed.",
            possible_with(change=_ends_at_999),
        ),
        on_result(
            "the impossible ones returned",
            "Return the conventions that no answer contradicts.",
            lambda names: [name for name in limits_of(WIDE, WIDE) if name not in names],
        ),
        on_result("sorted by name", "Keep the order of the card.", sorted),
        hw_swapped(1),
        hw_swapped(2),
    ),
    draw=draw_log,
)
