"""Where the decoder looks while it answers: shares of attention on the patches of the thing, and pictures of them.

In training some heads are guided (`guided_attention`); nothing of that is left when the model writes, so what is
measured here is what it has learned.

Notebook: 13.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from gk_utils.shikra.guided_attention import forward_with_attention, guide_loss, patches_of
from gk_utils.shikra.shikra_chat import Talker, pad_to_square
from gk_utils.shikra.shikra_recipe import guided_layers, row_of
from gk_utils.shikra.surest_patches import choose_patches
from gk_utils.shikra.talk import Conversation, read
from gk_utils.shikra.talk_measure import draw_asked
from gk_utils.viz import Picture, show_grid

DARK = 0.2  # of the light of a picture that is left where nobody looks


@dataclass(frozen=True)
class OnThings:
    """Shares of attention: what each of the `layers` gives to the thing's patches; `even`, if all places were alike."""

    layers: tuple[float, ...]
    even: float


@torch.no_grad()
def attention_on_things(talker: Talker, n: int) -> OnThings:
    """How much of its attention goes to the patches of the thing in a box while the box is named.

    Means over heads and over the tokens of true answers to about n held-out questions "What is in [...]?".

    >>> from gk_utils.shikra.shikra_recipe import build
    >>> settings = {"trunk": "trunk_small", "patches": 8, "width": 32, "heads": 2}
    >>> shares = attention_on_things(Talker(build(settings), settings), 4)
    >>> len(shares.layers), 0 < shares.even < 1
    (2, True)
    """
    asked = draw_asked("region", n, talker.trunk.settings.image_side)
    look, tokens, model = talker.look(asked.images), talker.tokens, talker.model
    rows = [
        row_of(exchange, asked.views[at], tokens) for exchange, at in zip(asked.exchanges, asked.pictures, strict=True)
    ]
    longest = max(len(row.ids) for row in rows) + 1
    ids = torch.tensor([[tokens.start, *row.ids, *[tokens.pad] * (longest - 1 - len(row.ids))] for row in rows])
    late = torch.tensor([[-1, *row.late, *[-1] * (longest - 1 - len(row.late))] for row in rows])
    boxes = torch.zeros(len(asked.views), max(len(view.boxes) for view in asked.views), 4)
    for at, view in enumerate(asked.views):
        boxes[at, : len(view.boxes)] = torch.tensor(view.boxes)
    here = torch.tensor(asked.pictures)
    same = patches_of(look.boxes_unit, boxes, look.seen)[here]
    target = same.gather(1, late[..., None].clamp(min=0).expand(-1, -1, same.shape[2])) & (late >= 0)[..., None]
    layers = range(len(model.layers))
    _, shares = forward_with_attention(model, look.features[here], ids, look.seen[here], layers)
    before = look.seen[here].sum(1, keepdim=True) + torch.arange(1, longest + 1)  # places that a token may look at
    even = target.sum(-1) / before
    return OnThings(tuple(float(guide_loss(share, target)[1]) for share in shares), float(even[target.any(-1)].mean()))


@torch.no_grad()
def looked_at(talker: Talker, image: Float[Tensor, "3 h w"], questions: Sequence[str]) -> list[Float[Tensor, "g g"]]:
    """For each question the attention on the trunk's grid of patches where the answer begins, as shares of the most.

    The mean over the heads of the second guided layer. Patches that the decoder does not get are 0.
    """
    square = pad_to_square(image, talker.trunk.settings.image_side)[None]
    chosen, there = choose_patches(talker.trunk.see(square), talker.settings["patches"])
    look = talker.look(square)
    patches = talker.trunk.centres_unit.shape[-2]
    side, layer, maps = round(patches**0.5), guided_layers(len(talker.model.layers))[1], []
    for question in questions:
        prompt = talker.tokens.encode_talk(Conversation((read("user", question),)), open_turn=True)
        _, (shares,) = forward_with_attention(talker.model, look.features, torch.tensor([prompt]), look.seen, [layer])
        heat = torch.zeros(patches).index_add_(0, chosen[0], shares[0, :, -1].exp().mean(0) * there[0])
        maps.append((heat / heat.max().clamp(min=1e-9)).view(side, side))
    return maps


def show_attention(talker: Talker, image: Float[Tensor, "3 h w"], questions: Sequence[str]) -> Figure:
    """The square picture once for each question, dark where the decoder does not look as the answer begins."""
    panels = []
    square = pad_to_square(image, max(image.shape[1:]))
    for question, heat in zip(questions, looked_at(talker, image, questions), strict=True):
        light = DARK + (1 - DARK) * functional.interpolate(heat[None, None], square.shape[1:])[0, 0]
        panels.append(Picture((square * light).permute(1, 2, 0), title=question))
    return show_grid(panels)
