"""What a SAM makes of the frozen splits: every thing of every scene, in every reading, asked for by a box and a click.

The pictures have 256 pixels a side whatever the model's size, and masks are compared there.

Source: Kirillov et al. 2023, "Segment Anything", arXiv:2304.02643, section 7.1: the click is the pixel deepest inside.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from gk_utils.boxes import boxes_from_masks
from gk_utils.countertop.render import render
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.splits import read_split
from gk_utils.segment_anything.clicks import central_clicks
from gk_utils.segment_anything.mask_losses import mask_iou
from gk_utils.segment_anything.prompt_encoder import with_corners
from gk_utils.segment_anything.readings import Reading, all_readings, reading_masks
from gk_utils.segment_anything.sam import SegmentAnything

SIDE = 256  # of the pictures, in pixels
SCENES = 8  # embedded at once
LEAST_VISIBLE = 0.25  # of a thing's pixels; what is hidden more than that is not asked for


@dataclass(frozen=True, eq=False)
class Wanted:
    """What can be asked of one picture: k targets.

    Attributes:
        seed: of the scene.
        image: (3 SIDE SIDE); truth: (k SIDE SIDE) the pixels that are meant.
        boxes: (k 4) of the truth; clicks: (k 2) pixels, counted by index, deepest inside the clicked thing.
        readings: what each target is; several: whether its click has other readings too.
    """

    seed: int
    image: Float[Tensor, "3 side side"]
    truth: Bool[Tensor, "k side side"]
    boxes: Float[Tensor, "k 4"]
    clicks: Float[Tensor, "k 2"]
    readings: tuple[Reading, ...]
    several: Bool[Tensor, " k"]


@dataclass(frozen=True, eq=False)
class Measured:
    """What was answered to k targets, each asked for by its box and by one click.

    Attributes:
        picture: the seed of the scene; side: square root of the target's area, in pixels of SIDE x SIDE.
        storeys: 0 for a thing alone, see `readings`; several: whether the click has other readings.
        box, box_said: IoU of the single mask for the box, and what the model expected it to be.
        box_readings: (k m) IoU of the readings of the box.
        point, point_said: (k m) the same for the readings of the click.
        point_single: IoU of the single mask for the click.
    """

    picture: Int[Tensor, " k"]
    side: Float[Tensor, " k"]
    storeys: Int[Tensor, " k"]
    several: Bool[Tensor, " k"]
    box: Float[Tensor, " k"]
    box_said: Float[Tensor, " k"]
    box_readings: Float[Tensor, "k m"]
    point: Float[Tensor, "k m"]
    point_said: Float[Tensor, "k m"]
    point_single: Float[Tensor, " k"]

    @property
    def best(self) -> Float[Tensor, " k"]:
        """IoU of the best of the readings of the click."""
        return self.point.amax(1)

    @property
    def chosen(self) -> Float[Tensor, " k"]:
        """IoU of the reading of the click that the model holds to be best."""
        return self.point.gather(1, self.point_said.argmax(1, keepdim=True))[:, 0]

    @property
    def quality_errors(self) -> Float[Tensor, " k"]:
        """How far the quality head is off: mean of the answer to the box and of the reading chosen for the click."""
        point = (self.point_said.amax(1).clamp(0, 1) - self.chosen).abs()
        return ((self.box_said.clamp(0, 1) - self.box).abs() + point) / 2

    def means(self) -> dict[str, float]:
        """The metrics that a card has."""
        values = {
            "miou_box": self.box,
            "miou_point": self.best,
            "miou_point_chosen": self.chosen,
            "iou_head_mae": self.quality_errors,
        }
        return {name: round(value.mean().item(), 4) for name, value in values.items()}


def scenes_of_split(split: str) -> Iterator[Scene]:
    """The scenes of a frozen split, each once, in their order."""
    seen = set()
    for sample in read_split(split):
        if sample.seed not in seen:
            seen.add(sample.seed)
            yield sample.scene


def wanted_of(scene: Scene, image: Tensor, masks: Bool[Tensor, "n h w"], full: Bool[Tensor, "n h w"]) -> Wanted:
    """All that can be asked of a rendered scene: each reading of each thing that is not too hidden."""
    visible = masks.flatten(1).sum(1) > LEAST_VISIBLE * full.flatten(1).sum(1)
    readings = tuple(reading for reading in all_readings(scene) if visible[reading.clicked])
    truth, clicked = reading_masks(masks, readings)
    clicks = central_clicks(masks[clicked])
    several = (clicked[:, None] == clicked).sum(1) > 1
    return Wanted(scene.seed, image, truth, boxes_from_masks(truth), clicks, readings, several)


def targets_of_split(split: str, n: int, device: str | torch.device = "cpu") -> Iterator[list[Wanted]]:
    """The first n targets of a split, some pictures at a time; the last picture is taken whole."""
    scenes, count, batch = scenes_of_split(split), 0, []
    for scene in scenes:
        batch.append(scene)
        if len(batch) == SCENES:
            found = _painted(batch, device)
            batch = []
            yield from _limited(found, n - count)
            count += sum(len(one.readings) for one in found)
            if count >= n:
                return
    if batch:
        yield from _limited(_painted(batch, device), n - count)


@torch.no_grad()
def measure_prompts(sam: SegmentAnything, split: str, n: int) -> Measured:
    """Ask for the first n targets of a split (a few more: whole pictures), by box and by click."""
    rows = []
    for pictures in targets_of_split(split, n, sam.mean.device):
        embeddings = embed_pictures(sam, torch.stack([one.image for one in pictures]))
        rows += [measure_one(sam, embedding, one) for embedding, one in zip(embeddings, pictures, strict=True)]
    return join_measured(rows)


@torch.no_grad()
def measure_one(sam: SegmentAnything, embedding: Float[Tensor, "d grid grid"], wanted: Wanted) -> Measured:
    """Ask for all targets of one picture; the embedding may be another picture's, for a control."""
    box = answers(sam, embedding, with_corners(None, None, wanted.boxes))
    point = answers(sam, embedding, with_corners(wanted.clicks[:, None] + 0.5, None, None))
    ious = [mask_iou(said[0], wanted.truth[:, None].expand_as(said[0])).cpu() for said in (box, point)]
    k, truth = len(wanted.truth), wanted.truth
    return Measured(
        picture=torch.full((k,), wanted.seed),
        side=truth.flatten(1).sum(1).float().sqrt().cpu(),
        storeys=torch.tensor([reading.storeys for reading in wanted.readings], dtype=torch.long),
        several=wanted.several.cpu(),
        box=ious[0][:, 0],
        box_said=box[1][:, 0].cpu(),
        box_readings=ious[0][:, 1:],
        point=ious[1][:, 1:],
        point_said=point[1][:, 1:].cpu(),
        point_single=ious[1][:, 0],
    )


