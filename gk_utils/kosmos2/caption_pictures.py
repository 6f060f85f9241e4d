"""Pictures for captions: links drawn as numbered boxes, patches as the grid they are, and what is covered by grey.

Notebook: 12.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.box_tokens.cell_pairs import GRID, decode_cells, encode_cells
from gk_utils.boxes import paired_iou
from gk_utils.kosmos2.grit_stages import Stages
from gk_utils.kosmos2.grounded_text import GroundedText
from gk_utils.viz import Picture

GREY = 0.5


def linked_picture(image: Any, said: GroundedText, title: str = "") -> Picture:
    """A picture with the boxes of a caption's phrases; each has the numbers of its phrases, counted from 1.

    >>> box = (0.1, 0.2, 0.5, 0.9)
    >>> said = GroundedText("a cat, the cat", ((0, 5), (7, 14)), ((box,), (box,)))
    >>> linked_picture(torch.zeros(50, 80, 3), said).labels
    ['1, 2']
    """
    image_hw, linked = tuple(image.shape[:2]), {}
    for number in range(len(said.spans)):
        for box in said.boxes(number, image_hw).tolist():
            linked.setdefault(tuple(box), []).append(str(number + 1))
    boxes = torch.tensor([*linked]).view(-1, 4)
    return Picture(image, boxes, [", ".join(numbers) for numbers in linked.values()], title=title)


def patched_picture(image: Any, box: Float[Tensor, " 4"]) -> Picture:
    """A picture with a true box (dashed), its two patches (hatched), and the box that comes back from them (solid).

    >>> patched_picture(torch.zeros(64, 64, 3), torch.tensor([2.0, 2.0, 30.0, 30.0])).title
    'patches 33 and 462: IoU 0.86'
    """
    image_hw = tuple(image.shape[:2])
    cells = encode_cells(box, image_hw)
    back = decode_cells(cells, image_hw)[None]
    step = torch.tensor([image_hw[1] / GRID, image_hw[0] / GRID])
    corners = torch.stack([cells % GRID, cells // GRID], 1) * step
    title = f"patches {int(cells[0])} and {int(cells[1])}: IoU {float(paired_iou(back, box[None].float())):.2f}"
    hatched = torch.cat([corners, corners + step], 1)
    return Picture(image, back, [""], box[None], [""], hatched, ["", ""], title=title)


def stage_pictures(image: Any, stages: Stages, things: Float[Tensor, "n 4"]) -> list[Picture]:
    """One caption on its way through the GrIT pipeline: all boxes found, those left after score and NMS, expressions.

    Args:
        image: the picture at any size.
        stages: what the pipeline made of it; of a caption whose boxes were all thrown away the last panel has none.
        things: boxes of what the caption names, in pixels of the image; dashed in the last panel.
    """
    height, width = image.shape[:2]
    scale = torch.tensor([width, height, width, height]) / torch.tensor(stages.found.image_hw * 2).flip(0)
    boxes, left = stages.found.boxes * scale, list(stages.distinct)
    tags = [f"{words}, {score:.2f}" for words, score in zip(stages.found.phrases, stages.found.scores, strict=True)]
    grown = torch.zeros(0, 4)
    if stages.sample:
        grown = stages.sample.ref_exps.boxes((height, width)).float()
    return [
        Picture(image, boxes, tags, title="all boxes found"),
        Picture(image, boxes[left], [tags[row] for row in left], title="after score and NMS"),
        Picture(image, grown, ["inherited"] * len(grown), things, ["meant"] * len(things), title="expressions"),
    ]


def cover(images: Float[Tensor, "n 3 h w"], boxes: Float[Tensor, "n 4"]) -> Float[Tensor, "n 3 h w"]:
    """The pictures with grey over one box each, rounded to pixels; what lies outside of a picture is left out.

    >>> cover(torch.zeros(1, 3, 4, 4), torch.tensor([[1.0, 0.0, 3.2, 2.0]]))[0, 0].sum(1).tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    covered = images.clone()
    for image, (x1, y1, x2, y2) in zip(covered, boxes.clamp(min=0).round().int().tolist(), strict=True):
        image[:, y1:y2, x1:x2] = GREY
    return covered


def mirrored(boxes: Float[Tensor, "n 4"], width: float) -> Float[Tensor, "n 4"]:
    """Boxes on the other side of a picture: left and right swapped.

    >>> mirrored(torch.tensor([[10.0, 5.0, 30.0, 9.0]]), 100).tolist()
    [[70.0, 5.0, 90.0, 9.0]]
    """
    x1, y1, x2, y2 = boxes.unbind(1)
    return torch.stack([width - x2, y1, width - x1, y2], 1)
