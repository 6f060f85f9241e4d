"""What lesson 16 measures with: scenes with a given number of things, as counters are asked about them.

Notebook: 16.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.counting.countable_words import plural_of
from gk_utils.counting.counters import Counted, Counter
from gk_utils.counting.counting_scenes import CountingScene, draw_counting_scene, render_counting
from gk_utils.counting.questions_to_count import some_of

START = 2**41 + 2**20  # seeds behind those of training, of val, and of the live training
AT_ONCE = 8  # scenes painted together


@dataclass(frozen=True, eq=False)
class Trials:
    """Painted scenes, and what is asked about each.

    Attributes:
        images: RGB in [0, 1].
        phrases: what is to be counted, in words; exemplars: 1 to 3 boxes around such things, in pixels.
        boxes: all of them; counts: how many there are.
    """

    scenes: tuple[CountingScene, ...]
    images: Float[Tensor, "s 3 h w"]
    phrases: tuple[str, ...]
    exemplars: tuple[Float[Tensor, "_ 4"], ...]
    boxes: tuple[Float[Tensor, "_ 4"], ...]

    @property
    def counts(self) -> Float[Tensor, " s"]:
        """The truth."""
        return torch.tensor([float(len(boxes)) for boxes in self.boxes])

    @property
    def picture(self) -> Tensor:
        """A number for each picture, as intervals need it."""
        return torch.arange(len(self.scenes))


def draw_trials(numbers: Sequence[int], *, start: int = START, side: int = 128, **options: Any) -> Trials:
    """A scene for each of these numbers of things, painted and asked about.

    Args:
        numbers: how many things each has.
        start: seed of the first.
        side: of the pictures, in pixels; the same scenes at any size.
        options: as `draw_counting_scene` takes them.

    >>> draw_trials([2, 5], side=64, category="mug").counts.tolist()
    [2.0, 5.0]
    """
    scenes = [draw_counting_scene(start + row, n=number, **options) for row, number in enumerate(numbers)]
    return ask_about(scenes, [scene.category for scene in scenes], side=side)


def ask_about(scenes: Sequence[CountingScene], categories: Sequence[str], *, side: int = 128) -> Trials:
    """These scenes, painted, and asked for a category each: another than what they were drawn for, if one wants.

    >>> scene = draw_counting_scene(0, n=4, category="mug", categories=("mug", "cat"), clutter=0.5)
    >>> ask_about([scene], ["cat"], side=64).counts.tolist()
    [2.0]
    """
    images, boxes, shown = [], [], []
    for first in range(0, len(scenes), AT_ONCE):
        some = scenes[first : first + AT_ONCE]
        painted = render_counting(some, (side, side))
        images.append(painted.images)
        for row, scene in enumerate(some):
            found = painted.boxes[row, list(scene.select(categories[first + row]))]
            boxes.append(found)
            shown.append(some_of(found, np.random.default_rng([scene.seed, 31])))
    phrases = tuple(plural_of(category) for category in categories)
    return Trials(tuple(scenes), torch.cat(images), phrases, tuple(shown), tuple(boxes))


def draw_pairs(n: int, kinds: Sequence[str], *, start: int = START + 9000) -> tuple[list[Trials], list[Trials]]:
    """Pairs of questions of one sum: two pictures with 7 of one kind alone, and one picture with two kinds.

    In the second, 5 are of the first kind asked for, and 10 of the other.

    >>> alone, mixed = draw_pairs(1, ("mug", "cat", "bottle", "kettle"))
    >>> alone[0].counts.tolist(), mixed[0].counts.tolist(), mixed[0].phrases
    ([7.0, 7.0], [5.0, 10.0], ('mugs', 'bottles'))
    """
    alone, mixed = [], []
    for row in range(n):
        pair = (kinds[row % len(kinds)], kinds[(row + len(kinds) // 2) % len(kinds)])
        seed = start + 2 * row
        single = [draw_counting_scene(seed + k, n=7, category=one, clutter=0.0) for k, one in enumerate(pair)]
        scene = draw_counting_scene(seed, n=5, category=pair[0], categories=pair, clutter=2.0)
        alone.append(ask_about(single, pair))
        mixed.append(ask_about([scene, scene], pair))
    return alone, mixed


def count_all(counter: Counter, trials: Trials, **options: Any) -> list[Counted]:
    """What a counter says of each picture; it is told the phrases and shown the exemplars, and reads what it reads."""
    return counter.count(trials.images, trials.phrases, trials.exemplars, **options)


def numbers_of(counted: Sequence[Counted]) -> Float[Tensor, " s"]:
    """The counts alone.

    >>> numbers_of([Counted(2.0), Counted(7.5)]).tolist()
    [2.0, 7.5]
    """
    return torch.tensor([one.count for one in counted])


def spread_numbers(n: int, low: int, high: int, seed: int = 0) -> list[int]:
    """N whole numbers from `low` to `high`, spread evenly and in an order of their own.

    >>> sorted(spread_numbers(4, 1, 10))
    [1, 4, 7, 10]
    """
    numbers = np.linspace(low, high, n).round().astype(int)
    return np.random.default_rng(seed).permutation(numbers).tolist()
