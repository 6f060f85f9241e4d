"""Two resolutions, as in Ferret-v2: the whole picture small, and its tiles large, seen by the same eye.

The picture is rendered (or resized) to twice the side, cut into 2 x 2 tiles of the usual side, and each tile is seen as
a picture of its own. Their patches, put together again, are a map of twice as many rows and columns. A point of a
region reads both maps, each goes through a linear layer of its own, and the two are added: what the whole picture
knows, and what only shows near by.

Ferret-v2 sees the whole with CLIP and the tiles with DINOv2. Here both are the course's one trunk, so that what is
gained comes from the resolution.

Source: Zhang et al. 2024, "Ferret-v2", arXiv:2404.07973, section 3.2. Notebook: 14.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gk_utils.models.trunk import Trunk

TILES = 2  # along each side


@dataclass(frozen=True, eq=False)
class SeenPictures:
    """Maps of s pictures.

    Attributes:
        whole: (s d g g) of the whole pictures.
        tiles: (s d 2g 2g) of their tiles put together; None where there is one resolution.
    """

    whole: Float[Tensor, "s d g g"]
    tiles: Float[Tensor, "s d g2 g2"] | None = None


def cut_tiles(images: Float[Tensor, "s 3 _ _"]) -> Float[Tensor, "t 3 _ _"]:
    """The four tiles of each picture, picture after picture, each in the order of reading.

    Raises:
        ValueError: a side that is odd.

    >>> cut_tiles(torch.arange(4.0).view(1, 1, 2, 2).expand(1, 3, 2, 2))[:, 0].flatten().tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    s, _, height, width = images.shape
    if height % TILES or width % TILES:
        raise ValueError(f"images: expected even sides, got {height} x {width}. Resize them.")
    rows = images.view(s, 3, TILES, height // TILES, TILES, width // TILES)
    return rows.permute(0, 2, 4, 1, 3, 5).reshape(s * TILES**2, 3, height // TILES, width // TILES)


def join_tiles(maps: Float[Tensor, "t d g g"]) -> Float[Tensor, "s d g2 g2"]:
    """The maps of tiles put together to those of their pictures: the way back from `cut_tiles`.

    >>> images = torch.rand(2, 3, 4, 4)
    >>> bool((join_tiles(cut_tiles(images)) == images).all())
    True
    """
    t, d, g, _ = maps.shape
    grid = maps.view(t // TILES**2, TILES, TILES, d, g, g).permute(0, 3, 1, 4, 2, 5)
    return grid.reshape(t // TILES**2, d, TILES * g, TILES * g)


@torch.no_grad()
def see_pictures(
    trunk: Trunk, images: Float[Tensor, "s 3 h w"], large: Float[Tensor, "s 3 h2 w2"] | None = None
) -> SeenPictures:
    """What a frozen trunk makes of pictures, and of the same pictures at twice the side, if they are given.

    Raises:
        ValueError: pictures that do not have the trunk's side, or large ones that do not have twice of it.
    """
    rows, columns = trunk.grid_hw
    whole = trunk.see(images).features.transpose(1, 2).unflatten(2, (rows, columns))
    if large is None:
        return SeenPictures(whole)
    tiles = [trunk.see(some).features for some in cut_tiles(large).split(32)]
    return SeenPictures(whole, join_tiles(torch.cat(tiles).transpose(1, 2).unflatten(2, (rows, columns))))
