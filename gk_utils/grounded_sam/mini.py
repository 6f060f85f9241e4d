"""The course's own detector and segmenter, loaded once and joined; many phrases and pictures in one pass."""

import os
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils import checkpoints
from gk_utils.boxes import clip_boxes
from gk_utils.checkpoints import SHIPPED
from gk_utils.grounded_sam.phrase_by_phrase import PhraseByPhrase, as_sure
from gk_utils.grounded_sam.pipeline import GroundedSam
from gk_utils.grounding_dino.mini_dino import PADDING, SEPARATORS, MiniGroundingDino, load_mini
from gk_utils.grounding_dino.phrases import best_phrases
from gk_utils.grounding_dino.prompts import phrase_tokens, write_prompt
from gk_utils.models.trunk_grounder import letterbox, load_grounder
from gk_utils.protocols import Detections, Detector, Segmenter
from gk_utils.segment_anything.mini_sam import load_mini as load_sam

PROMPTS = 32  # asked at once
BEST = "grounding_dino"


class MiniDetector:
    """The mini Grounding DINO, each phrase a prompt of its own; a picture is looked at once for all its phrases.

    >>> from gk_utils.grounding_dino.mini_dino import build_mini
    >>> sizes = {"words": ["mug", "cat"], "image_side": 128, "width": 32, "heads": 2, "inner": 64, "queries": 5}
    >>> detector = MiniDetector(build_mini({**sizes, "enhancer_layers": 1, "decoder_layers": 1}))
    >>> [found.image_hw for found in detector.detect_batch([torch.rand(3, 48, 64)] * 2, [["mug", "cat"], ["cat"]])]
    [(48, 64), (48, 64)]
    """

    def __init__(self, mini: MiniGroundingDino) -> None:
        self.mini = mini.eval()

    def detect(self, image: Float[Tensor, "3 h w"], phrases: Sequence[str]) -> Detections:
        """The boxes of each phrase in turn, best first in each."""
        return self.detect_batch([image], [phrases])[0]

    @torch.no_grad()
    def detect_batch(self, images: Sequence[Tensor], phrases: Sequence[Sequence[str]]) -> list[Detections]:
        """The same for several pictures, each with phrases of its own.

        Raises:
            ValueError: a phrase without words.
        """
        mini, fitted = self.mini, [letterbox(image.to(self.mini.device), self.mini.image_side) for image in images]
        cells = mini.model.see(torch.stack([square for square, _ in fitted]))
        asked = [(row, phrase) for row, each in enumerate(phrases) for phrase in each]
        parts: list[list[tuple[Tensor, Tensor, str]]] = [[] for _ in images]
        for start in range(0, len(asked), PROMPTS):
            some = asked[start : start + PROMPTS]
            ids, seen = (value.to(mini.device) for value in mini.words.encode([write_prompt([one]) for _, one in some]))
            picture = torch.tensor([row for row, _ in some], device=mini.device)
            found = mini.model.find(cells.of(picture), ids, seen)
            answers = (found.logits.float().cpu(), found.boxes_cxcywh.float().cpu(), ids.cpu())
            for (row, phrase), logits, boxes_cxcywh, tokens in zip(some, *answers, strict=True):
                words = phrase_tokens(tokens, SEPARATORS, PADDING)
                if len(words) != 1:
                    raise ValueError(f"phrases: expected words in each, got {phrase!r}. Say what to look for.")
                side = (mini.image_side, mini.image_side)
                best = best_phrases(logits, boxes_cxcywh, words, [phrase], side, box_threshold=mini.absent_below)
                boxes = clip_boxes(fitted[row][1].to_pixels(best.boxes), tuple(images[row].shape[1:]))
                kept = as_sure(best.scores)
                parts[row] += [(box, score, phrase) for box, score in zip(boxes[kept], best.scores[kept], strict=True)]
        return [_join(part, tuple(image.shape[1:])) for part, image in zip(parts, images, strict=True)]


def load_detector(
    checkpoint: str | os.PathLike | None = None, device: str | torch.device = "cpu"
) -> tuple[Detector, str]:
    """A detector for phrases, and its name: a Grounding DINO or a trunk, whichever lies in the folder `checkpoint`.

    Without: the `grounding_dino` trained on a GPU where the course ships it, else the trunk. `grounding_dino_small`
    is right less often than the trunk (data/README.md), so it is taken on request alone.

    Raises:
        FileNotFoundError, ValueError: no checkpoint, a damaged one, or one that is neither.

    >>> load_detector()[1] in ("grounding_dino", "trunk", "trunk_small")
    True
    """
    if checkpoint is None and (SHIPPED / BEST).is_dir():
        checkpoint = SHIPPED / BEST
    if checkpoint is not None and "enhancer_layers" in checkpoints.load(checkpoint)[1].settings:
        mini, card = load_mini(checkpoint, device)
        return MiniDetector(mini), card.recipe
    grounder, card = load_grounder(checkpoint, device)
    return PhraseByPhrase(grounder), card.recipe


def load_segmenter(device: str | torch.device = "cpu") -> tuple[Segmenter, str]:
    """The best mini SAM that the course ships, and its name.

    Raises:
        FileNotFoundError, ValueError: the course ships none, or a damaged one.

    >>> load_segmenter()[1] in ("segment_anything", "segment_anything_small")
    True
    """
    segmenter, card = load_sam(device=device)
    return segmenter, card.recipe


def load_pipeline(
    checkpoint: str | os.PathLike | None = None, device: str | torch.device = "cpu"
) -> tuple[GroundedSam, str]:
    """The pipeline of both, and their names; `checkpoint` is that of the detector.

    >>> load_pipeline()[1].count(" + ")
    1
    """
    (detector, seen_by), (segmenter, cut_by) = load_detector(checkpoint, device), load_segmenter(device)
    return GroundedSam(detector, segmenter, device=device), f"{seen_by} + {cut_by}"


def _join(rows: list[tuple[Tensor, Tensor, str]], image_hw: tuple[int, int]) -> Detections:
    boxes = torch.stack([box for box, _, _ in rows]) if rows else torch.zeros(0, 4)
    scores = torch.stack([score for _, score, _ in rows]) if rows else torch.zeros(0)
    return Detections(boxes, scores, tuple(phrase for _, _, phrase in rows), image_hw)
