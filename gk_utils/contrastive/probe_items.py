"""Probes of what a picture-caption model understands: a picture, some captions, one of them true.

A scorer says how well each caption fits its picture; it is right where the true one scores highest. Where k captions
share the highest score and the true one is among them, it is right to 1 / k: a scorer that cannot tell captions apart
is at chance exactly, whatever the order they come in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.contrastive.mini_clip import MiniClip
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene

# n scenes and k captions for each -> (n k) scores, the higher the better the caption fits.
Scorer = Callable[[Sequence[Scene], Sequence[Sequence[str]]], Float[Tensor, "n k"]]
BATCH = 64


@dataclass(frozen=True)
class ProbeItem:
    """One question of a probe.

    Attributes:
        scene: what the picture shows.
        texts: the captions, the true one first.
        kind: what was done to the false ones.
        group: items of one number share captions or pictures, and are resampled together.
    """

    scene: Scene
    texts: tuple[str, ...]
    kind: str
    group: int


@dataclass(frozen=True)
class Probe:
    """Questions with equally many captions each.

    Raises:
        ValueError: no question, or questions with unlike numbers of captions.
    """

    name: str
    items: tuple[ProbeItem, ...]

    def __post_init__(self) -> None:
        counts = {len(item.texts) for item in self.items}
        if len(counts) != 1:
            raise ValueError(f"items: expected one number of captions, got {sorted(counts)}. Make two probes of them.")

    @property
    def chance(self) -> float:
        """What a scorer gets that knows nothing: one over the number of captions."""
        return 1 / len(self.items[0].texts)


@dataclass(frozen=True, eq=False)
class Probed:
    """What a scorer made of a probe.

    Attributes:
        right: (n) 1 where the true caption scored highest, 1 / k where k share the highest score, 0 elsewhere.
        chance: of the probe.
        probe: the probe.
    """

    right: Float[Tensor, " n"]
    chance: float
    probe: Probe

    @property
    def accuracy(self) -> float:
        """The mean over the items."""
        return self.right.mean().item()

    @property
    def by_kind(self) -> dict[str, float]:
        """The mean over the items of each kind."""
        kinds = [item.kind for item in self.probe.items]
        rows = {kind: torch.tensor([other == kind for other in kinds]) for kind in dict.fromkeys(kinds)}
        return {kind: self.right[mine].mean().item() for kind, mine in rows.items()}

    @property
    def groups(self) -> Tensor:
        """(n) the group of each item."""
        return torch.tensor([item.group for item in self.probe.items])


def measure_probe(probe: Probe, scorer: Scorer) -> Probed:
    """Put a probe to a scorer.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> probe = Probe("lengths", (ProbeItem(draw_scene(0), ("a cat", "cat a mat"), "any", 0),))
    >>> measure_probe(probe, lambda scenes, texts: torch.tensor([[float(len(text)) for text in texts[0]]])).accuracy
    0.0
    """
    scores = scorer([item.scene for item in probe.items], [item.texts for item in probe.items])
    best = scores == scores.max(1, keepdim=True).values
    return Probed((best[:, 0] / best.sum(1)).double(), probe.chance, probe)


class ClipScorer:
    """A small CLIP as a scorer: cosines of the rendered scene with each caption. Scenes and captions are seen once.

    >>> from gk_utils.contrastive.mini_clip import build_clip
    >>> from gk_utils.countertop.scene import draw_scene
    >>> clip = build_clip({"words": ["mug"], "image_side": 32, "width": 32, "space": 16})
    >>> ClipScorer(clip)([draw_scene(0), draw_scene(1)], [["a mug", "a cat", "mug"]] * 2).shape
    torch.Size([2, 3])
    """

    def __init__(self, clip: MiniClip, patches: dict[tuple[str, Scene], Tensor] | None = None) -> None:
        """Score with this model; scorers that share a dict of `patches` ask a frozen trunk once about a scene."""
        self.clip, self.patches = clip.eval(), patches

    def __call__(self, scenes: Sequence[Scene], texts: Sequence[Sequence[str]]) -> Float[Tensor, "n k"]:
        """The cosines, (n k)."""
        seen = self.see(scenes)
        numbers = {text: number for number, text in enumerate(dict.fromkeys(text for row in texts for text in row))}
        read = self.read(list(numbers))
        rows = torch.tensor([[numbers[text] for text in row] for row in texts])
        return (seen[:, None] * read[rows]).sum(-1)

    @torch.no_grad()
    def see(self, scenes: Sequence[Scene]) -> Float[Tensor, "n d"]:
        """The vectors of the pictures of scenes, on the CPU."""
        unlike = {scene: number for number, scene in enumerate(dict.fromkeys(scenes))}
        order, parts = list(unlike), []
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]
            parts.append(self.clip.pool(self._patches(some)).expand(len(some), -1).cpu())
        return torch.cat(parts)[[unlike[scene] for scene in scenes]]

    def _patches(self, scenes: list[Scene]) -> Float[Tensor, "_ p c"]:
        """What the model's `patches` makes of scenes; those of a frozen trunk are kept in half precision."""
        clip, sizes = self.clip, self.clip.settings
        side = (sizes.image_side, sizes.image_side)
        if self.patches is None or not sizes.trunk or sizes.blind:
            return clip.patches(render(scenes[:1] if sizes.blind else scenes, side, clip.device).images)
        new = [scene for scene in scenes if (sizes.trunk, scene) not in self.patches]
        if new:
            found = clip.patches(render(new, side, clip.device).images).half().cpu()
            self.patches.update(zip([(sizes.trunk, scene) for scene in new], found, strict=True))
        return torch.stack([self.patches[sizes.trunk, scene] for scene in scenes]).float().to(clip.device)

    @torch.no_grad()
    def read(self, texts: Sequence[str]) -> Float[Tensor, "n d"]:
        """The vectors of captions, on the CPU."""
        starts = range(0, len(texts), BATCH)
        parts = [self.clip.read(self.clip.number(texts[start : start + BATCH])).cpu() for start in starts]
        return torch.cat(parts)
