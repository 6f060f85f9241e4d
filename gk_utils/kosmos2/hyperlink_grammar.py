"""Which token may come next in hyperlink text: a model that only writes what can be read.

    <phrase> words </phrase> <object> patch patch (delimiter patch patch)* </object>

The second patch of a pair is never left of or above the first. Notebook: 12.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from gk_utils.box_tokens.cell_pairs import BETWEEN, CLOSE, GRID, OPEN
from gk_utils.kosmos2.grounded_text import GROUNDING, PHRASE, PHRASE_END
from gk_utils.kosmos2.kosmos_samples import PLACES, first_place, kosmos_tokens


@dataclass(frozen=True, eq=False)
class HyperlinkGrammar:
    """The rule for texts that go on from `prompt` (b t); call it with the tokens written so far.

    Without `<grounding>` in the prompt a text has words alone; with it every phrase has its boxes.

    >>> grammar, tokens = HyperlinkGrammar(torch.tensor([[1, 3]])), kosmos_tokens()
    >>> written = torch.tensor([tokens.encode("a<phrase> cat</phrase>")])
    >>> [tokens.spellings[number] for number in grammar(written)[0].nonzero().flatten()]
    ['<object>']
    """

    prompt: Int[Tensor, "b t"]

    def __call__(self, written: Int[Tensor, "b k"]) -> Bool[Tensor, "b v"]:
        """Which tokens may come next."""
        tokens, first = kosmos_tokens(), first_place()
        tag, device = tokens.ids, written.device
        text = torch.cat([self.prompt.to(device), written], 1)
        last, before = text[:, -1], text[:, -2] if text.shape[1] > 1 else torch.zeros_like(text[:, 0])
        grounded = (text == tag[GROUNDING]).any(1)
        inside = (text == tag[PHRASE]).sum(1) > (text == tag[PHRASE_END]).sum(1)
        number = torch.arange(len(tokens), device=device)
        place = (number >= first) & (number < first + PLACES)
        special = number < tokens.first_word
        free = (~special).repeat(len(text), 1)  # words, digits and marks
        free[:, tag[PHRASE]] = grounded & ~inside
        free[:, tag[PHRASE_END]] = inside & (last != tag[PHRASE])
        free[:, tokens.end] = ~inside
        one, two = ((some >= first) & (some < first + PLACES) for some in (last, before))
        corner = (last - first)[:, None]
        behind = place & ((number - first) % GRID >= corner % GRID) & ((number - first) // GRID >= corner // GRID)
        closing = (number == tag[CLOSE]) | (number == tag[BETWEEN])
        rule = torch.where(one[:, None], torch.where(two[:, None], closing, behind), free)
        opened = (last == tag[OPEN]) | (last == tag[BETWEEN])
        rule = torch.where(opened[:, None], place, rule)
        return torch.where((last == tag[PHRASE_END])[:, None], number == tag[OPEN], rule)