def embed_pictures(sam: SegmentAnything, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d grid grid"]:
    """Embeddings of square pictures of any size."""
    side = sam.settings.image_side
    if images.shape[-1] != side:
        images = functional.interpolate(images, (side, side), mode="bilinear", antialias=True).clamp(0, 1)
    return sam.embed(images)


def answers(
    sam: SegmentAnything, embedding: Float[Tensor, "d grid grid"], prompts: tuple[Tensor, Tensor]
) -> tuple[Bool[Tensor, "k m side side"], Float[Tensor, "k m"]]:
    """The masks of one picture at SIDE pixels, and the IoU that is expected; points are continuous pixels of SIDE."""
    points, labels = prompts
    by_index = points * (sam.settings.image_side / SIDE) - 0.5
    said = sam.ask(embedding.expand(len(points), -1, -1, -1), by_index, labels)
    upscaled = functional.interpolate(said.logits.float(), (SIDE, SIDE), mode="bilinear")
    return upscaled > 0, said.iou.float()


def join_measured(rows: list[Measured]) -> Measured:
    """One after the other."""
    return Measured(*(torch.cat([getattr(row, field.name) for row in rows]) for field in fields(Measured)))


def _painted(scenes: list[Scene], device: str | torch.device) -> list[Wanted]:
    rendered = render(scenes, (SIDE, SIDE), device)
    return [
        wanted_of(
            scene, rendered.images[row], rendered.masks[row, : len(scene)], rendered.masks_full[row, : len(scene)]
        )
        for row, scene in enumerate(scenes)
    ]


def _limited(found: list[Wanted], room: int) -> Iterator[list[Wanted]]:
    """The first pictures that give at least `room` targets together, without those that give none."""
    kept = []
    for one in found:
        if room <= 0:
            break
        if one.readings:
            kept.append(one)
            room -= len(one.readings)
    if kept:
        yield kept
