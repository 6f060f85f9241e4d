"""The exercise 07.leaks: cases, and the mistakes that have a name."""

from collections.abc import Callable

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gk_utils.classroom.exercise import Case, Exercise
from gk_utils.classroom.mistakes import on_result, written
from gk_utils.labs.token_tables import draw_tables

Pairs = list[tuple[int, int]]
WORDS = ("red", "blue", "mug", "cat", "chest", "of", "drawers", "left")
EDGES, ENDS = ("[CLS]", "[SEP]"), (".", "?")


def groups(tokens: list[str]) -> list[int]:
    """A number for each token, the same for those of one sub-sentence; below 0 for a token that is alone."""
    found, later = [], None
    for i in reversed(range(len(tokens))):
        if tokens[i] in ENDS:
            later = i
        found.append(-1 - i if tokens[i] in EDGES or later is None else later)
    return found[::-1]


def right_mask(tokens: list[str]) -> Tensor:
    """Who may read whom."""
    group = torch.tensor(groups(tokens))
    return group[:, None] == group


def masks(rng: np.random.Generator) -> list[Case]:
    """Prompts with a mask: right ones, everybody reads everybody, one leak, a causal mask; then random."""
    two = ["[CLS]", "red", "mug", ".", "blue", "cat", ".", "[SEP]"]
    asked = ["[CLS]", "red", "mug", "?", "cat", ".", "[SEP]"]
    open_end = ["[CLS]", "cat", ".", "red", "mug", "[SEP]"]
    one_way, back = right_mask(two), right_mask(two)
    one_way[5, 1] = True  # cat reads red
    back[2, 4] = True
    of_dots = ["[CLS]", "cat", ".", "red", "mug", ".", "[SEP]"]
    by_words = right_mask(of_dots)
    by_words[2, 4] = by_words[5, 1] = True  # dots read the other phrase
    cases: list[Case] = [
        (two, right_mask(two)),
        (two, one_way),
        (two, back),
        (two, torch.ones(8, 8, dtype=torch.bool)),
        (asked, right_mask(asked)),
        (asked, torch.ones(7, 7, dtype=torch.bool)),
        (open_end, torch.ones(6, 6, dtype=torch.bool)),
        (open_end, right_mask(open_end)),
        (two, torch.ones(8, 8, dtype=torch.bool).tril()),
        (of_dots, by_words),
        (["[CLS]", "cat", "[SEP]"], torch.ones(3, 3, dtype=torch.bool)),
        (["[CLS]", "chest", "of", "drawers", ".", "[SEP]"], torch.ones(6, 6, dtype=torch.bool)),
    ]
    for _ in range(6):
        tokens = ["[CLS]"]
        for _ in range(int(rng.integers(2, 4))):
            tokens += [*rng.choice(WORDS, int(rng.integers(1, 4))).tolist(), str(rng.choice(ENDS))]
        tokens.append("[SEP]")
        noise = torch.from_numpy(rng.random((len(tokens), len(tokens))) < 0.12)
        cases.append((tokens, right_mask(tokens) | noise))
    return cases


def leaks_with(
    group: Callable[[list[str]], list[int]] = groups,
    wanted: Callable[[bool, int, int], bool] = lambda reads, i, j: reads,
):
    """The right pairs, or their wrong relatives."""

    def answer(tokens: list[str], attends: Tensor) -> Pairs:
        found, t = group(tokens), range(len(tokens))
        return [(i, j) for i in t for j in t if wanted(bool(attends[i, j]), i, j) and found[i] != found[j]]

    return answer


def dots_alone(tokens: list[str]) -> list[int]:
    """Separators that belong to no sub-sentence."""
    return [-1 - i if tokens[i] in ENDS else number for i, number in enumerate(groups(tokens))]


def only_dots(tokens: list[str]) -> list[int]:
    """Question marks taken for words."""
    return groups(["x" if token == "?" else token for token in tokens])


def edges_inside(tokens: list[str]) -> list[int]:
    """[CLS] taken for a word of the first sub-sentence."""
    return groups(["x" if token == "[CLS]" else token for token in tokens])


def rest_together(tokens: list[str]) -> list[int]:
    """What no dot ends, taken for a sub-sentence; [SEP] ends it."""
    return [number if number >= 0 or tokens[i] in EDGES else len(tokens) for i, number in enumerate(groups(tokens))]


def draw_mask(case: Case, expected: Pairs, got: object) -> Figure:
    """The mask, with the leaks framed."""
    tokens, attends = case
    framed = torch.zeros_like(attends)
    for i, j in expected:
        framed[i, j] = True
    return draw_tables(
        [attends.float()], tokens, tokens, marked=[framed], numbers=False, ylabel="reads", titles=["framed: the leaks"]
    )


LEAKS = Exercise(
    "07.leaks",
    masks,
    mistakes=(
        written('"?" taken for a word', "A question mark ends a sub-sentence, like a dot.", leaks_with(only_dots)),
        written(
            "the dots on their own",
            "A separator belongs to the sub-sentence that it ends.",
            leaks_with(dots_alone),
        ),
        written(
            "[CLS] counted to the first phrase",
            "[CLS] and [SEP] belong to no sub-sentence: each may read itself alone.",
            leaks_with(edges_inside),
        ),
        written(
            "words without a final dot taken for a sub-sentence",
            "What no separator ends is no sub-sentence: each of its tokens is alone.",
            leaks_with(rest_together),
        ),
        written(
            "each pair once",
            "Reading has a direction: (5, 1) and (1, 5) are two leaks.",
            leaks_with(wanted=lambda reads, i, j: reads and i < j),
        ),
        written(
            "what is not read",
            "A leak is where attends is True between two sub-sentences.",
            leaks_with(wanted=lambda reads, i, j: not reads),
        ),
        written(
            "every pair of two sub-sentences",
            "Look into attends: only where it is True something leaks.",
            leaks_with(wanted=lambda reads, i, j: True),
        ),
        on_result(
            "(read, reader) in place of (reader, read)",
            "Row i of attends is the reader: return (i, j).",
            lambda pairs: [(j, i) for i, j in pairs],
        ),
    ),
    draw=draw_mask,
)
