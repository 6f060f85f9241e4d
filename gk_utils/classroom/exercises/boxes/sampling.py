"""The boxes that the exercises of lesson 01 are tried on."""

import numpy as np
import torch
from torch import Tensor

PHOTO_HW = (400, 600)


def random_boxes(rng: np.random.Generator, n: int, image_hw: tuple[int, int] = PHOTO_HW) -> Tensor:
    """Boxes of every size inside a picture, "n 4"."""
    height, width = image_hw
    corners = rng.uniform(0, 1, (n, 2, 2)) * (width, height)
    return torch.from_numpy(np.sort(corners, axis=1).reshape(n, 4)).float()


def boxes_of(*boxes: list[float]) -> Tensor:
    """Boxes written down by hand, "n 4"."""
    return torch.tensor(boxes, dtype=torch.float32)
