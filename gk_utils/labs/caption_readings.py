"""What small CLIPs make of two captions of one scene: every number of the lab of lesson 11.

Notebook: 11.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils.charts import WIDTH
from gk_utils.contrastive.balanced_probes import STRIDE
from gk_utils.contrastive.hard_negatives import swap_attributes, swap_nouns, swap_relation
from gk_utils.contrastive.mini_clip import MiniClip
from gk_utils.contrastive.pair_claims import DIRECTIONS, claim_holds, draw_claim, read_claim
from gk_utils.contrastive.pair_scenes import draw_pair_scene, two_worlds
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.wording import words
from gk_utils.drawing import BLUE, FONT, INK, VERMILION, as_pixels, axes_at, sheet, text_width, wrap

SHOWN = 288  # pixels of the picture that is shown
SIDE_LONG = 2.0  # inches
ROW = 0.34


@dataclass(frozen=True, eq=False)
class CaptionReading:
    """Two captions of one picture, as each model scores them.

    Attributes:
        image: RGB in [0, 1].
        texts: the two captions.
        true: whether each holds in the scene; None where it is no sentence of this world or too close to call.
        unknown: words that the models do not know.
        names: of the models.
        cosines: of each model's picture vector with its two caption vectors.
        scales: what each model multiplies a cosine by.
    """

    image: Float[Tensor, "3 h w"]
    texts: tuple[str, str]
    true: tuple[bool | None, bool | None]
    unknown: tuple[str, ...]
    names: tuple[str, ...]
    cosines: Float[Tensor, "m 2"]
    scales: Float[Tensor, " m"]

    @property
    def shares(self) -> Float[Tensor, " m"]:
        """Of the first caption in a softmax over both, by each model: 0.5 if it cannot tell them apart."""
        return (self.scales[:, None] * self.cosines).softmax(1)[:, 0]

    @property
    def sentence(self) -> str:
        """Which caption each model takes, how surely, and which holds."""
        takes = [
            f"{name}: {'first' if share > 0.5 else 'second'} ({max(share, 1 - share):.0%})"
            for name, share in zip(self.names, self.shares.tolist(), strict=True)
        ]
        strange = f" Unknown words: {', '.join(self.unknown)}." if self.unknown else ""
        return f"{', '.join(takes)}. First {_word(self.true[0])}, second {_word(self.true[1])}.{strange}"

    def in_words(self) -> str:
        """For those who cannot see it: the captions, the sentence, then the cosines of each model."""
        lines = [
            f"{name}: cosines {first:.3f} and {second:.3f}"
            for name, (first, second) in zip(self.names, self.cosines.tolist(), strict=True)
        ]
        return "\n".join([f"1: {self.texts[0]}", f"2: {self.texts[1]}", self.sentence, *lines])


@torch.no_grad()
def read_captions(clips: Mapping[str, MiniClip], scene: Scene, texts: Sequence[str]) -> CaptionReading:
    """Score two captions of a scene with each model.

    Raises:
        ValueError: not two captions, one without words or with too many.

    >>> from gk_utils.contrastive.mini_clip import build_clip
    >>> from gk_utils.countertop.scene import draw_scene
    >>> clip = build_clip({"words": ["a", "mug"], "image_side": 32, "width": 32, "space": 16}).eval()
    >>> reading = read_captions({"tiny": clip}, draw_scene(0), ["a mug", "a mug"])
    >>> reading.shares, reading.sentence
    (tensor([0.5000]), 'tiny: second (50%). First undecided, second undecided.')
    """
    if len(texts) != 2:
        raise ValueError(f"texts: expected two captions, got {len(texts)}. They are compared with each other.")
    for text in texts:
        if not words(text):
            raise ValueError(f"caption: expected at least one word, got {text!r}. Say what is in the picture.")
    cosines, scales = [], []
    for clip in clips.values():
        side = clip.settings.image_side
        cosines.append(clip.similarities(render([scene], (side, side), clip.device).images, list(texts))[0].cpu())
        scales.append(clip.scale().cpu())
    known = {word for clip in clips.values() for word in clip.settings.words}
    said = dict.fromkeys(word for text in texts for word in words(text))
    claims = [read_claim(text) for text in texts]
    true = tuple(None if claim is None else claim_holds(claim, scene) for claim in claims)
    image = render([scene], (SHOWN, SHOWN)).images[0]
    unknown = tuple(word for word in said if word not in known)
    return CaptionReading(image, tuple(texts), true, unknown, tuple(clips), torch.stack(cosines), torch.stack(scales))


def caption_pairs(seed: int) -> tuple[Scene, dict[str, tuple[str, str]]]:
    """A scene of two things and pairs of captions, the first of each true: what was changed -> (true, other).

    >>> scene, pairs = caption_pairs(0)
    >>> list(pairs)
    ['relation', 'nouns', 'colours', 'no grammar', 'another thing']
    """
    while True:
        rng = np.random.default_rng([seed, 17])
        claim = draw_claim(draw_pair_scene(seed, (2, 2), stacked=0.0), rng, DIRECTIONS, coloured=1.0)
        others = (
            [next(swap(claim, rng), None) for swap in (swap_relation, swap_nouns, swap_attributes)] if claim else []
        )
        if all(others) and others:
            worlds = two_worlds(seed, claim, others[0], (2, 2))
            if worlds and claim.subject.attributes != claim.object.attributes:
                break
        seed += STRIDE
    text = claim.text()
    pairs = {name: (text, other.text()) for name, other in zip(("relation", "nouns", "colours"), others, strict=True)}
    other = next(name for name in ("kettle", "banana", "candle") if name not in text)
    pairs["no grammar"] = (text, " ".join(sorted(text.split())))
    pairs["another thing"] = (text, text.replace(claim.subject.category, other))
    return worlds[0], pairs


def draw_captions(reading: CaptionReading, caption: str = "") -> Figure:
    """The picture; beside it a bar for each model, from the middle towards the caption that it takes."""
    rows = len(reading.names)
    names = max(text_width(name) for name in reading.names) / 72 + 0.12
    left = SIDE_LONG + 0.3 + names
    wide = WIDTH - left - 1.2
    room = (WIDTH - SIDE_LONG - 0.3) * 72
    head = wrap(
        f"1 ({_word(reading.true[0])}): {reading.texts[0]}\n2 ({_word(reading.true[1])}): {reading.texts[1]}", room
    )
    above = (head.count("\n") + 1) * FONT * 1.4 / 72 + 0.1
    high = max(SIDE_LONG, above + ROW * rows + 0.5)
    figure, base = sheet(WIDTH, high, caption=caption)
    picture = axes_at(figure, 0, base + high - SIDE_LONG, SIDE_LONG, SIDE_LONG)
    picture.imshow(as_pixels(reading.image.permute(1, 2, 0)))
    picture.set_axis_off()
    top = 1 - 2 / 72 / figure.get_figheight()
    figure.text((SIDE_LONG + 0.3) / WIDTH, top, head, size=FONT, color=INK, va="top", parse_math=False)
    axes = axes_at(figure, left, base + high - above - ROW * rows, wide, ROW * rows)
    y, shares = np.arange(rows), reading.shares.numpy()
    colours = [BLUE if share > 0.5 else VERMILION for share in shares]
    axes.barh(y, 0.5 - shares, left=0.5, height=0.5, color=colours, edgecolor=INK, linewidth=0.7)
    axes.axvline(0.5, color=INK, linewidth=1)
    axes.set(xlim=(0, 1), ylim=(rows - 0.5, -0.5))
    axes.set_xticks([0, 0.5, 1], ["all for 1", "cannot tell", "all for 2"], size=FONT)
    axes.set_yticks(y, reading.names, size=FONT, color=INK)
    axes.tick_params(axis="y", length=0)
    for row, (first, second) in enumerate(reading.cosines.tolist()):
        text = f"{first:.3f}  {second:.3f}"
        axes.text(1.04, row, text, transform=axes.get_yaxis_transform(), size=FONT, color=INK, va="center")
    return figure


def _word(true: bool | None) -> str:
    return {True: "true", False: "false", None: "undecided"}[true]
