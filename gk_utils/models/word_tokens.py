"""Words as tokens: the vocabulary of the tiny vision-language models, with a rule for every space and capital.

A word is one token, a digit is one, a punctuation mark is one, and specials (tags, places, roles) are matched as they
are spelled. Spaces and capitals cost nothing: `decode` writes them by rule, so that what the countertop says comes back
letter by letter.

    "The mug is red." -> the mug is red . -> "The mug is red."

Notebooks: 12 to 15.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Int
from torch import Tensor

from gk_utils.countertop.wording import vocabulary, words

PAD, START, END = "<pad>", "<start>", "<end>"
DIGITS = "0123456789"
MARKS = ".,?!:;()[]-'\"/&%"
_TIGHT = "-'/"  # no space on either side
_NO_SPACE_BEFORE = ".,?!:;)]%"
_STOPS = ".?!"


@dataclass(frozen=True)
class WordTokens:
    """A vocabulary: pad, start and end (0, 1, 2), the specials, the words, the digits, the marks; in this order.

    Attributes:
        words: lower case letters and digits each; those given twice count once.
        specials: matched as they are spelled, the longest first, anywhere in a text; no space belongs to them.

    >>> tokens = WordTokens(("the", "mug", "is", "red"), ("<yes>",))
    >>> tokens.encode("<yes>The mug is red."), len(tokens) == 3 + 1 + 4 + 10 + len(MARKS)
    ([3, 4, 5, 6, 7, 18], True)
    >>> tokens.decode([3, 4, 5, 6, 7, 18])
    '<yes>The mug is red.'
    """

    words: tuple[str, ...]
    specials: tuple[str, ...] = ()

    def __init__(self, words: Sequence[str], specials: Sequence[str] = ()) -> None:
        """Build a vocabulary.

        Raises:
            ValueError: a word that is no lower case letters and digits, an empty special, or one given twice.
        """
        object.__setattr__(self, "words", tuple(dict.fromkeys(words)))
        object.__setattr__(self, "specials", tuple(specials))
        for word in self.words:
            if not re.fullmatch(r"[a-z0-9]+", word):
                raise ValueError(f"words: expected lower case letters and digits, got {word!r}. Split it.")
        taken = {PAD, START, END}
        for special in self.specials:
            if not special or special in taken:
                raise ValueError(f"specials: expected texts that differ and are not empty, got {special!r}. Rename it.")
            taken.add(special)

    @property
    def pad(self) -> int:
        """0, behind a text that is shorter than others."""
        return 0

    @property
    def start(self) -> int:
        """1, before a text."""
        return 1

    @property
    def end(self) -> int:
        """2, behind a text."""
        return 2

    def __len__(self) -> int:
        return len(self.spellings)

    @cached_property
    def spellings(self) -> tuple[str, ...]:
        """How each token is spelled. A word "0" to "9" is the digit."""
        plain = [word for word in self.words if word not in tuple(DIGITS)]
        return (PAD, START, END, *self.specials, *plain, *DIGITS, *MARKS)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The number of each spelling."""
        return {spelling: number for number, spelling in enumerate(self.spellings)}

    @property
    def first_word(self) -> int:
        """The first token that is no special."""
        return 3 + len(self.specials)

    def encode(self, text: str) -> list[int]:
        """The tokens of a text; white space goes, capitals do not matter but in specials.

        A number that is no word is written digit by digit.

        Raises:
            ValueError: a word or a mark that the vocabulary does not have.

        >>> WordTokens(("mug",)).encode("3 Mugs")
        Traceback (most recent call last):
        ...
        ValueError: text: expected words of the vocabulary, got 'mugs'. Add it to the words.
        """
        found = []
        for match in self._pieces.finditer(text):
            piece = match.group()
            if match.lastgroup == "special":
                found.append(self.ids[piece])
            elif piece.lower() in self.ids:
                found.append(self.ids[piece.lower()])
            elif piece.isdecimal() and piece.isascii():
                found += [self.ids[digit] for digit in piece]
            else:
                raise ValueError(f"text: expected words of the vocabulary, got {piece.lower()!r}. Add it to the words.")
        return found

    def decode(self, ids: Iterable[int]) -> str:
        """The text of tokens, up to the first end token; pad and start are left out.

        Spaces stand between words, and none before . , ? ! : ; ) ], behind ( or [, around - ' /, between digits,
        inside a number such as 0.123, or anywhere in square brackets. A word behind a special has its space behind the
        special. What ends in . ? or ! begins with a capital; words that nothing ends are a fragment and stay as they
        are.

        Raises:
            ValueError: a number that is no token.

        >>> tokens = WordTokens(("cups", "in", "all", "so"), ("</a>",))
        >>> tokens.decode(tokens.encode("cups[0.5,0.25]  in</a>all ( 12 ) . so"))
        'Cups[0.5,0.25] in</a> all (12). so'
        """
        pieces = self._spelled(ids)
        plain = [place for place, (_, special) in enumerate(pieces) if not special]
        text = [spelling for spelling, _ in pieces]
        bracket, begins = 0, None  # how deep in square brackets; the first word of the sentence
        for order, place in enumerate(plain):
            spelling = pieces[place][0]
            before = pieces[plain[order - 1]][0] if order else ""
            behind = pieces[plain[order + 1]][0] if order + 1 < len(plain) else ""
            two_before = pieces[plain[order - 2]][0] if order > 1 else ""
            space = _spaced(two_before, before, spelling, bracket)
            text[place] = " " * space + spelling
            bracket = max(bracket + (spelling == "[") - (spelling == "]"), 0)
            if begins is None and spelling[0].isalpha() and not bracket:
                begins = place
            decimal = before in DIGITS and behind in DIGITS and bool(before and behind)
            if spelling in _STOPS and not bracket and not (spelling == "." and decimal):
                if begins is not None:
                    text[begins] = _capital(text[begins])
                begins = None
        return "".join(text)

    def pad_rows(self, rows: Sequence[Sequence[int]]) -> Int[Tensor, "b t"]:
        """Rows of tokens as a tensor, pad behind the shorter ones.

        >>> WordTokens(("mug",)).pad_rows([[1, 3], [1]])
        tensor([[1, 3],
                [1, 0]])
        """
        t = max(map(len, rows), default=0)
        padded = [[*row, *[self.pad] * (t - len(row))] for row in rows]
        return torch.tensor(padded, dtype=torch.long).view(len(rows), t)

    @cached_property
    def _pieces(self) -> re.Pattern[str]:
        specials = "|".join(re.escape(special) for special in sorted(self.specials, key=len, reverse=True))
        return re.compile(rf"{f'(?P<special>{specials})|' if specials else ''}[A-Za-z0-9]+|[^\s]")

    def _spelled(self, ids: Iterable[int]) -> list[tuple[str, bool]]:
        """Spelling, and whether it is a special, up to the end token."""
        pieces = []
        for number in ids:
            if not 0 <= number < len(self):
                raise ValueError(f"ids: expected numbers from 0 to {len(self) - 1}, got {number}. Another vocabulary?")
            if number == self.end:
                break
            if number > self.end:
                pieces.append((self.spellings[number], number < self.first_word))
        return pieces


