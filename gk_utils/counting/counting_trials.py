"""Frozen sets of scenes to count in, each made to show one thing: many, crowded, new kinds, a prior, a vague word.

Apples, which have a usual number in training, are counted in the sets that show what that does, and in no other.

Scenes are drawn from fixed seeds, so that two counters are measured on the same pictures. A set holds scenes, and is
painted at the size that is asked for: the same scene at 64, 128 and 256 pixels is what resolution can be told from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gk_utils.countertop.things import CATEGORIES
from gk_utils.counting.countable_words import VAGUE
from gk_utils.counting.counters import Counter
from gk_utils.counting.counting_scenes import SEEN, UNSEEN, CountingScene, draw_counting_scene
from gk_utils.counting.questions_to_count import MOST_EXAMPLES, TRAINING_SEEDS, paint, some_of
from gk_utils.counting.tiling import cut_tiles, join_boxes, join_densities, take_tiles
from gk_utils.errors import check_choice

SEEDS = TRAINING_SEEDS + 2**30  # the first seed
BESIDES = tuple(name for name in CATEGORIES if name != "apple")  # those without a usual number in training
SEEN_BESIDES = tuple(name for name in SEEN if name != "apple")
TRIALS = {  # name: first and last number of the counted things, other options of the scenes
    "few": (1, 20, {"category": BESIDES}),
    "many": (20, 100, {"category": BESIDES}),
    "unseen": (1, 30, {"category": UNSEEN}),
    "cluttered": (1, 30, {"category": SEEN_BESIDES, "categories": SEEN, "clutter": (0.5, 2.0)}),
    "threes": (3, 3, {"category": ("apple",)}),
    "sevens": (7, 7, {"category": ("apple",)}),
    "other_sevens": (7, 7, {"category": BESIDES}),
    "dishes": (2, 20, {"category": ("plate",), "categories": ("plate", "bowl"), "clutter": (0.5, 1.0)}),
    "many_apples": (20, 100, {"category": ("apple",)}),
}


@dataclass(frozen=True, eq=False)
class Trial:
    """Pictures, what is asked about each, and the truth.

    Attributes:
        scenes: the scenes.
        images: (s 3 h w) in [0, 1].
        phrases: the category that is to be counted; exemplars: three of its boxes in each picture, or as many as there
            are.
        true: how many there are.
    """

    scenes: tuple[CountingScene, ...]
    images: Float[Tensor, "s 3 h w"]
    phrases: tuple[str, ...]
    exemplars: tuple[Float[Tensor, "_ 4"], ...]
    true: Int[Tensor, " s"]

    def __len__(self) -> int:
        return len(self.phrases)


def trial_scenes(name: str, n: int) -> tuple[CountingScene, ...]:
    """The first n scenes of a set.

    Raises:
        ValueError: an unknown set.

    >>> [(scene.category, scene.count()) for scene in trial_scenes("sevens", 2)]
    [('apple', 7), ('apple', 7)]
    """
    check_choice(name, tuple(TRIALS), "name")
    low, high, options = TRIALS[name]
    place, scenes = tuple(TRIALS).index(name), []
    for number in range(n):
        rng = np.random.default_rng([SEEDS, place, number])
        own = {key: value for key, value in options.items() if key == "categories"}
        if "category" in options:
            own["category"] = options["category"][int(rng.integers(len(options["category"])))]
        if "clutter" in options:
            own["clutter"] = float(rng.uniform(*options["clutter"]))
        seed = SEEDS + place * 2**20 + number
        scenes.append(draw_counting_scene(seed, n=int(rng.integers(low, high + 1)), **own))
    return tuple(scenes)


def trial_of(scenes: Sequence[CountingScene], side: int = 128, device: str | torch.device = "cpu") -> Trial:
    """Paint a set of scenes in squares of `side` pixels.

    >>> trial = trial_of(trial_scenes("few", 3), 64)
    >>> trial.images.shape, trial.true.tolist() == [scene.count() for scene in trial.scenes]
    (torch.Size([3, 3, 64, 64]), True)
    """
    pictures = paint(scenes, side, device)
    rng = np.random.default_rng(SEEDS)
    shown = []
    for number, category in enumerate(pictures.wanted.tolist()):
        boxes = pictures.boxes_of(number, [category])
        shown.append(some_of(boxes[torch.from_numpy(rng.permutation(len(boxes)))], rng, MOST_EXAMPLES, least=3))
    phrases = tuple(scene.category for scene in scenes)
    true = torch.tensor([scene.count() for scene in scenes], dtype=torch.long)
    return Trial(tuple(scenes), pictures.images.float() / 255, phrases, tuple(shown), true)


def count_trial(
    counter: Counter, trial: Trial, *, phrases: Sequence[str] | None = None, images: Tensor | None = None
) -> Float[Tensor, " s"]:
    """What a counter says about the pictures of a trial; or asked with other words, or shown other pictures.

    A counter that reads both is given both; see `Counter.count`.
    """
    pictures = trial.images if images is None else images
    counted = counter.count(pictures, phrases or trial.phrases, trial.exemplars)
    return torch.tensor([one.count for one in counted])


def count_in_tiles(counter: Counter, trial: Trial, side: int = 128, overlap: int = 64) -> Float[Tensor, " s"]:
    """What a counter of kind "set" or "density" says, a tile at a time: as `tiling` joins boxes and densities.

    Raises:
        ValueError: a counter of another kind.
    """
    check_choice(counter.kind, ("set", "density"), "kind")
    hw = tuple(trial.images.shape[2:])
    tiles, found = cut_tiles(hw, side, overlap), []
    for image, phrase in zip(trial.images, trial.phrases, strict=True):
        parts = counter.count(take_tiles(image, tiles), [phrase] * len(tiles))
        if counter.kind == "set":
            found.append(float(len(join_boxes([part.boxes.cpu() for part in parts], tiles))))
        else:
            found.append(float(join_densities(torch.stack([part.density for part in parts]), tiles, hw).sum()))
    return torch.tensor(found)


def side_by_side(trial: Trial) -> tuple[Float[Tensor, "p 3 h w"], tuple[str, ...], Int[Tensor, " p"]]:
    """Pairs of pictures of one category as one wide picture, what to ask, and the sum of both truths.

    >>> images, phrases, true = side_by_side(trial_of(trial_scenes("sevens", 4), 64))
    >>> images.shape, phrases, true.tolist()
    (torch.Size([2, 3, 64, 128]), ('apple', 'apple'), [14, 14])
    """
    groups: dict[str, list[int]] = {}
    for number, phrase in enumerate(trial.phrases):
        groups.setdefault(phrase, []).append(number)
    pairs = [(group[i], group[i + 1]) for group in groups.values() for i in range(0, len(group) - len(group) % 2, 2)]
    wide = [torch.cat([trial.images[first], trial.images[second]], 2) for first, second in pairs]
    images = torch.stack(wide) if wide else trial.images[:0].repeat(1, 1, 1, 2)
    phrases = tuple(trial.phrases[first] for first, _ in pairs)
    return images, phrases, torch.tensor([int(trial.true[a] + trial.true[b]) for a, b in pairs], dtype=torch.long)


def second_questions(scenes: Sequence[CountingScene]) -> tuple[tuple[str, ...], Int[Tensor, " s"]]:
    """Another category to ask for in each scene, the most numerous of the others (the first of several), and its count.

    Who does not know which of the two is asked for gives one number to both questions.

    >>> phrases, true = second_questions(trial_scenes("dishes", 2))
    >>> phrases, (true > 0).all().item()
    (('bowl', 'bowl'), True)
    """
    words = tuple(
        max((name for name in CATEGORIES if name != scene.category), key=lambda name, scene=scene: scene.count(name))
        for scene in scenes
    )
    counts = [scene.count(word) for scene, word in zip(scenes, words, strict=True)]
    return words, torch.tensor(counts, dtype=torch.long)


def vague_truths(scenes: Sequence[CountingScene], word: str = "dish") -> Int[Tensor, "s 2"]:
    """What the two annotators of a vague word count in each scene.

    >>> (vague_truths(trial_scenes("dishes", 3)).diff(dim=1) > 0).all().item()
    True
    """
    check_choice(word, tuple(VAGUE), "word")
    counts = [[sum(scene.count(name) for name in names) for names in VAGUE[word]] for scene in scenes]
    return torch.tensor(counts, dtype=torch.long)
