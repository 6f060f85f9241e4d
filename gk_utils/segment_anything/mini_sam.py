"""The course's own small SAM behind the protocol `Segmenter`: pictures of any size, prompts in their pixels.

A picture is fitted into the model's square as for every mini model, and is embedded once. The embedding can be taken
out, kept, and put back, so that who has many questions about many pictures embeds none of them twice.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from gk_utils import checkpoints
from gk_utils.checkpoints import Card
from gk_utils.errors import check_boxes, check_hw, check_same_length
from gk_utils.frames import Frame
from gk_utils.models.trunk_grounder import letterbox
from gk_utils.protocols import Segmentation
from gk_utils.segment_anything.mask_decoder import Decoded
from gk_utils.segment_anything.prompt_encoder import BESIDE, ON, PADDING, with_corners
from gk_utils.segment_anything.sam import SegmentAnything
from gk_utils.segment_anything.sam_settings import SegmentAnythingSettings

NAMES = ("segment_anything", "segment_anything_small")  # the better one first
TOGETHER = 64  # prompts decoded at once
SURE = 8.0  # logit of a pixel of a mask that is given as a prompt


class MiniSegmenter:
    """A `Segmenter` around a SAM of this package.

    >>> sizes = {"image_side": 64, "patch": 8, "width": 16, "layers": 1, "heads": 2, "inner": 32, "window": 4}
    >>> sizes |= {"out_width": 32, "decoder_heads": 2, "decoder_inner": 32, "global_layers": ()}
    >>> segmenter = MiniSegmenter(build_sam(sizes))
    >>> segmenter.set_image(torch.rand(3, 48, 72))
    >>> segmenter.segment(boxes=torch.tensor([[5.0, 6.0, 30.0, 40.0]])).masks.shape
    torch.Size([1, 48, 72])
    """

    def __init__(self, sam: SegmentAnything, name: str = "segment_anything") -> None:
        self.sam, self.name = sam.eval(), name
        self.embedding: Tensor | None = None
        self.image_hw = (0, 0)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.sam.mean.device

    @torch.no_grad()
    def embed_all(self, images: Sequence[Float[Tensor, "3 _ _"]]) -> list[Float[Tensor, "d grid grid"]]:
        """The embeddings of pictures, whatever their sizes, in one pass of the encoder.

        Raises:
            ValueError: a picture without pixels.
        """
        if not images:
            return []
        squares = [letterbox(image.to(self.device), self.sam.settings.image_side)[0] for image in images]
        return list(self.sam.embed(torch.stack(squares)).unbind(0))

    def embed(self, image: Float[Tensor, "3 h w"]) -> Float[Tensor, "d grid grid"]:
        """The embedding of a picture; the one that prompts are about stays as it is."""
        return self.embed_all([image])[0]

    def set_image(self, image: Float[Tensor, "3 h w"]) -> None:
        """Embed a picture; every prompt until the next call is about it."""
        self.set_embedding(self.embed(image), (image.shape[1], image.shape[2]))

    def set_embedding(self, embedding: Float[Tensor, "d grid grid"], image_hw: tuple[int, int]) -> None:
        """Go on with a picture that was embedded before; `image_hw` is its height and width.

        Raises:
            ValueError: an embedding of another model, or no height and width.
        """
        check_hw(image_hw)
        grid, width = self.sam.settings.grid, self.sam.settings.out_width
        if tuple(embedding.shape) != (width, grid, grid):
            raise ValueError(
                f"embedding: expected {(width, grid, grid)}, as embed returns it, got {tuple(embedding.shape)}. "
                "Embed the picture with this segmenter."
            )
        self.embedding, self.image_hw = embedding.to(self.device), (int(image_hw[0]), int(image_hw[1]))

    @torch.no_grad()
    def segment(
        self,
        *,
        boxes: Float[Tensor, "n 4"] | None = None,
        points: Float[Tensor, "n p 2"] | None = None,
        is_object: Bool[Tensor, "n p"] | None = None,
        masks: Bool[Tensor, "n h w"] | None = None,
        all_masks: bool = False,
    ) -> Segmentation:
        """The masks of n prompts, as `protocols.Segmenter` says.

        One point and nothing else may mean several things: of its three readings, the one that the model holds to be
        best is returned. Any other prompt is answered by the mask of its own that SAM has for such.

        Raises:
            RuntimeError: no picture yet.
            ValueError: no prompts, prompts whose n differ, or masks of another size than the picture.
        """
        if self.embedding is None:
            raise RuntimeError("segment: expected an image first, got none. Call set_image(image).")
        given = {"boxes": boxes, "points": points, "masks": masks}
        given = {name: value for name, value in given.items() if value is not None}
        if not given:
            raise ValueError("segment: expected boxes, points or masks, got none. Say what to cut out.")
        (first, value), *others = given.items()
        for name, other in others:
            check_same_length(value, other, (first, name))
        prompts = self._prompts(boxes, points, is_object, masks)
        found_masks, found_scores = [], []
        for start in range(0, len(value), TOGETHER):
            rows = slice(start, start + TOGETHER)
            some = [None if part is None else part[rows] for part in prompts]
            said = self.sam.ask(self.embedding.expand(len(some[0]), -1, -1, -1), *some)
            alone = points is not None and points.shape[1] == 1 and len(given) == 1
            said = said.readings if all_masks else best_reading(said) if alone else said.single
            found_masks.append(self._to_picture(said.logits.flatten(0, 1)))
            found_scores.append(said.iou.flatten().float().clamp(0, 1).cpu())
        if not found_masks:
            return Segmentation(torch.zeros(0, *self.image_hw, dtype=torch.bool), torch.zeros(0), self.image_hw)
        return Segmentation(torch.cat(found_masks), torch.cat(found_scores), self.image_hw)

    def _prompts(
        self, boxes: Tensor | None, points: Tensor | None, is_object: Tensor | None, masks: Tensor | None
    ) -> tuple[Tensor, Int[Tensor, "n t"], Tensor | None]:
        """The prompts in the model's own pixels, as `SegmentAnything.ask` takes them."""
        frame, labels, logits = frame_of(self.image_hw, self.sam.settings.image_side), None, None
        if boxes is not None:
            check_boxes(boxes)
            boxes = frame.from_pixels(boxes.to(self.device, torch.float32)) - 0.5
        if points is not None:
            if is_object is not None and is_object.shape != points.shape[:2]:
                raise ValueError(
                    f"is_object: expected one answer for each of {tuple(points.shape[:2])} points, "
                    f"got {tuple(is_object.shape)}. Give True for a point on the object, False beside it."
                )
            points = points.to(self.device, torch.float32)
            points = frame.from_pixels(points.repeat(1, 1, 2))[..., :2] - 0.5
            labels = points.new_full(points.shape[:2], ON).long()
            if is_object is not None:
                labels = torch.where(is_object.to(self.device), ON, BESIDE)
        if masks is not None:
            if tuple(masks.shape[1:]) != self.image_hw:
                raise ValueError(
                    f"masks: expected the picture's {self.image_hw}, got {tuple(masks.shape[1:])}. Resize them first."
                )
            logits = self._as_logits(masks.to(self.device))
            if boxes is None and points is None:
                points = torch.zeros(len(masks), 1, 2, device=self.device)
                labels = torch.full((len(masks), 1), PADDING, device=self.device)
        return *with_corners(points, labels, boxes), logits

    def _as_logits(self, masks: Bool[Tensor, "n h w"]) -> Float[Tensor, "n 1 side side"]:
        """Masks of the picture as the logits that the model would have said."""
        settings = self.sam.settings
        hw = resized_hw(self.image_hw, settings.image_side)
        square = torch.zeros(len(masks), 1, settings.image_side, settings.image_side, device=self.device)
        square[:, :, : hw[0], : hw[1]] = functional.interpolate(masks[:, None].float(), hw, mode="area")
        share = functional.adaptive_avg_pool2d(square, settings.mask_side)
        return SURE * (2 * share - 1)

    def _to_picture(self, logits: Float[Tensor, "n side side"]) -> Bool[Tensor, "n h w"]:
        """Masks at the size of the picture, on the CPU."""
        side = self.sam.settings.image_side
        height, width = resized_hw(self.image_hw, side)
        square = functional.interpolate(logits[:, None].float(), (side, side), mode="bilinear")
        fitted = functional.interpolate(square[:, :, :height, :width], self.image_hw, mode="bilinear")
        return (fitted[:, 0] > 0).cpu()


