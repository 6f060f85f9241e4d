"""A baseline that never sees the picture: from the words of an expression straight to a box.

What it gets right, a model can get right without looking. It is a ridge regression from words and pairs of neighbouring
words to the four corners, fitted on fresh scenes.
"""

from collections.abc import Sequence
from functools import cache
from itertools import islice, pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.countertop.dataset import stream
from gk_utils.countertop.render import render
from gk_utils.countertop.wording import words

SCENES, EXPRESSIONS = 500, 8  # that it learns from
SEED = 7  # of the training stream
RIDGE = 3.0


class LanguageOnly:
    """Boxes from words alone; `weights` is (features 4), the last feature is always 1."""

    def __init__(self, texts: Sequence[str], boxes_unit: Float[Tensor, "n 4"]) -> None:
        """Fit to expressions and their boxes."""
        known = sorted({part for text in texts for part in _parts(text)})
        self.number = {part: number for number, part in enumerate(known)}
        features = self._features(texts)
        ridge = torch.full((features.shape[1],), RIDGE, dtype=torch.double)
        ridge[-1] = 1e-6  # what is unknown to the words is in the middle
        square = features.T @ features + ridge.diag()
        self.weights = torch.linalg.solve(square, features.T @ boxes_unit.double())

    def boxes_unit(self, texts: Sequence[str]) -> Float[Tensor, "n 4"]:
        """A box for each expression, xyxy as fractions of the picture."""
        boxes = (self._features(texts) @ self.weights).float()
        low, high = torch.minimum(boxes[:, :2], boxes[:, 2:]), torch.maximum(boxes[:, :2], boxes[:, 2:])
        return torch.cat([low, high], 1).clamp(0, 1)

    def _features(self, texts: Sequence[str]) -> Float[Tensor, "n f"]:
        features = torch.zeros(len(texts), len(self.number) + 1, dtype=torch.double)
        features[:, -1] = 1
        for row, text in enumerate(texts):
            for part in _parts(text):
                if part in self.number:
                    features[row, self.number[part]] = 1
        return features


@cache
def language_only() -> LanguageOnly:
    """The baseline, fitted to SCENES fresh scenes with EXPRESSIONS each; those that mean nothing are left out."""
    texts, boxes = [], []
    pairs = list(islice(stream(SEED, EXPRESSIONS), SCENES))
    for start in range(0, len(pairs), 100):
        some = pairs[start : start + 100]
        rendered = render([scene for scene, _ in some])
        for row, (_, expressions) in enumerate(some):
            for expression in expressions:
                if expression.referents:
                    texts.append(expression.text)
                    boxes.append(rendered.boxes[row, expression.referents[0]])
    return LanguageOnly(texts, torch.stack(boxes) / 128)


def _parts(text: str) -> list[str]:
    """The words of a text, and its pairs of neighbouring words."""
    single = words(text)
    return single + [f"{first} {second}" for first, second in pairwise(single)]
