"""Where a patch lies, as features: what a head needs that must say coordinates.

The trunk predicts the box of a patch relative to the patch's centre, so its features need not know where that is, and
hardly do: a head that reads them alone finds the right patch and cannot say its place. So every head is given it.

Source: DETR, Carion et al. 2020, arXiv:2005.12872, section 3.2, which adds such an encoding at every attention layer.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def place_encoding(centres_unit: Float[Tensor, "p 2"], width: int) -> Float[Tensor, "p d"]:
    """Sines, then cosines, of x and y at `width / 4` frequencies, from half a turn over the picture to sixteen halves.

    Args:
        centres_unit: (p 2) x, y as fractions of the picture.
        width: d, a multiple of 4.

    Raises:
        ValueError: another width.

    >>> place_encoding(torch.tensor([[0.0, 0.25]]), 4)
    tensor([[0.0000, 0.7071, 1.0000, 0.7071]])
    """
    if width < 4 or width % 4:
        raise ValueError(f"width: expected a multiple of 4, got {width}. A sine and a cosine for x and for y.")
    half_turns = 2 ** torch.linspace(0, 4, width // 4, device=centres_unit.device)
    angles = (math.pi * centres_unit[:, :, None] * half_turns).flatten(1)
    return torch.cat([angles.sin(), angles.cos()], 1)
