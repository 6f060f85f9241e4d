"""How good the filter is, against errors that were planted, and what is left of a talk behind it.

An error that is contradicted is caught. Precision: of the claims contradicted, the share that were made up. Recall: of
the claims made up, the share contradicted. An undecided claim is neither, and is counted.

Notebook: 15.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from gk_utils.grounded_conversation.claim_filter import Judged, Outcome
from gk_utils.grounded_conversation.linked_talk import TalkTurn
from gk_utils.grounded_conversation.talk_grammar import Said


@dataclass(frozen=True, eq=False)
class FilterScores:
    """Claims with what is true of them and what became of them; those that no picture shows are left out.

    Attributes:
        wrong: (n) made up.
        outcomes: of each; kinds: of each, as `talk_grammar.KINDS`.
        picture: (n) which picture each is about.
        beyond: outcomes of the claims that no picture shows: all should be undecided.
    """

    wrong: Bool[Tensor, " n"]
    outcomes: tuple[Outcome, ...]
    kinds: tuple[str, ...]
    picture: Int[Tensor, " n"]
    beyond: tuple[Outcome, ...] = ()

    @property
    def rejected(self) -> Bool[Tensor, " n"]:
        """Which were contradicted."""
        return torch.tensor([one == "contradicted" for one in self.outcomes], dtype=torch.bool)

    @property
    def undecided(self) -> Bool[Tensor, " n"]:
        """Which were not decided."""
        return torch.tensor([one == "undecided" for one in self.outcomes], dtype=torch.bool)

    @property
    def precision(self) -> float:
        """Of those contradicted, the share made up; 0 if none was contradicted."""
        return _share(self.rejected & self.wrong, self.rejected)

    @property
    def recall(self) -> float:
        """Of those made up, the share contradicted; 0 without any."""
        return _share(self.rejected & self.wrong, self.wrong)

    def of(self, *kinds: str) -> "FilterScores":
        """The same for some kinds of claims."""
        rows = [row for row, one in enumerate(self.kinds) if one in kinds]
        outcomes, some = (tuple(each[row] for row in rows) for each in (self.outcomes, self.kinds))
        return FilterScores(self.wrong[rows], outcomes, some, self.picture[rows])


def score_filter(talks: Sequence[tuple[Sequence[Said], Sequence[Judged]]]) -> FilterScores:
    """The scores of a filter over talks, each with the truth about its claims and with what was judged.

    A claim that was not judged is undecided.

    >>> claims = [Said(1, 0, 5, "object", False), Said(1, 0, 5, "box", True)]
    >>> judged = [Judged(1, 0, 5, "sentence", "contradicted", ())]
    >>> scores = score_filter([(claims, judged)])
    >>> scores.precision, scores.recall, scores.undecided.tolist()
    (1.0, 1.0, [False, True])
    """
    rows, beyond = [], []
    for number, (claims, judged) in enumerate(talks):
        found = {(one.turn, one.start, one.end, one.kind): one.outcome for one in judged}
        for claim in claims:
            kind = "box" if claim.kind == "box" else "sentence"
            outcome = found.get((claim.turn, claim.start, claim.end, kind), "undecided")
            if claim.true is None:
                beyond.append(outcome)
            else:
                rows.append((not claim.true, outcome, claim.kind, number))
    wrong, outcomes, kinds, pictures = zip(*rows, strict=True) if rows else ((), (), (), ())
    flags, places = torch.tensor(wrong, dtype=torch.bool), torch.tensor(pictures, dtype=torch.long)
    return FilterScores(flags, outcomes, kinds, places, tuple(beyond))


def keep_turns(turns: Sequence[TalkTurn], judged: Iterable[Judged], *, undecided: bool = True) -> tuple[TalkTurn, ...]:
    r"""What is left of a talk: an answer with a contradicted claim goes, and its question with it.

    Args:
        turns: of the talk.
        judged: its claims.
        undecided: whether answers with undecided claims stay.

    >>> from gk_utils.grounded_conversation.linked_talk import read_talk
    >>> turns, _ = read_talk("User: And?\nAssistant: A cat.\nUser: More?\nAssistant: A mug.")
    >>> kept = keep_turns(turns, [Judged(1, 0, 6, "sentence", "contradicted", ())])
    >>> [turn.said.text for turn in kept]
    ['More?', 'A mug.']
    """
    bad = ("contradicted",) if undecided else ("contradicted", "undecided")
    out = {one.turn for one in judged if one.outcome in bad}
    out |= {turn - 1 for turn in out if turn and turns[turn - 1].role == "user"}
    return tuple(turn for number, turn in enumerate(turns) if number not in out)


def _share(some: Bool[Tensor, " n"], of: Bool[Tensor, " n"]) -> float:
    return int(some.sum()) / int(of.sum()) if of.any() else 0.0
