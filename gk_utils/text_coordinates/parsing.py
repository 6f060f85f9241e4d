"""Text to objects: boxes and points out of any string, and what was wrong with it, as data.

A model writes what it likes: the answer breaks off, holds five numbers, swaps corners, leaves the frame, talks around
the coordinates. None of that is an exception in the program that reads it; all of it is worth counting. So parsing is
total: any string gives boxes (perhaps none) and a list of problems (perhaps empty), in linear time.

Source: the rows of `conventions.FORMATS`.
Notebook: 05.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.text_coordinates.conventions import FORMATS, TextFormat, format_of
from gk_utils.text_coordinates.scanning import Group, Scan, scan

# Kind of problem: what it means, and what was done about it.
PROBLEMS = {
    "none": "nothing in the text looks like this format",
    "truncated": "the text breaks off inside: what is complete was read, the piece was dropped",
    "not_json": "not valid JSON: read all the same, piece by piece",
    "text_around": "words around the JSON: ignored",
    "too_many": "more coordinates than any answer needs: the rest was not read",
    "count": "not four numbers for a box, or not two for a point: dropped",
    "no_number": "a word, NaN, infinity or a number beyond a million where a coordinate belongs: dropped",
    "inverted": "x1 > x2 or y1 > y2: corners put in order, kept",
    "outside": "a number that the frame does not hold: kept as written; clip after to_pixels",
}


@dataclass(frozen=True)
class Problem:
    """One thing that was wrong.

    Attributes:
        kind: a key of PROBLEMS.
        row: which of the boxes (points) kept it is about; None: about one that was dropped, or the whole text.
        excerpt: the piece of text, shortened.
    """

    kind: str
    row: int | None = None
    excerpt: str = ""


@dataclass(frozen=True, eq=False)
class ParsedBoxes:
    """Boxes as a text gave them.

    Attributes:
        boxes_in_frame: xyxy whatever the order in the text, in the numbers of the format, corners in order.
        labels: what the text says each box is of, or None.
        problems: what was wrong; empty for a text as the format wants it.
        format_name: the row of `FORMATS` in whose frame the numbers count.
    """

    boxes_in_frame: Float[Tensor, "n 4"]
    labels: tuple[str | None, ...]
    problems: tuple[Problem, ...]
    format_name: str

    def to_pixels(self, image_hw: tuple[int, int], resized_hw: tuple[int, int] | None = None) -> Float[Tensor, "n 4"]:
        """The boxes in pixels of a picture of `image_hw`, not clipped. Arguments as in `TextFormat.frame`."""
        return FORMATS[self.format_name].frame(image_hw, resized_hw).to_pixels(self.boxes_in_frame)


@dataclass(frozen=True, eq=False)
class ParsedPoints:
    """Points as a text gave them; as `ParsedBoxes` otherwise."""

    points_in_frame: Float[Tensor, "n 2"]
    labels: tuple[str | None, ...]
    problems: tuple[Problem, ...]
    format_name: str

    def to_pixels(self, image_hw: tuple[int, int], resized_hw: tuple[int, int] | None = None) -> Float[Tensor, "n 2"]:
        """The points in pixels of a picture of `image_hw`, not clipped."""
        twice = torch.cat([self.points_in_frame] * 2, dim=1)
        return FORMATS[self.format_name].frame(image_hw, resized_hw).to_pixels(twice)[:, :2]


def parse_boxes(text: str, format_name: str) -> ParsedBoxes:
    """The boxes that a text gives in that format. Any string is read; no string raises.

    Of a format in pixels of the resized picture the text does not say how far the frame goes: there only negative
    numbers are found to be outside.

    Raises:
        ValueError: an unknown format, or one without boxes.

    >>> parsed = parse_boxes('Sure! [{"bbox_2d": [100, 250, 500, 1000], "label": "mug"}]', "qwen3_vl")
    >>> parsed.boxes_in_frame, parsed.labels, [problem.kind for problem in parsed.problems]
    (tensor([[ 100.,  250.,  500., 1000.]]), ('mug',), ['text_around'])
    >>> parsed.to_pixels((480, 640)).round(decimals=2)
    tensor([[ 64., 120., 320., 480.]])
    """
    row = format_of(format_name, "boxes")
    rows, labels, problems = _judge(scan(text, row, row.keys[0] if row.keys else None), row, 4)
    return ParsedBoxes(torch.tensor(rows).reshape(-1, 4), labels, problems, format_name)


def parse_points(text: str, format_name: str) -> ParsedPoints:
    """The points that a text gives in that format; as `parse_boxes` otherwise.

    >>> parsed = parse_points('Here: <point x="50.0" y="25.0" alt="mug">mug</point>', "molmo")
    >>> parsed.points_in_frame, parsed.labels, parsed.problems
    (tensor([[50., 25.]]), ('mug',), ())
    """
    row = format_of(format_name, "points")
    rows, labels, problems = _judge(scan(text, row, row.keys[1] if row.keys else None), row, 2)
    return ParsedPoints(torch.tensor(rows).reshape(-1, 2), labels, problems, format_name)


def _judge(
    found: Scan, row: TextFormat, length: int
) -> tuple[list[list[float]], tuple[str | None, ...], tuple[Problem, ...]]:
    """The groups that are coordinates, in x y order, their labels, and every problem."""
    rows: list[list[float]] = []
    labels: list[str | None] = []
    problems = [Problem(kind) for kind in found.problems]
    for group in found.groups:
        fatal = _fatal(group, length)
        if fatal:
            problems.append(Problem(fatal, None, group.raw))
            continue
        numbers = list(group.values)
        top = float("inf") if row.top is None else row.top
        if not all(0 <= number <= top for number in numbers):
            problems.append(Problem("outside", len(rows), group.raw))
        if row.y_first:
            numbers = [numbers[i ^ 1] for i in range(length)]  # y x y x to x y x y
        if length == 4:
            (x1, x2), (y1, y2) = sorted(numbers[0::2]), sorted(numbers[1::2])
            if numbers != [x1, y1, x2, y2]:
                problems.append(Problem("inverted", len(rows), group.raw))
            numbers = [x1, y1, x2, y2]
        rows.append(numbers)
        labels.append(group.label)
    if not found.groups and not found.says_none:
        problems.append(Problem("none"))
    return rows, tuple(labels), tuple(problems)


def _fatal(group: Group, length: int) -> str | None:
    """Why a group is no box (point) at all."""
    if not group.closed:
        return "truncated"
    if len(group.values) != length:
        return "count"
    return "no_number" if any(isinstance(value, str) for value in group.values) else None
