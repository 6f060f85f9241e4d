"""Guided attention: while it learns, a decoder is told which patches some of its heads should look at.

A token that speaks of a thing should look at that thing. From the words alone a model finds that out late; here its
heads are told. It is the trunk's lesson once more (lesson 04): supervise every place, not only the answer. To look at
the right patches is not yet to read them: that the rest of the model has to learn. Nothing changes in the model
itself, and nothing of this is left when it writes.

Source: the idea of supervising attention is that of Liu et al., "Neural Machine Translation with Supervised Attention",
COLING 2016, arXiv:1609.04186, section 3.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gk_utils.boxes import pairwise_iou
from gk_utils.models.vlm import VisionLanguageModel, rotate, rotations

SAME = 0.5  # IoU from which a patch's box is the thing's


def forward_with_attention(
    model: VisionLanguageModel,
    features: Float[Tensor, "b n d"],
    tokens: Int[Tensor, "b t"],
    seen: Bool[Tensor, "b n"],
    layers: Sequence[int],
) -> tuple[Float[Tensor, "b t v"], list[Float[Tensor, "b h t n"]]]:
    """The model's logits, and how much each head of these layers looks at each patch, as log-shares.

    The logits are those of `model(features, tokens, seen)`.
    """
    n, t = features.shape[1], tokens.shape[1]
    x = torch.cat([model.projector(features), model.embedding(tokens)], 1)
    seen = torch.cat([seen, seen.new_ones(tokens.shape)], 1)
    place = torch.arange(n + t, device=x.device)
    mask = (place[:, None] >= place) & seen[:, None, :]
    mask = (mask | (place[:, None] == place))[:, None]
    turns = rotations((seen.cumsum(1) - 1).clamp(min=0), model.settings)
    shares = []
    for index, layer in enumerate(model.layers):
        if index in layers:
            shares.append(_log_shares(layer, x, mask, turns, t)[..., :n])
        last = index == len(model.layers) - 1
        x = layer(x, mask[:, :, -t:] if last else mask, turns, None, index)
    return model.score(model.norm(x)), shares


def guide_loss(
    log_shares: Float[Tensor, "b h t n"], target: Bool[Tensor, "b t n"]
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Minus the log of the share that goes to the target's patches, and that share: means over heads and tokens.

    Tokens without a target do not count; 0 and 0 where no token has one.

    >>> shares = torch.tensor([[[[0.5, 0.25, 0.25]]]]).log()
    >>> loss, share = guide_loss(shares, torch.tensor([[[True, True, False]]]))
    >>> round(share.item(), 3)
    0.75
    """
    guided = target.any(-1)[:, None]
    on_it = log_shares.float().masked_fill(~target[:, None], -1e4).logsumexp(-1)
    count = (guided.sum() * log_shares.shape[1]).clamp(min=1)
    return -(on_it * guided).sum() / count, (on_it.exp() * guided).sum() / count


def patches_of(
    boxes_patches: Float[Tensor, "b n 4"], boxes_things: Float[Tensor, "b k 4"], seen: Bool[Tensor, "b n"]
) -> Bool[Tensor, "b k n"]:
    """Which patches say the box of which thing: the thing they overlap most, from SAME on."""
    rows = [pairwise_iou(things, patches) for things, patches in zip(boxes_things, boxes_patches, strict=True)]
    iou = torch.stack(rows)
    return (iou >= SAME) & (iou == iou.amax(1, keepdim=True)) & seen[:, None]


def _log_shares(layer: nn.Module, x: Tensor, mask: Tensor, turns: tuple[Tensor, Tensor], t: int) -> Tensor:
    """Log-shares (b h t m) of a layer's heads for the last t positions."""
    normed = layer.norm_attention(x)
    query = layer.query(normed[:, -t:]).unflatten(-1, (layer.heads, -1)).transpose(1, 2)
    key = layer.key(normed).unflatten(-1, (layer.heads, -1)).transpose(1, 2)
    query = rotate(query, tuple(turn[:, :, -t:] for turn in turns))
    scores = query @ rotate(key, turns).transpose(2, 3) / math.sqrt(query.shape[-1])
    return scores.float().masked_fill(~mask[:, :, -t:], -1e4).log_softmax(-1)