def sentence_words() -> tuple[str, ...]:
    """Every word of countertop captions, statements, questions, answers and dialogues, in alphabetical order.

    >>> known = WordTokens(sentence_words())
    >>> known.decode(known.encode("What colour are the two striped vases?"))
    'What colour are the two striped vases?'
    """
    from gk_utils.countertop.things import CATEGORIES

    said = """the a an this is are picture shows of we see what colour where which way facing how many there things yes
        no it small or large left right nothing both not with either and below under one in that each has have does"""
    numbers = "zero one two three four five six seven eight nine ten eleven twelve"
    plurals = [f"{category}s" for category in CATEGORIES]
    return tuple(sorted({*vocabulary(), *words(said), *words(numbers), *plurals}))


def _spaced(two_before: str, before: str, spelling: str, bracket: int) -> bool:
    """Whether a space stands between `before` and `spelling`."""
    if not before or bracket or before in "([" or spelling in _NO_SPACE_BEFORE or spelling in _TIGHT:
        return False
    if before in _TIGHT or spelling == "[":
        return False
    if spelling in DIGITS:  # 12, 0.5
        return not (before in DIGITS or (before == "." and two_before != "" and two_before in DIGITS))
    return True


def _capital(text: str) -> str:
    """The first letter as a capital, behind a space if there is one."""
    start = len(text) - len(text.lstrip())
    return text[:start] + text[start].upper() + text[start + 1 :]
