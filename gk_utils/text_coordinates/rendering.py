"""Objects to text: boxes and points, in pixels, as the words of a published model.

One rule of rounding for all formats: to the nearest step, halves up (Shikra's own code uses Python's rounding, which
differs on exact halves alone). So a box that is written and read back has moved
by half a step of its frame at most (`TextFormat.error_bound`), on each coordinate.

Source: the rows of `conventions.FORMATS`.
Notebook: 05.
"""

import json
from collections.abc import Sequence
from itertools import groupby

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.errors import check_boxes, check_same_length
from gk_utils.text_coordinates.conventions import TextFormat, format_of


def render_boxes(
    boxes: Float[Tensor, "n 4"],
    format_name: str,
    image_hw: tuple[int, int],
    labels: Sequence[str] | None = None,
    resized_hw: tuple[int, int] | None = None,
) -> str:
    r"""Boxes as the text that the model of that format would write.

    No boxes give "[]" in JSON and "" elsewhere.

    Args:
        boxes: xyxy, in pixels of the picture, inside it.
        format_name: a row of `FORMATS` that writes boxes.
        image_hw: height and width of the picture.
        labels: what each box is of; None writes boxes alone.
        resized_hw: height and width after the preprocessor, for formats in pixels of the resized picture.

    Raises:
        ValueError: an unknown format, a box outside the picture, a label that would break the format.

    >>> boxes = torch.tensor([[64.0, 120.0, 320.0, 480.0]])
    >>> print(render_boxes(boxes, "shikra", (480, 640), ["mug"]))
    mug[0.100,0.313,0.500,0.875]
    >>> print(render_boxes(boxes, "ferret", (480, 640), ["mug"]))
    mug [100, 250, 500, 1000]
    >>> print(render_boxes(boxes, "qwen_vl", (480, 640), ["mug"]))
    <ref>mug</ref><box>(100,250),(500,999)</box>
    >>> render_boxes(boxes, "qwen3_vl", (480, 640), ["mug"])
    '```json\n[\n\t{"bbox_2d": [100, 250, 500, 1000], "label": "mug"}\n]\n```'
    >>> render_boxes(boxes, "gemini", (480, 640), ["mug"])
    '```json\n[\n  {"box_2d": [250, 100, 1000, 500], "label": "mug"}\n]\n```'
    """
    row = format_of(format_name, "boxes")
    check_boxes(boxes)
    numbers = _numbers(boxes, "boxes", row, image_hw, resized_hw)
    rows = [[x1y1x2y2[i] for i in ((1, 0, 3, 2) if row.y_first else (0, 1, 2, 3))] for x1y1x2y2 in numbers]
    return _spell(rows, _checked(labels, boxes, "boxes", row), row, "boxes")


def render_points(
    points: Float[Tensor, "n 2"],
    format_name: str,
    image_hw: tuple[int, int],
    labels: Sequence[str] | None = None,
    resized_hw: tuple[int, int] | None = None,
) -> str:
    """Points as the text that the model of that format would write.

    No points give "[]" in JSON, "There are none." for Molmo and "" elsewhere. Neighbours of one label share a bracket
    (Shikra) or a tag (Molmo).

    Args:
        points: x, y in pixels of the picture, inside it.
        format_name: a row of `FORMATS` that writes points.
        image_hw: height and width of the picture.
        labels: what each point is on; None writes points alone.
        resized_hw: as in `render_boxes`.

    Raises:
        ValueError: as in `render_boxes`.

    >>> points = torch.tensor([[320.0, 120.0], [64.0, 240.0]])
    >>> render_points(points[:1], "molmo", (480, 640), ["mug"])
    '<point x="50.0" y="25.0" alt="mug">mug</point>'
    >>> render_points(points, "molmo", (480, 640), ["mug", "mug"])
    '<points x1="50.0" y1="25.0" x2="10.0" y2="50.0" alt="mug">mug</points>'
    """
    row = format_of(format_name, "points")
    numbers = _numbers(torch.cat([points, points], dim=1), "points", row, image_hw, resized_hw)
    rows = [[xyxy[1], xyxy[0]] if row.y_first else xyxy[:2] for xyxy in numbers]
    return _spell(rows, _checked(labels, points, "points", row), row, "points")


