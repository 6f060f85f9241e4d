"""What is said about a statement that cannot be read: the word, what was expected there, known words like it."""

import difflib
from collections.abc import Iterable


class StatementError(ValueError):
    """A statement that cannot be read; nothing of it was guessed.

    Attributes:
        text: the whole statement.
        span: where the trouble is, (start, end) in characters; (len, len) at its end.
        expected: what could have stood there, in words.
        nearest: known words that look like what is there, best first.

    >>> error = StatementError("The cat is beind the sofa", (11, 16), "a relation", ("behind",))
    >>> print(error)
    statement: expected a relation, got 'beind' at character 11. Known words like it: behind.
    >>> print(error.pointed())
    The cat is beind the sofa
               ^^^^^
    """

    def __init__(self, text: str, span: tuple[int, int], expected: str, nearest: Iterable[str] = (), advice: str = ""):
        self.text, self.span, self.expected, self.nearest = text, span, expected, tuple(nearest)
        word = text[span[0] : span[1]]
        rest = text[span[1] :].split()
        got = f"{word[:60]!r} at character {span[0]}" if word else "the end of the text"
        if not word and rest:
            got = f"{rest[0][:60]!r} after character {span[0]}"
        advice = advice or (f"Known words like it: {', '.join(self.nearest)}." if self.nearest else "Say it otherwise.")
        super().__init__(f"statement: expected {expected}, got {got}. {advice}")

    def pointed(self, width: int = 100) -> str:
        """Two lines: the part of the statement around the word, and marks below the word."""
        start, end = self.span
        first = max(0, start - width // 2)
        shown = self.text[first : first + width].replace("\n", " ")
        return f"{shown}\n{' ' * (start - first)}{'^' * max(1, min(end, first + width) - start)}"


class Unreadable(Exception):
    """A piece of text that cannot mean what the grammar makes of it: span, what was expected, advice."""

    def __init__(self, span: tuple[int, int], expected: str, advice: str = ""):
        self.span, self.expected, self.advice = span, expected, advice

    def of(self, text: str) -> StatementError:
        """The same as an error about a text."""
        return StatementError(text, self.span, self.expected, advice=self.advice)


def nearest_words(word: str, known: Iterable[str], n: int = 3) -> tuple[str, ...]:
    """The known words or phrases that are spelt almost like `word`, best first; none if none comes near.

    Words of fewer than four letters are like too many others: none for them.

    >>> nearest_words("beind", ["behind", "below", "near"])
    ('behind',)
    """
    if len(word) < 4:
        return ()
    return tuple(difflib.get_close_matches(word.lower()[:40], list(known), n=n, cutoff=0.8))
