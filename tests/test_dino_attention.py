import pytest
import torch
from torch import nn
from torch.testing import assert_close

from gk_utils.grounding_dino.dino_attention import (
    Attention,
    DeformableAttention,
    InnerNetwork,
    Mlp,
    box_head,
    sine_features,
)

LEVELS = ((4, 6), (2, 3))


class TestSineFeatures:
    @pytest.mark.parametrize("k", [1, 2, 4])
    def test_equals_transformers(self, k):
        from transformers.models.grounding_dino import modeling_grounding_dino as library

        places = torch.rand(3, 5, k, generator=torch.Generator().manual_seed(0))
        want = library.encode_sinusoidal_position_embedding(places, 8)
        assert_close(sine_features(places, 8), want)

    def test_by_hand(self):
        """A quarter of the way the slowest-turning pair stands at 90 degrees; y comes before x."""
        assert_close(
            sine_features(torch.tensor([[0.25, 0.5]]), 2), torch.tensor([[0.0, -1.0, 1.0, 0.0]]), atol=1e-6, rtol=0
        )

    def test_a_smaller_temperature_turns_the_others_faster(self):
        fast, slow = (sine_features(torch.tensor([[0.25]]), 4, heat)[0, 2] for heat in (20, 10_000))
        assert fast > 10 * slow > 0


class TestAttention:
    def test_equals_torch(self):
        torch.manual_seed(0)
        ours, theirs = Attention(8, 2), nn.MultiheadAttention(8, 2, batch_first=True)
        theirs.in_proj_weight.data = torch.cat([part.weight.data for part in (ours.query, ours.key, ours.value)])
        theirs.in_proj_bias.data = torch.cat([part.bias.data for part in (ours.query, ours.key, ours.value)])
        theirs.out_proj = ours.project
        asking, keys, values = torch.randn(2, 3, 8), torch.randn(2, 5, 8), torch.randn(2, 5, 8)
        attends = torch.rand(2, 3, 5) < 0.5
        attends[..., 0] = True
        want = theirs(asking, keys, values, attn_mask=~attends.repeat_interleave(2, 0))[0]
        assert_close(ours(asking, keys, values, attends), want)

    def test_one_row_for_all_queries(self):
        torch.manual_seed(0)
        reads, x, seen = Attention(8, 2), torch.randn(1, 4, 8), torch.tensor([[[True, True, False, False]]])
        assert_close(reads(x, x, x, seen), reads(x, x[:, :2], x[:, :2]))


class TestDeformableAttention:
    def of(self) -> DeformableAttention:
        torch.manual_seed(0)
        return DeformableAttention(8, 2, levels=2, points=3)

    def test_at_first_each_head_looks_its_own_way(self):
        """Head 0 to the right, head 1 to the left: one, two and three cells away, in each level."""
        offsets = self.of().offsets.bias.detach().view(2, 2, 3, 2)
        assert_close(offsets[0, :, :, 0], torch.tensor([[1.0, 2, 3]]).expand(2, 3))
        assert_close(offsets[1], -offsets[0], atol=1e-6, rtol=0)
        assert_close(offsets[..., 1], torch.zeros(2, 2, 3), atol=1e-6, rtol=0)

    def test_what_is_not_seen_does_not_matter(self):
        reads, seen = self.of(), torch.arange(30)[None] % 3 > 0
        asking, features, references = torch.randn(1, 4, 8), torch.randn(1, 30, 8), torch.rand(1, 4, 2, 2)
        changed = torch.where(seen[..., None], features, 99.0)
        args = (seen, LEVELS, references)
        assert_close(reads(asking, features, *args), reads(asking, changed, *args))
        assert not torch.allclose(reads(asking, features, *args), reads(asking, features + 1, *args))

    def test_a_box_scales_the_offsets_and_a_point_counts_cells(self):
        """A box of 2 / w x 2 / h of a level, with offsets shared by the points, reads as its centre does."""
        reads = DeformableAttention(8, 2, levels=1, points=3)
        nn.init.xavier_uniform_(reads.value.weight)
        asking, features, seen = torch.randn(1, 4, 8), torch.randn(1, 24, 8), torch.ones(1, 24).bool()
        points = torch.rand(1, 4, 1, 2)
        sides = (3 * 2 / torch.tensor([6.0, 4.0])).expand(1, 4, 1, 2)
        at_boxes = reads(asking, features, seen, LEVELS[:1], torch.cat([points, sides], -1))
        assert_close(at_boxes, reads(asking, features, seen, LEVELS[:1], points))

    def test_gradient_reaches_where_to_look(self):
        reads = self.of()
        references = torch.full((1, 4, 2, 4), 0.4, requires_grad=True)
        read = reads(torch.randn(1, 4, 8), torch.randn(1, 30, 8), torch.ones(1, 30).bool(), LEVELS, references)
        read.square().sum().backward()
        assert references.grad.abs().sum() > 0
        assert reads.offsets.weight.grad.abs().sum() > 0


class TestHeads:
    def test_a_box_head_moves_nothing_at_first(self):
        assert_close(box_head(32)(torch.randn(3, 32)), torch.zeros(3, 4))

    def test_mlp(self):
        mlp = Mlp(3, 5, 2)
        x = torch.randn(4, 3)
        want = torch.relu(x @ mlp.layers[0].weight.T + mlp.layers[0].bias) @ mlp.layers[1].weight.T + mlp.layers[1].bias
        assert_close(mlp(x), want)

    def test_an_inner_network_is_a_residual_with_a_norm_behind_it(self):
        inner = InnerNetwork(4, 8)
        nn.init.zeros_(inner.narrow.weight)
        nn.init.zeros_(inner.narrow.bias)
        x = torch.randn(1, 3, 4)
        assert_close(inner(x), nn.functional.layer_norm(x, (4,)))
