"""Phrases that mean something, with their pictures and true masks, to ask pipelines and heads about the same things.

Notebook: 09.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from jaxtyping import Bool, Float, Int
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils import charts
from gk_utils.classroom import report
from gk_utils.countertop.dataset import read_split, stream
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.evaluate.measure import mean_interval
from gk_utils.grounded_sam import Grounded

SEED = 77  # of the scenes that heads learn from
TOGETHER = 8  # scenes rendered at once


@dataclass(frozen=True, eq=False)
class PhraseTrials:
    """n phrases about s pictures; phrases of one picture lie one after the other.

    Attributes:
        texts: the phrases.
        images: RGB in [0, 1].
        row: of each phrase, which picture it is about.
        truth: of each phrase the visible pixels of what it means.
    """

    texts: tuple[str, ...]
    images: Float[Tensor, "s 3 h w"]
    row: Int[Tensor, " n"]
    truth: Bool[Tensor, "n h w"]

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def asked(self) -> list[list[str]]:
        """The phrases of each picture."""
        found: list[list[str]] = [[] for _ in self.images]
        for text, row in zip(self.texts, self.row.tolist(), strict=True):
            found[row].append(text)
        return found

    def answers(self, results: Sequence[Grounded]) -> tuple[Float[Tensor, "n 4"], Bool[Tensor, "n h w"]]:
        """Of one result a picture, the best box of each phrase and its mask; a box without area where none was found.

        >>> trials = split_trials(3, side=32)
        >>> nothing = [
        ...     Grounded("", (32, 32), tuple(dict.fromkeys(asked)), torch.zeros(0, 4), (), torch.zeros(0), ())
        ...     for asked in trials.asked
        ... ]
        >>> trials.answers(nothing)[0].shape[1], int(trials.answers(nothing)[1].sum())
        (4, 0)
        """
        boxes, masks = torch.zeros(len(self), 4), torch.zeros_like(self.truth)
        for number, (text, row) in enumerate(zip(self.texts, self.row.tolist(), strict=True)):
            for best in results[row].rows_of(text)[:1]:
                boxes[number], masks[number] = results[row].boxes[best], results[row].mask(best)
        return boxes, masks

    def swapped(self) -> Bool[Tensor, "n h w"]:
        """The truth of each phrase's successor in another picture: what a control is held against.

        >>> trials = split_trials(4, side=32)
        >>> trials.swapped().shape == trials.truth.shape
        True
        """
        first = {row: number for number, row in reversed(list(enumerate(self.row.tolist())))}
        rows = list(first)
        following = dict(zip(rows, [*rows[1:], rows[0]], strict=True))
        return self.truth[[first[following[row]] for row in self.row.tolist()]]


def split_trials(n: int, side: int = 256, split: str = "val") -> PhraseTrials:
    """Those of the first n phrases of a frozen split that mean something, in pictures of `side` pixels.

    >>> len(split_trials(8, side=32)) <= 8
    True
    """
    samples = [sample for sample in read_split(split)[:n] if sample.referent is not None]
    groups: dict[tuple[Scene, int], list[tuple[str, int]]] = {}
    for sample in samples:
        groups.setdefault((sample.scene, sample.seed), []).append((sample.text, sample.referent))
    return _trials(((scene, phrases) for (scene, _), phrases in groups.items()), side)


def drawn_trials(scenes: int, each: int = 3, side: int = 128) -> PhraseTrials:
    """Fresh scenes with up to `each` phrases: of no split, to learn from.

    >>> trials = drawn_trials(2, side=32)
    >>> len(trials.images), len(trials) <= 6
    (2, True)
    """
    drawn = [
        (scene, [(said.text, said.referents[0]) for said in expressions if said.referents])
        for scene, expressions in islice(stream(SEED, n_expressions=each), scenes)
    ]
    return _trials(drawn, side)


def _trials(drawn: Iterable[tuple[Scene, list[tuple[str, int]]]], side: int) -> PhraseTrials:
    pairs, images, truth = list(drawn), [], []
    for start in range(0, len(pairs), TOGETHER):
        some = pairs[start : start + TOGETHER]
        rendered = render([scene for scene, _ in some], (side, side))
        images.append(rendered.images)
        truth += [rendered.masks[row, [meant for _, meant in phrases]] for row, (_, phrases) in enumerate(some)]
    texts = tuple(text for _, phrases in pairs for text, _ in phrases)
    row = torch.tensor([number for number, (_, phrases) in enumerate(pairs) for _ in phrases], dtype=torch.long)
    return PhraseTrials(texts, torch.cat(images), row, torch.cat(truth))


def mask_ious(first: Bool[Tensor, "n h w"], second: Bool[Tensor, "n h w"]) -> Float[Tensor, " n"]:
    """IoU of masks, pair by pair; 0 where both are empty.

    >>> masks = torch.tensor([[[True, True]], [[False, False]]])
    >>> mask_ious(masks, torch.tensor([[[True, False]], [[False, False]]])).tolist()
    [0.5, 0.0]
    """
    both, either = (first & second).sum((1, 2)), (first | second).sum((1, 2))
    return both / either.clamp(min=1)


def report_bars(scores: Mapping[str, Float[Tensor, " _"]], picture: Int[Tensor, " _"], xlabel: str) -> Figure:
    """Print the mean of each row of scores with its interval over pictures, and draw them as bars.

    >>> figure = report_bars({"one": torch.tensor([0.5, 0.5])}, torch.tensor([0, 1]), "IoU")
    one: 0.500 [0.500, 0.500]
    """
    bars = {}
    for name, values in scores.items():
        interval = mean_interval(values, picture)
        report(name, **interval)
        bars[name] = tuple(interval.values())
    return charts.bars(bars, xlabel=xlabel)
