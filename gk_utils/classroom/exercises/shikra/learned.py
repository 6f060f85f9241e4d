"""The exercise 13.learned: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import written

Turns = list[tuple[str, list[str]]]
Pairs = list[tuple[str, str, int]]
NAMES = {"user": "USER:", "assistant": "ASSISTANT:"}
WORDS = ("where", "is", "the", "red", "mug", "?", "it", "at", "[", "0.12", "3", ",", "]", ".", "there", "none", "yes")


def conversations(rng: np.random.Generator) -> list[Case]:
    """Conversations: that of the lesson, two exchanges, one word each, a question without answer, none; then any."""
    cases: list[Case] = [
        ([("user", ["what", "is", "it", "?"]), ("assistant", ["a", "mug", "."])],),
        (
            [
                *[("user", ["find", "the", "mug", "."]), ("assistant", ["it", "is", "at", "[", "0.12", "3", "]", "."])],
                *[("user", ["is", "it", "red", "?"]), ("assistant", ["yes", "."])],
            ],
        ),
        ([("user", ["mug"]), ("assistant", ["yes"])],),
        ([("user", ["where", "is", "it", "?"])],),
        ([],),
        ([("user", ["mug", "mug"]), ("assistant", ["mug", "mug"])],),
    ]
    for _ in range(8):
        turns = int(rng.integers(1, 6))
        lengths = rng.integers(1, 7, turns)
        said = [[str(WORDS[k]) for k in rng.integers(0, len(WORDS), length)] for length in lengths]
        cases.append(([(("user", "assistant")[k % 2], words) for k, words in enumerate(said)],))
    return cases


def pairs_of(
    *,
    user: bool = False,
    mark: bool = False,
    end: bool = True,
    shift: int = 1,
    given: bool = False,
    last_alone: bool = False,
    written_end: bool = True,
) -> Callable[[Turns], Pairs]:
    """What each token is to foresee and whether it counts: that which is right, or relatives."""

    def answer(turns: Turns) -> Pairs:
        tokens, counts = ["<start>"], [0]
        answers = [k for k, (role, _) in enumerate(turns) if role == "assistant"]
        for k, (role, words) in enumerate(turns):
            said = role == "assistant"
            counted = int(said and (not last_alone or k == answers[-1]))
            tokens += [NAMES[role], *words, *(["<end>"] if said and written_end else [])]
            counts += [int(mark) * counted or int(user and not said)]
            counts += [1 if user and not said else counted] * len(words)
            counts += [int(end) * counted] if said and written_end else []
        return [(tokens[k], tokens[k + shift], counts[k if given else k + 1]) for k in range(len(tokens) - 1)]

    return answer


LEARNED = Exercise(
    "13.learned",
    conversations,
    mistakes=(
        written(
            "the user's words learned as well",
            "Only what the assistant says counts: 0 for the user's words.",
            pairs_of(user=True, mark=True),
        ),
        written(
            "its own word foreseen",
            "A token foresees the next one: the second of each triple is tokens[k + 1].",
            pairs_of(shift=0),
        ),
        written(
            "counted by the given token",
            "It counts if the token that is foreseen is the assistant's, not the one before it.",
            pairs_of(given=True),
        ),
        written("the end not learned", "Who never learns <end> never stops: it counts.", pairs_of(end=False)),
        written("no end written", "Put <end> behind each answer.", pairs_of(written_end=False)),
        written("ASSISTANT: learned", "The mark is given, nobody has to foresee it.", pairs_of(mark=True)),
        written("the last answer alone", "Every answer of the conversation counts.", pairs_of(last_alone=True)),
    ),
)
