"""The ceiling a codec puts on IoU: what a model that writes the best tokens there are would still lose.

Encode, decode, compare: no model is involved. A fixed error in pixels costs a small box more than a large one, so the
ceiling is a curve over the size of the box. Notebook: 03.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.boxes import paired_iou
from gk_utils.errors import check_hw


@dataclass(frozen=True)
class Ceiling:
    """What is left of squares of one size.

    Attributes:
        side: of the squares, in pixels.
        mean_iou: mean IoU of the boxes with what came back.
        share_above_half: the share with IoU >= 0.5: the Acc@0.5 that no model with this codec can beat.
    """

    side: float
    mean_iou: float
    share_above_half: float


def iou_ceiling(
    round_trip: Callable[[Float[Tensor, "n 4"]], Float[Tensor, "n 4"]],
    sides: Sequence[float],
    image_hw: tuple[float, float],
    *,
    squares: int = 2000,
    seed: int = 0,
) -> tuple[Ceiling, ...]:
    """Send random squares through a codec and back, and measure their IoU.

    Args:
        round_trip: encodes and decodes boxes in pixels of a picture of `image_hw`.
        sides: of the squares, in pixels; none larger than the picture.
        image_hw: height and width of the picture; squares lie wholly inside it, evenly spread.
        squares: how many of each size.
        seed: the same squares for every codec.

    Raises:
        ValueError: a side that is not above 0 or does not fit into the picture.

    >>> from gk_utils.box_tokens.bins import Bins, decode_bins, encode_bins
    >>> coarse, hw = Bins(100), (480, 640)
    >>> found = iou_ceiling(lambda boxes: decode_bins(encode_bins(boxes, hw, coarse), hw, coarse), [8.0, 128.0], hw)
    >>> [round(ceiling.mean_iou, 1) for ceiling in found]
    [0.5, 1.0]
    """
    check_hw(image_hw)
    height, width = image_hw
    ceilings = []
    for side in sides:
        if not 0 < side <= min(height, width):
            raise ValueError(
                f"sides: expected above 0 and at most {min(height, width)}, got {side}. Shrink the square."
            )
        spread = torch.rand(squares, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        corner = spread * torch.tensor([width - side, height - side], dtype=torch.float64)
        boxes = torch.cat([corner, corner + side], dim=1).float()
        iou = paired_iou(boxes, round_trip(boxes))
        ceilings.append(Ceiling(float(side), iou.mean().item(), (iou >= 0.5).float().mean().item()))
    return tuple(ceilings)
