"""Whether the sentences of a caption are true: what right phrases with right boxes leave open.

"A mug is behind the kettle" with both boxes right is still false if the mug is in front of it. The verifier of lesson
10 reads each sentence by itself. Notebook: 12.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from gk_utils.kosmos2.grounded_text import GroundedText
from gk_utils.spatial_relations.arrangement import Arrangement
from gk_utils.spatial_relations.parser import parse
from gk_utils.spatial_relations.verifier import verify

LISTS = ("The picture shows ", "This is a picture of ", "We see ")


def sentences_of(text: str) -> list[str]:
    """The sentences of a caption that say how things stand to one another; those that only list things are left out.

    >>> sentences_of("We see a mug. The mug is behind a kettle. It is red.")
    ['The mug is behind a kettle', 'It is red']
    """
    pieces = [piece.strip().rstrip(".") for piece in text.split(". ")]
    return [piece for piece in pieces if piece and not piece.startswith(LISTS)]


def sentence_truths(said: GroundedText, arrangement: Arrangement) -> list[bool | None]:
    """For each sentence of `sentences_of` whether it holds in a scene (`observe`); None where that is not decided.

    Not decided: a sentence that cannot be read, and "the mug" where there are several mugs. A sentence does not know
    what the one before it spoke of, so that some true captions are not decided.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> from gk_utils.spatial_relations.observed import observe
    >>> (arrangement,) = observe([draw_scene(3, n=4)])
    >>> sentence_truths(GroundedText("A bottle is to the left of a unicorn. We see a bottle."), arrangement)
    [False]
    """
    truths: list[bool | None] = []
    for sentence in sentences_of(said.text):
        try:
            truths.append(verify(parse(sentence), arrangement).truth)
        except ValueError:
            truths.append(None)
    return truths


def truths_of(
    captions: Sequence[GroundedText], arrangements: Sequence[Arrangement]
) -> tuple[Bool[Tensor, " n"], Int[Tensor, " n"]]:
    """For each sentence of one caption a scene whether it is found true, and of which caption it is."""
    found = [sentence_truths(said, world) for said, world in zip(captions, arrangements, strict=True)]
    holds = [truth is True for truths in found for truth in truths]
    owners = [number for number, truths in enumerate(found) for _ in truths]
    return torch.tensor(holds, dtype=torch.bool), torch.tensor(owners, dtype=torch.long)
