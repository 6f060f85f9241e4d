import torch
from torch.testing import assert_close

from gk_utils.ferret.region_sampler import SamplerSettings, SpatialAwareVisualSampler
from gk_utils.ferret.slow_sampler import sampler_loop


class TestSamplerLoop:
    def test_by_hand(self):
        """One point of a map of one cell: what is left of the block is its norm of the anchor's part."""
        sampler = SpatialAwareVisualSampler(SamplerSettings(2, 1, points=1, kept=(1,), neighbours=(1,))).double()
        block = sampler.blocks[0]
        with torch.no_grad():
            for value in sampler.parameters():
                value.zero_()
            block.aggregate.weight[0, 4] = 1.0  # the first feature of the anchor
            block.norm.weight.fill_(1.0)
            sampler.flatten.weight[0, 0] = 1.0
            sampler.project.weight[0, 0] = 3.0
            features = torch.tensor([[[5.0]], [[7.0]]]).double()
            said = sampler_loop(sampler, features, torch.tensor([[0.5, 0.5]]).double())
        # ReLU gives (5, 0); the norm makes (1, -1) of that.
        assert_close(said, torch.tensor([3.0]).double(), rtol=0, atol=1e-5)
