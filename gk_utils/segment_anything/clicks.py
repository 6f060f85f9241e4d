"""Prompts for training and measuring: where a person would click, and how a box is off.

The next click goes where the mask is wrong: on a part that is missing, or beside the object on a part too many. Points
count pixels by their index, as the prompt encoder does: (0, 0) is the centre of the first pixel.

Source: Kirillov et al. 2023, "Segment Anything", arXiv:2304.02643, appendix A, "Training algorithm".
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gk_utils.segment_anything.prompt_encoder import BESIDE, ON

SHARE, MOST = 0.1, 0.03  # how far a side of a box is off: deviation as a share of the box, at most of the picture


def random_clicks(masks: Bool[Tensor, "n h w"], generator: torch.Generator | None = None) -> Float[Tensor, "n 2"]:
    """One pixel x, y of each mask, all of them equally likely; any pixel of the picture where a mask is empty.

    >>> random_clicks(torch.tensor([[[False, False], [False, True]]]))
    tensor([[1., 1.]])
    """
    chance = torch.rand(masks.shape, generator=generator, device=masks.device)
    place = (chance + masks).flatten(1).argmax(1)
    width = masks.shape[2]
    return torch.stack([place % width, place // width], -1).float()


def central_clicks(masks: Bool[Tensor, "n h w"]) -> Float[Tensor, "n 2"]:
    """The pixel of each mask that lies deepest inside: where somebody clicks who wants to be understood.

    >>> row = torch.tensor([[[True, True, True, False]]])
    >>> central_clicks(row.repeat(1, 3, 1))
    tensor([[1., 1.]])
    """
    from scipy.ndimage import distance_transform_edt

    places = []
    for mask in masks.cpu().numpy():
        depth = torch.from_numpy(distance_transform_edt(torch.nn.functional.pad(torch.from_numpy(mask), (1, 1, 1, 1))))
        places.append(int(depth[1:-1, 1:-1].flatten().argmax()))
    place, width = torch.tensor(places, dtype=torch.long, device=masks.device), masks.shape[2]
    return torch.stack([place % width, place // width], -1).float()


def error_clicks(
    said: Bool[Tensor, "n h w"], truth: Bool[Tensor, "n h w"], generator: torch.Generator | None = None
) -> tuple[Float[Tensor, "n 2"], Int[Tensor, " n"]]:
    """One pixel where each mask is wrong, and its label: ON what is missing, BESIDE on what is too much.

    Where nothing is wrong the click goes onto the object.

    >>> said, truth = torch.tensor([[[True, True]]]), torch.tensor([[[True, False]]])
    >>> error_clicks(said, truth)
    (tensor([[1., 0.]]), tensor([0]))
    """
    wrong = said ^ truth
    places = random_clicks(torch.where(wrong.flatten(1).any(1)[:, None, None], wrong, truth), generator)
    rows, (x, y) = torch.arange(len(truth), device=truth.device), places.long().unbind(-1)
    return places, torch.where(truth[rows, y, x], ON, BESIDE)


def loose_boxes(
    boxes: Float[Tensor, "n 4"], image_hw: tuple[int, int], generator: torch.Generator | None = None
) -> Float[Tensor, "n 4"]:
    """Boxes as a hand or a detector draws them: each side is off by a tenth of the box, at most 3 % of the picture.

    They stay inside the picture, and their corners in order.

    >>> image_hw, box = (100, 100), torch.tensor([[20.0, 20.0, 60.0, 60.0]])
    >>> bool(((loose_boxes(box, image_hw) - box).abs() <= 3).all())
    True
    """
    height, width = image_hw
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    most = MOST * torch.tensor([width, height] * 2, device=boxes.device, dtype=boxes.dtype)
    noise = torch.randn(boxes.shape, generator=generator, device=boxes.device, dtype=boxes.dtype)
    moved = boxes + (SHARE * sides * noise).clamp(-most, most)
    corners = torch.minimum(moved.clamp(min=0), most / MOST)
    return torch.cat([torch.minimum(corners[:, :2], corners[:, 2:]), torch.maximum(corners[:, :2], corners[:, 2:])], 1)
