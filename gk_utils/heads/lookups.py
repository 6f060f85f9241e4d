"""What a head on a trunk is given, and what it gives back.

A trunk that is frozen says the same of a picture every time, so its features can be computed once and kept: a head then
trains in a fraction of the time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from gk_utils.boxes import clip_boxes
from gk_utils.countertop.dataset import rendered_batches
from gk_utils.countertop.render import render
from gk_utils.countertop.splits import Sample
from gk_utils.models.places import place_encoding
from gk_utils.models.trunk import PADDING, Trunk
from gk_utils.models.trunk_recipe import LEAST_VISIBLE, Drawn


@dataclass(frozen=True, eq=False)
class Lookups:
    """What heads are asked: e expressions, each of its own picture with p patches, and what is true.

    Attributes:
        features: (e p+t d) of the patches, then of t words, after the trunk's joint layers; to those of the patches is
            added where they lie.
        words_seen: (e t) which words are no padding.
        boxes_unit: (e 4) the true box, xyxy as fractions of the picture; 0 where nothing is meant.
        present: (e) whether the expression means something that can be seen.
        none: (e) the trunk's share of "there is no such thing".
    """

    features: Float[Tensor, "e n d"]
    words_seen: Bool[Tensor, "e t"]
    boxes_unit: Float[Tensor, "e 4"]
    present: Bool[Tensor, " e"]
    none: Float[Tensor, " e"]

    @property
    def seen(self) -> Bool[Tensor, "e n"]:
        """Which features are no padding: all patches, and the words of the expression."""
        p = self.features.shape[1] - self.words_seen.shape[1]
        return torch.cat([self.words_seen.new_ones(len(self.features), p), self.words_seen], 1)

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: slice | Tensor) -> "Lookups":
        """Some of the expressions."""
        return Lookups(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True, eq=False)
class Answered:
    """What a head answers to e expressions.

    Attributes:
        boxes: (e 4) xyxy in pixels, inside the picture; 0 where the answer cannot be read.
        readable: (e) whether it is a box.
        tokens: (e) how many tokens were written for it; 0 for a head that writes none.
        texts: what was written; None for a head that writes no text.
    """

    boxes: Float[Tensor, "e 4"]
    readable: Bool[Tensor, " e"]
    tokens: Int[Tensor, " e"]
    texts: tuple[str, ...] | None = None


def lookups_of(trunk: Trunk, drawn: Drawn) -> Lookups:
    """Fresh scenes, as `trunk_recipe.draw` draws them, through a trunk. Gradients flow into one that is not frozen.

    An expression whose referent is hidden for the most part counts as absent: it cannot be answered.

    >>> from gk_utils.models.trunk_grounder import frozen_trunk
    >>> from gk_utils.models.trunk_recipe import draw
    >>> lookups = lookups_of(frozen_trunk(), draw({"scenes": 2, "expressions": 3}, seed=0, step=0))
    >>> len(lookups), lookups.features.shape[2], lookups.boxes_unit.shape
    (6, 128, torch.Size([6, 4]))
    """
    side, device = trunk.settings.image_side, trunk.centres_unit.device
    with torch.autocast(device.type, enabled=False):
        rendered = render(drawn.scenes, (side, side), device)
    scene, answer = drawn.scene.to(device), drawn.answer.to(device)
    shows = rendered.masks.flatten(2).sum(-1) > LEAST_VISIBLE * rendered.masks_full.flatten(2).sum(-1)
    present = (answer & shows[scene]).any(1)
    if answer.shape[1]:
        boxes = rendered.boxes[scene, answer.long().argmax(1)] * present[:, None]
    else:
        boxes = rendered.images.new_zeros(len(scene), 4)
    return _look(trunk, rendered.images, drawn.texts, scene, (boxes / side, present))


@torch.no_grad()
def sample_lookups(trunk: Trunk, samples: Sequence[Sample]) -> Lookups:
    """Samples of a frozen split through a trunk, in their order.

    Raises:
        ValueError: no samples.

    >>> from gk_utils.countertop.dataset import read_split
    >>> from gk_utils.models.trunk_grounder import frozen_trunk
    >>> lookups = sample_lookups(frozen_trunk(), read_split("val")[:5])
    >>> lookups.present.tolist() == [sample.referent is not None for sample in read_split("val")[:5]]
    True
    """
    if not samples:
        raise ValueError("samples: expected at least one, got none. Take some of read_split('val').")
    side, device = trunk.settings.image_side, trunk.centres_unit.device
    parts = []
    for batch in rendered_batches(samples, 64, (side, side), device):
        texts, rows = [sample.text for sample in batch.samples], torch.arange(len(batch.samples), device=device)
        parts.append(_look(trunk, batch.images, texts, rows, (batch.boxes / side, batch.present)))
    return join_lookups(parts)


def join_lookups(parts: Sequence[Lookups]) -> Lookups:
    """One after the other; words are padded to the longest expression.

    >>> from gk_utils.countertop.dataset import read_split
    >>> from gk_utils.models.trunk_grounder import frozen_trunk
    >>> first, second = (sample_lookups(frozen_trunk(), [sample]) for sample in read_split("val")[:2])
    >>> len(join_lookups([first, second]))
    2
    """
    t = max(part.words_seen.shape[1] for part in parts)
    padded = []
    for part in parts:
        more = t - part.words_seen.shape[1]
        features = functional.pad(part.features, (0, 0, 0, more))
        words_seen = functional.pad(part.words_seen, (0, more))
        padded.append(Lookups(features, words_seen, part.boxes_unit, part.present, part.none))
    return Lookups(*(torch.cat([getattr(part, field.name) for part in padded]) for field in fields(Lookups)))


def look(trunk: Trunk, images: Float[Tensor, "s 3 h w"], texts: Sequence[str], scene: Int[Tensor, " e"]) -> Lookups:
    """Pictures and expressions of which nothing is known: `boxes_unit` is 0 and `present` False.

    >>> from gk_utils.models.trunk_grounder import frozen_trunk
    >>> look(frozen_trunk(), torch.rand(1, 3, 128, 128), ["the red mug"], torch.tensor([0])).none.shape
    torch.Size([1])
    """
    unknown = (images.new_zeros(len(texts), 4), torch.zeros(len(texts), dtype=torch.bool, device=images.device))
    return _look(trunk, images, texts, scene, unknown)


def _look(trunk: Trunk, images: Tensor, texts: Sequence[str], scene: Tensor, truth: tuple[Tensor, Tensor]) -> Lookups:
    numbers = trunk.number(texts)
    patches = trunk.see(images).features[scene]
    joint = trunk.join(patches, numbers)[0]
    p, width = patches.shape[1:]
    none = trunk.score(joint, p).softmax(1)[:, -1]
    places = functional.pad(place_encoding(trunk.centres_unit, width), (0, 0, 0, numbers.shape[1]))
    return Lookups(joint + places, numbers != PADDING, clip_boxes(truth[0], (1.0, 1.0)), truth[1], none)
