import pytest
import torch

from gk_utils.labs.pooling_trial import (
    KINDS,
    START,
    PooledHead,
    draw_patches,
    say,
    side_by_side,
    train_head,
    with_usual,
)


@pytest.fixture(scope="module")
def patches():
    return draw_patches(START, 16, 1, 6)


class TestDrawPatches:
    def test_numbers_and_kinds(self, patches):
        assert patches.features.shape == (16, 64, 128)
        assert patches.kinds.tolist() == [(START + row) % len(KINDS) for row in range(16)]
        assert 1 <= patches.counts.min() <= patches.counts.max() <= 6
        assert draw_patches(START, 3, 7, 7, kind="apple").counts.tolist() == [7, 7, 7]

    def test_the_same_seed_gives_the_same(self, patches):
        again = draw_patches(START, 2, 1, 6)
        torch.testing.assert_close(again.features, patches.features[:2], atol=1e-4, rtol=1e-4)

    def test_error_text(self):
        with pytest.raises(ValueError, match=r"^kind: expected one of"):
            draw_patches(START, 1, 1, 2, kind="cat")


class TestWithUsual:
    def test_only_the_usual_ones_change(self, patches):
        usual = with_usual(patches, START, {"apple": 3})
        apples = patches.kinds == KINDS.index("apple")
        assert (usual.counts[apples] == 3).all()
        assert usual.features[~apples].equal(patches.features[~apples])
        assert usual.counts[~apples].equal(patches.counts[~apples])


class TestSideBySide:
    def test_counts_add_up(self, patches):
        both = side_by_side(patches)
        assert both.features.shape == (8, 128, 128)
        assert both.counts.sum() == patches.counts.sum()


class TestPooledHead:
    def test_sum_is_additive_and_mean_is_not(self, patches):
        """Two pictures as one: a sum says the sum, whatever the weights; a mean stays between."""
        torch.manual_seed(0)
        sums, means = PooledHead("sum", 128), PooledHead("mean", 128)
        for head, expected in ((sums, 2.0), (means, 1.0)):
            twice = torch.cat([patches.features[:1]] * 2, 1)
            torch.testing.assert_close(head(twice), expected * head(patches.features[:1]), rtol=1e-4, atol=1e-4)

    def test_attention_of_twice_the_same_is_the_same(self, patches):
        torch.manual_seed(0)
        head = PooledHead("attention", 128)
        twice = torch.cat([patches.features[:1]] * 2, 1)
        torch.testing.assert_close(head(twice), head(patches.features[:1]), rtol=1e-4, atol=1e-4)

    def test_error_text(self, unhooked):
        with pytest.raises(ValueError, match=r"^pool: expected one of 'mean', 'attention', 'sum'"):
            PooledHead("max", 8)


class TestTrainHead:
    def test_learns_its_pictures(self, patches):
        before = (say(train_head(patches, "sum", steps=2), patches) - patches.counts).abs().mean()
        after = (say(train_head(patches, "sum", steps=120), patches) - patches.counts).abs().mean()
        assert after < 0.5 < before
