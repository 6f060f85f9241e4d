"""The lab of lesson 01: drag a box onto what a phrase means, and read how well it fits.

`compare` holds all the numbers and the words; the widget only says them again after every move.

Notebook: 01.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.boxes import box_areas, paired_giou, paired_iou
from gk_utils.drawing import as_pixels
from gk_utils.errors import check_boxes
from gk_utils.labs.canvas import Canvas

Box = Sequence[float] | Float[Tensor, "4"]
THRESHOLDS = (0.5, 0.75)  # those of Acc@0.5 and Acc@0.75


@dataclass(frozen=True)
class BoxReading:
    """How one box fits another. Areas in square pixels; `iou` in [0, 1]; `giou` in [-1, 1]; `sentence` for people."""

    iou: float
    giou: float
    intersection: float
    union: float
    area_box: float
    area_truth: float
    sentence: str


def compare(box: Box, truth: Box) -> BoxReading:
    """Read one box against the truth: numbers, and one sentence that says what they mean.

    A box passes at a threshold when its IoU is at least the threshold. The sentence shows as many decimals as it
    takes for the printed IoU to lie on the side of each threshold where the exact one lies. Boxes without area have
    IoU 0 with everything, themselves included.

    Args:
        box: [x1, y1, x2, y2] in pixels.
        truth: the same, of the true box.

    Raises:
        ValueError: not four finite numbers, or corners in the wrong order.

    >>> reading = compare([0, 0, 10, 10], [0, 0, 10, 16])
    >>> reading.intersection, reading.union
    (100.0, 160.0)
    >>> reading.sentence
    'IoU 0.62: passes at 0.5, fails at 0.75.'
    """
    sides = {"box": torch.as_tensor(box, dtype=torch.float64), "truth": torch.as_tensor(truth, dtype=torch.float64)}
    for name, one in sides.items():
        check_boxes(one, name)
    pair = torch.stack([*sides.values()])
    iou = float(paired_iou(pair[:1], pair[1:]))
    giou = float(paired_giou(pair[:1], pair[1:]))
    area_box, area_truth = box_areas(pair).tolist()
    corner1, corner2 = pair[:, :2].amax(0), pair[:, 2:].amin(0)
    intersection = float((corner2 - corner1).clamp(min=0).prod())
    union = area_box + area_truth - intersection
    return BoxReading(iou, giou, intersection, union, area_box, area_truth, _sentence(iou, area_box, area_truth))


def drag_lab(image: Any, truth: Box, phrase: str, start: Box | None = None) -> Canvas:
    """A picture with the true box of a phrase and a box to drag; the reading under it follows every move.

    Args:
        image: a picture (h, w, 3) or grey (h, w), uint8 or float in [0, 1]; a numpy array, a tensor or a PIL image.
        truth: [x1, y1, x2, y2] in image pixels.
        phrase: what the true box shows.
        start: the learner's box at the start; without it, the middle half of the picture.

    Returns:
        The widget; `.box` is the learner's box now, as four floats.

    >>> lab = drag_lab(torch.zeros(60, 80, 3), [10, 10, 50, 50], "the red mug")
    >>> lab.box
    [20.0, 15.0, 60.0, 45.0]
    >>> print(lab.note)
    IoU 0.47: fails at 0.5 and at 0.75.
    [20, 15, 60, 45] · intersection 900 / union 1,900 px² · GIoU 0.42
    """
    truth_box = [float(side) for side in truth]
    height, width = as_pixels(image).shape[:2]
    middle = [round(width / 4), round(height / 4), round(width * 3 / 4), round(height * 3 / 4)]
    return Canvas(
        image,
        middle if start is None else [float(side) for side in start],
        lambda box: describe(box, truth_box),
        truth=[truth_box],
        truth_labels=["truth"],
        title=f"Put the box around: {phrase}",
    )


def describe(box: Box, truth: Box) -> str:
    """The two lines under the picture: the sentence, then the numbers it rests on.

    >>> print(describe([0, 0, 10, 10], [20, 0, 30, 10]))
    IoU 0: the boxes do not overlap. Only GIoU still says how far apart they are.
    [0, 0, 10, 10] · intersection 0 / union 200 px² · GIoU -0.33
    """
    reading = compare(box, truth)
    sides = ", ".join(f"{float(side):.6g}" for side in box)
    areas = f"intersection {_area(reading.intersection)} / union {_area(reading.union)} px²"
    return f"{reading.sentence}\n[{sides}] · {areas} · GIoU {reading.giou:.2f}"


def _area(area: float) -> str:
    return f"{area:,.0f}" if area == round(area) else f"{area:,.1f}"


def _sentence(iou: float, area_box: float, area_truth: float) -> str:
    if area_box == 0:
        return "IoU 0: a box without area covers nothing."
    if area_truth == 0:
        return "IoU 0: the true box has no area, so nothing can cover it."
    if iou == 0:
        return "IoU 0: the boxes do not overlap. Only GIoU still says how far apart they are."
    passed = " and at ".join(str(threshold) for threshold in THRESHOLDS if iou >= threshold)
    failed = " and at ".join(str(threshold) for threshold in THRESHOLDS if iou < threshold)
    verdict = ", ".join([f"passes at {passed}"] * bool(passed) + [f"fails at {failed}"] * bool(failed))
    return f"IoU {_on_the_right_side(iou)}: {verdict}."


def _on_the_right_side(iou: float) -> str:
    """At least two decimals, and as many as keep the printed number on its side of 0, the thresholds and 1."""
    for decimals in range(2, 17):
        shown = f"{iou:.{decimals}f}"
        if float(shown) > 0 and all((float(shown) >= limit) == (iou >= limit) for limit in (*THRESHOLDS, 1.0)):
            return shown
    return repr(iou)
