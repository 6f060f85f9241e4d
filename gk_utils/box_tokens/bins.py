"""Bins: a coordinate as one of N whole numbers, and how far it comes back from where it was.

Two readings of a bin are in use. *Edges*: the N bins stand for N points, 0 and the far side of the picture included,
(side / (N - 1)) apart; encoding must round to the nearest. *Centres*: the side is cut into N equal cells, and a bin
stands for the middle of its cell; encoding must take the floor. The other two pairings work, cost twice the error and
shift every box: `int(x / side * 999)` decoded by `k / 999` is the common one.

Source: Pix2Seq, Chen et al. 2022, arXiv:2109.10852, and google-research/pix2seq, utils.py at 029f504 (round, edges);
Florence2PostProcessor in transformers (floor, centres). Notebook: 03.
"""

import re
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gk_utils.errors import check_boxes, check_choice, check_hw

TOLERANCE = 1e-6  # how far a box may leave the picture and still be called rounding, as a share of the side


@dataclass(frozen=True)
class Bins:
    """How many bins a side has, how a number finds its bin, and what a bin stands for.

    Attributes:
        count: N, at least 2; bins are 0 to N - 1.
        rounding: "round" takes the nearest whole number, halves upwards (torch and Python take the even neighbour of a
            half: another bin, the same error); "floor" takes the one below, as `int()` does.
        decode: "edges" reads bin k as k / (N - 1), "centres" as (k + 0.5) / N, both times the side.

    >>> Bins(1000).worst_error(640.0), Bins(1000, "floor").worst_error(640.0), Bins(1000, "floor").bias(640.0)
    (0.3203..., 0.6406..., -0.3203...)
    """

    count: int = 1000
    rounding: Literal["round", "floor"] = "round"
    decode: Literal["edges", "centres"] = "edges"

    def __post_init__(self) -> None:
        if self.count < 2:
            raise ValueError(f"count: expected at least 2 bins, got {self.count}. One bin cannot say where.")
        check_choice(self.rounding, ("round", "floor"), "rounding")
        check_choice(self.decode, ("edges", "centres"), "decode")

    @property
    def steps(self) -> int:
        """How many bin widths the side of a picture has: N - 1 between edges, N with centres."""
        return self.count - 1 if self.decode == "edges" else self.count

    @property
    def matched(self) -> bool:
        """Whether rounding and decoding fit: no bias, and a decoded box encodes to the same tokens again."""
        return (self.rounding == "round") == (self.decode == "edges")

    def worst_error(self, side: float) -> float:
        """The largest distance, in pixels, between a coordinate and what comes back.

        Half a bin width if rounding and decoding are `matched`, else a whole one (with floor and edges approached just
        below an edge, never reached). Boxes come back as float32, which adds up to 1e-7 of the side.
        """
        return side / self.steps * (0.5 if self.matched else 1.0)

    def bias(self, side: float) -> float:
        """The mean of (decoded - true), in pixels, over coordinates spread evenly along the side.

        Zero if `matched`. Floor with edges pulls every box up and left by half a bin width, the same for boxes of
        every size; rounding with centres pushes it down and right by half a width (less in the first and last cell).
        """
        if self.matched:
            return 0.0
        width = side / self.steps
        return -width / 2 if self.rounding == "floor" else width / 2 * (self.count - 1) / self.count


def encode_bins(
    boxes: Float[Tensor, "*n 4"],
    image_hw: tuple[float, float],
    bins: Bins = Bins(),
) -> Int[Tensor, "*n 4"]:
    """Boxes in pixels to bins, in the order x1 y1 x2 y2, each from 0 to N - 1.

    A coordinate on the far border gets the last bin. A box without area is as good as any other. Boxes may leave the
    picture by a millionth of its side (rounding); cut the boxes of a detector with `clip_boxes` first.

    Raises:
        TypeError, ValueError: not boxes (NaN and inverted corners included), or a box that leaves the picture.

    >>> encode_bins(torch.tensor([150.0, 100.0, 400.0, 350.0]), (480, 640))
    tensor([234, 208, 624, 728])
    """
    check_inside(boxes, image_hw)
    # In float64, multiplied before dividing, the border between two cells is exact; x * (1 / side) * 1000 in float32
    # puts 30 of the 100 whole numbers of a side of 100 into the cell before.
    scaled = boxes.double() * bins.steps / sides_of(boxes, image_hw)
    whole = (scaled + 0.5).floor() if bins.rounding == "round" else scaled.floor()
    return whole.long().clamp(0, bins.count - 1)


