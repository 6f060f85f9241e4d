"""Words, pieces of numbers and signs as tokens, and back: the tokenizer of the dialogue model.

A coordinate is two tokens: "0.48" and "3" for 0.483. That is the tokenizer's business alone, the text stays as
published: tokenizers split numbers into single digits or into groups of up to three (lesson 05). The first piece holds
all that a picture of 128 pixels can show, so one decision says where an edge is instead of three that must agree.
`number_like` starts the pieces so that near numbers have near embeddings.

Notebook: 13.
"""

import math
import re
from collections.abc import Sequence
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gk_utils.countertop.things import CATEGORIES
from gk_utils.countertop.wording import vocabulary
from gk_utils.shikra.talk import Conversation, Utterance, read

MARKS = ("<pad>", "<start>", "<end>", "USER:", "ASSISTANT:")
SIGNS = (" [", "[", "]", ",", ";", ".", "?")  # a bracket knows whether a blank comes before it, as in other tokenizers
DIGITS = tuple("0123456789")
PIECES = tuple(f"{hundredth / 100:.2f}" for hundredth in range(101))  # "0.00" to "1.00"
FREQUENCIES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # waves over [0, 1]

_SPLIT = re.compile(r" \[|\[|\]|\d\.\d{3}|\d\.\d{2}|[,;.?]|[a-z0-9]+|\S")
_EXTRA = (
    "a an and are at behind below by colour describe do dotted down facing find fits fit how in inside it like many "
    "near no none nothing on one or picture points say see shows so that the there this thing to true under we what "
    "where which with yes two three four five six seven eight nine ten eleven twelve small large else is same else way "
    "you can of left right front things color boxes also"
)


class TalkTokens:
    """A vocabulary; `encode` and `decode` are inverse on conversations about the countertop.

    >>> tokens = TalkTokens()
    >>> ids = tokens.encode("What is in [0.120,0.300,0.483,1.000]?")
    >>> [tokens.names[number] for number in ids][3:8]
    [' [', '0.12', '0', ',', '0.30']
    >>> tokens.decode(ids)
    'What is in [0.120,0.300,0.483,1.000]?'
    """

    def __init__(self, words: Sequence[str] | None = None) -> None:
        """Tokens for these words, or for all that the countertop's sentences may use."""
        self.words = tuple(talk_words() if words is None else words)
        self.names = (*MARKS, *SIGNS, *DIGITS, *PIECES, *self.words)
        self._number = {name: number for number, name in reversed([*enumerate(self.names)])}
        self.pad, self.start, self.end, self.user, self.assistant = range(len(MARKS))
        self.open_apart, self.open, self.close = (self._number[sign] for sign in SIGNS[:3])
        self.first_digit = self.names.index(DIGITS[0])
        self.first_piece = self.names.index(PIECES[0])
        self.first_word = self.first_piece + len(PIECES)

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def digit_ids(self) -> frozenset[int]:
        """The tokens of third decimals."""
        return frozenset(range(self.first_piece - len(DIGITS), self.first_piece))

    def is_piece(self, tokens: Int[Tensor, "*b"]) -> Tensor:
        """Which tokens are the first two decimals of a coordinate."""
        return (tokens >= self.first_piece) & (tokens < self.first_word)

    def encode(self, text: str) -> list[int]:
        """The tokens of one utterance's text; capitals do not count.

        Raises:
            ValueError: a word or a sign that is not known; names it.
        """
        ids: list[int] = []
        for part in _SPLIT.findall(text.lower()):
            if re.fullmatch(r"\d\.\d{3}", part):
                ids += [self._id(part[:4], text), self._number[part[4]]]
            elif part.isdigit() and part not in self._number:
                ids += [self._number[digit] for digit in part]
            else:
                ids.append(self._id(part, text))
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of one utterance, up to the first end token. Any tokens give a text.

        >>> tokens = TalkTokens()
        >>> tokens.decode(tokens.encode("yes, it is. a mug[0.100,0.200]"))
        'Yes, it is. A mug[0.100,0.200]'
        """
        text, inside, capital, is_word = "", False, True, False
        for number in ids:
            name = self.names[number]
            if number == self.end:
                break
            if number < len(MARKS):
                continue
            tight, is_word = inside and not is_word and number < self.first_word, number >= self.first_word
            if name in SIGNS or tight:
                text += name if text else name.lstrip()
                inside = name.endswith("[") or (inside and name != "]")
                capital = capital or (not inside and name in (".", "?"))
                continue
            text += (" " if text else "") + (name[0].upper() + name[1:] if capital else name)
            capital = False
        return text

    def encode_talk(self, conversation: Conversation, open_turn: bool = False) -> list[int]:
        """A conversation: a start, a mark before each utterance, an end behind each answer.

        `open_turn` puts the assistant's mark behind the last question, for the model to go on.
        """
        ids = [self.start]
        for each in conversation.utterances:
            ids += self.encode_turn(each)
        return [*ids, self.assistant] if open_turn else ids

    def encode_turn(self, utterance: Utterance) -> list[int]:
        """One utterance with its marks."""
        if utterance.role == "user":
            return [self.user, *self.encode(utterance.text)]
        return [self.assistant, *self.encode(utterance.text), self.end]

    def read_answer(self, ids: Sequence[int]) -> Utterance:
        """What the assistant wrote, as an utterance."""
        return read("assistant", self.decode(ids))

    def _id(self, name: str, text: str) -> int:
        if name not in self._number:
            raise ValueError(f"text: expected words of the countertop, got {name!r} in {text!r}. Use another word.")
        return self._number[name]


def talk_words() -> tuple[str, ...]:
    """Every word of the course's conversations, in alphabetical order.

    >>> {"mugs", "describe", "leftmost", "twelve"} <= set(talk_words())
    True
    """
    plurals = [f"{name}s" for name in (*CATEGORIES, "thing")]
    return tuple(sorted({*vocabulary(), *CATEGORIES, *plurals, *_EXTRA.split()} - {*DIGITS}))


def waves(numbers: Float[Tensor, "*b"]) -> Float[Tensor, "*b w"]:
    """Cosines and sines of numbers in [0, 1] at FREQUENCIES: near numbers give near vectors, at every scale.

    >>> waves(torch.tensor([0.0, 1.0])).shape
    torch.Size([2, 12])
    """
    angles = 2 * math.pi * numbers[..., None] * torch.tensor(FREQUENCIES, device=numbers.device)
    return torch.cat([angles.cos(), angles.sin()], -1)


def number_like(tokens: TalkTokens, width: int, generator: torch.Generator) -> Float[Tensor, "p d"]:
    """First embeddings for the pieces of coordinates: a random linear map of their `waves`, of the usual size."""
    middles = (torch.arange(len(PIECES)) + 0.5) / 100
    spread = torch.randn(2 * len(FREQUENCIES), width, generator=generator) / math.sqrt(len(FREQUENCIES))
    return 0.08 * waves(middles.clamp(max=1.0)) @ spread
