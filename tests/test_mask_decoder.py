import pytest
import torch
from tiny_sam import TINY, perturbed
from torch.testing import assert_close

from gk_utils.segment_anything.mask_decoder import Decoded, MaskDecoder, Mlp
from gk_utils.segment_anything.mini_sam import build_sam


@pytest.fixture(scope="module")
def decoder() -> MaskDecoder:
    return perturbed(MaskDecoder(build_sam(TINY).settings))


def said_of(decoder: MaskDecoder) -> Decoded:
    generator = torch.Generator().manual_seed(0)
    cells, places, tokens = (
        torch.randn(shape, generator=generator) for shape in ((2, 32, 8, 8), (32, 8, 8), (2, 3, 32))
    )
    with torch.no_grad():
        return decoder(cells, places, tokens)


class TestDecoded:
    def test_parts(self):
        said = Decoded(torch.arange(4.0).view(1, 4, 1, 1), torch.arange(4.0)[None])
        assert (said.single.iou.tolist(), said.readings.logits.flatten().tolist()) == ([[0]], [1, 2, 3])


class TestMlp:
    def test_relu_between_but_not_behind(self):
        mlp = Mlp(1, 1, 1)
        with torch.no_grad():
            for layer, weight in zip(mlp.layers, (1.0, -2.0), strict=True):
                layer.weight.fill_(weight)
                layer.bias.zero_()
        assert mlp(torch.tensor([[3.0], [-3.0]])).flatten().tolist() == [-6, 0]


class TestMaskDecoder:
    def test_four_masks_at_four_times_the_resolution(self, decoder):
        said = said_of(decoder)
        assert said.logits.shape == (2, 4, 32, 32)
        assert said.iou.shape == (2, 4)

    def test_the_single_mask_is_none_of_the_three(self, decoder):
        said = said_of(decoder)
        assert all((said.logits[:, 0] - said.logits[:, k]).abs().max() > 1e-3 for k in (1, 2, 3))

    def test_a_mask_is_a_linear_classifier_of_its_own(self):
        decoder = perturbed(MaskDecoder(build_sam(TINY).settings))
        before = said_of(decoder).logits
        with torch.no_grad():
            decoder.hypernetworks[2].layers[-1].weight.mul_(2)
            decoder.hypernetworks[2].layers[-1].bias.mul_(2)
        after = said_of(decoder).logits
        assert_close(after[:, 2], 2 * before[:, 2])
        assert_close(after[:, [0, 1, 3]], before[:, [0, 1, 3]])
