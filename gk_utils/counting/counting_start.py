"""Where all counters start: an encoder that has learned to name the cells of a picture and to place its things.

A counter learns little of what things look like from numbers alone. So the encoder is trained once, on all categories
of a picture at the same time, and every kind of counter goes on from there: what they differ in is how they count. The
categories that the exemplar counters must not know are held out here too.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from gk_utils.countertop.things import CATEGORIES
from gk_utils.counting.counting_model import Encoder
from gk_utils.counting.counting_recipe import Step, naming_loss, pictures_of, poisson_loss, true_maps
from gk_utils.counting.counting_recipe import draw as draw_step
from gk_utils.counting.counting_scenes import draw_counting_scene
from gk_utils.counting.exemplar_prompts import PromptReader
from gk_utils.counting.questions_to_count import TRAINING_SEEDS, ask, categories_of, paint

PLACES = 4.0  # most categories are absent from most pictures, and cost little
VAL_SEEDS = TRAINING_SEEDS + 2**28


class Start(nn.Module):
    """The encoder, the words that cells are named with, and a density for every category."""

    def __init__(self, width: int = 32, blocks: int = 3):
        super().__init__()
        self.encoder = Encoder(width, blocks)
        self.reader = PromptReader(width, words=True, examples=False)
        self.head = nn.Conv2d(width, len(CATEGORIES), 1)
        nn.init.constant_(self.head.bias, -5.0)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> tuple[Tensor, Tensor]:
        """Logits of the names of cells (b 15 rows columns), and densities (b 14 rows columns)."""
        features = self.encoder(images)
        return self.reader.names(features), softplus(self.head(features))


def build(settings: Mapping[str, Any]) -> Start:
    """A start with random weights.

    >>> build({"width": 8, "blocks": 1}).head.out_channels
    14
    """
    return Start(settings.get("width", 32), settings.get("blocks", 3))


def draw(settings: Mapping[str, Any], seed: int, step: int) -> Step:
    """As `counting_recipe.draw`."""
    return draw_step(settings, seed, step)


def loss(start: Start, step: Step, settings: Mapping[str, Any]) -> dict[str, Tensor]:
    """Naming the cells, and the likelihood of where the things of each category are."""
    pictures, numbers, rng = pictures_of(step, settings, next(start.parameters()).device)
    known = categories_of(settings)
    asked = ask(pictures, numbers, rng, words=True, examples=False, categories=known, vary=True, every=True)
    names, densities = start(asked.images)
    named = naming_loss(names.float(), asked.cells)
    places = poisson_loss(densities.float()[asked.prompts.picture, asked.prompts.word], true_maps(asked), asked.counts)
    return {"loss": named + PLACES * places, "named": named, "places": places}


def evaluate(start: Start, settings: Mapping[str, Any], n: int) -> dict[str, Any]:
    """Share of the cells with a thing that are named rightly, and the mean error of the counts of what is there."""
    device, known = next(start.parameters()).device, categories_of(settings)
    right = cells = off = asked_for = 0.0
    for first in range(0, n, 16):
        seeds = range(VAL_SEEDS + first, VAL_SEEDS + min(first + 16, n))
        scenes = [draw_counting_scene(seed, categories=known) for seed in seeds]
        pictures = paint(scenes, settings["image_side"], device)
        rng = np.random.default_rng(0)
        asked = ask(pictures, range(len(scenes)), rng, words=True, examples=False, categories=known, every=True)
        names, densities = start(asked.images)
        there = asked.cells >= 0
        right += float((names[:, :-1].argmax(1) == asked.cells)[there].sum())
        cells += float(there.sum())
        counted = densities.sum((2, 3))[asked.prompts.picture, asked.prompts.word]
        off += float((counted - asked.counts).abs()[asked.counts > 0].sum())
        asked_for += float((asked.counts > 0).sum())
    return {"n": n, "named": round(right / max(cells, 1), 4), "mae": round(off / max(asked_for, 1), 4)}
