"""Segment Anything: a model that cuts out what a click, a box or a mask points at. Notebook: 08.

`sam` is the model from the top: `image_encoder` (with `windows`), `prompt_encoder`, `mask_decoder` (with `two_way`);
`sam_settings` has its sizes. `published_sam` loads transformers' weights. `mini_sam` puts the course's own small one
behind the protocol `Segmenter`.

How that is trained: `readings` are what a click on the countertop can mean, `clicks` the prompts, `mask_losses` the
losses, `sam_recipe` the rounds of prompting; `sam_measure` asks a model for everything in a frozen split.
"""

from gk_utils.segment_anything.mask_decoder import Decoded
from gk_utils.segment_anything.mini_sam import MiniSegmenter, build_sam, load_mini
from gk_utils.segment_anything.prompt_encoder import with_corners
from gk_utils.segment_anything.published_sam import of_transformers
from gk_utils.segment_anything.readings import Reading, all_readings, reading_masks, readings_of
from gk_utils.segment_anything.sam import SegmentAnything
from gk_utils.segment_anything.sam_settings import SegmentAnythingSettings
from gk_utils.segment_anything.windows import join_windows, relative_bias, relative_bias_loop, split_windows

__all__ = [
    "Decoded",
    "MiniSegmenter",
    "Reading",
    "SegmentAnything",
    "SegmentAnythingSettings",
    "all_readings",
    "build_sam",
    "join_windows",
    "load_mini",
    "of_transformers",
    "reading_masks",
    "readings_of",
    "relative_bias",
    "relative_bias_loop",
    "split_windows",
    "with_corners",
]
