"""How fast box agreement is: all against all, in pairs, and non-maximum suppression, against torchvision's.

`nms` is written out to be read; torchvision's is what a pipeline should call, and the row says what that costs.
torchvision has no IoU in pairs: its users take the diagonal of the table, or one minus its loss. The floor is boxes
read and results written.
"""

from collections.abc import Callable
from typing import Any

import torch
import torchvision.ops as peer
from torch import Tensor

from gk_utils import boxes as ours
from gk_utils.bench.timing import SECONDS, floor_ms, row

TABLES = ((100, 100), (1000, 1000), (5000, 2000))
PAIRS = (1000, 100_000)
SUPPRESSED = (100, 1000, 5000)


def rows(device: str, scale: float = 1.0) -> list[dict[str, Any]]:
    """Several sizes of each; `scale` makes them smaller for a quick look."""

    def size(n: int) -> int:
        return max(4, int(scale * n))

    def measured(case: str, mine: Callable, theirs: Callable, moved: float, **options: Any) -> dict[str, Any]:
        floor = floor_ms(device, 4 * moved)
        options = {"seconds": SECONDS / 2 * min(1, scale), "floor_ms": floor, "peer": "torchvision", **options}
        return row(case, device=device, ours=mine, theirs=theirs, **options)

    found = []
    for n, m in ((size(n), size(m)) for n, m in TABLES):
        a, b = _boxes(n, 0, device), _boxes(m, 1, device)
        both = a, b
        for name, mine, theirs in (
            ("IoU", ours.pairwise_iou, peer.box_iou),
            ("GIoU", ours.pairwise_giou, peer.generalized_box_iou),
            ("DIoU", ours.pairwise_diou, peer.distance_box_iou),
        ):
            case = f"{name}, {n:,} x {m:,}"
            found.append(measured(case, _of(mine, *both), _of(theirs, *both), 4 * (n + m) + n * m))
    for n in map(size, PAIRS):
        a, b = _boxes(n, 0, device), _boxes(n, 1, device)
        case = f"{n:,} pairs"
        if n <= PAIRS[0]:
            theirs = _of(lambda a, b: peer.box_iou(a, b).diagonal(), a, b)
            options = {"peer": "torchvision, the table's diagonal"}
            found.append(measured(f"IoU, {case}", _of(ours.paired_iou, a, b), theirs, 9 * n, **options))
        for name, mine, loss in (
            ("GIoU", ours.paired_giou, peer.generalized_box_iou_loss),
            ("DIoU", ours.paired_diou, peer.distance_box_iou_loss),
        ):
            theirs = _of(lambda a, b, loss=loss: 1 - loss(a, b), a, b)
            options = {"peer": "torchvision, one minus its loss"}
            found.append(measured(f"{name}, {case}", _of(mine, a, b), theirs, 9 * n, **options))
    for n in map(size, SUPPRESSED):
        boxes, scores = _boxes(n, 0, device), torch.rand(n, generator=torch.manual_seed(2)).to(device)
        mine, theirs = _of(ours.nms, boxes, scores, 0.5), _of(peer.nms, boxes, scores, 0.5)
        found.append(measured(f"nms, {n:,} boxes", mine, theirs, 5 * n))
    return found


def _boxes(n: int, seed: int, device: str) -> Tensor:
    corners = torch.rand(n, 2, 2, generator=torch.Generator().manual_seed(seed)) * 1000
    return torch.cat([corners.amin(1), corners.amax(1)], 1).to(device)


def _of(function: Callable[..., Tensor], *arguments: Any) -> Callable[[], Tensor]:
    return lambda: function(*arguments)
