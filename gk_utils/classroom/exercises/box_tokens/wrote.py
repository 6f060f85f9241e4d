"""The exercise 03.wrote: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from gk_utils.box_tokens import FLORENCE2, OFA, PALIGEMMA, encode_bins, encode_locations
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import hw_swapped, on_result, written

CODECS = {"florence2": FLORENCE2, "ofa": OFA, "paligemma": PALIGEMMA}
LESSON_BOX, CORNER_BOX = [150.0, 100, 400, 350], [0.0, 0, 0, 0]
MARGIN = 0.01  # of a bin: how far the random coordinates stay from where two ways to compute disagree

Writers = dict[str, Callable[[Tensor, tuple[int, int]], Tensor]]


def cut_off(boxes: Tensor, image_hw: tuple[int, int], steps: int = 999) -> Tensor:
    """The tokens of `int(x / side * 999)`."""
    return (boxes.double() / sides_of(image_hw) * steps).long()


def sides_of(image_hw: tuple[int, int]) -> Tensor:
    """Width, height, width, height."""
    height, width = image_hw
    return torch.tensor([width, height, width, height], dtype=torch.float64)


def writers() -> Writers:
    """The four candidates."""
    made: Writers = {
        name: lambda boxes, hw, codec=codec: encode_locations(boxes, hw, codec) for name, codec in CODECS.items()
    }
    return made | {"int": cut_off}


def drawn_boxes(rng: np.random.Generator, count: int, image_hw: tuple[int, int]) -> Tensor:
    """Random boxes of which no coordinate is so close to a border that float32 could fall on its other side."""
    rows: list[Tensor] = []
    while len(rows) < count:
        corners = torch.from_numpy(rng.uniform(0, 1, (2, 2)))
        box = torch.cat([corners.amin(0), corners.amax(0)])
        parts = torch.cat([box * steps for steps in (999, 1000, 1023, 1998, 2046)])
        if ((parts - parts.round()).abs() > MARGIN).all():
            rows.append(box * sides_of(image_hw))
    return torch.stack(rows).float()


def written_boxes(rng: np.random.Generator) -> list[Case]:
    """Boxes with the tokens of each candidate, of several, of none; one box and many, flat and tall pictures."""
    hw, made = (480, 640), writers()
    lesson_box = torch.tensor([LESSON_BOX])
    several = drawn_boxes(rng, 12, hw)
    half = torch.cat([made["ofa"](several, hw)[:11], made["int"](several, hw)[11:] + 1])  # wrong in the last row
    cases: list[Case] = [
        (lesson_box, made["ofa"](lesson_box, hw), hw),
        (lesson_box, made["paligemma"](lesson_box, hw), hw),
        (lesson_box, torch.tensor([[234, 208, 625, 729]]), hw),
        (torch.tensor([CORNER_BOX]), torch.zeros(1, 4, dtype=torch.long), hw),
        (several, half, hw),
        *((several, write(several, hw), hw) for write in made.values()),
        (several, made["ofa"](several, hw)[:, [1, 0, 3, 2]], hw),  # the bins of the one, the order of the other
    ]
    for name in made:
        image_hw = (int(rng.integers(200, 1200)), int(rng.integers(200, 1200)))
        boxes = drawn_boxes(rng, int(rng.integers(8, 20)), image_hw)
        cases.append((boxes, made[name](boxes, image_hw), image_hw))
    return cases


def fitting(changed: Writers, agree: Callable[[Tensor, Tensor], bool] = torch.equal):
    """The names of the candidates that agree, some of them changed."""

    def answer(boxes: Tensor, tokens: Tensor, image_hw: tuple[int, int]) -> list[str]:
        found = {name: write(boxes, image_hw) for name, write in (writers() | changed).items()}
        return sorted(name for name, made in found.items() if agree(made, tokens))

    return answer


def across_only(boxes: Tensor, image_hw: tuple[int, int]) -> Tensor:
    """`int(x / width * 999)` for y too."""
    return (boxes.double() / image_hw[1] * 999).long()


WROTE = Exercise(
    "03.wrote",
    written_boxes,
    mistakes=(
        written(
            "one box that fits taken for all",
            "A candidate must write every box as it was written: torch.equal on all rows, not .any().",
            fitting({}, lambda made, tokens: bool((made == tokens).all(1).any())),
        ),
        written(
            "a candidate that is off by one let through",
            "Exactly these tokens: the candidates differ by one more often than by more.",
            fitting({}, lambda made, tokens: bool(((made - tokens).abs() <= 1).all())),
        ),
        on_result(
            "only the first name returned",
            "These boxes may fit several candidates: return all of them.",
            lambda names: names[:1] if isinstance(names, list) else names,
        ),
        written(
            "every candidate read as x first",
            "PaliGemma writes y1 x1 y2 x2. encode_locations already gives each model's own order.",
            fitting({"paligemma": lambda boxes, hw: encode_bins(boxes, hw, PALIGEMMA.bins)}),
        ),
        written(
            "rounded where int cuts off",
            'The candidate "int" takes the bin below: .long() cuts off, .round() does not.',
            fitting({"int": lambda boxes, hw: (boxes.double() / sides_of(hw) * 999 + 0.5).long()}),
        ),
        written(
            "1,000 in place of 999",
            'The candidate "int" multiplies by 999.',
            fitting({"int": lambda boxes, hw: cut_off(boxes, hw, 1000)}),
        ),
        written(
            "y divided by the width",
            "x is measured against the width, y against the height; image_hw holds the height first.",
            fitting({"int": across_only}),
        ),
        hw_swapped(2),
    ),
)
