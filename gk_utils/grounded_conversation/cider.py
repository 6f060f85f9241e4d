"""CIDEr: how much a caption sounds like what people wrote of the same picture; rare word groups count more.

A caption is a vector: one number for each group of n words that follow each other, its count times the logarithm of how
rare it is among the pictures. CIDEr is the mean cosine with the references, for n from 1 to 4. What is computed
everywhere is the variant CIDEr-D: a group counts no more often than in the reference, other lengths are punished, and
the sum is multiplied by 10. It says how a caption sounds, not whether it is true.

Source: Vedantam et al. 2015, arXiv:1411.5726, sections 3 and 6 (CIDEr-D); tylin/coco-caption, cider_scorer.py, whose
numbers these are for words apart by blanks. The published one splits words with a program in Java; here they are what
`split_words` finds. METEOR, which GLaMM reports beside it, needs a table of synonyms and a program in Java: left out.
Notebook: 15.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

from gk_utils.errors import check_same_length

LONGEST = 4  # words in a group
SIGMA = 6.0  # of the punishment for another length
Vector = dict[tuple[str, ...], float]


def cider(captions: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[float, ...]:
    """CIDEr-D of each caption, from 0 to 10; the score of a model is their mean.

    Rarity is counted among the references given: a group that all pictures have is worth nothing, so that a single
    picture always scores 0, and numbers on different sets do not compare.

    Raises:
        ValueError: no pictures, another number of captions, a picture without references.

    >>> references = [["a red mug"], ["a cat"], ["two apples"]]
    >>> [round(score, 2) for score in cider(["a red mug", "a mug", "a bird"], references)]
    [7.5, 0.3, 0.0]
    """
    check_same_length(captions, references, ("captions", "references"))
    if not captions or not all(references):
        raise ValueError("references: expected at least one for each of one or more pictures, got none. Add them.")
    seen = [[split_words(text) for text in texts] for texts in references]
    pictures = Counter(group for texts in seen for group in {group for words in texts for group in _groups(words)})
    scores = []
    for caption, texts in zip(captions, seen, strict=True):
        words = split_words(caption)
        scores.append(10 * sum(_similar(words, text, pictures, len(captions)) for text in texts) / len(texts))
    return tuple(scores)


def split_words(text: str) -> list[str]:
    """Words in lower case, without punctuation.

    >>> split_words("A cat's mug, and 2 apples.")
    ['a', "cat's", 'mug', 'and', '2', 'apples']
    """
    return re.findall(r"[^\W_]+(?:['-][^\W_]+)*", text.lower())


def _similar(words: Sequence[str], text: Sequence[str], pictures: Counter[tuple[str, ...]], n: int) -> float:
    """The mean over the lengths of groups of the clipped cosine, times the punishment for another length."""
    mine, theirs = _vectors(words, pictures, n), _vectors(text, pictures, n)
    # The published code counts pairs of words for the length: max(0, words - 1).
    apart = max(0, len(words) - 1) - max(0, len(text) - 1)
    total = 0.0
    for a, b in zip(mine, theirs, strict=True):
        product = sum(min(weight, b[group]) * b[group] for group, weight in a.items() if group in b)
        norm = math.hypot(*a.values()) * math.hypot(*b.values())
        total += product / norm if norm else 0.0
    return total / LONGEST * math.exp(-(apart**2) / (2 * SIGMA**2))


def _vectors(words: Sequence[str], pictures: Counter[tuple[str, ...]], n: int) -> list[Vector]:
    """For each length of a group the weights: count times log(pictures / pictures that have it)."""
    vectors: list[Vector] = [{} for _ in range(LONGEST)]
    for group, count in _groups(words).items():
        vectors[len(group) - 1][group] = count * (math.log(n) - math.log(max(1, pictures[group])))
    return vectors


def _groups(words: Sequence[str]) -> Counter[tuple[str, ...]]:
    return Counter(
        tuple(words[start : start + length])
        for length in range(1, LONGEST + 1)
        for start in range(len(words) - length + 1)
    )
