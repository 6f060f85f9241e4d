"""The exercise 11.own_loss: cases, and the mistakes that have a name."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written


def pictures(rng: np.random.Generator) -> list[Case]:
    """The vector of a picture, of its captions, the true one first, and the scale: by hand, then random."""
    image = torch.tensor([1.0, 0.0])
    cases: list[Case] = [
        (image, torch.tensor([[1.0, 0.0], [0.0, 1.0]]), 1.0),
        (image, torch.tensor([[0.8, 0.6], [0.6, 0.8], [0.0, 1.0]]), 10.0),
        (image, torch.tensor([[0.6, 0.8], [0.8, 0.6]]), 10.0),  # the false one fits better
        (3 * image, torch.tensor([[0.4, 0.3], [3.0, 4.0]]), 5.0),  # lengths do not matter
        (image, torch.tensor([[0.6, 0.8], [0.6, -0.8]]), 7.0),  # a tie
        (image, torch.tensor([[0.6, 0.8]]), 7.0),  # no false one
        (image, torch.tensor([[0.6, 0.8], [-1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]]), 2.0),
        (image, torch.tensor([[1.0, 0.1], [1.0, 0.0]]), 100.0),
    ]
    for _ in range(8):
        k, d = int(rng.integers(2, 6)), int(rng.integers(2, 9))
        cases.append(
            (
                torch.from_numpy(rng.normal(size=d)).float(),
                torch.from_numpy(rng.normal(size=(k, d))).float(),
                float(rng.uniform(0.5, 15)),
            )
        )
    return cases


def softmax_loss(logits: list[float]) -> float:
    """Minus the logarithm of the first one's share."""
    top = max(logits)
    return top + math.log(sum(math.exp(logit - top) for logit in logits)) - logits[0]


def share(logits: list[float]) -> float:
    """Of the first in the softmax."""
    return math.exp(-softmax_loss(logits))


def without_the_true_one(logits: list[float]) -> float:
    """The softmax's sum over the false captions alone."""
    return math.log(sum(map(math.exp, logits[1:])) or 1.0) - logits[0]


def loss_with(
    logits: Callable[[Tensor, Tensor, float], Tensor] = lambda image, texts, scale: (
        scale * torch.cosine_similarity(image[None], texts)
    ),
    loss: Callable[[list[float]], float] = softmax_loss,
):
    """The right loss, or one of its wrong relatives."""

    def answer(image: Tensor, texts: Tensor, scale: float) -> float:
        return loss(logits(image.double(), texts.double(), scale).tolist())

    return answer


def pair_by_pair(logits: list[float]) -> float:
    """The mean of one softmax of two for each false caption."""
    return sum(softmax_loss([logits[0], other]) for other in logits[1:]) / max(1, len(logits) - 1)


OWN_LOSS = Exercise(
    "11.own_loss",
    pictures,
    mistakes=(
        written(
            "products in place of cosines",
            "Divide by the lengths first: CLIP compares directions.",
            loss_with(lambda image, texts, scale: scale * texts @ image),
        ),
        written(
            "the picture's length left in",
            "Both sides become vectors of length 1, the picture's as well.",
            loss_with(lambda image, texts, scale: scale * torch.nn.functional.normalize(texts, dim=1) @ image),
        ),
        written(
            "divided by the scale",
            "`scale` is 1 / temperature: multiply.",
            loss_with(lambda image, texts, scale: torch.cosine_similarity(image[None], texts) / scale),
        ),
        written(
            "without the scale",
            "Multiply the cosines by `scale` before the softmax.",
            loss_with(lambda image, texts, scale: torch.cosine_similarity(image[None], texts)),
        ),
        written(
            "the last caption taken for the true one",
            "The first row is the true caption.",
            loss_with(loss=lambda logits: softmax_loss(logits[::-1])),
        ),
        written(
            "the true caption left out of the sum",
            "The softmax runs over all 1 + k captions, the true one too.",
            loss_with(loss=without_the_true_one),
        ),
        written(
            "pair by pair",
            "One softmax over all captions, not one for each false one.",
            loss_with(loss=pair_by_pair),
        ),
        written(
            "the share in place of its logarithm",
            "The loss is minus the logarithm of the true caption's share.",
            loss_with(loss=share),
        ),
    ),
)
