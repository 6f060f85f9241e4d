"""Cell pairs: a box as two patches of a grid, its upper left and its lower right; the codec of Kosmos-2.

The picture is cut into 32 x 32 cells, numbered row by row, and each has a token. A box costs two tokens instead of
four, and pays with precision: it comes back to within one cell, 1/32 of the side, whatever its size.

In text: `<phrase> a red cat</phrase><object><patch_index_0195><patch_index_0911></object>`; the boxes of one phrase
are separated by `</delimiter_of_multi_objects/>`.

Source: Kosmos-2, Peng et al. 2023, arXiv:2306.14824, and processing_kosmos2.py in transformers (from microsoft/unilm,
kosmos-2/demo/decode_string.py at 97e4923). Notebooks: 03, 12.
"""

import re
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gk_utils.box_tokens.bins import check_inside, check_range, read_number, sides_of
from gk_utils.box_tokens.token_ranges import TOKEN_RANGES
from gk_utils.errors import check_hw

GRID = 32
OPEN, CLOSE, BETWEEN = "<object>", "</object>", "</delimiter_of_multi_objects/>"
_OBJECT = re.compile(r"(?:<phrase>([^<]*)</phrase>)?\s*<object>(.*?)(</object>|(?=<object>|<phrase>)|$)", re.DOTALL)
_PAIR = re.compile(r"\s*<patch_index_(\d+)>\s*<patch_index_(\d+)>\s*")


def encode_cells(boxes: Float[Tensor, "*n 4"], image_hw: tuple[float, float], grid: int = GRID) -> Int[Tensor, "*n 2"]:
    """The cells of the upper left and the lower right corner of each box, row * grid + column.

    A corner on a line between cells belongs to the cell inside the box. A box without width or height takes the cell
    right of it and below it (the last one at the far border); transformers refuses such a box, and wraps corners at
    the far border, or boxes outside, into other rows.

    Raises:
        TypeError, ValueError: not boxes, or a box that leaves the picture.

    >>> encode_cells(torch.tensor([150.0, 100.0, 400.0, 350.0]), (480, 640))
    tensor([199, 755])
    """
    check_inside(boxes, image_hw)
    _check_grid(grid)
    scaled = boxes.double() * grid / sides_of(boxes, image_hw)
    first = scaled[..., :2].floor().long().clamp(0, grid - 1)  # column, row
    last = torch.maximum((scaled[..., 2:].ceil().long() - 1).clamp(0, grid - 1), first)
    return torch.stack([first[..., 1] * grid + first[..., 0], last[..., 1] * grid + last[..., 0]], dim=-1)


def decode_cells(cells: Int[Tensor, "*n 2"], image_hw: tuple[float, float], grid: int = GRID) -> Float[Tensor, "*n 4"]:
    """Pairs of cells to boxes in pixels (float32): from the centre of the first to the centre of the second.

    If both lie in one row or in one column, centres would give a box without area: then all four numbers are the outer
    edges of the two cells.

    Raises:
        ValueError: a number that is no cell, or a second cell left of or above the first.

    >>> decode_cells(torch.tensor([[195, 911], [528, 528]]), (1, 1))
    tensor([[0.1094, 0.2031, 0.4844, 0.8906],
            [0.5000, 0.5000, 0.5312, 0.5312]])
    """
    check_hw(image_hw)
    _check_grid(grid)
    check_range(cells, grid * grid, "cells")
    first, last = _column_row(cells[..., 0], grid), _column_row(cells[..., 1], grid)
    good = (first <= last).all(-1)
    if not bool(good.all()):
        row = cells[~good][0].tolist()
        raise ValueError(
            f"cells: expected the second cell right of and below the first, got {row}. Drop that pair; is it swapped?"
        )
    thin = (first == last).any(-1, keepdim=True)
    corners = torch.cat(
        [torch.where(thin, first.double(), first + 0.5), torch.where(thin, last + 1.0, last + 0.5)], dim=-1
    )
    return (corners * sides_of(cells, image_hw) / grid).float()


def render_cells(cells: Int[Tensor, "n 2"], phrase: str | None = None) -> str:
    """The boxes of one phrase as Kosmos-2 writes them; no boxes give the phrase alone.

    Raises:
        ValueError: a number that is no cell of the 32 x 32 grid.

    >>> render_cells(torch.tensor([[195, 911]]), " a cat")
    '<phrase> a cat</phrase><object><patch_index_0195><patch_index_0911></object>'
    """
    check_range(cells, GRID * GRID, "cells")
    spell = TOKEN_RANGES["kosmos2"].spell
    words = "" if phrase is None else f"<phrase>{phrase}</phrase>"
    if not len(cells):
        return words
    return words + OPEN + BETWEEN.join(spell(first) + spell(last) for first, last in cells.tolist()) + CLOSE


@dataclass(frozen=True, eq=False)
class PhraseCells:
    """One `<object>` of a text.

    Attributes:
        phrase: the words before it as written, or None where no phrase stands before it.
        cells: one row a box.
    """

    phrase: str | None
    cells: Int[Tensor, "n 2"]


def parse_cells(text: str) -> tuple[tuple[PhraseCells, ...], tuple[str, ...]]:
    """The objects in a text of Kosmos-2, in their order, and the problems.

    White space between tokens is allowed. An object with any flaw (an odd number of cells, a cell that does not exist,
    a pair in the wrong order, other text inside, no end) is dropped whole and named in the problems. A phrase without
    an object is only text. transformers drops the same ones, silently, except for pairs in the wrong order and cells
    beyond the last, which it turns into boxes.

    >>> objects, problems = parse_cells("<phrase> a cat</phrase><object><patch_index_0195><patch_index_0911></object>")
    >>> objects[0].phrase, objects[0].cells.tolist(), problems
    (' a cat', [[195, 911]], ())
    """
    objects, problems = [], []
    for phrase, inside, end in _OBJECT.findall(text):
        pairs = [_PAIR.fullmatch(piece) for piece in inside.split(BETWEEN)]
        cells = [[read_number(number) for number in pair.groups()] for pair in pairs if pair]
        if not end:
            problems.append(f"{inside!r}: no {CLOSE}")
        elif not all(pairs):
            problems.append(f"{inside!r}: expected two cells a box")
        elif max(map(max, cells)) >= GRID * GRID:
            problems.append(f"{inside!r}: the last cell is {GRID * GRID - 1}")
        elif not all(first % GRID <= last % GRID and first // GRID <= last // GRID for first, last in cells):
            problems.append(f"{inside!r}: corners in the wrong order")
        else:
            objects.append(PhraseCells(phrase or None, torch.tensor(cells)))
    return tuple(objects), tuple(problems)


def _column_row(cells: Tensor, grid: int) -> Tensor:
    return torch.stack([cells % grid, cells // grid], dim=-1)


def _check_grid(grid: int) -> None:
    if grid < 1:
        raise ValueError(f"grid: expected at least 1 cell a side, got {grid}. Kosmos-2 has {GRID}.")
