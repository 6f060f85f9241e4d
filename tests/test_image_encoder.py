import pytest
import torch
from tiny_sam import TINY, perturbed
from torch.testing import assert_close

from gk_utils.segment_anything.image_encoder import ChannelNorm, EncoderLayer, ImageEncoder
from gk_utils.segment_anything.mini_sam import build_sam
from gk_utils.segment_anything.windows import join_windows, split_windows

SETTINGS = build_sam(TINY).settings


class TestChannelNorm:
    def test_is_the_norm_of_each_cell(self):
        maps = torch.randn(2, 5, 3, 4, generator=torch.Generator().manual_seed(0))
        norm = perturbed(ChannelNorm(5))
        with torch.no_grad():
            found = norm(maps)
            want = torch.nn.functional.layer_norm(maps[1, :, 2, 3], (5,), norm.weight, norm.bias, 1e-6)
        assert_close(found[1, :, 2, 3], want)


class TestEncoderLayer:
    def test_a_window_is_attended_on_its_own(self):
        layer = perturbed(EncoderLayer(SETTINGS, window=4))
        cells = torch.randn(1, 8, 8, 16, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            found = layer(cells)
            alone = join_windows(torch.cat([layer(one[None]) for one in split_windows(cells, 4)]), (8, 8))
        assert_close(found, alone)

    def test_a_global_layer_sees_everything(self):
        layer = perturbed(EncoderLayer(SETTINGS, window=0))
        cells = torch.randn(1, 8, 8, 16, generator=torch.Generator().manual_seed(0)).requires_grad_()
        layer(cells)[0, 0, 0].sum().backward()
        assert (cells.grad.abs().sum(-1) > 0).all()


class TestImageEncoder:
    def test_a_neighbour_pixel_in_another_patch_matters(self):
        encoder = perturbed(ImageEncoder(SETTINGS))
        images = torch.zeros(1, 3, 64, 64, requires_grad=True)
        encoder(images)[0, :, 0, 0].sum().backward()
        assert images.grad[0, :, -1, -1].abs().sum() > 0

    def test_layers_are_windowed_but_for_the_global_ones(self):
        assert [layer.window for layer in ImageEncoder(SETTINGS).layers] == [3, 0]

    def test_pictures_of_another_size(self, unhooked):
        with pytest.raises(ValueError, match=r"images: expected 64 x 64 pixels, got 64 x 48\. Letterbox them first"):
            ImageEncoder(SETTINGS)(torch.zeros(1, 3, 64, 48))
