import pytest
import torch
from tiny_sam import TINY, perturbed
from torch.testing import assert_close

from gk_utils.segment_anything.mini_sam import build_sam
from gk_utils.segment_anything.sam import MEAN, SegmentAnything


@pytest.fixture(scope="module")
def sam() -> SegmentAnything:
    return perturbed(build_sam(TINY))


class TestSegmentAnything:
    def test_pictures_are_normalised(self, sam):
        grey = torch.tensor(MEAN)[None, :, None, None].expand(1, 3, 64, 64)
        moved = sam.mean - torch.tensor(MEAN)[:, None, None]  # the fixture moves every number, these two as well
        with torch.no_grad():
            assert_close(sam.embed(grey), sam.image_encoder(-moved.expand(1, 3, 64, 64) / sam.spread))

    def test_prompts_of_one_picture_do_not_meet(self, sam):
        embedding = torch.randn(1, 32, 8, 8, generator=torch.Generator().manual_seed(0))
        points, labels = torch.tensor([[[8.0, 9.0]], [[30.0, 40.0]]]), torch.tensor([[1], [0]])
        with torch.no_grad():
            both = sam.ask(embedding.expand(2, -1, -1, -1), points, labels)
            alone = sam.ask(embedding, points[1:], labels[1:])
        assert_close(both.logits[1:], alone.logits)
        assert_close(both.iou[1:], alone.iou)

    def test_the_embedding_learns_from_a_prompt(self, sam):
        embedding = torch.zeros(1, 32, 8, 8, requires_grad=True)
        sam.ask(embedding, torch.zeros(1, 1, 2), torch.ones(1, 1).long()).logits.sum().backward()
        assert embedding.grad.abs().sum() > 0

    def test_its_statistics_are_no_weights(self, sam):
        assert not {"mean", "spread"} & sam.state_dict().keys()
