"""English back to a program: the reader that executes what a model writes about a region.

It reads every wording of `countertop.wording.describe`, in all three dialects, by trying the ways a phrase can go on
and taking the first that uses up all words. What it cannot read is None: an expression that nobody can execute singles
out nothing.

    "the second red mug from the left" -> Program("mug", colour red, side left, rank 2) -> the things that it leaves

Notebook: 13.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

from gk_utils.countertop.programs import SIDES, Program, referents
from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES, COLOURS, FACINGS, KINDS, PATTERNS, SIZES
from gk_utils.countertop.wording import RELATION_WORDS, words

ARTICLES = ("the", "a", "an")
RANKS = {"second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "fifth": 5, "5th": 5}
FIRST_BEFORE = {  # a word before the noun: the side it counts from
    **{"left": "left", "leftmost": "left", "right": "right", "rightmost": "right"},
    **{"front": "front", "closest": "front", "nearest": "front", "frontmost": "front"},
    **{"back": "back", "rearmost": "back", "farthest": "back"},
}
FIRST_BEHIND = {
    **{"far left": "left", "on the far left": "left", "farthest to the left": "left"},
    **{"far right": "right", "on the far right": "right", "farthest to the right": "right"},
    **{"at front": "front", "closest to the viewer": "front"},
    **{"at back": "back", "farthest from the viewer": "back"},
}
LOOKS = {
    value: name for name, values in (("size", SIZES), ("colour", COLOURS), ("pattern", PATTERNS)) for value in values
}
STATES = tuple(state for kind in KINDS.values() for state in kind.states)
_CARRIED = {"with toast up": "toast up", "with flowers": "with flowers"}  # states that stand behind the noun
_LACKED = {"without toast": "toast up", "without flowers": "with flowers"}

MOST_WORDS = 100  # a model in a loop writes more; people do not

State = tuple[Program, int]  # what was read so far, and the number of words that it took


def read_expression(text: str) -> Program | None:
    """The program that an expression stands for; None if it is none of this grammar, or longer than MOST_WORDS.

    >>> print(read_expression("The second red mug from the left."))
    all things > mug > colour is red > number 2 from the left
    >>> print(read_expression("the mug of my aunt"))
    None
    """
    said = tuple(words(text))
    if len(said) > MOST_WORDS:
        return None
    return next((program for program, at in _phrase(said, 0) if at == len(said)), None)


def singles_out(text: str, index: int, scene: Scene) -> bool:
    """Whether an expression, executed in the scene, leaves just this thing. An unreadable one does not.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> scene = draw_scene(0, n=2, wanted=[{"category": "mug"}, {"category": "cat"}])
    >>> singles_out("the cat", scene.select(category="cat")[0], scene), singles_out("the thing", 0, scene)
    (True, False)
    """
    program = read_expression(text)
    return program is not None and referents(program, scene) == (index,)


def _phrase(said: tuple[str, ...], at: int) -> Iterator[State]:
    """Every way to read a noun phrase from word `at` on, the longest of its adjectives first."""
    if at < len(said) and said[at] in ARTICLES:
        at += 1
    for program, noun in _ranked(said, at):
        for adjectives, place in _adjectives(program, said, noun):
            if place < len(said) and said[place] in (*CATEGORIES, "thing"):
                category = None if said[place] == "thing" else said[place]
                yield from _behind(replace(adjectives, category=category), said, place + 1)


def _ranked(said: tuple[str, ...], at: int) -> Iterator[State]:
    word = said[at] if at < len(said) else ""
    if word in RANKS:
        yield Program(rank=RANKS[word]), at + 1  # its side stands behind the noun
    elif word in FIRST_BEFORE:
        yield Program(side=FIRST_BEFORE[word]), at + 1
    yield Program(), at


def _adjectives(program: Program, said: tuple[str, ...], at: int) -> Iterator[State]:
    """Any number of looks and states before the noun."""
    state = _any_of(said, at, STATES)
    if at < len(said) and said[at] in LOOKS:
        yield from _adjectives(_with(program, LOOKS[said[at]], said[at]), said, at + 1)
    elif state:
        yield from _adjectives(_with(program, "state", state), said, at + len(state.split()))
    yield program, at


def _behind(program: Program, said: tuple[str, ...], at: int) -> Iterator[State]:
    """Everything that may stand behind the noun, in the order of `describe`; each piece may be missing."""
    for ranked, after_rank in _rank_side(program, said, at):
        for with_state, after_state in _maybe(_state, ranked, said, after_rank):
            for facing, after_facing in _maybe(_facing, with_state, said, after_state):
                for unlike, after_unlike in _maybe(_unlike, facing, said, after_facing):
                    yield from _maybe(_relation, unlike, said, after_unlike)
                    if unlike.side is None and unlike.rank == 1:
                        yield from _extreme(unlike, said, after_unlike)


def _maybe(
    piece: Callable[[Program, tuple[str, ...], int], Iterator[State]], program: Program, said: tuple[str, ...], at: int
) -> Iterator[State]:
    yield from piece(program, said, at)
    yield program, at


def _rank_side(program: Program, said: tuple[str, ...], at: int) -> Iterator[State]:
    """A rank needs its "from the left"; nothing else has one."""
    if program.rank == 1:
        yield program, at
        return
    for side in SIDES:
        for words_ in (("from", "the", side), ("from", side)):
            if said[at : at + len(words_)] == words_:
                yield replace(program, side=side), at + len(words_)


def _state(program: Program, said: tuple[str, ...], at: int) -> Iterator[State]:
    for phrase, state in _CARRIED.items():
        if _starts(said, at, phrase):
            yield _with(program, "state", state), at + len(phrase.split())
    if _starts(said, at, "that is"):
        state = _any_of(said, at + 2, STATES)
        if state:
            yield _with(program, "state", state), at + 2 + len(state.split())


def _facing(program: Program, said: tuple[str, ...], at: int) -> Iterator[State]:
    at += _starts(said, at, "and")
    part = KINDS[program.category].facing if program.category else ""
    for side in FACINGS:
        for phrase in (f"facing {side}", f"with {part} {side}", f"with its {part} on the {side}"):
            if _starts(said, at, phrase):
                yield _with(program, "facing", side), at + len(phrase.split())


def _unlike(program: Program, said: tuple[str, ...], at: int) -> Iterator[State]:
    for phrase, state in _LACKED.items():
        if _starts(said, at, phrase):
            yield replace(program, unlike=("state", state)), at + len(phrase.split())
    part = KINDS[program.category].facing if program.category else ""
    for side in FACINGS:
        for phrase in (f"not facing {side}", f"without {part} {side}", f"without its {part} on the {side}"):
            if _starts(said, at, phrase):
                yield replace(program, unlike=("facing", side)), at + len(phrase.split())
    for phrase in ("that is not", "not"):
        if _starts(said, at, phrase):
            after = at + len(phrase.split())
            value = _any_of(said, after, (*LOOKS, *STATES))
            if value:
                yield replace(program, unlike=(LOOKS.get(value, "state"), value)), after + len(value.split())


def _relation(program: Program, said: tuple[str, ...], at: int) -> Iterator[State]:
    at += 2 * _starts(said, at, "that is")
    holds = not _starts(said, at, "not")
    at += not holds
    for phrase, relation in _links():
        if _starts(said, at, phrase):
            for landmark, after in _phrase(said, at + len(phrase.split())):
                yield replace(program, relation=relation, landmark=landmark, holds=holds), after


def _extreme(program: Program, said: tuple[str, ...], at: int) -> Iterator[State]:
    for phrase, side in FIRST_BEHIND.items():
        if _starts(said, at, phrase):
            yield replace(program, side=side), at + len(phrase.split())


@cache
def _links() -> tuple[tuple[str, str], ...]:
    """Wordings of relations, the longest first."""
    links = {(way, name) for name, ways in RELATION_WORDS.items() for length in ways for way in length}
    return tuple(sorted(links, key=lambda link: (-len(link[0].split()), link[0])))


def _starts(said: tuple[str, ...], at: int, phrase: str) -> bool:
    parts = tuple(phrase.split())
    return said[at : at + len(parts)] == parts


def _any_of(said: tuple[str, ...], at: int, phrases: tuple[str, ...]) -> str | None:
    return next((phrase for phrase in phrases if _starts(said, at, phrase)), None)


def _with(program: Program, name: str, value: str) -> Program:
    return replace(program, attributes=(*program.attributes, (name, value)))
