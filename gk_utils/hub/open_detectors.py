"""Published detectors told in words what to find: Grounding DINO, MM-Grounding-DINO, OWLv2, and SAM 3 by its words.

Each goes through transformers' own processor and post-processing. They detect: for "the left mug" they may return every
mug. `ground` therefore answers with the best box, right or wrong, and says absent if none passes the threshold.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gk_utils.boxes import clip_boxes
from gk_utils.grounding_dino.dino_settings import BERT_SEPARATORS
from gk_utils.grounding_dino.phrases import phrase_scores
from gk_utils.grounding_dino.prompts import phrase_tokens, write_prompt
from gk_utils.hub.half_precision import Loaded, to_picture
from gk_utils.protocols import Detections, Grounding


class _Grounds:
    """`ground` by the detector's own best box."""

    def ground(self, image: Float[Tensor, "3 h w"], phrase: str) -> Grounding:
        """The boxes of one phrase, best first; absent: none passed the threshold."""
        return as_grounding(self.detect(image, [phrase]), phrase)


def as_grounding(found: Detections, phrase: str) -> Grounding:
    """What was detected for one phrase, best first, as the answer to "where is it?"."""
    order = found.scores.argsort(descending=True, stable=True)
    return Grounding(found.boxes[order], found.scores[order], phrase, not len(found), found.image_hw)


class PublishedDino(_Grounds):
    """Grounding DINO or MM-Grounding-DINO; a `Detector` and a `Grounder`.

    Attributes:
        box_threshold: a box is kept if its best token scores above it.
        text_threshold: the tokens above it are the words that a box is called by.
    """

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.box_threshold, self.text_threshold = 0.3, 0.25

    def detect(self, image: Float[Tensor, "3 h w"], phrases: Sequence[str]) -> Detections:
        """All boxes of all phrases, best first.

        A box is of the phrase that transformers reads out. What it reads may be cut or run together from two phrases;
        then it is the phrase whose tokens score most.

        Raises:
            ValueError: no phrases, one with a dot in it, or more words than the model reads in one prompt.
            HubError: the GPU's memory ran out.
        """
        hit, scores_of_phrases = self._answer(image, phrases)
        order = hit["scores"].argsort(descending=True, stable=True)
        known = {write_prompt([phrase]).removesuffix("."): phrase for phrase in phrases}
        best = scores_of_phrases.argmax(-1).tolist()
        named = [known.get(label, phrases[n]) for label, n in zip(hit["text_labels"], best, strict=True)]
        image_hw = tuple(image.shape[1:])
        boxes = clip_boxes(hit["boxes"][order], image_hw)
        return Detections(boxes, hit["scores"][order], tuple(named[i] for i in order.tolist()), image_hw)

    def read_out(self, image: Float[Tensor, "3 h w"], phrases: Sequence[str]) -> Detections:
        """The same with the labels as transformers reads them, cut, run together or empty as they may be."""
        hit, _ = self._answer(image, phrases)
        return Detections(hit["boxes"], hit["scores"], tuple(hit["text_labels"]), tuple(image.shape[1:]))

    def _answer(
        self, image: Float[Tensor, "3 h w"], phrases: Sequence[str]
    ) -> tuple[dict[str, Any], Float[Tensor, "n p"]]:
        loaded = self.loaded
        batch = loaded.processor(images=to_picture(image), text=write_prompt(phrases), return_tensors="pt")
        ids, most = batch["input_ids"], loaded.model.config.max_text_len
        if ids.shape[1] > most:
            raise ValueError(
                f"phrases: expected at most {most} tokens in all, got {ids.shape[1]}. Ask for them in several calls."
            )
        t = ids.shape[1]
        out = loaded.run(
            lambda: loaded.model(**loaded.inputs(batch)), lambda out: (out.logits[..., :t], out.pred_boxes)
        )
        out.logits, out.pred_boxes = out.logits.float().cpu(), out.pred_boxes.float().cpu()
        hit = loaded.processor.post_process_grounded_object_detection(
            out,
            ids,
            threshold=self.box_threshold,
            text_threshold=self.text_threshold,
            target_sizes=[tuple(image.shape[1:])],
        )[0]
        hit["text_labels"] = hit["text_labels"][: len(hit["scores"])]  # without boxes there is one empty label
        kept = out.logits[0].sigmoid().amax(-1) > self.box_threshold
        return hit, phrase_scores(out.logits[0, kept, :t], phrase_tokens(ids[0], BERT_SEPARATORS))


