import tiny_dino
import torch
from torch.testing import assert_close

from gk_utils.grounding_dino.cross_decoder import Decoder
from gk_utils.grounding_dino.dino_settings import GroundingDinoSettings


def decode(decoder: Decoder, references: torch.Tensor, attends=None, contents=None):
    torch.manual_seed(3)
    drawn = torch.randn(2, references.shape[1], 32)
    return decoder(
        drawn if contents is None else contents, references, tiny_dino.tiny_cells(), tiny_dino.tiny_words(), attends
    )


REFERENCES = torch.tensor([[0.3, 0.4, 0.2, 0.2], [0.6, 0.5, 0.3, 0.4], [0.5, 0.5, 0.9, 0.9]]).expand(2, 3, 4)


class TestDecoder:
    def test_an_untrained_one_moves_no_box(self):
        decoded = decode(Decoder(tiny_dino.TINY), REFERENCES)
        assert_close(decoded.boxes_cxcywh, REFERENCES.expand(2, 2, 3, 4))
        assert decoded.logits.shape == (2, 2, 3, 7)

    def test_each_layer_starts_where_the_one_before_ended(self):
        decoder = tiny_dino.randomise(Decoder(tiny_dino.TINY))
        both = decode(decoder, REFERENCES)
        assert (both.boxes_cxcywh[1] - both.boxes_cxcywh[0]).abs().max() > 1e-3
        assert_close(both.logits[1].isinf(), both.logits[0].isinf())

    def test_no_gradient_through_a_moved_box(self):
        """The last layer's box teaches the first layer's queries, and not the box head through its own first answer."""
        decoder = tiny_dino.randomise(
            Decoder(GroundingDinoSettings(**{**vars(tiny_dino.TINY), "shared_box_head": False}))
        )
        decode(decoder, REFERENCES).boxes_cxcywh[1].sum().backward()
        assert decoder.box_heads[0].layers[0].weight.grad.abs().sum() == 0
        assert decoder.box_heads[1].layers[0].weight.grad.abs().sum() > 0
        assert decoder.layers[0].inner.widen.weight.grad.abs().sum() > 0

    def test_who_does_not_read_another_is_not_changed_by_it(self):
        decoder = tiny_dino.randomise(Decoder(tiny_dino.TINY))
        apart = torch.block_diag(torch.ones(1, 1), torch.ones(2, 2)).bool().expand(2, 3, 3)
        contents = torch.randn(2, 3, 32)
        changed = contents.clone()
        changed[:, 2] += 1.0
        before, after = (decode(decoder, REFERENCES, apart, x).boxes_cxcywh[-1] for x in (contents, changed))
        assert_close(before[:, 0], after[:, 0])
        assert (before[:, 1] != after[:, 1]).any()

    def test_the_order_of_the_queries_does_not_matter(self):
        decoder, contents = tiny_dino.randomise(Decoder(tiny_dino.TINY)), torch.randn(2, 3, 32)
        turned = decode(decoder, REFERENCES.flip(1), None, contents.flip(1))
        assert_close(turned.boxes_cxcywh.flip(2), decode(decoder, REFERENCES, None, contents).boxes_cxcywh)
