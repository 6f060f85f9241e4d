"""Phrases to boxes to masks: any detector, then any segmenter, over many pictures.

The models are handed in, loaded. A picture that shows the same as an earlier one is not embedded again, and one in
which nothing was found is not embedded at all. When memory runs out, half as many pictures (or boxes) go at once.

Source: Ren et al. 2024, "Grounded SAM", arXiv:2401.14159. Notebook: 09.
"""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torchvision.ops import batched_nms

from gk_utils.boxes import clip_boxes
from gk_utils.errors import check_same_length
from gk_utils.grounded_sam.embedding_cache import EmbeddingCache, picture_key
from gk_utils.grounded_sam.grounded import Grounded
from gk_utils.grounded_sam.halving import Halving
from gk_utils.grounded_sam.precision import half_for, short_products
from gk_utils.grounded_sam.run_lengths import encode_masks
from gk_utils.protocols import Detections, Detector, Segmenter

NMS_IOU = 0.7  # boxes of one phrase that overlap more than this are one box
PROMPTS = 64  # boxes that the segmenter gets at once


@runtime_checkable
class BatchDetector(Protocol):
    """What a detector may offer beside `detect`: several pictures at once, each with phrases of its own."""

    def detect_batch(self, images: Sequence[Tensor], phrases: Sequence[Sequence[str]]) -> Sequence[Detections]:
        """One result a picture."""


@runtime_checkable
class Embeds(Protocol):
    """What a segmenter may offer beside `set_image`: embeddings that can be kept and put back."""

    def embed(self, image: Tensor) -> Any:
        """The embedding of a picture."""

    def set_embedding(self, embedding: Any, image_hw: tuple[int, int]) -> None:
        """Use an embedding as if its picture had been set."""


class GroundedSam:
    """The pipeline: `GroundedSam(detector, segmenter)(images, phrases)`.

    A detector with `detect_batch` gets several pictures at once, and so does a segmenter with `embed_all`. A
    segmenter with `embed` and `set_embedding` has its embeddings kept; without, each picture is set.

    Attributes:
        encoder_calls: how many pictures the segmenter has embedded.
        cache: the embeddings that are kept.

    >>> from gk_utils.grounded_sam.box_filler import BoxFiller
    >>> from gk_utils.grounded_sam.phrase_by_phrase import PhraseByPhrase
    >>> from gk_utils.models.trunk_grounder import load_grounder
    >>> pipeline = GroundedSam(PhraseByPhrase(load_grounder()[0]), BoxFiller())
    >>> [found.asked for found in pipeline([torch.rand(3, 48, 64)], ["mug", "cat"])]
    [('mug', 'cat')]
    """

    def __init__(
        self,
        detector: Detector,
        segmenter: Segmenter,
        *,
        device: str | torch.device = "cpu",
        batch: int = 8,
        kept: int = 64,
        full_precision: bool = False,
    ) -> None:
        self.detector, self.segmenter, self.device = detector, segmenter, torch.device(device)
        self.half = None if full_precision else half_for(device)
        self.full_precision, self.batch = full_precision, batch
        self.cache, self.encoder_calls = EmbeddingCache(kept), 0
        self._shown = ""
        self._detecting, self._embedding, self._prompting = Halving(batch), Halving(batch), Halving(PROMPTS)

    @torch.no_grad()
    def __call__(
        self,
        images: Sequence[Shaped[Tensor, "3 _ _"]],
        phrases: Sequence[str] | Sequence[Sequence[str]],
        names: Sequence[str] | None = None,
    ) -> list[Grounded]:
        """One result a picture.

        Args:
            images: RGB, uint8 or floats in [0, 1], of any sizes and on any device.
            phrases: to look for in all pictures, or a list of phrases for each picture.
            names: of the pictures; None counts them.

        Raises:
            ValueError: no phrases, an empty one, as many lists or names as there are no pictures.
            torch.OutOfMemoryError: a single picture does not fit.
        """
        asked = _asked(phrases, len(images))
        names = [f"picture {number}" for number in range(len(images))] if names is None else list(names)
        check_same_length(images, names, ("images", "names"))
        found: list[Grounded] = []
        for start in range(0, len(images), self.batch):
            rows = slice(start, start + self.batch)
            found += self._ground(list(images[rows]), asked[rows], names[rows])
        return found

    @torch.no_grad()
    def cut(self, image: Shaped[Tensor, "3 _ _"], boxes: Float[Tensor, "n 4"]) -> tuple[dict[str, Any], ...]:
        """The mask of each box as run lengths, for boxes that somebody else found; the same cache, no detector."""
        if not len(boxes):
            return ()
        key, pixels = picture_key(image), _as_floats(image.to(self.device))
        self._show(key, pixels, self._embed_all({key: pixels}).get(key))
        return tuple(self._prompting(self._segment, list(boxes.to(self.device))))

    def _ground(self, images: list[Tensor], asked: list[tuple[str, ...]], names: list[str]) -> list[Grounded]:
        keys = [picture_key(image) for image in images]
        pixels = [_as_floats(image.to(self.device)) for image in images]
        detections = self._detecting(self._detect, list(zip(pixels, asked, strict=True)))
        kept = [_tidy(found, phrases) for found, phrases in zip(detections, asked, strict=True)]
        with_boxes = {key: image for key, image, found in zip(keys, pixels, kept, strict=True) if len(found)}
        embeddings = self._embed_all(with_boxes)
        results = []
        for key, image, phrases, found, name in zip(keys, pixels, asked, kept, names, strict=True):
            masks: tuple[dict[str, Any], ...] = ()
            if len(found):  # no prompts: SAM of transformers stops with an error there
                self._show(key, image, embeddings.get(key))
                masks = tuple(self._prompting(self._segment, list(found.boxes.to(self.device))))
            boxes, scores = found.boxes.float().cpu(), found.scores.float().cpu().clamp(0, 1)
            results.append(Grounded(name, found.image_hw, phrases, boxes, found.phrases, scores, masks))
        return results

    def _detect(self, batch: Sequence[tuple[Tensor, tuple[str, ...]]]) -> list[Detections]:
        images, asked = [image for image, _ in batch], [phrases for _, phrases in batch]
        if self.full_precision or self.device.type != "cuda":
            return self._detected(images, asked)
        with short_products():
            return self._detected(images, asked)

    def _detected(self, images: list[Tensor], asked: list[tuple[str, ...]]) -> list[Detections]:
        if isinstance(self.detector, BatchDetector):
            return list(self.detector.detect_batch(images, asked))
        return [self.detector.detect(image, phrases) for image, phrases in zip(images, asked, strict=True)]

    def _embed_all(self, images: dict[str, Tensor]) -> dict[str, Any]:
        """The embeddings of pictures by their keys, from the cache or new; nothing if the segmenter keeps its own."""
        if not isinstance(self.segmenter, Embeds):
            return {}
        known = {key: self.cache[key] for key in images if key in self.cache}
        new = [key for key in images if key not in known]
        fresh = self._embedding(self._embed, [images[key] for key in new])
        for key, embedding in zip(new, fresh, strict=True):
            self.cache[key] = known[key] = embedding
        return known

    def _embed(self, images: Sequence[Tensor]) -> list[Any]:
        with self._autocast():
            embeddings = self._embedded(images)
        if self.half == torch.float16:  # its largest number is 65504
            broken = [i for i, one in enumerate(embeddings) if isinstance(one, Tensor) and not one.isfinite().all()]
            for i in broken:
                embeddings[i] = self._embedded(images[i : i + 1])[0]
        return embeddings

    def _embedded(self, images: Sequence[Tensor]) -> list[Any]:
        self.encoder_calls += len(images)
        if hasattr(self.segmenter, "embed_all"):
            return list(self.segmenter.embed_all(images))
        return [self.segmenter.embed(image) for image in images]

    def _show(self, key: str, image: Tensor, embedding: Any) -> None:
        """Make the next prompts be about this picture."""
        if embedding is not None:
            self.segmenter.set_embedding(embedding, tuple(image.shape[1:]))
            return
        if key == self._shown:
            return
        self._shown, self.encoder_calls = key, self.encoder_calls + 1
        with self._autocast():
            self.segmenter.set_image(image)

    def _segment(self, boxes: Sequence[Tensor]) -> tuple[dict[str, Any], ...]:
        with self._autocast():
            return encode_masks(self.segmenter.segment(boxes=torch.stack(list(boxes))).masks)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.half, enabled=self.half is not None)


