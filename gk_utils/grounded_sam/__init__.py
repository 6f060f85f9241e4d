"""Grounded SAM: phrases to boxes to masks, and what can be said with them. Notebook: 09.

`pipeline` joins any detector and any segmenter; `mini` loads the course's own two. A result (`grounded`) goes to JSON,
to a COCO file (`to_coco`) and onto a figure. `caption_links` ties the words of a caption to boxes, and `verification`
holds its claims against them.

Around the pipeline: `embedding_cache`, `halving` (out of memory), `precision`, `run_lengths`, `phrase_by_phrase` (a
grounder as a detector), `box_filler` (the baseline), `journal` (a folder of pictures, resumed after an interruption).
"""

from gk_utils.grounded_sam.box_filler import BoxFiller
from gk_utils.grounded_sam.grounded import Grounded, to_coco
from gk_utils.grounded_sam.phrase_by_phrase import PhraseByPhrase
from gk_utils.grounded_sam.pipeline import GroundedSam

__all__ = ["BoxFiller", "Grounded", "GroundedSam", "PhraseByPhrase", "to_coco"]
