"""What can be asked for: the categories by name, one or many, and one word that means two things."""

from gk_utils.countertop.things import CATEGORIES

VAGUE = {"dish": (("plate",), ("plate", "bowl"))}  # what one annotator counts, and what another does
WORDS = (*CATEGORIES, *VAGUE)


def word_of(phrase: str) -> int:
    """The place in WORDS of the one name in a phrase: "apples", "the apples", "How many apples are there?".

    Raises:
        ValueError: a phrase without such a name or with several.

    >>> WORDS[word_of("How many dishes are there?")], word_of("mugs") == word_of("a mug")
    ('dish', True)
    """
    named = {_FORMS[word] for word in phrase.lower().strip(" ?.!").split() if word in _FORMS}
    if len(named) != 1:
        names = ", ".join(WORDS)
        raise ValueError(f"phrase: expected one name of {names}, got {phrase!r}. Name one kind of thing, plainly.")
    return named.pop()


def plural_of(word: str) -> str:
    """The plural of a word in WORDS.

    >>> plural_of("dish"), plural_of("mug")
    ('dishes', 'mugs')
    """
    return f"{word}es" if word.endswith("sh") else f"{word}s"


_FORMS = {form: number for number, word in enumerate(WORDS) for form in (word, plural_of(word))}
