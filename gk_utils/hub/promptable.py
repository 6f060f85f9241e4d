"""Published segmenters that are pointed at: SAM, SAM 2.1, and SAM 3 by its points and boxes.

A picture is embedded once in `set_image`; a prompt then takes hundredths of a second. Prompts are scaled into the
model's frame here: SAM resizes the long side and pads right and below, SAM 2 and 3 stretch to a square.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from gk_utils.errors import check_boxes, check_same_length
from gk_utils.hub.half_precision import Loaded, to_picture
from gk_utils.protocols import Segmentation

MASK_LOGIT = 10.0  # of an earlier mask's pixels, and minus that beside it: the prompt encoder expects logits


class PublishedSam:
    """A `Segmenter` around SAM, SAM 2.1 or SAM 3.

    Of the three masks of each prompt the best one is that with the highest expected IoU. `embeddings` counts how many
    pictures were embedded.
    """

    def __init__(self, loaded: Loaded) -> None:
        self.loaded, self.embeddings = loaded, 0
        self._first = loaded.kind.model == "SamModel"  # SAM itself: one level of features
        self._image_hw: tuple[int, int] | None = None
        self._seen: list[Tensor] = []
        self._batch: Any = None

    def set_image(self, image: Float[Tensor, "3 h w"]) -> None:
        """Embed an image; every prompt until the next call is about it.

        Raises:
            HubError: the GPU's memory ran out.
        """
        loaded = self.loaded
        self._batch = loaded.processor(images=to_picture(image), return_tensors="pt")
        self._seen = loaded.run(self._embed, lambda seen: seen)
        self._image_hw = tuple(image.shape[1:])
        self.embeddings += 1

    def segment(
        self,
        *,
        boxes: Float[Tensor, "n 4"] | None = None,
        points: Float[Tensor, "n p 2"] | None = None,
        is_object: Bool[Tensor, "n p"] | None = None,
        masks: Bool[Tensor, "n h w"] | None = None,
        all_masks: bool = False,
    ) -> Segmentation:
        """The masks of n prompts, as in `protocols.Segmenter`; in pixels of the picture that was set.

        Raises:
            RuntimeError: no image was set.
            ValueError: no prompts, or prompts whose n differ.
            HubError: the GPU's memory ran out.
        """
        if self._image_hw is None:
            raise RuntimeError("segment: expected an image first, got none. Call set_image(image).")
        prompts = {"boxes": boxes, "points": points, "masks": masks}
        given = {name: prompt for name, prompt in prompts.items() if prompt is not None}
        if not given:
            raise ValueError("segment: expected boxes, points or masks, got none. Pass at least one of them.")
        for name, prompt in given.items():
            check_same_length(next(iter(given.values())), prompt, (next(iter(given)), name))
        if boxes is not None:
            check_boxes(boxes)
        count = len(next(iter(given.values())))
        if count == 0:
            empty = torch.zeros(0, *self._image_hw, dtype=torch.bool)
            return Segmentation(empty, torch.zeros(0), self._image_hw)
        inputs = self._inputs(boxes, points, is_object)
        if masks is None:
            logits, ious = self._decode(inputs)
        else:  # one earlier mask a call: the model takes one for all prompts of a picture
            rows = [
                self._decode({name: value[:, i : i + 1] for name, value in inputs.items()}, masks[i])
                for i in range(count)
            ]
            logits, ious = (torch.cat(parts) for parts in zip(*rows, strict=True))
        return self._read(logits, ious, all_masks)

    def _embed(self) -> list[Tensor]:
        """The image embedding, one tensor (SAM) or three of different sizes (SAM 2 and 3), in float32."""
        seen = self.loaded.model.get_image_embeddings(self.loaded.inputs(self._batch)["pixel_values"])
        return [level.float() for level in (seen if isinstance(seen, list | tuple) else [seen])]

    def _frame_hw(self) -> tuple[int, int]:
        """Height and width that the picture has in the model's frame, without padding."""
        if "reshaped_input_sizes" in self._batch:
            return tuple(int(side) for side in self._batch["reshaped_input_sizes"][0])
        return tuple(self._batch["pixel_values"].shape[-2:])

    def _inputs(
        self,
        boxes: Float[Tensor, "n 4"] | None,
        points: Float[Tensor, "n p 2"] | None,
        is_object: Bool[Tensor, "n p"] | None,
    ) -> dict[str, Tensor]:
        """Prompts in the model's frame, with an axis for the one picture."""
        by_hw = [new / old for new, old in zip(self._frame_hw(), self._image_hw, strict=True)]
        scale = torch.tensor(by_hw[::-1], dtype=torch.float64)
        inputs: dict[str, Tensor] = {}
        if boxes is not None:
            inputs["input_boxes"] = (boxes.cpu() * scale.repeat(2)).float()[None]
        if points is not None:
            inputs["input_points"] = (points.cpu() * scale).float()[None]
            on = torch.ones(points.shape[:2], dtype=torch.bool) if is_object is None else is_object.cpu()
            inputs["input_labels"] = on.int()[None]
        return inputs

    def _decode(
        self, inputs: dict[str, Tensor], mask: Bool[Tensor, "h w"] | None = None
    ) -> tuple[Float[Tensor, "n 3 a b"], Float[Tensor, "n 3"]]:
        loaded = self.loaded
        if mask is not None:
            inputs = {**inputs, "input_masks": self._mask_logits(mask)}

        def ask() -> Any:
            seen = self._seen[0] if self._first else list(self._seen)
            # Coordinates stay in float32, whatever the weights are in: fp16 counts in half pixels from 512 on.
            placed = {name: value.to(loaded.device) for name, value in inputs.items()}
            return loaded.model(image_embeddings=seen, multimask_output=True, **placed)

        out = loaded.run(ask, lambda out: (out.pred_masks, out.iou_scores))
        return out.pred_masks[0].float(), out.iou_scores[0].float()

    def _mask_logits(self, mask: Bool[Tensor, "h w"]) -> Float[Tensor, "1 1 a b"]:
        """An earlier mask as the logits that the prompt encoder takes: a quarter of the model's frame a side."""
        frame_hw, side = self._frame_hw(), self._batch["pixel_values"].shape[-1]
        whole = functional.interpolate(mask[None, None].float().cpu(), frame_hw, mode="bilinear", align_corners=False)
        padded = functional.pad(whole, (0, side - frame_hw[1], 0, side - frame_hw[0]))
        encoder = self.loaded.model.prompt_encoder
        to_hw = [4 * cells for cells in encoder.image_embedding_size] if self._first else encoder.mask_input_size
        small = functional.interpolate(padded, tuple(to_hw), mode="area")
        return (small - 0.5) * (2 * MASK_LOGIT)

    def _read(self, logits: Float[Tensor, "n 3 a b"], ious: Float[Tensor, "n 3"], all_masks: bool) -> Segmentation:
        """Masks at the size of the picture, all or the best of each prompt."""
        rows: Int[Tensor, " m"] = torch.arange(3 * len(ious))
        if not all_masks:
            rows = torch.arange(len(ious)) * 3 + ious.argmax(-1).cpu()
        chosen = logits.flatten(0, 1)[rows.to(logits.device), None]  # m 1 a b
        sizes = [self._batch["original_sizes"].cpu()]
        if "reshaped_input_sizes" in self._batch:
            sizes.append(self._batch["reshaped_input_sizes"].cpu())
        masks = self.loaded.processor.post_process_masks(chosen[None].cpu(), *sizes)[0][:, 0]
        return Segmentation(masks.bool(), ious.flatten().cpu()[rows].clamp(0, 1), self._image_hw)
