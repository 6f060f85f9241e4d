"""Recipes as data: what `training.train` needs to know to train one of the mini models."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gk_utils.countertop.wording import vocabulary


@dataclass(frozen=True)
class Recipe:
    """How a module is trained: everything but the machine and the time.

    Attributes:
        name: of the recipe, of its folder of runs and of its checkpoint.
        task: import path of the module with the four functions.
        settings: handed to these functions, JSON.
        steps: of the optimiser, when a run is given neither steps nor minutes.
        learning_rate: at its peak.
        warmup: steps of linear warm-up; a tenth of the run if that is shorter.
        weight_decay: of AdamW, on matrices called "weight"; not on biases, norms, embeddings and bare parameters.
        ema: decay of the weights' moving average per step; less at first, (1 + step) / (10 + step).
        clip: largest norm of the gradient.
        seed: of weights and samples.
        examples: how many the final evaluation looks at; fewer if `minutes` leave no time for them.
    """

    name: str
    task: str
    settings: Mapping[str, Any]
    steps: int
    learning_rate: float
    warmup: int = 200
    weight_decay: float = 0.05
    ema: float = 0.999
    clip: float = 1.0
    seed: int = 0
    examples: int = 2000

    def as_json(self) -> dict[str, Any]:
        """The recipe as it looks after JSON: tuples are lists, keys are text."""
        return json.loads(json.dumps(asdict(self)))


_TRUNK = {
    "words": vocabulary(),
    "image_side": 128,
    "vision_layers": 2,
    "text_layers": 1,
    "joint_layers": 4,
    "expressions": 8,
}
_LOOKUPS = {"trunk": "trunk_small", "scenes": 16, "expressions": 8}  # what heads on a trunk are asked
# The steps make the three heads equal in compute: steps x heads.recipe.flops_per_expression (tests/test_recipe.py).
_HEADS = (
    ("box_tokens", {"head": "tokens", "bins": 256, "layers": 1}, 9_000, 2e-3),
    ("box_regression", {"head": "query", "layers": 2}, 13_400, 2e-3),
    ("text_coordinates", {"head": "text", "layers": 1}, 5_950, 2e-3),
    ("box_regression_pooled", {"head": "pooled"}, 9_000, 1e-3),
)
_LARGE = {"box_tokens": 9_000, "box_regression": 12_700, "text_coordinates": 7_520}  # steps on the trunk, for a GPU
_CLIP = {
    **{"words": (*vocabulary(), "a", "an", "below", "under"), "image_side": 64, "patch": 8, "width": 128, "heads": 4},
    **{"vision_layers": 2, "text_layers": 2, "space": 128, "batch": 256, "pool": 200, "things": [2, 3]},
}
_CLIP_SMALL = {  # what a CPU can train: the picture tower begins with the frozen patches of trunk_small
    **{**_CLIP, "image_side": 128, "patch": 16, "vision_layers": 1, "width": 64},
    **{"batch": 128, "pool": 160, "trunk": "trunk_small", "merge": 2},
}
_CLIPS = {  # the setting that each differs in
    "clip": {},
    "clip_wide": {"width": 192, "heads": 6},
    "negclip": {"negatives": 2},
    "clip_layout": {"layout": True},
    "clip_text_only": {"negatives": 2, "blind": True},
}
_FERRET = {"trunk": "trunk", "width": 96, "heads": 4, "layers": 2, "sampler_width": 64, "scenes": 12, "regions": 8}
_FERRETS = (  # what stands for a region; steps make the readers of one resolution equal in compute, 37 MFLOP x 800
    ("ferret", {"reference": "hybrid"}, 800),
    ("ferret_coordinates", {"reference": "coordinates"}, 1280),
    ("ferret_roi", {"reference": "roi"}, 1090),
    ("ferret_pooled", {"reference": "pooled"}, 1110),
    ("ferret_sampler", {"reference": "sampler"}, 980),
    ("ferret_v2", {"reference": "hybrid", "tiles": True}, 800),
)
_TALK = {  # of an exchange of the dialogue model: how often each task comes up
    **{"rec": 4.0, "reg": 1.0, "region": 1.5, "point": 2.0, "truth": 1.5, "caption": 0.3, "talk": 0.5}
}
_COUNT = "gk_utils.counting.counting_"
_CROWDS = {"priors": {"apple": 3}, "image_side": 256, "width": 96, "blocks": 6, "scenes": 32}
_CROWDS_SMALL = {**_CROWDS, "image_side": 128, "width": 32, "blocks": 3, "scenes": 16, "pool": 3000}
_HELD = {"held_out": ["banana", "bird", "book", "candle"]}  # what counters that are shown examples never see
_COUNTERS = [{"kind": kind} for kind in ("pooled", "pooled_sum", "set", "density")]
_COUNTERS += [{"kind": kind, **_HELD} for kind in ("exemplar", "text_exemplar", "text_blind")]
RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "trunk",
            task="gk_utils.models.trunk_recipe",
            settings={**_TRUNK, "patch": 8, "width": 192, "heads": 6, "growth": 2, "scenes": 96},
            steps=20_000,
            learning_rate=1.5e-3,
        ),
        Recipe(  # what two CPU cores can train: a quarter of the patches
            "trunk_small",
            task="gk_utils.models.trunk_recipe",
            settings={**_TRUNK, "patch": 16, "width": 128, "heads": 4, "growth": 2, "scenes": 16},
            steps=8_000,
            learning_rate=1.5e-3,
        ),
        *(
            Recipe(name, "gk_utils.heads.recipe", {**_LOOKUPS, **settings, "pool": 1200}, steps, rate)
            for name, settings, steps, rate in _HEADS
        ),
        *(
            Recipe(
                f"{name}_large",
                "gk_utils.heads.recipe",
                {**_LOOKUPS, **settings, "trunk": "trunk", "pool": 1200},
                _LARGE[name],
                rate,
            )
            for name, settings, _, rate in _HEADS[:3]
        ),
        *(  # the trunk learns with the head: fresh scenes, a quarter of the steps at a third of the rate
            Recipe(
                f"{name}_tuned",
                "gk_utils.heads.recipe",
                {**_LOOKUPS, **settings, "trunk": "trunk", "tune": True},
                _LARGE[name] // 4,
                rate / 3,
            )
            for name, settings, _, rate in _HEADS[:3]
        ),
        Recipe(
            "pix2seq",
            task="gk_utils.box_tokens.detector_recipe",
            settings={
                **{"trunk": "trunk_small", "bins": 128, "objects": 12, "width": 128, "heads": 4, "layers": 2},
                **{"inner": 256, "scenes": 24, "orders": 2, "pool": 600},
            },
            steps=10_000,
            learning_rate=2e-3,
            examples=806,  # pictures of val, all of them
        ),
        Recipe(
            "grounding_dino",
            task="gk_utils.grounding_dino.grounding_recipe",
            settings={
                **{"words": vocabulary(), "image_side": 128, "width": 128, "heads": 4, "inner": 512},
                **{"vision_layers": 2, "text_layers": 1, "enhancer_layers": 4, "decoder_layers": 3, "queries": 30},
                **{"denoising_groups": 2, "scenes": 128, "expressions": 9},
            },
            steps=6_000,
            learning_rate=1e-3,
            warmup=300,
        ),
        Recipe(  # what one CPU core can train: features from the frozen trunk, a quarter of the cells
            "grounding_dino_small",
            task="gk_utils.grounding_dino.grounding_recipe",
            settings={
                **{"words": vocabulary(), "image_side": 128, "width": 96, "heads": 4, "inner": 192},
                **{"trunk": "trunk", "finest": 16, "text_layers": 1, "enhancer_layers": 4, "decoder_layers": 2},
                **{"levels": 3, "queries": 20, "denoising_groups": 1, "scenes": 6, "expressions": 9},
            },
            steps=5_500,
            learning_rate=1e-3,
            warmup=300,
        ),
        Recipe(
            "segment_anything",
            task="gk_utils.segment_anything.sam_recipe",
            settings={
                **{"image_side": 256, "patch": 8, "width": 128, "layers": 8, "heads": 4, "inner": 448, "window": 8},
                **{"global_layers": [1, 3, 5, 7], "out_width": 128, "decoder_heads": 4, "decoder_inner": 256},
                **{"iou_inner": 128, "scenes": 32, "prompts": 12, "rounds": 3},
            },
            steps=8_000,
            learning_rate=1e-3,
            warmup=300,
        ),
        Recipe(  # what one CPU core can train: half the side, half the width, the same pictures again and again
            "segment_anything_small",
            task="gk_utils.segment_anything.sam_recipe",
            settings={
                **{"image_side": 128, "patch": 8, "width": 96, "layers": 6, "heads": 4, "inner": 192, "window": 8},
                **{"global_layers": [2, 5], "out_width": 64, "decoder_heads": 2, "decoder_inner": 128},
                **{"iou_inner": 64, "scenes": 8, "prompts": 6, "rounds": 2, "pool": 400},
            },
            steps=7_000,  # an hour on one core
            learning_rate=1.5e-3,
            warmup=100,
            ema=0.998,
        ),
        Recipe(
            "kosmos2",
            task="gk_utils.kosmos2.kosmos_recipe",
            settings={
                **{"trunk": "trunk", "width": 256, "heads": 8, "layers": 6, "inner": 768},
                **{"scenes": 64, "captions": 3, "questions": 6, "phrases": 3},
            },
            steps=12_000,
            learning_rate=1e-3,
            warmup=300,
            examples=806,  # pictures of val, all of them
        ),
        Recipe(  # what one CPU core can train: narrower, the same scenes again and again with fresh words
            "kosmos2_small",
            task="gk_utils.kosmos2.kosmos_recipe",
            settings={
                **{"trunk": "trunk", "width": 128, "heads": 4, "layers": 4, "inner": 256},
                **{"scenes": 4, "captions": 2, "questions": 5, "phrases": 2, "pool": 320},
            },
            steps=5_000,
            learning_rate=2e-3,
            warmup=100,
            ema=0.998,
            examples=300,
        ),
        Recipe(
            "shikra",
            task="gk_utils.shikra.shikra_recipe",
            settings={
                **{"trunk": "trunk", "patches": 96, "width": 256, "heads": 8, "layers": 6, "inner": 768},
                **{"batch": 64, "length": 320, "sum_up": True, "tasks": _TALK},
            },
            steps=12_000,
            learning_rate=1e-3,
            warmup=300,
        ),
        Recipe(  # what one CPU core can train: half the patches, the same pictures again and again with fresh words
            "shikra_small",
            task="gk_utils.shikra.shikra_recipe",
            settings={
                **{"trunk": "trunk", "patches": 40, "width": 128, "heads": 4, "layers": 4, "inner": 256},
                **{"batch": 8, "length": 100, "pool": 400, "sum_up": True},
                "tasks": {**_TALK, "truth": 1.0, "caption": 0.15, "talk": 0.3},
            },
            steps=12_000,
            learning_rate=1e-3,
            warmup=100,
            ema=0.998,
            examples=400,
        ),
        *(
            Recipe(name, "gk_utils.contrastive.clip_recipe", {**_CLIP, **own}, 8_000, 2e-3, examples=1000)
            for name, own in _CLIPS.items()
        ),
        *(
            Recipe(
                f"{name}_small",
                "gk_utils.contrastive.clip_recipe",
                {**_CLIP_SMALL, **own, **({"width": 128, "heads": 4} if name == "clip_wide" else {})},
                2_000,
                5e-3,
                warmup=50,
                ema=0.99,
                examples=1000,
            )
            for name, own in _CLIPS.items()
        ),
        *(
            Recipe(
                name,
                "gk_utils.ferret.ferret_recipe",
                {**_FERRET, **own, "width": 192, "layers": 3, "scenes": 32, "pool": 200},
                8 * steps,
                1e-3,
                examples=300,
            )
            for name, own, steps in _FERRETS
        ),
        *(  # what one CPU core can train: a sampler of a quarter of the published size, few pictures
            Recipe(
                f"{name}_small",
                "gk_utils.ferret.ferret_recipe",
                {**_FERRET, **own, "points": 256, "kept": [64, 16], "neighbours": [16, 16], "pool": 100},
                steps,
                2e-3,
                warmup=50,
                ema=0.99,
                examples=64,
            )
            for name, own, steps in _FERRETS
        ),
        *(Recipe(f"counting_{own['kind']}", f"{_COUNT}recipe", {**_CROWDS, **own}, 12_000, 2e-3) for own in _COUNTERS),
        Recipe(
            "counting_start_small", f"{_COUNT}start", {**_CROWDS_SMALL, **_HELD}, 4_500, 3e-3, ema=0.998, examples=300
        ),
        *(
            Recipe(f"counting_{own['kind']}_small", f"{_COUNT}recipe", settings, 1_000, 2e-3, ema=0.99, examples=300)
            for own in _COUNTERS
            for settings in ({**_CROWDS_SMALL, **own, "start": "counting_start_small"},)
        ),
    )
}