def decode_bins(
    tokens: Int[Tensor, "*n 4"],
    image_hw: tuple[float, float],
    bins: Bins = Bins(),
) -> Float[Tensor, "*n 4"]:
    """Bins x1 y1 x2 y2 to boxes in pixels (float32), inside the picture.

    Bins with the same number give a box without area.

    Raises:
        ValueError: a number that is no bin, or corners in the wrong order. A model writes such boxes: keep those for
            which `are_boxes` is true.

    >>> decode_bins(torch.tensor([234, 208, 624, 728]), (480, 640))
    tensor([149.9099,  99.9399, 399.7598, 349.7898])
    """
    check_hw(image_hw)
    check_range(tokens, bins.count)
    good = are_boxes(tokens)
    if not bool(good.all()):
        row = tokens[~good][0].tolist()
        raise ValueError(
            f"tokens: expected x1 <= x2 and y1 <= y2, got {row}. Keep the rows for which are_boxes(tokens) is true."
        )
    offset = 0.0 if bins.decode == "edges" else 0.5
    return ((tokens.double() + offset) * sides_of(tokens, image_hw) / bins.steps).float()


def are_boxes(tokens: Int[Tensor, "*n 4"]) -> Bool[Tensor, "*n"]:
    """Whether the bins x1 y1 x2 y2 of each row are in the order of a box; equal ones are.

    >>> are_boxes(torch.tensor([[1, 2, 3, 4], [3, 2, 1, 4], [5, 5, 5, 5]]))
    tensor([ True, False,  True])
    """
    return (tokens[..., :2] <= tokens[..., 2:]).all(-1)


def check_inside(boxes: Tensor, image_hw: tuple[float, float]) -> None:
    """Raise unless all are boxes inside a picture of `image_hw`, up to rounding.

    Raises:
        TypeError, ValueError: not boxes, or a box that leaves the picture; names the first.
    """
    check_boxes(boxes)
    check_hw(image_hw)
    share = boxes.double() / sides_of(boxes, image_hw)
    good = ((share >= -TOLERANCE) & (share <= 1 + TOLERANCE)).all(-1)
    if not bool(good.all()):
        row = [round(number, 2) for number in boxes[~good][0].tolist()]
        raise ValueError(
            f"boxes: expected inside the picture (height, width) = {tuple(image_hw)}, got {row}. "
            "Cut them first: clip_boxes(boxes, image_hw)."
        )


def check_range(tokens: Tensor, count: int, name: str = "tokens") -> None:
    """Raise unless every token is from 0 to count - 1.

    Raises:
        ValueError: names the first that is not.
    """
    bad = (tokens < 0) | (tokens >= count)
    if bool(bad.any()):
        raise ValueError(
            f"{name}: expected numbers from 0 to {count - 1}, got {tokens[bad][0].item()}. "
            "Is it an id of the vocabulary? Take off the first id with decode_ids."
        )


def sides_of(like: Tensor, image_hw: tuple[float, float]) -> Float[Tensor, "4"]:
    """Width, height, width, height in float64, on the device of `like`: what x1, y1, x2, y2 are measured against."""
    height, width = image_hw
    return torch.tensor([width, height, width, height], dtype=torch.float64, device=like.device)


def read_number(digits: str) -> int:
    """The number that a run of digits in a model's answer spells, or 10**9 for a larger one: no token has it.

    A run may be as long as an answer, and Python and torch both refuse whole numbers of many digits.

    >>> read_number("0042"), read_number(25 * "9")
    (42, 1000000000)
    """
    shorter = re.sub(r"^0+(?=.)", "", digits)
    return min(int(shorter), 10**9) if len(shorter) <= 10 else 10**9
