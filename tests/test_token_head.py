import pytest
import torch
from torch.nn import functional

from gk_utils.box_tokens.bins import Bins, decode_bins, encode_bins
from gk_utils.box_tokens.token_head import TokenHead
from gk_utils.heads.lookups import Lookups

BOXES = torch.tensor([[0.1, 0.2, 0.5, 0.6], [0.0, 0.0, 1.0, 1.0], [0.3, 0.3, 0.3, 0.9], [0.0, 0.0, 0.0, 0.0]])


@pytest.fixture
def lookups() -> Lookups:
    features = torch.randn(4, 9 + 3, 16, generator=torch.Generator().manual_seed(0))
    words = torch.tensor([[True, True, True], [True, False, False], [True, True, False], [True, True, True]])
    return Lookups(features, words, BOXES, torch.tensor([True, True, True, False]), torch.zeros(4))


@pytest.fixture
def head() -> TokenHead:
    torch.manual_seed(0)
    return TokenHead(16, bins=32, heads=2)


class TestLoss:
    def test_equals_the_slow_loop(self, head: TokenHead, lookups: Lookups):
        """One expression and one token at a time; the absent one does not count."""
        lost, hits = [], []
        for row in range(3):
            tokens = encode_bins(lookups.boxes_unit[row], (1.0, 1.0), Bins(32)).tolist()
            n = 9 + int(lookups.words_seen[row].sum())
            for k in range(4):
                so_far = torch.tensor([[32, *tokens[:k]]])
                logits = head.decoder(lookups.features[row, None, :n], so_far)[0, -1]
                lost.append(functional.cross_entropy(logits, torch.tensor(tokens[k])))
                hits.append(float(logits.argmax() == tokens[k]))
        found = head.loss(lookups)
        torch.testing.assert_close(found["loss"], torch.stack(lost).mean(), rtol=1e-4, atol=1e-4)
        assert found["hit"] == pytest.approx(sum(hits) / 12)

    def test_nothing_to_learn_from(self, head: TokenHead, lookups: Lookups):
        nobody = Lookups(lookups.features, lookups.words_seen, BOXES, torch.zeros(4, dtype=torch.bool), lookups.none)
        loss = head.loss(nobody)["loss"]
        loss.backward()
        assert loss == 0


class TestAnswer:
    def test_only_boxes_are_written(self, lookups: Lookups):
        """Of heads with random weights, of which one in six would write four tokens in a right order."""
        for seed in range(20):
            torch.manual_seed(seed)
            head = TokenHead(16, bins=8, heads=2)
            for parameter in head.parameters():
                parameter.data.normal_()
            answered = head.answer(lookups, (100, 200))
            assert (answered.boxes[:, :2] <= answered.boxes[:, 2:]).all()
            assert answered.boxes.amax(0)[2] <= 200
            assert answered.boxes.amax(0)[3] <= 100
            assert answered.readable.all()
            assert answered.tokens.tolist() == [4] * 4

    def test_it_learns_three_boxes(self, head: TokenHead, lookups: Lookups):
        optimizer = torch.optim.Adam(head.parameters(), 1e-2)
        for _ in range(60):
            optimizer.zero_grad()
            head.loss(lookups)["loss"].backward()
            optimizer.step()
        for beams in (1, 3):
            answered = head.answer(lookups, (128, 128), beams=beams)
            expected = decode_bins(encode_bins(BOXES[:3], (1.0, 1.0), Bins(32)), (128, 128), Bins(32))
            torch.testing.assert_close(answered.boxes[:3], expected)
        assert answered.texts[1] == "<0> <0> <31> <31>"


class TestAllowed:
    @pytest.mark.parametrize(
        ("written", "expected"),
        [([], [1, 1, 1, 1, 0]), ([2], [1, 1, 1, 1, 0]), ([2, 1], [0, 0, 1, 1, 0]), ([2, 1, 3], [0, 1, 1, 1, 0])],
    )
    def test_by_hand(self, written: list[int], expected: list[int]):
        head = TokenHead(8, bins=4, heads=2)
        assert head.allowed(torch.tensor([written], dtype=torch.long))[0].int().tolist() == expected


class TestFreshEmbeddings:
    def test_close_bins_are_alike_and_far_ones_are_not(self):
        torch.manual_seed(0)
        head = TokenHead(64, bins=128)
        bins = head.decoder.embedding.weight[:128]
        near, far = (torch.cosine_similarity(bins[:-k], bins[k:]).mean().item() for k in (1, 64))
        assert near > 0.8
        assert abs(far) < 0.3
        assert len(head.decoder.embedding.weight) == 129  # the start is no bin