def _asked(phrases: Sequence[str] | Sequence[Sequence[str]], n: int) -> list[tuple[str, ...]]:
    """The phrases of each picture: stripped, each once."""
    if isinstance(phrases, str):
        raise TypeError(f"phrases: expected a list, got the text {phrases!r}. Put it in brackets.")
    shared = all(isinstance(phrase, str) for phrase in phrases)
    lists = [phrases] * n if shared else list(phrases)
    if len(lists) != n:
        raise ValueError(f"phrases: expected a list for each of {n} pictures, got {len(lists)}. Or one for all.")
    found = [tuple(dict.fromkeys(phrase.strip() for phrase in each)) for each in lists]
    if not phrases or not all(each and all(each) for each in found):
        raise ValueError("phrases: expected at least one, and words in each, got none. Say what to look for.")
    return found


def _as_floats(image: Tensor) -> Tensor:
    return image if image.is_floating_point() else image.float() / 255


def _tidy(found: Detections, asked: tuple[str, ...]) -> Detections:
    """Boxes inside the picture, each thing once a phrase, in the order of the phrases, best first in each."""
    height, width = found.image_hw
    boxes = clip_boxes(found.boxes.float(), (height, width))
    if unknown := set(found.phrases) - set(asked):
        raise ValueError(
            f"detector: expected phrases of {list(asked)}, got {min(unknown)!r}. Let it name what was asked."
        )
    place = torch.tensor([asked.index(phrase) for phrase in found.phrases], dtype=torch.long, device=boxes.device)
    kept = batched_nms(boxes, found.scores.float(), place, NMS_IOU)  # best first
    kept = kept[place[kept].argsort(stable=True)]
    return Detections(
        boxes[kept], found.scores[kept], tuple(found.phrases[row] for row in kept.tolist()), (height, width)
    )
