"""What codes make of a box, in numbers and words: its tokens, the box that comes back, and how far each side is off.

Notebook: 03.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.box_tokens import (
    FLORENCE2,
    OFA,
    PALIGEMMA,
    TOKEN_RANGES,
    Bins,
    Pix2SeqVocabulary,
    decode_bins,
    decode_cells,
    decode_locations,
    decode_pix2seq,
    encode_bins,
    encode_cells,
    encode_locations,
    encode_pix2seq,
    render_locations,
)
from gk_utils.box_tokens.cell_pairs import GRID
from gk_utils.errors import check_boxes
from gk_utils.labs.boxes import compare

Box = Sequence[float] | Float[Tensor, "4"]
Choice = int | Literal["cells"]  # so many bins a side, or the 32 x 32 cells of Kosmos-2


@dataclass(frozen=True)
class CodeReading:
    """What one code makes of a box.

    Attributes:
        name: of the code.
        order: what its tokens say, in their order.
        tokens: as the code writes them.
        decoded: the box that they say, xyxy in pixels.
        errors: how far each side is off, in pixels: left, top, right, bottom.
        bounds: how far the code can be off in x and in y, in pixels.
        iou: of the box with what came back.
    """

    name: str
    order: str
    tokens: str
    decoded: tuple[float, float, float, float]
    errors: tuple[float, float, float, float]
    bounds: tuple[float, float]
    iou: float


@dataclass(frozen=True)
class TokenReading:
    """A box in the chosen code and in the published ones; `sentence` is the verdict on the chosen one.

    >>> print(describe_tokens([30, 20, 54, 44], (384, 512), 100).note)
    100 bins, IoU 0.80: passes at 0.5 and at 0.75.
    yours [30, 20, 54, 44], 24 × 24 px
    decoded [31.0, 19.4, 51.7, 42.7]
    off by: left 1.03, top 0.61, right 2.28, bottom 1.33 px
    at most: left and right 2.59, top and bottom 1.94 px
    """

    box: tuple[float, float, float, float]
    chosen: CodeReading
    published: tuple[CodeReading, ...]
    sentence: str

    @property
    def note(self) -> str:
        """The verdict, the two boxes, and how far each side is off: what stands under the picture."""
        yours = ", ".join(f"{side:.6g}" for side in self.box)
        wide, high = self.box[2] - self.box[0], self.box[3] - self.box[1]
        back = ", ".join(f"{side:.1f}" for side in self.chosen.decoded)
        sides = zip(("left", "top", "right", "bottom"), self.chosen.errors, strict=True)
        off = ", ".join(f"{name} {error:.2f}" for name, error in sides)
        most = "left and right {:.2f}, top and bottom {:.2f}".format(*self.chosen.bounds)
        yours = f"yours [{yours}], {wide:.6g} × {high:.6g} px"
        return "\n".join([self.sentence, yours, f"decoded [{back}]", f"off by: {off} px", f"at most: {most} px"])

    def in_words(self) -> str:
        """Everything for those who cannot see it: the note, then a line for each code."""
        rows = [f"{code.name} ({code.order}): {code.tokens}; IoU {code.iou:.2f}" for code in self.rows]
        return "\n".join([self.note, *rows])

    @property
    def rows(self) -> tuple[CodeReading, ...]:
        """The chosen code, then the published ones."""
        return (self.chosen, *self.published)


def describe_tokens(box: Box, image_hw: tuple[int, int], bins: Choice) -> TokenReading:
    """Write a box in every code of the lesson, read it back, and say what is left of it.

    Args:
        box: [x1, y1, x2, y2] in pixels, inside the picture; it may have no area.
        image_hw: height and width of the picture.
        bins: the chosen code: so many bins a side, at least 2, the nearest one taken; or "cells".

    Raises:
        TypeError, ValueError: not a box, a box that leaves the picture, fewer than two bins.

    >>> reading = describe_tokens([64, 48, 320, 240], (480, 640), "cells")
    >>> reading.sentence, reading.chosen.tokens
    ('32 × 32 cells, IoU 0.88: passes at 0.5 and at 0.75.', '99 495')
    >>> [code.tokens.split(">")[0] for code in reading.published]
    ['1100 1100 1500 1500', '<bin_100', '<patch_index_0099', '<loc0102', '<loc_100']
    """
    row = torch.as_tensor(box, dtype=torch.float64)
    check_boxes(row, "box")
    boxes = row[None]
    chosen = _cells(boxes, image_hw, spelled=False) if bins == "cells" else _bins(boxes, image_hw, Bins(bins))
    published = (
        _pix2seq(boxes, image_hw),
        _locations(boxes, image_hw, "OFA"),
        _cells(boxes, image_hw, spelled=True),
        _locations(boxes, image_hw, "PaliGemma"),
        _locations(boxes, image_hw, "Florence-2"),
    )
    return TokenReading(tuple(row.tolist()), chosen, published, f"{chosen.name}, {_verdict(row, chosen)}")


def _verdict(box: Float[Tensor, "4"], code: CodeReading) -> str:
    wide, high = (box[2:] - box[:2]).tolist()
    x1, y1, x2, y2 = code.decoded
    if wide * high == 0:
        return "IoU 0: your box has no area."
    if (x2 - x1) * (y2 - y1) == 0:
        return "IoU 0: lost. Opposite sides get the same token, and no area comes back."
    return compare(code.decoded, box).sentence


def _read(
    name: str, order: Sequence[str], tokens: str, boxes: Tensor, decoded: Tensor, *, bounds: tuple[float, float]
) -> CodeReading:
    back = decoded[0].double()
    errors = (back - boxes[0]).abs().tolist()
    iou = compare(back, boxes[0]).iou
    return CodeReading(
        name, (" " if "x1" in order else ", ").join(order), tokens, tuple(back.tolist()), tuple(errors), bounds, iou
    )


def _worst(bins: Bins, image_hw: tuple[int, int]) -> tuple[float, float]:
    return bins.worst_error(image_hw[1]), bins.worst_error(image_hw[0])


def _bins(boxes: Tensor, image_hw: tuple[int, int], bins: Bins) -> CodeReading:
    tokens = encode_bins(boxes, image_hw, bins)
    written = " ".join(str(number) for number in tokens[0].tolist())
    decoded = decode_bins(tokens, image_hw, bins)
    return _read(
        f"{bins.count} bins", TOKEN_RANGES["ofa"].order, written, boxes, decoded, bounds=_worst(bins, image_hw)
    )


def _pix2seq(boxes: Tensor, image_hw: tuple[int, int]) -> CodeReading:
    vocabulary = Pix2SeqVocabulary()
    ids = encode_pix2seq(boxes, torch.tensor([0]), image_hw, vocabulary)
    decoded = decode_pix2seq(ids, image_hw, vocabulary).boxes
    written = " ".join(str(number) for number in ids[:4].tolist())  # without the class
    bounds = _worst(vocabulary.quantisation, image_hw)
    return _read("Pix2Seq (ids)", TOKEN_RANGES["pix2seq"].order, written, boxes, decoded, bounds=bounds)


def _locations(boxes: Tensor, image_hw: tuple[int, int], name: str) -> CodeReading:
    codec = {"OFA": OFA, "PaliGemma": PALIGEMMA, "Florence-2": FLORENCE2}[name]
    tokens = encode_locations(boxes, image_hw, codec)
    decoded = decode_locations(tokens, image_hw, codec)
    bounds = _worst(codec.bins, image_hw)
    return _read(name, codec.tokens.order, render_locations(tokens, codec), boxes, decoded, bounds=bounds)


def _cells(boxes: Tensor, image_hw: tuple[int, int], spelled: bool) -> CodeReading:
    pair = encode_cells(boxes, image_hw)
    row = TOKEN_RANGES["kosmos2"]
    first, last = pair[0].tolist()
    written = row.spell(first) + row.spell(last) if spelled else f"{first} {last}"
    # Half a cell between centres; in one row or one column the outer edges come back, up to a whole cell away.
    thin = first // GRID == last // GRID or first % GRID == last % GRID
    reach = 1.0 if thin else 0.5
    bounds = (image_hw[1] / GRID * reach, image_hw[0] / GRID * reach)
    name = "Kosmos-2" if spelled else f"{GRID} × {GRID} cells"
    return _read(name, row.order, written, boxes, decode_cells(pair, image_hw), bounds=bounds)
