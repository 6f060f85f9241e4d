"""The exercise 03.legal: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from gk_utils.box_tokens import Pix2SeqVocabulary
from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import complement, written

TINY = Pix2SeqVocabulary.compact(classes=2, bins=4)  # 0 end, 1 start, 2 noise, 3 and 4 classes, 5 to 8 bins
PUBLISHED = Pix2SeqVocabulary(classes=5, bins=12, end=3, start=1, noise=0, first_class=6, first_coordinate=15)


def beginnings(rng: np.random.Generator) -> list[Case]:
    """Sequences cut at every part of an object, ended ones, boxes without height; then random ones."""
    by_hand = [[], [6], [6, 5], [6, 5, 8], [6, 5, 8, 8], [6, 5, 8, 8, 3], [8], [8, 8], [5, 7, 7], [7, 5], [0], [0, 0]]
    by_hand += [[6, 5, 8, 8, 3, 0], [6, 5, 8, 8, 2, 5], [6, 5, 8, 8, 2, 7, 6], [6, 5, 8, 8, 2, 5, 8], [0, 0, 0, 0]]
    cases: list[Case] = [(torch.tensor(written, dtype=torch.long), TINY) for written in by_hand]
    for number in range(8):
        vocabulary = (TINY, PUBLISHED)[number % 2]
        ids: list[int] = []
        for _ in range(int(rng.integers(1, 3))):
            y1, x1 = rng.integers(0, vocabulary.bins, 2)
            y2, x2 = rng.integers(y1, vocabulary.bins), rng.integers(x1, vocabulary.bins)
            ids += [int(k) + vocabulary.first_coordinate for k in (y1, x1, y2, x2)]
            ids.append(vocabulary.first_class + int(rng.integers(vocabulary.classes)))
        cases.append((torch.tensor(ids[: len(ids) - number % 5]), vocabulary))
    return cases


def mask(
    *,
    least: Callable[[Tensor, int, int], int] = lambda written, part, first: int(written[-2]) if part > 1 else first,
    with_noise: bool = True,
    with_end: Callable[[int, int], bool] = lambda part, length: part == 0,
    ended: Callable[[Tensor, int], bool] = lambda written, end: bool((written == end).any()),
    class_at: int = 4,
    offset: bool = True,
    after_end: bool = True,
):
    """A solution with one part changed."""

    def answer(written: Tensor, vocabulary: Pix2SeqVocabulary) -> Tensor:
        allowed = torch.zeros(vocabulary.size, dtype=torch.bool)
        first, part = vocabulary.first_coordinate, len(written) % 5
        if ended(written, vocabulary.end):
            allowed[vocabulary.end] = after_end
        elif part == class_at:
            allowed[vocabulary.noise] = with_noise
            allowed[vocabulary.first_class : vocabulary.first_class + vocabulary.classes] = True
        else:
            shift = 0 if offset else first
            allowed[max(0, least(written, part, first) - shift) : first + vocabulary.bins - shift] = True
            if with_end(part, len(written)):
                allowed[vocabulary.end] = True
        return allowed

    return answer


def below_the_other(written: Tensor, part: int, first: int) -> int:
    """y2 held against x1, x2 against y1."""
    return int(written[len(written) - part + (3 - part)]) if part > 1 else first


LEGAL = Exercise(
    "03.legal",
    beginnings,
    mistakes=(
        written(
            "corners in any order allowed",
            "y2 must be at least y1, and x2 at least x1: leave out the bins below.",
            mask(least=lambda written, part, first: first),
        ),
        written(
            "> in place of >=",
            "A box may have no height or width: y2 may equal y1. Start at written[-2], not one above.",
            mask(least=lambda written, part, first: int(written[-2]) + 1 if part > 1 else first),
        ),
        written(
            "y2 held against x1, and x2 against y1",
            "The order is y1 x1 y2 x2: the number to compare with stands two tokens before, for both.",
            mask(least=below_the_other),
        ),
        written(
            "held against the token before",
            "The token before y2 is x1. Compare with the one two tokens before.",
            mask(least=lambda written, part, first: int(written[-1]) if part > 1 else first),
        ),
        written(
            "the first object of the sequence looked at",
            "Of a sequence with several objects the last one counts: index from the end, written[-2].",
            mask(least=lambda written, part, first: int(written[part - 2]) if part > 1 else first),
        ),
        written(
            "ids that start at bin 0",
            "The id of bin k is vocabulary.first_coordinate + k; smaller ids mean something else.",
            mask(offset=False),
        ),
        written(
            "noise left out",
            "The class may be noise: allow vocabulary.noise beside the classes.",
            mask(with_noise=False),
        ),
        written(
            "the class first",
            "Pix2Seq writes the class last: it is due when len(written) % 5 is 4.",
            mask(class_at=0),
        ),
        written(
            "no end allowed",
            "Where an object would begin, the sequence may also end.",
            mask(with_end=lambda part, length: False),
        ),
        written(
            "an end allowed inside an object",
            "The end may stand only where an object would begin: len(written) % 5 is 0.",
            mask(with_end=lambda part, length: True),
        ),
        written(
            "no end before the first object",
            "A picture may hold nothing: the end may also come first.",
            mask(with_end=lambda part, length: part == 0 and length > 0),
        ),
        written(
            "an object after the end",
            "After an end only more ends follow, wherever the end stands in `written`.",
            mask(ended=lambda written, end: False),
        ),
        written(
            "nothing allowed after the end",
            "After an end the model still has to write: allow the end itself.",
            mask(after_end=False),
        ),
        complement(),
    ),
)
