"""How region readers are trained: what a batch is, what its loss is, and how well the result does.

A batch is some scenes with some regions each. Pictures and regions of the first `pool` batches are kept, the frozen
trunk's features in half precision; after that the steps go through them again and again, each time with fresh questions
and fresh points. All readers see the same regions and questions, whatever stands for a region in their sentences.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.ferret.hybrid_reference import HybridReference, reference_of
from gk_utils.ferret.point_sets import points_inside
from gk_utils.ferret.region_forms import mask_box
from gk_utils.ferret.region_questions import ASKS, AskedRegion, draw_asks, draw_region_scene, draw_regions
from gk_utils.ferret.region_reader import ReaderSettings, RegionReader, RegionsAsked, allowed_answers
from gk_utils.ferret.two_resolutions import SeenPictures, see_pictures
from gk_utils.models.trunk_grounder import frozen_trunk, weights_of

SPARE = 2  # times as many regions are kept of a scene as a step asks about
HELD_OUT = 2**41 + 2**40  # seeds of the scenes that are measured on; training draws below 2**40
TOGETHER = 16  # scenes


@dataclass(frozen=True)
class Step:
    """The sample of a step: which batch of pictures, and the seeds of both."""

    number: int
    step: int
    seed: int


@dataclass(frozen=True, eq=False)
class Pictures:
    """Scenes with regions, and what a frozen trunk makes of them, in half precision; n regions of s scenes.

    Attributes:
        scenes: s of them.
        regions: n; references: how each is written; picture: (n) whose it is; boxes_unit: (n 4) of each.
        whole, tiles: as in `SeenPictures`.
    """

    scenes: tuple[Scene, ...]
    regions: tuple[AskedRegion, ...]
    references: tuple[HybridReference, ...]
    picture: Int[Tensor, " n"]
    boxes_unit: Float[Tensor, "n 4"]
    whole: Float[Tensor, "s d g g"]
    tiles: Float[Tensor, "s d g2 g2"] | None

    def take(self, rows: Sequence[int]) -> "Pictures":
        """These regions alone."""
        regions, references = (tuple(part[row] for row in rows) for part in (self.regions, self.references))
        chosen = torch.as_tensor(rows, device=self.picture.device)
        return replace(
            self,
            regions=regions,
            references=references,
            picture=self.picture[chosen],
            boxes_unit=self.boxes_unit[chosen],
        )

    def seen(self) -> SeenPictures:
        """The maps in single precision."""
        return SeenPictures(self.whole.float(), None if self.tiles is None else self.tiles.float())


@dataclass(frozen=True, eq=False)
class Answered:
    """What a reader said to n questions, beside what is known of each.

    Attributes:
        right: whether the likeliest of the possible answers is true.
        answer: its number in ANSWERS; truth: of the true one.
        picture: the seed of its scene.
        hard, small: as in `AskedRegion`.
        forms: how each region was drawn; names: what was asked.
    """

    right: Bool[Tensor, " n"]
    answer: Int[Tensor, " n"]
    truth: Int[Tensor, " n"]
    picture: Int[Tensor, " n"]
    hard: Bool[Tensor, " n"]
    small: Bool[Tensor, " n"]
    forms: tuple[str, ...]
    names: tuple[str, ...]


def build(settings: Mapping[str, Any]) -> RegionReader:
    """A reader of these sizes, with random weights.

    >>> build({"trunk": "trunk_small", "reference": "coordinates"}).settings.grid
    8
    """
    trunk = frozen_trunk(settings["trunk"])
    names = {field.name for field in fields(ReaderSettings)}
    sizes = {name: value for name, value in settings.items() if name in names}
    for name in ("kept", "neighbours"):
        sizes |= {name: tuple(sizes[name])} if name in sizes else {}
    return RegionReader(ReaderSettings(trunk.settings.width, trunk.grid_hw[0], **sizes))


def draw(settings: Mapping[str, Any], seed: int, step: int) -> Step:
    """The batch of a step: one of the first `pool` batches of pictures.

    >>> draw({"pool": 10}, seed=0, step=23)
    Step(number=3, step=23, seed=0)
    """
    return Step(step % settings["pool"], step, seed)


def loss(reader: RegionReader, step: Step, settings: Mapping[str, Any]) -> dict[str, Tensor]:
    """Cross-entropy of the answers; `right` is the share of right ones, `hard` that on hard regions.

    >>> settings = {"trunk": "trunk_small", "reference": "coordinates", "scenes": 1, "regions": 4, "pool": 1}
    >>> sorted(loss(build(settings), draw(settings, 0, 0), settings))
    ['hard', 'loss', 'right']
    """
    device = reader.positions.device
    seeds = range((step.seed + 1) * 2**26 + step.number * settings["scenes"], 2**40)[: settings["scenes"]]
    pictures = _kept(
        (settings["trunk"], bool(settings.get("tiles")), str(device)), seeds.start, len(seeds), settings["regions"]
    )
    rng = np.random.default_rng([step.seed, step.step, 14])
    rows = rng.permutation(len(pictures.regions))[: len(pictures.scenes) * settings["regions"]]
    pictures = pictures.take(rows.tolist())
    asks = draw_asks(_scenes(pictures), pictures.regions, rng)
    names, truth = _names_and_truth(asks, device)
    generator = torch.Generator().manual_seed(step.seed * 2**32 + step.step)
    logits = reader(pictures.seen(), ask_all(reader, pictures, names, generator), generator)
    with torch.no_grad():
        right = (logits.argmax(1) == truth).float()
        hard = torch.tensor([one.hard for one in pictures.regions], device=device)
    return {
        "loss": cross_entropy(logits, truth),
        "right": right.mean(),
        "hard": right[hard].sum() / hard.sum().clamp(1),
    }


def evaluate(reader: RegionReader, settings: Mapping[str, Any], n: int) -> dict[str, Any]:
    """Accuracy on the regions of n held-out scenes: of all, of hard ones, of small things, and by form."""
    answered = answer_scenes(reader, settings["trunk"], n)

    def share(rows: Tensor) -> float:
        return round(float(answered.right[rows].float().mean()), 4) if bool(rows.any()) else 0.0

    forms = {form: torch.tensor([one == form for one in answered.forms]) for form in sorted(set(answered.forms))}
    return {
        "n": len(answered.right),
        "accuracy": share(torch.ones_like(answered.right)),
        "hard": share(answered.hard),
        "small": share(answered.small),
        "by_form": {form: share(rows) for form, rows in forms.items()},
        "trunk": weights_of(settings["trunk"]),
    }


@torch.no_grad()
def answer_scenes(
    reader: RegionReader, trunk: str, n: int, regions: int = 8, *, other_region: bool = False
) -> Answered:
    """What a reader says about the regions of n held-out scenes; the same questions for every reader.

    `other_region` is a control: the reader gets the picture and the region of another question.
    """
    device, parts = reader.positions.device, []
    for start in range(0, n, TOGETHER):
        eye = trunk, reader.settings.tiles, str(device)
        pictures, names, truth = held_out_questions(eye, start, min(TOGETHER, n - start), regions)
        generator = torch.Generator().manual_seed(start)
        shown = _turned(pictures) if other_region else pictures
        logits = reader(shown.seen(), ask_all(reader, shown, names, generator), generator)
        said = logits.masked_fill(~allowed_answers(names).to(device), -torch.inf).argmax(1)
        parts.append(as_answered(pictures, names, truth, said))
    return join_answered(parts)


def as_answered(pictures: Pictures, names: Sequence[str], truth: Tensor, said: Tensor) -> Answered:
    """What was said, beside what is known of the regions."""
    seeds = torch.tensor([scene.seed for scene in pictures.scenes])
    hard, small = (torch.tensor([getattr(one, key) for one in pictures.regions]) for key in ("hard", "small"))
    forms = tuple(one.form for one in pictures.regions)
    known = seeds[pictures.picture.cpu()], hard, small, forms, tuple(names)
    return Answered((said == truth).cpu(), said.cpu(), truth.cpu(), *known)


def join_answered(parts: Sequence[Answered]) -> Answered:
    """The answers of several batches as one."""
    tensors = ("right", "answer", "truth", "picture", "hard", "small")
    return Answered(
        *(torch.cat([getattr(part, name) for part in parts]) for name in tensors),
        *(tuple(one for part in parts for one in getattr(part, name)) for name in ("forms", "names")),
    )


@functools.lru_cache(maxsize=64)
def held_out_questions(
    eye: tuple[str, bool, str], start: int, count: int, regions: int
) -> tuple[Pictures, list[str], Int[Tensor, " n"]]:
    """Held-out pictures, what is asked about each region, and the answers' numbers: the same for every reader.

    `eye` is the trunk's name, whether it sees tiles, and the device.
    """
    trunk, tiles, device = eye
    pictures = see_regions(trunk, range(HELD_OUT + start, HELD_OUT + start + count), regions, tiles, device)
    rng = np.random.default_rng([start, 15])
    asks = draw_asks(_scenes(pictures), pictures.regions, rng)
    return pictures, *_names_and_truth(asks, torch.device(device))


def see_regions(trunk: str, seeds: Sequence[int], regions: int, tiles: bool, device: str = "cpu") -> Pictures:
    """Draw the scenes of these seeds with their regions, and let the trunk see them; no scene without regions."""
    scenes = [draw_region_scene(seed) for seed in seeds]
    eye = frozen_trunk(trunk, device)
    side = eye.settings.image_side
    rendered = render(scenes, (side, side))
    kept, asked, picture = [], [], []
    for row, scene in enumerate(scenes):
        drawn = draw_regions(scene, rendered.masks[row], np.random.default_rng([scene.seed, 16]), regions)
        if drawn:
            picture += [len(kept)] * len(drawn)
            kept.append(row)
            asked += drawn
    scenes = [scenes[row] for row in kept]
    large = render(scenes, (2 * side, 2 * side)).images.to(device) if tiles else None
    with torch.autocast(torch.device(device).type, enabled=False):  # a step of training may be in half precision
        seen = see_pictures(eye, rendered.images[kept].to(device), large)
    boxes = torch.tensor([mask_box(one.mask) for one in asked], device=device).view(len(asked), 4) / side
    return Pictures(
        tuple(scenes),
        tuple(asked),
        tuple(reference_of(one.region, (side, side)) for one in asked),
        torch.tensor(picture, device=device, dtype=torch.long),
        boxes,
        seen.whole.half(),
        None if seen.tiles is None else seen.tiles.half(),
    )


def ask_all(
    reader: RegionReader, pictures: Pictures, names: Sequence[str], generator: torch.Generator | None = None
) -> RegionsAsked:
    """The questions with these names about all regions, as the reader takes them; the generator draws the points."""
    device, points = reader.positions.device, None
    there = torch.ones(len(names), dtype=torch.bool, device=device)
    if reader.needs_points:
        points, there = points_inside([one.mask for one in pictures.regions], reader.settings.points, generator)
        points, there = points.to(device), there.to(device)
    tokens = reader.sentences(names, pictures.references).to(device)
    return RegionsAsked(tokens, pictures.picture, pictures.boxes_unit, points, there)


@functools.lru_cache(maxsize=4096)
def _kept(eye: tuple[str, bool, str], start: int, count: int, regions: int) -> Pictures:
    """The pictures of a batch, which come again and again; `eye` is the trunk, whether it sees tiles, and where."""
    trunk, tiles, device = eye
    return see_regions(trunk, range(start, start + count), SPARE * regions, tiles, device)


def _scenes(pictures: Pictures) -> list[Scene]:
    """The scene of each region."""
    return [pictures.scenes[at] for at in pictures.picture.tolist()]


def _names_and_truth(asks: Sequence[tuple[str, str]], device: torch.device) -> tuple[list[str], Int[Tensor, " n"]]:
    """What is asked, and the number of each answer."""
    starts = dict(zip(ASKS, np.cumsum([0, *(len(answers) for _, answers in ASKS.values())]), strict=False))
    truth = [int(starts[name]) + ASKS[name][1].index(answer) for name, answer in asks]
    return [name for name, _ in asks], torch.tensor(truth, dtype=torch.long, device=device)


def _turned(pictures: Pictures) -> Pictures:
    """The questions stay, and each gets the region of another one, half the list further on."""
    turn = len(pictures.regions) // 2
    return pictures.take([*range(turn, len(pictures.regions)), *range(turn)])
