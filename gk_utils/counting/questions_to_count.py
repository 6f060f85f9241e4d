"""Painted scenes, kept small, and the questions that a counter is trained and measured with.

Two questions are asked about each picture: for what it was drawn to count, and for something else, which may be absent.
"Dish" means plates to one annotator and plates and bowls to the other; which of them counted is up to chance, and no
counter can know it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from gk_utils.countertop.things import CATEGORIES
from gk_utils.counting.countable_words import VAGUE, WORDS
from gk_utils.counting.counting_scenes import CountingScene, draw_counting_scene, render_counting
from gk_utils.counting.exemplar_prompts import NO_WORD, Prompts

TRAINING_SEEDS = 2**40  # scenes of evaluations have larger seeds
MOST_EXAMPLES = 3
CELL = 4  # pixels
AT_ONCE = 8  # scenes painted together


@dataclass(frozen=True, eq=False)
class Pictures:
    """Painted scenes, and where the things are.

    Attributes:
        images: (p 3 h w) of 0 to 255.
        boxes: (p m 4) of what can be seen of the things, in pixels; zeros in padding.
        categories: (p m) places in CATEGORIES, -1 in padding; wanted: the category that each was drawn to count.
    """

    images: UInt8[Tensor, "p 3 h w"]
    boxes: Float[Tensor, "p m 4"]
    categories: Int[Tensor, "p m"]
    wanted: Int[Tensor, " p"]

    def __len__(self) -> int:
        return len(self.images)

    def count(self, number: int, category: int) -> int:
        """How many things of a category there are in picture `number`."""
        return int((self.categories[number] == category).sum())

    def boxes_of(self, number: int, categories: Sequence[int]) -> Float[Tensor, "n 4"]:
        """The boxes of the things of some categories in picture `number`."""
        which = torch.isin(self.categories[number], torch.tensor(categories, device=self.categories.device))
        return self.boxes[number, which]


@dataclass(frozen=True, eq=False)
class Asked:
    """Questions about a batch of pictures, and their truth.

    Attributes:
        images: (b 3 h w) in [0, 1].
        prompts: what is asked about which picture.
        boxes: the things that are to be counted, of each question.
        cells: the category of the nearest thing in whose box the middle of each cell of 4 x 4 pixels lies, or else of
            a thing whose own middle is in the cell; -1 where there is none.
    """

    images: Float[Tensor, "b 3 h w"]
    prompts: Prompts
    boxes: tuple[Float[Tensor, "_ 4"], ...]
    cells: Int[Tensor, "b rows columns"]

    @property
    def counts(self) -> Float[Tensor, " q"]:
        """The right answers."""
        return self.images.new_tensor([len(some) for some in self.boxes])


def categories_of(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The categories that a recipe shows to its counter: all but those in `settings["held_out"]`.

    >>> len(categories_of({"held_out": ["book", "candle"]}))
    12
    """
    return tuple(name for name in CATEGORIES if name not in settings.get("held_out", ()))


def draw_scenes_for(settings: Mapping[str, Any], rng: np.random.Generator, n: int) -> list[CountingScene]:
    """Draw n training scenes with the priors of a recipe's settings, without the categories that it holds out.

    >>> scenes = draw_scenes_for({"priors": {"apple": 3}}, np.random.default_rng(0), 2)
    >>> [scene.count() for scene in scenes]
    [5, 38]
    """
    options = {"categories": categories_of(settings), "priors": settings.get("priors")}
    return [draw_counting_scene(int(seed), **options) for seed in rng.integers(TRAINING_SEEDS, size=n)]


def paint(scenes: Sequence[CountingScene], side: int, device: str | torch.device = "cpu") -> Pictures:
    """Square pictures of scenes.

    >>> pictures = paint([draw_counting_scene(0, n=5, category="mug", clutter=0.4)], 64)
    >>> tuple(pictures.images.shape), pictures.count(0, CATEGORIES.index("mug"))
    ((1, 3, 64, 64), 5)
    """
    most = max((len(scene) for scene in scenes), default=0)
    images = torch.zeros(len(scenes), 3, side, side, dtype=torch.uint8, device=device)
    boxes = torch.zeros(len(scenes), most, 4, device=device)
    categories = torch.full((len(scenes), most), -1, device=device)
    with torch.autocast(torch.device(device).type, enabled=False), torch.no_grad():
        for start in range(0, len(scenes), AT_ONCE):
            some = scenes[start : start + AT_ONCE]
            rendered = render_counting(some, (side, side), device)
            here = slice(start, start + len(some))
            images[here] = (rendered.images * 255).round().byte()
            boxes[here, : rendered.boxes.shape[1]] = rendered.boxes
            for row, scene in enumerate(some, start):
                numbers = [CATEGORIES.index(thing.category) for thing in scene.things]
                categories[row, : len(numbers)] = torch.tensor(numbers, device=device)
    wanted = torch.tensor([CATEGORIES.index(scene.category) for scene in scenes], dtype=torch.long, device=device)
    return Pictures(images, boxes, categories, wanted)


