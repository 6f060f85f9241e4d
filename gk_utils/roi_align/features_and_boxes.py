"""What every form of RoI Pool and RoI Align does before and after: check features and boxes, order the results."""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gk_utils.errors import check_boxes

Features = Float[Tensor, "b c h w"]
BoxesOfPictures = Float[Tensor, "n 5"] | Sequence[Float[Tensor, "_ 4"]]
OutputHw = int | tuple[int, int]
Pooled = Float[Tensor, "n c p q"]


def corners_and_pictures(features: Features, boxes: BoxesOfPictures) -> tuple[Float[Tensor, "n 4"], Int[Tensor, " n"]]:
    """The corners of all boxes, in single precision or the wider one of both, and which picture each belongs to.

    Raises:
        TypeError, ValueError: not such features or boxes; the message names the row.
    """
    b = len(features) if features.ndim else 0
    if features.ndim != 4 or not features.shape[2] * features.shape[3] or not features.is_floating_point():
        raise ValueError(
            f"features: expected floats (b c h w), h and w above 0, got {features.dtype} {tuple(features.shape)}. "
            "One map without a batch is features[None]."
        )
    if isinstance(boxes, Tensor):
        if boxes.ndim != 2 or boxes.shape[1] != 5:
            raise ValueError(
                f"boxes: expected a list of (m 4) tensors or one tensor (n 5), got a tensor {tuple(boxes.shape)}. "
                "The boxes of a single picture are [boxes]."
            )
        check_boxes(boxes[:, 1:])
        corners, pictures = boxes[:, 1:], boxes[:, 0].detach()
        bad = ((pictures.floor() != pictures) | (pictures < 0) | (pictures >= b)).nonzero().flatten().tolist()
        if bad:
            raise ValueError(
                f"boxes: expected the number of a picture, 0 to {b - 1}, in front, got row {bad[0]} with "
                f"{pictures[bad[0]].item():g}. Pictures are counted from 0."
            )
        return _exact(corners, features), pictures.long()
    if len(boxes) != b:
        raise ValueError(
            f"boxes: expected one tensor for each of {b} pictures, got {len(boxes)}. No boxes are torch.zeros(0, 4)."
        )
    for i, each in enumerate(boxes):
        check_boxes(each, f"boxes[{i}]")
    counts = torch.tensor([len(each) for each in boxes], dtype=torch.long)
    corners = torch.cat([*boxes, features.new_zeros(0, 4)])
    return _exact(corners, features), torch.arange(b).repeat_interleave(counts).to(features.device)


def of_pictures(
    features: Features,
    pictures: Int[Tensor, " n"],
    output_hw: OutputHw,
    at_once: int,
    form: Callable[[int, Tensor], Tensor],
) -> Pooled:
    """What `form(picture, rows)` makes of the boxes of each picture, `at_once` or fewer at a time, in their order.

    Autocast is off inside: it would multiply in half precision.
    """
    parts, order = [no_boxes(wide(features), output_hw)], [pictures[:0]]
    with torch.autocast(features.device.type, enabled=False):
        for picture in range(len(features)):
            for which in (pictures == picture).nonzero().flatten().split(at_once):
                parts.append(form(picture, which))
                order.append(which)
    return torch.cat(parts)[torch.cat(order).argsort()]


def no_boxes(features: Features, output_hw: OutputHw) -> Pooled:
    """The result for no boxes. It hangs together with the features, so that their gradient is 0 and not None."""
    return features[:0, :, :1, :1].expand(0, features.shape[1], *pair(output_hw))


def finished(pooled: Pooled, features: Features) -> Pooled:
    """With the dtype and the memory format of the features."""
    channels_last = features.is_contiguous(memory_format=torch.channels_last) and not features.is_contiguous()
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return pooled.to(features.dtype).contiguous(memory_format=layout)


def wide(x: Tensor) -> Tensor:
    """Half precision as float32; wider numbers as they are."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def pair(output_hw: OutputHw) -> tuple[int, int]:
    """Rows and columns; one number is for both."""
    both = tuple(output_hw) if isinstance(output_hw, Sequence) else (output_hw, output_hw)
    if len(both) != 2 or not all(isinstance(side, int) and side > 0 for side in both):
        raise ValueError(f"output_hw: expected whole rows and columns above 0, got {output_hw}. Usual is 7.")
    return both


def check_scale(spatial_scale: float) -> None:
    """Raise unless it is above 0 and finite."""
    if not (spatial_scale > 0 and math.isfinite(spatial_scale)):
        raise ValueError(f"spatial_scale: expected a number above 0, got {spatial_scale}. It is 1 / stride.")


def _exact(corners: Tensor, features: Tensor) -> Tensor:
    return corners.to(torch.promote_types(wide(corners).dtype, features.dtype))
