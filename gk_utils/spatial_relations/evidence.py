"""The evidence for an answer, drawn on the picture and written out: which phrase is which box, and by what margins."""

from typing import Any

import torch
from matplotlib.figure import Figure

from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.finding import Check, Finding
from gk_utils.spatial_relations.references import named
from gk_utils.viz import show_boxes

MOST = 6  # relations that are written out


def show_finding(image: Any, finding: Finding, arrangement: Arrangement, *, title: str = "") -> Figure:
    """Draw what a statement's phrases referred to, with the answer above and the relations below.

    A box has its phrase as label; where several things fit a phrase, each has it.

    Args:
        image: the picture, as `viz.show_boxes` takes it.
        finding: what `verify` gave.
        arrangement: what the statement was held against.
        title: stands above, before the answer; such as the statement.

    >>> import numpy as np
    >>> from gk_utils.spatial_relations.statement import Claim, NounPhrase, Related
    >>> from gk_utils.spatial_relations.thing import Thing
    >>> from gk_utils.spatial_relations.verifier import verify
    >>> things = [Thing("mug", (5, 5, 30, 40), (60, 80)), Thing("plate", (45, 5, 70, 40), (60, 80))]
    >>> claim = Claim(NounPhrase("mug"), Related("left_of", (NounPhrase("plate"),)))
    >>> finding = verify(claim, Arrangement(things))
    >>> figure = show_finding(np.zeros((60, 80, 3), np.uint8), finding, Arrangement(things), title="Is it?")
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['mug', 'plate']
    """
    labels: dict[int, str] = {}
    for phrase, things in finding.references.items():
        for index in things:
            labels[index] = ", ".join(dict.fromkeys([*filter(None, [labels.get(index)]), named(phrase)]))
    boxes = torch.tensor([arrangement.things[index].box for index in labels], dtype=torch.float32).view(-1, 4)
    above = " ".join(filter(None, [title, f"→ {finding.verdict}"]))
    return show_boxes(
        image, boxes, list(labels.values()), title=above, caption="\n".join(explain(finding, arrangement))
    )


def explain(finding: Finding, arrangement: Arrangement) -> list[str]:
    """The relations that an answer looked at, in words, the closest calls first; what is undecided before all.

    >>> from gk_utils.spatial_relations.statement import Claim, NounPhrase, Related
    >>> from gk_utils.spatial_relations.thing import Thing
    >>> from gk_utils.spatial_relations.verifier import verify
    >>> things = [Thing("mug", (0, 0, 4, 4), (9, 9)), Thing("plate", (5, 0, 9, 4), (9, 9))]
    >>> claim = Claim(NounPhrase("mug"), Related("left_of", (NounPhrase("plate"),)))
    >>> explain(verify(claim, Arrangement(things)), Arrangement(things))
    ['mug 0 left of plate 1: true (+1.00): by left and right edges']
    """
    spoken = {index for things in finding.references.values() for index in things}
    checks = [check for check in finding.checks if set(check.things) <= spoken] or list(finding.checks)
    checks = sorted(checks, key=lambda check: abs(check.verdict.score))
    lines = [_line(check, arrangement) for check in checks[:MOST]]
    return lines + ([f"and {len(checks) - MOST} more"] if len(checks) > MOST else [])


def _line(check: Check, arrangement: Arrangement) -> str:
    subject, *landmarks = (f"{arrangement.things[index].name} {index}" for index in check.things)
    words = f"{subject} {check.relation.replace('_', ' ')}"
    return f"{words}{' ' if landmarks else ''}{' and '.join(landmarks)}: {check.verdict}"
