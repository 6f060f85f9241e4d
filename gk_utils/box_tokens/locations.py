"""Location tokens: four a box, one a coordinate; the codecs of OFA, PaliGemma and Florence-2.

They differ in the number of bins, in what a bin stands for, in the spelling and in which coordinate comes first. All
measure against the whole picture on each axis: OFA stretches it to a square of 512 pixels and divides by 512, which is
the same. (Its pretraining stretches to 384 and still divides by 512: `replace(OFA, fill=384 / 512)`.)

Source: OFA, Wang et al. 2022, arXiv:2202.03052, and OFA-Sys/OFA, data/mm_data/refcoco_dataset.py at 08e70bc,
utils/transforms.py at 4fd9ab2, utils/eval_utils.py at 06750c1; PaliGemma, Beyer et al. 2024, arXiv:2407.07726, and
google-research/big_vision, pp/proj/paligemma/segmentation.py and evaluators/proj/paligemma/transfers/segmentation.py
at 5f95305 (round(c * 1023), k / 1023; others divide by 1024, at most 1/1024 of the side away); Florence-2,
Xiao et al. 2023, arXiv:2311.06242, and Florence2PostProcessor in transformers. Notebook: 03.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gk_utils.box_tokens.bins import (
    Bins,
    are_boxes,
    check_inside,
    check_range,
    decode_bins,
    encode_bins,
    read_number,
)
from gk_utils.box_tokens.token_ranges import TOKEN_RANGES, TokenRange
from gk_utils.errors import check_hw

_SWAP = [1, 0, 3, 2]  # x first to y first, and back


@dataclass(frozen=True)
class LocationCodec:
    """How one model writes a box in four tokens.

    Attributes:
        model: its row in TOKEN_RANGES, which knows the spelling and the order.
        bins: the quantisation.
        separator: what stands between two tokens of a box in text.
        fill: the share of the frame that the picture covers on each axis, in (0, 1]; less than 1 wastes bins.
    """

    model: Literal["ofa", "paligemma", "florence2"]
    bins: Bins
    separator: str = ""
    fill: float = 1.0

    @property
    def tokens(self) -> TokenRange:
        """Spelling, ids and order of the tokens."""
        return TOKEN_RANGES[self.model]

    @property
    def y_first(self) -> bool:
        """Whether a box reads y1 x1 y2 x2."""
        return self.tokens.order[0] == "y1"


OFA = LocationCodec("ofa", Bins(1000), separator=" ")
PALIGEMMA = LocationCodec("paligemma", Bins(1024))
FLORENCE2 = LocationCodec("florence2", Bins(1000, "floor", "centres"))


def encode_locations(
    boxes: Float[Tensor, "*n 4"], image_hw: tuple[float, float], codec: LocationCodec
) -> Int[Tensor, "*n 4"]:
    """Boxes in pixels to token numbers, in the model's order (not ids: see `encode_ids`).

    Raises:
        TypeError, ValueError: not boxes, or a box that leaves the picture.

    >>> box = torch.tensor([64.0, 48.0, 320.0, 240.0])
    >>> encode_locations(box, (480, 640), FLORENCE2).tolist(), encode_locations(box, (480, 640), PALIGEMMA).tolist()
    ([100, 100, 500, 500], [102, 102, 512, 512])
    """
    check_inside(boxes, image_hw)
    tokens = encode_bins(boxes, _frame_hw(image_hw, codec), codec.bins)
    return tokens[..., _SWAP] if codec.y_first else tokens


def decode_locations(
    tokens: Int[Tensor, "*n 4"], image_hw: tuple[float, float], codec: LocationCodec
) -> Float[Tensor, "*n 4"]:
    """Token numbers in the model's order to boxes xyxy in pixels.

    With `fill` below 1 a model can name places outside the picture; such boxes come back as they are.

    Raises:
        ValueError: a number the model has no token for, or corners in the wrong order.

    >>> decode_locations(torch.tensor([100, 100, 500, 500]), (480, 640), FLORENCE2)
    tensor([ 64.3200,  48.2400, 320.3200, 240.2400])
    """
    check_range(tokens, codec.bins.count)
    ordered = tokens[..., _SWAP] if codec.y_first else tokens
    return decode_bins(ordered, _frame_hw(image_hw, codec), codec.bins)


def render_locations(tokens: Int[Tensor, "n 4"], codec: LocationCodec) -> str:
    """Token numbers as the model spells them; boxes one after the other, with nothing else between them.

    >>> render_locations(torch.tensor([[234, 208, 624, 728]]), OFA)
    '<bin_234> <bin_208> <bin_624> <bin_728>'
    """
    check_range(tokens, codec.bins.count)
    return codec.separator.join(codec.tokens.spell(number) for number in tokens.flatten().tolist())


@dataclass(frozen=True, eq=False)
class Parsed:
    """What was read from a text: boxes as tokens, and what had to be dropped.

    Attributes:
        tokens: in the model's order, one row a box.
        problems: one sentence for each run of tokens that is no box.
    """

    tokens: Int[Tensor, "n 4"]
    problems: tuple[str, ...] = field(default=())


def parse_locations(text: str, codec: LocationCodec) -> Parsed:
    """The boxes in a model's answer.

    A run of location tokens, with at most white space between them, is read four by four; any other text ends the
    run. A run whose length is no multiple of four is dropped whole, since nobody knows which token is missing (the
    reader of Florence-2 in transformers keeps its first boxes). A number out of range and a box with inverted corners
    are dropped too. `problems` names them all. A text without location tokens has no boxes and no problems.

    >>> parse_locations("mug<loc_100><loc_100><loc_500><loc_500> and<loc_3><loc_4><loc_5>", FLORENCE2)
    Parsed(tokens=tensor([[100, 100, 500, 500]]), problems=('[3, 4, 5]: 3 tokens, a box has 4',))
    """
    digits = r"(?:" + re.sub(r"\\\{.*?\\\}", r"\\d+", re.escape(codec.tokens.template)) + r")"
    rows, problems = [], []
    for run in re.finditer(rf"{digits}(?:\s*{digits})*", text):
        numbers = [read_number(number) for number in re.findall(r"\d+", run.group())]
        if len(numbers) % 4:
            problems.append(f"{numbers}: {len(numbers)} tokens, a box has 4")
            continue
        for start in range(0, len(numbers), 4):
            row = numbers[start : start + 4]
            corners = torch.tensor(row)[_SWAP] if codec.y_first else torch.tensor(row)
            if max(row) >= codec.bins.count:
                problems.append(f"{row}: the last token is {codec.tokens.spell(codec.bins.count - 1)}")
            elif not bool(are_boxes(corners)):
                problems.append(f"{row}: corners in the wrong order")
            else:
                rows.append(row)
    return Parsed(torch.tensor(rows, dtype=torch.long).reshape(-1, 4), tuple(problems))


def _frame_hw(image_hw: tuple[float, float], codec: LocationCodec) -> tuple[float, float]:
    """Height and width, in pixels of the picture, of the frame that the bins cut up."""
    check_hw(image_hw)
    return image_hw[0] / codec.fill, image_hw[1] / codec.fill
