"""What came of a statement: the verdict, what its phrases referred to, and which relations were looked at."""

from dataclasses import dataclass, field

from gk_utils.spatial_relations.statement import NounPhrase, Statement
from gk_utils.spatial_relations.verdict import Verdict


@dataclass(frozen=True)
class Check:
    """One relation that was looked at: between which things, by index, and what came out."""

    relation: str
    things: tuple[int, ...]
    verdict: Verdict


@dataclass(frozen=True)
class Finding:
    """What came of a statement.

    Attributes:
        verdict: true, false or undecided, with margin and reason.
        statement: what was asked.
        references: each noun phrase with the indices of the things that fit it, in the order they were looked up.
        checks: every relation between things that the answer looked at.
    """

    verdict: Verdict
    statement: Statement
    references: dict[NounPhrase, tuple[int, ...]] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()

    @property
    def truth(self) -> bool | None:
        """True, False, or None: cannot be decided."""
        return self.verdict.truth

    def __str__(self) -> str:
        return str(self.verdict)
