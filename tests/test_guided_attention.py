import math

import torch

from gk_utils.models.vlm import VisionLanguageModel, VLMSettings
from gk_utils.shikra.guided_attention import forward_with_attention, guide_loss, patches_of


def model() -> VisionLanguageModel:
    torch.manual_seed(0)
    return VisionLanguageModel(VLMSettings(tokens=20, feature_width=6, width=16, heads=2, layers=3, inner=16))


class TestForwardWithAttention:
    def test_logits_are_the_models(self):
        vlm, features, tokens = model(), torch.randn(2, 5, 6), torch.randint(20, (2, 7))
        seen = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
        logits, shares = forward_with_attention(vlm, features, tokens, seen, (0, 1))
        torch.testing.assert_close(logits, vlm(features, tokens, seen))
        assert [share.shape for share in shares] == [(2, 2, 7, 5)] * 2

    def test_shares_are_those_of_the_first_head(self):
        """Make a head's values count its patches, and read off its output what it looked at."""
        vlm, features, tokens = model(), torch.randn(1, 4, 6), torch.randint(20, (1, 3))
        seen = torch.ones(1, 4, dtype=torch.bool)
        layer = vlm.layers[0]
        x = torch.cat([vlm.projector(features), vlm.embedding(tokens)], 1)
        log_shares = forward_with_attention(vlm, features, tokens, seen, (0,))[1][0][:, 0]
        normed = layer.norm_attention(x)
        query, key = (linear(normed)[0, :, :8] for linear in (layer.query, layer.key))
        from gk_utils.models.vlm import rotate, rotations

        turns = rotations(torch.arange(7)[None], vlm.settings)
        query, key = (rotate(each[None, None], turns)[0, 0] for each in (query, key))
        for place in range(3):
            at = 4 + place
            scores = query[at] @ key[: at + 1].T / math.sqrt(8)
            torch.testing.assert_close(log_shares[0, place], scores.log_softmax(0)[:4])

    def test_padding_gets_nothing(self):
        vlm, seen = model(), torch.tensor([[True, False]])
        shares = forward_with_attention(vlm, torch.randn(1, 2, 6), torch.tensor([[1, 2]]), seen, (1,))[1][0]
        assert shares[0, :, :, 1].exp().max() == 0


class TestGuideLoss:
    def test_known(self):
        shares = torch.tensor([[[[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]]]]).clamp(min=1e-9).log()
        target = torch.tensor([[[True, True, False], [False, False, False]]])
        loss, share = guide_loss(shares, target)
        assert math.isclose(loss.item(), -math.log(0.75), rel_tol=1e-5)
        assert math.isclose(share.item(), 0.75, rel_tol=1e-5)

    def test_without_targets(self):
        loss, share = guide_loss(torch.zeros(1, 1, 2, 3), torch.zeros(1, 2, 3, dtype=torch.bool))
        assert loss == 0
        assert share == 0

    def test_gradient_is_finite(self):
        scores = torch.randn(1, 1, 2, 3, requires_grad=True)
        guide_loss(scores.log_softmax(-1), torch.tensor([[[True, False, False]] * 2]))[0].backward()
        assert torch.isfinite(scores.grad).all()
        assert scores.grad[0, 0, 0, 0] < 0


class TestPatchesOf:
    def test_known(self):
        things = torch.tensor([[[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]]])
        patches = torch.tensor(
            [[[0.0, 0.0, 0.5, 0.45], [0.5, 0.5, 1.0, 0.9], [0.2, 0.2, 0.9, 0.9], [0.0, 0.0, 0.5, 0.5]]]
        )
        found = patches_of(patches, things, torch.tensor([[True, True, True, False]]))
        assert found.tolist() == [[[True, False, False, False], [False, True, False, False]]]

    def test_what_cannot_be_seen_has_none(self):
        found = patches_of(torch.zeros(1, 2, 4), torch.zeros(1, 1, 4), torch.zeros(1, 2, dtype=torch.bool))
        assert not found.any()