def ask(
    pictures: Pictures,
    numbers: Sequence[int],
    rng: np.random.Generator,
    *,
    words: bool,
    examples: bool,
    categories: Sequence[str] = CATEGORIES,
    vary: bool = False,
    every: bool = False,
) -> Asked:
    """Two questions about each of these pictures.

    Args:
        pictures: of which `numbers` are asked about.
        numbers: which.
        rng: where chance comes from.
        words: the counter reads words, and may be asked for what is absent.
        examples: the counter reads boxes: 1 to 3 things of those to be counted. If it reads both, a quarter of the
            questions has no word, and a quarter no example.
        categories: those that may be asked for.
        vary: turn half of the pictures left to right, and swap their colours: red, green and blue in any order.
        every: ask for each of `categories` instead of for two things.

    >>> pictures = paint([draw_counting_scene(0, n=5, category="mug", clutter=0.4)], 64)
    >>> asked = ask(pictures, [0], np.random.default_rng(0), words=False, examples=True)
    >>> asked.counts.tolist(), len(asked.prompts.boxes)
    ([5.0, 2.0], 3)
    """
    images = pictures.images[list(numbers)].float() / 255
    known = [CATEGORIES.index(name) for name in categories]
    width, turned = images.shape[3], rng.random(len(numbers)) < (0.5 if vary else 0.0)
    images[torch.from_numpy(turned)] = images[torch.from_numpy(turned)].flip(3)
    if vary:
        orders = rng.permuted(np.tile(np.arange(3), (len(numbers), 1)), axis=1)
        images = images[torch.arange(len(numbers))[:, None], torch.from_numpy(orders)]
    picture, word, shown, true = [], [], [], []
    for place, number in enumerate(numbers):
        two = int(pictures.wanted[number]), _another(pictures, number, known, rng, words=words and not examples)
        for which in known if every else two:
            vague = VAGUE.get(WORDS[which])
            counted = [CATEGORIES.index(name) for name in vague[int(rng.integers(2))]] if vague else [which]
            boxes = pictures.boxes_of(number, counted)
            if turned[place]:
                boxes = torch.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], 1)
            chance = rng.random() if words and examples else 0.5
            picture.append(place)
            word.append(which if words and chance >= 0.25 else NO_WORD)
            shown.append(some_of(boxes, rng) if examples and chance < 0.75 else boxes[:0])
            true.append(boxes)
    device = images.device
    owner = torch.arange(len(shown)).repeat_interleave(torch.tensor([len(some) for some in shown]))
    prompts = Prompts(torch.tensor(picture), torch.tensor(word), torch.cat(shown), owner)
    cells = torch.stack([_name_cells(pictures, number) for number in numbers])
    cells[torch.from_numpy(turned)] = cells[torch.from_numpy(turned)].flip(2)
    return Asked(images, prompts.to(device), tuple(true), cells)


def some_of(
    boxes: Float[Tensor, "n 4"], rng: np.random.Generator, most: int = MOST_EXAMPLES, least: int = 1
) -> Float[Tensor, "_ 4"]:
    """Draw `least` to `most` of the boxes that are not empty: the examples; fewer if there are no more.

    >>> some_of(torch.tensor([[0.0, 0, 4, 4], [0, 0, 0, 0]]), np.random.default_rng(0)).tolist()
    [[0.0, 0.0, 4.0, 4.0]]
    """
    boxes = boxes[(boxes[:, 2:] - boxes[:, :2]).amin(1) > 0]
    order = rng.permutation(len(boxes))[: int(rng.integers(least, most + 1))]
    return boxes[torch.from_numpy(order)]


def _name_cells(pictures: Pictures, number: int) -> Int[Tensor, "rows columns"]:
    """The category that each cell of a picture shows; the things of a scene come from far to near."""
    height, width = pictures.images.shape[2:]
    there = pictures.categories[number] >= 0
    boxes, categories = pictures.boxes[number, there], pictures.categories[number, there]
    x, y = (torch.arange(CELL / 2, side, CELL, device=boxes.device) for side in (width, height))
    x1, y1, x2, y2 = boxes[..., None].unbind(1)
    inside = ((y > y1) & (y < y2))[:, :, None] & ((x > x1) & (x < x2))[:, None]
    own_x, own_y = ((low + high) / 2 // CELL == at // CELL for low, high, at in ((x1, x2, x), (y1, y2, y)))
    inside |= own_y[:, :, None] & own_x[:, None] & (x2 > x1)[:, :, None]
    nearest = torch.where(inside, torch.arange(len(boxes), device=boxes.device)[:, None, None], -1).amax(0)
    return torch.where(nearest < 0, -1, categories[nearest])


def _another(pictures: Pictures, number: int, known: Sequence[int], rng: np.random.Generator, *, words: bool) -> int:
    """A second thing to ask for: another category of the picture, one that is absent, or a vague word."""
    wanted = int(pictures.wanted[number])
    there = sorted(set(pictures.categories[number].tolist()) & set(known))
    others = [category for category in there if category != wanted]
    chance = rng.random()
    if not words:
        return others[int(rng.integers(len(others)))] if others else wanted
    for word, meanings in VAGUE.items():
        if chance < 0.5 and any(CATEGORIES.index(name) in there for name in meanings[1]):
            return WORDS.index(word)
    absent = [category for category in known if category not in there]
    if absent and (chance > 0.7 or not others):
        return absent[int(rng.integers(len(absent)))]
    return others[int(rng.integers(len(others)))] if others else wanted
