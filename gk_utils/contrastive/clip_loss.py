"""The contrastive loss of CLIP, and NegCLIP's with hard negative captions as more columns.

Pictures and captions become vectors of length 1. The logit of a pair is the cosine times a learned factor, the inverse
of a temperature; every picture must find its caption among all captions, and every caption its picture.

Source: Radford et al. 2021, arXiv:2103.00020, section 2.3 and figure 3; the factor begins at 1 / 0.07 and is kept at or
below 100, section 2.5. NegCLIP: Yuksekgonul et al., ICLR 2023, arXiv:2210.01936, section 4.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, distributed, nn
from torch.nn import functional

LARGEST_SCALE = 100.0
FIRST_TEMPERATURE = 0.07


class LogitScale(nn.Module):
    """The learned factor of the cosines, kept as its logarithm, at most LARGEST_SCALE.

    The clamp is on the parameter's value as it is read; where it bites, the gradient is that of a constant, 0, so the
    parameter stays just above the limit until something else moves it.

    >>> round(LogitScale()().item(), 2)
    14.29
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / FIRST_TEMPERATURE)))

    def forward(self) -> Float[Tensor, ""]:
        """The factor."""
        return self.log_scale.clamp(max=math.log(LARGEST_SCALE)).exp()


def clip_loss(
    images: Float[Tensor, "b d"], texts: Float[Tensor, "b d"], scale: Float[Tensor, ""] | float
) -> Float[Tensor, ""]:
    """Symmetric cross-entropy of matching pictures to captions in a batch; row i of both belongs together.

    Args:
        images: vectors of length 1 (`unit`) of pictures.
        texts: the same of captions; the cosine is their product.
        scale: what the cosines are multiplied by, 1 / temperature.

    A batch of one has nothing to tell apart: loss and gradient are 0. Two equal captions in a batch are each other's
    negatives all the same, so that the loss cannot go below log 2 for their rows; nothing here removes them.

    >>> same = torch.eye(2)
    >>> round(clip_loss(same, same, 1.0).item(), 4), round(math.log(1 + math.exp(-1)), 4)
    (0.3133, 0.3133)
    """
    return negclip_loss(images, texts, texts[:0], scale)


def negclip_loss(
    images: Float[Tensor, "b d"],
    texts: Float[Tensor, "b d"],
    hard_texts: Float[Tensor, "h d"],
    scale: Float[Tensor, ""] | float,
) -> Float[Tensor, ""]:
    """CLIP's loss where a picture must find its caption among h hard negative captions as well.

    They are more columns for picture to text, for every picture of the batch, and no rows: no picture belongs to them.

    >>> same = torch.eye(2)
    >>> negclip_loss(same, same, same[:0], 1.0) == clip_loss(same, same, 1.0)
    tensor(True)
    """
    to_text = scale * images @ torch.cat([texts, hard_texts]).T  # b b+h
    to_image = scale * texts @ images.T  # b b
    pairs = torch.arange(len(images), device=images.device)
    return (functional.cross_entropy(to_text, pairs) + functional.cross_entropy(to_image, pairs)) / 2


def own_negatives_loss(
    images: Float[Tensor, "b d"],
    texts: Float[Tensor, "b d"],
    hard_texts: Float[Tensor, "b k d"],
    scale: Float[Tensor, ""] | float,
) -> Float[Tensor, ""]:
    """Cross-entropy of each picture's caption against the k hard negatives that were made from it, and no others.

    Added to `clip_loss` it is a variant of NegCLIP. There the hard negatives are columns beside all the captions of the
    batch, for every picture: nearly all of them are easy. Here each picture has a softmax of its own over 1 + k, and
    the question of order is not drowned by the question of who is in the picture.

    >>> same, other = torch.eye(2), torch.eye(2).flip(0)
    >>> round(own_negatives_loss(same, same, other[:, None], 1.0).item(), 4)
    0.3133
    """
    choices = torch.cat([texts[:, None], hard_texts], 1)  # b 1+k d
    logits = scale * (images[:, None] * choices).sum(-1)
    return functional.cross_entropy(logits, torch.zeros_like(logits[:, 0], dtype=torch.long))


def unit(features: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    """Divide by the length; a vector of zeros stays zeros.

    >>> unit(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """
    return functional.normalize(features, dim=-1)


def gather(features: Float[Tensor, "b d"]) -> Float[Tensor, "all d"]:
    """The rows of all processes, in the order of their ranks; the same rows where there is one process.

    Gradients flow back to the process that a row came from, summed over the processes: with the mean over processes
    that data-parallel training takes of gradients, n processes give the gradient of one process with the whole batch.
    Every process needs the same b.

    >>> gather(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    if not (distributed.is_available() and distributed.is_initialized()) or distributed.get_world_size() == 1:
        return features
    return _Gather.apply(features)


class _Gather(torch.autograd.Function):
    """all_gather, and as its derivative: sum over processes, take one's own part."""

    @staticmethod
    def forward(ctx, features: Tensor) -> Tensor:
        parts = [torch.empty_like(features) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, features.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        gradient = gradient.clone().contiguous()  # autograd's own must stay as it is
        distributed.all_reduce(gradient)
        return gradient.chunk(distributed.get_world_size())[distributed.get_rank()]
