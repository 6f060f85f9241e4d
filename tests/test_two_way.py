import torch
from tiny_sam import TINY, perturbed
from torch.testing import assert_close

from gk_utils.segment_anything.mini_sam import build_sam
from gk_utils.segment_anything.two_way import NarrowAttention, TwoWayLayer, TwoWayTransformer

SETTINGS = build_sam(TINY).settings


def some(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


class TestNarrowAttention:
    def test_is_attention_head_by_head(self):
        layer, asking, keys, values = perturbed(NarrowAttention(8, 2, shrink=2)), some(1, 3, 8), *some(2, 1, 5, 8)
        with torch.no_grad():
            query, key, value = layer.query(asking[0]), layer.key(keys[0]), layer.value(values[0])
            heads = [slice(0, 2), slice(2, 4)]
            read = [(query[:, h] @ key[:, h].T / 2**0.5).softmax(1) @ value[:, h] for h in heads]
            assert_close(layer(asking, keys, values)[0], layer.project(torch.cat(read, 1)))


class TestTwoWayLayer:
    def test_both_sides_read_from_each_other(self):
        layer = perturbed(TwoWayLayer(SETTINGS, first=False))
        tokens, cells = some(1, 3, 32).requires_grad_(), some(1, 9, 32, seed=1).requires_grad_()
        out_tokens, out_cells = layer(tokens, cells, some(1, 3, 32, seed=2), some(9, 32, seed=3))
        (from_cells,) = torch.autograd.grad(out_tokens.square().sum(), cells, retain_graph=True)
        (from_tokens,) = torch.autograd.grad(out_cells.square().sum(), tokens)
        assert from_cells.abs().sum() > 0
        assert from_tokens.abs().sum() > 0

    def test_the_order_of_tokens_does_not_matter(self):
        layer = perturbed(TwoWayLayer(SETTINGS, first=True))
        tokens, cells, places = some(1, 4, 32), some(1, 9, 32, seed=1), some(9, 32, seed=3)
        order = torch.tensor([2, 0, 3, 1])
        with torch.no_grad():
            before = layer(tokens, cells, tokens, places)
            after = layer(tokens[:, order], cells, tokens[:, order], places)
        assert_close(after[0], before[0][:, order])
        assert_close(after[1], before[1])


class TestTwoWayTransformer:
    def test_prompts_of_a_batch_do_not_meet(self):
        transformer = perturbed(TwoWayTransformer(SETTINGS))
        tokens, cells, places = some(2, 3, 32), some(2, 9, 32, seed=1), some(9, 32, seed=3)
        with torch.no_grad():
            both = transformer(tokens, cells, places)
            alone = transformer(tokens[1:], cells[1:], places)
        assert_close(both[0][1:], alone[0])
        assert_close(both[1][1:], alone[1])

    def test_only_the_first_layer_leaves_places_out(self):
        assert [layer.first for layer in TwoWayTransformer(SETTINGS).layers] == [True, False]
