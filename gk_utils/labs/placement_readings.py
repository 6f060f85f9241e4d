"""What the lab of lesson 10 says about things where they were put: one statement judged, and the relations of two.

Notebook: 10.
"""

from dataclasses import dataclass

from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.evidence import explain
from gk_utils.spatial_relations.parser import parse
from gk_utils.spatial_relations.projective import FRAMES
from gk_utils.spatial_relations.verdict import Verdict, unknown
from gk_utils.spatial_relations.verifier import verify

# what the table lists: relation and frame of reference
RELATIONS = (
    *(("left_of", frame) for frame in FRAMES),
    *(("in_front_of", frame) for frame in FRAMES),
    *((name, "viewer") for name in ("above", "near", "next_to", "overlaps", "touching", "on", "facing")),
)


@dataclass(frozen=True)
class Row:
    """One relation of the table: its words, its frame ("" where it has but one), and what was found."""

    words: str
    frame: str
    verdict: Verdict


@dataclass(frozen=True)
class PlacementReading:
    """What is said of an arrangement.

    Attributes:
        statement: as written.
        form: its logical form in short; "" where it cannot be read.
        answer: the verdict; or what cannot be read, with marks below the word on a line of their own.
        evidence: the relations that were looked at, the closest calls first.
        pair: the names of the two things of the table.
        rows: their relations.
    """

    statement: str
    form: str
    answer: str
    evidence: tuple[str, ...]
    pair: tuple[str, str]
    rows: tuple[Row, ...]

    @property
    def note(self) -> str:
        """The answer, the form and the evidence, a line each."""
        said = f"{self.statement} {self.answer}" if self.form else self.answer
        return "\n".join([said, *([f"read as: {self.form}"] if self.form else []), *self.evidence])

    def in_words(self) -> str:
        """All of it, a line each."""
        lines = [
            f"{self.pair[0]} {row.words} {self.pair[1]}{f' ({row.frame})' if row.frame else ''}: {row.verdict}"
            for row in self.rows
        ]
        return "\n".join([self.note, *lines])


def read_placement(
    arrangement: Arrangement, statement: str, pair: tuple[int, int] = (0, 1), least: float = 0.0
) -> PlacementReading:
    """Judge a statement, and list the relations of two things.

    Args:
        arrangement: the things, with what is known of them.
        statement: English; what cannot be read is said in the answer.
        pair: the indices of the two.
        least: a margin below this is too close to call: undecided.

    >>> from gk_utils.spatial_relations.thing import Thing
    >>> mug, cat = Thing("mug", (0, 0, 4, 4), (9, 9)), Thing("cat", (3, 0, 9, 4), (9, 9))
    >>> reading = read_placement(Arrangement([mug, cat]), "The mug is left of the cat.")
    >>> print(reading.note)
    The mug is left of the cat. → true (+0.72): by left and right edges
    read as: the(mug): left_of(the(cat))
    mug 0 left of cat 1: true (+0.72): by left and right edges
    >>> read_placement(Arrangement([mug, cat]), "The mug is lefft of the cat.").answer.splitlines()[1:]
    ['The mug is lefft of the cat.', '           ^^^^^']
    """
    names = [named(arrangement, index) for index in pair]
    rows = tuple(
        Row(
            relation.replace("_", " "),
            _frame_in_words(frame, names[1]) if relation in ("left_of", "in_front_of") else "",
            sure_enough(arrangement.relate(relation, *pair, frame=frame), least),
        )
        for relation, frame in RELATIONS
    )
    try:
        form = parse(statement)
    except ValueError as error:
        pointed = f"\n{error.pointed()}" if hasattr(error, "pointed") else ""
        return PlacementReading(statement, "", f"{error}{pointed}", (), (names[0], names[1]), rows)
    finding = verify(form, arrangement)
    answer = f"→ {sure_enough(finding.verdict, least)}"
    evidence = tuple(explain(finding, arrangement))
    return PlacementReading(statement, str(form), answer, evidence, (names[0], names[1]), rows)


def sure_enough(verdict: Verdict, least: float) -> Verdict:
    """The verdict, undecided where its margin is below `least`.

    >>> from gk_utils.spatial_relations.verdict import decided
    >>> print(sure_enough(decided(0.1), 0.2))
    unknown: too close to call (+0.10)
    """
    if verdict.known and abs(verdict.score) < least:
        return unknown(f"too close to call ({verdict.score:+.2f})")
    return verdict


def named(arrangement: Arrangement, index: int) -> str:
    """A thing's name, with its colour where others have the same name.

    >>> from gk_utils.spatial_relations.thing import Thing
    >>> mugs = [Thing("mug", (0, 0, 4, 4), (9, 9), {"colour": colour}) for colour in ("red", "blue")]
    >>> named(Arrangement(mugs), 1), named(Arrangement(mugs[:1]), 0)
    ('blue mug', 'mug')
    """
    thing = arrangement.things[index]
    alike = sum(other.name == thing.name for other in arrangement.things) > 1
    colour = thing.attributes.get("colour") if alike else None
    return f"{colour} {thing.name}" if colour else thing.name


def _frame_in_words(frame: str, landmark: str) -> str:
    return "as the viewer sees it" if frame == "viewer" else f"by the {landmark}'s own sides"
