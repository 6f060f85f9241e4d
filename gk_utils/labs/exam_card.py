"""The score card of lesson 17: what an assistant got right, in a few lines that can be passed on.

Notebook: 17.
"""

from collections.abc import Mapping, Sequence

from gk_utils.assistant.exam import ASKED
from gk_utils.assistant.sitting import Marked, tally

Row = tuple[str, bool, bool, bool]


def exam_rows(marked: Sequence[Marked]) -> list[Row]:
    """A row for each answer: kind, right, whether something could be invented, whether it was.

    It could where something asked about is not there, and in a description: as in `evaluate capstone`.
    """
    could = tally(marked)["could_invent"].tolist()
    return [
        (one.question.kind, one.mark.right, can, one.mark.invented and can)
        for one, can in zip(marked, could, strict=True)
    ]


def card_text(
    marked: Sequence[Marked], right: Mapping[str, float], whose: Mapping[str, str], model: str, by: str = ""
) -> str:
    """The card as Markdown: how much is right with its interval, what was invented, each kind, and what it is made of.

    Args:
        marked: the answers.
        right: value, low and high of the share of right answers.
        whose: of each part, "yours" or "reference".
        model: the models behind it.
        by: who made it; left out if empty.
    """
    rows = exam_rows(marked)
    could = [row for row in rows if row[2]]
    lines = [
        f"### Grounded assistant{f', composed by {by}' if by else ''}",
        "",
        f"- right, with evidence: **{right['value']:.3f}** [{right['low']:.3f}, {right['high']:.3f}], "
        f"{len(rows)} questions of the frozen exam",
        f"- invented something: {sum(row[3] for row in could)} of {len(could)} answers that could "
        "(about what is not there, or a description)",
        f"- models: {model}",
        f"- functions: {list(whose.values()).count('yours')} of {len(whose)} written by the learner",
        "",
        "| kind | right | of |",
        "|---|---|---|",
    ]
    for kind in ASKED:
        some = [row for row in rows if row[0] == kind]
        lines += [f"| {kind} | {sum(row[1] for row in some)} | {len(some)} |"] if some else []
    return "\n".join(lines)
