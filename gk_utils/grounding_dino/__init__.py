"""Grounding DINO: a detector that is told in words what to find. Notebook: 07.

`dino` is the model from the top, around an image backbone and a text encoder handed to it (`dino_settings` says
what they must offer). `published_dino` puts transformers' Swin and BERT around it and loads their weights; `mini_dino`
is the course's own small one with backbones of its own, `grounding_recipe` how it is trained.

Its parts, in the order of the data: `prompts`, `pyramid`, `enhancer` (with `dino_attention`), `query_selection`,
`cross_decoder`, `phrases`; in training also `denoising` and `set_loss`.

`deformable_attention` is how its layers read a pyramid of feature maps: each query at a few places of its own choice.
`deformable_attention_loop` and `deformable_attention_grid_sample` say the same to be read.
"""

from gk_utils.grounding_dino.deformable_attention import (
    deformable_attention,
    deformable_attention_grid_sample,
    deformable_attention_loop,
)
from gk_utils.grounding_dino.dino import Found, GroundingDino
from gk_utils.grounding_dino.dino_settings import GroundingDinoSettings
from gk_utils.grounding_dino.mini_dino import MiniGroundingDino, build_mini, load_mini
from gk_utils.grounding_dino.phrases import best_phrases, read_phrases
from gk_utils.grounding_dino.prompts import phrase_tokens, sub_sentences, write_prompt
from gk_utils.grounding_dino.published_dino import of_transformers

__all__ = [
    "Found",
    "GroundingDino",
    "GroundingDinoSettings",
    "MiniGroundingDino",
    "best_phrases",
    "build_mini",
    "deformable_attention",
    "deformable_attention_grid_sample",
    "deformable_attention_loop",
    "load_mini",
    "of_transformers",
    "phrase_tokens",
    "read_phrases",
    "sub_sentences",
    "write_prompt",
]
