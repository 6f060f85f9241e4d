"""How grounded conversation generation is scored: AP50, mask recall and mean IoU, with what the published ones forgive.

GLaMM's scores look at masks without scores (each counts as sure), and at texts by a similarity. Three things that are
easy to overlook, all from the published code: mask recall stops at the best remaining pair if its texts differ, and so
misses pairs behind it; mean IoU is over pairs that overlap at all, so that what is left out or made up costs nothing;
and AP50 alone goes down for a phrase that means nothing in the picture, since its mask is a false positive: mask recall
and mean IoU stay as long as that mask is apart.

Source: Rasheed et al. 2024, GLaMM, arXiv:2311.03356, section 4.3; code mbzuai-oryx/groundingLMM, eval/gcg/evaluate.py.
There, two texts are alike if the cosine of their mean BERT vectors is 0.5 or more; here the similarity is handed in.
Notebook: 15.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gk_utils.errors import check_same_length
from gk_utils.grounded_conversation.cider import split_words

Masks = Bool[Tensor, "_ h w"]
Similarity = Callable[[str, str], float]
RECALLS = np.linspace(0, 1, 101)
MOST = 100  # masks of a picture


def mask_ious(first: Bool[Tensor, "n h w"], second: Bool[Tensor, "m h w"]) -> Float[Tensor, "n m"]:
    """IoU of every two masks; 0 for two empty ones.

    >>> mask_ious(torch.tensor([[[1, 1]]]).bool(), torch.tensor([[[0, 1]], [[1, 1]]]).bool())
    tensor([[0.5000, 1.0000]])
    """
    a, b = first.flatten(1).float(), second.flatten(1).float()
    both = a @ b.T
    return both / (a.sum(1)[:, None] + b.sum(1) - both).clamp(min=1)


def ap50(found: Sequence[Masks], true: Sequence[Masks]) -> float:
    """COCO's AP at IoU 0.5 for masks of one category that are all equally sure: those of the first picture come first.

    As pycocotools counts it, at most 100 masks a picture. -1 where nothing is to be found.

    Raises:
        ValueError: another number of pictures on both sides, or none.

    >>> true = torch.tensor([[[1, 1, 0]]]).bool()
    >>> round(ap50([true, true], [true, true]), 2), round(ap50([true, ~true], [true, true]), 2)
    (1.0, 0.5)
    """
    _check(found, true)
    right = [hit for some, meant in zip(found, true, strict=True) for hit in _hits(mask_ious(some[:MOST], meant))]
    truths = sum(map(len, true))
    if not truths:
        return -1.0
    hits = np.cumsum(right) if right else np.zeros(0)
    precision = hits / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]  # at this recall or beyond
    places = np.searchsorted(hits / truths, RECALLS, side="left")
    return float(np.mean([best[place] if place < len(best) else 0.0 for place in places]))


def mean_iou(found: Sequence[Masks], true: Sequence[Masks]) -> float:
    """Mean over pictures of the mean IoU of pairs, each time the best pair that is left; pairs without overlap: none.

    >>> true = torch.tensor([[[1, 1, 0]], [[0, 0, 1]]]).bool()
    >>> mean_iou([true[:1]], [true])
    1.0
    """
    _check(found, true)
    means = []
    for some, meant in zip(found, true, strict=True):
        pairs = _pairs(mask_ious(some, meant), lambda iou, *_: iou > 0)
        means.append(float(np.mean([iou for iou, _, _ in pairs])) if pairs else 0.0)
    return float(np.mean(means))


def mask_recall(
    found: Sequence[tuple[Masks, Sequence[str]]],
    true: Sequence[tuple[Masks, Sequence[str]]],
    alike: Similarity | None = None,
    *,
    stops: bool = True,
) -> float:
    """The share of true phrases with a mask of IoU 0.5 or more, whose words are alike by 0.5 or more.

    Args:
        found: of each picture masks and their phrases.
        true: the same.
        alike: similarity of two texts in [0, 1]; None: `common_words`.
        stops: as published, the search ends at the best pair that is left if its words are not alike. False goes on.

    Raises:
        ValueError: another number of pictures, or of phrases than masks.

    >>> left, right = torch.tensor([[[1, 1, 0, 0]], [[0, 0, 0, 1]]]).bool()
    >>> true = [(torch.stack([left, right]), ["a mug", "a cat"])]
    >>> found = [(torch.stack([left, right]), ["a kettle", "the cat"])]
    >>> mask_recall(found, true), mask_recall(found, true, stops=False)
    (0.0, 0.5)
    """
    _check(found, true)
    alike, hits = alike or common_words, 0
    for (masks, phrases), (true_masks, true_phrases) in zip(found, true, strict=True):
        check_same_length(masks, phrases, ("masks", "phrases"))
        check_same_length(true_masks, true_phrases, ("true masks", "true phrases"))
        sims = torch.tensor([[alike(a, b) for b in phrases] for a in true_phrases]).reshape(
            len(true_phrases), len(phrases)
        )
        ious = mask_ious(true_masks, masks)
        if not stops:
            ious = ious * (sims >= 0.5)
        hits += len(_pairs(ious, lambda iou, i, j, sims=sims: iou >= 0.5 and float(sims[i, j]) >= 0.5))
    truths = sum(len(phrases) for _, phrases in true)
    return hits / truths if truths else 0.0


def common_words(first: str, second: str) -> float:
    """How alike two phrases are by their words, articles aside: twice what they share by what they have; 0 without any.

    >>> common_words("a red mug", "the mug"), common_words("a cat", "a mug")
    (0.6666666666666666, 0.0)
    """
    a, b = (set(split_words(text)) - {"a", "an", "the"} for text in (first, second))
    return 2 * len(a & b) / (len(a) + len(b)) if a or b else 0.0


def _pairs(ious: Float[Tensor, "n m"], fits: Callable[[float, int, int], bool]) -> list[tuple[float, int, int]]:
    """Pairs, the best that is left each time, up to the first that does not fit."""
    left, pairs = ious.clone(), []
    while left.numel():
        row, column = divmod(int(left.argmax()), left.shape[1])
        iou = float(left[row, column])
        if iou < 0 or not fits(iou, row, column):
            break
        pairs.append((iou, row, column))
        left[row], left[:, column] = -1.0, -1.0
    return pairs


def _hits(ious: Float[Tensor, "n m"]) -> list[bool]:
    """Whether each mask, in its order, gets a truth of IoU 0.5 that is free: the best one, the last of equals."""
    free, hits = [True] * ious.shape[1], []
    for row in ious.double().tolist():
        best = None
        for place, iou in enumerate(row):
            if free[place] and iou >= (row[best] if best is not None else min(0.5, 1 - 1e-10)):
                best = place
        hits.append(best is not None)
        if best is not None:
            free[best] = False
    return hits


def _check(found: Sequence[object], true: Sequence[object]) -> None:
    check_same_length(found, true, ("found", "true"))
    if not len(true):
        raise ValueError("true: expected at least one picture, got none. There is nothing to score.")
