import pytest
import torch
from torch.testing import assert_close

from gk_utils.ferret.two_resolutions import cut_tiles, join_tiles, see_pictures
from gk_utils.models.trunk import Trunk, TrunkSettings


def tiny_trunk() -> Trunk:
    torch.manual_seed(0)
    return Trunk(TrunkSettings(("the",), image_side=32, patch=8, width=24, heads=2)).eval()


class TestTiles:
    def test_by_hand(self):
        image = torch.arange(16.0).view(1, 1, 4, 4).expand(1, 3, 4, 4)
        assert cut_tiles(image)[1, 0].tolist() == [[2, 3], [6, 7]]

    def test_back_again(self):
        images = torch.rand(3, 3, 6, 8)
        tiles = cut_tiles(images)
        rows = [
            torch.cat([tiles[4 * k + 2 * row], tiles[4 * k + 2 * row + 1]], -1) for k in range(3) for row in range(2)
        ]
        assert_close(torch.stack([torch.cat(rows[2 * k : 2 * k + 2], 1) for k in range(3)]), images)
        square = torch.rand(2, 3, 6, 6)
        assert join_tiles(cut_tiles(square)).equal(square)

    def test_errors(self, unhooked):
        with pytest.raises(ValueError, match="images: expected even sides, got 5 x 4"):
            cut_tiles(torch.zeros(1, 3, 5, 4))


class TestSeePictures:
    def test_the_map_lies_as_the_picture_does(self):
        trunk, images, large = tiny_trunk(), torch.rand(2, 3, 32, 32), torch.rand(2, 3, 64, 64)
        seen = see_pictures(trunk, images, large)
        assert_close(seen.whole[1, :, 2, 3], trunk.see(images).features[1, 2 * 4 + 3])
        lower_right = trunk.see(large[1:, :, 32:, 32:]).features[0]
        assert_close(seen.tiles[1, :, 4 + 1, 4 + 2], lower_right[1 * 4 + 2], rtol=1e-4, atol=1e-5)
        assert see_pictures(trunk, images).tiles is None
