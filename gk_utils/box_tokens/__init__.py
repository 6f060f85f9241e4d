"""Box tokens: a box written as a few words of a vocabulary, so that a language model can say where.

`bins` quantises a coordinate and states the error to the pixel. On it stand three codecs: `locations` spends four
tokens on a box (OFA, PaliGemma, Florence-2), `cell_pairs` two patches of a grid (Kosmos-2), `object_sequence` writes
all objects of a picture as one sequence with their classes (Pix2Seq). `token_ranges` says which ids these tokens have
in the published vocabularies, and `iou_ceiling` measures what a codec costs boxes of each size. `token_head` and
`detector` are small models that write such tokens: one box for an expression, and all objects of a picture.

Every codec takes boxes in pixels of the picture and gives them back in pixels. What does not fit is an error (a box
that leaves the picture, NaN, corners the wrong way round); what a model wrote may be malformed, so the readers of text
and sequences drop the broken part and say so.

Notebook: 03.
"""

from gk_utils.box_tokens.bins import Bins, are_boxes, decode_bins, encode_bins
from gk_utils.box_tokens.cell_pairs import decode_cells, encode_cells, parse_cells, render_cells
from gk_utils.box_tokens.iou_ceiling import iou_ceiling
from gk_utils.box_tokens.locations import (
    FLORENCE2,
    OFA,
    PALIGEMMA,
    decode_locations,
    encode_locations,
    parse_locations,
    render_locations,
)
from gk_utils.box_tokens.object_sequence import Pix2SeqVocabulary, decode_pix2seq, encode_pix2seq, make_targets
from gk_utils.box_tokens.token_ranges import TOKEN_RANGES, decode_ids, encode_ids

__all__ = [
    "FLORENCE2",
    "OFA",
    "PALIGEMMA",
    "TOKEN_RANGES",
    "Bins",
    "Pix2SeqVocabulary",
    "are_boxes",
    "decode_bins",
    "decode_cells",
    "decode_ids",
    "decode_locations",
    "decode_pix2seq",
    "encode_bins",
    "encode_cells",
    "encode_ids",
    "encode_locations",
    "encode_pix2seq",
    "iou_ceiling",
    "make_targets",
    "parse_cells",
    "parse_locations",
    "render_cells",
    "render_locations",
]
