"""The wall and the counter behind the things."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.countertop.scene import Scene

HORIZON = 0.42  # where the wall ends, as a fraction of the height from the top
EDGE = 0.972  # where the counter's front edge begins
WALL_PAINTS = {
    "cream": (0.90, 0.85, 0.75),
    "mist": (0.78, 0.83, 0.85),
    "sage": (0.77, 0.82, 0.73),
    "blush": (0.89, 0.79, 0.75),
    "sky": (0.72, 0.82, 0.89),
    "sand": (0.85, 0.77, 0.66),
}
COUNTER_PAINTS = {
    "oak": (0.80, 0.65, 0.48),
    "walnut": (0.62, 0.48, 0.38),
    "slate": (0.58, 0.61, 0.65),
    "marble": (0.83, 0.82, 0.81),
    "birch": (0.87, 0.77, 0.62),
    "teal": (0.48, 0.63, 0.64),
}
WOODEN = ("oak", "walnut", "birch")
TILED = ("mist", "sage", "sky")


def paint_background(
    scenes: Sequence[Scene], image_hw: tuple[int, int], device: str | torch.device = "cpu"
) -> Float[Tensor, "b 3 h w"]:
    """The empty counter of each scene, in [0, 1].

    >>> paint_background([Scene((), wall="sky", counter="slate")], (64, 96)).shape
    torch.Size([1, 3, 64, 96])
    """
    height, width = image_hw
    side = min(image_hw)
    y = (torch.arange(height, device=device) + 0.5)[:, None] / height
    x = (torch.arange(width, device=device) + 0.5) / width
    wall = torch.tensor([WALL_PAINTS[scene.wall] for scene in scenes], device=device).reshape(-1, 3, 1, 1)
    counter = torch.tensor([COUNTER_PAINTS[scene.counter] for scene in scenes], device=device).reshape(-1, 3, 1, 1)
    tiled, wooden = (
        torch.tensor([float(value) for value in values], device=device).reshape(-1, 1, 1, 1)
        for values in ([scene.wall in TILED for scene in scenes], [scene.counter in WOODEN for scene in scenes])
    )
    step = HORIZON / 3  # of the tiles
    seams = torch.minimum(_to_seam(y * height / side, step), _to_seam(x * width / side + step / 2, step))
    joint = (1.2 - seams * side / max(1.0, side / 160)).clamp(0, 1)
    wall = wall * (1.04 - 0.10 * (1 - y / HORIZON).clamp(0, 1)) * (1 + 0.06 * tiled * joint)
    depth = ((y - HORIZON) / (1 - HORIZON)).clamp(0, 1)
    grain = torch.sin(40 * depth**0.8 + 2.2 * torch.sin(3.1 * x + 5 * depth)) * torch.sin(2.3 * x + 9 * depth)
    counter = counter * (0.94 + 0.08 * depth) * (1 + 0.022 * wooden * grain)
    below = ((y - HORIZON) * height + 0.5).clamp(0, 1)
    front = ((y - EDGE) * height + 0.5).clamp(0, 1)
    shade = 1 - 0.16 * (1 - (y - HORIZON).abs() / 0.03).clamp(0, 1) ** 2  # where wall and counter meet
    return torch.lerp(wall, counter * (1 - 0.22 * front), below) * shade


def _to_seam(position: Tensor, step: float) -> Tensor:
    """The distance to the nearest multiple of `step`."""
    return ((position / step + 0.5) % 1 - 0.5).abs() * step
