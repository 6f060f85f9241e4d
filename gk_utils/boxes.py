"""Boxes: four numbers in three spellings, and how far two boxes agree.

The convention of the whole package: `boxes` is a float tensor (..., 4) of corners x1, y1, x2, y2 in absolute pixels,
y down, continuous: a box from 0 to 10 is 10 wide. Anything else carries its name (`boxes_xywh`, `boxes_unit`); `frames`
converts between the pixels of a picture and what a model counts in.
Areas and agreement of boxes in half precision come back as float32: float16 ends at 65504, a square of 256 x 256.

Source: GIoU, Rezatofighi et al. 2019, arXiv:1902.09630; DIoU, Zheng et al. 2020, arXiv:1911.08287.
Notebook: 01.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gk_utils.errors import check_boxes, check_hw, check_same_length

# --- formats: the same box in other words -----------------------------------------------------------------------


def xywh_to_xyxy(boxes_xywh: Float[Tensor, "*n 4"]) -> Float[Tensor, "*n 4"]:
    """Left, top, width, height (COCO's files) to corners.

    >>> xywh_to_xyxy(torch.tensor([10.0, 20.0, 30.0, 40.0]))
    tensor([10., 20., 40., 60.])
    """
    corner, size_wh = boxes_xywh[..., :2], boxes_xywh[..., 2:]
    return torch.cat([corner, corner + size_wh], dim=-1)


def xyxy_to_xywh(boxes: Float[Tensor, "*n 4"]) -> Float[Tensor, "*n 4"]:
    """Corners to left, top, width, height.

    >>> xyxy_to_xywh(torch.tensor([10.0, 20.0, 40.0, 60.0]))
    tensor([10., 20., 30., 40.])
    """
    return torch.cat([boxes[..., :2], boxes[..., 2:] - boxes[..., :2]], dim=-1)


def cxcywh_to_xyxy(boxes_cxcywh: Float[Tensor, "*n 4"]) -> Float[Tensor, "*n 4"]:
    """Centre x, centre y, width, height (the DETR family) to corners.

    >>> cxcywh_to_xyxy(torch.tensor([25.0, 40.0, 30.0, 40.0]))
    tensor([10., 20., 40., 60.])
    """
    centre, half_wh = boxes_cxcywh[..., :2], boxes_cxcywh[..., 2:] / 2
    return torch.cat([centre - half_wh, centre + half_wh], dim=-1)


def xyxy_to_cxcywh(boxes: Float[Tensor, "*n 4"]) -> Float[Tensor, "*n 4"]:
    """Corners to centre x, centre y, width, height.

    >>> xyxy_to_cxcywh(torch.tensor([10.0, 20.0, 40.0, 60.0]))
    tensor([25., 40., 30., 40.])
    """
    return torch.cat([(boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]], dim=-1)


# --- what happens to boxes at the border, and where they come from ------------------------------------------------


def clip_boxes(boxes: Float[Tensor, "*n 4"], image_hw: tuple[float, float]) -> Float[Tensor, "*n 4"]:
    """Cut boxes at the picture's border. A box wholly outside becomes one without area, on the border.

    >>> clip_boxes(torch.tensor([-5.0, 10.0, 30.0, 90.0]), (60, 80))
    tensor([ 0., 10., 30., 60.])
    """
    check_boxes(boxes)
    check_hw(image_hw)
    height, width = image_hw
    return torch.stack([boxes[..., 0::2].clamp(0, width), boxes[..., 1::2].clamp(0, height)], dim=-1).flatten(-2)


def boxes_from_masks(masks: Bool[Tensor, "n h w"]) -> Float[Tensor, "n 4"]:
    """The tight continuous box of each mask; an empty mask gets (0, 0, 0, 0).

    A single pixel in column 3 gives x1 = 3, x2 = 4. torchvision's `masks_to_boxes` gives x2 = 3: it names the last
    pixel, not the edge behind it, and its box of one pixel has no area.

    >>> mask = torch.zeros(1, 4, 6, dtype=torch.bool)
    >>> mask[0, 1:3, 2:5] = True
    >>> boxes_from_masks(mask)
    tensor([[2., 1., 5., 3.]])
    """
    if not masks.numel():
        return torch.zeros(len(masks), 4, device=masks.device)
    edges = []
    for axis in (1, 2):  # the largest over rows leaves columns: x first, then y
        line = masks.view(torch.uint8).amax(axis).bool()  # n w, then n h; on a CPU a tenth of the time of `any`
        length = line.shape[1]
        first = line.float().argmax(1)
        last = length - line.flip(1).float().argmax(1)
        edges += [first, torch.where(line.any(1), last, 0)]
    x1, x2, y1, y2 = edges
    return torch.stack([x1, y1, x2, y2], dim=1).float()


# --- agreement: one number for two boxes ------------------------------------------------------------------------


def box_areas(boxes: Float[Tensor, "*n 4"]) -> Float[Tensor, "*n"]:
    """Width times height, in square pixels.

    >>> box_areas(torch.tensor([[0.0, 0.0, 10.0, 20.0], [5.0, 5.0, 5.0, 9.0]]))
    tensor([200.,   0.])
    """
    check_boxes(boxes)
    boxes = _widened(boxes)
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def pairwise_iou(boxes1: Float[Tensor, "n 4"], boxes2: Float[Tensor, "m 4"]) -> Float[Tensor, "n m"]:
    """Intersection over union of every box of `boxes1` with every box of `boxes2`, in [0, 1].

    Two boxes without area have IoU 0 (0 / 0 is defined as 0), with a finite gradient.

    Raises:
        TypeError, ValueError: not boxes; the message names the row and its values.

    >>> pairwise_iou(torch.tensor([[0.0, 0.0, 10.0, 10.0]]), torch.tensor([[5.0, 5.0, 15.0, 15.0]]))
    tensor([[0.1429]])
    """
    return _pairwise(boxes1, boxes2, _iou)


def pairwise_giou(boxes1: Float[Tensor, "n 4"], boxes2: Float[Tensor, "m 4"]) -> Float[Tensor, "n m"]:
    """IoU minus the share of the hull that the union leaves empty, in (-1, 1]; the hull is the smallest common box.

    Equal to IoU when one box holds the other. A hull without area (both boxes without area, on one line) gives 0.

    Raises:
        TypeError, ValueError: not boxes; the message names the row and its values.

    Source: Rezatofighi et al. 2019, arXiv:1902.09630, algorithm 1.

    >>> pairwise_giou(torch.tensor([[0.0, 0.0, 10.0, 10.0]]), torch.tensor([[20.0, 0.0, 30.0, 10.0]]))
    tensor([[-0.3333]])
    """
    return _pairwise(boxes1, boxes2, _giou)


def pairwise_diou(boxes1: Float[Tensor, "n 4"], boxes2: Float[Tensor, "m 4"]) -> Float[Tensor, "n m"]:
    """IoU minus (distance of the centres / diagonal of the hull) squared, in (-1, 1].

    Unlike GIoU it still tells two nested boxes apart by their centres. Two equal points give 0.

    Raises:
        TypeError, ValueError: not boxes; the message names the row and its values.

    Source: Zheng et al. 2020, arXiv:1911.08287, equation 7.

    >>> pairwise_diou(torch.tensor([[0.0, 0.0, 10.0, 10.0]]), torch.tensor([[0.0, 0.0, 5.0, 5.0]]))
    tensor([[0.1875]])
    """
    return _pairwise(boxes1, boxes2, _diou)


def paired_iou(boxes1: Float[Tensor, "n 4"], boxes2: Float[Tensor, "n 4"]) -> Float[Tensor, " n"]:
    """IoU of row i of `boxes1` with row i of `boxes2`; as `pairwise_iou` otherwise.

    >>> paired_iou(torch.tensor([[0.0, 0.0, 10.0, 20.0]]), torch.tensor([[0.0, 0.0, 10.0, 10.0]]))
    tensor([0.5000])
    """
    return _paired(boxes1, boxes2, _iou)


def paired_giou(boxes1: Float[Tensor, "n 4"], boxes2: Float[Tensor, "n 4"]) -> Float[Tensor, " n"]:
    """GIoU of row i of `boxes1` with row i of `boxes2`; as `pairwise_giou` otherwise.

    >>> paired_giou(torch.tensor([[0.0, 0.0, 10.0, 10.0]]), torch.tensor([[5.0, 5.0, 15.0, 15.0]]))
    tensor([-0.0794])
    """
    return _paired(boxes1, boxes2, _giou)


def paired_diou(boxes1: Float[Tensor, "n 4"], boxes2: Float[Tensor, "n 4"]) -> Float[Tensor, " n"]:
    """DIoU of row i of `boxes1` with row i of `boxes2`; as `pairwise_diou` otherwise.

    >>> paired_diou(torch.tensor([[0.0, 0.0, 10.0, 10.0]]), torch.tensor([[0.0, 0.0, 10.0, 10.0]]))
    tensor([1.])
    """
    return _paired(boxes1, boxes2, _diou)


def nms(boxes: Float[Tensor, "n 4"], scores: Float[Tensor, " n"], iou_threshold: float = 0.5) -> Int[Tensor, " k"]:
    """Greedy non-maximum suppression: keep the best box, drop those that overlap it by more than the threshold, repeat.

    Written out to be read; `torchvision.ops.nms` does the same and is what a pipeline should call. Of equal scores the
    earlier row goes first. Boxes at exactly the threshold stay.

    Returns:
        Indices of the boxes kept, best score first.

    Raises:
        TypeError, ValueError: not boxes, or not one score a box.

    >>> nms(torch.tensor([[0.0, 0, 10, 10], [1.0, 0, 11, 10], [50.0, 50, 60, 60]]), torch.tensor([0.9, 0.8, 0.7]))
    tensor([0, 2])
    """
    check_boxes(boxes)
    check_same_length(boxes, scores, ("boxes", "scores"))
    iou = pairwise_iou(boxes, boxes)
    candidates = scores.argsort(descending=True, stable=True)
    kept = []
    while len(candidates):
        best, rest = candidates[0], candidates[1:]
        kept.append(best)
        candidates = rest[iou[best, rest] <= iou_threshold]
    return torch.stack(kept) if kept else candidates


# One formula serves pairs and tables: it gets the eight coordinates separately, already shaped to broadcast. Planes of
# one coordinate are also faster than slices of (n, m, 2), because each step then reads memory in order.

Corners = tuple[Tensor, Tensor, Tensor, Tensor]


def _pairwise(boxes1: Tensor, boxes2: Tensor, formula) -> Tensor:
    check_boxes(boxes1, "boxes1")
    check_boxes(boxes2, "boxes2")
    boxes1, boxes2 = _widened(boxes1), _widened(boxes2)
    return formula(boxes1.T.unsqueeze(2).unbind(0), boxes2.T.unsqueeze(1).unbind(0))  # n 1 and 1 m


def _paired(boxes1: Tensor, boxes2: Tensor, formula) -> Tensor:
    check_boxes(boxes1, "boxes1")
    check_boxes(boxes2, "boxes2")
    check_same_length(boxes1, boxes2, ("boxes1", "boxes2"))
    return formula(_widened(boxes1).unbind(-1), _widened(boxes2).unbind(-1))


def _widened(boxes: Tensor) -> Tensor:
    """Half precision as float32; wider numbers as they are."""
    return boxes.float() if boxes.dtype in (torch.float16, torch.bfloat16) else boxes


def _overlap(a: Corners, b: Corners) -> tuple[Tensor, Tensor]:
    """Areas of intersection and union."""
    width = torch.minimum(a[2], b[2]).sub_(torch.maximum(a[0], b[0])).clamp_(min=0)
    height = torch.minimum(a[3], b[3]).sub_(torch.maximum(a[1], b[1])).clamp_(min=0)
    intersection = width * height
    return intersection, ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])).sub_(intersection)


def _hull_wh(a: Corners, b: Corners) -> tuple[Tensor, Tensor]:
    """Width and height of the smallest box around both."""
    return (
        torch.maximum(a[2], b[2]) - torch.minimum(a[0], b[0]),
        torch.maximum(a[3], b[3]) - torch.minimum(a[1], b[1]),
    )


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    """Part / whole, and 0 where both are 0, with a finite gradient on both sides."""
    return part / whole.masked_fill(whole == 0, 1)


def _iou(a: Corners, b: Corners) -> Tensor:
    return _ratio(*_overlap(a, b))


def _giou(a: Corners, b: Corners) -> Tensor:
    intersection, union = _overlap(a, b)
    width, height = _hull_wh(a, b)
    hull = width * height
    return _ratio(intersection, union) - _ratio(hull - union, hull)


def _diou(a: Corners, b: Corners) -> Tensor:
    width, height = _hull_wh(a, b)
    apart_x, apart_y = (a[0] + a[2] - b[0] - b[2]) / 2, (a[1] + a[3] - b[1] - b[3]) / 2
    return _iou(a, b) - _ratio(apart_x**2 + apart_y**2, width**2 + height**2)
