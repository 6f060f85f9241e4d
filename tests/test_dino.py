import pytest
import tiny_dino
import torch
from torch.testing import assert_close

from gk_utils.grounding_dino.set_loss import Targets, grounding_losses, weighted

IMAGES = torch.randn(2, 3, 32, 48, generator=torch.Generator().manual_seed(0))


def targets() -> Targets:
    exists, tokens = torch.tensor([[True, True], [True, False]]), torch.zeros(2, 2, 7).bool()
    tokens[:, 0, 1], tokens[:, 1, 4] = True, True
    return Targets(torch.tensor([[0.3, 0.3, 0.2, 0.2], [0.6, 0.6, 0.3, 0.2]]).repeat(2, 1, 1), tokens, exists)


class TestGroundingDino:
    def test_shapes(self):
        found = tiny_dino.tiny_model()(IMAGES, tiny_dino.IDS, tiny_dino.IDS != 0)
        assert found.logits.shape == (2, 6, 7)
        assert found.boxes_cxcywh.shape == (2, 6, 4)
        assert_close(found.logits[1].isinf().all(0), tiny_dino.IDS[1] == 0)

    def test_padding_reaches_neither_words_nor_the_first_boxes(self):
        """A small picture in a large batch, and a short prompt, are enhanced and searched as they are alone.

        The decoder's boxes then differ a little: where a query is, it is told in fractions of the padded picture.
        """
        model = tiny_dino.tiny_model()
        small = IMAGES[1:, :, :16, :32]
        alone = model(small, tiny_dino.IDS[1:, :4])
        padded, seen = torch.zeros_like(IMAGES), torch.zeros(2, 32, 48, dtype=torch.bool)
        padded[1:, :, :16, :32], padded[0] = small, IMAGES[0]
        seen[1, :16, :32], seen[0] = True, True
        # The group norm of the projections sees the padding: give it the same maps, masked.
        cells, other = model.see(small), model.see(padded, seen)
        inside = other.features.clone()
        inside[1, other.seen[1]] = cells.features[0]
        again = model.find(
            type(other)(inside, other.places, other.seen, other.level_hw, other.valid_wh),
            tiny_dino.IDS,
            tiny_dino.IDS != 0,
        )
        assert_close(again.words.features[1, :4], alone.words.features[0], atol=1e-4, rtol=1e-4)
        assert_close(again.selected.references[1], alone.selected.references[0], atol=1e-4, rtol=0)
        assert 1e-4 < (again.boxes_cxcywh[1] - alone.boxes_cxcywh[0]).abs().max() < 0.05

    def test_see_once_ask_often(self):
        model = tiny_dino.tiny_model()
        cells = model.see(IMAGES)
        together = model.find(cells.of(torch.tensor([0, 1])), tiny_dino.IDS, tiny_dino.IDS != 0)
        assert_close(together.logits, model(IMAGES, tiny_dino.IDS, tiny_dino.IDS != 0).logits)

    def test_denoising_does_not_reach_the_real_queries(self):
        """No answer leaks: with and without the noised boxes the queries say the same."""
        model = tiny_dino.tiny_model(denoising_groups=2)
        cells = model.see(IMAGES)
        found = model.find(cells, tiny_dino.IDS, tiny_dino.IDS != 0, targets())
        without = model.find(cells, tiny_dino.IDS, tiny_dino.IDS != 0)
        assert found.denoised.boxes_cxcywh.shape == (2, 2, 8, 4)
        assert without.noised is None
        assert_close(found.boxes_cxcywh, without.boxes_cxcywh, atol=1e-5, rtol=0)
        assert_close(found.logits, without.logits, atol=1e-5, rtol=1e-5)

    def test_everything_learns(self):
        model = tiny_dino.tiny_model()
        found = model(IMAGES, tiny_dino.IDS, tiny_dino.IDS != 0)
        weighted(grounding_losses(found.decoded, found.selected, targets())).sum().backward()
        idle = [name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()]
        assert idle == []
        assert all(value.grad.isfinite().all() for value in model.parameters())

    def test_too_many_tokens(self):
        with pytest.raises(ValueError, match="input_ids: expected at most 16 tokens, got 17"):
            tiny_dino.tiny_model()(IMAGES, torch.ones(2, 17).long())
