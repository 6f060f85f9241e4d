"""A trial that takes seconds: whether patches, and one vector of a picture, say where each thing stands.

Notebook: 11.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gk_utils.countertop.scene import Scene
from gk_utils.countertop.things import CATEGORIES


@dataclass(frozen=True, eq=False)
class Places:
    """Where the things of some scenes stand, those whose category is there once.

    Attributes:
        scene: which scene each is of; category: its number in CATEGORIES.
        x: from the left side of the picture, 0 to 1.
    """

    scene: Int[Tensor, " n"]
    category: Int[Tensor, " n"]
    x: Float[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.x)


def places_of(scenes: Sequence[Scene]) -> Places:
    """List the things that a category names alone.

    >>> from gk_utils.countertop.scene import draw_scene
    >>> places = places_of([draw_scene(0, n=2, wanted=[{"category": "mug"}, {"category": "cat"}])])
    >>> sorted(CATEGORIES[number] for number in places.category.tolist())
    ['cat', 'mug']
    """
    rows = []
    for number, scene in enumerate(scenes):
        named = [thing.category for thing in scene.things]
        rows += [
            (number, CATEGORIES.index(thing.category), thing.x)
            for thing in scene.things
            if named.count(thing.category) == 1
        ]
    scene, category, x = (torch.tensor(column) for column in zip(*rows, strict=True))
    return Places(scene, category, x.float())


class VectorReader(nn.Module):
    """One direction for each category: its product with a picture's vector is where that thing stands.

    >>> VectorReader(8)(torch.zeros(2, 8), torch.tensor([0, 3]))
    tensor([0.5000, 0.5000], grad_fn=<IndexBackward0>)
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.directions = nn.Linear(width, len(CATEGORIES))
        nn.init.zeros_(self.directions.weight)
        nn.init.constant_(self.directions.bias, 0.5)

    def forward(self, vectors: Float[Tensor, "n d"], category: Int[Tensor, " n"]) -> Float[Tensor, " n"]:
        """X of the thing of this category in each picture."""
        return self.directions(vectors)[torch.arange(len(category)), category]


class PatchReader(nn.Module):
    """One query for each category: a softmax over the patches, and the mean of their x with these shares.

    >>> PatchReader(8)(torch.zeros(2, 16, 8), torch.tensor([0, 3]))
    tensor([0.5000, 0.5000], grad_fn=<SumBackward1>)
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.queries = nn.Linear(width, len(CATEGORIES))
        nn.init.zeros_(self.queries.weight)

    def forward(self, patches: Float[Tensor, "n p d"], category: Int[Tensor, " n"]) -> Float[Tensor, " n"]:
        """X of the thing of this category in each picture; the patches are a square, in rows from the top left."""
        n = round(patches.shape[1] ** 0.5)
        x = ((torch.arange(n) + 0.5) / n).repeat(n)
        shares = self.queries(patches)[torch.arange(len(category)), :, category].softmax(1)
        return (shares * x).sum(1)


def train_where(
    reader: VectorReader | PatchReader,
    features: Float[Tensor, "s *p d"],
    places: Places,
    steps: int = 300,
    seed: int = 0,
) -> list[float]:
    """Teach a reader where things stand, 256 of them a step; the mean error along x of each step's.

    Args:
        reader: what is trained, in place.
        features: of the scenes, vectors or patches.
        places: what to learn.
        steps: of AdamW.
        seed: of the choice of things.
    """
    random = torch.Generator().manual_seed(seed)
    optimizer, errors = torch.optim.AdamW(reader.parameters(), 0.02, weight_decay=0.05), []
    for _ in range(steps):
        some = torch.randint(len(places), (256,), generator=random)
        said = reader(features[places.scene[some]], places.category[some])
        error = (said - places.x[some]).abs().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    return errors


@torch.no_grad()
def side_by_side(
    reader: VectorReader | PatchReader, features: Float[Tensor, "s *p d"], places: Places
) -> tuple[Bool[Tensor, " n"], Int[Tensor, " n"]]:
    """For each two things of a scene, 0.1 apart or more: is the left one said to be left? And which scene it is."""
    said = reader(features[places.scene], places.category)
    pairs = (places.scene[:, None] == places.scene) & (places.x[:, None] + 0.1 <= places.x)  # row is left of column
    left, right = pairs.nonzero().T
    return said[left] < said[right], places.scene[left]
