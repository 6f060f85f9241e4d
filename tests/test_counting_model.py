"""The counting networks."""

import pytest
import torch

from gk_utils.counting.counting_model import KINDS, KINDS_READ, CountingNet, build_counter
from gk_utils.counting.exemplar_prompts import Prompts

IMAGES = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(0))
BOXES = [torch.tensor([[4.0, 4, 12, 12]]), torch.tensor([[0.0, 0, 8, 8], [8, 8, 20, 20]])]


def net_of(kind: str) -> CountingNet:
    torch.manual_seed(1)
    return CountingNet(kind, width=8, blocks=1).eval()


class TestCountingNet:
    @pytest.mark.parametrize("kind", KINDS)
    def test_answers(self, kind):
        answers = net_of(kind)(IMAGES, Prompts.one_each([1, 2], BOXES))
        assert answers.count.shape == (2,)
        assert (answers.count >= 0).all()
        if answers.density is not None:
            assert answers.density.shape == (2, 8, 12)
            assert torch.allclose(answers.density.sum((1, 2)), answers.count)
        assert (answers.logits is not None) == (kind == "set")

    def test_kinds_and_what_they_read(self):
        assert KINDS_READ["text_blind"] == (False, False)
        counted = {
            kind: net_of(kind)(IMAGES, Prompts.one_each([1, 2], BOXES)).count
            - net_of(kind)(IMAGES, Prompts.one_each([5, 6], BOXES)).count
            for kind in KINDS
        }
        read = {kind for kind, apart in counted.items() if apart.abs().sum() > 0}
        assert read == {kind for kind, (words, _) in KINDS_READ.items() if words}

    def test_sum_pooling_adds_up_and_mean_pooling_does_not(self):
        """A wall of one colour, twice as wide: the sum is twice as large, but for the border; the mean is the same."""
        narrow, wide = torch.full((1, 3, 64, 256), 0.6), torch.full((1, 3, 64, 512), 0.6)
        ratios = {
            kind: (net_of(kind)(wide, Prompts.one_each([1])).count / net_of(kind)(narrow, Prompts.one_each([1])).count)
            for kind in ("pooled", "pooled_sum", "density")
        }
        assert ratios["pooled"].item() == pytest.approx(1, abs=0.1)
        assert ratios["pooled_sum"].item() == pytest.approx(2, abs=0.1)
        assert ratios["density"].item() == pytest.approx(2, abs=0.1)

    def test_a_place_does_not_know_what_is_far_away(self):
        """The density in the left part stays the same when the right end of a wide picture changes."""
        net, wide = net_of("density"), torch.rand(1, 3, 32, 512)
        other = wide.clone()
        other[..., 448:] = 0
        first, second = (net(image, Prompts.one_each([1])).density for image in (wide, other))
        assert torch.allclose(first[..., :32], second[..., :32], atol=1e-6)
        assert not torch.allclose(first[..., 112:], second[..., 112:])

    @pytest.mark.parametrize("kind", ["pooled", "set", "text_exemplar"])
    def test_gradient(self, kind):
        net = net_of(kind).train()
        net(IMAGES, Prompts.one_each([1, 2], BOXES)).count.sum().backward()
        missing = {name for name, value in net.named_parameters() if value.grad is None}
        assert not missing

    def test_names_its_cells_while_it_learns(self):
        net = net_of("density")
        assert net(IMAGES, Prompts.one_each([1, 2])).names is None
        assert net.train()(IMAGES, Prompts.one_each([1, 2])).names.shape == (2, 15, 8, 12)

    def test_unknown_kind(self):
        with pytest.raises(ValueError, match="kind: expected one of 'pooled'"):
            CountingNet("guess")


class TestBuildCounter:
    def test_sizes(self):
        small, large = (build_counter({"kind": "set", "width": width, "blocks": 1}) for width in (8, 16))
        count = [sum(value.numel() for value in net.parameters()) for net in (small, large)]
        assert count[1] > 3 * count[0]