def _numbers(
    boxes: Tensor, name: str, row: TextFormat, image_hw: tuple[int, int], resized_hw: tuple[int, int] | None
) -> list[list[str]]:
    """The coordinates in the frame, rounded to its step, as the digits that will be written."""
    frame = row.frame(image_hw, resized_hw)
    slack = 1e-4 * max(image_hw)  # rounding of a box that touches the border
    far = boxes.new_tensor([image_hw[1], image_hw[0]] * 2)
    inside = ((boxes >= -slack) & (boxes <= far + slack)).all(-1)
    if not bool(inside.all()):
        first = int((~inside).nonzero()[0])
        width = 4 if name == "boxes" else 2
        raise ValueError(
            f"{name}: expected numbers inside the picture {tuple(image_hw)}, got row {first} = "
            f"{[round(value, 2) for value in boxes[first, :width].tolist()]}. Clip first (clip_boxes)."
        )
    steps = 10**row.decimals
    exact = frame.from_pixels(boxes.double()) * steps
    limit = exact.new_tensor([frame.hw[1], frame.hw[0]] * 2) * steps
    counts = torch.minimum((exact + 0.5).floor().clamp(min=0), limit.floor())
    return [[f"{count / steps:.{row.decimals}f}" for count in counted] for counted in counts.tolist()]


def _checked(labels: Sequence[str] | None, rows: Tensor, name: str, row: TextFormat) -> list[str | None]:
    """One label a row, or None for each; raises where a label would be read as part of the format."""
    if labels is None:
        return [None] * len(rows)
    check_same_length(rows, labels, (name, "labels"))
    for i, label in enumerate(labels):
        wrong = sorted(set(row.forbidden) & set(label))
        if wrong:
            raise ValueError(
                f"labels: expected none of {row.forbidden!r} for {row.model}, got row {i} = {label!r}. "
                f"Leave out {' '.join(wrong)}."
            )
    return list(labels)


def _spell(rows: list[list[str]], labels: list[str | None], row: TextFormat, kind: str) -> str:
    """Digits and labels in the syntax of the format."""
    if row.spelling == "json":
        return _json(rows, labels, row, row.keys[kind == "points"])
    # Neighbours with one label, where the format can say that once.
    runs = [
        (label, [numbers for numbers, _ in run])
        for label, run in groupby(zip(rows, labels, strict=True), key=lambda pair: pair[1])
    ]
    if row.spelling == "molmo":
        return " ".join(_molmo(label, run) for label, run in runs) or "There are none."
    if row.spelling == "tags":
        return "".join(
            (f"<ref>{label}</ref>" if label is not None else "")
            + "".join(f"<box>({x1},{y1}),({x2},{y2})</box>" for x1, y1, x2, y2 in run)
            for label, run in runs
        )
    if row.decimals:  # Shikra: no spaces, several boxes in one bracket
        return " ".join(
            (label or "") + "[" + ";".join(",".join(numbers) for numbers in run) + "]" for label, run in runs
        )
    pairs = zip(rows, labels, strict=True)
    return ". ".join((f"{label} " if label else "") + "[" + ", ".join(numbers) + "]" for numbers, label in pairs)


def _json(rows: list[list[str]], labels: list[str | None], row: TextFormat, key: str) -> str:
    if not rows:
        return "[]"
    indent = "  " if row.y_first else "\t"  # Gemini and Qwen, as they are shown by their makers
    entries = []
    for numbers, label in zip(rows, labels, strict=True):
        said = "" if label is None else f', "label": {json.dumps(label, ensure_ascii=False)}'
        entries.append(f'{indent}{{"{key}": [{", ".join(numbers)}]{said}}}')
    return "```json\n[\n" + ",\n".join(entries) + "\n]\n```"


def _molmo(label: str | None, run: list[list[str]]) -> str:
    said = label or ""
    if len(run) == 1:
        return f'<point x="{run[0][0]}" y="{run[0][1]}" alt="{said}">{said}</point>'
    numbered = " ".join(f'x{i}="{x}" y{i}="{y}"' for i, (x, y) in enumerate(run, start=1))
    return f'<points {numbered} alt="{said}">{said}</points>'