def best_reading(said: Decoded) -> Decoded:
    """Of the readings of each prompt the one that is expected to be best, as (n 1 ...)."""
    best = said.readings.iou.argmax(1, keepdim=True)
    rows = torch.arange(len(best), device=best.device)[:, None]
    return Decoded(said.readings.logits[rows, best], said.readings.iou[rows, best])


def resized_hw(image_hw: tuple[int, int], side: int) -> tuple[int, int]:
    """Height and width of a picture in the letterbox of `side`.

    >>> resized_hw((10, 20), 8)
    (4, 8)
    """
    factor = side / max(image_hw)
    return max(1, round(image_hw[0] * factor)), max(1, round(image_hw[1] * factor))


def frame_of(image_hw: tuple[int, int], side: int) -> Frame:
    """The frame of the letterbox that a picture of `image_hw` is put into: `letterbox` without the picture.

    >>> frame_of((10, 20), 8) == letterbox(torch.zeros(3, 10, 20), 8)[1]
    True
    """
    return Frame.of_image(image_hw).resize(resized_hw(image_hw, side)).pad((side, side), "corner")


def build_sam(settings: Mapping[str, Any]) -> SegmentAnything:
    """A model of these sizes, with random weights; what is no size is left out."""
    known = {name: value for name, value in settings.items() if name in SegmentAnythingSettings.__dataclass_fields__}
    if "global_layers" in known:
        known["global_layers"] = tuple(known["global_layers"])
    return SegmentAnything(SegmentAnythingSettings(**known))


def load_mini(
    checkpoint: str | os.PathLike | None = None, device: str | torch.device = "cpu"
) -> tuple[MiniSegmenter, Card]:
    """The best segmenter that the course ships, or the one in the folder `checkpoint`, with its card.

    Raises:
        FileNotFoundError, ValueError: no checkpoint there, or one that is damaged or of something else.
    """
    checkpoint = checkpoints.first_shipped(*NAMES) if checkpoint is None else checkpoint
    card = checkpoints.load(checkpoint)[1]
    if "out_width" not in card.settings or "prompts" not in card.settings:
        raise ValueError(f"checkpoint: expected a segmenter, got {card.recipe!r}. Name the folder of a segmenter.")
    sam = build_sam(card.settings)
    checkpoints.load_into(sam, checkpoint)
    return MiniSegmenter(sam.to(device), card.recipe), card