class PublishedOwl(_Grounds):
    """OWLv2; a `Detector` and a `Grounder`. A box is kept if its score is above `box_threshold`.

    It was trained on "a photo of a mug"; bare words are put into that form.
    """

    def __init__(self, loaded: Loaded) -> None:
        self.loaded, self.box_threshold = loaded, 0.1

    def detect(self, image: Float[Tensor, "3 h w"], phrases: Sequence[str]) -> Detections:
        """All boxes of all phrases, best first; each box is of the one phrase that fits it best.

        Raises:
            ValueError: no phrases, or an empty one.
            HubError: the GPU's memory ran out.
        """
        check_phrases(phrases)
        loaded, image_hw = self.loaded, tuple(image.shape[1:])
        texts = [[f"a photo of {with_article(phrase)}" for phrase in phrases]]
        batch = loaded.processor(images=to_picture(image), text=texts, truncation=True, return_tensors="pt")
        out = loaded.run(lambda: loaded.model(**loaded.inputs(batch)), lambda out: (out.logits, out.pred_boxes))
        out.logits, out.pred_boxes = out.logits.float().cpu(), out.pred_boxes.float().cpu()
        hit = loaded.processor.post_process_grounded_object_detection(
            out, threshold=self.box_threshold, target_sizes=[image_hw], text_labels=[list(phrases)]
        )[0]
        order = hit["scores"].argsort(descending=True, stable=True)
        named = tuple(hit["text_labels"][i] for i in order.tolist())
        return Detections(clip_boxes(hit["boxes"][order], image_hw), hit["scores"][order], named, image_hw)


class PublishedConcepts(_Grounds):
    """SAM 3 told in words: boxes and masks of everything that a short noun phrase names; a `Detector`, a `Grounder`."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded, self.box_threshold = loaded, 0.3

    def detect(self, image: Float[Tensor, "3 h w"], phrases: Sequence[str]) -> Detections:
        """All boxes of all phrases, phrase by phrase."""
        return self.detect_masks(image, phrases)[0]

    def detect_masks(
        self, image: Float[Tensor, "3 h w"], phrases: Sequence[str]
    ) -> tuple[Detections, Bool[Tensor, "n h w"]]:
        """The same with a mask for each box. The picture is embedded once for all phrases.

        Raises:
            ValueError: no phrases, or an empty one.
            HubError: the GPU's memory ran out.
        """
        check_phrases(phrases)
        loaded, image_hw = self.loaded, tuple(image.shape[1:])
        batch = loaded.processor(images=to_picture(image), text=list(phrases)[:1], return_tensors="pt")
        texts = [loaded.processor(text=phrase, return_tensors="pt") for phrase in phrases]

        def ask() -> list[Any]:
            seen = loaded.model.get_vision_features(loaded.inputs(batch)["pixel_values"])
            return [loaded.model(vision_embeds=seen, **loaded.inputs(text)) for text in texts]

        answers = loaded.run(
            ask, lambda found: (n for out in found for n in (out.pred_logits, out.pred_boxes, out.pred_masks))
        )
        boxes, scores, masks, named = [], [], [], []
        for phrase, out in zip(phrases, answers, strict=True):
            for field in ("pred_logits", "pred_boxes", "pred_masks", "presence_logits"):
                setattr(out, field, getattr(out, field).float().cpu())
            hit = loaded.processor.post_process_instance_segmentation(
                out, threshold=self.box_threshold, target_sizes=[image_hw]
            )[0]
            boxes.append(clip_boxes(hit["boxes"], image_hw))
            scores.append(hit["scores"])
            masks.append(hit["masks"].bool() if len(hit["scores"]) else torch.zeros(0, *image_hw, dtype=torch.bool))
            named += [phrase] * len(hit["scores"])
        found = Detections(torch.cat(boxes), torch.cat(scores), tuple(named), image_hw)
        return found, torch.cat(masks)


def with_article(phrase: str) -> str:
    """A phrase that can stand behind "a photo of".

    >>> with_article("Red mug"), with_article("the orange"), with_article("apple")
    ('a red mug', 'the orange', 'an apple')
    """
    words = phrase.strip().lower().split()
    if words and words[0] in {"a", "an", "the", "two", "some", "my", "his", "her", "its"}:
        return " ".join(words)
    return " ".join(["an" if words and words[0][0] in "aeiou" else "a", *words])


def check_phrases(phrases: Sequence[str]) -> None:
    """Raise unless there are phrases, and words in each.

    Raises:
        ValueError: none, or an empty one.
    """
    if not phrases or not all(phrase.strip() for phrase in phrases):
        raise ValueError(f"phrases: expected words in each of them, got {list(phrases)}. Say what to look for.")
