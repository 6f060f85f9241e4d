"""How a region stands in a sentence: its coordinates as words, and behind them a token whose place its features take.

    What colour is [351, 120, 640, 480] <region_fea>?

Two numbers for a point, four for the box of anything else, each from 0 to 999 whatever the size of the picture. The
coordinates say roughly where, for a reader that sees the whole picture; the feature says what exactly is meant.

Source: You et al. 2023, arXiv:2310.07704, section 3.1; apple/ml-ferret, VOCAB_IMAGE_W = VOCAB_IMAGE_H = 1000.
Notebook: 14.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from gk_utils.errors import check_hw
from gk_utils.ferret.region_forms import Region, reference_numbers

REGION_FEATURE = "<region_fea>"
NUMBERS = 1000
_WRITTEN = re.compile(r"\[(\d{1,3}), (\d{1,3})(?:, (\d{1,3}), (\d{1,3}))?\]( <region_fea>)?")


@dataclass(frozen=True)
class HybridReference:
    """Two or four whole numbers from 0 to 999, and whether a feature stands behind them.

    >>> print(HybridReference((351, 120, 640, 480)))
    [351, 120, 640, 480] <region_fea>
    """

    numbers: tuple[int, ...]
    feature: bool = True

    def __post_init__(self) -> None:
        if len(self.numbers) not in (2, 4) or not all(0 <= number < NUMBERS for number in self.numbers):
            raise ValueError(
                f"numbers: expected two or four from 0 to {NUMBERS - 1}, got {self.numbers}. Use reference_of."
            )

    def __str__(self) -> str:
        """As it stands in the sentence."""
        return f"[{', '.join(map(str, self.numbers))}]" + (f" {REGION_FEATURE}" if self.feature else "")

    def pixels(self, image_hw: tuple[int, int]) -> tuple[float, ...]:
        """The middle of what each number can mean, in pixels: at most half a thousandth of the picture off.

        >>> HybridReference((500, 0)).pixels((100, 200))
        (100.1, 0.05)
        """
        sides = image_hw[1], image_hw[0]
        return tuple(round((number + 0.5) / NUMBERS * sides[k % 2], 6) for k, number in enumerate(self.numbers))


def reference_of(region: Region, image_hw: tuple[int, int], *, feature: bool = True) -> HybridReference:
    """The reference to a region of a picture: each coordinate in thousandths, rounded down, at most 999.

    Raises:
        TypeError, ValueError: as `region_mask`.

    >>> from gk_utils.ferret.region_forms import BoxRegion, PointRegion
    >>> print(reference_of(BoxRegion(45, 10, 82, 128), (128, 128)))
    [351, 78, 640, 999] <region_fea>
    >>> print(reference_of(PointRegion(64, 32), (128, 128), feature=False))
    [500, 250]
    """
    return reference_to(reference_numbers(region, image_hw), image_hw, feature=feature)


def reference_to(numbers: Sequence[float], image_hw: tuple[float, float], *, feature: bool = True) -> HybridReference:
    """The reference to a point x, y or a box x1, y1, x2, y2 in pixels; what lies outside is moved to the border.

    >>> print(reference_to((-3.0, 64.0), (128, 128)))
    [0, 500] <region_fea>
    """
    check_hw(image_hw)
    sides = image_hw[1], image_hw[0]
    thousandths = (int(number * NUMBERS / sides[k % 2]) for k, number in enumerate(numbers))
    return HybridReference(tuple(min(max(number, 0), NUMBERS - 1) for number in thousandths), feature)


def read_references(text: str) -> list[HybridReference]:
    """All references in a text, in its order; what is not written as they are is left alone.

    >>> [one.numbers for one in read_references("Is [1, 2, 3, 4] <region_fea> left of [500, 250]?")]
    [(1, 2, 3, 4), (500, 250)]
    """
    return [
        HybridReference(tuple(int(number) for number in found.groups()[:4] if number), bool(found.group(5)))
        for found in _WRITTEN.finditer(text)
    ]


@dataclass(frozen=True)
class ReferenceTokens:
    """Words, numbers and the place of the region's features as token numbers; commas and brackets are left out.

    0 is padding, 1 <region_fea>, 2 the question mark, then come the words and at last the numbers 0 to 999, one token
    each. (Ferret's language model writes a number in digits; one token each is easier for a tiny reader.)

    >>> tokens = ReferenceTokens(("what", "colour", "is"))
    >>> tokens.encode("What colour is [351, 7] <region_fea>?")
    [3, 4, 5, 357, 13, 1, 2]
    """

    words: tuple[str, ...]
    padding, feature, end = 0, 1, 2

    def __len__(self) -> int:
        """How many tokens there are."""
        return 3 + len(self.words) + NUMBERS

    def encode(self, text: str) -> list[int]:
        """The tokens of a question.

        Raises:
            ValueError: a word that is not known, a number above 999.
        """
        numbers = []
        for word in re.findall(r"<region_fea>|\?|[a-z]+|\d+", text.lower()):
            if word == REGION_FEATURE:
                numbers.append(self.feature)
            elif word == "?":
                numbers.append(self.end)
            elif word.isdigit() and int(word) < NUMBERS:
                numbers.append(3 + len(self.words) + int(word))
            elif word in self.words:
                numbers.append(3 + self.words.index(word))
            else:
                known = ", ".join(self.words)
                raise ValueError(f"question: expected the words {known} and numbers to 999, got {word!r}. Rephrase it.")
        return numbers

    def encode_all(self, texts: Sequence[str]) -> Int[Tensor, "n t"]:
        """The tokens of questions, padded to the longest."""
        rows = [self.encode(text) for text in texts]
        longest = max(map(len, rows), default=1)
        padded = [row + [self.padding] * (longest - len(row)) for row in rows]
        return torch.tensor(padded, dtype=torch.long).view(len(rows), longest)
