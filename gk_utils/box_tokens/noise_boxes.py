"""Noise boxes: what Pix2Seq fills its training sequences up with.

Half of them, on average, are duplicates (real boxes, jittered), the others are bad: a real box's size at another
place, or a random box. All have the label NOISE.

Source: Pix2Seq, Chen et al. 2022, arXiv:2109.10852, section 2.3; google-research/pix2seq, data/data_utils.py at
0840b96, augment_bbox. Notebook: 03.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gk_utils.box_tokens.bins import check_inside
from gk_utils.boxes import clip_boxes
from gk_utils.errors import check_same_length

NOISE = -1  # the label of a noise box
JITTER = 0.1  # two standard deviations of a duplicate's corner, as a share of the box's width or height


def add_noise_boxes(
    boxes: Float[Tensor, "n 4"],
    labels: Int[Tensor, " n"],
    image_hw: tuple[float, float],
    *,
    total: int,
    generator: torch.Generator,
) -> tuple[Float[Tensor, "total 4"], Int[Tensor, " total"]]:
    """The boxes as they are, then noise boxes in random order, `total` in all; noise is cut at the border.

    Where there are no boxes, all the noise is random. Where there are `total` already, there is none.

    Args:
        boxes: xyxy in pixels, inside the picture.
        labels: one a box, from 0.
        image_hw: height and width of the picture.
        total: how many boxes to return, at least n.
        generator: on the CPU, whatever the device of the boxes.

    Raises:
        TypeError, ValueError: not boxes, a box that leaves the picture, more of them than `total`.

    >>> boxes, labels = add_noise_boxes(
    ...     torch.tensor([[0.0, 0.0, 8.0, 8.0]]), torch.tensor([3]), (48, 64), total=3,
    ...     generator=torch.Generator().manual_seed(0))
    >>> labels.tolist()
    [3, -1, -1]
    """
    check_inside(boxes, image_hw)
    check_same_length(boxes, labels, ("boxes", "labels"))
    extra = total - len(boxes)
    if extra < 0:
        raise ValueError(f"total: expected at least {len(boxes)}, the boxes there are, got {total}. Raise it.")
    real = boxes.detach().cpu().double()
    duplicates = int(torch.randint(extra + 1, (1,), generator=generator)) if len(real) else 0
    bad = extra - duplicates
    candidates = torch.cat(
        [_shifted(_pick(real, bad, generator), image_hw, generator), _random(bad, image_hw, generator)]
    )
    noise = torch.cat(
        [
            candidates[torch.randperm(len(candidates), generator=generator)[:bad]],
            _jittered(_pick(real, duplicates, generator), generator),
        ]
    )
    noise = clip_boxes(noise[torch.randperm(extra, generator=generator)], image_hw).to(boxes)
    return torch.cat([boxes, noise]), torch.cat([labels, labels.new_full((extra,), NOISE)])


def _pick(boxes: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` boxes, each taken about equally often; none where there are none."""
    if not len(boxes):
        return boxes
    tiled = boxes.repeat(count // len(boxes) + 1, 1)
    return tiled[torch.randperm(len(tiled), generator=generator)[:count]]


def _centres(count: int, image_hw: tuple[float, float], generator: torch.Generator) -> Tensor:
    height, width = image_hw
    return torch.rand(count, 2, generator=generator, dtype=torch.float64) * torch.tensor([width, height])


def _shifted(boxes: Tensor, image_hw: tuple[float, float], generator: torch.Generator) -> Tensor:
    """Boxes of these sizes anywhere."""
    half, centre = (boxes[:, 2:] - boxes[:, :2]) / 2, _centres(len(boxes), image_hw, generator)
    return torch.cat([centre - half, centre + half], dim=1)


def _random(count: int, image_hw: tuple[float, float], generator: torch.Generator) -> Tensor:
    """Boxes anywhere, whose sides are a normal variable with standard deviation half the picture, cut at two."""
    height, width = image_hw
    half = _normal((count, 2), generator).abs() * torch.tensor([width, height]) / 4
    centre = _centres(count, image_hw, generator)
    return torch.cat([centre - half, centre + half], dim=1)


def _jittered(boxes: Tensor, generator: torch.Generator) -> Tensor:
    """Each corner moved by a twentieth of the side, one standard deviation, at most two."""
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    return boxes + sides * _normal(tuple(boxes.shape), generator) * (JITTER / 2)


def _normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """A standard normal variable cut at two standard deviations."""
    return torch.nn.init.trunc_normal_(torch.empty(shape, dtype=torch.float64), a=-2.0, b=2.0, generator=generator)
