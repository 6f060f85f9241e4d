"""Feature maps and boxes for the tests of RoI Pool and RoI Align."""

import torch
from torch import Tensor

SCALE = 1 / 16
GRID_HW = (9, 12)


def some_features(b: int = 2, c: int = 3, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(b, c, *GRID_HW, generator=generator, dtype=torch.float64).to(dtype)


def some_boxes(n: int = 40, b: int = 2, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Boxes (n 5) around a picture of 144 x 192: inside, over the border, outside, without area, on whole cells."""
    generator = torch.Generator().manual_seed(seed)
    sides_wh = torch.tensor([192.0, 144.0], dtype=torch.float64)
    centres = (torch.rand(n, 2, generator=generator, dtype=torch.float64) * 1.6 - 0.3) * sides_wh
    halves = torch.rand(n, 2, generator=generator, dtype=torch.float64) ** 3 * sides_wh * 0.7
    corners = torch.cat([centres - halves, centres + halves], 1)
    corners[::5] = (corners[::5] / 8).round() * 8  # on borders and centres of cells
    corners[1::10, 2:] = corners[1::10, :2]  # points
    corners[2::10, 2] = corners[2::10, 0]  # lines
    corners[3] = torch.tensor([-500.0, -500, -400, -300])
    corners[4] = torch.tensor([-500.0, -500, 900, 700])
    pictures = torch.randint(b, (n, 1), generator=generator).double()
    return torch.cat([pictures, corners], 1).to(dtype)


def as_list(boxes: Tensor, b: int = 2) -> list[Tensor]:
    """The other way to say which picture a box belongs to, for boxes in the order of their pictures."""
    return [boxes[boxes[:, 0] == i, 1:] for i in range(b)]
