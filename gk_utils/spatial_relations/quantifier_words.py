"""How many: the words of a quantifier ("exactly two", "no more than three of the", "all", "both of the", "a")."""

from gk_utils.spatial_relations.word_lists import NUMBERS

DETERMINERS = {
    **{"the": "the", "these": "the", "those": "the", "this": "the", "a": "a", "an": "a", "another": "a"},
    **{"some": "some", "any": "any", "no": "no", "none": "no", "neither": "no", "all": "all", "every": "all"},
    **{"each": "all", "both": "all", "most": "most", "several": "at_least", "multiple": "at_least"},
    **{"its": "the", "their": "the", "his": "the", "her": "the"},
}
_BEFORE_NUMBERS = (  # words, kind, what is added to the number
    (("exactly",), "exactly", 0),
    (("precisely",), "exactly", 0),
    (("only",), "exactly", 0),
    (("just",), "exactly", 0),
    (("at", "least"), "at_least", 0),
    (("at", "most"), "at_most", 0),
    (("up", "to"), "at_most", 0),
    (("no", "more", "than"), "at_most", 0),
    (("not", "more", "than"), "at_most", 0),
    (("no", "fewer", "than"), "at_least", 0),
    (("no", "less", "than"), "at_least", 0),
    (("not", "fewer", "than"), "at_least", 0),
    (("more", "than"), "at_least", 1),
    (("fewer", "than"), "at_most", -1),
    (("less", "than"), "at_most", -1),
)
STARTS = frozenset(words[0] for words, _, _ in _BEFORE_NUMBERS)
_PAIRS = {("a", "pair", "of"): 2, ("a", "couple", "of"): 2, ("a", "single"): 1, ("one", "single"): 1}
_TOTALS = ("a", "total", "of")
_PARTITIVE = ("the", "these", "those", "them", "its", "their")


def number_of(word: str) -> int | None:
    """The number that a word or its digits say, None for others; of digits, the first nine are read.

    >>> number_of("three"), number_of("12"), number_of("mug")
    (3, 12, None)
    """
    if word.isdecimal():
        return int(word[:9])
    return NUMBERS.get(word)


def read_quantifier(words: list[str], at: int) -> tuple[str | None, int | None, int]:
    """Kind and number of a quantifier and the index behind it; (None, None, at) where none begins.

    >>> read_quantifier("no more than three of the mugs".split(), 0)
    ('at_most', 3, 6)
    """
    kind, number, end = None, None, at
    word = words[at]
    rest = tuple(words[at : at + 4])
    if word in STARTS:
        for before, name, added in _BEFORE_NUMBERS:
            after = at + len(before)
            if rest[: len(before)] == before and after < len(words) and (value := number_of(words[after])) is not None:
                kind, number, end = name, value + added, after + 1
                break
    if rest[:3] == _TOTALS and at + 3 < len(words) and number_of(words[at + 3]) is not None:
        kind, number, end = "exactly", number_of(words[at + 3]), at + 4
    elif kind is None and rest[:3] in _PAIRS:
        kind, number, end = "count", _PAIRS[rest[:3]], at + 3
    elif kind is None and rest[:2] in _PAIRS:
        kind, number, end = "exactly", _PAIRS[rest[:2]], at + 2
    elif kind is None and number_of(word) is not None:
        kind, number, end = "count", number_of(word), at + 1
        if rest[1:2] == ("or",) and rest[2:3] in (("more",), ("fewer",), ("less",)):
            kind, end = ("at_least" if rest[2] == "more" else "at_most"), at + 3
    elif kind is None and word in DETERMINERS:
        kind, end = DETERMINERS[word], at + 1
        number = 2 if word in ("both", "several", "multiple") else None
    if kind is None:
        return None, None, at
    return _more_words(words, at, kind, number, end)


def _more_words(words: list[str], at: int, kind: str, number: int | None, end: int) -> tuple[str, int | None, int]:
    """What may follow a quantifier: "each one", "of the", a number behind "the" and "all"."""
    if kind == "all" and words[end : end + 2] in (["one", "of"], ["single", "one"]):
        end += 1
    if words[end : end + 1] == ["of"] and kind != "the" and words[end + 1 : end + 2] and words[end + 1] in _PARTITIVE:
        end += 2
    elif kind == "all" and words[end : end + 1] == ["the"]:
        end += 1
    if kind in ("the", "all") and number is None and end < len(words) and (value := number_of(words[end])) is not None:
        after = words[end + 1 : end + 2]
        if words[end] != "one" or after == ["of"]:
            number, end = value, end + 1
            if kind == "all" and words[end : end + 1] == ["of"] and words[end + 1 : end + 2] in (["the"], ["these"]):
                end += 2
    if kind == "the" and words[at:end][-1:] == ["the"] and words[end : end + 1] == ["only"]:
        end += 1
    return kind, number, end
