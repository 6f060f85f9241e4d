"""Published models that caption with boxes: Kosmos-2 and Florence-2. Both write their boxes as tokens.

Neither says how sure it is, so every score is 1. Both try to find whatever they are asked for: `absent` is said only
where they wrote no box at all.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.boxes import clip_boxes
from gk_utils.hub.half_precision import Loaded, to_picture
from gk_utils.hub.open_detectors import as_grounding, check_phrases
from gk_utils.hub.written_answers import write_tokens
from gk_utils.protocols import Detections, Grounding

GROUND = "<CAPTION_TO_PHRASE_GROUNDING>"
CAPTION = "<MORE_DETAILED_CAPTION>"


class LinkedPhrase(NamedTuple):
    """A phrase of a caption: its words, from which character to which they stand, and its boxes in pixels (n 4)."""

    phrase: str
    span: tuple[int, int]
    boxes: Tensor


class PublishedKosmos:
    """Kosmos-2; a `Grounder`, and a captioner."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded

    def caption(
        self, image: Float[Tensor, "3 h w"], *, start: str = "An image of", max_tokens: int = 128
    ) -> tuple[str, tuple[LinkedPhrase, ...]]:
        """A caption that begins with `start`, and its phrases with their boxes."""
        return self._read(image, f"<grounding>{start}", max_tokens)

    def ground(self, image: Float[Tensor, "3 h w"], phrase: str) -> Grounding:
        """The boxes of one phrase, in the order in which they were written; scores are 1.

        Raises:
            ValueError: an empty phrase.
            HubError: the GPU's memory ran out.
        """
        check_phrases([phrase])
        _, linked = self._read(image, f"<grounding><phrase> {phrase.strip()}</phrase>", 32)
        boxes = linked[0].boxes if linked else torch.zeros(0, 4)
        return Grounding(boxes, torch.ones(len(boxes)), phrase, not len(boxes), tuple(image.shape[1:]))

    def _read(self, image: Float[Tensor, "3 h w"], prompt: str, most: int) -> tuple[str, tuple[LinkedPhrase, ...]]:
        processor, image_hw = self.loaded.processor, tuple(image.shape[1:])
        batch = processor(images=to_picture(image), text=prompt, return_tensors="pt")
        text = processor.batch_decode(write_tokens(self.loaded, batch, most)[None], skip_special_tokens=True)[0]
        caption, entities = processor.post_process_generation(text)
        return caption, tuple(LinkedPhrase(words, span, in_pixels(boxes, image_hw)) for words, span, boxes in entities)


class PublishedFlorence:
    """Florence-2; a `Detector`, a `Grounder`, and a captioner."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded

    def detect(self, image: Float[Tensor, "3 h w"], phrases: Sequence[str]) -> Detections:
        """All boxes of all phrases; the model is asked once for each phrase. Scores are 1.

        Raises:
            ValueError: no phrases, or an empty one.
            HubError: the GPU's memory ran out.
        """
        check_phrases(phrases)
        image_hw = tuple(image.shape[1:])
        found = [self._boxes(image, phrase) for phrase in phrases]
        named = tuple(phrase for phrase, boxes in zip(phrases, found, strict=True) for _ in boxes)
        boxes = torch.cat(found)
        return Detections(boxes, torch.ones(len(boxes)), named, image_hw)

    def ground(self, image: Float[Tensor, "3 h w"], phrase: str) -> Grounding:
        """The boxes of one phrase in the order in which they were written; absent: none was."""
        return as_grounding(self.detect(image, [phrase]), phrase)

    def caption(self, image: Float[Tensor, "3 h w"], *, max_tokens: int = 128) -> tuple[str, tuple[LinkedPhrase, ...]]:
        """A caption, and its phrases with their boxes: it is written first, and each of its phrases then looked for."""
        caption = self._answer(image, CAPTION, max_tokens)[CAPTION]
        answer = self._answer(image, GROUND + caption, 4 * max_tokens)[GROUND] if caption.strip() else {"labels": []}
        linked: dict[str, list[Sequence[float]]] = {}
        for label, box in zip(answer["labels"], answer.get("bboxes", []), strict=True):
            linked.setdefault(label, []).append(box)
        image_hw, rows = tuple(image.shape[1:]), []
        for label, boxes in linked.items():
            if label and (start := caption.lower().find(label.lower())) >= 0:
                rows.append(LinkedPhrase(label, (start, start + len(label)), ordered(boxes, image_hw)))
        return caption, tuple(sorted(rows, key=lambda row: row.span))

    def _boxes(self, image: Float[Tensor, "3 h w"], phrase: str) -> Float[Tensor, "n 4"]:
        answer = self._answer(image, GROUND + phrase.strip(), 128)[GROUND]
        return ordered(answer["bboxes"], tuple(image.shape[1:]))

    def _answer(self, image: Float[Tensor, "3 h w"], prompt: str, most: int) -> dict:
        """What transformers reads out of the answer; boxes in pixels of the image."""
        processor, task = self.loaded.processor, prompt[: prompt.index(">") + 1]
        batch = processor(images=to_picture(image), text=prompt, return_tensors="pt")
        tokens = write_tokens(self.loaded, batch, most)
        text = processor.batch_decode(tokens[None], skip_special_tokens=False)[0]
        return processor.post_process_generation(text, task=task, image_size=(image.shape[2], image.shape[1]))


def in_pixels(boxes_unit: Sequence[Sequence[float]], image_hw: tuple[int, int]) -> Float[Tensor, "n 4"]:
    """Boxes in parts of the width and height as boxes in pixels, corners in order.

    >>> in_pixels([(0.5, 0.25, 0.25, 1.0)], (100, 200))
    tensor([[ 50.,  25., 100., 100.]])
    """
    height, width = image_hw
    return ordered([(x1 * width, y1 * height, x2 * width, y2 * height) for x1, y1, x2, y2 in boxes_unit], image_hw)


def ordered(boxes: Sequence[Sequence[float]], image_hw: tuple[int, int]) -> Float[Tensor, "n 4"]:
    """Boxes in pixels as a model wrote them: swapped corners put in order, cut off at the image.

    >>> ordered([[30, 10, 20, 500]], (100, 200))
    tensor([[ 20.,  10.,  30., 100.]])
    """
    corners = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 2, 2)
    return clip_boxes(torch.cat([corners.amin(1), corners.amax(1)], dim=-1), image_hw)
