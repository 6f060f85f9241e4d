"""Pretraining that keeps where things are: from either vector, say where each thing that the caption names stands.

A phrase of the caption is read by the text tower; a linear map makes of it two directions, one for x and one for y, and
the dot product with the vector of the whole picture is where that thing is. The same directions must find it in the
vector of the whole caption, as well as a caption can say: both vectors then keep a place in the same words.

Source: the article's "layout-aware pretraining" names no method. Boxes of phrases as supervision beside the
contrastive loss: GLIP, Li et al., CVPR 2022, arXiv:2112.03857, section 3. That one vector must do, and that both
vectors share the directions, is this course's.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

WEIGHT = 4.0  # of this loss beside the contrastive one


class Where(nn.Module):
    """Where a phrase's thing is, from a vector of a picture or of a caption: x and y as fractions of the picture.

    >>> Where(16)(torch.zeros(2, 16), torch.zeros(2, 16))
    tensor([[0.5000, 0.7000],
            [0.5000, 0.7000]], grad_fn=<AddBackward0>)
    """

    def __init__(self, space: int) -> None:
        super().__init__()
        self.directions = nn.Linear(space, 2 * space, bias=False)
        self.middle = nn.Parameter(torch.tensor([0.5, 0.7]))

    def forward(self, vectors: Float[Tensor, "n d"], phrases: Float[Tensor, "n d"]) -> Float[Tensor, "n 2"]:
        """One phrase for each vector."""
        directions = self.directions(phrases).unflatten(1, (2, -1)).float()  # n 2 d
        return self.middle + (directions * vectors[:, None]).sum(-1)


def layout_loss(
    where: Where,
    images: Float[Tensor, "n d"],
    texts: Float[Tensor, "n d"],
    phrases: Float[Tensor, "n d"],
    *,
    centres_unit: Float[Tensor, "n 2"],
    known: Bool[Tensor, " n"],
) -> Float[Tensor, ""]:
    """The mean distance along x and y, from the pictures' vectors and from the captions', to where the things are.

    Args:
        where: the shared directions.
        images: vectors of pictures.
        texts: of their captions.
        phrases: of one phrase of each caption.
        centres_unit: x, y of the middle of the phrase's box, as fractions of the picture.
        known: which of them have a box; 0 if none has.

    >>> two, known = torch.zeros(2, 4), torch.tensor([True, False])
    >>> places = torch.tensor([[0.5, 0.9], [0.0, 0.0]])
    >>> layout_loss(Where(4), two, two, two, centres_unit=places, known=known)
    tensor(0.1000, grad_fn=<DivBackward0>)
    """
    wrong = sum((where(vectors, phrases) - centres_unit).abs().mean(1) for vectors in (images, texts)) / 2
    return (wrong * known).sum() / known.sum().clamp(min=1)
